// Pages of lists: where one begins, when it is full, and the cursor of the next one.

package cofferdam

import "strings"

// ListOptions say how to list.
type ListOptions struct {
	// Recursive asks for all objects below, and no prefixes, instead of the direct children.
	Recursive bool
	// StartAfter is a sort key to begin after, exclusively; empty for all.
	StartAfter string
	// Cursor is a former page's Next; HasCursor says whether there is one.
	Cursor    string
	HasCursor bool
	// Limit is how many entries at most; at least 1.
	Limit int
}

// Page is a piece of a list. Next is empty at the end.
type Page struct {
	Entries []ObjectInfo
	Next    string
}

// IsFirst says whether this is the first page: the only one that may be NotFound.
func (o ListOptions) IsFirst() bool { return !o.HasCursor && o.StartAfter == "" }

// After is what the entries of this page come after, relative to the prefix: "x/y", empty for all. None says that there are
// none. The cursors are those of [PageBuilder].
//
// Errors: InvalidArgument for a cursor that no page below the prefix had.
func (o ListOptions) After(prefix string) (after string, none bool, err error) {
	base := Base(prefix)
	if o.HasCursor {
		key, marked := strings.CutPrefix(o.Cursor, ">")
		key, below := strings.CutPrefix(key, base)
		if !marked || !below || brokenRule(strings.TrimSuffix(key, "/")) != "" {
			return "", false, New(InvalidArgument, "the cursor is of no page of this list")
		}
		return key, false, nil
	}
	if key, below := strings.CutPrefix(o.StartAfter, base); below {
		return key, false, nil
	}
	return "", o.StartAfter > base, nil
}

// Base is a prefix with one slash at its end.
func Base(prefix string) string { return strings.TrimSuffix(prefix, "/") + "/" }

// PageBuilder fills a page in the order of sort keys. Its cursor is the last entry's sort key, marked, so that any instance can
// go on from it.
type PageBuilder struct {
	limit int
	page  Page
}

// NewPage begins a page of at most limit entries.
func NewPage(limit int) *PageBuilder { return &PageBuilder{limit: limit} }

// Add adds an entry and answers true, or false where the page is full: then there is a next one.
func (b *PageBuilder) Add(entry ObjectInfo) bool {
	if n := len(b.page.Entries); n >= b.limit {
		if n > 0 {
			b.page.Next = ">" + b.page.Entries[n-1].SortKey()
		}
		return false
	}
	b.page.Entries = append(b.page.Entries, entry)
	return true
}

// Page is the page.
func (b *PageBuilder) Page() Page { return b.page }
