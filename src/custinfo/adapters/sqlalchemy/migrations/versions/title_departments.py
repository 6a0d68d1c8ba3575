"""The department of a record beside its title, and in the index of pairs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from custinfo.adapters.sqlalchemy._types import CodePointText
from custinfo.adapters.sqlalchemy.migrations._layout import Layout, dialect, layout_in_use

revision = "custinfo_title_departments"
down_revision = "custinfo_access_log"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; indexes answer as before until `build_indexes` has filled these in."""
    layout = layout_in_use()
    layout.add("record_title", sa.Column("department_id", CodePointText(128), nullable=True))
    if _keeps_rows():
        home: sa.Column[str] = sa.Column("department_id", CodePointText(128), nullable=False, server_default="")
        layout.add("record_gram", home)
        key = "(tenant_id, token, department_id, record_id)"
        _alter_grams(layout, f"DROP PRIMARY KEY, ADD PRIMARY KEY {key}, ALTER department_id DROP DEFAULT")
    else:
        _create_grams(layout, _key("department_id", 128))
    titled = _table(layout, "title_index", "state", "filled_to")
    op.execute(titled.update().where(titled.c.state == _given("ready")).values(state=_given("unscoped")))


def downgrade() -> None:
    """Drop them; SQLite's index, from which departments can't be taken, is built anew when somebody asks for it."""
    layout = layout_in_use()
    titled = _table(layout, "title_index", "state", "filled_to")
    if dialect() == "sqlite":
        index = f"{layout.prefix}record_title_fts"
        op.execute(_table(layout, "record_title_fts", index).insert().values({index: _given("delete-all")}))
        op.execute(_table(layout, "record_title").delete())
        op.execute(titled.update().values(state=_given("building"), filled_to=sa.null()))
    else:
        changed = titled.update().where(titled.c.state == _given("unscoped"))
        op.execute(changed.values(state=_given("ready"), filled_to=sa.null()))
    if _keeps_rows():
        _alter_grams(layout, "DROP PRIMARY KEY, ADD PRIMARY KEY (tenant_id, token, record_id), DROP department_id")
    else:
        _create_grams(layout)
    layout.remove("record_title", "department_id")


def _keeps_rows() -> bool:
    """Tell whether the index of pairs is a table of rows; elsewhere that table is empty."""
    return dialect() in ("mysql", "mariadb")


def _create_grams(layout: Layout, *home: sa.Column[Any]) -> None:
    token = sa.Column("token", sa.BigInteger(), primary_key=True, autoincrement=False, nullable=False)
    layout.drop("record_gram")
    layout.create("record_gram", _key("tenant_id"), token, *home, _key("record_id"), rowid=False)


def _alter_grams(layout: Layout, changes: str) -> None:
    quote = op.get_context().dialect.identifier_preparer.format_table
    op.execute(f"ALTER TABLE {quote(_table(layout, 'record_gram'))} {changes}")


def _table(layout: Layout, name: str, *columns: str) -> Any:
    return sa.table(f"{layout.prefix}{name}", *map(sa.column, columns), schema=layout.schema)


def _given(value: str) -> Any:
    """Return a value for a statement that somebody else may run."""
    return op.inline_literal(value)


def _key(name: str, length: int = 64) -> sa.Column[Any]:
    return sa.Column(name, CodePointText(length), primary_key=True, nullable=False)
