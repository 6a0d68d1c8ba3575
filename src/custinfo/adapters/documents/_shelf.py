"""What the repositories of a unit share: saving versions, and claiming what only one may have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.core.approval.requests import Request
from custinfo.core.documents import Documents
from custinfo.core.errors import StaleVersionError
from custinfo.core.history.changes import Change
from custinfo.core.records import Record
from custinfo.core.schema import Schema
from custinfo.core.store_errors import stale_version
from custinfo.ports.documents import DocumentStore, Item, Where

__all__ = ["Shelf", "change_item", "claim_name"]

_AT_ONCE: Final = 500
"""So many values are asked for at once: databases limit how long a list may be."""


@attrs.frozen
class Shelf:
    """What the repositories of a unit share: the store, and the configuration that encodes what is kept there."""

    store: DocumentStore
    schema: Schema
    documents: Documents

    def get(self, kind: str, keys: Collection[str]) -> list[Mapping[str, Any]]:
        """Return the data of these keys; nothing else is asked for, so that no database finds a way but by them."""
        return self.read(kind, "key", keys)

    def read(
        self, kind: str, name: str, values: Collection[str], others: Where | None = None
    ) -> list[Mapping[str, Any]]:
        """Return the data of the items with one of many different values, and with the `others`."""
        parts = _parts(values)
        return [data for part in parts for data in self.store.read(kind, {**(others or {}), name: part})]

    def delete(self, kind: str, name: str, values: Collection[str]) -> None:
        """Delete the items with one of many values."""
        for part in _parts(values):
            self.store.delete(kind, {name: part})

    def save(self, kind: str, items: Sequence[Record | Request]) -> None:
        """Insert items of version 1, and replace others. Raises: StaleVersionError; what was done is to be taken back.

        What they claim is given up.
        """
        made = [Item(item.id, item.version, self.documents.encode(item)) for item in items]
        new = [item for item in made if item.version == 1]
        if not self.store.insert(kind, new):
            raise self.stale(kind, new, 1)
        for item in made:
            if item.version != 1 and not self.store.replace(kind, item):
                raise self.stale(kind, [item], 1)
        self.release([item.key for item in made])

    def stale(self, kind: str, items: Sequence[Item], step: int) -> StaleVersionError:
        """Return the error for the first item that is not stored at `step` versions less."""
        stored = {str(data["id"]): int(data["version"]) for data in self.get(kind, [item.key for item in items])}
        pairs = [(item.version - step, stored.get(item.key, 0)) for item in items]
        expected, actual = next((pair for pair in pairs if pair[0] != pair[1]), pairs[0])
        return stale_version(expected, actual)

    def claim(self, wanted: Mapping[str, str]) -> Mapping[str, str]:
        """Take names, given with who is to have them, all or none; return those that are taken, with who has them."""
        items = [Item(name, 1, {"name": name, "holder": holder}) for name, holder in wanted.items()]
        while not self.store.insert("claim", items):
            taken = self.holders(wanted)
            if taken:  # else it was given up in the meantime
                return taken
        return {}

    def release(self, holders: Sequence[str]) -> None:
        """Give up all names that these have."""
        self.delete("claim", "holder", holders)

    def holders(self, names: Collection[str]) -> dict[str, str]:
        """Return name → who has it."""
        return {data["name"]: data["holder"] for data in self.get("claim", names)}


def _parts(values: Collection[str]) -> Iterator[Sequence[str]]:
    listed = list(values)
    return (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))


def change_item(shelf: Shelf, change: Change) -> Item:
    """Return a change as it is kept: one without a position has 0, which can be asked for."""
    data = {**shelf.documents.encode(change), "position": change.position or 0}
    return Item(f"{change.record_id} {change.version}", change.version, data)


def claim_name(*parts: str) -> str:
    """Return the name of what only one may have: short enough for any index, and without the value itself."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
