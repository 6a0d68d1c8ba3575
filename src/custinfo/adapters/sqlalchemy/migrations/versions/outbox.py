"""The table of events that are not delivered yet."""

from __future__ import annotations

import sqlalchemy as sa

from custinfo.adapters.sqlalchemy._types import CodePointText, JsonText
from custinfo.adapters.sqlalchemy.migrations._layout import layout_in_use

revision = "custinfo_outbox"
down_revision = "custinfo_shares"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    layout_in_use().create(
        "outbox",
        sa.Column("tenant_id", CodePointText(64), primary_key=True, nullable=False),
        sa.Column("id", CodePointText(64), primary_key=True, nullable=False),
        sa.Column("key", CodePointText(255), nullable=False),
        sa.Column("at", CodePointText(32), nullable=False),
        sa.Column("type", CodePointText(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("held_until", CodePointText(32), nullable=True),
        sa.Column("payload", JsonText(), nullable=False),
    )


def downgrade() -> None:
    """Drop the table, with the events in it."""
    layout_in_use().drop("outbox")
