"""Going through granted directories in byte order of whole paths, and taking down those that became empty."""

from __future__ import annotations

from collections.abc import Iterator

from . import files
from .errors import InvalidArgument, NotFound, StoreError
from .paths import is_component


def walk(directory: str, after: str = "", *, deep: bool = False, chunk: int = files.ENTRIES_MAX) -> Iterator[tuple[str, files.FileInfo]]:
    """What is below `directory` and comes after the path `after`: the path below the start, and what is there.

    The direct children, or with `deep` the files of all directories below whose names may be components of paths. No directory is
    read that is not reached, so leaving the loop early costs nothing. `chunk` is how many entries the host is asked for at a time.

    Raises `NotFound` if `directory` is none. One that vanishes meanwhile counts as empty.
    """
    # `after` may be far below: then the rest of that directory comes first.
    name, slash, rest = after.partition("/")
    if deep and slash and is_component(name):
        yield from _inner(directory, name, rest, chunk)
    last: str | None = after or None
    while True:
        try:
            entries = files.entries(directory, last, chunk)
        except InvalidArgument:
            raise NotFound(f"{directory} is no directory") from None
        for entry in entries:
            if not (deep and entry.kind is files.FileKind.DIRECTORY):
                yield entry.name, entry
            elif is_component(entry.name):
                yield from _inner(directory, entry.name, "", chunk)
        if len(entries) < min(chunk, files.ENTRIES_MAX):
            return
        last = files.sort_key(entries[-1])


def _inner(directory: str, name: str, after: str, chunk: int) -> Iterator[tuple[str, files.FileInfo]]:
    try:
        for below, entry in walk(f"{directory}/{name}", after, deep=True, chunk=chunk):
            yield f"{name}/{below}", entry
    except NotFound:
        return


def prune(file: str, top: str) -> None:
    """Removes the directories above `file` that have become empty, up to `top`: a prefix without objects is none.

    Whoever makes a file in the place of such a directory must hold the lock of that name.
    """
    directory = file.rpartition("/")[0]
    while len(directory) > len(top):
        try:
            with files.lock(directory):
                if files.stat(directory).kind is not files.FileKind.DIRECTORY:
                    return
                files.remove(directory)
        except StoreError:
            # It is not empty, or somebody else was faster.
            return
        directory = directory.rpartition("/")[0]
