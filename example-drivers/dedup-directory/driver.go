// Dedup-directory keeps objects in a granted directory, and equal contents once.
//
// A path is a small record that names the digest of its content:
//
//	/data/objects/docker/blob             "sha256:2c26… 3": the object /docker/blob
//	/data/contents/2c/2c26…/content       the content
//	/data/contents/2c/2c26…/by-9f86…      a reference: the path of a record that names this content
//	/data/incoming/TIME-RANDOM            a content on its way in
//
// # What holds at any moment, whoever dies
//
// A record that names a content has a reference there, and what has a reference has its content. So a put makes content,
// reference and record durable in this order, and a removal takes them away in the opposite one. A kill between two steps leaves
// at worst a reference, a content or an incoming file that nothing needs, never a record without its content; sweep.go finds these.
//
// # Locks
//
// The lock of a path orders everything that touches its record and its references. The lock of a digest orders what touches the
// content and the question whether a reference is left. Who holds both took the path's first, and nobody holds two of one sort
// but for a copy, which holds none of its source. So there is no deadlock.
//
// # Trust
//
// The host computes digests, so that no byte enters this driver. A content is checked against its name when it is opened, and when a
// put finds it there already: a damaged one is never handed out, and is mended by the next put of the same bytes.
package main

import (
	"strconv"
	"strings"

	_ "cofferdam/bindings/wit_exports" // what the host calls

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	"github.com/cofferdam/cofferdam/guest-sdk/go/files"
)

func init() {
	cofferdam.Register(&cofferdam.Driver{
		Name:    "dedup-directory",
		Version: "0.1.0",
		Settings: []cofferdam.Setting{
			{Name: "root", Type: "string", Default: "/data", Description: "The directory that holds everything: the name of a directory grant, or a path below one."},
			{Name: "verify", Type: "boolean", Default: "true", Description: "Whether a content is checked against its digest before it is opened; each instance checks a file once."},
			{Name: "sweep-every", Type: "integer", Default: "64", Description: "After how many writes an instance looks through a few contents for what a killed host left; 0: never."},
		},
		Configure: configure,
	})
}

func main() {} // the host calls the store

// store is the driver. What it keeps in memory only saves work.
type store struct {
	root       string
	verify     bool
	sweepEvery uint64

	verified map[string]string // digest of a content that was checked, and its file's stamp then
	writes   uint64            // since the last sweep
	swept    string            // the sort key of the content that the last sweep ended at
}

func configure(settings cofferdam.Settings) (*cofferdam.Stores, error) {
	root := strings.TrimRight(settings["root"], "/")
	below, absolute := strings.CutPrefix(root, "/")
	if !absolute || below == "" {
		return nil, cofferdam.New(cofferdam.InvalidArgument, "the setting root is not the path of a granted directory, such as /data")
	}
	for name := range strings.SplitSeq(below, "/") {
		if name == "" || name == "." || name == ".." {
			return nil, cofferdam.New(cofferdam.InvalidArgument, "the setting root has an empty component, or one that is . or ..")
		}
	}
	every, err := strconv.ParseUint(settings["sweep-every"], 10, 64)
	if err != nil {
		return nil, cofferdam.New(cofferdam.InvalidArgument, "the setting sweep-every is no number from 0")
	}
	s := &store{root: root, verify: settings["verify"] == "true", sweepEvery: every, verified: map[string]string{}}
	return &cofferdam.Stores{
		Claims:  cofferdam.Claim("shared", "put-if-absent", "put-if-match"),
		Health:  s.health,
		Objects: s,
		Copying: s,
	}, nil
}

// health asks for the directory. Below a granted one it comes into being with the first object.
func (s *store) health() error {
	grant := s.root
	if slash := strings.IndexByte(s.root[1:], '/'); slash >= 0 {
		grant = s.root[:slash+1]
	}
	_, err := files.Stat(grant)
	return err
}
