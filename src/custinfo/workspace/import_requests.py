"""The rows of an import that wait for approval: one request for all that pass the same steps (XLS-5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from custinfo.core.approval.items import Companion
from custinfo.core.approval.requests import Request
from custinfo.core.errors import ConflictError, CustinfoError, InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import Record, RecordId, Sealed
from custinfo.workspace.approval_paths import ApprovalPath
from custinfo.workspace.attached_columns import Related
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Prepared
from custinfo.workspace.gating import Gate
from custinfo.workspace.joint_requests import Waiting, submit_together, together
from custinfo.workspace.overtaken import overtaken
from custinfo.workspace.planned_rows import PlannedRow, prepared_of
from custinfo.workspace.writing import WritePath

__all__ = ["ImportRequests"]

_CHUNK: Final = 500

Brought = tuple[tuple[Companion, ...], tuple[ApprovalPath, ...]]
"""What a row brings along, and the approval that this needs."""


@attrs.define
class ImportRequests:
    """Submit the rows of one import that wait.

    Args:
        context: The session's.
        batch: The id of the import.
        path: The write path of the import.
        refused: Called with each row that can't be submitted, and why.
        applied: Called with each row that was applied at once.
        requests: The ids of the requests.
    """

    context: Context
    batch: str
    path: WritePath
    refused: Callable[[PlannedRow, CustinfoError], object]
    applied: Callable[[PlannedRow], object]
    requests: list[str] = attrs.field(factory=list)

    def run(self, rows: Sequence[PlannedRow]) -> None:
        """Submit all rows together. Raises: ConflictError where the configuration was replaced."""
        waiting: list[Waiting] = []
        for start in range(0, len(rows), _CHUNK):
            waiting += self._waiting(self._free(rows[start : start + _CHUNK]))
        numbered = {row.row: row for row in rows}
        for group in together(waiting):
            self._submit(group, numbered)

    def _submit(self, group: Sequence[Waiting], rows: Mapping[int, PlannedRow]) -> None:
        """Save one request; if that clashes, row by row, so that only the rows that clash are refused.

        One that passes by itself is applied at once, and may break a rule by now.
        """
        try:
            with self.context.atomic():
                request = self._saved(group)
        except (ConflictError, InvalidInputError) as error:
            if error.code == "configuration_changed":
                raise
            if len(group) == 1:
                self.refused(rows[group[0].row or 0], error)
                return
            for change in group:
                self._submit([change], rows)
            return
        self.requests.append(request.id)
        if request.state == "applied":
            self._tell(request, group, rows)

    def _tell(self, request: Request, group: Sequence[Waiting], rows: Mapping[int, PlannedRow]) -> None:
        """Say what became of rows whose request passed by itself: they wait for nobody."""
        found = {item.row: item.problem for item in request.items}
        for change in group:
            problem, row = found.get(change.row), rows[change.row or 0]
            if problem is None:
                self.applied(row)
            else:
                self.refused(row, ConflictError([Problem(problem)]))

    def _saved(self, group: Sequence[Waiting]) -> Request:
        """Save the request for a group; one change that is gated as such waits as an edit by hand does."""
        first = group[0]
        whole = any("import" in flow.trigger.actions for flow in first.path.flows)
        if len(group) > 1 or whole or first.companions:
            return submit_together(self.context, group, self.batch, action="import")
        self.path.commit([first.prepared])
        if first.prepared.request is None:
            raise RuntimeError("a gated change gives a request")
        return first.prepared.request

    def _free(self, rows: Sequence[PlannedRow]) -> list[tuple[PlannedRow, Prepared]]:
        """Return rows without those that may not be changed so any more, or of which a request holds a field by now."""
        pairs = [(row, prepared) for row in rows if (prepared := prepared_of(row)) is not None]
        stopped = {id(item): error for item, error in overtaken(self.context, [item for _, item in pairs])}
        gate = Gate(self.context)
        reserved = gate.reservations([item.before for _, item in pairs if item.before is not None])
        free = []
        for row, item in pairs:
            held = stopped.get(id(item))
            if held is None and item.after is not None:
                held = gate.held(item.before, item.after, item.patch, reserved)
            if held is None:
                free.append((row, item))
            else:
                self.refused(row, held)
        return free

    def _waiting(self, rows: Iterable[tuple[PlannedRow, Prepared]]) -> Iterator[Waiting]:
        now = self.context.now()
        made: list[tuple[PlannedRow, Prepared, Record]] = []
        for row, item in rows:
            if item.after is not None and item.path is not None:
                item.after = self.path.finished(item.after, now)
                made.append((row, item, item.after))
        brought = self._companions([(row, after) for row, _, after in made if row.related])
        for row, item, after in made:
            if item.path is not None and (row.row in brought or not row.related):
                companions, others = brought.get(row.row, ((), ()))
                yield Waiting(item, after, item.path.joined(others), row.row, companions)

    # --- what rows bring along

    def _companions(self, rows: Sequence[tuple[PlannedRow, Record]]) -> dict[int, Brought]:
        """Return row → what it brings along; rows in which something is wrong with that are refused."""
        if not rows:
            return {}
        try:
            return dict(self._tried(rows))
        except CustinfoError as error:
            if len(rows) == 1:
                self.refused(rows[0][0], error)
                return {}
        found: dict[int, Brought] = {}
        for row in rows:
            found |= self._companions([row])
        return found

    def _tried(self, rows: Sequence[tuple[PlannedRow, Record]]) -> Iterator[tuple[int, Brought]]:
        """Yield what rows bring along, prepared on their records as they would be; these are taken back then.

        Raises: what stops one of them.
        """
        pairs = [(row, after, related) for row, after in rows for related in row.related]
        records = [after.keeping_keys() for _, after in rows]
        with self.context.trial():
            self.context.unit.records.save(records)
            self.context.related.forget(records)
            prepared = self.path.prepare([related.draft(after.id) for _, after, related in pairs])
        found: dict[int, list[tuple[Companion, ApprovalPath | None]]] = {}
        for (row, _, related), item in zip(pairs, prepared, strict=True):
            found.setdefault(row.row, []).append((self._companion(related, item), item.path))
        for number, items in found.items():
            yield number, (tuple(one for one, _ in items), tuple(path for _, path in items if path is not None))

    def _companion(self, related: Related, prepared: Prepared) -> Companion:
        if prepared.error is not None:
            raise prepared.error
        if prepared.after is None:
            raise RuntimeError("a draft without error gives a record")
        after = self.path.finished(prepared.after, self.context.now())
        values = {**after.values, "owner": after.owner, "department": after.department}
        if any(type(value) is Sealed for value in values.values()):
            raise InvalidInputError([Problem("not_held_for_approval", related.module)])
        codec = self.context.compiled.codec(related.module)
        return Companion(related.module, RecordId(after.id), codec.encode_values(values))  # type: ignore[arg-type]
