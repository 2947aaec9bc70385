"""{{name}}: every object is a file in one granted directory, and so is every small value.

The host does the hard parts: `files.replace` is atomic and durable, and `files.lock` holds across instances and processes.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import cofferdam
from cofferdam import ByteRange, Claims, Condition, Content, InvalidArgument, Keys, ListOptions, NotFound, ObjectInfo, Opened, Page, PageBuilder, Value
from cofferdam import files, trees

#: What the file of a value ends with: no path can have it, so that `a` and `a/b` may both be keys. It sorts before what can.
MARK = "+"


@dataclass(frozen=True)
class Settings:
    root: str = cofferdam.setting("The directory that holds everything: a directory grant's name", default="/data")


class SmallFileStore(cofferdam.Driver[Settings]):
    name = "{{name}}"
    version = "0.1.0"
    Settings = Settings

    def configure(self) -> Claims:
        parts = self.settings.root.split("/")
        if len(parts) < 2 or parts[0] or any(part in ("", ".", "..") for part in parts[1:]):
            raise InvalidArgument("the setting `root` is not the path of a granted directory, such as /data")
        return Claims(shared=True, put_if_absent=True, put_if_match=True, atomic_remove_if_match=True)

    def health(self) -> None:
        with suppress(NotFound):  # The directory below a grant comes into being with its first object.
            files.stat(self.settings.root)


def check(file: str, condition: Condition, name: str) -> bool:
    """Checks a condition on a file whose lock is held; answers whether it is there."""
    try:
        present = files.stat(file)
    except (NotFound, InvalidArgument):
        present = None
    if present and present.kind is files.FileKind.DIRECTORY:
        with suppress(cofferdam.StoreError):  # Left empty by a call that died, it is in nobody's way; else it stays.
            files.remove(file)
    there = present is not None and present.kind is files.FileKind.FILE
    cofferdam.check_condition(condition, present.stamp if present and there else None, name)
    return there


def replace(file: str, content: Content, condition: Condition, name: str) -> files.FileInfo:
    """Replaces a file if a condition holds. Every writer takes the lock, so that none comes between check and replacement."""
    with files.lock(file):
        check(file, condition, name)
        return files.replace(file, content, files.mode_of(condition))


def remove(file: str, condition: Condition, name: str, top: str) -> None:
    with files.lock(file):
        if not check(file, condition, name):
            return
        files.remove(file)
    trees.prune(file, top)


def as_object(path: str, info: files.FileInfo) -> ObjectInfo:
    return cofferdam.object_info(path, info.size, info.modified, info.stamp)


class Objects(cofferdam.StreamingStore[SmallFileStore]):
    def file(self, path: str) -> str:
        return self.driver.settings.root + path

    def stat(self, path: str) -> ObjectInfo:
        with suppress(NotFound, InvalidArgument):  # A parent that is a file is refused as an argument.
            info = files.stat(self.file(path))
            if info.kind is files.FileKind.FILE:
                return as_object(path, info)
        raise NotFound(f"no object is stored at {path}")

    def open(self, path: str, wanted: ByteRange) -> Opened:
        with suppress(NotFound, InvalidArgument):  # A directory is refused as an argument.
            file = files.open(self.file(path), wanted)
            return Opened(as_object(path, file.info), file.content)
        raise NotFound(f"no object is stored at {path}")

    def put(self, path: str, content: Content, condition: Condition) -> ObjectInfo:
        return as_object(path, replace(self.file(path), content, condition, path))

    def list(self, prefix: str, options: ListOptions) -> Page:
        page = PageBuilder(prefix, options)
        if page.after is None:
            return page.page()
        try:
            for below, entry in trees.walk(self.file(prefix).rstrip("/"), page.after, deep=options.recursive, chunk=page.limit + 1):
                path = page.base + below
                if not cofferdam.is_component(entry.name) or entry.kind is files.FileKind.OTHER:
                    continue
                if not page.add(as_object(path, entry) if entry.kind is files.FileKind.FILE else cofferdam.prefix_info(path)):
                    break
        except NotFound:
            if page.is_first and prefix != "/":
                raise NotFound(f"nothing is stored below {prefix}") from None
        return page.page()

    def remove(self, path: str) -> None:
        remove(self.file(path), cofferdam.Unconditional(), path, self.driver.settings.root)


class Values(cofferdam.AtomicStore[SmallFileStore]):
    @property
    def root(self) -> str:
        return f"{self.driver.settings.root}/{MARK}values"

    def file(self, key: str) -> str:
        return f"{self.root}/{key}{MARK}"

    def get(self, key: str) -> Value:
        opened = files.open(self.file(key))
        with opened.content as content:
            return Value(content.read_all(cofferdam.VALUE_MAX), opened.info.stamp)

    def put(self, key: str, data: bytes, condition: Condition) -> str:
        with Content.from_bytes(data) as content:
            return replace(self.file(key), content, condition, key).stamp

    def remove(self, key: str, condition: Condition) -> None:
        remove(self.file(key), condition, key, self.root)

    def list(self, prefix: str, start_after: str | None, limit: int) -> Keys:
        keys: list[str] = []
        for key in self.keys(prefix, start_after, limit + 1):
            if len(keys) == limit:
                return Keys(keys, more=True)
            keys.append(key)
        return Keys(keys, more=False)

    def count(self, prefix: str) -> int:
        return sum(1 for _ in self.keys(prefix, None, files.ENTRIES_MAX))

    def keys(self, prefix: str, start_after: str | None, chunk: int) -> Iterator[str]:
        """The keys that begin with `prefix` and come after another one, in byte order."""
        after = max(prefix, start_after + MARK if start_after is not None else "")
        with suppress(NotFound):  # No value was ever written.
            for name, entry in trees.walk(self.root, after, deep=True, chunk=chunk):
                if not name.startswith(prefix):
                    return
                key = name.removesuffix(MARK)
                if entry.kind is files.FileKind.FILE and key != name and (start_after is None or key > start_after):
                    yield key


cofferdam.export(__name__, SmallFileStore, streaming_store=Objects, atomic_store=Values)
