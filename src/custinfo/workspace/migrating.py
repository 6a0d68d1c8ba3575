"""What a new configuration does to the records that there are: converted values, merged entries, new unique fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import attrs

from custinfo.core.conversion import Converter, compile_conversion, is_converted
from custinfo.core.criteria.nodes import Criterion, Everything, Has, OneOf, Present, Tagged, any_of
from custinfo.core.derivation import Derivation
from custinfo.core.errors import CustinfoError
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.kinds import INVALID
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed, Tag
from custinfo.core.schema import Schema
from custinfo.ports.repositories import Query
from custinfo.ports.system import SealContext
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.context import Context

__all__ = ["Cause", "Migrated", "Migration", "pages"]

Cause = Literal["converted", "merged", "sealed", "opened", "derived", "restored"]
"""Why a value changes: its kind, an entry or tag merged, encryption on or off, what it follows from, or undoing."""

Derivations = tuple[Derivation, Derivation]
"""What follows from a record under the old and under the new configuration."""

_PAGE: Final = 1000


@attrs.frozen
class Migrated:
    """A record under the new configuration: why each value changes, and those for which there is no place any more."""

    before: Record
    after: Record
    causes: Mapping[FieldKey, Cause]
    failures: Mapping[FieldKey, tuple[Problem, ...]]

    @property
    def changed(self) -> bool:
        """Whether the record is another under the new configuration."""
        return bool(self.causes)


class Migration:
    """Take the records of one module from one configuration to another.

    `past` are the changes, by record, that an undone configuration made: what nobody altered since is as before.
    """

    def __init__(
        self,
        context: Context,
        old: Schema,
        new: Schema,
        module: ModuleKey,
        derivations: Derivations,
        past: Mapping[RecordId, Change] | None = None,
    ) -> None:
        self.past: Mapping[RecordId, Change] = past or {}
        self.old = old.module(module)
        self.new = new.module(module)
        self._context = context
        fields = [
            (field, self.new.definition.fields[key])
            for key, field in self.old.definition.fields.items()
            if key in self.new.definition.fields
        ]
        self._converters: dict[FieldKey, Converter] = {
            one.key: compile_conversion(self.old, self.new, one.key)
            for one, other in fields
            if is_converted(one, other)
        }
        self._ciphered = {one.key: other.encrypted for one, other in fields if one.encrypted != other.encrypted}
        self._codes = dict(_merged_codes(old, new, [one for one, _ in fields if one.key not in self._converters]))
        self._tags = dict(_merged_tags(old, new)) if self.old.definition.taggable else {}
        before, self._derivation = derivations
        self._derives = bool(before or self._derivation) and _derives_otherwise(old, new, module)
        self.newly_unique = tuple(
            key
            for key, field in self.new.definition.fields.items()
            if field.unique and (key not in self.old.definition.fields or not self.old.definition.fields[key].unique)
        )

    @property
    def rewritten(self) -> tuple[FieldKey, ...]:
        """The fields all of whose values change: those of another kind, and those encrypted or opened."""
        return tuple(dict.fromkeys((*self._converters, *self._ciphered)))

    @property
    def unique(self) -> tuple[FieldKey, ...]:
        """The fields whose values may clash now."""
        fields = self.new.definition.fields
        again = [key for key in (*self.rewritten, *self._codes) if fields[key].unique]
        return tuple(dict.fromkeys((*self.newly_unique, *again)))

    @property
    def criterion(self) -> Criterion:
        """The records that may have to change, bound to the old configuration."""
        if self._derives:
            return Everything()
        parts: list[Criterion] = [Present((key,)) for key in self.rewritten]
        for key, codes in self._codes.items():
            several = self.old.kinds[key].storage == "list"
            parts += [Has((key,), code) for code in codes] if several else [OneOf((key,), tuple(codes))]
        parts += [Tagged(*tag) for tag in self._tags]
        return any_of(parts)

    def run(self, record: Record) -> Migrated:
        """Return what a record comes to; a value that can't be converted is left out of it and told."""
        values: dict[FieldKey, Any] = dict(record.values)
        causes: dict[FieldKey, Cause] = {}
        failures: dict[FieldKey, tuple[Problem, ...]] = {}
        tags = self._restored(record, values, causes)
        for key in self.rewritten:
            if key in values and key not in causes:
                self._convert(record, key, values, causes, failures)
        for key, codes in self._codes.items():
            changed = _replaced(values.get(key), codes)
            if changed != values.get(key):
                values[key], causes[key] = changed, "merged"
        if "tags" not in causes:
            tags = frozenset(self._tags.get(tag, tag) for tag in record.tags)
            if tags != record.tags:
                causes["tags"] = "merged"
        after = attrs.evolve(record, values=FrozenDict(values), tags=tags)
        return Migrated(record, self._derived(after, causes), causes, failures)

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
                    values[item.field] = item.old
        return tags

    def _derived(self, after: Record, causes: dict[FieldKey, Cause]) -> Record:
        if not (causes or self._derives):
            return after
        derived = self._derivation.derive(after, self._context.related, self._context.now())
        for key in {*after.values, *derived.values}:
            if after.values.get(key) != derived.values.get(key):
                causes.setdefault(key, "derived")
        if derived.tags != after.tags:
            causes.setdefault("tags", "derived")
        return derived

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
        causes[key] = self.cause_of(key)
        try:
            if type(value) is Sealed:
                value = self._context.unseal(record.id, record.module, key, value)
            if key in self._converters:
                value = self._converters[key](value, found)
            if value not in (None, INVALID) and self.new.definition.fields[key].encrypted:
                value = self._seal(record, key, value)
        except CustinfoError as error:
            found, value = list(error.problems), INVALID
        if value is None or value is INVALID:
            del values[key]
            failures[key] = tuple(problem for problem in found if problem.severity == "error")
        else:
            values[key] = value

    def cause_of(self, key: FieldKey) -> Cause:
        """Return why all values of a field change."""
        if key in self._converters:
            return "converted"
        return "sealed" if self._ciphered[key] else "opened"

    def _seal(self, record: Record, key: FieldKey, value: Any) -> Sealed:
        if self._context.keyring is None:
            raise CustinfoError([Problem("keyring_missing", key)])
        text = str(self.new.kinds[key].encode(value))
        return self._context.keyring.seal(text, SealContext(self._context.tenant, record.module, key, record.id))


def _replaced(value: Any, codes: Mapping[str, str]) -> Any:
    if isinstance(value, tuple):
        return tuple(dict.fromkeys(codes.get(item, item) for item in value))
    return codes.get(value, value)


def _merged_codes(
    old: Schema, new: Schema, fields: Iterable[FieldDefinition]
) -> Iterator[tuple[FieldKey, dict[str, str]]]:
    """Yield the choice fields whose dictionary has entries merged anew: code → the code that it is now."""
    for field in fields:
        key = str(field.options.get("dictionary"))
        before, after = old.configuration.dictionaries.get(key), new.configuration.dictionaries.get(key)
        if field.kind not in ("choice", "multiple_choice") or after is None or before is None or field.encrypted:
            continue
        codes = {code: after.live_code(code) for code in after.values if after.live_code(code) != code}
        if any(before.live_code(code) != live for code, live in codes.items()):
            yield field.key, codes


def _merged_tags(old: Schema, new: Schema) -> Iterator[tuple[Tag, Tag]]:
    """Yield the tags of dimensions in which some were merged anew, with the tags that they are now."""
    for key, dimension in new.configuration.tag_dimensions.items():
        before = old.configuration.tag_dimensions.get(key)
        if before is not None and before.merged != dimension.merged:
            for tag in dimension.merged:
                yield Tag(key, tag), Tag(key, dimension.live_tag(tag))


def _derives_otherwise(old: Schema, new: Schema, module: str) -> bool:
    """Tell whether the same data may have other consequences."""
    return _sources(old, module) != _sources(new, module)


def _sources(schema: Schema, module: str) -> tuple[Any, ...]:
    """Return everything on which derived values depend, beside the records."""
    known = schema.configuration
    rules = tuple(rule for rule in known.classifications.values() if rule.module == module)
    formulas = tuple((field.key, field.formula) for field in known.modules[module].active_fields() if field.formula)
    kinds = tuple((field.key, field.kind, field.options) for field in known.modules[module].fields.values())
    return rules, formulas, kinds, known.segments, known.dictionaries, known.tag_dimensions, known.time_zone


def pages(unit: UnitOfWork, migration: Migration, criterion: Criterion) -> Iterator[list[Record]]:
    """Yield the records of a migration's module that meet a criterion, or that its past names, a thousand at a time.

    Archived ones are among them.
    """
    module = migration.old.definition.key
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
