"""Makes a driver's classes the exports of its component: checks what goes in and out, and turns exceptions into errors."""

from __future__ import annotations

import inspect
import io
import linecache
import os
import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar, get_type_hints

import wit_world.exports
from componentize_py_types import Err, Ok
from wit_world.exports import lifecycle
from wit_world.imports import store_types as wit

from . import _check, paths, settings, stores, system
from .driver import Driver
from .errors import Internal, InvalidArgument, StoreError, to_wit
from .types import VALUE_MAX, IfAbsent, shown

try:
    from wit_world.imports import data

    from .content import Content, Opened
except ImportError:
    # The driver's world has no content: an atomic store alone.
    pass

DriverT = TypeVar("DriverT", bound=Driver[Any])

#: Where the interpreter's own modules are, as their `__file__` has it.
_STANDARD_LIBRARY = os.path.dirname(os.__file__)

#: How much of a traceback an error carries: its end, which says most.
_TRACE_MAX = 3000

#: The interfaces that a driver may export, by the argument of `export`: the class, and the name in the contract.
_INTERFACES: dict[str, type[Any]] = {
    "streaming_store": stores.StreamingStore,
    "atomic_store": stores.AtomicStore,
    "uploads": stores.Uploads,
    "upload_listing": stores.UploadListing,
    "copying": stores.Copying,
    "renaming": stores.Renaming,
    "content_store": stores.ContentStore,
    "presigning": stores.Presigning,
    "generator": stores.Generator,
}

#: What is checked of an argument, by its name.
_CHECKS: dict[str, Callable[[str], None]] = {
    "path": paths.check_path,
    "source": paths.check_path,
    "destination": paths.check_path,
    "key": paths.check_key,
}


class _Instance:
    """The one driver of this instance, with the stores that it was configured with."""

    def __init__(self) -> None:
        self.driver: Driver[Any] | None = None
        self.stores: dict[str, Any] = {}

    def store(self, name: str) -> Any:
        if name not in self.stores:
            raise Internal("the driver was called before it was configured")
        return self.stores[name]


def export(
    module: str,
    driver: type[DriverT],
    *,
    streaming_store: type[stores.StreamingStore[DriverT]] | None = None,
    atomic_store: type[stores.AtomicStore[DriverT]] | None = None,
    uploads: type[stores.Uploads[DriverT]] | None = None,
    upload_listing: type[stores.UploadListing[DriverT]] | None = None,
    copying: type[stores.Copying[DriverT]] | None = None,
    renaming: type[stores.Renaming[DriverT]] | None = None,
    content_store: type[stores.ContentStore[DriverT]] | None = None,
    presigning: type[stores.Presigning[DriverT]] | None = None,
    generator: type[stores.Generator[DriverT]] | None = None,
) -> None:
    """Exports a driver and its stores from `module`, which is the driver's own: `export(__name__, MyDriver, …)`.

    The last line of a driver. componentize-py looks there for one class an interface of the world; this puts them there, so the
    names `Lifecycle`, `StreamingStore` and so on are theirs afterwards.

    Raises `TypeError`, while the component is built, if a method is missing or the world exports other interfaces.
    """
    given: dict[str, type[Any] | None] = {
        "streaming_store": streaming_store,
        "atomic_store": atomic_store,
        "uploads": uploads,
        "upload_listing": upload_listing,
        "copying": copying,
        "renaming": renaming,
        "content_store": content_store,
        "presigning": presigning,
        "generator": generator,
    }
    chosen = {name: one for name, one in given.items() if one is not None}
    _check_classes(driver, chosen)
    instance = _Instance()
    exported: dict[str, type] = {"Lifecycle": _lifecycle(instance, driver, chosen)}
    for name, store in chosen.items():
        title = _INTERFACES[name].__name__
        exported[title] = _adapter(instance, name, title, store)
    for title, one in exported.items():
        setattr(sys.modules[module], title, one)
    _prepare_output()


def _prepare_output() -> None:
    """Keeps what a traceback shows, since the sources are not there when the component runs, and `print` from holding lines back."""
    for one in list(sys.modules.values()):
        file = getattr(one, "__file__", None)
        # The interpreter's own modules are frozen into it at other places than what was given as the driver's.
        if file and file.endswith(".py") and not file.startswith(_STANDARD_LIBRARY) and (lines := linecache.getlines(file)):
            # Without a time of change: such an entry is never compared with the file.
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)


def _check_classes(driver: type[Any], chosen: dict[str, type[Any]]) -> None:
    for name in ("name", "version", "Settings"):
        if not hasattr(driver, name):
            raise TypeError(f"the driver {driver.__name__} has no `{name}`")
    for name, base in _INTERFACES.items():
        wanted = hasattr(wit_world.exports, base.__name__)
        if wanted and name not in chosen:
            raise TypeError(f"the world exports `{_kebab(name)}`, and export(…) was given no `{name}`")
        if name in chosen and not wanted:
            raise TypeError(f"export(…) was given a `{name}`, and the world does not export `{_kebab(name)}`")
    for name, one in [("lifecycle", driver), *chosen.items()]:
        base = _INTERFACES.get(name, Driver)
        if not (isinstance(one, type) and issubclass(one, base)):
            raise TypeError(f"{one!r} is no subclass of cofferdam.{base.__name__}")
        missing = sorted(getattr(one, "__abstractmethods__", ()))
        if missing:
            raise TypeError(f"{one.__name__} does not implement {', '.join(f'{_kebab(name)}.{_kebab(each)}' for each in missing)}")


def _kebab(name: str) -> str:
    return name.replace("_", "-")


def _lifecycle(instance: _Instance, driver: type[Any], chosen: dict[str, type[Any]]) -> type:
    description = lifecycle.Description(driver.name, driver.version, settings.schema_of(driver.Settings))

    def configure(pairs: list[tuple[str, str]]) -> object:
        made = driver(settings.parse(driver.Settings, pairs))
        claims = made.configure().attributes()
        instance.driver = made
        instance.stores = {name: store(made) for name, store in chosen.items()}
        return claims

    def health() -> None:
        if instance.driver is None:
            raise Internal("the driver was called before it was configured")
        answer: object = instance.driver.health()
        _check.converted(answer, None, "the answer")

    class Lifecycle:
        def describe(self) -> lifecycle.Description:
            return description

        def configure(self, pairs: list[tuple[str, str]]) -> object:
            return _guarded("lifecycle.configure", driver, lambda: configure(pairs))

        def health(self) -> None:
            _guarded("lifecycle.health", driver, health)

    return Lifecycle


def _adapter(instance: _Instance, name: str, title: str, store: type[Any]) -> type:
    """The class of one interface: each function of the bindings' protocol calls the method of that name."""
    protocol = getattr(wit_world.exports, title)
    methods: dict[str, Any] = {}
    for function, declared in vars(protocol).items():
        if function.startswith("_") or not inspect.isfunction(declared):
            continue
        full = f"{_kebab(name)}.{_kebab(function)}"
        if full == "streaming-store.remove":
            methods[function] = _removal(instance, store, full)
        else:
            methods[function] = _method(instance, name, store, full, function, declared)
    return type(title, (), methods)


def _method(instance: _Instance, name: str, store: type[Any], full: str, function: str, declared: Callable[..., Any]) -> Any:
    answer = get_type_hints(declared).get("return")
    names = [one for one in inspect.signature(declared).parameters if one != "self"]
    # What `open` answers holds a handle, which is handed on as it is.
    opens = full == "streaming-store.open"

    def call(values: tuple[Any, ...]) -> Any:
        # Wrapped before anything can be refused, so that each handle is dropped.
        given = [Content(value) if argument == "content" else value for argument, value in zip(names, values)]
        try:
            method = getattr(instance.store(name), function)
            said = method(*(_argument(full, argument, value) for argument, value in zip(names, given)))
            return _opened(said) if opens else _check.converted(said, answer, "the answer")
        finally:
            for argument, value in zip(names, given):
                if argument == "content":
                    value.close()

    def method_of_interface(self: object, *values: Any) -> Any:
        return _guarded(full, store, lambda: call(values))

    return method_of_interface


def _argument(full: str, name: str, value: Any) -> Any:
    """What the author's function is given: checked, and in the SDK's types."""
    if check := _CHECKS.get(name):
        check(value)
    elif name == "prefix" and full == "streaming-store.list":
        paths.check_prefix(value)
    elif full == "atomic-store.put" and name == "data" and len(value) > VALUE_MAX:
        raise InvalidArgument("a value has at most 1 MiB")
    elif full == "atomic-store.remove" and isinstance(value, IfAbsent):
        raise InvalidArgument("what is absent cannot be removed")
    elif full == "presigning.presign" and name == "access":
        return stores.Access(value.value)
    return value


def _opened(said: object) -> data.Opened:
    if not isinstance(said, Opened):
        raise _check.WrongType(f"the answer is {type(said).__name__}, not Opened")
    try:
        info = _check.converted(said.info, wit.ObjectInfo, "the answer.info")
        if not isinstance(said.content, Content):
            raise _check.WrongType(f"the answer.content is {type(said.content).__name__}, not Content")
    except _check.WrongType:
        if isinstance(said.content, Content):
            said.content.close()
        raise
    return data.Opened(info, said.content.take())


def _removal(instance: _Instance, store: type[Any], full: str) -> Any:
    """`streaming-store.remove`: an answer of its own for each path, which is a value and no exception."""

    def remove(paths_given: list[str]) -> list[Any]:
        refused: dict[int, StoreError] = {}
        for at, path in enumerate(paths_given):
            try:
                paths.check_path(path)
            except StoreError as error:
                refused[at] = error
        allowed = [path for at, path in enumerate(paths_given) if at not in refused]
        said = instance.store("streaming_store").remove_many(allowed)
        if not isinstance(said, (list, tuple)) or len(said) != len(allowed):
            raise _check.WrongType(f"the answer is not one of {len(allowed)} errors or None")
        answers = iter(said)
        return [_result(refused[at] if at in refused else next(answers), at) for at in range(len(paths_given))]

    def method_of_interface(self: object, paths_given: list[str]) -> list[Any]:
        try:
            return remove(paths_given)
        except BaseException as failure:
            error = Err(_error(full, store, failure))
            return [error for _ in paths_given]

    return method_of_interface


def _result(said: object, at: int) -> Any:
    if said is None:
        return Ok(None)
    if isinstance(said, StoreError):
        return Err(to_wit(said))
    raise _check.WrongType(f"the answer[{at}] is {type(said).__name__}, not StoreError or None")


def _guarded(full: str, owner: type[Any], call: Callable[[], Any]) -> Any:
    try:
        return call()
    except BaseException as failure:
        raise Err(_error(full, owner, failure)) from None


def _own(trace: TracebackType | None) -> TracebackType | None:
    """What of a traceback is the author's: from the first frame outside of this file on."""
    inner = trace
    while inner is not None and inner.tb_frame.f_code.co_filename == __file__:
        inner = inner.tb_next
    return inner or trace


def _error(full: str, owner: type[Any], failure: BaseException) -> wit.Error:
    """The error for whatever left a driver's function: one that is none of the contract's is told in Python's own words."""
    if isinstance(failure, Err) and isinstance(failure.value, wit.Error):
        return failure.value
    if isinstance(failure, StoreError):
        if isinstance(failure.message, str) and (failure.code is None or isinstance(failure.code, str)):
            return to_wit(failure)
    if isinstance(failure, _check.WrongType):
        told = f"{full} of {owner.__name__} answered wrongly: {failure}"
    else:
        trace = "".join(traceback.format_exception(type(failure), failure, _own(failure.__traceback__))).strip()
        told = f"{full} of {owner.__name__} raised {type(failure).__name__}: {shown(str(failure))}\n{trace[-_TRACE_MAX:]}"
    # A lone surrogate in an exception's text would be a fault on the way out.
    told = told.encode("utf-8", "backslashreplace").decode()
    system.log(told, system.Level.ERROR)
    return wit.Error(wit.ErrorKind.INTERNAL, type(failure).__name__, told, None)
