"""${message}."""

from __future__ import annotations

from custinfo.adapters.sqlalchemy.migrations._layout import layout_in_use

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Apply it."""
    layout = layout_in_use()


def downgrade() -> None:
    """Take it back."""
    layout = layout_in_use()
