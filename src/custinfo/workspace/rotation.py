"""Rotating keys: every data key is wrapped anew, while everybody works (FLD-7).

Values are encrypted by data keys, and only these by the host's keys: so neither a value nor its history is written
again. It goes record by record in short transactions, and what is done stays done: after an interruption, a second call
finds what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.core.approval.items import Companion, Item
from custinfo.core.approval.requests import Proposal, Request
from custinfo.core.criteria.nodes import Everything
from custinfo.core.errors import ConfigurationError, CustinfoError, StaleVersionError
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.schema import Schema
from custinfo.ports.history import Rewriting
from custinfo.ports.repositories import Query
from custinfo.ports.system import DataKeys, SealContext
from custinfo.ports.units import UnitOfWork
from custinfo.ports.upkeep import Upkeep

__all__ = ["RotationReport", "Rotor", "rewriting_of"]

_PAGE: Final = 500

Told = Callable[[ModuleKey, int], None]


@attrs.frozen
class RotationReport:
    """Say what rotating did.

    Args:
        rewrapped: How many data keys are wrapped by the current key now, and were not before.
        left: Key id → how many data keys it still wraps; others than the current one are those that could not be
            opened, or that somebody wrote meanwhile: call it again.
        problems: `keys_missing` with the number of data keys that no key of the keyring opens.
    """

    rewrapped: int
    left: FrozenDict[str, int]
    problems: tuple[Problem, ...] = ()

    def may_go(self, key_id: str) -> bool:
        """Tell whether nothing in this tenant is wrapped by a key any more, so that it may be destroyed."""
        return not self.left.get(key_id)


def rewriting_of(unit: UnitOfWork) -> Rewriting:
    """Return what rewrites in a unit of work. Raises: TypeError for a store that can't."""
    found: Rewriting | None = getattr(unit, "rewriting", None)
    if found is None:
        raise TypeError(f"{type(unit).__name__} has no attribute `rewriting`: implement custinfo.ports.Rewriting")
    return found


class Rotor:
    """Wrap the data keys of a tenant anew, page by page.

    Args:
        keyring: The keyring, with the new key as its current one.
        tenant: Whose data keys.
    """

    def __init__(self, keyring: object, tenant: str) -> None:
        if not isinstance(keyring, DataKeys):
            raise ConfigurationError([Problem("keyring_missing")])
        self._keyring: DataKeys = keyring
        self._tenant = tenant
        self._rewrapped = 0
        self._left: Counter[str] = Counter()
        self._unreadable = 0

    def run(self, unit: UnitOfWork, schema: Schema, upkeep: Upkeep, told: Told | None) -> RotationReport:
        """Go through records and requests; each page is committed. Raises: StorageError: what is done stays so."""
        for module in schema.modules:
            done = 0
            for page in _records(unit, module):
                self._rotate(unit, page)
                unit.commit()
                done += len(page)
                if told is not None:
                    told(module, done)
        for request in list(_sealed_requests(upkeep)):
            self._rotate_request(unit, request)
        problems = [Problem("keys_missing", params={"count": self._unreadable})] if self._unreadable else []
        return RotationReport(self._rewrapped, FrozenDict(self._left), tuple(problems))

    def _rotate(self, unit: UnitOfWork, page: Sequence[Record]) -> None:
        for record in page:
            keys = {key: self._turned(record.module, key, record.id, old) for key, old in record.data_keys.items()}
            changed = sum(keys[key] != old for key, old in record.data_keys.items())
            if changed and not rewriting_of(unit).data_keys([record], [FrozenDict(keys)]):
                self._left.update(map(self._keyring.wrapped_by, record.data_keys.values()))
                continue
            self._rewrapped += changed
            self._left.update(map(self._keyring.wrapped_by, keys.values()))

    def _rotate_request(self, unit: UnitOfWork, request: Request) -> None:
        turned = self._turned_request(request)
        changed = sum(one != other for one, other in zip(_keys(request), _keys(turned), strict=True))
        try:
            if changed:
                rewriting_of(unit).requests([turned])
        except StaleVersionError:
            turned, changed = request, 0
        unit.commit()
        self._rewrapped += changed
        self._left.update(map(self._keyring.wrapped_by, _keys(turned)))

    def _turned_request(self, request: Request) -> Request:
        def values(held: Mapping[FieldKey, Any], record_id: RecordId) -> FrozenDict[FieldKey, Any]:
            sealed = {key: value for key, value in held.items() if type(value) is Sealed and value.key}
            found = {
                key: attrs.evolve(value, key=self._turned(request.module, key, record_id, str(value.key)))
                for key, value in sealed.items()
            }
            return FrozenDict({**held, **found})

        def brought(found: Companion) -> Companion:
            keys = {key: value for key, value in found.values.items() if _has_key(value)}
            place = found.module, found.record_id
            new = {
                key: {**value, "key": self._turned(place[0], key, place[1], value["key"])}
                for key, value in keys.items()
            }
            return attrs.evolve(found, values=FrozenDict({**found.values, **new}))

        def turned_items(items: Iterable[Item]) -> tuple[Item, ...]:
            return tuple(
                attrs.evolve(
                    item,
                    patch=values(item.patch, item.record_id),
                    base=values(item.base, item.record_id),
                    companions=tuple(map(brought, item.companions)),
                )
                for item in items
            )

        patch, base = values(request.patch, request.record_id), values(request.base, request.record_id)

        def turned(proposal: Proposal | None) -> Proposal | None:
            if proposal is None:
                return None
            return attrs.evolve(
                proposal,
                patch=values(proposal.patch, request.record_id),
                base=values(proposal.base, request.record_id),
                items=turned_items(proposal.items),
            )

        trail = tuple(
            entry._replace(proposal=turned(entry.proposal), former=turned(entry.former)) for entry in request.trail
        )
        return request.after({"patch": patch, "base": base, "items": turned_items(request.items), "trail": trail})

    def _turned(self, module: ModuleKey, field: FieldKey, record_id: RecordId, data_key: str) -> str:
        """Return a data key wrapped by the current key; itself if it is already, or can't be opened."""
        if self._keyring.wrapped_by(data_key) == self._keyring.current:
            return data_key
        try:
            return self._keyring.rewrapped(data_key, SealContext(self._tenant, module, field, record_id))
        except CustinfoError:
            self._unreadable += 1
            return data_key


def _records(unit: UnitOfWork, module: ModuleKey) -> Iterator[Sequence[Record]]:
    """Yield the records of a module by id, archived ones too, a page at a time."""
    after: tuple[Any, ...] | None = None
    while page := unit.queries.find(Query(module, Everything(), (), _PAGE, after)):
        yield page
        after = (page[-1].id,)


def _sealed_requests(upkeep: Upkeep) -> Iterator[Request]:
    for entry in upkeep.stored("request"):
        if isinstance(entry, Request) and any(_keys(entry)):
            yield entry


def _keys(request: Request) -> list[str]:
    """Return the data keys that a request brings along."""
    parts: list[Iterable[Any]] = [request.patch.values(), request.base.values()]
    proposals = (item for entry in request.trail for item in (entry.proposal, entry.former))
    held = [item for item in proposals if item is not None]
    items = [*request.items, *(item for proposal in held for item in proposal.items)]
    parts += [part.values() for item in items for part in (item.patch, item.base)]
    parts += [part.values() for proposal in held for part in (proposal.patch, proposal.base)]
    found = [value.key for part in parts for value in part if type(value) is Sealed and value.key]
    brought = (value for item in items for part in item.companions for value in part.values.values())
    return [*found, *(value["key"] for value in brought if _has_key(value))]


def _has_key(value: Any) -> bool:
    """Tell whether a value in the form of JSON is sealed and brings a data key along."""
    return isinstance(value, dict) and bool(value.get("sealed") and value.get("key"))
