"""Gathering everything that is held about a person: the record, what refers to it, and what happened to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Final

import attrs

from custinfo.core.access_log import AccessQuery
from custinfo.core.approval.requests import Request
from custinfo.core.criteria.nodes import Compare, Criterion, Everything, any_of
from custinfo.core.errors import NotFoundError, PermissionDeniedError
from custinfo.core.frozen import FrozenDict
from custinfo.core.policy.access import NO_ACCESS, Verdict
from custinfo.core.records import FieldKey, Masked, ModuleKey, Record, RecordId
from custinfo.core.subject_access import AccessLimit, Held, HeldSection, SubjectAccess
from custinfo.ports.access_log import AccessRepository
from custinfo.ports.repositories import Query
from custinfo.workspace.authorising import refusal
from custinfo.workspace.context import Context
from custinfo.workspace.erasing import Eraser
from custinfo.workspace.gated_exports import GatedExport
from custinfo.workspace.past import Past, deleted_record
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.rotation import rewriting_of
from custinfo.workspace.viewing_requests import RequestViews
from custinfo.workspace.views import AwaitingApproval, ChangeView, RecordView, RequestView

__all__ = ["Gatherer"]

_PAGE: Final = 50
_OF_RECORD: Final = ("version", "values", "tags", "shares", "owner", "department", *("created_at", "updated_at"))
_OF_CHANGE: Final = (
    "version", "at", "actor", "action", "channel", "fields", "reason", "on_behalf_of", "approval", "batch",
    "configuration_version",
)  # fmt: skip
_OF_REQUEST: Final = ("id", "state", "flows", "submitted_by", "submitted_at", "fields", "base", "proposed", "reason")
_OF_ENTRY: Final = ("at", "actor", "command", "step", "comment")
_OF_IMPORT: Final = ("id", "started_at", "actor", "state")
_OF_ERASURE: Final = ("version", "at", "actor", "reason", "approval")
_OF_ACCESS: Final = ("at", "actor", "action", "verb", "fields", "asked", "on_behalf_of", "purpose")

Pair = tuple[Record, Verdict]


class Gatherer:
    """Gather for one session."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reading = ReadPath(context)
        self._past = Past(context)
        self._requests = RequestViews(context)
        self._approvals: dict[ModuleKey, str] = {}
        self._deleted: RecordId | None = None

    def gather(self, module: ModuleKey, record_id: str, reason: str | None) -> SubjectAccess | AwaitingApproval:
        """Return the answer, its items unread, or what it waits for. Raises: as `Records.subject_access`."""
        context = self._context
        record, verdict = self._reached(module, record_id)
        if "export" not in verdict.actions:
            raise PermissionDeniedError([refusal(context, "export", module)])
        rewriting_of(context.unit)  # a store that can't tell which requests there are has no answer
        modules = self._related(module)
        for key in modules:
            waiting = self._gated(key, record, reason)
            if isinstance(waiting, AwaitingApproval):
                return waiting
            if waiting is not None:
                self._approvals[key] = waiting.id
        found = (self._limit(key, root=key == module) for key in modules)
        limits = tuple(limit for limit in found if limit.records or limit.sections)
        labels = FrozenDict({key: self._labels(key) for key in modules})
        return SubjectAccess(module, record.id, context.now(), context.actor, labels, limits, self._held(record))

    def _reached(self, module: ModuleKey, record_id: str) -> Pair:
        """Return a record, or what a deleted one was last: its history is held still. Raises: NotFoundError."""
        try:
            return self._reading.record(module, record_id)
        except NotFoundError:
            found = deleted_record(self._context, module, RecordId(str(record_id)))
            verdict = NO_ACCESS if found is None else self._context.verdict(found)
            if found is None or "view" not in verdict.actions:
                raise
        self._deleted = found.id
        return found, verdict

    def _gated(self, module: ModuleKey, root: Record, reason: str | None) -> Request | AwaitingApproval | None:
        """Ask the flows on exports, as for an export of all fields of what is gathered of a module."""
        context = self._context
        if not context.access(module).may("export"):
            return None  # of such modules something is read at most, as without an export
        fields = tuple(context.module(module).definition.fields)
        criterion: Criterion = Everything()
        if module == root.module:
            criterion = Compare(("id",), "eq", root.id)
        elif direct := [field for owner, field in self._referring(root.module) if owner == module]:
            criterion = any_of([Compare((field,), "eq", root.id) for field in direct])
        return GatedExport(context, module, criterion, fields, ()).admitted(reason)

    # --- what belongs together

    def _related(self, module: ModuleKey) -> list[ModuleKey]:
        """Return the module, those that refer to it, to these, and so on."""
        found = [module]
        for known in found:  # which grows meanwhile
            found += [owner for owner in dict(self._referring(known)) if owner not in found]
        return found

    def _referring(self, module: ModuleKey) -> Iterator[tuple[ModuleKey, FieldKey]]:
        for key, schema in self._context.schema.modules.items():
            yield from ((key, field) for field, target in schema.reference_fields if target == module)

    def _labels(self, module: ModuleKey) -> FrozenDict[str, Any]:
        definition, seen = self._context.module(module).definition, self._context.access(module).visible_fields()
        fields = {key: field.label for key, field in definition.fields.items() if key in seen}
        return FrozenDict({"label": definition.label, "fields": FrozenDict(fields)})

    def _limit(self, module: ModuleKey, *, root: bool) -> AccessLimit:
        """Return what the actor's grants keep out, whatever the records are."""
        access, definition = self._context.access(module), self._context.module(module).definition
        readable = {key: isinstance(access.readable_where(key), Everything) for key in definition.fields}
        related = (
            field
            for target in self._context.schema.modules
            for owner, field in self._referring(target)
            if owner == module
        )
        records = not root and not (
            isinstance(access.reach("view"), Everything) and all(readable[key] for key in related)
        )
        sections: list[HeldSection] = []
        if not access.may("configure") and not all(readable.values()):
            sections.append("request")
        if self._is_logged(module) and not self._may_audit(module):
            sections.append("access")
        return AccessLimit(module, records, tuple(sections))

    def _is_logged(self, module: ModuleKey) -> bool:
        return self._context.module(module).definition.log_exports or module in self._context.compiled.logged

    def _may_audit(self, module: ModuleKey) -> bool:
        return isinstance(self._context.access(module).reach("audit"), Everything)

    # --- the items

    def _held(self, root: Record) -> Iterator[Held]:
        """Yield the items of the record and of all that refers to it, each record once."""
        waiting: list[Iterator[Sequence[Record]]] = [iter([[root]])]
        known = {(root.module, root.id)}
        while waiting:
            page = next(waiting[-1], None)
            if page is None:
                waiting.pop()
                continue
            new = [record for record in page if record is root or (record.module, record.id) not in known]
            known |= {(record.module, record.id) for record in new}
            yield from self._logged(new)
            waiting += [self._children(record) for record in new]

    def _children(self, record: Record) -> Iterator[Sequence[Record]]:
        """Yield pages of the records that refer to a record and that the actor may view, archived ones too."""
        for module, field in self._referring(record.module):
            try:
                guarded = self._reading.guarded(module, Compare((field,), "eq", record.id), archived=True)
            except PermissionDeniedError:
                continue  # which the limits tell
            yield from self._pages(module, guarded)

    def _pages(self, module: ModuleKey, criterion: Criterion) -> Iterator[Sequence[Record]]:
        after: tuple[Any, ...] | None = None
        while page := self._context.unit.queries.find(Query(module, criterion, (), _PAGE, after)):
            yield page
            after = (page[-1].id,)

    def _logged(self, records: Sequence[Record]) -> list[Held]:
        """Return the items of records of one module, taken down in the access log before anybody sees them."""
        readings = self._context.readings
        with readings.verb("subject_access", "export"):
            with self._context.related.passing():
                pairs = [(record, self._context.verdict(record)) for record in records]
                found = list(chain.from_iterable(map(self._of_record, pairs)))
            if records and self._always_logged(records[0].module):
                shown = {key for item in found if item.section == "record" for key in _shown(item)}
                ids = [record.id for record in records]
                approval = self._approvals.get(records[0].module)
                readings.export(records[0].module, shown, ids, len(ids), Everything(), approval)
        return found

    def _always_logged(self, module: ModuleKey) -> bool:
        return self._context.module(module).definition.log_exports or module in self._approvals

    def _of_record(self, pair: Pair) -> Iterator[Held]:
        record, verdict = pair
        if record.id != self._deleted:
            yield self._item("record", record, self._of_view(self._reading.view(record, verdict)))
        changes = list(
            self._past.views(record, verdict, self._context.unit.history.of_record(record.module, record.id))
        )
        yield from (self._item("change", record, _picked(change, _OF_CHANGE)) for change in changes)
        yield from (self._item("request", record, data) for data in self._of_requests(record))
        yield from (self._item("import", record, data) for data in self._of_imports(changes))
        yield from (self._item("access", record, data) for data in self._of_accesses(record))
        if "erase" in verdict.actions and self._context.module(record.module).kinds.keys() <= verdict.readable:
            for certificate in Eraser(self._context).certificates(record.module, record.id):
                fields = tuple(FrozenDict(attrs.asdict(item)) for item in certificate.fields)
                yield self._item("erasure", record, {**_picked(certificate, _OF_ERASURE), "fields": fields})

    def _item(self, section: HeldSection, record: Record, data: dict[str, Any]) -> Held:
        return Held(section, record.module, record.id, FrozenDict(data))

    def _of_view(self, view: RecordView) -> dict[str, Any]:
        fields = self._context.module(view.module).definition.fields
        withheld = tuple(key for key in fields if key not in view.visible)
        sets = {"tags": tuple(sorted(view.tags)), "shares": tuple(sorted(view.shares))}
        return {**_picked(view, _OF_RECORD), "archived_at": view.archived_at, **sets, "withheld": withheld}

    def _of_requests(self, record: Record) -> Iterator[dict[str, Any]]:
        found = rewriting_of(self._context.unit).requests_of(record.module, record.id)
        return (self._of_request(request, view, record.id) for request, view in self._requests.known(found))

    def _of_request(self, request: Request, view: RequestView, record_id: RecordId) -> dict[str, Any]:
        """Return a request; of one for many records, the part about this one: the others are about others."""
        trail = tuple(FrozenDict(_picked(entry, _OF_ENTRY)) for entry in view.trail)
        data = {**_picked(view, _OF_REQUEST), "action": request.action, "trail": trail}
        for item in view.items:
            if item.record_id == record_id:
                data |= {"base": item.base, "proposed": item.proposed}
        return data

    def _of_imports(self, changes: Sequence[ChangeView]) -> Iterator[dict[str, Any]]:
        for key in dict.fromkeys(change.batch for change in changes if change.batch is not None):
            batch = self._context.unit.imports.get(key)
            if batch is not None:
                yield _picked(batch, _OF_IMPORT)

    def _of_accesses(self, record: Record) -> Iterator[dict[str, Any]]:
        """Yield who saw the record, without the others that they saw."""
        accesses: AccessRepository | None = getattr(self._context.unit, "accesses", None)
        if accesses is None or not self._may_audit(record.module):
            return
        query = AccessQuery((record.module,), record_id=record.id, limit=_PAGE)
        while page := accesses.find(query):
            yield from (_picked(entry, _OF_ACCESS) for entry in page)
            query = attrs.evolve(query, after=page[-1].id)


def _picked(item: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in names}


def _shown(item: Held) -> set[FieldKey]:
    """Return the fields of a record that its item shows unmasked."""
    return {key for key, value in item.data["values"].items() if not isinstance(value, Masked)}
