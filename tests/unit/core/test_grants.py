"""Choosing fields in grants."""

from __future__ import annotations

import pytest

from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.policy.grants import ALL_FIELDS, NO_FIELDS, PSEUDO_FIELDS, Fields, Grant, Role

MODULE = ModuleDefinition(
    "m",
    (
        FieldDefinition("a", "text"),
        FieldDefinition("phone", "phone", sensitivity="masked"),
        FieldDefinition("secret", "text", sensitivity="sensitive"),
    ),
)
PSEUDO = {"owner", "department", "created_at", "updated_at", "created_by", "archived_at", "tags", "shares"}


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        (NO_FIELDS, set()),
        (ALL_FIELDS, {"a", "phone", *PSEUDO}),
        (Fields.only("a"), {"a"}),
        (Fields.only("secret", "owner"), {"secret", "owner"}),
        (Fields.only("never", "id", "version"), set()),
        (Fields.everything_but("a"), {"phone", *PSEUDO}),
        (Fields.everything_but("tags", also=("secret",)), {"a", "phone", "secret", *PSEUDO} - {"tags"}),
        (Fields.everything_but("secret", also=("secret",)), {"a", "phone", *PSEUDO}),
    ],
)
def test_fields_within_a_module(fields: Fields, chosen: set[str]) -> None:
    """A wildcard leaves out sensitive fields, which are reached by name only; unknown names are passed over."""
    assert fields.within(MODULE) == chosen


def test_pseudo_fields() -> None:
    """What every record has beside its fields is granted like fields."""
    assert set(PSEUDO_FIELDS) == PSEUDO


def test_grants_are_values() -> None:
    """Grants allow nothing by default, and hash."""
    grant = Grant("r", "m", frozenset({"view"}), mask={"phone": "phone"})
    assert (grant.scope, grant.view, grant.edit, grant.through, grant.condition) == (
        "own",
        NO_FIELDS,
        NO_FIELDS,
        None,
        None,
    )
    assert grant == Grant("r", "m", frozenset({"view"}), mask=FrozenDict({"phone": "phone"}))
    assert len({grant, Grant("r", "m", frozenset({"view"}))}) == 2


def test_labels_of_roles() -> None:
    """A role has labels, and its key where it has none."""
    assert Role("r", "角色").label_in("en") == "角色"
    assert Role("r", {"zh": "角色", "en": "Role"}).label_in("en") == "Role"
    assert Role("r").label_in("zh") == "r"
