// Objects: records and what they name.

package main

import (
	"errors"
	"strings"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	"github.com/cofferdam/cofferdam/guest-sdk/go/files"
)

// Stat reads the record.
func (s *store) Stat(path string) (cofferdam.ObjectInfo, error) {
	r, err := s.read(path)
	return r.info(path), err
}

// Open reads the record and opens what it names, checked.
//
// No lock is held: if the content is gone, the record has been replaced meanwhile and is read again. It is damage only if the
// record still says the same.
func (s *store) Open(path string, bytes cofferdam.Range) (cofferdam.Opened, error) {
	last := digest("")
	for {
		r, err := s.read(path)
		if err != nil {
			return cofferdam.Opened{}, err
		}
		content, err := s.openContent(r, bytes)
		if !errors.Is(err, cofferdam.NotFound) {
			return cofferdam.Opened{Info: r.info(path), Content: content}, err
		}
		if r.digest == last {
			return cofferdam.Opened{}, cofferdam.New(cofferdam.Corrupted, "the content "+r.etag()+" of "+path+" is missing")
		}
		last = r.digest
	}
}

// openContent opens a range of a content after it was checked.
func (s *store) openContent(r record, bytes cofferdam.Range) (*cofferdam.Content, error) {
	at := s.contentAt(r.digest)
	whole, err := files.Open(at, cofferdam.Whole())
	if err != nil {
		return nil, err
	}
	defer whole.Content.Drop()
	if whole.Info.Size != r.size {
		return nil, cofferdam.New(cofferdam.Corrupted, "the stored content "+r.etag()+" is not as long as its record says")
	}
	if s.verify {
		if err := s.check(r.digest, whole); err != nil {
			return nil, err
		}
	}
	part, err := files.Open(at, bytes)
	if err != nil {
		return nil, err
	}
	if part.Info.Stamp != whole.Info.Stamp { // replaced between the two: only what was checked is handed out
		part.Content.Drop()
		return nil, cofferdam.New(cofferdam.NotFound, "the content was written again meanwhile")
	}
	return part.Content, nil
}

// Put stores the content once and makes the path name it.
func (s *store) Put(path string, content *cofferdam.Content, condition cofferdam.Condition) (cofferdam.ObjectInfo, error) {
	in, err := s.receive(content)
	if err != nil {
		return cofferdam.ObjectInfo{}, err
	}
	defer in.discard()
	r, err := s.point(path, in, content, condition)
	return r.info(path), err
}

// Copy makes another path name the same content: no byte is moved.
func (s *store) Copy(source, destination string, condition cofferdam.Condition) (cofferdam.ObjectInfo, error) {
	r, err := s.read(source)
	if err != nil {
		return cofferdam.ObjectInfo{}, err
	}
	// Opened here, so that the content can be written again if the source and its content are removed meanwhile.
	content, err := s.openContent(r, cofferdam.Whole())
	if err != nil {
		return cofferdam.ObjectInfo{}, err
	}
	defer content.Drop()
	r, err = s.point(destination, incoming{digest: r.digest, size: r.size}, content, condition)
	return r.info(destination), err
}

// point makes a path name a content, if the condition holds: content, reference and record, in this order.
func (s *store) point(path string, in incoming, content *cofferdam.Content, condition cofferdam.Condition) (record, error) {
	writer, err := files.Lock(s.recordAt(path))
	if err != nil {
		return record{}, err
	}
	old, err := s.present(path)
	if condition == cofferdam.Unconditional && errors.Is(err, cofferdam.Corrupted) {
		old, err = record{}, nil // a damaged record is replaced; what it named is for sweep
	}
	if err == nil {
		err = condition.Check(old.etag(), path)
	}
	if err == nil {
		err = s.keep(path, in, content)
	}
	r := record{digest: in.digest, size: in.size}
	if err == nil {
		if r, err = s.write(path, r); err != nil && r.digest != old.digest {
			s.release(path, in.digest)
		}
	}
	if err == nil && old.digest != "" && old.digest != r.digest {
		s.release(path, old.digest)
	}
	writer.Drop()
	s.wrote()
	return r, err
}

// Remove removes the record, and then what only it needed.
func (s *store) Remove(path string) error {
	writer, err := files.Lock(s.recordAt(path))
	if err != nil {
		return err
	}
	old, err := s.read(path)
	if err == nil || errors.Is(err, cofferdam.Corrupted) {
		err = files.Remove(s.recordAt(path))
	}
	if err == nil && old.digest != "" {
		s.release(path, old.digest)
	}
	writer.Drop()
	files.Prune(s.recordAt(path), s.root+"/objects")
	s.wrote()
	return ignoreMissing(err)
}

// List answers a page. Sizes and etags are read from the records.
func (s *store) List(prefix string, options cofferdam.ListOptions) (cofferdam.Page, error) {
	limit := min(options.Limit, files.EntriesMax-1)
	page := cofferdam.NewPage(limit)
	after, none, err := options.After(prefix)
	if err != nil || none {
		return page.Page(), err
	}
	var damage error
	walk := files.Walk{Deep: options.Recursive, Chunk: limit + 1, Visit: func(below string, info files.Info) bool {
		path := cofferdam.Base(prefix) + below
		if info.IsDirectory() {
			return page.Add(cofferdam.ObjectInfo{Path: path, IsPrefix: true})
		}
		r, err := s.read(path)
		if errors.Is(err, cofferdam.NotFound) {
			return true // removed meanwhile
		}
		damage = err
		return err == nil && page.Add(r.info(path))
	}}
	exists, err := walk.Run(strings.TrimSuffix(s.root+"/objects"+prefix, "/"), after)
	if err == nil {
		err = damage
	}
	if err == nil && !exists && prefix != "/" && options.IsFirst() {
		err = cofferdam.New(cofferdam.NotFound, "nothing is below "+prefix)
	}
	return page.Page(), err
}
