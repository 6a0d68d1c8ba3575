"""Who saw sensitive values: entries of the access log, and what may be asked of it (HIS-4)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal

import attrs

from custinfo.core.records import FieldKey, MemberKey, ModuleKey, RecordId

__all__ = ["MOST_NAMED", "AccessEntry", "AccessQuery", "is_meant"]

MOST_NAMED: Final = 1000
"""An entry about more records than this has their number only."""


@attrs.frozen
class AccessEntry:
    """Say who saw which fields of which records, when, and why; never a value.

    Args:
        id: Of the entry; ids ascend with time.
        at: When.
        actor: Who.
        action: `read`, or `export`.
        verb: What they asked, such as `get`, `find`, `history` or `export`.
        module: Of the records.
        fields: The logged fields that were shown or asked about.
        record_ids: The records; none where there are more than `MOST_NAMED`, or where only a number was told.
        count: How many records.
        asked: The fields and operators of the question, such as `bank_account eq`; empty for all records.
        on_behalf_of: For whom.
        purpose: Why, as the host said when the session began.
        approval: The request under which it was approved.
    """

    id: str
    at: datetime
    actor: MemberKey
    action: Literal["read", "export"]
    verb: str
    module: ModuleKey
    fields: tuple[FieldKey, ...]
    record_ids: tuple[RecordId, ...] = ()
    count: int = 0
    asked: tuple[str, ...] = ()
    on_behalf_of: MemberKey | None = None
    purpose: str | None = attrs.field(default=None, repr=False)
    approval: str | None = None


@attrs.frozen
class AccessQuery:
    """Ask for entries of some modules, the newest first.

    Args:
        modules: Keys of the modules.
        actor: Of this member only.
        record_id: That name this record, or are about too many records to name them.
        field: That show this field.
        since: From this instant on.
        until: Before this instant.
        limit: At most so many.
        after: Older than the entry of this id.
    """

    modules: Collection[ModuleKey]
    actor: MemberKey | None = None
    record_id: RecordId | None = None
    field: FieldKey | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100
    after: str | None = None


def is_meant(entry: AccessEntry, query: AccessQuery) -> bool:
    """Tell whether a query asks for an entry; limit and position play no part."""
    named = query.record_id is None or query.record_id in entry.record_ids or entry.count > MOST_NAMED
    return (
        entry.module in query.modules
        and named
        and query.actor in (None, entry.actor)
        and (query.field is None or query.field in entry.fields)
        and (query.since is None or entry.at >= query.since)
        and (query.until is None or entry.at < query.until)
    )
