"""Titles in their order within each department."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from custinfo.adapters.sqlalchemy._types import CodePointText
from custinfo.adapters.sqlalchemy.migrations._layout import Layout, dialect, layout_in_use

revision = "custinfo_title_order"
down_revision = "custinfo_title_departments"
branch_labels = None
depends_on = None

_LENGTH = 120
_COLUMNS = ("tenant_id", "module", "field", "department_id", "start", "record_id", "brief")


def upgrade() -> None:
    """Add the columns and their index; searches go on as before until `build_indexes` has filled them in."""
    layout = layout_in_use()
    layout.add("record_title", *(sa.Column(name, CodePointText(_LENGTH), nullable=True) for name in ("start", "brief")))
    if _has_index():
        layout.index("record_title", "order", _COLUMNS)
    _restate(layout, "ready", "unordered")


def downgrade() -> None:
    """Drop them; an index that was never filled in is complete without them."""
    layout = layout_in_use()
    _restate(layout, "unordered", "ready")
    if _has_index():
        layout.drop_index("record_title", "order")
    layout.remove("record_title", "start", "brief")


def _has_index() -> bool:
    """Tell whether searches read the index: those of MariaDB and MySQL gained nothing."""
    return dialect() not in ("mysql", "mariadb")


def _restate(layout: Layout, before: str, after: str) -> None:
    titled: Any = sa.table(
        f"{layout.prefix}title_index", sa.column("state"), sa.column("filled_to"), schema=layout.schema
    )
    values = {"state": op.inline_literal(after), "filled_to": sa.null()}
    op.execute(titled.update().where(titled.c.state == op.inline_literal(before)).values(**values))
