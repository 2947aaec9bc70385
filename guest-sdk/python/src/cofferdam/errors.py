"""The errors of the contract as exceptions: one class a kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, ParamSpec, TypeVar

from componentize_py_types import Err
from wit_world.imports import store_types as wit

ErrorKind = wit.ErrorKind

_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")

#: What a `retry-after-ms` can be at most: it is a u32.
_RETRY_MAX = (1 << 32) - 1


class StoreError(Exception):
    """A failure that the contract knows. It changed nothing, unless the function says otherwise.

    `message` is one sentence for people, without a trailing period and without secrets. `code` is what the backend calls it
    (`SlowDown`). After `retry_after_ms`, a number of milliseconds, the host may try again.

    Raise one of the subclasses. Any other exception that leaves a driver is a fault of the driver: `internal`.
    """

    kind: ClassVar[ErrorKind] = ErrorKind.INTERNAL

    def __init__(self, message: str, *, code: str | None = None, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        if retry_after_ms is not None and not 0 <= retry_after_ms <= _RETRY_MAX:
            raise ValueError(f"retry_after_ms is {retry_after_ms}, which is no u32")
        self.message = message
        self.code = code
        self.retry_after_ms = retry_after_ms


class NotFound(StoreError):
    """Nothing is stored, or no file is, under that name."""

    kind = ErrorKind.NOT_FOUND


class AlreadyExists(StoreError):
    """Something is there, and the caller asked that nothing be. Nothing was changed."""

    kind = ErrorKind.ALREADY_EXISTS


class PreconditionFailed(StoreError):
    """What is there does not have the etag that was named, or is not there. Nothing was changed."""

    kind = ErrorKind.PRECONDITION_FAILED


class InvalidPath(StoreError):
    """The path or key breaks the rules, or names nothing that is granted."""

    kind = ErrorKind.INVALID_PATH


class InvalidRange(StoreError):
    """A range that has no meaning. Never for a range at or past the end, which is empty."""

    kind = ErrorKind.INVALID_RANGE


class InvalidArgument(StoreError):
    """An argument that the operation cannot take: a setting, a size, a part id."""

    kind = ErrorKind.INVALID_ARGUMENT


class Unsupported(StoreError):
    """Not offered, with these settings or at all. What is not claimed answers this, and does nothing."""

    kind = ErrorKind.UNSUPPORTED


class PermissionDenied(StoreError):
    """The grant, or the backend, refuses."""

    kind = ErrorKind.PERMISSION_DENIED


class Unauthenticated(StoreError):
    """The backend wants credentials, or others."""

    kind = ErrorKind.UNAUTHENTICATED


class QuotaExceeded(StoreError):
    """A quota is used up: the backend's, the spool's, a driver's `capacity`."""

    kind = ErrorKind.QUOTA_EXCEEDED


class RateLimited(StoreError):
    """The backend asks for fewer requests. The host may try again."""

    kind = ErrorKind.RATE_LIMITED


class Unavailable(StoreError):
    """The backend cannot be reached at the moment. The host may try again."""

    kind = ErrorKind.UNAVAILABLE


class Corrupted(StoreError):
    """Stored data is damaged."""

    kind = ErrorKind.CORRUPTED


class UploadExpired(StoreError):
    """The upload is not known any more: it was completed, aborted or cleaned up."""

    kind = ErrorKind.UPLOAD_EXPIRED


class Internal(StoreError):
    """A fault of the driver or the host."""

    kind = ErrorKind.INTERNAL


_CLASSES: dict[ErrorKind, type[StoreError]] = {
    one.kind: one
    for one in (
        NotFound,
        AlreadyExists,
        PreconditionFailed,
        InvalidPath,
        InvalidRange,
        InvalidArgument,
        Unsupported,
        PermissionDenied,
        Unauthenticated,
        QuotaExceeded,
        RateLimited,
        Unavailable,
        Corrupted,
        UploadExpired,
        Internal,
    )
}


def from_wit(error: wit.Error) -> StoreError:
    """The exception for an error as the bindings have it."""
    return _CLASSES[error.kind](error.message, code=error.code, retry_after_ms=error.retry_after_ms)


def to_wit(error: StoreError) -> wit.Error:
    """The error of the bindings for an exception."""
    return wit.Error(error.kind, error.code, error.message, error.retry_after_ms)


def raising(call: Callable[_Parameters, _Answer]) -> Callable[_Parameters, _Answer]:
    """Makes a function of the bindings raise these exceptions instead of `Err`."""

    def called(*values: _Parameters.args, **named: _Parameters.kwargs) -> _Answer:
        try:
            return call(*values, **named)
        except Err as failure:
            if isinstance(failure.value, wit.Error):
                raise from_wit(failure.value) from None
            raise

    called.__name__ = getattr(call, "__name__", "called")
    called.__doc__ = call.__doc__
    return called
