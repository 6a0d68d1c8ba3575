"""Erasing values of a record in the requests about it: those about it alone, and those about many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from custinfo.core.approval.items import Companion, Item
from custinfo.core.approval.requests import Proposal, Request, TrailEntry
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import CLEAR, ERASED, FieldKey, Record

__all__ = ["has_erased", "without_values"]

_NONE: Final = (None, ERASED, CLEAR)
_GONE: Final = FrozenDict({"erased": True})
"""As `ValueCodec` writes `ERASED`: what a request brings along is in the form of JSON."""

Fields = frozenset[FieldKey]


def has_erased(request: Request, record: Record, key: FieldKey) -> bool:
    """Tell whether a request had a value of a field of a record, and has it no more."""
    parts = [part for part in _parts(request) if _is_about(request, part, record)]
    if any(values.get(key) is ERASED for part in parts for values in (part.patch, part.base)):
        return True
    return any(found.values.get(key) == _GONE for found in _brought(request, record))


def without_values(request: Request, record: Record, keys: Fields) -> Request:
    """Return a request without the values that fields of a record have in it; itself if there is nothing to erase.

    What people wrote beside goes as well, since it may quote them, and so does what the record was to bring along. Of a
    request for many, the others' values stay.
    """
    mine = [part for part in _parts(request) if _is_about(request, part, record)]
    held = [values for part in mine for values in (part.patch, part.base)]
    brought = any(key in found.values for found in _brought(request, record) for key in keys)
    bringing = any(isinstance(part, Item) and part.companions for part in mine)
    said = request.reason is not None or any(entry.comment is not None for entry in request.trail)
    present = any(values.get(key) not in _NONE for values in held for key in keys)
    if not (brought or bringing or said or present):
        return request
    changes: dict[str, Any] = {"reason": None, "digest": ""}
    changes["items"] = tuple(_item(request, item, record, keys) for item in request.items)
    changes["trail"] = tuple(_entry(request, entry, record, keys) for entry in request.trail)
    if _is_about(request, request, record):
        changes |= {"patch": _rid(request.patch, keys), "base": _rid(request.base, keys)}
    return request.after(changes)


def _parts(request: Request) -> list[Any]:
    """Return everything of a request that holds values by field: itself, its items, and what was proposed."""
    found = (proposal for entry in request.trail for proposal in (entry.proposal, entry.former))
    proposals = [proposal for proposal in found if proposal is not None]
    return [request, *proposals, *_items(request)]


def _items(request: Request) -> list[Item]:
    """Return the items of a request, and those of what was proposed."""
    found = (proposal for entry in request.trail for proposal in (entry.proposal, entry.former))
    return [*request.items, *(item for proposal in found if proposal is not None for item in proposal.items)]


def _is_about(request: Request, part: Any, record: Record) -> bool:
    """Tell whether a part has values of a record; in a merger, those of any record may be from any other."""
    if request.module != record.module:
        return False
    if isinstance(part, Item):
        return request.action == "merge" or part.record_id == record.id
    return not request.items or request.action == "merge" or request.record_id == record.id


def _brought(request: Request, record: Record) -> list[Companion]:
    """Return what the items of a request bring along as a record."""
    return [found for item in _items(request) for found in item.companions if _is(found, record)]


def _is(companion: Companion, record: Record) -> bool:
    return (companion.module, companion.record_id) == (record.module, record.id)


def _item(request: Request, item: Item, record: Record, keys: Fields) -> Item:
    if _is_about(request, item, record):
        return attrs.evolve(item, patch=_rid(item.patch, keys), base=_rid(item.base, keys), companions=())
    if not any(_is(found, record) for found in item.companions):
        return item
    return attrs.evolve(item, companions=tuple(_companion(found, record, keys) for found in item.companions))


def _companion(found: Companion, record: Record, keys: Fields) -> Companion:
    if not _is(found, record):
        return found
    gone = {key: _GONE for key in keys if key in found.values}
    return attrs.evolve(found, values=FrozenDict({**found.values, **gone}))


def _entry(request: Request, entry: TrailEntry, record: Record, keys: Fields) -> TrailEntry:
    proposal, former = (_proposal(request, found, record, keys) for found in (entry.proposal, entry.former))
    return entry._replace(comment=None, digest="", proposal=proposal, former=former)


def _proposal(request: Request, found: Proposal | None, record: Record, keys: Fields) -> Proposal | None:
    if found is None:
        return None
    items = tuple(_item(request, item, record, keys) for item in found.items)
    if not _is_about(request, found, record):
        return attrs.evolve(found, items=items, digest="")
    return attrs.evolve(found, patch=_rid(found.patch, keys), base=_rid(found.base, keys), items=items, digest="")


def _rid(values: Mapping[FieldKey, Any], keys: Fields) -> FrozenDict[FieldKey, Any]:
    return FrozenDict({**values, **{key: ERASED for key in keys if values.get(key) not in _NONE}})
