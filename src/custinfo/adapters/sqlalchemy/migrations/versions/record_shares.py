"""Shares of records."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from custinfo.adapters.sqlalchemy._types import CodePointText
from custinfo.adapters.sqlalchemy.migrations._layout import layout_in_use

revision = "custinfo_shares"
down_revision = "custinfo_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of shares; no record has any yet."""
    layout = layout_in_use()
    keys = (_key("tenant_id"), _key("record_id"), _key("kind"), _key("key", 128))
    level: sa.Column[Any] = sa.Column("level", CodePointText(64), nullable=False)
    until: sa.Column[Any] = sa.Column("until", CodePointText(32), nullable=True)
    layout.create("record_share", *keys, level, until, rowid=False)
    layout.index("record_share", "key", ("tenant_id", "kind", "key", "record_id"))


def downgrade() -> None:
    """Drop the table."""
    layout_in_use().drop("record_share")


def _key(name: str, length: int = 64) -> sa.Column[Any]:
    return sa.Column(name, CodePointText(length), primary_key=True, nullable=False)
