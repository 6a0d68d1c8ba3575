"""Units of work that die at a call: before it, or after it and before whatever follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import attrs

__all__ = ["DiedError", "DyingUnits"]

_PARTS: Final = frozenset(
    {"records", "queries", "history", "approvals", "rewriting", "upkeep", "log", "configurations"}
)


class DiedError(Exception):
    """The process dies here."""


@attrs.define
class _Countdown:
    left: int
    late: bool
    calls: int = 0

    def call(self, work: Any, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        dies = self.calls == self.left
        if dies and not self.late:
            raise DiedError
        found = work(*args, **kwargs)
        if dies:
            raise DiedError
        return found


@attrs.define
class _Counted:
    """A unit, or a repository of it, whose calls are counted."""

    _inner: Any
    _countdown: _Countdown

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name in _PARTS:
            return _Counted(found, self._countdown)
        if not callable(found) or name.startswith("_"):
            return found
        return lambda *args, **kwargs: self._countdown.call(found, *args, **kwargs)


class DyingUnits:
    """Begin units of another store that die at their n-th call.

    Args:
        inner: The store.
        at: Which call, from 1; 0 for none.
        late: Whether they die after it, with what it did, instead of before.
    """

    def __init__(self, inner: Any, at: int, *, late: bool) -> None:
        self._inner = inner
        self._countdown = _Countdown(at, late)

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return self._countdown.calls

    @contextmanager
    def begin(self, schema: Any, tenant: str) -> Iterator[Any]:
        """Begin a unit; what dies is rolled back to its last commit."""
        with self._inner.begin(schema, tenant) as unit:
            yield _Counted(unit, self._countdown)
