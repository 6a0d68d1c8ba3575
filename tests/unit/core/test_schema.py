"""A configuration compiled: names, parsers and renderers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from custinfo.core.configuration import Configuration
from custinfo.core.errors import InvalidInputError
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, Kind
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.problems import Problem
from custinfo.core.records import Tag
from custinfo.core.schema import DirectoryNames, Schema
from custinfo.core.tags import TagDimension
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing._samples import sample_schema

ZONE = ZoneInfo("Asia/Shanghai")
STANDARD = Schema(standard_configuration(), sample_organisation(), ZONE)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("name", "name"),
        ("NAME", "name"),
        ("客户名称", "name"),
        ("公司名称", "name"),
        ("Annual budget", "annual_budget"),
        ("annual　BUDGET", "annual_budget"),
        ("负责人", "owner"),
        ("业务员", "owner"),
        ("Owner", "owner"),
        ("created_at", "created_at"),
        ("Created_At", "created_at"),
        ("nothing of the kind", None),
        ("", None),
    ],
)
def test_resolve(name: str, key: str | None) -> None:
    """Key, label and alias name a field, whatever their spelling; system fields have their keys."""
    assert STANDARD.module("customer").resolve(name) == key


def test_a_key_wins_over_a_label() -> None:
    """A field's key means that field, also where it is the label of another."""
    module = ModuleDefinition("m", (FieldDefinition("a", "text", {"en": "b"}), FieldDefinition("b", "text")))
    schema = Schema(Configuration((module,)), sample_organisation(), ZONE)
    assert schema.module("m").resolve("b") == "b"
    assert schema.module("m").resolve("B") == "b"


def test_an_unknown_module() -> None:
    """A module that is not configured is an input error."""
    with pytest.raises(InvalidInputError) as caught:
        STANDARD.module("contract")
    assert caught.value.problems == (Problem("unknown_module", params={"module": "contract"}),)


def test_rendering() -> None:
    """Typed values are shown as people read them; no value is empty text."""
    module = STANDARD.module("customer")
    assert module.render("name", None) == ""
    assert module.render("annual_budget", Decimal("1.5")) == "1.50"
    assert module.render("industry", "IT设备") == "制造业-IT设备"
    assert module.render("owner", "lisi") == "李四(销售一部-1组)"
    assert module.render("created_at", datetime(2024, 3, 15, 2, 30, tzinfo=UTC)) == "2024-03-15 10:30:00"


def test_labels() -> None:
    """Fields, the owner and the other system fields have labels."""
    module = STANDARD.module("customer")
    assert module.label("name", "zh") == "客户名称"
    assert module.label("owner", "zh") == "负责人"
    assert module.label("owner", "en") == "Owner"
    assert module.label("owner", "fr") in ("负责人", "Owner")
    assert module.label("created_at", "zh") == "创建时间"
    assert module.resolve("创建时间") == "created_at"
    assert sample_schema().module("thing").label("owner", "zh") == "负责人"


def test_kinds_of_fields_and_system_fields() -> None:
    """System fields have kinds as fields have."""
    module = STANDARD.module("customer")
    assert module.kind_of("phone").key == "phone"
    assert module.kind_of("owner").key == "user"
    assert module.kind_of("updated_at").key == "datetime"


def test_parsers_are_those_of_active_fields() -> None:
    """A retired field takes no value, but is still shown."""
    module = ModuleDefinition("m", (FieldDefinition("a", "text"), FieldDefinition("b", "text", retired=True)))
    schema = Schema(Configuration((module,)), sample_organisation(), ZONE).module("m")
    assert list(schema.parsers) == ["a"]
    assert schema.render("b", "x") == "x"
    assert schema.owner_parser("李四", []) == "lisi"


def test_a_hosts_own_kind() -> None:
    """Kinds that the host adds are used like the built-in ones, and may replace them."""
    text = BUILT_IN_KINDS["text"]
    shout = Kind("shout", text.parser, lambda _field, _context: str.upper)
    module = ModuleDefinition("m", (FieldDefinition("a", "shout"),))
    schema = Schema(Configuration((module,)), sample_organisation(), ZONE, {"shout": shout})
    assert schema.module("m").render("a", "abc") == "ABC"
    assert schema.module("m").kind_of("a") is shout


@pytest.mark.parametrize(
    ("dimension", "value", "found"),
    [
        ("需求", "采购设备", Tag("需求", "采购设备")),
        ("need", " 采购 设备", Tag("需求", "采购设备")),
        ("NEED", "培训", Tag("需求", "培训")),
        ("自定义", "重要 ", Tag("自定义", "重要")),
        ("需求", "飞机", Problem("unknown_tag", "tags", params={"dimension": "需求"})),
        ("天气", "晴", Problem("unknown_tag_dimension", "tags", params={"dimension": "天气"})),
    ],
)
def test_resolve_tag(dimension: str, value: str, found: Tag | Problem) -> None:
    """A tag is found by key, label or alias of its dimension; else it is said what is wrong."""
    assert STANDARD.resolve_tag(dimension, value) == found


def test_resolve_dimension() -> None:
    """A dimension is found by key, label or alias."""
    assert STANDARD.resolve_dimension("Stage") == STANDARD.configuration.tag_dimensions["合作阶段"]
    assert STANDARD.resolve_dimension("weather") is None
    assert TagDimension("x") not in STANDARD.configuration.tag_dimensions.values()


NAMES = DirectoryNames(
    Organisation(
        (
            Department("s1", "一部"),
            Department("t1", "1组", "s1", "team"),
            Department("s2", "二部"),
            Department("t2", "1组", "s2", "team"),
        ),
        (Position("p", "P", ("r",)),),
        (
            Member("li", "李四", (Assignment("t1", "p"),)),
            Member("li2", "李四", (Assignment("t2", "p"),)),
            Member("twin1", "双", (Assignment("t1", "p"),)),
            Member("twin2", "双", (Assignment("t1", "p"),)),
            Member("free", "安"),
        ),
    )
)


@pytest.mark.parametrize(
    ("key", "label"),
    [("li", "李四(一部-1组)"), ("li2", "李四(二部-1组)"), ("twin1", "twin1"), ("free", "安"), ("nobody", "nobody")],
)
def test_labels_of_members_lead_back(key: str, label: str) -> None:
    """A person is shown by name and department where that names one person, else by key."""
    assert NAMES.member_label(key) == label
    assert NAMES.find_member(label) in (key, None)


@pytest.mark.parametrize(("key", "label"), [("s1", "一部"), ("t1", "t1"), ("nowhere", "nowhere")])
def test_labels_of_departments_lead_back(key: str, label: str) -> None:
    """A department is shown by name where that names one, else by key."""
    assert NAMES.department_label(key) == label
    assert NAMES.find_department("1组") == ("t1", "t2")
