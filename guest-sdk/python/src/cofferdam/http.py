"""Requests to servers that the grant allows. The host adds credentials, and follows no redirect."""

from __future__ import annotations

from dataclasses import dataclass

from wit_world.imports import http as wit

from .content import Content
from .errors import raising

Request = wit.Request


@dataclass
class Response:
    """What came back: the head, and the body as it arrives. Use the content by `with`."""

    status: int
    headers: list[tuple[str, str]]
    content: Content

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        wanted = name.lower()
        return next((value for given, value in self.headers if given.lower() == wanted), None)


def request(method: str, url: str, headers: dict[str, str] | None = None) -> Request:
    """A request without options."""
    return Request(method, url, list((headers or {}).items()), [])


def send(what: Request, body: Content | None = None) -> Response:
    """Sends a request; returns at the end of the response's head.

    `PermissionDenied` if no rule of the grant allows it; `Unavailable` with `code` `connect`, `tls`, `timeout` or `reset`.
    """
    answer = raising(wit.send)(what, None if body is None else body.handle)
    return Response(answer.status, answer.headers, Content(answer.content))
