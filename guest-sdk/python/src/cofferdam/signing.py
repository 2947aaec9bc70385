"""URLs with which anybody may send a request that the grant allows. Nothing is sent."""

from __future__ import annotations

from wit_world.imports import signing as wit

from .errors import raising
from .http import Request


def presign(what: Request, seconds: int) -> str:
    """A URL with which anybody may send `what` for so many seconds.

    `PermissionDenied` if no rule allows the request; `Unsupported` if the rule's scheme has no presigned URLs.
    """
    return raising(wit.presign)(what, seconds)
