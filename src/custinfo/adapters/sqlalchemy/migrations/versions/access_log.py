"""The access log."""

from __future__ import annotations

import sqlalchemy as sa

from custinfo.adapters.sqlalchemy._types import CodePointText, JsonText
from custinfo.adapters.sqlalchemy.migrations._layout import layout_in_use

revision = "custinfo_access_log"
down_revision = "custinfo_approvals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the log; nothing was logged yet."""
    layout = layout_in_use()
    layout.create(
        "access_log",
        _key("tenant_id"),
        _key("id"),
        sa.Column("module", CodePointText(64), nullable=False),
        sa.Column("actor", CodePointText(128), nullable=False),
        sa.Column("at", CodePointText(32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("data", JsonText, nullable=False),
    )
    layout.index("access_log", "module", ("tenant_id", "module", "id"))
    layout.index("access_log", "actor", ("tenant_id", "actor", "id"))
    layout.create("access_record", _key("tenant_id"), _key("record_id"), _key("access_id"), rowid=False)


def downgrade() -> None:
    """Drop the tables."""
    layout_in_use().drop("access_record", "access_log")


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, CodePointText(64), primary_key=True, nullable=False)
