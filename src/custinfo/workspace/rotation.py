"""Rotating keys: every data key is wrapped anew, while everybody works (FLD-7).

Values are encrypted by data keys, and only these by the host's keys: so neither a value nor its history is written
again. It goes record by record in short transactions, and what is done stays done: after an interruption, a second call
finds what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import attrs

from custinfo.core.approval.requests import Request
from custinfo.core.criteria.nodes import Everything
from custinfo.core.errors import ConfigurationError, CustinfoError
from custinfo.core.frozen import FrozenDict
from custinfo.core.offers import offered
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.schema import Schema
from custinfo.ports.history import Rewriting
from custinfo.ports.repositories import Query
from custinfo.ports.system import DataKeys, ManyDataKeys, SealContext
from custinfo.ports.units import UnitOfWork
from custinfo.ports.upkeep import Upkeep
from custinfo.workspace.resealing import resealed, sealed_in

__all__ = ["RotationReport", "Rotor", "Told", "by_page", "rewriting_of"]

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
        keys = offered(keyring, DataKeys)
        if keys is None:
            raise ConfigurationError([Problem("keyring_missing")])
        self._keyring = keys
        self._many = offered(keyring, ManyDataKeys)
        self._tenant = tenant
        self._rewrapped = 0
        self._left: Counter[str] = Counter()
        self._unreadable = 0

    def run(self, unit: UnitOfWork, schema: Schema, upkeep: Upkeep, told: Told | None) -> RotationReport:
        """Go through requests and records; each page is committed. Raises: StorageError: what is done stays so.

        Requests come first: what one of them brings along goes over to its record when it is applied.
        """
        for request_id in [request.id for request in _sealed_requests(upkeep)]:
            for request in rewriting_of(unit).held_requests([request_id]).values():
                self._rotate_request(unit, request)
            unit.commit()
        by_page(unit, schema, self._rotate, told)
        problems = [Problem("keys_missing", params={"count": self._unreadable})] if self._unreadable else []
        return RotationReport(self._rewrapped, FrozenDict(self._left), tuple(problems))

    def _rotate(self, unit: UnitOfWork, page: Sequence[Record]) -> None:
        turned = self._turned_all(
            SealContext(self._tenant, record.module, key, record.id, data_key)
            for record in page
            for key, data_key in record.data_keys.items()
        )
        for record in page:
            keys = {key: turned.get(data_key, data_key) for key, data_key in record.data_keys.items()}
            changed = sum(keys[key] != old for key, old in record.data_keys.items())
            if changed and not rewriting_of(unit).data_keys([record], [FrozenDict(keys)]):
                self._left.update(map(self._keyring.wrapped_by, record.data_keys.values()))
                continue
            self._rewrapped += changed
            self._left.update(map(self._keyring.wrapped_by, keys.values()))

    def _rotate_request(self, unit: UnitOfWork, request: Request) -> None:
        turned = resealed(request, self._turned_seal)
        changed = sum(one != other for one, other in zip(_keys(request), _keys(turned), strict=True))
        if changed:
            rewriting_of(unit).requests([turned])
        self._rewrapped += changed
        self._left.update(map(self._keyring.wrapped_by, _keys(turned)))

    def _turned_seal(self, module: ModuleKey, key: FieldKey, record_id: RecordId, sealed: Sealed) -> Sealed:
        if not sealed.key:
            return sealed
        return attrs.evolve(sealed, key=self._turned(module, key, record_id, sealed.key))

    def _turned(self, module: ModuleKey, field: FieldKey, record_id: RecordId, data_key: str) -> str:
        """Return a data key wrapped by the current key; itself if it is already, or can't be opened."""
        place = SealContext(self._tenant, module, field, record_id, data_key)
        return self._turned_all([place]).get(data_key, data_key)

    def _turned_all(self, places: Iterable[SealContext]) -> dict[str, str]:
        """Return data key → the same wrapped by the current key, for those that are not yet and can be opened."""
        old = [place for place in places if self._keyring.wrapped_by(str(place.data_key)) != self._keyring.current]
        if not old:
            return {}
        new = self._many.rewrapped_all(old) if self._many is not None else list(map(self._wrapped_anew, old))
        found = {
            str(place.data_key): data_key for place, data_key in zip(old, new, strict=True) if data_key is not None
        }
        self._unreadable += len(old) - len(found)
        return found

    def _wrapped_anew(self, place: SealContext) -> str | None:
        try:
            return self._keyring.rewrapped(str(place.data_key), place)
        except CustinfoError:
            return None


def by_page(
    unit: UnitOfWork, schema: Schema, work: Callable[[UnitOfWork, Sequence[Record]], None], told: Told | None
) -> None:
    """Work on the records of all modules by id, archived ones too, a page at a time, and commit each page."""
    for module in schema.modules:
        done = 0
        after: tuple[Any, ...] | None = None
        while page := unit.queries.find(Query(module, Everything(), (), _PAGE, after)):
            work(unit, page)
            unit.commit()
            done, after = done + len(page), (page[-1].id,)
            if told is not None:
                told(module, done)


def _sealed_requests(upkeep: Upkeep) -> Iterator[Request]:
    for entry in upkeep.stored("request"):
        if isinstance(entry, Request) and any(_keys(entry)):
            yield entry


def _keys(request: Request) -> list[str]:
    """Return the data keys that a request brings along."""
    return [value.key for value in sealed_in(request) if value.key]
