// Bytes that the host holds.

package cofferdam

import (
	"io"

	"cofferdam/bindings/cofferdam_storage_data"

	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

// ReadMax is how much one read of a content answers at most: 1 MiB.
const ReadMax = 1 << 20

// Content is some bytes. Held content is the host's and reads at any offset, any number of times; live content, a response or
// a client's upload as it arrives, reads onwards only.
//
// What a driver opens or makes, it drops or hands out.
type Content struct {
	handle *cofferdam_storage_data.Content
}

// ContentFromHandle takes over a handle of the bindings. Packages of this module use it.
func ContentFromHandle(handle *cofferdam_storage_data.Content) *Content { return &Content{handle} }

// Handle is the handle of the bindings, which stays the content's.
func (c *Content) Handle() *cofferdam_storage_data.Content { return c.handle }

// FromBytes makes held content with these bytes.
func FromBytes(bytes []byte) *Content { return &Content{cofferdam_storage_data.FromBytes(bytes)} }

// FromString makes held content with the bytes of text.
func FromString(text string) *Content { return FromBytes([]byte(text)) }

// FromGenerator makes content that this driver produces when the host asks, by its [Generator]. It is for what is handed out
// of a call; size is below zero if it is not known.
func FromGenerator(cursor uint64, size int64) *Content {
	known := wit.None[uint64]()
	if size >= 0 {
		known = wit.Some(uint64(size))
	}
	return &Content{cofferdam_storage_data.FromGenerator(cursor, known)}
}

// Drop gives the content back to the host. Dropping it again, or after it was handed out, does nothing.
func (c *Content) Drop() { c.handle.Drop() }

// Size is how many bytes it has, which is always known of held content and of what Put is given.
func (c *Content) Size() (size uint64, known bool) {
	told := c.handle.Size()
	return told.SomeOr(0), told.IsSome()
}

// Digest is the digest of all its bytes, computed by the host: they do not enter the driver. The algorithm is one of sha256, sha512,
// md5, crc32c and crc64nvme.
//
// Errors: Unsupported for another algorithm and for live content.
func (c *Content) Digest(algorithm string) ([]byte, error) {
	return Checked(c.handle.Digest(algorithm))
}

// ReadAt reads from an offset, and all of p unless the bytes end: it is an io.ReaderAt.
//
// Errors: io.EOF at the end; Unsupported for live content at another offset than where the last read ended; what the source of
// the bytes answers.
func (c *Content) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, New(InvalidArgument, "the offset is below zero")
	}
	done := 0
	for done < len(p) {
		bytes, err := Checked(c.handle.Read(uint64(offset)+uint64(done), uint32(min(len(p)-done, ReadMax))))
		if err != nil {
			return done, err
		}
		if len(bytes) == 0 {
			return done, io.EOF
		}
		done += copy(p[done:], bytes)
	}
	return done, nil
}

// Reader reads from the start. The reader needs the content until it is done, and drops nothing.
func (c *Content) Reader() io.Reader { return &reader{content: c} }

type reader struct {
	content *Content
	offset  uint64
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	bytes, err := Checked(r.content.handle.Read(r.offset, uint32(min(len(p), ReadMax))))
	if err != nil {
		return 0, err
	}
	if len(bytes) == 0 {
		return 0, io.EOF
	}
	r.offset += uint64(len(bytes))
	return copy(p, bytes), nil
}

// WriteTo hands all bytes to w in pieces of up to 1 MiB, without a buffer between: io.Copy uses it.
func (r *reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		bytes, err := Checked(r.content.handle.Read(r.offset, ReadMax))
		if err != nil || len(bytes) == 0 {
			return total, err
		}
		n, err := w.Write(bytes)
		r.offset += uint64(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

// Bytes reads all of it into the driver's memory.
//
// Errors: InvalidArgument if it is over max; what the source of the bytes answers.
func (c *Content) Bytes(max int) ([]byte, error) {
	var all []byte
	for {
		bytes, err := Checked(c.handle.Read(uint64(len(all)), uint32(min(max-len(all)+1, ReadMax))))
		if err != nil || len(bytes) == 0 {
			return all, err
		}
		if all = append(all, bytes...); len(all) > max {
			return nil, New(InvalidArgument, "the content is larger than it may be")
		}
	}
}

// Buffer is for bytes that a driver makes piece by piece; the host keeps them. It is an io.Writer.
type Buffer struct {
	handle *cofferdam_storage_data.Buffer
}

// NewBuffer makes an empty buffer. Drop it.
func NewBuffer() *Buffer { return &Buffer{cofferdam_storage_data.NewBuffer()} }

// Write adds bytes at the end.
//
// Errors: QuotaExceeded over the budget; InvalidArgument after Finish.
func (b *Buffer) Write(p []byte) (int, error) {
	if _, err := Checked(b.handle.Append(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Finish makes held content of everything that was written. It outlives the buffer.
//
// Errors: InvalidArgument the second time.
func (b *Buffer) Finish() (*Content, error) {
	handle, err := Checked(b.handle.Finish())
	if err != nil {
		return nil, err
	}
	return &Content{handle}, nil
}

// Drop gives the buffer back to the host.
func (b *Buffer) Drop() { b.handle.Drop() }
