"""The tables as custinfo 0.1 has them.

What a revision does stays as it is for ever: it takes nothing from `tables.py`, which goes on. Only the types are
shared, as they say how a database keeps a text or a document.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from custinfo.adapters.sqlalchemy._types import CodePointText, Document, JsonText, LongText, Tokens
from custinfo.adapters.sqlalchemy.migrations._layout import Layout, dialect, layout_in_use

revision = "custinfo_0001"
down_revision = None
branch_labels: tuple[str, ...] = ("custinfo",)
depends_on = None

_SCOPE: Final = ("owner_id", "department_id", "archived_at")
_LEAD: Final = ("tenant_id", "module")


def upgrade() -> None:
    """Create the tables."""
    layout = layout_in_use()
    _create_records(layout)
    _create_parts(layout)
    _create_titles(layout)
    _create_slots(layout)
    _create_changes(layout)
    _create_approvals(layout)
    _create_imports(layout)
    _create_configurations(layout)


def downgrade() -> None:
    """Drop the tables, with everything in them."""
    layout = layout_in_use()
    if dialect() == "sqlite":
        op.execute(f"DROP TABLE {_full_text(layout)}")
    layout.drop("configuration_revision", "configuration", "import_batch")
    layout.drop("approval_reservation", "approval_task", "approval_request", "change", "field_slot")
    layout.drop("title_index", "record_gram", "record_title")
    layout.drop("record_unique", "record_tag", "record_document", "record")


def _key(name: str, length: int = 64) -> sa.Column[Any]:
    return sa.Column(name, CodePointText(length), primary_key=True, nullable=False)


def _text(name: str, length: int = 64, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, CodePointText(length), nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _create_records(layout: Layout) -> None:
    texts, numbers = [f"t{number}" for number in range(1, 13)], [f"n{number}" for number in range(1, 9)]
    layout.create(
        "record",
        _key("tenant_id"),
        _key("id"),
        _text("module"),
        _text("owner_id", 128, null=True),
        _text("department_id", 128, null=True),
        _text("created_by", 128, null=True),
        _number("version"),
        _text("created_at", 32),
        _text("updated_at", 32),
        _text("archived_at", 32, null=True),
        *(_text(slot, 500, null=True) for slot in texts),
        *(_number(slot, null=True) for slot in numbers),
    )
    layout.index("record", "list", (*_LEAD, "id", *_SCOPE))
    layout.index("record", "updated", (*_LEAD, "updated_at", "id", *_SCOPE))
    layout.index("record", "owner", (*_LEAD, "owner_id", "id", "department_id", "archived_at"))
    layout.index("record", "department", (*_LEAD, "department_id", "id", "owner_id", "archived_at"))
    for slot in (*texts, *numbers):
        columns = (*_LEAD, slot, "id", "department_id", "owner_id", "archived_at")
        short = {"mysql_length": {"department_id": 1, "owner_id": 1}} if slot in texts else {}
        layout.index("record", slot, columns, where=f"{slot} IS NOT NULL", **short)


def _create_parts(layout: Layout) -> None:
    data: sa.Column[Any] = sa.Column("data", Document(), nullable=False)
    tags: sa.Column[Any] = sa.Column("tags", JsonText(), nullable=True)
    layout.create("record_document", _key("tenant_id"), _key("record_id"), data, tags)
    keys = _key("tenant_id"), _key("record_id"), _key("dimension"), _key("value", 255)
    layout.create("record_tag", *keys, rowid=False)
    layout.index("record_tag", "value", ("tenant_id", "dimension", "value", "record_id"))
    keys = _key("tenant_id"), _key("module"), _key("field"), _key("value", 500)
    layout.create("record_unique", *keys, _text("record_id"), rowid=False)
    layout.index("record_unique", "record", ("tenant_id", "record_id"))


def _create_titles(layout: Layout) -> None:
    layout.create(
        "record_title",
        _key("tenant_id"),
        _key("record_id"),
        _key("field"),
        _text("module"),
        sa.Column("form", LongText(), nullable=False),
        _number("doc", null=True),
        sa.Column("tokens", Tokens(), nullable=True),
        rowid=False,
    )
    if dialect() == "sqlite":
        layout.index("record_title", "doc", ("doc",), unique=True)
        options = "content='', columnsize=0, detail=none, tokenize='ascii'"
        op.execute(f"CREATE VIRTUAL TABLE {_full_text(layout)} USING fts5(grams, {options})")
    elif dialect() == "postgresql":
        layout.index("record_title", "tokens", ("tokens",), postgresql_using="gin")
    token = sa.Column("token", sa.BigInteger(), primary_key=True, autoincrement=False, nullable=False)
    layout.create("record_gram", _key("tenant_id"), token, _key("record_id"), rowid=False)
    state = _text("state"), _text("filled_to", null=True)
    layout.create("title_index", _key("tenant_id"), _key("module"), _key("field"), *state, rowid=False)


def _full_text(layout: Layout) -> str:
    """Return the name of SQLite's full-text index, ready for a statement."""
    quote = op.get_context().dialect.identifier_preparer.quote
    where = f"{quote(layout.schema)}." if layout.schema else ""
    return f"{where}{quote(f'{layout.prefix}record_title_fts')}"


def _create_slots(layout: Layout) -> None:
    once = sa.UniqueConstraint("tenant_id", "module", "slot", name=f"{layout.prefix}field_slot_once")
    state = _text("slot"), _text("state"), _text("filled_to", null=True)
    layout.create("field_slot", _key("tenant_id"), _key("module"), _key("field"), *state, once, rowid=False)


def _create_changes(layout: Layout) -> None:
    layout.create(
        "change",
        _key("tenant_id"),
        _key("record_id"),
        sa.Column("version", sa.BigInteger(), primary_key=True, autoincrement=False, nullable=False),
        _text("module"),
        _text("at", 32),
        _text("actor", 128),
        _text("action"),
        _text("channel"),
        _text("on_behalf_of", 128, null=True),
        _text("approval", null=True),
        _text("batch", null=True),
        sa.Column("configuration_version", sa.Integer(), nullable=False),
        sa.Column("reason", JsonText(), nullable=True),
        sa.Column("fields", JsonText(), nullable=False),
    )
    layout.index("change", "batch", ("tenant_id", "batch", "record_id", "version"), where="batch IS NOT NULL")


def _create_approvals(layout: Layout) -> None:
    layout.create(
        "approval_request",
        _key("tenant_id"),
        _key("id"),
        _text("module"),
        _text("record_id"),
        _text("state"),
        _text("submitted_by", 128),
        _text("submitted_at", 32),
        _number("version"),
        sa.Column("data", JsonText(), nullable=False),
    )
    layout.index("approval_request", "record", ("tenant_id", "record_id", "submitted_at"))
    layout.index("approval_request", "submitter", ("tenant_id", "submitted_by", "submitted_at"))
    layout.create("approval_task", _key("tenant_id"), _key("approver", 128), _key("request_id"), rowid=False)
    layout.index("approval_task", "request", ("tenant_id", "request_id"))
    reserved = _key("tenant_id"), _key("record_id"), _key("field")
    layout.create("approval_reservation", *reserved, _text("request_id"), rowid=False)
    layout.index("approval_reservation", "request", ("tenant_id", "request_id"))


def _create_imports(layout: Layout) -> None:
    layout.create(
        "import_batch",
        _key("tenant_id"),
        _key("id"),
        _text("module"),
        _text("digest", 128),
        _text("actor", 128),
        _text("started_at", 32),
        _text("state"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("counts", JsonText(), nullable=False),
        sa.Column("requests", JsonText(), nullable=False),
    )
    layout.index("import_batch", "digest", ("tenant_id", "module", "digest"))


def _create_configurations(layout: Layout) -> None:
    layout.create("configuration", _key("tenant_id"), sa.Column("version", sa.Integer(), nullable=False))
    layout.create(
        "configuration_revision",
        _key("tenant_id"),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False, nullable=False),
        _text("at", 32),
        _text("actor", 128, null=True),
        sa.Column("undone", sa.Integer(), nullable=True),
        sa.Column("reason", LongText(), nullable=True),
        sa.Column("data", LongText(), nullable=False),
    )
