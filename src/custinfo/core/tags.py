"""Tag dimensions: labels in groups (TAG-1, TAG-2)."""

from __future__ import annotations

from typing import Final

import attrs

from custinfo.core.frozen import FrozenDict, freeze_labels
from custinfo.core.text import CONTROL, folded, narrowed

__all__ = ["TagDimension"]

_LONGEST: Final = 100


@attrs.frozen
class TagDimension:
    """Group tags: `single` allows one tag a record; `open` lets people add tags that `values` does not list.

    >>> TagDimension("需求", values=("采购设备",)).find("采购设备 ")
    '采购设备'
    """

    key: str
    values: tuple[str, ...] = ()
    label: FrozenDict[str, str] = attrs.field(factory=FrozenDict, converter=freeze_labels)
    aliases: tuple[str, ...] = ()
    open: bool = False
    single: bool = False

    def names(self) -> frozenset[str]:
        """Return the folded texts that name this dimension."""
        return frozenset(map(folded, (self.key, *self.label.values(), *self.aliases)))

    def find(self, text: str) -> str | None:
        """Return the tag that `text` names, itself in an open dimension, or `None`."""
        wanted = folded(text)
        for value in self.values:
            if folded(value) == wanted:
                return value
        tag = narrowed(text)
        return tag if self.open and 0 < len(tag) <= _LONGEST and not CONTROL.search(tag) else None
