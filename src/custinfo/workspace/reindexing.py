"""Rotating the key of blind indexes: every digest is made anew, while everybody works (FLD-7).

Values stay as they are encrypted, and nothing gets another version. Meanwhile each value is found by its digests under
both keys, and claims both where its field is unique: so neither a value that is indexed already nor one that is not yet
can be had twice. It goes page by page in short transactions; after an interruption, a second call finds what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final, TypeVar

import attrs

from custinfo.core.approval.requests import OPEN_STATES, Request
from custinfo.core.errors import ConfigurationError, CustinfoError, DuplicateValueError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, FieldChange
from custinfo.core.offers import offered
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.schema import Schema
from custinfo.ports.history import Reindexing
from custinfo.ports.system import DataKeysAhead, IndexKeys, Keyring, SealContext
from custinfo.ports.units import UnitOfWork
from custinfo.ports.upkeep import Entry, EntryKind, Upkeep
from custinfo.workspace.digests import Digests, without_digests
from custinfo.workspace.proving import Prover, log_of
from custinfo.workspace.resealing import Turn, resealed, sealed_in, sealed_values
from custinfo.workspace.rotation import Told, by_page, rewriting_of
from custinfo.workspace.sealing import NO_KEYS

__all__ = ["IndexRotationReport", "Reindexer", "digests_left"]

_AT_ONCE: Final = 200
_SEALING: Final[tuple[EntryKind, ...]] = ("record", "change", "request")

T = TypeVar("T")


@attrs.frozen
class IndexRotationReport:
    """Say what rotating the key of blind indexes did.

    Args:
        reindexed: How many encrypted values, wherever they are kept, got other digests.
        left: Id of another index key than the current one → how many digests under it have none beside them under the
            current one: of values that could not be opened, that another record has, or that somebody wrote meanwhile.
            Call it again.
        problems: `values_closed` with the number of values that could not be opened; `unique_shared` for each record
            with a value that another one has.
    """

    reindexed: int
    left: FrozenDict[str, int]
    problems: tuple[Problem, ...] = ()

    def may_go(self, index_id: str) -> bool:
        """Tell whether every value of this tenant is found without an index key, so that no keyring needs it."""
        return not self.left.get(index_id)


def digests_left(upkeep: Upkeep, keyring: IndexKeys, *, former: bool) -> Counter[str]:
    """Return id of another index key than the current one → how many digests under it a tenant has.

    Args:
        upkeep: What reads the tenant.
        keyring: The keyring.
        former: Whether those count, too, that a value has beside its digests under the current key.
    """
    found: Counter[str] = Counter()
    for kind in _SEALING:
        for value in (value for entry in upkeep.stored(kind) for value in sealed_values(entry)):
            held = value.digests() if former else (value.index, value.tail)
            found.update(keyring.indexed_by(digest) for digest in held if digest is not None)
    found.pop(keyring.index_id, None)
    return found


class Reindexer:
    """Make the digests of a tenant anew, page by page.

    Args:
        keyring: The keyring, with the new index key as its current one.
        tenant: Whose digests.
        prover: What proves the history that is written anew; `None` without a key for it.
    """

    def __init__(self, keyring: Keyring | None, tenant: str, prover: Prover | None) -> None:
        digests = Digests.of(keyring)
        if digests is None:
            raise ConfigurationError([Problem("keyring_missing")])
        self._digests = digests
        self._ahead = offered(keyring, DataKeysAhead)
        self._tenant = tenant
        self._prover = prover
        self._reindexed = self._closed = 0
        self._shared: list[Problem] = []

    def run(self, unit: UnitOfWork, schema: Schema, upkeep: Upkeep, told: Told | None) -> IndexRotationReport:
        """Go through everything that has digests; each page is committed. Raises: StorageError; what is done stays.

        Requests come first: what they hold goes over to their records when they are applied.
        """
        requests = (entry for entry in upkeep.stored("request") if isinstance(entry, Request))
        for request_id in [entry.id for entry in requests if not all(map(self._digests.is_current, sealed_in(entry)))]:
            for request in rewriting_of(unit).held_requests([request_id]).values():
                self._turn_request(unit, request)
            unit.commit()
        by_page(unit, schema, self._turn_page, told)
        for module, ids in self._gone(unit, schema, upkeep):
            self._strip(unit, module, ids)
            unit.commit()
        problems = [Problem("values_closed", params={"count": self._closed})] if self._closed else []
        left = digests_left(upkeep, self._digests.keys, former=False)
        return IndexRotationReport(self._reindexed, FrozenDict(left), (*problems, *self._shared))

    # --- records and what they were

    def _turn_page(self, unit: UnitOfWork, page: Sequence[Record]) -> None:
        """Turn the records that have not the digests that they should have, or had not once."""
        histories = log_of(unit).of_records([record.id for record in page])
        outdated = [record for record in page if self._is_outdated(record, histories.get(record.id, ()))]
        self._unwrap_ahead(outdated)
        turned = {record.id: self._turned_record(record) for record in outdated}
        taken = self._taken(unit, list(turned.values()))
        held = rewriting_of(unit).held_changes([record.id for record in taken])
        changes = [
            (change, self._turned_change(change, partial(self._turned, record.data_keys, past=_live(record))))
            for record in taken
            for change in held.get(record.id, ())
        ]
        self._rewrite(unit, changes)

    def _unwrap_ahead(self, records: Sequence[Record]) -> None:
        """Tell the keyring, if it can use that, which data keys are needed next."""
        if self._ahead is not None and len(records) > 1:
            keys = ((record, key, data_key) for record in records for key, data_key in record.data_keys.items())
            self._ahead.unwrap_ahead(
                [SealContext(self._tenant, record.module, key, record.id, data_key) for record, key, data_key in keys]
            )

    def _is_outdated(self, record: Record, history: Sequence[Change]) -> bool:
        entries: list[Entry] = [record, *history]
        return not all(self._digests.is_current(value) for entry in entries for value in sealed_values(entry))

    def _turned_record(self, record: Record) -> Record:
        turn = partial(self._turned, record.data_keys)
        values = {
            key: turn(record.module, key, record.id, value)
            for key, value in record.values.items()
            if type(value) is Sealed
        }
        return attrs.evolve(record, values=record.values.merged(values))

    def _taken(self, unit: UnitOfWork, records: Sequence[Record]) -> list[Record]:
        """Return the records that took their digests, which are locked from now on."""
        reindexing = _reindexing_of(unit)
        try:
            taken = set(reindexing.digests(records))
        except DuplicateValueError:
            taken = {record.id for record in records if self._takes(unit, reindexing, record)}
        return [record for record in records if record.id in taken]

    def _takes(self, unit: UnitOfWork, reindexing: Reindexing, record: Record) -> bool:
        try:
            return bool(reindexing.digests([record]))
        except DuplicateValueError as error:
            keys = [problem.field for problem in error.problems if problem.field is not None]
            claims = {key: record.values[key].claims for key in keys}
            found = (unit.records.holders(record.module, key, texts).values() for key, texts in claims.items())
            other = next((holder for holders in found for holder in holders if holder != record.id), "-")
            params = {"module": record.module, "record": record.id, "other": other}
            self._shared.append(Problem("unique_shared", keys[0], params=params))
            return False

    def _turned_change(self, change: Change, turn: Turn) -> Change:
        def turned(key: FieldKey, value: object) -> object:
            return turn(change.module, key, change.record_id, value) if type(value) is Sealed else value

        fields = tuple(FieldChange(key, turned(key, old), turned(key, new)) for key, old, new in change.fields)
        return attrs.evolve(change, fields=fields)

    def _rewrite(self, unit: UnitOfWork, changes: Iterable[tuple[Change, Change]]) -> None:
        found = [(before, after) for before, after in changes if after != before]
        if self._prover is None and any(before.evidence is not None for before, _ in found):
            raise ConfigurationError([Problem("evidence_key_missing")])
        prover = self._prover
        rewriting_of(unit).changes(
            [after if prover is None else prover.rewritten(before, after) for before, after in found]
        )

    # --- requests

    def _turn_request(self, unit: UnitOfWork, request: Request) -> None:
        past = None if request.state in OPEN_STATES else frozenset[str]()

        def turn(module: ModuleKey, key: FieldKey, record_id: RecordId, sealed: Sealed) -> Sealed:
            found = unit.records.get(module, [record_id]).get(record_id) if sealed.key is None else None
            return self._turned(
                NO_KEYS if found is None else found.data_keys, module, key, record_id, sealed, past=past
            )

        rewriting_of(unit).requests([resealed(request, turn)])

    # --- records that are gone: nobody looks for what they were

    def _gone(self, unit: UnitOfWork, schema: Schema, upkeep: Upkeep) -> Iterator[tuple[ModuleKey, Sequence[RecordId]]]:
        wanted: dict[ModuleKey, dict[RecordId, None]] = {}
        for entry in upkeep.stored("change"):
            if isinstance(entry, Change) and not all(map(self._digests.is_current, sealed_values(entry))):
                wanted.setdefault(entry.module, {})[entry.record_id] = None
        for module in sorted(wanted.keys() & schema.modules.keys()):
            for ids in _parts(wanted[module]):
                there = unit.records.get(module, ids)
                yield module, [key for key in ids if key not in there]

    def _strip(self, unit: UnitOfWork, module: ModuleKey, ids: Sequence[RecordId]) -> None:
        histories = rewriting_of(unit).held_changes(ids).values()
        changes = (change for history in histories for change in history if change.module == module)
        self._rewrite(unit, [(change, self._turned_change(change, self._stripped)) for change in changes])

    def _stripped(self, _module: ModuleKey, _key: FieldKey, _record_id: RecordId, sealed: Sealed) -> Sealed:
        if self._digests.is_current(sealed):
            return sealed
        self._reindexed += 1
        return without_digests(sealed)

    # --- one value

    def _turned(
        self,
        data_keys: Mapping[FieldKey, str],
        module: ModuleKey,
        key: FieldKey,
        record_id: RecordId,
        sealed: Sealed,
        *,
        past: frozenset[str] | None = None,
    ) -> Sealed:
        """Return a value with the digests of now. One that can't be opened keeps its own, or loses them if it is past.

        Args:
            data_keys: Those of its record.
            module: Of which module.
            key: The field.
            record_id: The record.
            sealed: The value.
            past: If given, all that can't be opened is of the past, but for these tokens.
        """
        if self._digests.is_current(sealed):
            return sealed
        place = SealContext(self._tenant, module, key, record_id, sealed.key or data_keys.get(key))
        try:
            found = self._digests.anew(sealed, place)
        except CustinfoError:
            if past is None or sealed.token in past:
                self._closed += 1
                return sealed
            return self._stripped(module, key, record_id, sealed)
        self._reindexed += 1
        return found


def _reindexing_of(unit: UnitOfWork) -> Reindexing:
    """Return what rewrites digests in a unit of work. Raises: TypeError for a store that can't."""
    found = rewriting_of(unit)
    reindexing = offered(found, Reindexing)
    if reindexing is None:
        raise TypeError(f"{type(found).__name__} has no method `digests`: implement custinfo.ports.Reindexing")
    return reindexing


def _live(record: Record) -> frozenset[str]:
    """Return the tokens that a record has, and not only had."""
    return frozenset(value.token for value in sealed_values(record))


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, _AT_ONCE)):
        yield part
