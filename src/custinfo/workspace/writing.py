"""The write path: normalise → authorise → validate → gate → commit with history. Every change goes through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from custinfo.core.approval.flows import GatedAction
from custinfo.core.approval.requests import Request, RequestId
from custinfo.core.errors import ConflictError
from custinfo.core.history.changes import Change, Channel, changes_written
from custinfo.core.new_records import Creations, NewRecords
from custinfo.core.records import FieldKey, MemberKey, Record, RecordId, Sealed
from custinfo.workspace.applying import Applying
from custinfo.workspace.approval_paths import ApprovalPath
from custinfo.workspace.authorising import authorise
from custinfo.workspace.context import Context
from custinfo.workspace.deleting import refuse_newcomers
from custinfo.workspace.deriving import derived, follow
from custinfo.workspace.drafts import Draft, NewColumns, NewRow, Prepared
from custinfo.workspace.gating import Gate
from custinfo.workspace.keeping_requests import hold_as_read, keep
from custinfo.workspace.normalising import NO_RECORDS, Normaliser
from custinfo.workspace.overtaken import overtaken
from custinfo.workspace.sharing import asks_for_shares
from custinfo.workspace.tagging import asks_for_tags
from custinfo.workspace.validating import check_references, validate

__all__ = ["WritePath"]

_UNGATED: Final = frozenset({"share", "merge"})
"""A share changes no data, and a merger is gated as a whole (`combining`)."""
_SLICE: Final = 500


@attrs.frozen
class WritePath:
    """Carry drafts out for one session.

    `channel`, `batch` and `on_behalf_of` go into the history. `own` is the request that the drafts come from, and
    `also` are the flows that they pass in any case.
    """

    context: Context
    channel: Channel = "edit"
    batch: str | None = None
    on_behalf_of: MemberKey | None = None
    own: RequestId | None = None
    also: tuple[str, ...] = ()

    def write(self, draft: Draft) -> Prepared:
        """Carry out one draft. Raises: what stops it; nothing is saved then."""
        prepared = self.prepare([draft])[0]
        if prepared.error is not None:
            raise prepared.error
        try:
            with self.context.atomic():
                self.commit([prepared])
        except ConflictError as error:
            label = self.context.module(draft.module).labelled
            raise type(error)(map(label, error.problems)) from None
        return prepared

    def prepare(self, drafts: Sequence[Draft], known: Mapping[RecordId, Record] = NO_RECORDS) -> list[Prepared]:
        """Return what each draft comes to; writes nothing and takes no ids.

        Records are loaded, and clashes looked up, for all drafts together. What stops a draft stands in its `error`.
        `known` are records of the module that were read a moment ago, in the same unit.
        """
        batch = Normaliser(self.context).run(drafts, known)
        self.context.related.prefetch(prepared.after for prepared in batch if prepared.after is not None)
        for prepared in batch:
            if prepared.going and prepared.after is not None and prepared.changed:
                prepared.after = derived(self.context, prepared.after)
            if prepared.going:
                check_references(self.context, prepared)
                authorise(self.context, prepared)
        validate(self.context, [prepared for prepared in batch if prepared.going])
        self._gate([prepared for prepared in batch if prepared.going and prepared.changed])
        for prepared in batch:
            if prepared.error is not None:
                label = self.context.module(prepared.draft.module).labelled
                prepared.error = type(prepared.error)(map(label, prepared.error.problems))
        return batch

    def _gate(self, batch: Sequence[Prepared]) -> None:
        """Refuse what touches reserved fields, and find out what needs approval."""
        gate = Gate(self.context, own=self.own, also=self.also, importing=self.channel == "import")
        reserved = gate.reservations([prepared.before for prepared in batch if prepared.before is not None])
        for prepared in batch:
            if prepared.after is not None and prepared.draft.action not in _UNGATED:
                deleted: GatedAction | None = "delete" if prepared.draft.action == "delete" else None
                prepared.path, prepared.error = gate.judge(
                    prepared.before, prepared.after, prepared.patch, reserved, deleted
                )

    def commit(
        self, batch: Iterable[Prepared | NewRow], read: Callable[[Sequence[NewRow]], NewColumns] | None = None
    ) -> None:
        """Save what was prepared, with history, and submit the requests.

        Args:
            batch: What was prepared, and rows that are new records.
            read: Return the records of such rows.

        Raises: ConflictError; call it in `atomic`.
        """
        batch = list(batch)
        self.context.hold_configuration()
        if self.channel == "import":
            self._refuse_reserved(item for item in batch if isinstance(item, Prepared))
            for _, error in overtaken(self.context, (item for item in batch if isinstance(item, Prepared))):
                raise ConflictError(error.problems)
        now = self.context.now()
        changed: list[tuple[Prepared, Record]] = []
        rows: list[NewRow] = []
        ids: list[RecordId] = []
        free = iter(self.context.new_ids(sum(map(_is_new, batch))))
        for prepared in batch:
            if type(prepared) is tuple:
                rows.append(prepared)
                ids.append(next(free))
                continue
            if not isinstance(prepared, Prepared) or not prepared.going:
                continue
            if prepared.after is None or not prepared.changed:
                continue
            after = prepared.after if prepared.after.id else attrs.evolve(prepared.after, id=next(free))
            changed.append((prepared, after))
        saved = list(self._finished(changed, now))
        if saved:
            self._save(saved, now)
        if rows and read is not None:
            self._create(read(rows), ids, now)

    def _finished(self, changed: Sequence[tuple[Prepared, Record]], now: datetime) -> Iterator[tuple[Prepared, Record]]:
        """Finish what is to be saved, and yield it; submit what is to be approved."""
        for start in range(0, len(changed), _SLICE):
            part = changed[start : start + _SLICE]
            self.context.sealer.make_data_keys(after for _, after in part)
            for prepared, bare in part:
                after = prepared.after = self.finished(bare, now)
                if prepared.path is not None:
                    prepared.request = self._submit(prepared, after, prepared.path)
                    continue
                prepared.after = after = after.keeping_keys()
                yield prepared, after

    def _create(self, new: NewColumns, ids: Sequence[RecordId], now: datetime) -> None:
        """Save new records to which nothing can refer yet."""
        context = self.context
        records = NewRecords(new.module, ids, new.columns, new.owners, new.departments, context.actor, now)
        context.unit.records.save(records)
        context.remember(
            Creations(
                records,
                context.author,
                self.channel,
                self.on_behalf_of or context.on_behalf_of,
                self.batch,
                context.schema.configuration.version,
            )
        )

    def _save(self, saved: Sequence[tuple[Prepared, Record]], now: datetime) -> None:
        """Save records with their history, a slice of that at a time: a change is many objects, needed for a moment."""
        records = [after for _, after in saved]
        self._keep(saved)
        for start in range(0, len(saved), _SLICE):
            part = saved[start : start + _SLICE]
            self.context.remember([self._change(prepared, after, now) for prepared, after in part])
        self.context.related.forget(records)
        follow(self.context, records)

    def _keep(self, saved: Sequence[tuple[Prepared, Record]]) -> None:
        """Save what stays, and remove what is deleted."""
        gone = [item.before for item, _ in saved if item.draft.action == "delete" and item.before is not None]
        kept = [after for item, after in saved if item.draft.action != "delete"]
        if gone:
            self.context.unit.records.remove(gone)
        if kept:
            self.context.unit.records.save(kept)
        refuse_newcomers(self.context, gone)

    def _refuse_reserved(self, batch: Iterable[Prepared]) -> None:
        """Look again at what requests hold: time passed since the plan. Raises: FieldReservedError."""
        gate = Gate(self.context)
        going = [item for item in batch if item.going and item.changed and item.before is not None]
        reserved = gate.reservations([item.before for item in going if item.before is not None])
        for item in going:
            error = None if item.after is None else gate.held(item.before, item.after, item.patch, reserved)
            if error is not None:
                raise error

    def finished(self, after: Record, now: datetime) -> Record:
        """Return the record as it is saved: with its id, its times, and every encrypted field sealed."""
        record_id = after.id or RecordId(self.context.ids())
        sealed = {
            field.key: self.context.sealer.seal(
                field, record_id, after.module, after.values[field.key], after.data_keys
            )
            for field in self.context.module(after.module).encrypted_fields
            if field.key in after.values and type(after.values[field.key]) is not Sealed
        }
        values = after.values.merged(sealed) if sealed else after.values
        created_at = now if after.version == 1 else after.created_at
        return Record(
            record_id,
            after.module,
            values,
            after.tags,
            after.owner,
            after.department,
            after.version,
            created_at,
            now,
            after.created_by,
            after.archived_at,
            after.shares,
            after.data_keys,
        )

    def _submit(self, prepared: Prepared, after: Record, path: ApprovalPath) -> Request:
        hold_as_read(self.context, () if prepared.before is None else (prepared.before,))
        request = path.request(self.context, prepared.before, after, prepared.patch, prepared.draft.reason, self.batch)
        keep(self.context, None, request, ("submitted",))
        return Applying(self.context).run(request) if request.state == "approved" else request

    def _written(self, prepared: Prepared) -> Iterator[FieldKey]:
        """Yield what a change writes, also where that is what is there already, and its author may not know it."""
        draft, before = prepared.draft, prepared.before
        yield from prepared.patch
        if before is not None and draft.tags is not None and asks_for_tags(self.context, before, draft.tags):
            yield "tags"
        if before is not None and asks_for_shares(self.context, before, draft.shares):
            yield "shares"

    def _change(self, prepared: Prepared, after: Record, now: datetime) -> Change:
        return Change(
            after.module,
            after.id,
            after.version,
            now,
            self.context.author,
            prepared.draft.action,
            changes_written(prepared.before, after, self._written(prepared)),
            self.channel,
            prepared.draft.reason,
            self.on_behalf_of or self.context.on_behalf_of,
            None,
            self.batch,
            self.context.schema.configuration.version,
        )


def _is_new(item: Prepared | NewRow) -> bool:
    """Tell whether an id is needed."""
    return not isinstance(item, Prepared) or (item.going and item.after is not None and not item.after.id)
