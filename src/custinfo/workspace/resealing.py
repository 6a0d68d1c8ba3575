"""Every sealed value that a store keeps, wherever it stands: to be counted, or put in another form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from custinfo.core.approval.items import Companion, Item
from custinfo.core.approval.requests import Proposal, Request
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.stored import seal_from_json, seal_to_json
from custinfo.ports.upkeep import Entry, Unreadable

__all__ = ["Turn", "resealed", "sealed_in", "sealed_values"]

Turn = Callable[[ModuleKey, FieldKey, RecordId, Sealed], Sealed]
"""Return a sealed value in another form; it is that of a field of a record."""

Values = FrozenDict[FieldKey, Any]


def resealed(request: Request, turn: Turn) -> Request:
    """Return a request at the same version in which each sealed value is turned."""
    own = _Turned(request.module, turn)
    record_id = request.record_id
    return request.after(
        {
            "patch": own.values(request.patch, record_id),
            "base": own.values(request.base, record_id),
            "items": own.items(request.items),
            "trail": tuple(
                entry._replace(
                    proposal=own.proposal(entry.proposal, record_id), former=own.proposal(entry.former, record_id)
                )
                for entry in request.trail
            ),
        }
    )


@attrs.frozen
class _Turned:
    """Turn the parts of a request about records of a module."""

    module: ModuleKey
    turn: Turn

    def values(self, held: Mapping[FieldKey, Any], record_id: RecordId) -> Values:
        found = {
            key: self.turn(self.module, key, record_id, value) if type(value) is Sealed else value
            for key, value in held.items()
        }
        return FrozenDict(found)

    def items(self, items: Iterable[Item]) -> tuple[Item, ...]:
        return tuple(
            attrs.evolve(
                item,
                patch=self.values(item.patch, item.record_id),
                base=self.values(item.base, item.record_id),
                companions=tuple(map(self.companion, item.companions)),
            )
            for item in items
        )

    def companion(self, found: Companion) -> Companion:
        values = {
            key: seal_to_json(self.turn(found.module, key, found.record_id, seal_from_json(value)))
            if _is_sealed(value)
            else value
            for key, value in found.values.items()
        }
        return attrs.evolve(found, values=FrozenDict(values))

    def proposal(self, proposal: Proposal | None, record_id: RecordId) -> Proposal | None:
        if proposal is None:
            return None
        return attrs.evolve(
            proposal,
            patch=self.values(proposal.patch, record_id),
            base=self.values(proposal.base, record_id),
            items=self.items(proposal.items),
        )


def sealed_in(request: Request) -> Iterator[Sealed]:
    """Yield the sealed values of a request, in an order of their own."""
    held = [part for entry in request.trail for part in (entry.proposal, entry.former) if part is not None]
    items = [*request.items, *(item for part in held for item in part.items)]
    parts: list[Request | Proposal | Item] = [request, *held, *items]
    for part in parts:
        yield from (value for side in (part.patch, part.base) for value in side.values() if type(value) is Sealed)
    brought = (value for item in items for part in item.companions for value in part.values.values())
    yield from (seal_from_json(value) for value in brought if _is_sealed(value))


def sealed_values(entry: Entry | Unreadable) -> Iterable[Sealed]:
    """Return the sealed values of whatever a store keeps."""
    match entry:
        case Record():
            return [value for value in entry.values.values() if type(value) is Sealed]
        case Change():
            return [value for item in entry.fields for value in (item.old, item.new) if type(value) is Sealed]
        case Request():
            return sealed_in(entry)
        case _:
            return ()


def _is_sealed(value: Any) -> bool:
    """Tell whether a value in the form of JSON is sealed."""
    return isinstance(value, dict) and "sealed" in value
