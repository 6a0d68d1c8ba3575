"""Whom a step asks, as data: by name, role, position, place in the organisation, or a field of the record (APR-1)."""

from __future__ import annotations

from typing import Any, Final, Literal

import attrs

from custinfo.core.records import FieldKey, MemberKey

__all__ = [
    "APPROVER_TYPES",
    "Approver",
    "DepartmentHead",
    "FieldMember",
    "NamedMember",
    "PositionHolders",
    "RoleHolders",
]


@attrs.frozen
class NamedMember:
    """Choose one member."""

    member: MemberKey


@attrs.frozen
class RoleHolders:
    """Choose everybody who holds a role."""

    role: str


@attrs.frozen
class PositionHolders:
    """Choose everybody who holds a position: anywhere, or in the department of the owner or of the submitter.

    `position` is its key; `within` is `anywhere`, `owner` or `submitter`.
    """

    position: str
    within: Literal["anywhere", "owner", "submitter"] = "anywhere"


@attrs.frozen
class DepartmentHead:
    """Choose the head of the department (not the team) of the record's owner or of the submitter.

    `level` 1 is the nearest department, 2 the one above, and so on. Where a department has no head, or the
    submitter is the head, the next one above decides. With `chain`, all heads up to `level` are chosen, the nearest
    first; a step with mode `sequential` asks them one after the other.
    """

    of: Literal["owner", "submitter"] = "owner"
    level: int = 1
    chain: bool = False


@attrs.frozen
class FieldMember:
    """Choose the member that a user field of the record names; `owner` is one."""

    field: FieldKey


Approver = NamedMember | RoleHolders | PositionHolders | DepartmentHead | FieldMember

APPROVER_TYPES: Final[dict[str, type[Any]]] = {
    "member": NamedMember,
    "role": RoleHolders,
    "position": PositionHolders,
    "department_head": DepartmentHead,
    "field": FieldMember,
}
