"""Tables that are partitioned by tenant: the shape that distributed databases want."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest
from sqlalchemy import Engine, MetaData, Table, UniqueConstraint, create_mock_engine, inspect, select, text

from custinfo import ANY, F, Tagged, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits, make_tables
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.testing import make_record, sample_schema
from custinfo.workspace.planning import make_plan
from tests.databases import POSTGRESQL, require_server, throw_away_prefix
from tests.plans import Statements
from tests.unit.workspace.story import Story

TABLES = sorted(make_tables(MetaData()).record.metadata.tables.values(), key=lambda table: table.name)


@pytest.fixture
def engine() -> Iterator[Engine]:
    """Connect to PostgreSQL."""
    require_server(POSTGRESQL)
    engine = open_engine(POSTGRESQL)
    yield engine
    engine.dispose()


@pytest.fixture
def units(engine: Engine) -> Iterator[SqlAlchemyUnits]:
    """Make the tables in eight partitions each."""
    units = SqlAlchemyUnits(engine, prefix=throw_away_prefix())
    units.create_tables(partitions=8)
    yield units
    units.drop_tables()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_key_begins_with_the_tenant(table: Table) -> None:
    """Primary keys, unique constraints and indexes begin with the tenant; nothing refers to another table."""
    keys = [table.primary_key, *(each for each in table.constraints if isinstance(each, UniqueConstraint))]
    assert [next(iter(key.columns)).name for key in keys] == ["tenant_id"] * len(keys)
    indexes = [index for index in table.indexes if not (index._ddl_if and index._ddl_if.dialect == "sqlite")]
    inverted = [index for index in indexes if index.dialect_options["postgresql"]["using"] == "gin"]
    assert [index.name for index in indexes if index.unique] == []
    assert {next(iter(index.columns)).name for index in indexes if index not in inverted} <= {"tenant_id"}
    assert table.foreign_keys == set()
    assert not any(column.default or column.server_default or column.identity for column in table.columns)


def test_partitions_come_and_go_with_their_tables(engine: Engine) -> None:
    """Each table has as many partitions as asked for, created once, and dropped with it."""
    prefix = throw_away_prefix()
    units = SqlAlchemyUnits(engine, prefix=prefix)
    for _ in range(2):
        units.create_tables(partitions=3)
    names = {name.removeprefix(prefix) for name in inspect(engine).get_table_names() if name.startswith(prefix)}
    whole = {table.name.removeprefix("custinfo_") for table in TABLES}
    assert names == whole | {f"{name}_p{number}" for name in whole for number in range(3)}
    units.drop_tables()
    assert [name for name in inspect(engine).get_table_names() if name.startswith(prefix)] == []


def test_other_databases_take_no_notice() -> None:
    """Partitions are PostgreSQL's: elsewhere the tables are as usual. A number below 1 is refused."""
    statements: list[str] = []
    metadata = MetaData()
    make_tables(metadata, partitions=4)
    mock = create_mock_engine("mysql+pymysql://", lambda sql, *_, **__: statements.append(str(sql)))
    metadata.create_all(mock, checkfirst=False)
    assert not any("PARTITION" in statement.upper() for statement in statements)
    units = SqlAlchemyUnits.open("sqlite://")
    with pytest.raises(ValueError, match="at least one partition"):
        units.create_tables(partitions=0)
    units.dispose()


def test_tenants_are_spread(engine: Engine, units: SqlAlchemyUnits) -> None:
    """Tenants come to lie in different partitions, each whole in one."""
    for tenant in "abcdefgh":
        with units.begin(sample_schema(), tenant) as unit:
            unit.records.save([make_record(number, {"title": tenant}) for number in range(3)])
    record = units.tables.record
    with engine.connect() as connection:
        place = text(f"tableoid::regclass::text FROM {record.name}")
        rows = connection.execute(select(text("DISTINCT tenant_id"), place)).all()
    assert len(rows) == 8
    assert len({place for _, place in rows}) > 1


@attrs.frozen
class Sheet:
    """A table of three customers, as a reader would give it."""

    header: tuple[str, ...] = ("客户名称", "客户类型", "联系人", "联系方式")
    sheet: str = "客户"
    header_row: int = 1
    columns: tuple[int, ...] = (1, 2, 3, 4)

    def rows(self) -> Iterator[tuple[int, tuple[object, ...]]]:
        """Yield the rows, numbered."""
        for number in range(2, 5):
            yield number, (f"样例公司{number}", "企业客户", "张三", f"1390000010{number}")


def work(units: SqlAlchemyUnits) -> None:
    """Do what people do: write, search, count, import, approve, look back, change the model, take back."""
    workspace = Workspace(standard_configuration(), units=units, organisation=sample_organisation())
    story = Story(workspace)
    record = story.customer()
    story.approve("zhaojl", story.submit("lisi", record, {"status": "流失"}))
    with workspace.acting_as("sunjiu") as session:
        batch = make_plan(session.context, "customer", Sheet(), digest="1").apply().batch_id
    with workspace.acting_as("lisi") as session:
        session.customers.tag(record.id, ("需求", "采购设备"), version=ANY)
        wanted = F.name.contains("科技") & ~Tagged("需求", "咨询")
        session.customers.find(wanted, order_by=("-annual_budget",), limit=10)
        session.customers.count((F.industry == "制造业") | Tagged("需求"))
        session.customers.distribution("industry")
        session.customers.distribution("需求")
        session.customers.search("科技")
        session.customers.history(record.id)
    workspace.undo_import(batch, actor="admin")
    with workspace.acting_as("admin") as session:
        current = session.configuration.current
        session.configuration.change(current.change_field("customer", "address", indexed=True), reason="搜索")
        session.configuration.undo(2).apply()
    workspace.build_indexes()
    with workspace.acting_as("lisi") as session:
        for number in range(2):
            session.context.announce("shop.ordered", f"order/{number}")
    workspace.deliver(lambda event: event.payload["order"] or 0, limit=1)  # fails, and is put off
    workspace.deliver(lambda _: None)
    workspace.undelivered()


def test_every_statement_looks_into_one_partition(engine: Engine, units: SqlAlchemyUnits) -> None:
    """Whatever a session does, each of its statements reads and writes the tenant's own partition alone."""
    statements = Statements(engine)
    work(units)
    assert statements.astray() == {}
    assert len(statements.noted) > 60
    statements.stop()


def test_a_statement_without_its_tenant_is_noticed(engine: Engine, units: SqlAlchemyUnits) -> None:
    """The check of these tests finds statements that look everywhere, also beside one that doesn't."""
    record, document = units.tables.record, units.tables.document
    statements = Statements(engine)
    with engine.connect() as connection:
        connection.execute(select(record.c.id).where(record.c.id == "1"))
        joined = record.join(document, record.c.id == document.c.record_id)
        connection.execute(select(record.c.id).select_from(joined).where(record.c.tenant_id == "one"))
        connection.execute(record.delete().where(record.c.module == "thing"))
        connection.execute(record.update().where(record.c.tenant_id == "one").values(module="thing"))
    assert len(statements.astray()) == 3
    statements.stop()
