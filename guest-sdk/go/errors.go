// Errors that name a kind, which is what the host matches on.

package cofferdam

import (
	"errors"
	"time"

	types "cofferdam/bindings/cofferdam_storage_store_types"

	wit "github.com/cofferdam/cofferdam/guest-sdk/go/wit/types"
)

// Kind says why something failed. It is an error itself: errors.Is(err, NotFound) asks for it.
type Kind uint8

// The kinds of the contract.
const (
	// NotFound: nothing is stored, or no file is, under that name.
	NotFound Kind = Kind(types.ErrorKindNotFound)
	// AlreadyExists: something is there, and the caller asked that nothing be. Nothing was changed.
	AlreadyExists = Kind(types.ErrorKindAlreadyExists)
	// PreconditionFailed: what is there does not have the etag that was asked for, or is not there. Nothing was changed.
	PreconditionFailed = Kind(types.ErrorKindPreconditionFailed)
	// InvalidPath: the path or key breaks the rules, or names nothing that is granted.
	InvalidPath = Kind(types.ErrorKindInvalidPath)
	// InvalidRange: a range that has no meaning.
	InvalidRange = Kind(types.ErrorKindInvalidRange)
	// InvalidArgument: an argument that the operation cannot take.
	InvalidArgument = Kind(types.ErrorKindInvalidArgument)
	// Unsupported: not offered, with these settings or at all.
	Unsupported = Kind(types.ErrorKindUnsupported)
	// PermissionDenied: the grant, or the backend, refuses.
	PermissionDenied = Kind(types.ErrorKindPermissionDenied)
	// Unauthenticated: the backend wants credentials, or others.
	Unauthenticated = Kind(types.ErrorKindUnauthenticated)
	// QuotaExceeded: a quota is used up.
	QuotaExceeded = Kind(types.ErrorKindQuotaExceeded)
	// RateLimited: the backend asks for fewer requests. The host may try again.
	RateLimited = Kind(types.ErrorKindRateLimited)
	// Unavailable: the backend cannot be reached at the moment. The host may try again.
	Unavailable = Kind(types.ErrorKindUnavailable)
	// Corrupted: stored data is damaged.
	Corrupted = Kind(types.ErrorKindCorrupted)
	// UploadExpired: the upload is not known any more.
	UploadExpired = Kind(types.ErrorKindUploadExpired)
	// Internal: a fault of the driver or the host.
	Internal = Kind(types.ErrorKindInternal)
)

var kindNames = [...]string{
	"not-found", "already-exists", "precondition-failed", "invalid-path", "invalid-range", "invalid-argument", "unsupported",
	"permission-denied", "unauthenticated", "quota-exceeded", "rate-limited", "unavailable", "corrupted", "upload-expired", "internal",
}

// Error answers the kind's name in the contract.
func (k Kind) Error() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}

// Error is a failure with all that the contract lets a driver say about it.
type Error struct {
	// Kind is what the host matches on.
	Kind Kind
	// Code is what the backend called it, for machines, or empty.
	Code string
	// Message is for people: one sentence without a trailing period, and without secrets.
	Message string
	// RetryAfter says after how long another try makes sense; zero if nothing is known.
	RetryAfter time.Duration
}

// New makes an error of a kind with a message for people.
func New(kind Kind, message string) *Error { return &Error{Kind: kind, Message: message} }

// Error answers the kind and the message.
func (e *Error) Error() string { return e.Kind.Error() + ": " + e.Message }

// Is says that an error is its kind, for errors.Is.
func (e *Error) Is(target error) bool { return error(e.Kind) == target }

// FromWIT makes an error of what a host function answered. Packages of this module use it.
func FromWIT(e types.Error) error {
	return &Error{
		Kind:       Kind(e.Kind),
		Code:       e.Code.SomeOr(""),
		Message:    e.Message,
		RetryAfter: time.Duration(e.RetryAfterMs.SomeOr(0)) * time.Millisecond,
	}
}

// Checked makes Go's two answers of a result of the host's.
func Checked[T any](r wit.Result[T, types.Error]) (T, error) {
	if r.IsErr() {
		var none T
		return none, FromWIT(r.Err())
	}
	return r.Ok(), nil
}

// toWIT is what the host is told about an error that the driver's function answered.
func toWIT(function string, err error) types.Error {
	var full *Error
	var kind Kind
	switch {
	case errors.As(err, &full) && full != nil:
		message := full.Message
		if wrapped := err.Error(); error(full) != err {
			message = wrapped
		}
		told := types.Error{Kind: min(uint8(full.Kind), types.ErrorKindInternal), Code: wit.None[string](), Message: message, RetryAfterMs: wit.None[uint32]()}
		if full.Code != "" {
			told.Code = wit.Some(full.Code)
		}
		if ms := full.RetryAfter.Milliseconds(); ms > 0 {
			told.RetryAfterMs = wit.Some(uint32(min(ms, 1<<32-1)))
		}
		return told
	case errors.As(err, &kind):
		return types.Error{Kind: min(uint8(kind), types.ErrorKindInternal), Code: wit.None[string](), Message: err.Error(), RetryAfterMs: wit.None[uint32]()}
	}
	return types.Error{Kind: types.ErrorKindInternal, Code: wit.None[string](), Message: function + ": " + err.Error(), RetryAfterMs: wit.None[uint32]()}
}

// Answer makes the host's result of a driver's two answers. Package exports uses it.
func Answer[T any](function string, value T, err error) wit.Result[T, types.Error] {
	if err != nil {
		return wit.Err[T](toWIT(function, err))
	}
	return wit.Ok[T, types.Error](value)
}
