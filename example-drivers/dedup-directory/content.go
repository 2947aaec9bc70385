// Contents by their digests, and the references that keep them.

package main

import (
	"errors"
	"strconv"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	"github.com/cofferdam/cofferdam/guest-sdk/go/files"
)

// verifiedMax is how many checked contents an instance remembers.
const verifiedMax = 4096

// folder is the directory of a content, and the name of the lock of its digest.
func (s *store) folder(d digest) string {
	return s.root + "/contents/" + string(d[:2]) + "/" + string(d)
}

func (s *store) contentAt(d digest) string { return s.folder(d) + "/content" }

// referenceAt is the file of the reference of a path: a path may be longer than a name can be.
func (s *store) referenceAt(d digest, path string) (string, error) {
	text := cofferdam.FromString(path)
	defer text.Drop()
	sum, err := text.Digest("sha256")
	return s.folder(d) + "/by-" + cofferdam.Hex(sum), err
}

// check says whether the opened whole file of a content is what its name says.
//
// Errors: Corrupted; what reading the file answers.
func (s *store) check(d digest, file files.File) error {
	if s.verified[string(d)] == file.Info.Stamp {
		return nil
	}
	sum, err := file.Content.Digest("sha256")
	if err != nil {
		return err
	}
	if cofferdam.Hex(sum) != string(d) {
		delete(s.verified, string(d))
		return cofferdam.New(cofferdam.Corrupted, "the stored content sha256:"+string(d)+" is damaged")
	}
	if len(s.verified) >= verifiedMax {
		clear(s.verified)
	}
	s.verified[string(d)] = file.Info.Stamp
	return nil
}

// stored says whether a content is there and whole. One that is damaged counts as missing, so that it is written again.
func (s *store) stored(d digest, size uint64) (bool, error) {
	file, err := files.Open(s.contentAt(d), cofferdam.Whole())
	if errors.Is(err, cofferdam.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Content.Drop()
	if file.Info.Size == size {
		err = s.check(d, file)
	} else {
		err = cofferdam.Corrupted
	}
	if errors.Is(err, cofferdam.Corrupted) {
		cofferdam.Log(cofferdam.Warn, "the stored content sha256:"+string(d)+" is damaged and is written again")
		return false, nil
	}
	return err == nil, err
}

// incoming is a content on its way in: its digest and size, and the file that it waits in unless it was there already.
type incoming struct {
	digest digest
	size   uint64
	file   string
}

// receive finds out what a content is and brings it into a file of the directory, without a lock: it may be large.
func (s *store) receive(content *cofferdam.Content) (in incoming, err error) {
	defer func() {
		if err != nil {
			in.discard()
		}
	}()
	sum, err := content.Digest("sha256")
	size, known := content.Size()
	if err == nil && known {
		in.digest, in.size = digest(cofferdam.Hex(sum)), size
		if there, err := s.stored(in.digest, size); there || err != nil {
			return in, err
		}
	} else if err != nil && !errors.Is(err, cofferdam.Unsupported) {
		return in, err
	}
	in.file = s.root + "/incoming/" + stamp()
	written, err := files.Write(in.file, 0, content, files.CreateNew)
	if err != nil {
		return in, err
	}
	if known && written != size {
		return in, cofferdam.New(cofferdam.InvalidArgument, "the content has "+strconv.FormatUint(written, 10)+" bytes and not the "+strconv.FormatUint(size, 10)+" that it says")
	}
	if err = files.Sync(in.file); err != nil || in.digest != "" {
		return in, err
	}
	// Live content can be read once, so what is asked is the file.
	file, err := files.Open(in.file, cofferdam.Whole())
	if err != nil {
		return in, err
	}
	defer file.Content.Drop()
	sum, err = file.Content.Digest("sha256")
	in.digest, in.size = digest(cofferdam.Hex(sum)), file.Info.Size
	return in, err
}

// discard removes the file if it is still there.
func (in *incoming) discard() {
	if in.file != "" {
		_ = files.Remove(in.file) // else sweep does
	}
}

// keep sees to it that the content is stored and that path has a reference to it. The lock of path is held. Without a file, the
// content was there; it is written from again if it was removed meanwhile.
func (s *store) keep(path string, in incoming, again *cofferdam.Content) error {
	lock, err := files.Lock(s.folder(in.digest))
	if err != nil {
		return err
	}
	defer lock.Drop()
	there, err := s.stored(in.digest, in.size)
	switch {
	case err != nil:
		return err
	case there:
	case in.file != "":
		_, err = files.Commit(in.file, s.contentAt(in.digest), files.Overwrite)
	case again != nil:
		_, err = files.Replace(s.contentAt(in.digest), again, files.Overwrite)
	default:
		err = cofferdam.New(cofferdam.Corrupted, "the stored content sha256:"+string(in.digest)+" is missing")
	}
	if err != nil {
		return err
	}
	reference, err := s.referenceAt(in.digest, path)
	if err != nil {
		return err
	}
	text := cofferdam.FromString(path)
	defer text.Drop()
	_, err = files.Replace(reference, text, files.Overwrite)
	return err
}

// release removes the reference of path, and the content if that was the last. The lock of path is held, and its record does not
// name the content any more. A failure leaves what nothing needs, for sweep.
func (s *store) release(path string, d digest) {
	reference, err := s.referenceAt(d, path)
	if err == nil {
		err = s.drop(d, reference)
	}
	if err != nil {
		cofferdam.Log(cofferdam.Warn, "a content was not released: "+err.Error())
	}
}

// drop removes a reference, or none if it is empty, and then the content if nothing refers to it.
func (s *store) drop(d digest, reference string) error {
	lock, err := files.Lock(s.folder(d))
	if err != nil {
		return err
	}
	defer files.Prune(s.contentAt(d), s.root+"/contents") // takes the lock itself, so after it was given back
	defer lock.Drop()
	if reference != "" {
		if err := files.Remove(reference); err != nil && !errors.Is(err, cofferdam.NotFound) {
			return err
		}
	}
	// References sort before the content.
	entries, err := files.Entries(s.folder(d), "", 1)
	if err != nil || len(entries) == 0 || entries[0].Name != "content" {
		return ignoreMissing(err)
	}
	return ignoreMissing(files.Remove(s.contentAt(d)))
}

func ignoreMissing(err error) error {
	if errors.Is(err, cofferdam.NotFound) {
		return nil
	}
	return err
}
