"""Grants: who may do what, to which records, on which fields — as data (POL-1, POL-2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import attrs

from custinfo.core.criteria.nodes import Criterion
from custinfo.core.fields import Labels, ModuleDefinition
from custinfo.core.frozen import FrozenDict, freeze_labels, label_in
from custinfo.core.records import FieldKey

__all__ = ["ALL_FIELDS", "NO_FIELDS", "PSEUDO_FIELDS", "READING", "Action", "Fields", "Grant", "Role", "Scope"]

Action = Literal[
    "view",
    "create",
    "edit",
    "delete",
    "archive",
    "export",
    "import",
    "approve",
    "transfer",
    "tag",
    "merge",
    "configure",
    "decrypt",
    "erase",
    "share",
    "claim",
    "release",
    "audit",
]
Scope = Literal["own", "team", "department", "subtree", "departments", "all", "shared", "pool"]

READING: Final[frozenset[Action]] = frozenset({"view", "export", "decrypt"})
"""What a record that is shared for reading may be used for; all else needs one that is shared to collaborate."""

PSEUDO_FIELDS: Final = (
    "owner",
    "department",
    "created_at",
    "updated_at",
    "created_by",
    "archived_at",
    "tags",
    "shares",
)
"""What every record has beside its fields; grants name them like fields, and a wildcard includes them."""


@attrs.frozen
class Role:
    """Name a set of grants: those whose `role` is its `key`. Positions in the organisation give roles.

    `label` is what people call it, by language; a plain text is Chinese.
    """

    key: str
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return label_in(self.label, language, self.key)


@attrs.frozen
class Fields:
    """Choose fields: those named, or with `everything` all that are not sensitive, less `excluded` (FLD-6).

    >>> Fields.only("name", "phone")
    Fields(names=('name', 'phone'), everything=False, excluded=())
    """

    names: tuple[FieldKey, ...] = ()
    everything: bool = False
    excluded: tuple[FieldKey, ...] = ()

    @classmethod
    def only(cls, *names: FieldKey) -> Fields:
        """Return the choice of just these fields; this is how a sensitive field is reached."""
        return cls(names)

    @classmethod
    def everything_but(cls, *excluded: FieldKey, also: Iterable[FieldKey] = ()) -> Fields:
        """Return the choice of all fields that are not sensitive, less `excluded`, and the sensitive ones in `also`."""
        return cls(tuple(also), everything=True, excluded=excluded)

    def within(self, module: ModuleDefinition) -> frozenset[FieldKey]:
        """Return the keys that are chosen in `module`, pseudo-fields included."""
        keys = {name for name in self.names if name in module.fields or name in PSEUDO_FIELDS}
        if self.everything:
            keys.update(PSEUDO_FIELDS)
            keys.update(field.key for field in module.fields.values() if field.sensitivity != "sensitive")
        return frozenset(keys - set(self.excluded))


ALL_FIELDS: Final = Fields(everything=True)
NO_FIELDS: Final = Fields()


def _frozen_mask(mask: Mapping[FieldKey, str]) -> FrozenDict[FieldKey, str]:
    return mask if isinstance(mask, FrozenDict) else FrozenDict(mask)


@attrs.frozen
class Grant:
    """Allow a role actions on the records of a module. Grants only widen; what none allows is refused.

    Args:
        role: Key of the role.
        module: Key of the module.
        actions: What may be done. `decrypt` shows the sensitive encrypted fields in `view` in the open; without it
            they are masked.
        scope: Whose records: `own`; `team` (of the very node where the role is held); `department` (the nearest
            department and its teams); `subtree` (the node and everything below); `departments` (those listed, and
            everything below); `all`; `shared` (shared with the actor, their department or role: to read for `view`,
            `export` and `decrypt`, to collaborate for all else); `pool` (records without owner, those of `departments`
            where any are listed).
        through: A reference field: the scope is that of the record it points to (follow-ups of own customers).
        condition: Further criterion on the record.
        view: Fields that may be read.
        edit: Fields that may be written, with `create` on creation and with `edit` afterwards.
        mask: Fields shown masked → style (empty: the field's own style).
        departments: Keys of departments, for the scopes `departments` and `pool`.
    """

    role: str
    module: str
    actions: frozenset[Action]
    scope: Scope = "own"
    through: FieldKey | None = None
    condition: Criterion | None = None
    view: Fields = NO_FIELDS
    edit: Fields = NO_FIELDS
    mask: FrozenDict[FieldKey, str] = attrs.field(factory=FrozenDict, converter=_frozen_mask)
    departments: tuple[str, ...] = ()
