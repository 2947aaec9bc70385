"""sqlite-catalog: what is stored, where, and every small value in one SQLite file; the bytes of objects in files beside it.

```text
/data/catalog.sqlite          objects (path, blob, size, modified) and records (key, data, etag)
/data/blobs/3f/3f9a…          the bytes of an object: written once, never changed
```

A `put` writes the bytes first and names them in one transaction, so a kill at any moment leaves the old object or the new one, and at
worst a file that nobody names, which is swept. Copies and moves are one row each, whatever the size; a page of a list costs what is on it.
"""

import sqlite3
from dataclasses import dataclass

import catalog
import cofferdam
from catalog import Catalog, Row
from cofferdam import ByteRange, Claims, Condition, Content, IfAbsent, IfMatch, Keys, ListOptions, NotFound, ObjectInfo, Opened, Page, PageBuilder
from cofferdam import Value, files, system

#: The most keys of a page.
KEYS_MAX = 10_000


# ---- Settings ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    root: str = cofferdam.setting("The directory that holds everything: a directory grant's name, or a path below one", default="/data")


class SqliteCatalog(cofferdam.Driver[Settings]):
    name = "sqlite-catalog"
    version = "0.1.0"
    Settings = Settings

    def configure(self) -> Claims:
        parts = self.settings.root.split("/")
        if len(parts) < 2 or parts[0] or not all(map(cofferdam.is_component, parts[1:])):
            raise cofferdam.InvalidArgument("the setting `root` is not the path of a granted directory, such as /data")
        # Nothing is opened before the first call that needs it.
        self.catalog = Catalog(self.settings.root)
        return Claims(shared=True, put_if_absent=True, put_if_match=True, atomic_remove_if_match=True)

    def health(self) -> None:
        self.catalog.read(lambda db: db.execute("SELECT 1 FROM objects LIMIT 1").fetchall())


def as_object(row: Row) -> ObjectInfo:
    return cofferdam.object_info(row.path, row.size, row.modified, row.blob)


def check(row: Row | None, condition: Condition, path: str) -> None:
    cofferdam.check_condition(condition, row.blob if row else None, path)


# ---- Objects ----------------------------------------------------------------------------------------------------------------


class Objects(cofferdam.StreamingStore[SqliteCatalog]):
    def stat(self, path: str) -> ObjectInfo:
        return as_object(self.driver.catalog.read(lambda db: catalog.get(db, path)))

    def open(self, path: str, wanted: ByteRange) -> Opened:
        def question(db: sqlite3.Connection) -> Opened:
            row = catalog.get(db, path)
            try:
                # While nobody can remove its name: once it is open it stays readable.
                content = files.open(self.driver.catalog.file(row.blob), wanted).content
            except NotFound:
                raise cofferdam.Corrupted(f"the bytes of {path} are gone: there is no {row.blob}") from None
            return Opened(as_object(row), content)

        return self.driver.catalog.read(question)

    def put(self, path: str, content: Content, condition: Condition) -> ObjectInfo:
        if isinstance(condition, (IfAbsent, IfMatch)):
            # Not a byte is moved for a condition that does not hold as it is.
            check(self.driver.catalog.read(lambda db: catalog.find(db, path)), condition, path)
        blob = self.driver.catalog.keep(content)
        try:
            with self.driver.catalog.transaction() as db:
                check(catalog.find(db, path), condition, path)
                size = files.stat(self.driver.catalog.file(blob)).size
                row, unnamed = catalog.bind(db, path, blob, size)
        except (cofferdam.AlreadyExists, cofferdam.PreconditionFailed):
            self.driver.catalog.drop(blob)
            raise
        self.driver.catalog.drop(unnamed)
        return as_object(row)

    def list(self, prefix: str, options: ListOptions) -> Page:
        def question(db: sqlite3.Connection) -> Page:
            page = PageBuilder(prefix, options)
            if page.after is not None:
                found = catalog.below if options.recursive else catalog.children
                for entry in found(db, page.base, page.after):
                    if not page.add(as_object(entry) if isinstance(entry, Row) else cofferdam.prefix_info(entry)):
                        break
            answer = page.page()
            if page.is_first and prefix != "/" and not answer.entries:
                raise NotFound(f"nothing is stored below {prefix}")
            return answer

        return self.driver.catalog.read(question)

    def remove(self, path: str) -> None:
        with self.driver.catalog.transaction() as db:
            unnamed = catalog.unbind(db, path)
        self.driver.catalog.drop(unnamed)


# ---- Copies and moves: rows, not bytes --------------------------------------------------------------------------------------


class Copies(cofferdam.Copying[SqliteCatalog]):
    def copy(self, source: str, destination: str, condition: Condition) -> ObjectInfo:
        with self.driver.catalog.transaction() as db:
            row = catalog.get(db, source)
            check(catalog.find(db, destination), condition, destination)
            if source == destination:
                return as_object(row)
            row, unnamed = catalog.bind(db, destination, row.blob, row.size)
        self.driver.catalog.drop(unnamed)
        return as_object(row)


class Moves(cofferdam.Renaming[SqliteCatalog]):
    def rename(self, source: str, destination: str, condition: Condition) -> ObjectInfo:
        with self.driver.catalog.transaction() as db:
            row = catalog.get(db, source)
            check(catalog.find(db, destination), condition, destination)
            if source == destination:
                return as_object(row)
            row, unnamed = catalog.bind(db, destination, row.blob, row.size)
            catalog.unbind(db, source)
        self.driver.catalog.drop(unnamed)
        return as_object(row)


# ---- Small values -----------------------------------------------------------------------------------------------------------


class Records(cofferdam.AtomicStore[SqliteCatalog]):
    def get(self, key: str) -> Value:
        row = self.driver.catalog.read(lambda db: db.execute("SELECT data, etag FROM records WHERE key = ?", (key,)).fetchone())
        if row is None:
            raise NotFound(f"nothing is stored at {key}")
        return Value(*row)

    def put(self, key: str, data: bytes, condition: Condition) -> str:
        etag = system.random_hex(16)
        with self.driver.catalog.transaction() as db:
            self.check(db, key, condition)
            db.execute("INSERT OR REPLACE INTO records (key, data, etag) VALUES (?, ?, ?)", (key, data, etag))
        return etag

    def remove(self, key: str, condition: Condition) -> None:
        with self.driver.catalog.transaction() as db:
            self.check(db, key, condition)
            db.execute("DELETE FROM records WHERE key = ?", (key,))

    def list(self, prefix: str, start_after: str | None, limit: int) -> Keys:
        limit = min(limit, KEYS_MAX)
        first = max(prefix, start_after + "\x01" if start_after is not None else "")
        query = "SELECT key FROM records WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
        rows = self.driver.catalog.read(lambda db: db.execute(query, (first, prefix + "\x7f", limit + 1)).fetchall())
        return Keys([key for (key,) in rows[:limit]], more=len(rows) > limit)

    def count(self, prefix: str) -> int:
        query = "SELECT count(*) FROM records WHERE key >= ? AND key < ?"
        (total,) = self.driver.catalog.read(lambda db: db.execute(query, (prefix, prefix + "\x7f")).fetchone())
        return int(total)

    @staticmethod
    def check(db: sqlite3.Connection, key: str, condition: Condition) -> None:
        row = db.execute("SELECT etag FROM records WHERE key = ?", (key,)).fetchone()
        cofferdam.check_condition(condition, row[0] if row else None, key)


cofferdam.export(__name__, SqliteCatalog, streaming_store=Objects, atomic_store=Records, copying=Copies, renaming=Moves)
