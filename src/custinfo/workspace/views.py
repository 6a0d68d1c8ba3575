"""What an actor gets to see: records, pages, changes and requests with hidden fields absent and masked ones masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

from custinfo.core.approval.flows import GatedAction
from custinfo.core.approval.items import ItemOutcome
from custinfo.core.approval.requests import RequestId, RequestState, TrailEntry
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import ChangeAction, Channel
from custinfo.core.policy.grants import PSEUDO_FIELDS
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, Masked, MemberKey, ModuleKey, RecordId, Share, Tag, Unreadable
from custinfo.core.schema import ModuleSchema

__all__ = [
    "Applied",
    "AwaitingApproval",
    "ChangeView",
    "CompanionView",
    "ExportView",
    "InboxTask",
    "ItemView",
    "Outcome",
    "Page",
    "RecordView",
    "RequestPage",
    "RequestView",
]


_SETS: Final = ("tags", "shares")
_BESIDE: Final = ("owner", "department", "created_at", "updated_at", "archived_at", *_SETS)
"""What a view has beside the values of fields."""


@attrs.frozen
class RecordView:
    """One record as one actor may see it.

    `view["phone"]` or `view["联系方式"]` gives the typed value, a `Masked`, or `None` for a blank; a field that the
    actor may not see raises `KeyError`, just like one that does not exist. What is beside the fields is read the
    same way: `view["owner"]` is `view.owner`, and `view["tags"]` is `view.tags`, a set that may be empty.

    Args:
        id: Of the record.
        module: Key of its module.
        version: That of the record, to be passed back with a change of it.
        values: Key → typed value or `Masked` of the visible fields that are not blank.
        tags: Its tags; empty where they may not be seen.
        visible: Keys of what may be seen, masked or in full: fields, and `owner`, `tags` and the like.
        owner: Key of the member who is responsible; `None` for nobody, and where it may not be seen.
        department: Key of the owner's department when they became it; `None` as for `owner`.
        created_at: The instant of its first version, UTC; `None` where it may not be seen.
        updated_at: The instant of this version, UTC; `None` where it may not be seen.
        archived_at: Since when it is archived, UTC; `None` for a live one, and where it may not be seen.
        shares: With whom it is shared, shares that have ended among them; empty where they may not be seen.
    """

    id: RecordId
    module: ModuleKey
    version: int
    values: FrozenDict[FieldKey, Any] = attrs.field(repr=False)
    tags: frozenset[Tag] = attrs.field(repr=False)
    visible: frozenset[FieldKey] = attrs.field(repr=False)
    owner: MemberKey | None = attrs.field(repr=False, default=None)
    department: str | None = attrs.field(repr=False, default=None)
    created_at: datetime | None = attrs.field(repr=False, default=None)
    updated_at: datetime | None = attrs.field(repr=False, default=None)
    archived_at: datetime | None = attrs.field(repr=False, default=None)
    shares: frozenset[Share] = attrs.field(repr=False, default=frozenset())
    _schema: ModuleSchema | None = attrs.field(repr=False, default=None, eq=False)

    def __getitem__(self, name: str) -> Any:
        key = self._key(name)
        if key not in self.visible:
            raise KeyError(name)
        if key in _BESIDE:
            return getattr(self, key)
        return self.values.get(key)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._key(name) in self.values

    def keys(self) -> tuple[FieldKey, ...]:
        """Return the keys of the visible fields that are not blank, so that `dict(view)` gives their values."""
        return tuple(self.values)

    def __iter__(self) -> Iterator[FieldKey]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __reduce__(self) -> tuple[type[RecordView], tuple[Any, ...]]:
        """Leave the compiled labels behind: a view that was sent elsewhere is read by keys."""
        fields = attrs.fields(RecordView)
        return RecordView, tuple(getattr(self, field.name) for field in fields if field.name != "_schema")

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a visible field that is not blank, else `default`."""
        value = self.values.get(self._key(name))
        return default if value is None else value

    def text(self, name: str) -> str:
        """Return what to show people: labels for choices and people, masks, and "" for what is blank or hidden.

        A view that was sent elsewhere left the labels behind, and gives codes and keys. Tags and shares have no text:
        they are in `tags` and `shares`. Raises: KeyError for a name that no field has.
        """
        key = self._key(name)
        value = self[key] if key in self.visible and key not in _SETS else None
        if value is None:
            if self._schema is not None and self._schema.resolve(name) is None and key not in PSEUDO_FIELDS:
                raise KeyError(name)
            return ""
        if self._schema is None or isinstance(value, Masked | Unreadable):
            return str(value)
        return self._schema.render(key, value)

    if not TYPE_CHECKING:  # for type checkers, an attribute that there is not is an error already

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(f'a RecordView has no {name!r}: values are read as view["name of the field"]')

    def _key(self, name: str) -> FieldKey:
        return (self._schema.resolve(name) if self._schema is not None else None) or name


@attrs.frozen
class Page:
    """Part of an answer: `records` in order, and `next`, to pass as `after` for what follows (`None` at the end)."""

    records: tuple[RecordView, ...]
    next: str | None = None


@attrs.frozen
class ChangeView:
    """One change as one actor may see it: `fields` are those that it changed, less what is hidden from them.

    `fields` maps the key of a field to the value before and the one after, `None` for a blank. The change made
    `version` of the record `record_id` of `module`, at the instant `at`. `action` says what was done (`"update"`), and
    `channel` by which way it came (`"edit"`, `"import"`, `"approval"`). `actor` did it, for `on_behalf_of` if anybody,
    and for `reason`. `approval` is the id of the request that led to it, and `batch` that of the import or hand-over.
    `configuration_version` is the one under which its values were written.
    """

    version: int
    at: datetime
    actor: MemberKey
    action: ChangeAction
    channel: Channel
    fields: FrozenDict[FieldKey, tuple[Any, Any]] = attrs.field(repr=False)
    reason: str | None = attrs.field(repr=False, default=None)
    on_behalf_of: MemberKey | None = None
    approval: str | None = None
    batch: str | None = None
    configuration_version: int = 1
    module: ModuleKey = ""
    record_id: RecordId = attrs.field(factory=lambda: RecordId(""))


@attrs.frozen
class RequestView:
    """An approval request as one actor may see it.

    `id` names it, and `version` counts its commands: both are passed back with a decision. It is about the record
    `record_id` of `module`; for a new record that is the id that it will have, and it is empty for many records and for
    an export. `submitted_by` asked for it at the instant `submitted_at`, UTC, for `reason`.

    `state` is `draft`, `pending`, `returned`, `approved`, `applied`, `needs_rebase`, `rejected`, `withdrawn` or
    `expired`; `flows` are the keys of the flows that it passes, and `trail` is who did what with it, the oldest first.
    `fields` are those that it will change; `base`, `live` and `proposed` hold the values that the actor may see: when
    it was submitted, now, and as they would be. `waiting_for` are the members whose decision is open now, at `step`,
    whose next time limit passes at `due_at`. `happened` says what became of the record since. `items` are the records
    of a request for many, and `export` is the export that it is about. `stuck` says why an open one does not move.
    """

    id: RequestId
    module: ModuleKey
    record_id: RecordId
    state: RequestState
    version: int
    flows: tuple[str, ...]
    submitted_by: MemberKey
    submitted_at: datetime
    fields: tuple[FieldKey, ...]
    base: Mapping[FieldKey, Any] = attrs.field(repr=False)
    proposed: Mapping[FieldKey, Any] = attrs.field(repr=False)
    waiting_for: tuple[MemberKey, ...]
    reason: str | None = attrs.field(repr=False, default=None)
    trail: tuple[TrailEntry, ...] = attrs.field(repr=False, default=())
    live: Mapping[FieldKey, Any] = attrs.field(repr=False, factory=FrozenDict)
    step: str | None = None
    due_at: datetime | None = None
    happened: tuple[Problem, ...] = ()
    items: tuple[ItemView, ...] = ()
    stuck: Problem | None = None
    export: ExportView | None = None


@attrs.frozen
class ExportView:
    """An export that is asked for: its columns, which records, and for how many hours after the approval it may be run.

    `fields` are the keys of the columns, and `order_by` field names, `-` before one for descending. `asked` are the
    fields and operators of the question; `criterion` has the values too, for its author and for those who may read
    these fields.
    """

    fields: tuple[FieldKey, ...]
    order_by: tuple[str, ...]
    hours: int
    asked: tuple[str, ...]
    criterion: Criterion | None = attrs.field(repr=False, default=None)


@attrs.frozen
class RequestPage:
    """Part of an answer: `requests` in order, and `next`, to pass as `after` for what follows (`None` at the end)."""

    requests: tuple[RequestView, ...]
    next: str | None = None


@attrs.frozen
class ItemView:
    """One record of a request for many, as one actor may see it: `outcome` is set when the request was applied.

    `record_id` names the record. `base` has the values that the request changes as they were when it was submitted, and
    `proposed` as they would be, of the fields that the actor may see. `outcome` is `applied`, `conflict` or `refused`;
    `problem` is the code of what stopped it: where the record changed meanwhile (`conflict`), or broke a rule
    (`refused`). `action` is what happens to the record, `row` the row of the file that it comes from, and `companions`
    are the records that the row brings along, as far as the actor may see them.
    """

    record_id: RecordId
    outcome: ItemOutcome | None
    problem: str | None
    base: Mapping[FieldKey, Any] = attrs.field(repr=False)
    proposed: Mapping[FieldKey, Any] = attrs.field(repr=False)
    action: GatedAction = "update"
    row: int | None = None
    companions: tuple[CompanionView, ...] = ()


@attrs.frozen
class CompanionView:
    """A record that a row of an import brings along and that waits with it, as one actor may see it.

    `module` and `record_id` name it; `proposed` are the values that it would have, of the fields that the actor may
    see.
    """

    module: ModuleKey
    record_id: RecordId
    proposed: Mapping[FieldKey, Any] = attrs.field(repr=False)


@attrs.frozen
class InboxTask:
    """A decision that waits for the actor; `delegated_by` is who asks for their opinion only, and decides then.

    `request_id` is what to decide on, and `request` all of it; `record_id` and `module` name what it is about, as in
    `RequestView`. `step` is the key of the step. `due_at` is the instant at which its next time limit passes, UTC;
    `None` without one.
    """

    request_id: RequestId
    record_id: RecordId
    module: ModuleKey
    step: str
    request: RequestView
    delegated_by: MemberKey | None = None
    due_at: datetime | None = None


@attrs.frozen
class Applied:
    """The change took effect: `record` is the record after it, as the actor may see it."""

    record: RecordView


@attrs.frozen
class AwaitingApproval:
    """The change waits: live data is as it was, and `request` is what was submitted."""

    request: RequestView


Outcome = Applied | AwaitingApproval
