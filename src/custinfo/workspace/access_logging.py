"""Taking down who sees sensitive values, where the configuration asks for it (HIS-4).

What a verb shows of logged fields is collected while it works, and written in one entry before it answers: what can't
be written isn't answered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast

import attrs

from custinfo.core.access_log import MOST_NAMED, AccessEntry
from custinfo.core.criteria.nodes import Compare, Criterion, SealedAs
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.fields import ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId
from custinfo.core.schema import Schema
from custinfo.ports.access_log import AccessRepository
from custinfo.ports.system import Clock, Ids
from custinfo.ports.units import UnitOfWork

__all__ = ["ExportLog", "ReadingLog", "accesses_of", "asked_in", "logged_fields", "reading"]

P = ParamSpec("P")
T = TypeVar("T")

Kind = Literal["read", "export"]


def reading(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """Return a verb whose answer is one reading, whatever it calls; where nothing is logged, it is as it was."""
    name = method.__name__

    @wraps(method)
    def verb(self: Any, *args: P.args, **kwargs: P.kwargs) -> T:
        readings: ReadingLog = self._context.readings
        if not readings.fields:
            return method(self, *args, **kwargs)
        with readings.verb(name):
            return method(self, *args, **kwargs)

    return cast("Callable[Concatenate[Any, P], T]", verb)


def accesses_of(unit: UnitOfWork) -> AccessRepository:
    """Return where a unit keeps its access log. Raises: TypeError for a store that has none."""
    found: AccessRepository | None = getattr(unit, "accesses", None)
    if found is None:
        raise TypeError(
            f"{type(unit).__name__} has no attribute `accesses`: the configuration wants readings logged, so give the"
            " store a custinfo.ports.AccessRepository"
        )
    return found


def logged_fields(schema: Schema) -> dict[ModuleKey, frozenset[FieldKey]]:
    """Return module → the fields whose readings are logged; modules without such are left out."""
    found = {key: module.logged_fields for key, module in schema.modules.items()}
    return {key: fields for key, fields in found.items() if fields}


def asked_in(criterion: Criterion) -> tuple[str, ...]:
    """Return the fields and operators of a criterion, in order and without values."""
    texts = {
        f"{'.'.join(path_of(leaf))} {leaf.operator if isinstance(leaf, Compare) else _name(leaf)}"
        for leaf in leaves(criterion)
    }
    return tuple(sorted(texts))


def _name(leaf: object) -> str:
    """Return the name of an operator; encrypted values are compared as others are."""
    if isinstance(leaf, SealedAs) and leaf.tail:
        return "lastfour"
    if isinstance(leaf, SealedAs):
        return "oneof" if leaf.several else "eq"
    return type(leaf).__name__.lower()


@attrs.define
class _Seen:
    """What one verb showed of one module."""

    fields: set[FieldKey] = attrs.field(factory=set)
    records: dict[RecordId, None] = attrs.field(factory=dict)
    count: int = 0
    asked: tuple[str, ...] = ()
    approval: str | None = None


@attrs.define
class ReadingLog:
    """Collect what a session shows of logged fields, a verb at a time.

    `fields` is empty where the configuration asks for nothing: then nothing here costs anything. `written` are the
    entries of the running transaction, which are written again if it is rolled back: what was seen was seen.
    """

    actor: MemberKey
    clock: Clock
    ids: Ids
    purpose: str | None = None
    fields: Mapping[ModuleKey, frozenset[FieldKey]] = FrozenDict()
    on_behalf_of: MemberKey | None = None
    unit: UnitOfWork | None = attrs.field(default=None, repr=False)
    written: list[AccessEntry] = attrs.field(factory=list)
    _verb: str | None = None
    _seen: dict[ModuleKey, _Seen] = attrs.field(factory=dict)

    @contextmanager
    def verb(self, name: str, action: Kind = "read") -> Iterator[None]:
        """Take what is shown inside for one reading, written at the end; a verb within a verb is part of it."""
        if self._verb is not None:
            yield
            return
        self._verb = name
        try:
            yield
            self.flush(action)
        finally:
            self._verb = None
            self._seen.clear()

    def flush(self, action: Kind = "read") -> None:
        """Write what was shown so far."""
        found, self._seen = self._seen, {}
        if not found or self.unit is None:
            return
        now, verb = self.clock(), self._verb or "view"
        entries = [self._entry(module, seen, action, verb, now) for module, seen in found.items()]
        accesses_of(self.unit).append(entries)
        self.written += entries

    def show(self, record: Record, keys: Iterable[FieldKey]) -> None:
        """Take down that fields of a record are shown, as far as they are logged."""
        logged = self.fields.get(record.module)
        shown = logged.intersection(keys) if logged else ()
        if shown:
            seen = self._seen.setdefault(record.module, _Seen())
            seen.fields.update(shown)
            if record.id not in seen.records:
                seen.count += 1
            if len(seen.records) <= MOST_NAMED:
                seen.records[record.id] = None
            if self._verb is None:
                self.flush()

    def ask(self, module: ModuleKey, keys: Collection[FieldKey], criterion: Criterion) -> None:
        """Take down a question; it is a reading if it is about logged fields, or shows some."""
        logged = self.fields.get(module, frozenset()).intersection(keys)
        if logged:
            seen = self._seen.setdefault(module, _Seen())
            seen.fields.update(logged)
            seen.asked = asked_in(criterion)
            if self._verb is None:
                self.flush()

    def of(self, module: ModuleKey) -> frozenset[FieldKey]:
        """Return the fields of a module whose readings are logged."""
        return self.fields.get(module, frozenset())

    def export(
        self,
        module: ModuleKey,
        keys: Collection[FieldKey],
        records: Sequence[RecordId],
        count: int,
        criterion: Criterion,
        approval: str | None = None,
    ) -> None:
        """Write an export as a whole, in place of what was shown on the way."""
        self._seen[module] = _Seen(set(keys), dict.fromkeys(records), count, asked_in(criterion), approval)
        self.flush("export")

    def adopt(self, unit: UnitOfWork, fields: Mapping[ModuleKey, frozenset[FieldKey]]) -> None:
        """Go on under another configuration."""
        self.unit, self.fields = unit, fields

    def _entry(self, module: ModuleKey, seen: _Seen, action: Kind, verb: str, now: datetime) -> AccessEntry:
        named = tuple(seen.records) if seen.count <= MOST_NAMED else ()
        fields = tuple(sorted(seen.fields))
        return AccessEntry(
            self.ids(),
            now,
            self.actor,
            action,
            verb,
            module,
            fields,
            named,
            seen.count,
            seen.asked,
            self.on_behalf_of,
            self.purpose,
            seen.approval,
        )


@attrs.define
class ExportLog:
    """Take down one export as a whole.

    Where the module wants its exports logged, or it was approved, that is every field that was written; else those
    whose readings are.
    """

    readings: ReadingLog
    module: ModuleDefinition
    criterion: Criterion
    approval: str | None = None
    count: int = 0
    _records: dict[RecordId, None] = attrs.field(factory=dict)
    _fields: set[FieldKey] = attrs.field(factory=set)
    _last: frozenset[FieldKey] = frozenset()

    def reading(self) -> AbstractContextManager[None]:
        """Return the block within which it is written."""
        return self.readings.verb("export", "export")

    def add(self, record: Record, fields: frozenset[FieldKey]) -> None:
        """Take down a record, and the fields of it that are shown unmasked."""
        self.count += 1
        if fields is not self._last:
            self._fields |= fields
            self._last = fields
        if self.count <= MOST_NAMED:
            self._records[record.id] = None

    def finish(self) -> None:
        """Write it, before the export is whole. Raises: StorageError."""
        key, always = self.module.key, self.module.log_exports or self.approval is not None
        logged = self._fields if always else self._fields & self.readings.of(key)
        if always or logged:
            self.readings.export(key, logged, tuple(self._records), self.count, self.criterion, self.approval)
