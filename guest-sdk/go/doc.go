// Package cofferdam is for writing storage drivers in Go that run as sandboxed WebAssembly components.
//
// A driver decides where bytes live; the host moves them. So a blob is a [Content], a handle that is passed on, and its bytes
// enter the driver only if it asks for them. A driver registers itself in an init function:
//
//	import (
//		cofferdam "github.com/cofferdam/cofferdam/guest-sdk/go"
//		_ "cofferdam/bindings/wit_exports" // the functions that the host calls, by the world in world.wit
//	)
//
//	func init() { cofferdam.Register(&cofferdam.Driver{Name: "mine", Version: "0.1.0", Configure: configure}) }
//
//	func main() {} // never called: the host calls what is registered
//
// # Errors
//
// Functions answer an error. What the host is told is the kind of the first [*Error] or [Kind] in its chain; an error without
// one is told as internal, with its text and the name of the function. errors.Is(err, cofferdam.NotFound) and errors.As work
// with what the host answers.
//
// # Handles
//
// Content, locks and buffers are the host's. What a driver opens it drops: defer content.Drop(). The content of a call of
// the host's, such as Put, is dropped by this package when the call ends; what is handed out, such as the content of [Opened],
// is the host's from then on. The collector never drops a handle, since that calls the host at a moment when nobody may.
//
// # Limits
//
// One call runs at a time. A goroutine that outlives its call stands still until the next one. time.Sleep returns at once:
// waiting and trying again are the host's business, after Unavailable or an error with RetryAfter.
package cofferdam
