"""What an actor gets to see: records, pages, changes and requests with hidden fields absent and masked ones masked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from custinfo.core.approval.flows import GatedAction
from custinfo.core.approval.items import ItemOutcome
from custinfo.core.approval.requests import RequestId, RequestState, TrailEntry
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import ChangeAction, Channel
from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, RecordId
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.plain_views import plain_view, texts_of, without_labels
from custinfo.workspace.record_view import RecordView

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
    _schema: ModuleSchema | None = attrs.field(repr=False, default=None, eq=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return without_labels(self)

    def to_dict(self, language: str | None = None, *, messages: Messages = DEFAULT_MESSAGES) -> dict[str, Any]:
        """Return the change as plain dicts, lists, texts and numbers, ready for JSON.

        Each attribute is there by its name, and values have the forms of `RecordView.to_dict`, which are lists of the
        one before and the one after in `fields`, and so are their texts for people in `texts`. A value that was erased
        is `{"erased": true}`. The arguments are those of `RecordView.to_dict`, too.
        """
        sides = ({key: pair[side] for key, pair in self.fields.items()} for side in (0, 1))
        before, after = (texts_of(self._schema, values, language, messages) for values in sides)
        texts = {key: [before.get(key, ""), after.get(key, "")] for key in self.fields if key in before or key in after}
        return {**plain_view(self, language, messages), "texts": texts}


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
    _schema: ModuleSchema | None = attrs.field(repr=False, default=None, eq=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return without_labels(self)

    def to_dict(self, language: str | None = None, *, messages: Messages = DEFAULT_MESSAGES) -> dict[str, Any]:
        """Return the request as plain dicts, lists, texts and numbers, ready for JSON.

        Each attribute is there by its name. Values have the forms of `RecordView.to_dict`, and `None` where they go;
        `texts` has for people those of `base`, `proposed` and `live`. Problems are as in `Report.to_dict`, and an
        export's criterion as `criterion_to_json` gives it. The arguments are those of `RecordView.to_dict`, too.
        """
        return plain_view(self, language, messages)


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
    _schema: ModuleSchema | None = attrs.field(repr=False, default=None, eq=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return without_labels(self)


@attrs.frozen
class CompanionView:
    """A record that a row of an import brings along and that waits with it, as one actor may see it.

    `module` and `record_id` name it; `proposed` are the values that it would have, of the fields that the actor may
    see.
    """

    module: ModuleKey
    record_id: RecordId
    proposed: Mapping[FieldKey, Any] = attrs.field(repr=False)
    _schema: ModuleSchema | None = attrs.field(repr=False, default=None, eq=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return without_labels(self)


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

    def to_dict(self, language: str | None = None, *, messages: Messages = DEFAULT_MESSAGES) -> dict[str, Any]:
        """Return the task as plain dicts, lists, texts and numbers, ready for JSON.

        Its request is there as `RequestView.to_dict` gives it. The arguments are those of `RecordView.to_dict`.
        """
        return plain_view(self, language, messages)


@attrs.frozen
class Applied:
    """The change took effect: `record` is the record after it, as the actor may see it."""

    record: RecordView


@attrs.frozen
class AwaitingApproval:
    """The change waits: live data is as it was, and `request` is what was submitted."""

    request: RequestView


Outcome = Applied | AwaitingApproval
