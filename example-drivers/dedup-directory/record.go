// What is at a path: a record that names a content.

package main

import (
	"errors"
	"strconv"
	"strings"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	"github.com/cofferdam/cofferdam/guest-sdk/go/files"
)

// recordMax is more than the longest record: a digest and a 64-bit number.
const recordMax = 128

// digest names a content: the SHA-256 in hexadecimal.
type digest string

// record is what the file of an object says. The zero record is that of nothing.
type record struct {
	digest digest
	size   uint64
	file   files.Info
}

// etag is the digest, as registries write it: equal etags mean equal bytes.
func (r record) etag() string {
	if r.digest == "" {
		return ""
	}
	return "sha256:" + string(r.digest)
}

func (r record) text() string { return r.etag() + " " + strconv.FormatUint(r.size, 10) + "\n" }

// info is what is told about the object: its size is the content's, its time that of the record.
func (r record) info(path string) cofferdam.ObjectInfo {
	return cofferdam.ObjectInfo{Path: path, Size: r.size, Modified: r.file.Modified, ETag: r.etag()}
}

// parse reads a record.
func parse(text string) (record, bool) {
	line, whole := strings.CutSuffix(text, "\n")
	name, size, _ := strings.Cut(line, " ")
	hex, named := strings.CutPrefix(name, "sha256:")
	number, err := strconv.ParseUint(size, 10, 64)
	return record{digest: digest(hex), size: number}, whole && named && isDigest(hex) && err == nil
}

func isDigest(hex string) bool {
	return len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

// recordAt is the file of the record of a path.
func (s *store) recordAt(path string) string { return s.root + "/objects" + path }

// read reads the record of a path.
//
// Errors: NotFound, also where a directory is; Corrupted.
func (s *store) read(path string) (record, error) {
	file, err := files.Open(s.recordAt(path), cofferdam.Whole())
	if errors.Is(err, cofferdam.NotFound) || errors.Is(err, cofferdam.InvalidArgument) {
		return record{}, cofferdam.New(cofferdam.NotFound, "nothing is stored at "+path)
	}
	if err != nil {
		return record{}, err
	}
	defer file.Content.Drop()
	text, err := file.Content.Bytes(recordMax)
	r, whole := parse(string(text))
	if errors.Is(err, cofferdam.InvalidArgument) || err == nil && !whole {
		return record{}, cofferdam.New(cofferdam.Corrupted, "the record of "+path+" is damaged")
	}
	if err != nil {
		return record{}, err
	}
	r.file = file.Info
	return r, nil
}

// present is as read, for a path whose lock is held: the zero record where nothing is.
//
// A directory that a killed call left empty is in nobody's way.
func (s *store) present(path string) (record, error) {
	r, err := s.read(path)
	if !errors.Is(err, cofferdam.NotFound) {
		return r, err
	}
	if info, err := files.Stat(s.recordAt(path)); err == nil && info.IsDirectory() {
		_ = files.Remove(s.recordAt(path)) // with something in it, it stays, and the write is refused
	}
	return record{}, nil
}

// write replaces the record of a path whose lock is held, durably.
func (s *store) write(path string, r record) (record, error) {
	text := cofferdam.FromString(r.text())
	defer text.Drop()
	file, err := files.Replace(s.recordAt(path), text, files.Overwrite)
	r.file = file
	return r, err
}
