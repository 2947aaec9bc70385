// Names of stored things, by the rules of the contract.

package cofferdam

import "strings"

// PathMax and ComponentMax are the longest path and the longest component of one, in bytes.
const (
	PathMax      = 900
	ComponentMax = 200
)

// IsComponent says whether name may be a component of a path.
func IsComponent(name string) bool {
	return brokenRule(name) == "" && !strings.Contains(name, "/")
}

// CheckPath checks the path of an object. The host has, and a driver is asked past that check too.
//
// Errors: InvalidPath, with the rule that it breaks.
func CheckPath(path string) error {
	rest, absolute := strings.CutPrefix(path, "/")
	rule := brokenRule(rest)
	if len(path) > PathMax {
		rule = "is over 900 bytes long"
	} else if !absolute {
		rule = "does not begin with /"
	}
	if rule != "" {
		return New(InvalidPath, path[:min(len(path), PathMax)]+" "+rule)
	}
	return nil
}

// CheckPrefix checks what a list looks below: "/", or a path.
func CheckPrefix(prefix string) error {
	if prefix == "/" {
		return nil
	}
	return CheckPath(prefix)
}

// CheckKey checks the key of a value: a path without its leading slash.
func CheckKey(key string) error { return CheckPath("/" + key) }

func brokenRule(rest string) string {
	for name := range strings.SplitSeq(rest, "/") {
		switch {
		case name == "":
			return "has an empty component"
		case name == "." || name == "..":
			return "has a component . or .."
		case len(name) > ComponentMax:
			return "has a component of over 200 bytes"
		}
		for _, c := range []byte(name) {
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
				return "has a character other than A-Z a-z 0-9 . _ -"
			}
		}
	}
	return ""
}
