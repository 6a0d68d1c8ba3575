"""Made-up customers in quantities, and the raw driver that puts them into custinfo's tables, row for row as it would.

One tenant; 9 regions of 10 branches of 10 teams, two salespeople each; about 20 values and 3 tags a customer.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
from sqlalchemy import Connection, Engine, Table, select

from benchmarks.data import _credit_code
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._grams import gram_index
from custinfo.adapters.sqlalchemy._title_rows import Title, Titles
from custinfo.adapters.sqlalchemy._types import dump_json
from custinfo.adapters.sqlalchemy.tables import Tables
from custinfo.core.frozen import FrozenDict
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.records import Record, RecordId, Tag
from custinfo.core.schema import Schema
from custinfo.core.stored import ValueCodec, instant_from_text, instant_to_text

__all__ = [
    "NOW",
    "TENANT",
    "Customer",
    "as_record",
    "claimed_slots",
    "customers",
    "insert_raw",
    "load",
    "organisation",
    "rows_of",
]

NOW = datetime(2026, 6, 15, 4, 30, tzinfo=UTC)
TENANT = "t0000001"

_CITIES = [
    "北京",
    "上海",
    "杭州",
    "苏州",
    "宁波",
    "深圳",
    "广州",
    "成都",
    "武汉",
    "西安",
    "南京",
    "天津",
    "重庆",
    "青岛",
    "大连",
    "厦门",
    "长沙",
    "郑州",
    "合肥",
    "无锡",
]
_NAMES = "霁川望潮云启明远恒瑞嘉盛华信宏泰晨曦博雅鼎立金石海纳百天工开物安邦定国春和景新锐智联优创领航东升致诚达"
_TRADES = [
    "科技",
    "电子",
    "物流",
    "机械",
    "软件",
    "贸易",
    "医药",
    "食品",
    "建材",
    "服饰",
    "教育",
    "传媒",
    "能源",
    "化工",
    "汽车",
    "网络",
    "生物",
    "环保",
    "家居",
    "文化",
]
_FORMS = ("有限公司", "有限公司", "股份有限公司", "有限责任公司", "集团", "商行")
_INDUSTRIES = ["IT设备", "汽车", "电子", "机械", "化工", "软件", "互联网", "金融", "零售", "医疗", "教育", "物流"]
_PEOPLE = ("张伟", "王芳", "李娜", "刘洋", "陈静", "杨磊", "赵敏", "黄勇")
_NEEDS = ("采购设备", "培训", "技术服务")


def _team(region: int, branch: int, team: int) -> str:
    return f"d{region}-{branch}-{team}"


def organisation() -> Organisation:
    """Return the company: managers `all`, `region3` and `branch3-4` see what is below them, salespeople their own."""
    departments = [Department("hq", "总部")]
    positions = (
        Position("manager", "经理", ("department_manager",)),
        Position("seller", "销售", ("sales",)),
        Position("keeper", "数据管理员", ("data_administrator",)),
    )
    members = [
        Member("all", "总经理", (Assignment("hq", "manager"),)),
        Member("keeper", "管理员", (Assignment("hq", "keeper"),)),
    ]
    for region in range(9):
        departments.append(Department(f"r{region}", f"大区{region}", parent="hq"))
        members.append(Member(f"region{region}", f"大区经理{region}", (Assignment(f"r{region}", "manager"),)))
        for branch in range(10):
            key = f"b{region}-{branch}"
            departments.append(Department(key, f"分公司{region}-{branch}", parent=f"r{region}"))
            members.append(Member(f"branch{region}-{branch}", f"经理{key}", (Assignment(key, "manager"),)))
            for team in range(10):
                name = _team(region, branch, team)
                departments.append(Department(name, f"组{name}", parent=key, kind="team"))
                seats = (f"{name}{seat}" for seat in "ab")
                members.extend(Member(seat, f"销售{seat}", (Assignment(name, "seller"),)) for seat in seats)
    return Organisation(tuple(departments), positions, tuple(members))


@attrs.frozen
class Customer:
    """One customer as the tables have it."""

    id: str
    document: dict[str, Any]
    tags: tuple[tuple[str, str], ...]
    owner: str
    department: str
    created_at: str
    updated_at: str


def _provinces(schema: Schema) -> list[str]:
    entries = schema.configuration.dictionaries["region"].values
    return sorted(code for code, entry in entries.items() if entry.parent is not None)


def customers(count: int, schema: Schema, *, seed: int = 7, start: int = 0) -> Iterator[Customer]:
    """Yield customers; ids rise with the time of creation."""
    rng = random.Random(seed)
    provinces = _provinces(schema)
    for number in range(start, start + count):
        name = rng.choice(_CITIES) + "".join(rng.choices(_NAMES, k=rng.randrange(2, 5))) + rng.choice(_TRADES)
        region, branch, team = rng.randrange(9), rng.randrange(10), rng.randrange(10)
        age = rng.random() ** 2 * 1500
        updated = NOW - timedelta(days=age, microseconds=number)
        won = rng.random() < 0.2
        document = {
            "name": name + rng.choice(_FORMS),
            "customer_type": "企业客户",
            "industry": rng.choice(_INDUSTRIES),
            "contact_name": rng.choice(_PEOPLE),
            "phone": f"+8613{rng.randrange(5, 10)}{rng.randrange(10**8):08}",
            "email": f"contact{number}@example.com",
            "address": f"中关村大街{number}号",
            "uscc": _credit_code(number),
            "status": "成交" if won else rng.choice(("高潜", "流失", "休眠")),
            "registered_scale": None,
            "annual_budget": rng.randrange(1, 200) * 10_000 * 1_000_000,
            "founded_on": f"{rng.randrange(1990, 2024)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
            "legal_representative": rng.choice(_PEOPLE),
            "main_business": "设备采购与维护，软件开发与集成",
            "region": rng.choice(provinces),
            "current_need": "需要在三个月内完成选型与试用，然后按季度采购。",
            "submitted_on": f"2024-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        }
        if rng.random() < 0.1:
            del document["annual_budget"]
        del document["registered_scale"]
        tags = {("需求", rng.choice(_NEEDS)), ("需求", "采购设备" if rng.random() < 0.3 else "培训")}
        department = _team(region, branch, team)
        yield Customer(
            f"{1_600_000_000_000 + number * 150:012x}"[:8]
            + f"-{number >> 16:04x}-7{number & 0xFFF:03x}-8000-{number:012x}",
            document,
            tuple(sorted(tags)),
            department + rng.choice("ab"),
            department,
            instant_to_text(updated - timedelta(days=rng.random() * 300)),
            instant_to_text(updated),
        )


def as_record(customer: Customer, codec: ValueCodec) -> Record:
    """Return the record that custinfo would read."""
    return Record(
        id=RecordId(customer.id),
        module="customer",
        values=FrozenDict(codec.decode_values(customer.document)),
        tags=frozenset(Tag(*pair) for pair in customer.tags),
        owner=customer.owner,
        department=customer.department,
        version=1,
        created_at=instant_from_text(customer.created_at),
        updated_at=instant_from_text(customer.updated_at),
        created_by=customer.owner,
        archived_at=None,
    )


def rows_of(batch: Sequence[Customer], slots: Mapping[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    """Return table → whole rows, without those of titles."""
    fields = [slots.get(name) for name in (*(f"t{n}" for n in range(1, 13)), *(f"n{n}" for n in range(1, 9)))]
    found: dict[str, list[tuple[Any, ...]]] = {"record": [], "document": [], "tag": [], "unique": []}
    for item in batch:
        value_of = item.document.get
        narrow = (TENANT, item.id, "customer", item.owner, item.department, item.owner, 1)
        repeated = [value_of(key) if key else None for key in fields]
        found["record"].append((*narrow, item.created_at, item.updated_at, None, *repeated))
        tags = dump_json([list(tag) for tag in item.tags]) if item.tags else None
        found["document"].append((TENANT, item.id, dump_json(item.document), tags, None))
        found["tag"].extend((TENANT, item.id, *tag) for tag in item.tags)
        found["unique"].append((TENANT, "customer", "uscc", item.document["uscc"], item.id))
    return found


def _copy(connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows as fast as the driver can."""
    driver = connection.connection.driver_connection
    columns = ", ".join(names)
    if connection.dialect.name == "postgresql":
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:  # type: ignore[union-attr]
            for row in rows:
                copy.write_row(row)
        return
    sqlite = connection.dialect.name == "sqlite"
    marks = ", ".join(["?" if sqlite else "%s"] * len(names))
    driver.cursor().executemany(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", list(rows))  # type: ignore[union-attr]


@attrs.frozen
class _RawContext:
    """Stand in for a unit's context where titles are inserted."""

    inner: Context

    @property
    def tenant(self) -> str:
        return TENANT

    def execute(self, statement: Any) -> Any:
        return self.inner.execute(statement)

    @property
    def tables(self) -> Tables:
        return self.inner.tables

    def insert(self, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        _copy(self.inner.connection, table, names, rows)

    def insert_columns(
        self,
        table: Table,
        columns: Mapping[str, Iterable[Any]],
        *,
        written: frozenset[str] = frozenset(),  # noqa: ARG002 - texts are given to the driver as they are
    ) -> None:
        _copy(self.inner.connection, table, tuple(columns), zip(*columns.values(), strict=False))


def claimed_slots(engine: Engine, units: SqlAlchemyUnits, schema: Schema) -> dict[str, str]:
    """Let the units claim the slots of a tenant that is empty, and return slot → field."""
    with units.begin(schema, TENANT):
        pass
    slot = units.tables.slot
    with engine.begin() as connection:
        found = connection.execute(select(slot.c.slot, slot.c.field).where(slot.c.module == "customer"))
        return {row[0]: row[1] for row in found}


def insert_raw(
    connection: Connection, units: SqlAlchemyUnits, batch: Sequence[Customer], slots: Mapping[str, str]
) -> None:
    """Insert customers through the driver, into every table that custinfo would write."""
    tables = units.tables
    connection.execute(select(1))  # begins the transaction that the driver's own cursors work in
    for name, rows in rows_of(batch, slots).items():
        table = getattr(tables, name)
        _copy(connection, table, [column.name for column in table.columns], rows)
    titles = [Title.of("customer", RecordId(item.id), "name", item.document["name"], item.department) for item in batch]
    context: Any = _RawContext(Context(connection, tables, Schema, TENANT, {}))  # type: ignore[arg-type]
    gram_index(tables, connection.dialect).add(context, Titles.of(titles))


def load(engine: Engine, units: SqlAlchemyUnits, schema: Schema, count: int, *, size: int = 5_000) -> None:
    """Put `count` customers into empty tables, past custinfo."""
    slots = claimed_slots(engine, units, schema)
    source = customers(count, schema)
    while batch := list(itertools.islice(source, size)):
        with engine.begin() as connection:
            insert_raw(connection, units, batch, slots)
