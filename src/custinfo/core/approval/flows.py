"""Approval flows as data: when a change needs approval, and whose (APR-1, APR-2)."""

from __future__ import annotations

from typing import Any, Final, Literal

import attrs

from custinfo.core.criteria.nodes import Criterion
from custinfo.core.fields import Labels, label_in
from custinfo.core.frozen import FrozenDict, freeze_labels
from custinfo.core.records import FieldKey, MemberKey, ModuleKey

__all__ = [
    "APPROVER_TYPES",
    "Approver",
    "DepartmentHead",
    "FieldMember",
    "Flow",
    "NamedMember",
    "RoleHolders",
    "Step",
    "StepMode",
    "Trigger",
]

StepMode = Literal["any", "all", "sequential"]
GatedAction = Literal["create", "update", "transfer", "archive"]


@attrs.frozen
class NamedMember:
    """Choose one member."""

    member: MemberKey


@attrs.frozen
class RoleHolders:
    """Choose everybody who holds a role."""

    role: str


@attrs.frozen
class DepartmentHead:
    """Choose the head of the department (not the team) of the record's owner or of the submitter.

    `level` 1 is the nearest department, 2 the one above, and so on. Where a department has no head, or the
    submitter is the head, the next one above decides.
    """

    of: Literal["owner", "submitter"] = "owner"
    level: int = 1


@attrs.frozen
class FieldMember:
    """Choose the member that a user field of the record names."""

    field: FieldKey


Approver = NamedMember | RoleHolders | DepartmentHead | FieldMember

APPROVER_TYPES: Final[dict[str, type[Any]]] = {
    "member": NamedMember,
    "role": RoleHolders,
    "department_head": DepartmentHead,
    "field": FieldMember,
}


@attrs.frozen
class Trigger:
    """Say which changes need the flow: a module, actions, changed fields, and criteria before and after.

    All given parts must hold. No `fields` means any field.
    """

    module: ModuleKey
    actions: tuple[GatedAction, ...] = ("update",)
    fields: tuple[FieldKey, ...] = ()
    before: Criterion | None = None
    after: Criterion | None = None


@attrs.frozen
class Step:
    """Ask approvers: `any` (或签, the first decision counts), `all` (会签) or `sequential` (依次).

    `fallback` are asked when `approvers` finds nobody who may decide.
    """

    key: str
    approvers: tuple[Approver, ...]
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)
    mode: StepMode = "any"
    fallback: tuple[Approver, ...] = ()


@attrs.frozen
class Flow:
    """A path that a change takes before it is applied.

    `allow_own` lets submitters decide about their own change (APR-4: not unless the flow says so).
    """

    key: str
    trigger: Trigger
    steps: tuple[Step, ...]
    label: Labels = attrs.field(factory=FrozenDict, converter=freeze_labels)
    allow_own: bool = False
    version: int = 1

    def label_in(self, language: str) -> str:
        """Return its label in `language`, else in English or Chinese, else its key."""
        return label_in(self.label, language, self.key)
