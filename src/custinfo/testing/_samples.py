"""A small fixed configuration with every kind of field, and values made without clock or chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs

from custinfo.core.approval.requests import Request, RequestId, ResolvedStep, Task
from custinfo.core.configuration import Configuration
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, changes_between
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.outbox import Event, EventId
from custinfo.core.records import Attachment, Record, RecordId, Sealed, Share, Tag
from custinfo.core.schema import Schema
from custinfo.core.tags import TagDimension

__all__ = [
    "NOW",
    "full_record",
    "make_change",
    "make_event",
    "make_record",
    "make_request",
    "make_story",
    "next_version",
    "record_id",
    "sample_configuration",
    "sample_directory",
    "sample_schema",
]

NOW: Final = datetime(2024, 6, 15, 4, 30, tzinfo=UTC)
"""The instant that the samples call now: noon and a half in Shanghai."""

_PLACES: Final = Dictionary(
    "place",
    (
        DictionaryValue("north", "华北"),
        DictionaryValue("beijing", "北京", parent="north"),
        DictionaryValue("haidian", "海淀", parent="beijing"),
        DictionaryValue("south", "华南"),
        DictionaryValue("shenzhen", "深圳", parent="south"),
        DictionaryValue("peking", "北平", parent="north", state="merged", merged_into="beijing"),
    ),
)
_COLOURS: Final = Dictionary(
    "colour",
    (
        DictionaryValue("red", "红"),
        DictionaryValue("crimson", "深红", parent="red"),
        DictionaryValue("blue", "蓝"),
        DictionaryValue("green", "绿"),
    ),
)
_TEXTS: Final = ("phone", "email", "url", "uscc", "resident_id")


def _thing() -> ModuleDefinition:
    """Make the module with every kind of field, indexed ones first."""
    fields = (
        FieldDefinition("title", "text", "名称", indexed=True),
        FieldDefinition("code", "text", "编号", unique=True, indexed=True),
        FieldDefinition("count", "integer", "数量", indexed=True),
        FieldDefinition("price", "decimal", "单价", indexed=True),
        FieldDefinition("active", "boolean", "启用", indexed=True),
        FieldDefinition("day", "date", "日期", indexed=True),
        FieldDefinition("seen", "datetime", "时间", indexed=True),
        FieldDefinition("place", "choice", "地区", indexed=True, options={"dictionary": "place"}),
        FieldDefinition("parent", "reference", "上级", indexed=True, options={"module": "thing"}),
        FieldDefinition("note", "long_text", "备注", indexed=True),
        FieldDefinition("nickname", "text", "别名"),
        FieldDefinition("size", "integer", "大小"),
        FieldDefinition("weight", "decimal", "重量"),
        FieldDefinition("budget", "money", "预算"),
        FieldDefinition("ready", "boolean", "就绪"),
        FieldDefinition("born", "date", "生日"),
        FieldDefinition("met", "datetime", "见面"),
        FieldDefinition("origin", "choice", "产地", options={"dictionary": "place"}),
        FieldDefinition("colours", "multiple_choice", "颜色", options={"dictionary": "colour"}),
        FieldDefinition("sibling", "reference", "同级", options={"module": "thing"}),
        FieldDefinition("keeper", "user", "保管人"),
        FieldDefinition("unit", "department", "单位"),
        FieldDefinition("file", "attachment", "附件"),
        FieldDefinition("secret", "text", "密号", unique=True, encrypted=True),
        FieldDefinition("score", "computed", "得分"),
        *(FieldDefinition(kind, kind) for kind in _TEXTS),
    )
    return ModuleDefinition("thing", fields, "物品", title_field="title")


def sample_configuration() -> Configuration:
    """Return the configuration: `thing` with every kind of field, and `thing_note`, which refers to things."""
    note = ModuleDefinition(
        "thing_note",
        (
            FieldDefinition("text", "text", "内容", indexed=True),
            FieldDefinition("thing", "reference", "物品", indexed=True, options={"module": "thing"}),
            FieldDefinition("other", "reference", "另一物品", options={"module": "thing"}),
        ),
        "笔记",
        title_field="text",
    )
    dimensions = (TagDimension("need", ("设备", "服务"), "需求"), TagDimension("mark", label="标记", open=True))
    return Configuration((_thing(), note), (_PLACES, _COLOURS), dimensions)


def sample_directory() -> Organisation:
    """Return an organisation of two departments and three people."""
    departments = (Department("sales", "销售部"), Department("east", "华东组", parent="sales", kind="team"))
    positions = (Position("seller", "销售", ("seller",)),)
    people = (("ann", "安妮", "sales"), ("bob", "鲍勃", "east"), ("cai", "蔡", "east"))
    members = tuple(Member(key, name, (Assignment(unit, "seller"),)) for key, name, unit in people)
    return Organisation(departments, positions, members)


def sample_schema(configuration: Configuration | None = None) -> Schema:
    """Return a configuration compiled, that of the samples if none is given."""
    return Schema(configuration or sample_configuration(), sample_directory(), ZoneInfo("Asia/Shanghai"))


def record_id(number: int) -> RecordId:
    """Return the id of a number, 0 at least; ids order as their numbers do."""
    return RecordId(f"018f0000-0000-7000-8000-{number:012x}")


def make_record(  # noqa: PLR0913 - what a record may have
    number: int,
    values: Mapping[str, Any] | None = None,
    *,
    module: str = "thing",
    tags: Iterable[tuple[str, str]] = (),
    owner: str | None = "ann",
    department: str | None = "sales",
    version: int = 1,
    archived_at: datetime | None = None,
    shares: Iterable[Share] = (),
) -> Record:
    """Return a record whose id and times follow from `number` and `version` alone.

    Args:
        number: Of the record, from 0.
        values: Key → typed value; none if not given.
        module: `thing` or `thing_note`.
        tags: Pairs of dimension and tag.
        owner: Key of the owner; of the samples there are ann, bob and cai.
        department: Key of the department: `sales` or `east`.
        version: From 1 on.
        archived_at: Since when it is archived, aware; `None` for a live one.
        shares: Those with whom it is shared.

    >>> make_record(7, {"title": "甲"}).id
    '018f0000-0000-7000-8000-000000000007'
    """
    created_at = NOW - timedelta(days=1) + timedelta(seconds=number)
    return Record(
        id=record_id(number),
        module=module,
        values=FrozenDict(values or {}),
        tags=frozenset(Tag(dimension, value) for dimension, value in tags),
        owner=owner,
        department=department,
        version=version,
        created_at=created_at,
        updated_at=created_at + timedelta(minutes=version - 1),
        created_by="ann",
        archived_at=archived_at,
        shares=frozenset(shares),
    )


def make_change(before: Record | None, after: Record, **details: Any) -> Change:
    """Return the change from one version to the next; `before` is `None` for the first one.

    By default ann made it, and it is an edit; `details` are further attributes of `Change`.

    >>> make_change(None, make_record(1, {"title": "甲"}), reason="新").action
    'create'
    """
    given: dict[str, Any] = {"actor": "ann", "action": "update" if before else "create", **details}
    fields = changes_between(before, after)
    return Change(after.module, after.id, after.version, after.updated_at, fields=fields, **given)


def make_request(number: int, target: RecordId, patch: Mapping[str, Any], **details: Any) -> Request:
    """Return a pending request of ann's that asks bob, and then cai and her.

    Args:
        number: Of the request: its id and time of submission follow from it.
        target: The record that it is about.
        patch: Key → the value that is proposed; the base has none of them.
        details: Further attributes of `Request`.
    """
    steps = (
        ResolvedStep("flow", "first", FrozenDict({"zh": "初审"}), "any", ("bob",)),
        ResolvedStep("flow", "second", FrozenDict({"zh": "复审"}), "sequential", ("cai", "ann")),
    )
    given: dict[str, Any] = {
        "id": RequestId(f"018f0000-0000-7000-9000-{number:012x}"),
        "module": "thing",
        "action": "update",
        "base": FrozenDict(dict.fromkeys(patch)),
        "flows": (("flow", 1),),
        "steps": steps,
        "tasks": (Task(0, "bob"), Task(1, "cai"), Task(1, "ann")),
        "submitted_by": "ann",
        "submitted_at": NOW + timedelta(seconds=number),
        **details,
    }
    return Request(record_id=target, patch=FrozenDict(patch), **given)


def make_event(number: int, **details: Any) -> Event:
    """Return an event; ids order as their numbers do. `details` are further attributes of `Event`."""
    payload = {"record_id": record_id(number), "fields": ["title", "编号"], "of": {"number": number, "last": None}}
    given: dict[str, Any] = {"type": "record.updated", "payload": payload, **details}
    event_id = EventId(f"018f0000-0000-7000-a000-{number:012x}")
    return Event(event_id, f"record/{number}", NOW + timedelta(seconds=number), **given)


def full_record(number: int) -> Record:
    """Return a record with a value of every kind."""
    values = {
        "title": "示例𠮷野 𝒳 ' \" \\ % _",
        "code": f"C-{number}",
        "note": "第一行\n第二行\t",
        "count": 2**63 - 1,
        "size": -(2**63) + 1,
        "price": Decimal("-8999999999999.999999"),
        "weight": Decimal("0.000001"),
        "budget": Decimal("1234567.89"),
        "active": True,
        "ready": False,
        "day": date(1, 1, 1),
        "born": date(9999, 12, 31),
        "seen": datetime(1999, 12, 31, 23, 59, 59, 999999, UTC),
        "met": datetime(2024, 1, 1, tzinfo=UTC),
        "place": "beijing",
        "origin": "south",
        "colours": ("red", "blue"),
        "parent": record_id(99),
        "sibling": record_id(number),
        "keeper": "bob",
        "unit": "east",
        "file": Attachment("合同.pdf", "s3://bucket/1", 10, "abc"),
        "secret": Sealed(f"token-{number}", f"index-{number}"),
        "phone": "+8613812345678",
        "email": "a@example.com",
        "url": "https://example.com/",
        "uscc": "91350100M000100Y43",
        "resident_id": "11010519491231002X",
    }
    shares = [Share("member", "bob", "collaborate", NOW + timedelta(days=1)), Share("department", "east")]
    return make_record(number, values, tags=[("need", "设备"), ("need", "服务"), ("mark", "𠮷")], shares=shares)


def next_version(record: Record, **values: object) -> Record:
    """Return the record one version and one hour later, with some values replaced."""
    return attrs.evolve(
        record,
        values=FrozenDict({**record.values, **values}),
        version=record.version + 1,
        updated_at=record.updated_at + timedelta(hours=1),
    )


def make_story() -> list[Change]:
    """Return changes of two things and a note, in the order of time."""
    first, second = make_record(1, {"title": "a"}), make_record(2, {"title": "b"})
    later = next_version(first, title="c")
    note = make_record(101, {"text": "甲"}, module="thing_note")
    return [
        make_change(None, first, evidence="k.a.b"),
        make_change(None, second, actor="bob"),
        make_change(None, note),
        make_change(first, later, channel="import", evidence="k.c.d"),
        make_change(later, next_version(later, title="e"), actor="bob"),
    ]
