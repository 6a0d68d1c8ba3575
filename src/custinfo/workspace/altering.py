"""What another configuration means for the values of one module: what is converted, merged, sealed, or follows anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from custinfo.core.conversion import Converter, compile_conversion, is_converted
from custinfo.core.criteria.nodes import Criterion, Everything, Has, Not, OneOf, Present, Tagged, any_of
from custinfo.core.fields import FieldDefinition
from custinfo.core.records import FieldKey, ModuleKey, Tag
from custinfo.core.schema import ModuleSchema, Schema
from custinfo.core.validation.derivation import Derivation
from custinfo.workspace.merging import merged_codes, merged_tags

__all__ = ["Alterations", "Cause", "Derivations"]

Cause = Literal["converted", "merged", "sealed", "opened", "derived", "restored"]
"""Why a value changes: its kind, an entry or tag merged, encryption on or off, what it follows from, or undoing."""

Derivations = tuple[Derivation, Derivation]
"""What follows from a record under the old and under the new configuration."""


@attrs.frozen(eq=False)
class Alterations:
    """Say how one module differs between two configurations, as far as its records have to change for it.

    Attributes:
        old: The module as it was.
        new: The module as it is to be.
        derivations: What follows from a record, then and now.
        converters: Fields of another kind → what converts their values.
        ciphered: Fields that are encrypted or opened, or found by their last four or no more → whether encrypted now.
        codes: Fields of merged entries → code → the one it becomes.
        tags: Merged tags → the one each becomes.
        derives: Whether the same data may have other consequences.
        dropped: Fields that no longer hold what followed from the record, or what people wrote into them.
        lost: Dimensions of tags that are gone.
    """

    old: ModuleSchema
    new: ModuleSchema
    derivations: Derivations
    converters: Mapping[FieldKey, Converter]
    ciphered: Mapping[FieldKey, bool]
    codes: Mapping[FieldKey, Mapping[str, str]]
    tags: Mapping[Tag, Tag]
    derives: bool
    dropped: frozenset[FieldKey]
    lost: frozenset[str]

    @classmethod
    def between(cls, old: Schema, new: Schema, module: ModuleKey, derivations: Derivations) -> Alterations:
        """Return what two configurations that both have a module differ in."""
        one, other = old.module(module), new.module(module)
        kept = [key for key in one.definition.fields if key in other.definition.fields]
        fields = [(one.definition.fields[key], other.definition.fields[key]) for key in kept]
        converted = [before.key for before, after in fields if is_converted(before, after)]
        tag_dimensions = old.configuration.tag_dimensions.keys() - new.configuration.tag_dimensions.keys()
        return cls(
            one,
            other,
            derivations,
            converters={key: compile_conversion(one, other, key) for key in converted},
            ciphered={before.key: after.encrypted for before, after in fields if _is_sealed_anew(before, after)},
            codes=dict(merged_codes(old, new, [before for before, _ in fields if before.key not in converted])),
            tags=dict(merged_tags(old, new)) if one.definition.taggable else {},
            derives=any(derivations) and _derives_otherwise(old, new, module, derivations),
            dropped=(derivations[0].fields - other.definition.fields.keys()) | _abandoned(fields),
            lost=frozenset(tag_dimensions),
        )

    @property
    def rewritten(self) -> tuple[FieldKey, ...]:
        """The fields all of whose values change: those of another kind, and those encrypted or opened."""
        return tuple(dict.fromkeys((*self.converters, *self.ciphered)))

    @property
    def to_be_sealed(self) -> tuple[FieldKey, ...]:
        """The fields that become encrypted."""
        return tuple(key for key, encrypted in self.ciphered.items() if encrypted)

    @property
    def unique(self) -> tuple[FieldKey, ...]:
        """The fields whose values may clash now."""
        before, fields = self.old.definition.fields, self.new.definition.fields
        newly = [key for key, field in fields.items() if field.unique and (key not in before or not before[key].unique)]
        again = [key for key in (*self.rewritten, *self.codes) if fields[key].unique]
        return tuple(dict.fromkeys((*newly, *again)))

    @property
    def criterion(self) -> Criterion:
        """The records that may have to change, bound to the old configuration."""
        if self.derives:
            return Everything()
        parts: list[Criterion] = [Present((key,)) for key in self.rewritten]
        for key, codes in self.codes.items():
            if self.old.definition.fields[key].encrypted:
                parts.append(Present((key,)))
            else:
                several = self.old.kinds[key].storage == "list"
                parts += [Has((key,), code) for code in codes] if several else [OneOf((key,), tuple(codes))]
        parts += [Tagged(*tag) for tag in self.tags]
        parts += [Present((key,)) for key in sorted(self.dropped)]
        parts += [Tagged(dimension) for dimension in sorted(self.lost)]
        return any_of(parts)

    @property
    def concerned(self) -> Criterion:
        """The records that change, or whose values are compared."""
        live = Not(Present(("archived_at",)))
        compared = [Present((key,)) & live for key in self.unique if key in self.old.definition.fields]
        return any_of([self.criterion, *compared])

    def cause_of(self, key: FieldKey) -> Cause:
        """Return why all values of a field change."""
        if key in self.converters:
            return "converted"
        return "sealed" if self.ciphered[key] else "opened"


def _is_sealed_anew(old: FieldDefinition, new: FieldDefinition) -> bool:
    """Tell whether values are encrypted or opened, or are to be found by their last four, or no more."""
    return old.encrypted != new.encrypted or (new.encrypted and old.last_four != new.last_four)


def _abandoned(fields: list[tuple[FieldDefinition, FieldDefinition]]) -> set[FieldKey]:
    """Return fields that are computed from now on: what people wrote goes, also while there is no formula yet."""
    return {one.key for one, other in fields if other.kind == "computed" != one.kind and not other.formula}


def _derives_otherwise(old: Schema, new: Schema, module: ModuleKey, derivations: Derivations) -> bool:
    """Tell whether the same data may have other consequences: their own, or those of what they refer to."""
    far = any(derivation.hops for derivation in derivations)
    return _sources(old, module, far=far) != _sources(new, module, far=far)


def _sources(schema: Schema, module: ModuleKey, *, far: bool) -> tuple[Any, ...]:
    """Return everything on which derived values depend, beside the records."""
    known = schema.configuration
    modules = [item for item in known.modules.values() if far or item.key == module]
    keys = {item.key for item in modules}
    rules = tuple(rule for rule in known.classifications.values() if rule.module in keys)
    formulas = tuple((item.key, field.key, field.formula) for item in modules for field in item.active_fields())
    kinds = tuple(
        (item.key, field.key, field.kind, field.options) for item in modules for field in item.fields.values()
    )
    return rules, formulas, kinds, known.segments, known.dictionaries, known.tag_dimensions, known.time_zone
