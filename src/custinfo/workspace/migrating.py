"""Taking records to a new configuration: values converted, merged, sealed, opened, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from custinfo.core.criteria.nodes import Criterion
from custinfo.core.errors import CustinfoError
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, FieldChange
from custinfo.core.kinds import INVALID, Kind
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, Record, RecordId, Sealed, Tag
from custinfo.ports.repositories import Query
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.altering import Alterations, Cause
from custinfo.workspace.context import Context
from custinfo.workspace.foreseeing import Foreseen
from custinfo.workspace.merging import replaced
from custinfo.workspace.sealing import sealed_keys

__all__ = ["Migrated", "Migration", "pages"]

_PAGE: Final = 1000


@attrs.frozen
class Migrated:
    """A record under the new configuration: why each value changes, and those for which there is no place any more.

    It is not `changed` where every value is the same in the new kind, as most texts are in another kind of text.
    """

    before: Record
    after: Record
    causes: Mapping[FieldKey, Cause]
    failures: Mapping[FieldKey, tuple[Problem, ...]]
    changed: bool = False


class Migration:
    """Take the records of one module from one configuration to another.

    `altered` is how they differ, and `related` follows references under the new one. `past` are the changes, by record,
    that an undone configuration made: what nobody altered since is as before.
    """

    def __init__(
        self, context: Context, altered: Alterations, related: Foreseen, past: Mapping[RecordId, Change] | None = None
    ) -> None:
        self.altered = altered
        self.past: Mapping[RecordId, Change] = past or {}
        self._context = context
        self._related = related
        self._before, self._derivation = altered.derivations
        module = altered.new.definition.key
        related.add(module, lambda record: self._converted(record).after, lambda record: self.run(record).after)

    def sealed_change(self, record: Record, change: FieldChange) -> FieldChange:
        """Return a change for the history: of a field that becomes encrypted, the old value is sealed as well."""
        if change.field not in self.altered.to_be_sealed or change.old is None or type(change.old) is Sealed:
            return change
        return change._replace(old=self._seal(record, change.field, change.old, self.altered.old.kinds[change.field]))

    def run(self, record: Record) -> Migrated:
        """Return what a record comes to; a value that can't be converted is left out of it and told."""
        converted = self._converted(record)
        causes = dict(converted.causes)
        after = self._derived(converted.after, causes)
        differing = {key for key in causes if self._differs(record, after, key)}
        told = {key: cause for key, cause in causes.items() if cause == "converted" or key in differing}
        return attrs.evolve(converted, after=after, causes=told, changed=bool(differing))

    def prefetch(self, page: Iterable[Record]) -> None:
        """Load the records on which what follows from those of a page depends, and make the data keys that it takes."""
        page = list(page)
        self._context.sealer.make_data_keys(page, self.altered.to_be_sealed)
        self._context.sealer.unwrap_ahead((record, self._to_be_opened(record)) for record in page)
        if self.altered.derives and self._derivation.hops:
            self._related.prefetch(page, self._derivation.hops)

    def _to_be_opened(self, record: Record) -> list[FieldKey]:
        """Return the fields of a record of which a value is opened, each once."""
        past = self.past.get(record.id)
        former = () if past is None else (item.field for item in past.fields if type(item.old) is Sealed)
        return [*dict.fromkeys((*former, *sealed_keys(record, (*self.altered.rewritten, *self.altered.codes))))]

    def _converted(self, record: Record) -> Migrated:
        """Return what a record comes to, before anything follows from it."""
        values: dict[FieldKey, Any] = dict(record.values)
        causes: dict[FieldKey, Cause] = {}
        failures: dict[FieldKey, tuple[Problem, ...]] = {}
        tags = self._restored(record, values, causes)
        for key, codes in self.altered.codes.items():
            if key in values and key not in causes:
                self._merge(record, key, codes, values, causes)
        for key in self.altered.rewritten:
            if key in values and causes.get(key) != "restored":
                self._convert(record, key, values, causes, failures)
        for key in self.altered.dropped & values.keys():
            del values[key]
            causes[key] = "derived"
        if "tags" not in causes:
            tags = self._retagged(record.tags, causes)
        return Migrated(record, attrs.evolve(record, values=FrozenDict(values), tags=tags), causes, failures)

    def _restored(self, record: Record, values: dict[FieldKey, Any], causes: dict[FieldKey, Cause]) -> frozenset[Tag]:
        """Put back what the undone configuration altered and nobody since; return the tags."""
        past = self.past.get(record.id)
        tags = record.tags
        for item in past.fields if past is not None else ():
            if item.field == "tags" and tuple(sorted(record.tags)) == (item.new or ()):
                tags, causes["tags"] = frozenset(item.old or ()), "restored"
            elif item.field != "tags" and record.values.get(item.field) == item.new:
                causes[item.field] = "restored"
                if item.old is None:
                    values.pop(item.field, None)
                else:
                    values[item.field] = self._opened_again(record, item.field, item.old)
        return tags

    def _opened_again(self, record: Record, key: FieldKey, value: Any) -> Any:
        """Return a value of the past as a field that is no longer encrypted has it."""
        field = self.altered.new.definition.fields.get(key)
        if type(value) is not Sealed or field is None or field.encrypted:
            return self._context.sealer.indexed_now(record, {key: value})[key]
        return self._context.sealer.unseal(record, key, value, self.altered.new.kinds[key])

    def _retagged(self, before: frozenset[Tag], causes: dict[FieldKey, Cause]) -> frozenset[Tag]:
        """Return the tags that they are now, without those by rule whose dimension goes."""
        lost, owns_tag = self.altered.lost, self._before.owns_tag
        tags = frozenset(self.altered.tags.get(tag, tag) for tag in before)
        if tags != before:
            causes["tags"] = "merged"
        kept = frozenset(tag for tag in tags if tag.dimension not in lost or not owns_tag(tag))
        if kept != tags:
            causes["tags"] = "derived"
        return kept

    def _derived(self, after: Record, causes: dict[FieldKey, Cause]) -> Record:
        """Return the record with what follows from it under the new configuration; tell of it in `causes`."""
        if not (causes or self.altered.derives):
            return after
        derived = self._derivation.derive(after, self._related, self._context.now())
        for key in {*after.values, *derived.values}:
            if after.values.get(key) != derived.values.get(key):
                causes.setdefault(key, "derived")
        if derived.tags != after.tags:
            causes.setdefault("tags", "derived")
        return derived

    def _differs(self, before: Record, after: Record, key: FieldKey) -> bool:
        """Tell whether a value is another one, or is stored in another form."""
        if key == "tags":
            return before.tags != after.tags
        old, new = before.values.get(key), after.values.get(key)
        if old is None or new is None or type(old) is not type(new) or old != new:
            return old is not new
        kinds, later = self.altered.old.kinds, self.altered.new.kinds
        return type(old) is not Sealed and kinds[key].encode(old) != later[key].encode(new)

    def _merge(
        self,
        record: Record,
        key: FieldKey,
        codes: Mapping[str, str],
        values: dict[FieldKey, Any],
        causes: dict[FieldKey, Cause],
    ) -> None:
        value = values[key]
        sealed = type(value) is Sealed
        try:
            plain = self._opened(record, key, value) if sealed else value
        except CustinfoError:
            return  # what can't be read stays as it is
        merged = replaced(plain, codes)
        if merged != plain:
            values[key] = self._seal(record, key, merged) if sealed else merged
            causes[key] = "merged"

    def _convert(
        self,
        record: Record,
        key: FieldKey,
        values: dict[FieldKey, Any],
        causes: dict[FieldKey, Cause],
        failures: dict[FieldKey, tuple[Problem, ...]],
    ) -> None:
        found: list[Problem] = []
        value = values[key]
        causes[key] = self.altered.cause_of(key)
        try:
            if type(value) is Sealed:
                value = self._opened(record, key, value)
            if key in self.altered.converters:
                value = self.altered.converters[key](value, found)
            if value not in (None, INVALID) and self.altered.new.definition.fields[key].encrypted:
                value = self._seal(record, key, value)
        except CustinfoError as error:
            found, value = list(error.problems), INVALID
        if value is None or value is INVALID:
            del values[key]
            failures[key] = tuple(problem for problem in found if problem.severity == "error")
        else:
            values[key] = value

    def _opened(self, record: Record, key: FieldKey, value: Sealed) -> Any:
        return self._context.sealer.unseal(record, key, value)

    def _seal(self, record: Record, key: FieldKey, value: Any, kind: Kind | None = None) -> Sealed:
        field, kind = self.altered.new.definition.fields[key], kind or self.altered.new.kinds[key]
        return self._context.sealer.seal(field, record.id, record.module, value, record.data_keys, kind)


def pages(unit: UnitOfWork, migration: Migration, criterion: Criterion) -> Iterator[list[Record]]:
    """Yield the records of a migration's module that meet a criterion, or that its past names, a thousand at a time.

    Archived ones are among them.
    """
    module = migration.altered.old.definition.key
    missing = set(migration.past)
    after: tuple[Any, ...] | None = None
    while records := list(unit.queries.find(Query(module, criterion, (), _PAGE, after))):
        missing.difference_update(record.id for record in records)
        after = (records[-1].id,)
        yield records
    rest = sorted(missing)
    for start in range(0, len(rest), _PAGE):
        if found := unit.records.get(module, rest[start : start + _PAGE]):
            yield list(found.values())
