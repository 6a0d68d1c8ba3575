"""What the units of one store remember: statements by their shapes, and what was learned of the data."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final

import attrs
from sqlalchemy import Table

from custinfo.adapters.sqlalchemy._bounded import Bounded
from custinfo.adapters.sqlalchemy._ready import Ready

__all__ = ["Memory"]

_STATEMENTS: Final = 512
_NOTES: Final = 4096
_USES: Final = 500


@attrs.define(eq=False)
class _Noted:
    value: Any
    uses: int = 0


class Memory:
    """What the units of one store learn: statements by shape, and how many records criteria lead to.

    It only makes answers come sooner, never other ones.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self._statements: Bounded[Any, Ready] = Bounded(_STATEMENTS)
        self._noted: Bounded[Any, _Noted] = Bounded(_NOTES)
        self._aliases: dict[tuple[Table, str], Any] = {}

    def alias(self, table: Table, name: str) -> Any:
        """Return a table under a name; making its columns anew takes as long as building a small statement."""
        known = self._aliases.get((table, name))
        if known is None:
            known = self._aliases[table, name] = table.alias(name)
        return known

    def ready(self, key: Hashable, make: Callable[[], Ready]) -> Ready:
        """Return the statement of a shape, made if it isn't known."""
        known = self._statements.get(key)
        if known is None:
            known = make()
            self._statements.put(key, known)
        return known

    def recall(self, key: Hashable) -> Any:
        """Return what was noted; `None` if nothing was, or so often recalled that it is time to look again."""
        noted = self._noted.get(key)
        if noted is None or noted.uses >= _USES:
            return None
        noted.uses += 1
        return noted.value

    def note(self, key: Hashable, value: Any) -> None:
        """Note something about the data."""
        self._noted.put(key, _Noted(value))
