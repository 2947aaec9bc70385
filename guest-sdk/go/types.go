// The words of the contract: objects, conditions, ranges, parts.

package cofferdam

import (
	"time"

	types "cofferdam/bindings/cofferdam_storage_store_types"

	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

// ObjectInfo is what is known about an object, or about a prefix in a list.
type ObjectInfo struct {
	// Path is absolute, whatever was listed.
	Path string
	// IsPrefix says that it is a path below which there are objects. It has no metadata of its own.
	IsPrefix bool
	// Size in bytes; 0 for a prefix.
	Size uint64
	// Modified is when the object was last written; never smaller after an overwrite. Zero if it is not known.
	Modified time.Time
	// ETag is its version; equal ETags mean equal bytes. A list may leave it out.
	ETag string
	// Attributes are what the driver adds.
	Attributes map[string]string
}

// SortKey is what lists are in the byte order of: the path, for a prefix with a slash at its end.
func (o ObjectInfo) SortKey() string {
	if o.IsPrefix {
		return o.Path + "/"
	}
	return o.Path
}

// InfoToWIT is the record of the bindings. Package exports uses it.
func InfoToWIT(o ObjectInfo) types.ObjectInfo {
	told := types.ObjectInfo{Path: o.Path, Kind: types.EntryKindObject, Size: o.Size, Modified: wit.None[uint64](), Etag: wit.None[string]()}
	if o.IsPrefix {
		told.Kind = types.EntryKindPrefix
	}
	if !o.Modified.IsZero() {
		told.Modified = wit.Some(uint64(max(o.Modified.UnixNano(), 0)))
	}
	if o.ETag != "" {
		told.Etag = wit.Some(o.ETag)
	}
	for name, value := range o.Attributes {
		told.Attributes = append(told.Attributes, wit.Tuple2[string, string]{F0: name, F1: value})
	}
	return told
}

// Timestamp is the time of a timestamp of the contract.
func Timestamp(nanoseconds uint64) time.Time { return time.Unix(0, int64(nanoseconds)) }

// Condition is what must hold for a write to happen. It is checked and acted upon in one step.
type Condition struct {
	tag  uint8
	etag string
}

// The conditions without an etag.
var (
	// Unconditional replaces what is there.
	Unconditional = Condition{tag: types.ConditionUnconditional}
	// IfAbsent holds if nothing is there; else AlreadyExists.
	IfAbsent = Condition{tag: types.ConditionIfAbsent}
)

// IfMatch holds if what is there has this etag; else PreconditionFailed.
func IfMatch(etag string) Condition { return Condition{types.ConditionIfMatch, etag} }

// ConditionFromWIT is the condition of a record of the bindings. Package exports uses it.
func ConditionFromWIT(c types.Condition) Condition {
	if c.Tag() == types.ConditionIfMatch {
		return IfMatch(c.IfMatch())
	}
	return Condition{tag: c.Tag()}
}

// Match answers the etag that is asked for, if one is.
func (c Condition) Match() (etag string, asked bool) { return c.etag, c.tag == types.ConditionIfMatch }

// Check says whether the condition holds where an object with this etag is, or nothing (an empty etag). name is what the
// caller calls it.
func (c Condition) Check(etag, name string) error {
	switch {
	case c.tag == types.ConditionIfAbsent && etag != "":
		return New(AlreadyExists, "there is something at "+name)
	case c.tag == types.ConditionIfMatch && (etag == "" || etag != c.etag):
		return New(PreconditionFailed, "what is at "+name+" does not have that etag")
	}
	return nil
}

// Range is which bytes of an object. A range at or past the end is empty, not an error; one over the end is clamped.
type Range = types.ByteRange

// Whole is all bytes.
func Whole() Range { return types.MakeByteRangeWhole() }

// StartingAt is all bytes from an offset on.
func StartingAt(offset uint64) Range { return types.MakeByteRangeStartingAt(offset) }

// Bounded is at most length bytes from offset on.
func Bounded(offset, length uint64) Range {
	return types.MakeByteRangeBounded(types.Span{Offset: offset, Length: length})
}

// Last is the last so many bytes.
func Last(length uint64) Range { return types.MakeByteRangeLast(length) }

// Within is where a range begins, and how many bytes it has, in an object of this size: clamped, perhaps empty.
func Within(r Range, size uint64) (offset, length uint64) {
	switch r.Tag() {
	case types.ByteRangeStartingAt:
		offset, length = r.StartingAt(), size
	case types.ByteRangeBounded:
		offset, length = r.Bounded().Offset, r.Bounded().Length
	case types.ByteRangeLast:
		length = min(r.Last(), size)
		offset = size - length
	default:
		length = size
	}
	offset = min(offset, size)
	return offset, min(length, size-offset)
}

// Opened is what opening an object answers.
type Opened struct {
	// Info is of the whole object, as of the moment of opening.
	Info ObjectInfo
	// Content is the bytes of the range; handed out, it is the host's.
	Content *Content
}

// Value is a small value of an [AtomicStore].
type Value struct {
	// Data is any bytes, 0 to 1 MiB.
	Data []byte
	// ETag changes with every change of the value.
	ETag string
}

// ValueMax is how large a value may be: 1 MiB.
const ValueMax = 1 << 20

// Keys is a piece of a list of keys, in byte order.
type Keys struct {
	Keys []string
	// More says that more follow; then Keys is not empty.
	More bool
}

// Part says where a part of an upload goes: its number from 1, its offset in the object, and the count of the upload's owners.
type Part = types.Part

// WrittenPart is a part that was written.
type WrittenPart = types.WrittenPart
