"""What happened to a record, as typed events, and the states that follow from them (HIS-1, HIS-2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import repeat
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.records import ERASED, FieldKey, MemberKey, ModuleKey, Record, RecordId

__all__ = [
    "Change",
    "ChangeAction",
    "Channel",
    "FieldChange",
    "changes_between",
    "changes_written",
    "difference",
    "fold",
    "held",
    "is_deleted",
    "replay",
]

ChangeAction = Literal[
    "create",
    "update",
    "archive",
    "restore",
    "transfer",
    "tag",
    "revert",
    "delete",
    "share",
    "claim",
    "release",
    "merge",
    "erase",
]
Channel = Literal["edit", "approval", "import", "undo", "rule", "merge", "configuration", "hand_over", "retention"]

_TRACKED = ("owner", "department", "archived_at", "created_by")
_SETS = ("tags", "shares")
_BESIDE = (*_TRACKED, *_SETS)
_BLANK: tuple[Any, ...] = (None,) * len(_TRACKED) + (frozenset(),) * len(_SETS)
_beside = attrgetter(*_BESIDE)
_BY_THE_WAY = frozenset({"department", "archived_at", "created_by"})
"""What nobody writes by itself."""


class FieldChange(NamedTuple):
    """The old and the new typed value of one field; `None` for no value. The representation shows neither.

    Beside the module's fields there are `owner`, `department`, `archived_at`, `created_by`, `tags` and `shares`.
    """

    field: FieldKey
    old: Any
    new: Any

    def __repr__(self) -> str:
        return f"FieldChange({self.field!r}, …)"


@attrs.frozen
class Change:
    """One step from a version of a record to the next: what, who, when, through which channel, why.

    `evidence` proves that nobody altered it since (`custinfo.core.evidence`), and `position` is its place among
    all changes of the tenant, once `ChangeLog.number` gave it one. Neither is part of what happened: changes that
    differ in them are equal.
    """

    module: ModuleKey
    record_id: RecordId
    version: int
    at: datetime
    actor: MemberKey
    action: ChangeAction
    fields: tuple[FieldChange, ...]
    channel: Channel = "edit"
    reason: str | None = attrs.field(default=None, repr=False)
    on_behalf_of: MemberKey | None = None
    approval: str | None = None
    batch: str | None = None
    configuration_version: int = 1
    evidence: str | None = attrs.field(default=None, eq=False, repr=False)
    position: int | None = attrs.field(default=None, eq=False, repr=False)

    def proven(self, evidence: str) -> Change:
        """Return the change with evidence; like `attrs.evolve`, at a fraction of its price."""
        return Change(
            self.module,
            self.record_id,
            self.version,
            self.at,
            self.actor,
            self.action,
            self.fields,
            self.channel,
            self.reason,
            self.on_behalf_of,
            self.approval,
            self.batch,
            self.configuration_version,
            evidence,
            self.position,
        )

    def erased(self, fields: frozenset[FieldKey], reason: str | None) -> Change:
        """Return the change without the values of some fields, and with another reason; that there were some stays."""
        kept = tuple(
            FieldChange(key, _gone(old), _gone(new)) if key in fields else FieldChange(key, old, new)
            for key, old, new in self.fields
        )
        return attrs.evolve(self, fields=kept, reason=reason)


def _listed(value: Any) -> Any:
    return tuple(sorted(value)) if isinstance(value, frozenset) else value


def _gone(value: Any) -> Any:
    return None if value is None else ERASED


def changes_between(before: Record | None, after: Record) -> tuple[FieldChange, ...]:
    """Return what differs between two versions of a record, in the order of the fields; all of it for a new one."""
    new, make = after.values, tuple.__new__  # twice as fast as calling the class, for as many as cells in an import
    if before is None:
        found = [make(FieldChange, item) for item in zip(new, repeat(None), new.values())]
    else:
        old = before.values
        found = [make(FieldChange, (key, was, new.get(key))) for key, was in old.items() if was != new.get(key)]
        if not new.keys() <= old.keys():
            found += [make(FieldChange, (key, None, value)) for key, value in new.items() if key not in old]
    held, now = _BLANK if before is None else _beside(before), _beside(after)
    if held != now:
        pairs = zip(_BESIDE, held, now, strict=True)
        found += [FieldChange(key, _listed(was), _listed(value)) for key, was, value in pairs if was != value]
    return tuple(found)


def changes_written(before: Record | None, after: Record, written: Iterable[FieldKey]) -> tuple[FieldChange, ...]:
    """Return what differs, and what was written as it is by somebody who may not know that it is.

    A history without the latter would tell who wrote whether they guessed a value.
    """
    changes = changes_between(before, after)
    if before is None:
        return changes
    known = {item.field for item in changes} | _BY_THE_WAY
    same = ((key, held(before, key)) for key in written if key not in known)
    return (*changes, *(FieldChange(key, value, value) for key, value in same))


def held(record: Record, key: FieldKey) -> Any:
    """Return a value of a record as the history names it: of a field, or of the record itself."""
    if key in _SETS:
        return tuple(sorted(getattr(record, key)))
    return getattr(record, key) if key in _TRACKED else record.values.get(key)


def fold(changes: Iterable[Change], *, until: datetime | None = None, version: int | None = None) -> Record | None:
    """Return the record as the changes leave it, up to a time (included) or a version; `None` before the first.

    Args:
        changes: All changes of one record, oldest first.
        until: Leave out what happened after this instant.
        version: Leave out what came after this version.
    """
    state: Record | None = None
    for change, after in replay(changes):
        if (until is not None and change.at > until) or (version is not None and change.version > version):
            break
        state = after
    return state


def replay(changes: Iterable[Change]) -> Iterator[tuple[Change, Record]]:
    """Yield each change of a record, oldest first, with the record as it was after it."""
    state: Record | None = None
    for change in changes:
        state = _apply(state, change)
        yield change, state


def is_deleted(changes: Sequence[Change]) -> bool:
    """Tell whether all changes of a record, oldest first, end with its deletion; it may have been erased since."""
    return next((change.action for change in reversed(changes) if change.action != "erase"), None) == "delete"


def _apply(state: Record | None, change: Change) -> Record:
    values: dict[FieldKey, Any] = dict(state.values) if state is not None else {}
    fixed: dict[str, Any] = {key: getattr(state, key) if state is not None else None for key in _TRACKED}
    sets: dict[str, frozenset[Any]] = {key: getattr(state, key) if state else frozenset() for key in _SETS}
    for item in change.fields:
        if item.field in sets:
            sets[item.field] = frozenset(item.new or ())
        elif item.field in fixed:
            fixed[item.field] = item.new
        elif item.new is None:
            values.pop(item.field, None)
        else:
            values[item.field] = item.new
    return Record(
        id=change.record_id,
        module=change.module,
        values=FrozenDict(values),
        version=change.version,
        created_at=state.created_at if state is not None else change.at,
        updated_at=change.at,
        tags=sets["tags"],
        shares=sets["shares"],
        **fixed,
    )


def difference(before: Record, after: Record) -> FrozenDict[FieldKey, tuple[Any, Any]]:
    """Return field → (value in `before`, value in `after`) for all that differ."""
    return FrozenDict({item.field: (item.old, item.new) for item in changes_between(before, after)})
