"""The table by which approval requests are found: who decided, which flows they take, and when they are due."""

from __future__ import annotations

import sqlalchemy as sa

from custinfo.adapters.sqlalchemy._types import CodePointText
from custinfo.adapters.sqlalchemy.migrations._layout import layout_in_use

revision = "custinfo_approvals"
down_revision = "custinfo_history"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. Requests that are there already are found by it once they are saved again, or repaired."""
    layout = layout_in_use()
    layout.create(
        "approval_mark",
        sa.Column("tenant_id", CodePointText(64), primary_key=True, nullable=False),
        sa.Column("kind", CodePointText(64), primary_key=True, nullable=False),
        sa.Column("value", CodePointText(128), primary_key=True, nullable=False),
        sa.Column("request_id", CodePointText(64), primary_key=True, nullable=False),
        rowid=False,
    )
    layout.index("approval_mark", "request", ("tenant_id", "request_id"))


def downgrade() -> None:
    """Drop the table; nothing in it is not in the requests too."""
    layout_in_use().drop("approval_mark")
