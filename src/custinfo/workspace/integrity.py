"""Whether a tenant's records, history, requests and revisions agree with each other (INT-4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, groupby, islice
from typing import Any, Final, TypeVar

import attrs

from custinfo.core.approval.requests import OPEN_STATES, Request
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, difference, is_deleted, replay
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import ModuleKey, Record, RecordId
from custinfo.core.revisions import Revision
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.ports.units import UnitOfWork
from custinfo.ports.upkeep import ENTRY_KINDS, Entry, EntryKind, Unreadable, Upkeep

__all__ = ["IntegrityReport", "check", "joined", "record_of"]

_PAGE: Final = 500
_CREATING: Final = "create"

T = TypeVar("T")


@attrs.frozen
class IntegrityReport:
    """Say what was looked at, what is wrong, and what was set right.

    Problems name records by id, and fields; none holds a value. Errors are contradictions in the store. Warnings are
    what may come of ordinary work, such as a reference to a record that went when an import was undone.
    `custinfo.Report.of` shows the report as a table or as JSON.

    Args:
        counts: Kind of entry → how many of them were read.
        problems: What is wrong, and still is.
        repaired: What was wrong, and was written anew from the records and requests.
    """

    counts: FrozenDict[str, int]
    problems: tuple[Problem, ...] = ()
    repaired: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong any more; warnings do not count."""
        return not any(problem.severity == "error" for problem in self.problems)


def check(unit: UnitOfWork, upkeep: Upkeep, schema: Schema, *, repair: bool) -> IntegrityReport:
    """Compare everything that a tenant has, one page at a time."""
    found = _Check(unit, upkeep, schema)
    beside = list(upkeep.disagreements(repair=repair))
    problems = [item.problem for item in beside if not item.repaired]
    problems.extend(chain(found.revisions(), found.histories(), found.records(), found.requests(), found.others()))
    repaired = tuple(item.problem for item in beside if item.repaired)
    return IntegrityReport(FrozenDict({kind: found.counts[kind] for kind in ENTRY_KINDS}), tuple(problems), repaired)


class _Check:
    """Go through the entries; each method yields what is wrong with one kind of them."""

    def __init__(self, unit: UnitOfWork, upkeep: Upkeep, schema: Schema) -> None:
        self.counts: Counter[str] = Counter()
        self._unit = unit
        self._upkeep = upkeep
        self._schema = schema
        self._unread: set[str] = set()

    def revisions(self) -> Iterator[Problem]:
        """Compare the version in force with the latest revision."""
        latest = 0
        for entry in self._read("revision"):
            if isinstance(entry, Unreadable):
                yield entry.problem
                latest = int(entry.key)
            elif isinstance(entry, Revision):
                latest = entry.version
        head = self._unit.configurations.version()
        if head != latest:
            yield Problem("revision_head_differs", params={"expected": latest, "actual": head})

    def histories(self) -> Iterator[Problem]:
        """Walk along records and changes, both in order of id, and compare each record with its history."""
        histories = groupby(self._read("change"), key=record_of)
        for key, record, history in joined(self._read("record"), histories):
            changes = [entry for entry in history if isinstance(entry, Change)]
            unread = [entry.problem for entry in history if isinstance(entry, Unreadable)]
            yield from unread
            match record:
                case Unreadable(problem=problem):
                    self._unread.add(key)
                    yield problem
                case Record() if not unread:
                    yield from _compared(record, changes)
                case None if not unread and changes and not is_deleted(changes):
                    yield Problem("record_missing", params={"module": changes[-1].module, "record": key})

    def records(self) -> Iterator[Problem]:
        """Look up what records refer to, and the codes of their choices."""
        for page in _pages(self._read_again("record")):
            by_module: dict[ModuleKey, list[Record]] = {}
            for record in page:
                if isinstance(record, Record):
                    by_module.setdefault(record.module, []).append(record)
            for key, records in by_module.items():
                module = self._schema.modules.get(key)
                if module is None:
                    yield from (_problem("module_undefined", record) for record in records)
                else:
                    yield from self._references(module, records)
                    yield from self._choices(module, records)

    def _references(self, module: ModuleSchema, records: Iterable[Record]) -> Iterator[Problem]:
        for field, target in module.reference_fields:
            pointing = [(record, record.values.get(field)) for record in records]
            wanted = {value for _, value in pointing if type(value) is str}
            there = self._there(target, wanted)
            for record, value in pointing:
                if type(value) is str and value not in there:
                    yield _problem("reference_without_record", record, field, severity="warning")

    def _there(self, module: ModuleKey, record_ids: set[str]) -> set[str]:
        """Return which of the records exist, those among them that can't be read."""
        readable = [RecordId(key) for key in sorted(record_ids - self._unread)]
        found = self._unit.records.get(module, readable) if readable and module in self._schema.modules else {}
        return {*found, *(record_ids & self._unread)}

    def _choices(self, module: ModuleSchema, records: Iterable[Record]) -> Iterator[Problem]:
        for field, kind in module.kinds.items():
            if kind.key not in ("choice", "multiple_choice"):
                continue
            name = str(module.definition.fields[field].options["dictionary"])
            known = self._schema.configuration.dictionaries[name].values
            for record in records:
                value = record.values.get(field)
                codes = value if type(value) is tuple else (value,) if type(value) is str else ()
                if any(code not in known for code in codes):
                    yield _problem("choice_without_entry", record, field, severity="warning")

    def requests(self) -> Iterator[Problem]:
        """Look up the records that open requests are about."""
        for page in _pages(self._read("request")):
            waiting: dict[ModuleKey, list[Request]] = {}
            for entry in page:
                if isinstance(entry, Unreadable):
                    yield entry.problem
                elif isinstance(entry, Request) and entry.state in OPEN_STATES:
                    waiting.setdefault(entry.module, []).append(entry)
            for module, requests in waiting.items():
                wanted = {request.id: _changed_by(request) for request in requests}
                there = self._there(module, {key for keys in wanted.values() for key in keys})
                for request_id, keys in wanted.items():
                    for key in keys:
                        if key not in there:
                            params = {"request": request_id, "module": module, "record": key}
                            yield Problem("request_without_record", params=params, severity="warning")

    def others(self) -> Iterator[Problem]:
        """Read what is kept of imports, and the events."""
        for entry in chain(self._read("import"), self._read("event")):
            if isinstance(entry, Unreadable):
                yield entry.problem

    def _read(self, kind: EntryKind) -> Iterator[Entry | Unreadable]:
        for entry in self._read_again(kind):
            self.counts[kind] += 1
            yield entry

    def _read_again(self, kind: EntryKind) -> Iterator[Entry | Unreadable]:
        return self._upkeep.stored(kind)


def _compared(record: Record, changes: list[Change]) -> Iterator[Problem]:
    """Yield how a record differs from what its changes make of it."""
    if not changes:
        yield _problem("history_missing", record)
        return
    missing = [number for number, change in enumerate(changes, start=1) if change.version != number][:1]
    if missing:
        yield _problem("history_gap", record, version=missing[0])
        return
    if changes[-1].version != record.version:
        yield _problem("history_version", record, expected=changes[-1].version, actual=record.version)
        return
    *_, (_, folded) = replay(changes)
    if folded.module != record.module:
        yield _problem("history_differs", record, "module")
        return
    fields = list(difference(folded, record))
    fields += [key for key in ("created_at", "updated_at") if getattr(folded, key) != getattr(record, key)]
    yield from (_problem("history_differs", record, field) for field in fields)


def _problem(
    code: str, record: Record, field: str | None = None, *, severity: Any = "error", **params: ParamValue
) -> Problem:
    return Problem(code, field, params={"module": record.module, "record": record.id, **params}, severity=severity)


def record_of(entry: Any) -> str:
    """Return the id of the record that a change is about."""
    return entry.key if isinstance(entry, Unreadable) else str(entry.record_id)


def _id_of(entry: Any) -> str:
    return entry.key if isinstance(entry, Unreadable) else str(entry.id)


def joined(
    records: Iterator[Entry | Unreadable], histories: Iterator[tuple[str, Iterator[Entry | Unreadable]]]
) -> Iterator[tuple[str, Entry | Unreadable | None, list[Entry | Unreadable]]]:
    """Yield each id with its record, if there is one, and its changes; both sides come in order of id."""
    record = next(records, None)
    for key, history in histories:
        while record is not None and _id_of(record) < key:
            yield _id_of(record), record, []
            record = next(records, None)
        if record is not None and _id_of(record) == key:
            yield key, record, list(history)
            record = next(records, None)
        else:
            yield key, None, list(history)
    while record is not None:
        yield _id_of(record), record, []
        record = next(records, None)


def _pages(items: Iterator[T]) -> Iterator[list[T]]:
    while page := list(islice(items, _PAGE)):
        yield page


def _changed_by(request: Request) -> tuple[RecordId, ...]:
    """Return the records that a request changes; those that it makes, and those that it would only export, are none."""
    if request.export is not None:
        return ()
    parts = request.items or (request,)
    return tuple(part.record_id for part in parts if (part.action or request.action) != _CREATING)
