"""Values by key, up to a number."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Bounded"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Hold the latest values by key, up to a number; threads may share it."""

    def __init__(self, most: int) -> None:
        """Hold at most so many."""
        self._most = most
        self._values: dict[K, V] = {}
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """Return the value of a key, or `None`."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value; the one that was put first makes room."""
        with self._lock:
            if len(self._values) >= self._most and key not in self._values:
                del self._values[next(iter(self._values))]
            self._values[key] = value
