"""Events: what a host or an integration wants to hear of, once it is certain (AUT-3).

They are written in the transaction of what they tell of, and delivered after it: `Workspace.deliver`. A payload says
where to look, by ids, keys, and names of fields. It never holds a value of a record: who reacts reads the record, as
somebody who may.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NewType

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, ChangeAction

__all__ = ["RECORD_EVENTS", "Event", "EventId", "record_event"]

EventId = NewType("EventId", str)
"""UUIDv7 in text form: later ones sort after earlier ones."""

RECORD_EVENTS: Final[Mapping[ChangeAction, str]] = FrozenDict(
    {
        "create": "record.created",
        "update": "record.updated",
        "archive": "record.archived",
        "restore": "record.restored",
        "transfer": "record.transferred",
        "tag": "record.tagged",
        "revert": "record.reverted",
        "delete": "record.deleted",
        "share": "record.shared",
        "claim": "record.claimed",
        "release": "record.released",
        "merge": "record.merged",
        "erase": "record.erased",
    }
)
"""What happened to a record → the type of the event."""

_LONGEST_KEY: Final = 255
_PLAIN: Final = (str, int, float, bool, type(None))


def _freeze(value: Any) -> Any:
    """Return JSON data that cannot change. Raises: TypeError for anything else, whose value is not told."""
    if isinstance(value, Mapping):
        if not all(type(key) is str for key in value):
            raise TypeError("the names in the payload of an event are texts")
        return FrozenDict({key: _freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(map(_freeze, value))
    if type(value) not in _PLAIN:
        raise TypeError(f"the payload of an event is JSON data, not {type(value).__name__}")
    return value


@attrs.frozen
class Event:
    """Say that something happened.

    >>> from custinfo.testing import NOW
    >>> event = Event("018f0000-0000-7000-8000-000000000001", "order/17", NOW, "shop.ordered", {"order": 17})
    >>> event.payload["order"], event.attempts
    (17, 0)

    Args:
        id: Its own; events of one process sort by it in the order in which they happened.
        key: The same for the same fact, however often it is told: who has acted on the key need not act again.
        at: When it happened.
        type: What happened, in words joined by dots: `record.updated`, `approval.decided`.
        payload: JSON data; lists become tuples.
        attempts: How often it was handed to a handler, the present time included.

    Raises: ValueError for a type or key that no store could keep; TypeError for a payload that is not JSON data.
    """

    id: EventId
    key: str = attrs.field(validator=attrs.validators.max_len(_LONGEST_KEY))
    at: datetime
    type: str = attrs.field(validator=attrs.validators.matches_re(r"[a-z][a-z_]{0,30}(\.[a-z_]{1,31}){1,2}"))
    payload: FrozenDict[str, Any] = attrs.field(factory=FrozenDict, converter=_freeze)
    attempts: int = 0


def record_event(change: Change, event_id: EventId) -> Event:
    """Return the event that tells of a change: which fields changed, and none of their values.

    >>> from custinfo.testing import make_change, make_record
    >>> record_event(make_change(None, make_record(1, {"title": "x"})), EventId("1")).payload["fields"]
    ('title', 'owner', 'department', 'created_by')
    """
    payload = {
        "module": change.module,
        "record_id": change.record_id,
        "version": change.version,
        "fields": [item.field for item in change.fields],
        "actor": change.actor,
        "channel": change.channel,
        "on_behalf_of": change.on_behalf_of,
        "approval": change.approval,
        "batch": change.batch,
    }
    key = f"record/{change.record_id}/{change.version}"
    return Event(event_id, key, change.at, RECORD_EVENTS[change.action], payload)
