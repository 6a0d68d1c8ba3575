"""Definitions of fields and modules: what the data looks like, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import attrs

from custinfo.core.criteria.nodes import Criterion
from custinfo.core.frozen import FrozenDict, freeze_labels, indexed, label_in
from custinfo.core.life_cycles import LifeCycle
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.rules import Rule

__all__ = [
    "FieldDefinition",
    "FormerKind",
    "Inheritance",
    "Labels",
    "ModuleDefinition",
    "OptionValue",
    "Sensitivity",
]

Sensitivity = Literal["normal", "masked", "sensitive"]
OptionValue = str | int | bool | tuple[str, ...]
Labels = FrozenDict[str, str]


def freeze_options(value: Mapping[str, Any]) -> FrozenDict[str, OptionValue]:
    """Return options with their lists made tuples."""
    return FrozenDict({key: tuple(item) if isinstance(item, list) else item for key, item in value.items()})


def _by_field(items: Any) -> FrozenDict[FieldKey, LifeCycle]:
    return indexed(items, "field")


@attrs.frozen
class FormerKind:
    """Say of what kind a field's values were, in history, up to and including a version of the configuration."""

    kind: str
    until: int
    options: FrozenDict[str, OptionValue] = attrs.field(factory=FrozenDict, converter=freeze_options)


@attrs.frozen
class FieldDefinition:
    """Define one field of a module.

    Args:
        key: Immutable name used in code; letters, digits and underscores.
        kind: Key of a kind, such as `text` or `phone`; see `custinfo.core.kinds`.
        label: What people call it, by language; a plain text is the Chinese label.
        required: Whether a record must have a value.
        default: Raw value used on creation when none is given.
        rules: Checks of the value beyond those of its kind.
        options: Settings of the kind, such as `dictionary`, `module`, `currency`.
        aliases: Further headings under which spreadsheets name it.
        applies_when: Criterion on the record; where it does not hold, the field takes no value (FLD-4).
        required_when: Criterion on the record; where it holds, a value is required and cannot be cleared.
        sensitivity: `normal`; `masked` (a wildcard grant shows it as usual, roles may mask it);
            `sensitive` (only grants that name the field reach it).
        mask: How it is masked: `phone`, `name`, `id`, `email`, `last4`, `full`.
        encrypted: Whether it is stored encrypted (FLD-7).
        unique: Whether no two live records may have the same value.
        indexed: Whether it is filtered and sorted by an index.
        retired: Whether it keeps its data but takes no new values.
        help: Explanation for people who fill it in, by language.
        formula: How the value of a `computed` field follows from other fields; see `custinfo.core.formulas`.
        former: The kinds that it had before it was converted, oldest first; converting takes care of it.
        log_reads: Whether it is logged who reads it unmasked (HIS-4).
        last_four: Whether it is found by its last four characters, too, where it is encrypted (FLD-7): the store then
            tells which records agree in them.
    """

    key: FieldKey
    kind: str
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)
    required: bool = False
    default: Any = None
    rules: tuple[Rule, ...] = ()
    options: FrozenDict[str, OptionValue] = attrs.field(factory=FrozenDict, converter=freeze_options)
    aliases: tuple[str, ...] = ()
    applies_when: Criterion | None = None
    required_when: Criterion | None = None
    sensitivity: Sensitivity = "normal"
    mask: str | None = None
    encrypted: bool = False
    unique: bool = False
    indexed: bool = False
    retired: bool = False
    help: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)
    formula: str | None = None
    former: tuple[FormerKind, ...] = ()
    log_reads: bool = False
    last_four: bool = False

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return label_in(self.label, language, self.key)

    def names(self) -> Iterator[str]:
        """Yield every name under which people may write it: key, labels, aliases."""
        yield self.key
        yield from self.label.values()
        yield from self.aliases


@attrs.frozen
class Inheritance:
    """Let whoever reaches a record reach those that refer to it: who sees a customer sees its follow-ups.

    Args:
        through: The reference field that points to the parent.
        level: `view`: who may view the parent may view the record. `edit`: who may edit, tag or archive the parent may
            do so with the record, and who may edit the parent may also create records below it.

    All fields that are not sensitive are reached; a grant on the module reaches others.
    """

    through: FieldKey
    level: Literal["view", "edit"] = "view"


@attrs.frozen
class ModuleDefinition:
    """Define a module: a type of record such as customer, follow-up or contract.

    Args:
        key: Immutable name used in code.
        fields: Its fields in the order in which people see them; also taken as a tuple.
        label: What people call it, by language.
        title_field: The field that names a record to people, used for references and search.
        type_field: The field that says which fields apply, if any.
        owner_label: What people call the owner, by language; empty where there is none to fill in.
        owner_aliases: Further headings for the owner.
        taggable: Whether records take tags.
        match_keys: Sets of fields that together identify a record: an import updates the one that agrees in all.
        duplicate_keys: Sets of fields in which two records of the same customer are likely to agree.
        life_cycles: How status fields may move, by field; also taken as a tuple.
        inherits: Through which references access follows from that to the parent; by none unless it is said.
        handed_over: Fields that name members, and are handed over with what a leaver owns; the owner always is.
        announced: Whether each change of a record is written to the outbox as an event such as `record.updated`, for
            the host to deliver.
        log_reads: Whether it is logged who reads a sensitive field of it (HIS-4).
        log_exports: Whether it is logged who exports records of it, and which fields.
    """

    key: ModuleKey
    fields: FrozenDict[FieldKey, FieldDefinition] = attrs.field(converter=indexed)
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)
    title_field: FieldKey | None = None
    type_field: FieldKey | None = None
    owner_label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)
    owner_aliases: tuple[str, ...] = ()
    taggable: bool = True
    match_keys: tuple[tuple[FieldKey, ...], ...] = ()
    duplicate_keys: tuple[tuple[FieldKey, ...], ...] = ()
    life_cycles: FrozenDict[FieldKey, LifeCycle] = attrs.field(factory=FrozenDict, converter=_by_field)
    inherits: tuple[Inheritance, ...] = ()
    handed_over: tuple[FieldKey, ...] = ()
    announced: bool = False
    log_reads: bool = False
    log_exports: bool = False

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return label_in(self.label, language, self.key)

    def active_fields(self) -> tuple[FieldDefinition, ...]:
        """Return the fields that are not retired, in order."""
        return tuple(field for field in self.fields.values() if not field.retired)
