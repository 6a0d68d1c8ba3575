"""The table by which approval requests are found: who decided, which flows they take, and when they are due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from custinfo.adapters.sqlalchemy._types import CodePointText, JsonText
from custinfo.adapters.sqlalchemy.migrations._layout import Layout, layout_in_use

revision = "custinfo_approvals"
down_revision = "custinfo_history"
branch_labels = None
depends_on = None

_PAGE: Final = 500
_OPEN: Final = ("approved", "needs_rebase", "pending", "returned")
_DECIDING: Final = ("approve", "reject", "return")
_ACTOR, _COMMAND, _HOLDER = 1, 2, 9
"""Where an entry of a trail has these."""


def upgrade() -> None:
    """Create the table, and fill it from the requests that there are; a script can't, and leaves that to a repair."""
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
    if not op.get_context().as_sql:
        _fill(layout)


def downgrade() -> None:
    """Drop the table; nothing in it is not in the requests too."""
    layout_in_use().drop("approval_mark")


def _fill(layout: Layout) -> None:
    connection = op.get_bind()
    marks = _table(layout, "approval_mark", "tenant_id", "kind", "value", "request_id")
    for page in _requests(connection, layout):
        rows = [
            {"tenant_id": row.tenant_id, "request_id": row.id, "kind": kind, "value": value}
            for row in page
            for kind, value in _marks(row.state, row.submitted_at, row.data)
        ]
        if rows:
            connection.execute(marks.insert(), rows)


def _requests(connection: sa.Connection, layout: Layout) -> Iterator[Sequence[Any]]:
    """Yield the requests a page at a time."""
    table = _table(layout, "approval_request", "tenant_id", "id", "state", "submitted_at")
    columns, data = table.c, sa.column("data", JsonText())
    key = sa.tuple_(columns.tenant_id, columns.id)
    query = sa.select(*columns, data).order_by(columns.tenant_id, columns.id).limit(_PAGE)
    page = connection.execute(query).all()
    while page:
        yield page
        after = sa.tuple_(sa.literal(page[-1].tenant_id), sa.literal(page[-1].id))
        page = connection.execute(query.where(key > after)).all()


def _marks(state: str, submitted_at: str, data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield kind and value of what a request is found by."""
    deciding = [entry for entry in data.get("trail", ()) if entry[_COMMAND] in _DECIDING]
    for member in {_decider(entry) for entry in deciding}:
        yield "decided", member
    for flow in {key for key, _ in data.get("flows", ())}:
        yield "flow", flow
    if data.get("due_at") is not None:
        yield "due", data["due_at"]
    if state in _OPEN:
        yield "open", submitted_at


def _table(layout: Layout, name: str, *columns: str) -> sa.TableClause:
    typed = [sa.column(column, CodePointText(128)) for column in columns]
    return sa.table(f"{layout.prefix}{name}", *typed, schema=layout.schema)


def _decider(entry: list[Any]) -> str:
    """Return for whom somebody decided; the oldest entries say nothing of a holder."""
    holder = entry[_HOLDER] if len(entry) > _HOLDER else None
    return str(holder or entry[_ACTOR])
