"""The driver itself: what it is called, its settings, its claims and its health."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic

from .settings import SettingsT
from .types import Claims


class Driver(ABC, Generic[SettingsT]):
    """What a driver is, and what all its stores share. `self.settings` are those that it was configured with."""

    #: `^[a-z][a-z0-9-]{0,62}$`: `filesystem`.
    name: ClassVar[str]
    #: The driver's own version, for people.
    version: ClassVar[str]
    #: The dataclass of its settings.
    Settings: ClassVar[type]

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings

    @abstractmethod
    def configure(self) -> Claims:
        """Checks what the settings mean, without I/O, and answers what is true with them.

        Raises `InvalidArgument`, naming the setting.
        """

    @abstractmethod
    def health(self) -> None:
        """One cheap round trip to the backend. `Unavailable` when it is gone."""
