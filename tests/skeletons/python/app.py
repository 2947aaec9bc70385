"""The skeleton in Python: what ../README.md says."""

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.exports import atomic_store, lifecycle
from wit_world.imports import (
    connections,
    data,
    files,
    http,
    signing,
    store_types as types,
    system,
    upstream,
)

MIB = 1 << 20


def error(kind, message):
    return Err(types.Error(kind, None, message, None))


def unsupported(*_):
    raise error(types.ErrorKind.UNSUPPORTED, "a skeleton does not do this")


def info(path, size, attributes=(), kind=types.EntryKind.OBJECT):
    return types.ObjectInfo(path, kind, size, system.now(), "e", list(attributes))


def opened(path, content):
    """An object that is all of `content`."""
    size = content.size()
    if size is None:
        raise error(types.ErrorKind.UNSUPPORTED, "content of unknown size")
    return data.Opened(info(path, size), content)


def request(method, url):
    return http.Request(method, url, [("x-skeleton", "python")], [])


def send(request, body=None):
    response = http.send(request, body)
    if response.status != 200:
        raise error(types.ErrorKind.UNAVAILABLE, f"status {response.status}")
    return response.content


class Lifecycle(exports.Lifecycle):
    def describe(self):
        schema = '{"type":"object","properties":{"greeting":{"type":"string"}}}'
        return lifecycle.Description("skeleton-python", "1.0.0", schema)

    def configure(self, settings):
        if not settings:
            raise error(types.ErrorKind.INVALID_ARGUMENT, "`greeting` is missing")
        return [("late-destination", "true")]

    def health(self):
        connection = connections.connect("backend")
        connection.write(b"ping")
        if connection.read(4) != b"pong":
            raise error(types.ErrorKind.UNAVAILABLE, "the backend does not answer pings")
        connection.give_back()


class AtomicStore(exports.AtomicStore):
    def get(self, key):
        return atomic_store.Value(key.encode(), "e")

    put = remove = list = count = unsupported


generators = {}  # How many bytes each open generator has left, by cursor.


def generate(size):
    cursor = max(generators, default=0) + 1
    generators[cursor] = size
    return data.from_generator(cursor, size)


class Generator(exports.Generator):
    def pull(self, cursor, max):
        length = min(max, generators[cursor])
        generators[cursor] -= length
        return b"\x07" * length

    def close(self, cursor):
        del generators[cursor]


class StreamingStore(exports.StreamingStore):
    def stat(self, path):
        return info(path, files.stat("/data" + path).size)

    def open(self, path, range):
        if path == "/inline":
            return opened(path, data.from_bytes(b"hello"))
        if path == "/buffer":
            buffer = data.new_buffer()
            buffer.append(b"made ")
            buffer.append(b"in pieces")
            return opened(path, buffer.finish())
        if path.startswith("/zero/"):
            return opened(path, generate(int(path.removeprefix("/zero/"))))
        if path.startswith("/http/"):
            host = path.removeprefix("/http/")
            return opened(path, send(request("GET", f"http://{host}/")))
        if path.startswith("/up/"):
            return upstream.Store.named("below").open(path, range)
        if path.startswith("/own/"):
            # Python's own files: what the grant gives as a WASI preopen, and nothing else.
            try:
                with open("/data/" + path.removeprefix("/own/"), "rb") as file:
                    return opened(path, data.from_bytes(file.read()))
            except OSError as problem:
                raise error(types.ErrorKind.PERMISSION_DENIED, str(problem))
        file = files.open("/data" + path, range)
        return data.Opened(info(path, file.info.size), file.content)

    def put(self, path, content, condition):
        if not isinstance(condition, types.Condition_Unconditional):
            unsupported()
        if path == "/drain":
            size = 0
            while piece := content.read(size, MIB):
                size += len(piece)
            return info(path, size)
        if path == "/send":
            send(request("PUT", "http://origin/"), content)
            return info(path, content.size())
        size = files.write("/data" + path, 0, content, files.WriteMode.TRUNCATE)
        return info(path, size, [("sha256", content.digest("sha256").hex())])

    def list(self, prefix, options):
        parent = prefix.rstrip("/")
        after = options.start_after and options.start_after.removeprefix(parent + "/")
        entries = []
        for child in files.entries("/data" + parent, after, options.limit):
            directory = child.kind == files.FileKind.DIRECTORY
            kind = types.EntryKind.PREFIX if directory else types.EntryKind.OBJECT
            entries.append(info(f"{parent}/{child.name}", child.size, kind=kind))
        return types.Page(entries, None)

    def remove(self, paths):
        return [self._remove(path) for path in paths]

    def _remove(self, path):
        # A result in a list is a value, not an exception.
        try:
            files.remove("/data" + path)
            return Ok(None)
        except Err as failure:
            return failure


class Uploads(exports.Uploads):
    create = write_part = complete = abort = unsupported


class UploadListing(exports.UploadListing):
    find = written = unsupported


class Copying(exports.Copying):
    copy = unsupported


class Renaming(exports.Renaming):
    rename = unsupported


class ContentStore(exports.ContentStore):
    store = unsupported


class Presigning(exports.Presigning):
    def presign(self, path, access, seconds):
        return signing.presign(request("GET", "http://origin" + path), seconds)
