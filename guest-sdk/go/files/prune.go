// Directories that have become empty.

package files

import "strings"

// Prune removes the directories above file that have become empty, up to top: a prefix without objects is none. It stops
// silently where it cannot go on, since what remains is found empty by the next one.
//
// Whoever writes a file holds the lock of its path, so that Prune never removes a file that was made in a directory's place.
func Prune(file, top string) {
	for below := file; ; {
		slash := strings.LastIndexByte(below, '/')
		if slash <= len(top) || !removeEmpty(below[:slash]) {
			return
		}
		below = below[:slash]
	}
}

func removeEmpty(directory string) bool {
	writer, err := Lock(directory)
	if err != nil {
		return false
	}
	defer writer.Drop()
	info, err := Stat(directory)
	return err == nil && info.IsDirectory() && Remove(directory) == nil
}
