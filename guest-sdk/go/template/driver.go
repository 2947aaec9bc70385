// {{name}} keeps objects as files in one granted directory, and small values beside them.
//
// The host does the hard parts: files.Replace is atomic and durable, and files.Lock holds across instances and processes.
package main

import (
	"errors"
	"strings"

	_ "cofferdam/bindings/wit_exports" // what the host calls

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
	"github.com/cofferdam/cofferdam/guest-sdk/go/files"
)

const (
	root      = "/data"
	objectsAt = root + "/objects"
	valuesAt  = root + "/values"
	// What the file of a value ends with: no path can have it, so that a and a/b may both be keys.
	mark = "+"
)

func init() {
	cofferdam.Register(&cofferdam.Driver{Name: "{{name}}", Version: "0.1.0", Configure: configure})
}

func main() {} // the host calls the stores

func configure(cofferdam.Settings) (*cofferdam.Stores, error) {
	return &cofferdam.Stores{
		Health:  health,
		Claims:  cofferdam.Claim("shared", "put-if-absent", "put-if-match", "atomic-remove-if-match"),
		Objects: objects{},
		Values:  values{},
	}, nil
}

// health asks for the granted directory, which is there even before the first object.
func health() error {
	_, err := files.Stat(root)
	return err
}

// found says what files answers about a path: where a parent is a file, or a directory is, nothing is stored.
func found(err error, name string) error {
	if errors.Is(err, cofferdam.NotFound) || errors.Is(err, cofferdam.InvalidArgument) {
		return cofferdam.New(cofferdam.NotFound, "nothing is stored at "+name)
	}
	return err
}

func stat(file, name string) (files.Info, error) {
	info, err := files.Stat(file)
	if err == nil && !info.IsFile() {
		info, err = files.Info{}, cofferdam.NotFound
	}
	return info, found(err, name)
}

// check takes the lock of a file and checks the condition on it; nobody else writes it until the lock is dropped.
func check(file, name string, condition cofferdam.Condition) (lock *files.Guard, there bool, err error) {
	if lock, err = files.Lock(file); err != nil {
		return nil, false, err
	}
	info, err := stat(file, name)
	there = err == nil
	if there || errors.Is(err, cofferdam.NotFound) {
		err = condition.Check(info.Stamp, name)
	}
	if err != nil {
		lock.Drop()
		return nil, false, err
	}
	return lock, there, nil
}

func replace(file, name string, content *cofferdam.Content, condition cofferdam.Condition) (files.Info, error) {
	lock, _, err := check(file, name, condition)
	if err != nil {
		return files.Info{}, err
	}
	defer lock.Drop()
	return files.Replace(file, content, files.Overwrite)
}

// remove removes a file, and then the directories up to top that have become empty.
func remove(file, top, name string, condition cofferdam.Condition) error {
	lock, there, err := check(file, name, condition)
	if err != nil {
		return err
	}
	if there {
		err = files.Remove(file)
	}
	lock.Drop()
	files.Prune(file, top)
	return err
}

// objects are files at their paths.
type objects struct{}

func (objects) Stat(path string) (cofferdam.ObjectInfo, error) {
	info, err := stat(objectsAt+path, path)
	return info.Object(path), err
}

func (objects) Open(path string, bytes cofferdam.Range) (cofferdam.Opened, error) {
	file, err := files.Open(objectsAt+path, bytes)
	return cofferdam.Opened{Info: file.Info.Object(path), Content: file.Content}, found(err, path)
}

func (objects) Put(path string, content *cofferdam.Content, condition cofferdam.Condition) (cofferdam.ObjectInfo, error) {
	info, err := replace(objectsAt+path, path, content, condition)
	return info.Object(path), err
}

func (objects) List(prefix string, options cofferdam.ListOptions) (cofferdam.Page, error) {
	limit := min(options.Limit, files.EntriesMax-1)
	page := cofferdam.NewPage(limit)
	after, none, err := options.After(prefix)
	if err != nil || none {
		return page.Page(), err
	}
	exists, err := files.Walk{Deep: options.Recursive, Chunk: limit + 1, Visit: func(below string, info files.Info) bool {
		entry := info.Object(cofferdam.Base(prefix) + below)
		if info.IsDirectory() {
			entry = cofferdam.ObjectInfo{Path: entry.Path, IsPrefix: true}
		}
		return page.Add(entry)
	}}.Run(strings.TrimSuffix(objectsAt+prefix, "/"), after)
	if err == nil && !exists && prefix != "/" && options.IsFirst() {
		err = cofferdam.New(cofferdam.NotFound, "nothing is below "+prefix)
	}
	return page.Page(), err
}

func (objects) Remove(path string) error {
	return remove(objectsAt+path, objectsAt, path, cofferdam.Unconditional)
}

// values are files at their keys, marked.
type values struct{}

func fileOf(key string) string { return valuesAt + "/" + key + mark }

func (values) Get(key string) (cofferdam.Value, error) {
	data, info, err := files.Read(fileOf(key), cofferdam.ValueMax)
	return cofferdam.Value{Data: data, ETag: info.Stamp}, found(err, key)
}

func (values) Put(key string, data []byte, condition cofferdam.Condition) (string, error) {
	content := cofferdam.FromBytes(data)
	defer content.Drop()
	info, err := replace(fileOf(key), key, content, condition)
	return info.Stamp, err
}

func (values) Remove(key string, condition cofferdam.Condition) error {
	return remove(fileOf(key), valuesAt, key, condition)
}

func (values) List(prefix, after string, limit int) (keys cofferdam.Keys, err error) {
	err = walk(prefix, after, func(key string) bool {
		if keys.More = len(keys.Keys) >= limit; !keys.More {
			keys.Keys = append(keys.Keys, key)
		}
		return !keys.More
	})
	return keys, err
}

func (values) Count(prefix string) (total uint64, err error) {
	err = walk(prefix, "", func(string) bool { total++; return true })
	return total, err
}

// walk visits the keys that begin with prefix and come after another.
func walk(prefix, after string, visit func(key string) bool) error {
	begin := prefix
	if after != "" {
		begin = max(after+mark, prefix)
	}
	_, err := files.Walk{Deep: true, Visit: func(name string, info files.Info) bool {
		key, marked := strings.CutSuffix(name, mark)
		if !marked || !info.IsFile() || key <= after {
			return true
		}
		return strings.HasPrefix(key, prefix) && visit(key)
	}}.Run(valuesAt, begin)
	return err
}
