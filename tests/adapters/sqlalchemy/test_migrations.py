"""Migrations make what `make_tables` says, beside a host's own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import StringIO
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TextIO

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, inspect, text

from custinfo import ANY, Flow, NamedMember, Step, TimeLimit, Trigger, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits, make_tables, migrations
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.adapters.sqlalchemy.migrations import versions
from custinfo.adapters.sqlalchemy.migrations.versions import approval_marks
from custinfo.core.errors import StorageError
from custinfo.standard import sample_organisation, standard_configuration
from tests.databases import MARIADB, POSTGRESQL, require_server, throw_away_prefix


@pytest.fixture(params=["sqlite", POSTGRESQL, MARIADB], ids=["sqlite", "postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Connect to a database; what a test leaves in it under its prefixes is dropped."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'store.db'}")
    else:
        require_server(request.param)
        engine = open_engine(request.param)
    yield engine
    engine.dispose()


@pytest.fixture
def prefix(engine: Engine) -> Iterator[str]:
    """Give a prefix, and drop its tables in the end."""
    prefix = throw_away_prefix()
    yield prefix
    SqlAlchemyUnits(engine, prefix=prefix).drop_tables()
    with engine.begin() as connection:
        for name in tables(engine, prefix):
            connection.execute(text(f"DROP TABLE {name}"))


def tables(engine: Engine, prefix: str) -> list[str]:
    """Return the names of the tables of a prefix, without SQLite's shadow tables."""
    names = inspect(engine).get_table_names()
    return sorted(name for name in names if name.startswith(prefix) and "_fts_" not in name)


def _is_made(only: Any, engine: Engine) -> bool:
    """Tell whether an index is made on a database."""
    if only is None:
        return True
    return bool(only.callable_(dialect=engine.dialect)) if only.callable_ else only.dialect == engine.dialect.name


def differences(engine: Engine, prefix: str, **options: Any) -> list[Any]:
    """Return what Alembic would change to bring the database in line with `make_tables`."""
    metadata, others = MetaData(), migrations.include_object(prefix=prefix)
    make_tables(metadata, prefix=prefix, **options)
    for table in metadata.tables.values():  # Alembic does not heed `ddl_if`
        foreign = [index for index in table.indexes if not _is_made(index._ddl_if, engine)]
        table.indexes.difference_update(foreign)

    def ours(item: Any, name: str | None, kind: Any, reflected: bool, other: Any) -> bool:
        mine = not others(item, name, kind, reflected, other)
        return kind != "table" or (mine and (name in metadata.tables))

    def named(name: str | None, kind: str, _parents: Any) -> bool:
        # Other tests make and drop tables in the same database meanwhile: theirs are not even looked at.
        return kind != "table" or str(name).startswith(prefix)

    options = {"include_object": ours, "include_name": named, "target_metadata": metadata}
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def catalogue(engine: Engine, prefix: str) -> Mapping[str, str]:
    """Return name → definition of every table and index as the database has it, without the prefix."""
    statements = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE name LIKE :like AND sql IS NOT NULL",
        "postgresql": (
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE :like UNION ALL "
            "SELECT table_name || '.' || column_name, concat_ws(' ', data_type, character_maximum_length, is_nullable, "
            "collation_name, column_default, ordinal_position) FROM information_schema.columns "
            "WHERE table_name LIKE :like"
        ),
    }
    with engine.connect() as connection:
        if engine.dialect.name in statements:
            rows = connection.execute(text(statements[engine.dialect.name]), {"like": f"{prefix}%"}).all()
        else:
            rows = [connection.execute(text(f"SHOW CREATE TABLE {name}")).one() for name in tables(engine, prefix)]
    # MariaDB lists indexes in the order in which they were made.
    # SQLite puts a column that is added on the line of the one before.
    split = re.compile(r"\n|, (?![^()\n]*\))")
    lines = {name: sorted(line.strip(" ,\t") for line in split.split(made.replace(prefix, ""))) for name, made in rows}
    found = {name: " ".join(filter(None, lines[name])) for name in lines}
    return {name.removeprefix(prefix): found[name] for name in found if "alembic_version" not in name}


def test_migrated_tables_are_those_that_are_made(engine: Engine, prefix: str) -> None:
    """Migrating an empty database gives what `make_tables` says, to the letter; going back leaves nothing."""
    migrations.upgrade(engine, prefix=prefix)
    assert differences(engine, prefix) == []
    migrated = catalogue(engine, prefix)
    migrations.downgrade(engine, "custinfo@base", prefix=prefix)
    assert tables(engine, prefix) == [f"{prefix}alembic_version"]
    SqlAlchemyUnits(engine, prefix=prefix).create_tables()
    assert catalogue(engine, prefix) == migrated
    assert len(migrated) >= 15


def test_the_comparison_notices(engine: Engine, prefix: str) -> None:
    """A column that is missing is a difference, for Alembic and in the catalogue."""
    migrations.upgrade(engine, prefix=prefix)
    before, known = catalogue(engine, prefix), len(differences(engine, prefix))
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {prefix}field_slot DROP COLUMN filled_to"))
    assert len(differences(engine, prefix)) == known + 1
    assert catalogue(engine, prefix) != before


_INDEX = "CREATE INDEX {p}record_t1 ON {p}record (tenant_id, module, t1, id, department_id, owner_id, archived_at)"
_PREFIXED = _INDEX.replace("department_id, owner_id", "department_id(2), owner_id(1)")
_OTHERWISE = {
    "sqlite": {"predicate": ("DROP INDEX {p}record_t1", _INDEX), "index": ("DROP INDEX {p}record_updated",)},
    "postgresql": {
        "predicate": ("DROP INDEX {p}record_t1", _INDEX),
        "index": ("DROP INDEX {p}record_updated",),
        "method": ("DROP INDEX {p}record_title_tokens", "CREATE INDEX {p}record_title_tokens ON {p}record_title (doc)"),
        "collation": ('ALTER TABLE {p}field_slot ALTER COLUMN state TYPE varchar(64) COLLATE "default"',),
        "default": ("ALTER TABLE {p}field_slot ALTER COLUMN state SET DEFAULT 'x'",),
        "length": ('ALTER TABLE {p}field_slot ALTER COLUMN state TYPE varchar(65) COLLATE "C"',),
        "blanks": ("ALTER TABLE {p}field_slot ALTER COLUMN state DROP NOT NULL",),
        "uniqueness": ("ALTER TABLE {p}field_slot DROP CONSTRAINT {p}field_slot_once",),
    },
    "mysql": {
        "index": ("DROP INDEX {p}record_updated ON {p}record",),
        "prefix": (
            "DROP INDEX {p}record_t1 ON {p}record",
            _PREFIXED,
        ),
        "collation": ("ALTER TABLE {p}field_slot MODIFY state VARCHAR(64) COLLATE utf8mb4_general_ci NOT NULL",),
        "default": ("ALTER TABLE {p}field_slot ALTER COLUMN state SET DEFAULT 'x'",),
        "uniqueness": ("ALTER TABLE {p}field_slot DROP INDEX {p}field_slot_once",),
    },
}
"""What a revision could get wrong, by database: that the comparison sees it is what the test above rests on."""


def test_the_comparison_notices_whatever_is_otherwise(engine: Engine, prefix: str) -> None:
    """Predicates of indexes, their methods and lengths, collations, defaults and constraints are compared, too."""
    migrations.upgrade(engine, prefix=prefix)
    seen = [catalogue(engine, prefix)]
    for what, statements in _OTHERWISE[engine.dialect.name].items():
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement.replace("{p}", prefix)))
        seen.append(catalogue(engine, prefix))
        assert seen[-1] != seen[-2], what


def test_opening_finds_nothing_to_do(engine: Engine, prefix: str) -> None:
    """`create_tables` changes nothing in a migrated database, and a workspace works on it."""
    migrations.upgrade(engine, prefix=prefix)
    before = catalogue(engine, prefix)
    units = SqlAlchemyUnits(engine, prefix=prefix)
    units.create_tables()
    assert catalogue(engine, prefix) == before
    values = {"客户名称": "杭州澜舟软件有限公司", "客户类型": "企业客户", "联系人": "陈思齐"}
    workspace = Workspace(standard_configuration(), units=units, organisation=sample_organisation())
    with workspace.acting_as("lisi") as session:
        session.customers.create(values | {"联系方式": "13900000002"})
        assert session.customers.count() == 1


def test_requests_that_are_there_are_found_afterwards(engine: Engine, prefix: str) -> None:
    """Who upgrades with requests in the store finds them by flow, decision and time limit as if they were new."""
    migrations.upgrade(engine, prefix=prefix)
    limit = TimeLimit(24, "remind")
    first = Step("first", (NamedMember("zhangsan"),))
    flow = Flow(
        "notes",
        Trigger("customer", fields=("special_notes",)),
        (first, Step("head", (NamedMember("zhaojl"),), limits=(limit,))),
    )
    units, now = SqlAlchemyUnits(engine, prefix=prefix), datetime(2024, 3, 15, tzinfo=UTC)
    configuration = standard_configuration().with_flows(flow)
    workspace = Workspace(configuration, units=units, organisation=sample_organisation(), clock=lambda: now)
    values = {"客户名称": "杭州澜舟软件有限公司", "客户类型": "企业客户", "联系人": "陈思齐", "联系方式": "13900000002"}
    with workspace.acting_as("lisi") as session:
        record = session.customers.create(values).record  # type: ignore[union-attr]
        outcome: Any = session.customers.update(record.id, {"special_notes": "新"}, version=ANY)
    with workspace.acting_as("zhangsan") as session:
        session.approvals.approve(outcome.request.id)
    with engine.begin() as connection:
        before = connection.execute(text(f"SELECT * FROM {prefix}approval_mark ORDER BY kind, value")).all()
    assert len(before) == 4
    migrations.downgrade(engine, f"custinfo@{approval_marks.down_revision}", prefix=prefix)
    migrations.upgrade(engine, prefix=prefix)
    with engine.begin() as connection:
        assert connection.execute(text(f"SELECT * FROM {prefix}approval_mark ORDER BY kind, value")).all() == before
    now += timedelta(days=2)
    assert workspace.run_due().reminded == 1
    with workspace.acting_as("zhangsan") as session:
        assert session.approvals.count("decided", flow="notes") == 1


def test_created_tables_can_be_stamped(engine: Engine, prefix: str) -> None:
    """Tables that were created are noted as up to date; then there is nothing to upgrade, but something to go back."""
    SqlAlchemyUnits(engine, prefix=prefix).create_tables()
    with pytest.raises(StorageError):
        migrations.upgrade(engine, prefix=prefix)
    migrations.stamp(engine, prefix=prefix)
    before = catalogue(engine, prefix)
    migrations.upgrade(engine, prefix=prefix)
    assert catalogue(engine, prefix) == before
    migrations.downgrade(engine, "custinfo@base", prefix=prefix)
    assert tables(engine, prefix) == [f"{prefix}alembic_version"]


def test_a_connection_stays_the_hosts(engine: Engine, prefix: str) -> None:
    """On a connection nothing is committed, where the database can take such a thing back."""
    if engine.dialect.name == "mysql":
        pytest.skip("MariaDB commits whenever a table is created")
    with engine.connect() as connection:
        migrations.upgrade(connection, prefix=prefix)
        connection.rollback()
    assert tables(engine, prefix) == []


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True, ids=["postgresql"])
def test_partitions_are_migrated(engine: Engine, prefix: str) -> None:
    """With partitions, PostgreSQL gets the tables that `create_tables` makes so."""

    def found() -> tuple[list[str], dict[str, str]]:
        parts = catalogue(engine, prefix)
        names = [name.removeprefix(prefix) for name in tables(engine, prefix)]
        return names, {name: parts[name] for name in parts if not re.search(r"_p\d", name)}

    migrations.upgrade(engine, prefix=prefix, partitions=3)
    assert differences(engine, prefix, partitions=3) == []
    migrated = found()
    assert {"record", "record_p0", "record_p1", "record_p2"} <= set(migrated[0])
    migrations.downgrade(engine, "custinfo@base", prefix=prefix)
    assert tables(engine, prefix) == [f"{prefix}alembic_version"]
    SqlAlchemyUnits(engine, prefix=prefix).create_tables(partitions=3)
    assert found() == migrated


# --- beside a host's own


ENVIRONMENT = """
from alembic import context
from sqlalchemy import Column, Integer, MetaData, Table, create_engine
from custinfo.adapters.sqlalchemy import migrations

metadata = MetaData()
Table("invoice", metadata, Column("id", Integer, primary_key=True))
migrations.configure(context.config, prefix="crm_")
engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=migrations.include_object(prefix="crm_"),
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""


def config_of(folder: Path, output: TextIO) -> Config:
    """Return settings that are in no file."""
    config = Config(str(folder / "alembic.ini"), stdout=output)
    config.set_main_option("script_location", str(folder / "alembic"))
    return config


@pytest.fixture
def host(tmp_path: Path) -> Config:
    """Set up a host's Alembic on SQLite, with our branch beside its own."""
    output = StringIO()
    command.init(config_of(tmp_path, output), str(tmp_path / "alembic"))
    (tmp_path / "alembic" / "env.py").write_text(ENVIRONMENT)
    config = config_of(tmp_path, output)
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{tmp_path / 'alembic' / 'versions'}\n{migrations.VERSIONS}")
    config.set_main_option("sqlalchemy.url", f"sqlite:///{tmp_path / 'host.db'}")
    return config


def test_a_host_migrates_both(host: Config, tmp_path: Path) -> None:
    """The host's autogenerate sees its own tables alone, and each branch goes its own way in one database."""
    command.upgrade(host, "custinfo@head")
    versions = str(tmp_path / "alembic" / "versions")
    command.revision(host, "first", autogenerate=True, head="base", version_path=versions, branch_label="shop")
    written = next((tmp_path / "alembic" / "versions").glob("*_first.py")).read_text()
    assert "create_table('invoice'" in written
    assert "crm_" not in written
    command.upgrade(host, "heads")
    engine = create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    assert {"invoice", "crm_record", "crm_change"} <= set(inspect(engine).get_table_names())
    command.downgrade(host, "shop@base")
    assert "invoice" not in inspect(engine).get_table_names()
    command.downgrade(host, "custinfo@base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def every_revision() -> list[Any]:
    """Return the modules of all revisions, from the first one on."""
    modules = [import_module(f"{versions.__name__}.{found.name}") for found in iter_modules(versions.__path__)]
    following = {module.down_revision: module for module in modules}
    ordered: list[Any] = []
    while (module := following.get(ordered[-1].revision if ordered else None)) is not None:
        ordered.append(module)
    assert len(ordered) == len(modules) >= 8
    return ordered


@pytest.mark.parametrize("name", ["postgresql", "mysql", "sqlite"])
def test_statements_can_be_written_down(name: str) -> None:
    """No revision asks the database anything, so that Alembic can write its statements for somebody else to run."""
    output = StringIO()
    settings = {"as_sql": True, "output_buffer": output}
    with Operations.context(MigrationContext.configure(dialect_name=name, opts=settings)):
        for each in every_revision():
            each.upgrade()
        made = output.getvalue()
        for each in reversed(every_revision()):
            each.downgrade()
    tables = {table.name for table in make_metadata().sorted_tables}
    created = set(re.findall(r"CREATE TABLE `?(custinfo_\w+)", made))
    assert created == tables
    assert set(re.findall(r"DROP TABLE `?(custinfo_\w+)", output.getvalue())) >= tables


def make_metadata() -> MetaData:
    """Return the tables as they are now."""
    metadata = MetaData()
    make_tables(metadata)
    return metadata


def test_other_tables_are_the_hosts() -> None:
    """The filter knows our tables by name, schema and all that belongs to them, and takes nobody else's."""
    included = migrations.include_object(prefix="crm_", schema="app")

    anything = (True, None)

    def seen(name: str, schema: str | None) -> bool:
        return included(Table(name, MetaData(), Column("id", Integer), schema=schema), name, "table", *anything)

    ours = ("crm_record", "crm_record_p12", "crm_alembic_version", "crm_record_title_fts_data", "crm_change")
    assert not any(seen(name, "app") for name in ours)
    assert all(seen(name, None) for name in ours)
    assert all(seen(name, "app") for name in ("record", "crm_", "crm_records", "xcrm_record", "crm_record_px"))


def test_a_missing_library_names_its_extra() -> None:
    """Without Alembic, importing the migrations says what to install; the adapter itself does without."""
    code = (
        "import sys; sys.modules['alembic'] = None\n"
        "import custinfo.adapters.sqlalchemy\n"
        "try: import custinfo.adapters.sqlalchemy.migrations\n"
        "except ImportError as error: print(error.code, dict(error.problems[0].params))"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown == "missing_extra {'extra': 'migrations', 'library': 'Alembic'}\n"
