"""Time, randomness and the log of the host."""

from __future__ import annotations

from wit_world.imports import system as wit

Level = wit.Level

#: What the host answers to one question for randomness at most.
_RANDOM_MAX = 1 << 16


def now() -> int:
    """The time, in nanoseconds since 1970."""
    return wit.now()


def random_bytes(length: int) -> bytes:
    """Random bytes, fit for keys. Python's own `random` begins alike in every instance: its state is in the component."""
    if not 0 <= length <= _RANDOM_MAX:
        raise ValueError(f"{length} is no number of random bytes from 0 to {_RANDOM_MAX}")
    return wit.random(length)


def random_hex(length: int) -> str:
    """So many random bytes in hexadecimal digits."""
    return random_bytes(length).hex()


def log(message: str, level: Level = Level.INFO) -> None:
    """Writes a message to the host's log, marked with the driver's name. The host cuts it at 4 KiB."""
    wit.log(level, message)
