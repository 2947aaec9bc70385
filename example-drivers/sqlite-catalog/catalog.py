"""The catalogue: one SQLite file that says what is stored, and the files of bytes that its rows name.

SQLite has no locks of its own here, because WASI has none. So every transaction, also one that only reads, holds a lock of the host's,
which is exclusive among all instances and processes. Whoever comes after one that died finds SQLite's journal and rolls back.

Where the directory is granted for reading only there is no lock to be had. Then a question is asked of the file as it is, and its answer
counts if no change was under way before and after, and none came between.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from cofferdam import Bounded, Content, Corrupted, NotFound, PermissionDenied, QuotaExceeded, Span, StoreError, Unavailable, files, system

AnswerT = TypeVar("AnswerT")

#: What is in the file: another number is of another version of this driver.
SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE objects (
    path     TEXT    PRIMARY KEY,
    blob     TEXT    NOT NULL,     -- the file of its bytes; two objects may share one
    size     INTEGER NOT NULL,
    modified INTEGER NOT NULL      -- nanoseconds since 1970
) WITHOUT ROWID;
CREATE INDEX objects_by_blob ON objects (blob);
CREATE TABLE records (
    key  TEXT PRIMARY KEY,
    data BLOB NOT NULL,
    etag TEXT NOT NULL
);
"""

#: After this long a file that no row names is what a call that died has left: one day, in nanoseconds.
LEFTOVER_AFTER = 86_400 * 1_000_000_000

#: Where in the file SQLite counts its commits: four bytes.
CHANGE_COUNTER = Bounded(Span(24, 4))

#: How often a question without a lock is asked again because somebody writes.
TRIES = 20


@dataclass(frozen=True)
class Row:
    """An object. Its etag is the name of the file of its bytes, which never changes once it is there."""

    path: str
    blob: str
    size: int
    modified: int


class Catalog:
    """The catalogue of one directory. The connection is kept between calls; SQLite notices what others changed meanwhile."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._connection: sqlite3.Connection | None = None
        self._is_locking: bool | None = None
        self._swept = False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction: what is done in it is done whole and durable at its end, or not at all. Nobody else has one meanwhile."""
        with self._lock():
            try:
                connection = self._connection or self._connect()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            except sqlite3.Error as failure:
                self._close()
                raise told(failure) from failure

    def read(self, question: Callable[[sqlite3.Connection], AnswerT]) -> AnswerT:
        """The answer to a question that changes nothing, about one moment. The question may be asked more than once."""
        if self._is_locking is None:
            try:
                self._lock().release()
                self._is_locking = True
            except PermissionDenied:
                # Granted for reading only, which does not change while an instance lives.
                self._is_locking = False
        if not self._is_locking:
            return self._read_unlocked(question)
        with self.transaction() as db:
            return question(db)

    def _lock(self) -> files.Guard:
        return files.lock(f"{self.root}/catalog")

    def _read_unlocked(self, question: Callable[[sqlite3.Connection], AnswerT]) -> AnswerT:
        for _ in range(TRIES):
            before = self._state()
            if before is None:
                continue
            try:
                answer = self._ask_unlocked(question, exists=before != b"")
            except sqlite3.Error as failure:
                # What is torn looks damaged: it is if nobody wrote.
                if self._state() == before:
                    raise told(failure) from failure
            except StoreError:
                if self._state() == before:
                    raise
            else:
                if self._state() == before:
                    return answer
        raise Unavailable("the catalogue is being written, or its last writer died and nobody has written since")

    def _ask_unlocked(self, question: Callable[[sqlite3.Connection], AnswerT], exists: bool) -> AnswerT:
        # Opened anew for each question: SQLite looks for no changes of a file that it is told to be immutable.
        path = f"file:{self.root}/catalog.sqlite?vfs=unix-none&immutable=1" if exists else "file::memory:"
        connection = sqlite3.connect(path, uri=True, isolation_level=None)
        try:
            if not exists:
                connection.executescript(SCHEMA)
            return question(connection)
        finally:
            connection.close()

    def _state(self) -> bytes | None:
        """How many commits there were; nothing if there is no file, and `None` while one is under way: then the journal has bytes."""
        try:
            with files.open(f"{self.root}/catalog.sqlite", CHANGE_COUNTER).content as counter:
                count = counter.read_all(4)
            return None if files.stat(f"{self.root}/catalog.sqlite-journal").size else count
        except NotFound:
            return b""

    def _connect(self) -> sqlite3.Connection:
        files.make_directory(self.root)
        path = f"{self.root}/catalog.sqlite"
        # `unix-none`: the file's own locks are left out. Autocommit: transactions are said where they begin and end.
        connection = sqlite3.connect(f"file:{path}?vfs=unix-none", uri=True, isolation_level=None, cached_statements=32)
        # A commit is the journal's truncation, which needs no directory to be made durable, and every step is synced.
        for pragma in ("journal_mode = TRUNCATE", "synchronous = FULL", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            # The file's name, and that of the journal, which is never removed.
            for name in ("catalog.sqlite", "catalog.sqlite-journal"):
                files.sync(f"{self.root}/{name}")
        elif version != SCHEMA_VERSION:
            connection.close()
            raise Corrupted(f"the catalogue has version {version}, and this driver knows {SCHEMA_VERSION}")
        self._connection = connection
        return connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    # ---- The files of bytes ---------------------------------------------------------------------------------------------

    def file(self, blob: str) -> str:
        """The file of this name; in one of 256 directories, so that none gets too large to list."""
        return f"{self.root}/blobs/{blob[:2]}/{blob}"

    def keep(self, content: Content) -> str:
        """Writes a file of bytes, durably, and answers its name. Until a row names it, it is nobody's."""
        if not self._swept:
            self._swept = True
            self._sweep(system.random_hex(1))
        blob = system.random_hex(16)
        # From host to host: not a byte of it enters the interpreter.
        files.replace(self.file(blob), content, files.CommitMode.NO_REPLACE)
        return blob

    def drop(self, blob: str | None) -> None:
        """Removes a file that no row names any more. One that cannot be removed is found by a sweep."""
        if blob is not None:
            with suppress(NotFound, Unavailable):
                files.remove(self.file(blob))

    def _sweep(self, fan: str) -> None:
        """Removes what calls that died have left in one of the directories: each instance looks into one of them once."""
        directory = f"{self.root}/blobs/{fan}"
        try:
            entries = files.entries(directory)
        except NotFound:
            return
        old = [entry.name for entry in entries if entry.modified < system.now() - LEFTOVER_AFTER]
        if not old:
            return
        with self.transaction() as db:
            # In the transaction: a slow `put` checks in its own that its file is still there.
            for blob in old:
                if not is_named(db, blob):
                    self.drop(blob)


# ---- Questions and changes; each in a transaction of the caller's ------------------------------------------------------------

COLUMNS = "path, blob, size, modified"


def find(db: sqlite3.Connection, path: str) -> Row | None:
    """The object at `path`."""
    row = db.execute(f"SELECT {COLUMNS} FROM objects WHERE path = ?", (path,)).fetchone()
    return Row(*row) if row else None


def get(db: sqlite3.Connection, path: str) -> Row:
    """The object at `path`; `NotFound` if there is none."""
    row = find(db, path)
    if row is None:
        raise NotFound(f"nothing is stored at {path}")
    return row


def is_named(db: sqlite3.Connection, blob: str) -> bool:
    """Whether a row names this file."""
    return db.execute("SELECT 1 FROM objects WHERE blob = ? LIMIT 1", (blob,)).fetchone() is not None


def bind(db: sqlite3.Connection, path: str, blob: str, size: int) -> tuple[Row, str | None]:
    """Puts a file of bytes at `path`; answers the object, and the file that no row names any more."""
    before = find(db, path)
    # A clock that was set back must not make an object older.
    row = Row(path, blob, size, max(system.now(), before.modified if before else 0))
    db.execute("INSERT OR REPLACE INTO objects (path, blob, size, modified) VALUES (?, ?, ?, ?)", (row.path, row.blob, row.size, row.modified))
    return row, before.blob if before and not is_named(db, before.blob) else None


def unbind(db: sqlite3.Connection, path: str) -> str | None:
    """Removes what is at `path`; answers the file that no row names any more."""
    before = find(db, path)
    if before is None:
        return None
    db.execute("DELETE FROM objects WHERE path = ?", (path,))
    return None if is_named(db, before.blob) else before.blob


def below(db: sqlite3.Connection, base: str, after: str) -> Iterator[Row]:
    """All objects whose paths begin with `base`, which ends with `/`, and come after `base + after`, in byte order."""
    # A path is after another if it is at least that one and the smallest character; `0` is what comes after `/`.
    first, end, batch = base + after + ("\x01" if after else ""), base[:-1] + "0", 8
    query = f"SELECT {COLUMNS} FROM objects WHERE path >= ? AND path < ? ORDER BY path LIMIT ?"
    # In batches that are read whole: a question that stays open would keep SQLite from noticing what others change.
    while rows := db.execute(query, (first, end, batch)).fetchall():
        for row in rows:
            yield Row(*row)
        first, batch = rows[-1][0] + "\x01", min(2 * batch, 512)


def children(db: sqlite3.Connection, base: str, after: str) -> Iterator[Row | str]:
    """Direct children after the sort key `base + after`: objects, and the paths of prefixes. A prefix costs one step of the index."""
    # Everything below the prefix that `after` is in, or is, was shown by that prefix.
    name, slash, _ = after.partition("/")
    after = f"{name}/" if slash else after
    while True:
        for row in below(db, base, f"{after}\x7f" if after.endswith("/") else after):
            name, slash, _ = row.path[len(base) :].partition("/")
            if slash:
                yield base + name
                after = f"{name}/"
                break
            yield row
        else:
            return


def told(failure: sqlite3.Error) -> Exception:
    """What SQLite complains about, in the contract's words."""
    name = getattr(failure, "sqlite_errorname", "SQLITE_ERROR")
    if name.startswith("SQLITE_FULL"):
        return QuotaExceeded("there is no room for the catalogue", code=name)
    if name.startswith("SQLITE_CANTOPEN"):
        return PermissionDenied("the catalogue cannot be opened: the grant of its directory needs `wasi = true`", code=name)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return Corrupted(f"the catalogue is damaged: {failure}", code=name)
    if name.startswith(("SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_READONLY", "SQLITE_PROTOCOL")):
        return Unavailable(f"the catalogue cannot be used: {failure}", code=name)
    return failure
