"""One narrow port for stores that keep JSON documents: `custinfo.adapters.documents` makes all the others of it.

A store that can do more implements `custinfo.ports.repositories` in part or whole: the repositories of a unit can be
mixed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import attrs

__all__ = ["DocumentStore", "Item", "Where"]

Where = Mapping[str, Collection[str | int]]
"""Name → the values of which it must have one, for every name: 500 at most of records, changes, requests and events.

A name is `key`, `version`, or an attribute at the top of the data. custinfo asks for records by `module`; for changes
by `module` and `record_id`, by `batch`, and by `position`; for requests by `module`, `record_id` and `state`, by
`state`, and by `submitted_by`; for imports by `module`, `digest` and `state`; for the access log by `module`, and by
`actor`; for claims by `holder`; for events by `key` alone. These deserve an index.
"""


@attrs.frozen
class Item:
    """One document: `key` is unique within its kind, `version` what `DocumentStore.replace` compares, `data` JSON."""

    key: str
    version: int
    data: Mapping[str, Any] = attrs.field(repr=False)


class DocumentStore(Protocol):
    """Keep the documents of one tenant, of several kinds, within one transaction.

    Errors of the database leave as `StorageError`. Kinds are texts such as `record`; a claim is a document too, whose
    key is what only one record or request may have.
    """

    def read(self, kind: str, where: Where, /) -> Iterable[Mapping[str, Any]]:
        """Return the data of the items that are meant, in any order."""

    def insert(self, kind: str, items: Sequence[Item], /) -> bool:
        """Add the items, all or none: `False` if a key is there already, also in another unit. The unit goes on."""

    def replace(self, kind: str, item: Item, /) -> bool:
        """Put the item in the place of that of one version less: `False` if there is none."""

    def delete(self, kind: str, where: Where, /) -> int:
        """Delete the items that are meant, and return how many these were."""

    def lock(self, *, shared: bool) -> None:
        """Wait for other units of the tenant, and let them wait until the transaction ends; shared ones go together.

        A store that has one unit at a time has nothing to do.
        """

    def atomic(self) -> AbstractContextManager[None]:
        """Take back everything done inside if the block raises, and go on in the transaction around it."""

    def commit(self) -> None:
        """Make permanent what was done so far and go on in a new transaction; do nothing in a host's."""
