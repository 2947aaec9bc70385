"""Write Cofferdam storage drivers in Python.

A driver is a `Driver` with one store or both (`StreamingStore`, `AtomicStore`) and whichever optional abilities its backend has
(`Uploads`, `Copying`, …); `export` makes them a component. It decides *where* bytes live; the host moves them: content is a handle that
a driver passes on, so one in Python stores a gigabyte as fast as one in C.

What the host does is in modules of their own, since a world imports only some of them: `files`, `trees`, `http`, `signing`,
`connections`, `upstream`, `system`.
"""

from . import system
from ._export import export
from .driver import Driver
from .errors import (
    AlreadyExists,
    Corrupted,
    ErrorKind,
    Internal,
    InvalidArgument,
    InvalidPath,
    InvalidRange,
    NotFound,
    PermissionDenied,
    PreconditionFailed,
    QuotaExceeded,
    RateLimited,
    StoreError,
    Unauthenticated,
    Unavailable,
    Unsupported,
    UploadExpired,
)
from .paging import PageBuilder
from .paths import base_of, is_component
from .settings import setting
from .stores import (
    Access,
    AtomicStore,
    ContentStore,
    Copying,
    Found,
    Generator,
    Keys,
    Presigning,
    Renaming,
    StreamingStore,
    UploadListing,
    Uploads,
    Value,
)
from .types import (
    VALUE_MAX,
    Bounded,
    ByteRange,
    Claims,
    Condition,
    EntryKind,
    IfAbsent,
    IfMatch,
    Last,
    ListOptions,
    ObjectInfo,
    Page,
    Part,
    Span,
    StartingAt,
    Unconditional,
    Whole,
    WrittenPart,
    check_condition,
    object_info,
    prefix_info,
    resolve_range,
    sort_key,
)

__all__ = [
    "VALUE_MAX",
    "Access",
    "AlreadyExists",
    "AtomicStore",
    "Bounded",
    "ByteRange",
    "Claims",
    "Condition",
    "ContentStore",
    "Copying",
    "Corrupted",
    "Driver",
    "EntryKind",
    "ErrorKind",
    "Found",
    "Generator",
    "IfAbsent",
    "IfMatch",
    "Internal",
    "InvalidArgument",
    "InvalidPath",
    "InvalidRange",
    "Keys",
    "Last",
    "ListOptions",
    "NotFound",
    "ObjectInfo",
    "Page",
    "PageBuilder",
    "Part",
    "PermissionDenied",
    "PreconditionFailed",
    "Presigning",
    "QuotaExceeded",
    "RateLimited",
    "Renaming",
    "Span",
    "StartingAt",
    "StoreError",
    "StreamingStore",
    "Unauthenticated",
    "Unavailable",
    "Unconditional",
    "Unsupported",
    "UploadExpired",
    "UploadListing",
    "Uploads",
    "Value",
    "Whole",
    "WrittenPart",
    "base_of",
    "check_condition",
    "export",
    "is_component",
    "object_info",
    "prefix_info",
    "resolve_range",
    "setting",
    "sort_key",
    "system",
]

try:
    # A world with an atomic store alone has no content.
    from .content import Buffer as Buffer
    from .content import Content as Content
    from .content import Opened as Opened
except ImportError:
    pass
