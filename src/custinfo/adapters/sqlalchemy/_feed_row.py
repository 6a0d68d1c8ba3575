"""The one row of a tenant that those wait for who do something that only one may do at a time."""

from __future__ import annotations

from sqlalchemy import func, insert, select, update

from custinfo.adapters.sqlalchemy._context import ClashError, Context
from custinfo.core.store_errors import overtaken

__all__ = ["hold_feed"]


def hold_feed(context: Context) -> int:
    """Lock the tenant's row of `feed`, made where it is missing, to the end of the transaction.

    Return the last position, as it is by now. Raises: StorageError (`storage_retryable`) where it can't be made.
    """
    feed, tenant = context.tables.feed, context.tenant
    mine = feed.c.tenant_id == tenant
    for _ in range(2):
        context.execute(update(feed).where(mine).values(position=feed.c.position))
        found = context.execute(select(feed.c.position).where(mine).with_for_update()).scalar()
        if found is not None:
            return int(found)
        change = context.tables.change
        numbered = select(func.max(change.c.position)).where(change.c.tenant_id == tenant)
        last = context.execute(numbered).scalar() or 0
        try:
            with context.savepoint():
                context.attempt(insert(feed), {"tenant_id": tenant, "position": last})
        except ClashError:
            continue  # another unit was faster
    raise overtaken()
