// Package files reaches the granted directories, by the names that the grant gives them ("/data/…").
//
// A path is absolute and begins with the name of a grant. Errors that every function may answer: InvalidPath, PermissionDenied
// (granted read-only), QuotaExceeded (the disk is full), Unavailable.
package files

import (
	"time"

	host "cofferdam/bindings/cofferdam_storage_files"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

// EntriesMax is how many entries one call of [Entries] answers at most.
const EntriesMax = 10_000

// Info is what is known about a file.
type Info struct {
	// Name is the last component of its path.
	Name string
	// Size in bytes; 0 for what is not a file.
	Size uint64
	// Modified is when its bytes were last changed.
	Modified time.Time
	// Stamp changes with every change of the bytes.
	Stamp string

	kind host.FileKind
}

// IsFile says that it is a regular file.
func (i Info) IsFile() bool { return i.kind == host.FileKindFile }

// IsDirectory says that it is a directory.
func (i Info) IsDirectory() bool { return i.kind == host.FileKindDirectory }

// SortKey is what entries are in the byte order of: the name, of a directory with a slash at its end.
func (i Info) SortKey() string {
	if i.IsDirectory() {
		return i.Name + "/"
	}
	return i.Name
}

// Object is what is told about an object that is this file.
func (i Info) Object(path string) cofferdam.ObjectInfo {
	return cofferdam.ObjectInfo{Path: path, Size: i.Size, Modified: i.Modified, ETag: i.Stamp}
}

func info(i host.FileInfo) Info {
	return Info{Name: i.Name, Size: i.Size, Modified: cofferdam.Timestamp(i.Modified), Stamp: i.Stamp, kind: i.Kind}
}

// File is an opened file. Its content is of the range that was asked for; drop it or hand it out.
type File struct {
	Info    Info
	Content *cofferdam.Content
}

// Open opens a regular file for reading. The content is of the file as it is now, even if it is replaced or removed meanwhile.
//
// Errors: NotFound; InvalidArgument if it is no regular file.
func Open(path string, bytes cofferdam.Range) (File, error) {
	opened, err := cofferdam.Checked(host.Open(path, bytes))
	if err != nil {
		return File{}, err
	}
	return File{info(opened.Info), cofferdam.ContentFromHandle(opened.Content)}, nil
}

// Read reads a small file into the driver's memory. Errors: as [Open]; InvalidArgument if it is over max.
func Read(path string, max int) ([]byte, Info, error) {
	file, err := Open(path, cofferdam.Whole())
	if err != nil {
		return nil, Info{}, err
	}
	defer file.Content.Drop()
	bytes, err := file.Content.Bytes(max)
	return bytes, file.Info, err
}

// Stat answers what is under a path, without following a link. Errors: NotFound.
func Stat(path string) (Info, error) {
	told, err := cofferdam.Checked(host.Stat(path))
	if err != nil {
		return Info{}, err
	}
	return info(told), nil
}

// Entries answers direct children in byte order of their sort keys, which come after one, exclusively: at most limit (over
// 10,000 is taken as 10,000) and fewer only at the end.
//
// Errors: NotFound; InvalidArgument if it is no directory.
func Entries(directory, after string, limit int) ([]Info, error) {
	begin := wit.None[string]()
	if after != "" {
		begin = wit.Some(after)
	}
	told, err := cofferdam.Checked(host.Entries(directory, begin, uint32(limit)))
	if err != nil {
		return nil, err
	}
	entries := make([]Info, len(told))
	for n, entry := range told {
		entries[n] = info(entry)
	}
	return entries, nil
}

// CommitMode is how Replace and Commit treat what is there.
type CommitMode = host.CommitMode

const (
	// Overwrite replaces what is there.
	Overwrite CommitMode = 0
	// NoReplace asks that nothing be there; else AlreadyExists, decided in one step with the rename.
	NoReplace CommitMode = host.CommitModeNoReplace
)

// Replace replaces the file by the content, whole and durable, or changes nothing. Missing parents are made.
//
// Errors: AlreadyExists with NoReplace; InvalidArgument if a directory is at path, a parent is a file, or the content is not
// as long as its size says; what reading the content answers.
func Replace(path string, content *cofferdam.Content, mode CommitMode) (Info, error) {
	told, err := cofferdam.Checked(host.Replace(path, content.Handle(), mode))
	if err != nil {
		return Info{}, err
	}
	return info(told), nil
}

// WriteMode is how Write opens its file: the sum of CreateNew and Truncate, or 0.
type WriteMode = host.WriteMode

const (
	// CreateNew asks that the file is not there yet; else AlreadyExists.
	CreateNew WriteMode = host.WriteModeCreateNew
	// Truncate empties it first.
	Truncate WriteMode = host.WriteModeTruncate
)

// Write moves content into the file at an offset, host to host; answers how many bytes. Not durable before Sync or Commit.
//
// Errors: AlreadyExists with CreateNew; InvalidArgument if it is no regular file; what reading the content answers: then a
// part of it may have been written.
func Write(path string, offset uint64, content *cofferdam.Content, mode WriteMode) (uint64, error) {
	return cofferdam.Checked(host.Write(path, offset, content.Handle(), mode))
}

// SetSize cuts the file to a size, or extends it by zeros. Errors: NotFound; InvalidArgument if it is no regular file.
func SetSize(path string, size uint64) error { return done(host.SetSize(path, size)) }

// Sync makes the file's bytes and its name durable. Errors: NotFound.
func Sync(path string) error { return done(host.Sync(path)) }

// Commit makes the bytes of source durable, renames it to destination and makes that durable.
//
// Errors: NotFound, which is always about source; AlreadyExists with NoReplace; InvalidArgument if source is no regular file
// or a directory is at destination.
func Commit(source, destination string, mode CommitMode) (Info, error) {
	told, err := cofferdam.Checked(host.Commit(source, destination, mode))
	if err != nil {
		return Info{}, err
	}
	return info(told), nil
}

// MakeDirectory makes a directory with its missing parents. Errors: InvalidArgument if something else is in the way.
func MakeDirectory(path string) error { return done(host.MakeDirectory(path)) }

// Remove removes a file or an empty directory. Errors: NotFound; InvalidArgument if the directory is not empty.
func Remove(path string) error { return done(host.Remove(path)) }

// Guard is a held lock: released when dropped, when the instance ends and when the process dies.
type Guard struct{ handle *host.Guard }

// Drop releases the lock.
func (g *Guard) Drop() { g.handle.Drop() }

// Lock takes the lock of that name, of a name and not of the file at it: exclusive among all instances and processes that
// hold the grant. It waits. Errors: Unavailable at the call's deadline.
func Lock(name string) (*Guard, error) {
	handle, err := cofferdam.Checked(host.Lock(name))
	if err != nil {
		return nil, err
	}
	return &Guard{handle}, nil
}

func done(answer wit.Result[wit.Unit, host.Error]) error {
	_, err := cofferdam.Checked(answer)
	return err
}
