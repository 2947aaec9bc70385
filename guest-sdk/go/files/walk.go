// Directories visited in the byte order of whole paths.

package files

import (
	"errors"
	"strings"

	cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
)

// Walk visits what is below a directory.
type Walk struct {
	// Deep visits the files of all directories below, and not the directories, instead of the direct children.
	Deep bool
	// Chunk is how many entries to ask the host for at a time; 0 is EntriesMax.
	Chunk int
	// Visit is given the path below the start, and what is there. Answering false ends the walk.
	Visit func(below string, info Info) bool
}

// Run visits what comes after the path after ("x/y"; empty for all). It answers whether the directory exists.
//
// A deep walk enters directories whose names may be components of paths. One that vanishes meanwhile counts as empty.
func (w Walk) Run(directory, after string) (exists bool, err error) {
	if w.Chunk <= 0 || w.Chunk > EntriesMax {
		w.Chunk = EntriesMax
	}
	exists, _, err = w.enter(directory, "", after)
	return exists, err
}

// enter visits directory, which is at path below the start. It answers whether the directory exists and whether to go on.
func (w Walk) enter(directory, path, after string) (exists, goOn bool, err error) {
	// after may be far below: then the rest of that directory comes first.
	if name, rest, found := strings.Cut(after, "/"); found && w.Deep && cofferdam.IsComponent(name) {
		if _, goOn, err := w.enter(directory+"/"+name, path+name+"/", rest); err != nil || !goOn {
			return true, goOn, err
		}
	}
	for {
		entries, err := Entries(directory, after, w.Chunk)
		if errors.Is(err, cofferdam.NotFound) || errors.Is(err, cofferdam.InvalidArgument) {
			return false, true, nil
		}
		if err != nil {
			return false, false, err
		}
		for _, entry := range entries {
			if goOn, err := w.step(directory, path, entry); err != nil || !goOn {
				return true, goOn, err
			}
		}
		if len(entries) < w.Chunk {
			return true, true, nil
		}
		after = entries[len(entries)-1].SortKey()
	}
}

func (w Walk) step(directory, path string, entry Info) (goOn bool, err error) {
	if !w.Deep || !entry.IsDirectory() {
		return w.Visit(path+entry.Name, entry), nil
	}
	if !cofferdam.IsComponent(entry.Name) {
		return true, nil
	}
	_, goOn, err = w.enter(directory+"/"+entry.Name, path+entry.Name+"/", "")
	return goOn, err
}
