// What a killed host leaves: references, contents and incoming files that nothing needs.

package main

import (
	"errors"
	"strconv"
	"strings"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	"github.com/cofferdam/cofferdam/guest-sdk/go/files"
)

const (
	// sweepContents bounds the cost of one sweep.
	sweepContents = 32
	// staleAfter is the age at which an incoming file is nobody's: no call lasts a day.
	staleAfter = 24 * 60 * 60 * 1_000_000_000
)

// stamp names an incoming file: its time in hexadecimal, so that they sort by age, and a random part.
func stamp() string {
	time := strconv.FormatUint(uint64(cofferdam.Now().UnixNano()), 16)
	return strings.Repeat("0", 16-len(time)) + time + "-" + cofferdam.Hex(cofferdam.Random(8))
}

// wrote counts a write, after all locks were given back, and sweeps a little when it is time.
//
// A failure of the sweep is none of the write's: it is logged, and the next sweep goes on behind it.
func (s *store) wrote() {
	if s.writes++; s.sweepEvery == 0 || s.writes < s.sweepEvery {
		return
	}
	s.writes = 0
	if err := errors.Join(s.sweepContents(), s.sweepIncoming()); err != nil {
		cofferdam.Log(cofferdam.Warn, "the sweep stopped: "+err.Error())
	}
}

// sweepContents looks at the next few contents after those of the last sweep. A fresh instance begins anywhere.
func (s *store) sweepContents() error {
	if s.swept == "" {
		random := cofferdam.Hex(cofferdam.Random(1))
		s.swept = random
	}
	var found []digest
	top := s.root + "/contents"
	groups, err := files.Entries(top, "", 256)
	if err != nil {
		return ignoreMissing(err)
	}
	for _, group := range groups {
		if len(found) >= sweepContents {
			break
		}
		if len(group.Name) != 2 || group.Name < s.swept[:2] {
			continue
		}
		after := ""
		if strings.HasPrefix(s.swept, group.Name) && len(s.swept) > 2 {
			after = s.swept + "/"
		}
		contents, err := files.Entries(top+"/"+group.Name, after, sweepContents-len(found))
		if ignoreMissing(err) != nil {
			return err
		}
		for _, content := range contents {
			if isDigest(content.Name) && content.IsDirectory() {
				found = append(found, digest(content.Name))
			}
		}
	}
	s.swept = "00" // all were seen: from the start
	if len(found) >= sweepContents {
		s.swept = string(found[len(found)-1])
	}
	for _, d := range found {
		if err := s.sweepContent(d); err != nil {
			return err
		}
	}
	return nil
}

// sweepContent drops the references of one content whose records name another, and the content if none is left.
func (s *store) sweepContent(d digest) error {
	after := ""
	for {
		entries, err := files.Entries(s.folder(d), after, 256)
		if err != nil {
			return ignoreMissing(err)
		}
		if after == "" && (len(entries) == 0 || entries[0].Name == "content") {
			return s.drop(d, "")
		}
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name, "by-") {
				if err := s.sweepReference(d, s.folder(d)+"/"+entry.Name); err != nil {
					return err
				}
			}
		}
		if len(entries) < 256 {
			return nil
		}
		after = entries[len(entries)-1].SortKey()
	}
}

// sweepReference drops a reference if the record of its path does not name the content. The lock of the path makes sure that no
// put is between its reference and its record.
func (s *store) sweepReference(d digest, reference string) error {
	path, _, err := files.Read(reference, cofferdam.PathMax)
	if err != nil {
		return ignoreMissing(err)
	}
	if cofferdam.CheckPath(string(path)) != nil {
		return cofferdam.New(cofferdam.Corrupted, "the reference "+reference+" is damaged")
	}
	writer, err := files.Lock(s.recordAt(string(path)))
	if err != nil {
		return err
	}
	defer writer.Drop()
	r, err := s.read(string(path))
	if err == nil && r.digest == d {
		return nil
	}
	if ignoreMissing(err) != nil {
		return err // a damaged record may have named it
	}
	return s.drop(d, reference)
}

// sweepIncoming removes the oldest incoming files if their writers must be dead.
func (s *store) sweepIncoming() error {
	entries, err := files.Entries(s.root+"/incoming", "", sweepContents)
	if err != nil {
		return ignoreMissing(err)
	}
	now := uint64(cofferdam.Now().UnixNano())
	for _, entry := range entries {
		time, _, _ := strings.Cut(entry.Name, "-")
		begun, err := strconv.ParseUint(time, 16, 64)
		if err != nil || now < begun || now-begun < staleAfter {
			continue
		}
		if err := files.Remove(s.root + "/incoming/" + entry.Name); ignoreMissing(err) != nil {
			return err
		}
	}
	return nil
}
