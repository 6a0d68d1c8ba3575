"""Changes in one sequence, with evidence; anchors; a data key for each encrypted field of a record."""

from __future__ import annotations

import sqlalchemy as sa

from custinfo.adapters.sqlalchemy._types import CodePointText, JsonText
from custinfo.adapters.sqlalchemy.migrations._layout import layout_in_use

revision = "custinfo_history"
down_revision = "custinfo_outbox"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables; changes that are there get a position when somebody asks for it."""
    layout = layout_in_use()
    layout.add("record_document", sa.Column("data_keys", JsonText(), nullable=True))
    evidence: sa.Column[str] = sa.Column("evidence", CodePointText(500), nullable=True)
    layout.add("change", evidence, sa.Column("position", sa.BigInteger(), nullable=True))
    layout.index("change", "position", ("tenant_id", "position"))
    layout.create("change_feed", _key("tenant_id"), _number("position"))
    number = sa.Column("number", sa.BigInteger(), primary_key=True, autoincrement=False, nullable=False)
    digests = (_text("root"), _text("key_id"), _text("seal"))
    counts = (_number("position"), _number("unproven"))
    layout.create("history_anchor", _key("tenant_id"), number, _text("tenant", 128), _text("at", 32), *counts, *digests)


def downgrade() -> None:
    """Drop them; what was encrypted by data keys can't be read any more."""
    layout = layout_in_use()
    layout.drop("history_anchor", "change_feed")
    layout.drop_index("change", "position")
    layout.remove("change", "position", "evidence")
    layout.remove("record_document", "data_keys")


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, CodePointText(64), primary_key=True, nullable=False)


def _text(name: str, length: int = 64) -> sa.Column[str]:
    return sa.Column(name, CodePointText(length), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)
