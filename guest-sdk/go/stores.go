// What a driver implements: one interface of Go for each that a world exports.

package cofferdam

import "time"

// StreamingStore keeps objects of any size. A success means durable.
//
// Paths are checked before a function is called. One instance runs one call at a time.
type StreamingStore interface {
	// Stat answers the metadata of an object. Errors: NotFound, also for a prefix.
	Stat(path string) (ObjectInfo, error)
	// Open opens an object for reading. The bytes are of the version that the info describes even if the object is replaced
	// meanwhile. Errors: NotFound, also for a prefix.
	Open(path string, bytes Range) (Opened, error)
	// Put replaces what is at path atomically. The content is dropped when the call ends. Any error leaves what was there whole.
	//
	// Errors: AlreadyExists and PreconditionFailed for conditions that do not hold; Unsupported for one that is not claimed;
	// InvalidArgument if the content is not as long as its size says; what reading it answers.
	Put(path string, content *Content, condition Condition) (ObjectInfo, error)
	// List answers one page of what is below a prefix, which may be "/", in byte order of sort keys.
	// Errors: NotFound only for a first page of a prefix that does not exist; InvalidArgument for a cursor that no page had.
	List(prefix string, options ListOptions) (Page, error)
	// Remove removes one object. One that is missing is a success, and so is a prefix, of which nothing is removed.
	Remove(path string) error
}

// BatchRemover is a [StreamingStore] that removes many objects at less cost than one after the other.
type BatchRemover interface {
	// RemoveAll answers one error, or nil, for each path, in order.
	RemoveAll(paths []string) []error
}

// AtomicStore keeps small values under keys, with compare and swap. Keys are checked before a function is called.
type AtomicStore interface {
	// Get answers the value as some Put left it whole. Errors: NotFound.
	Get(key string) (Value, error)
	// Put writes the value in one step if the condition holds, and answers the new etag.
	// Errors: AlreadyExists, PreconditionFailed.
	Put(key string, data []byte, condition Condition) (etag string, err error)
	// Remove removes a value; one that is missing is a success, unless a match is asked. The condition is never IfAbsent.
	// Errors: PreconditionFailed; Unsupported for a match if that is not claimed.
	Remove(key string, condition Condition) error
	// List answers keys that begin with prefix and come after another, exclusively: at most limit.
	List(prefix, after string, limit int) (Keys, error)
	// Count answers how many keys begin with prefix.
	Count(prefix string) (uint64, error)
}

// Uploads are objects made of parts, continued by any instance. Nothing is visible before Complete.
type Uploads interface {
	// Create begins an upload to path.
	Create(path string) (token string, err error)
	// WritePart writes one part; a success means durable. The content is dropped when the call ends.
	// Errors: UploadExpired or NotFound after Complete or Abort.
	WritePart(token string, part Part, content *Content) (id string, err error)
	// Complete joins the parts in the order of their numbers.
	// Errors: InvalidArgument for a part that was never answered, or a gap; AlreadyExists.
	Complete(token string, parts []WrittenPart, destination string, condition Condition) (ObjectInfo, error)
	// Abort gives up an upload. Twice is a success.
	Abort(token string) error
}

// Copying copies an object inside the backend.
type Copying interface {
	Copy(source, destination string, condition Condition) (ObjectInfo, error)
}

// Renaming moves an object inside the backend.
type Renaming interface {
	Rename(source, destination string, condition Condition) (ObjectInfo, error)
}

// ContentStore stores objects under names made of their digest.
type ContentStore interface {
	// Store answers the path. The content is dropped when the call ends. Errors: Unsupported for another algorithm.
	Store(content *Content, algorithm string) (path string, err error)
}

// Access is what a presigned URL is for.
type Access uint8

const (
	// AccessRead is GET: the bytes.
	AccessRead Access = iota
	// AccessStat is HEAD: whether it is there, and its size.
	AccessStat
)

// Presigning makes URLs that a client uses without the host.
type Presigning interface {
	Presign(path string, access Access, lifetime time.Duration) (url string, err error)
}

// Generator produces the bytes of [FromGenerator] when the host asks.
type Generator interface {
	// Pull answers the next bytes, at most max; none at the end.
	Pull(cursor uint64, max int) ([]byte, error)
	// Close says that nobody will pull again.
	Close(cursor uint64)
}
