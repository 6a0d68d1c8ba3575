"""What hosts call: settings for their own Alembic, and commands for those that have none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, Literal

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.schema import SchemaItem

from custinfo.adapters.sqlalchemy._hosts import translated
from custinfo.adapters.sqlalchemy.migrations._layout import LAYOUT, Layout
from custinfo.adapters.sqlalchemy.tables import full_text_of, make_tables

__all__ = ["BRANCH", "VERSIONS", "configure", "downgrade", "include_object", "run_environment", "stamp", "upgrade"]

BRANCH: Final = "custinfo"
"""Label of the branch: `alembic upgrade custinfo@head`."""

VERSIONS: Final = "custinfo.adapters.sqlalchemy:migrations/versions"
"""Where the revisions are, as `version_locations` takes it."""

Kind = Literal["schema", "table", "column", "index", "unique_constraint", "foreign_key_constraint"]
Included = Callable[[SchemaItem, str | None, Kind, bool, SchemaItem | None], bool]
"""What Alembic takes as `include_object`."""

_CONNECTION: Final = "connection"


def configure(
    config: Config, *, prefix: str = "custinfo_", schema: str | None = None, partitions: int | None = None
) -> None:
    """Tell the revisions what the tables are called; call it in `env.py`, before the migrations run.

    Args:
        config: `alembic.context.config`.
        prefix: What the names of the tables start with.
        schema: The database schema of the tables; the connection's own if `None`.
        partitions: Into how many partitions PostgreSQL spreads each new table by a hash of the tenant; `None` for
            tables that are whole. Stay with the first answer.
    """
    config.attributes[LAYOUT] = Layout(prefix, schema, partitions)


def include_object(*, prefix: str = "custinfo_", schema: str | None = None) -> Included:
    """Return what keeps the host's autogenerate away from custinfo's tables, for `context.configure`.

    A host's own filter is combined with it by `and`. Without one of the two, autogenerate would drop the tables, which
    are in the database and not in the host's metadata.

    >>> from sqlalchemy import Column, Integer, MetaData, Table
    >>> included = include_object(prefix="crm_")
    >>> table = Table("crm_record", MetaData(), Column("id", Integer))
    >>> included(table, "crm_record", "table", True, None)
    False
    >>> included(table, "crm_recording", "table", True, None)
    True
    """
    ours = _names(prefix, schema)

    def included(item: SchemaItem, name: str | None, kind: Kind, *_: object) -> bool:
        return not (kind == "table" and getattr(item, "schema", None) == schema and ours.fullmatch(name or ""))

    return included


def upgrade(
    target: Engine | Connection,
    revision: str = "custinfo@head",
    *,
    prefix: str = "custinfo_",
    schema: str | None = None,
    partitions: int | None = None,
) -> None:
    """Create the tables, or bring them up to date, for a host without Alembic of its own.

    How far they are stands in the table `{prefix}alembic_version`.

    Args:
        target: An engine, of which a transaction is committed; or a connection, whose transaction is the host's.
        revision: How far to go.
        prefix: What the names of the tables start with.
        schema: The database schema of the tables; the connection's own if `None`.
        partitions: As for `configure`.

    Raises: StorageError. MariaDB and MySQL then keep what was done so far; the others nothing.
    """
    with _prepared(target, Layout(prefix, schema, partitions)) as config:
        command.upgrade(config, revision)


def downgrade(
    target: Engine | Connection, revision: str, *, prefix: str = "custinfo_", schema: str | None = None
) -> None:
    """Go back to a revision, as `upgrade` goes forward; `custinfo@base` drops everything.

    `target`, `prefix` and `schema` are as there. What a revision added is lost, with all that is in it.
    Raises: StorageError; what is kept then is as for `upgrade`.
    """
    with _prepared(target, Layout(prefix, schema)) as config:
        command.downgrade(config, revision)


def stamp(
    target: Engine | Connection,
    revision: str = "custinfo@head",
    *,
    prefix: str = "custinfo_",
    schema: str | None = None,
) -> None:
    """Note that the tables are as of a revision, so that `upgrade` goes on from there.

    For tables that `create_tables` or `Workspace.open` made: run it with the same release of custinfo that made them. A
    host with Alembic of its own runs `alembic stamp custinfo@head` instead. `target`, `prefix` and `schema` are as for
    `upgrade`. Raises: StorageError.
    """
    with _prepared(target, Layout(prefix, schema)) as config:
        command.stamp(config, revision)


def run_environment(context: Any) -> None:
    """Run what a command asks for on the connection that came with it; `env.py` calls this."""
    layout: Layout = context.config.attributes[LAYOUT]
    metadata = MetaData()
    make_tables(metadata, prefix=layout.prefix, schema=layout.schema, partitions=layout.partitions)
    others = include_object(prefix=layout.prefix, schema=layout.schema)
    context.configure(
        connection=context.config.attributes[_CONNECTION],
        target_metadata=metadata,
        include_object=lambda item, name, kind, *rest: kind != "table" or not others(item, name, kind, *rest),
        include_schemas=layout.schema is not None,
        version_table=f"{layout.prefix}alembic_version",
        version_table_schema=layout.schema,
    )
    with context.begin_transaction():
        context.run_migrations()


@contextmanager
def _prepared(target: Engine | Connection, layout: Layout) -> Iterator[Config]:
    """Give settings for commands that work in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes[LAYOUT] = layout
    with translated(), target.begin() if isinstance(target, Engine) else nullcontext(target) as connection:
        if not connection.in_transaction():
            connection.begin()  # Alembic would commit one of its own
        config.attributes[_CONNECTION] = connection
        yield config


def _names(prefix: str, schema: str | None) -> re.Pattern[str]:
    """Return the pattern of the names of our tables, their partitions, and what SQLite keeps beside them."""
    tables = make_tables(MetaData(), prefix=prefix, schema=schema)
    names = "|".join(re.escape(table.name) for table in tables.record.metadata.tables.values())
    versions = re.escape(f"{prefix}alembic_version")
    return re.compile(rf"({names})(_p\d+)?|{re.escape(full_text_of(tables).name)}(_[a-z]+)?|{versions}")
