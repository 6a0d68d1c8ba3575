"""The read path: guard → find → mask. Every reading goes through it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import attrs

from custinfo.core.criteria.nodes import Criterion, Everything, Mentions, Not, Nothing, Path, Present, Through, all_of
from custinfo.core.criteria.walking import leaves, path_of
from custinfo.core.errors import InvalidInputError, NotFoundError, PermissionDeniedError
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds import Kind
from custinfo.core.kinds.masks import mask
from custinfo.core.paths import bind_path
from custinfo.core.policy.access import Verdict
from custinfo.core.policy.grants import Action
from custinfo.core.problems import Problem
from custinfo.core.records import (
    ERASED,
    UNREADABLE,
    FieldKey,
    Masked,
    ModuleKey,
    Record,
    Sealed,
)
from custinfo.core.schema import ModuleSchema
from custinfo.core.segments import expand
from custinfo.ports.repositories import Order, Query
from custinfo.workspace.context import Context
from custinfo.workspace.mistakes import record_key
from custinfo.workspace.positions import Positions
from custinfo.workspace.sealing import sealed_keys
from custinfo.workspace.views import Page, RecordView

__all__ = ["ReadPath", "not_found"]

_ALWAYS = frozenset({"id", "version"})
_PAGE = 1000
_OPENED_AT_ONCE = 500


def not_found(what: str) -> NotFoundError:
    """Return the one answer for what does not exist and for what the actor may not know of."""
    return NotFoundError([Problem("not_found", params={"what": what})])


class ReadPath:
    """Answer one session's questions within what its actor may see."""

    def __init__(self, context: Context) -> None:
        self._context = context

    # --- guard

    def readable_where(self, module: ModuleKey, path: Path) -> Criterion:
        """Return the criterion under which the actor may read what `path` names. Raises: PermissionDeniedError."""
        key = path[0]
        access = self._context.access(module)
        allowed = Everything() if key in _ALWAYS else access.readable_where(key)
        if isinstance(allowed, Nothing):
            raise self._not_readable(module, ".".join(path))
        if len(path) == 1:
            return allowed
        target = self._context.related.target(module, key)
        beyond = self._context.access(target)
        inner = all_of([beyond.reach("view"), self.readable_where(target, path[1:])])
        return all_of([allowed, Through(key, inner)])

    def require_readable(self, module: ModuleKey, names: Path) -> None:
        """Refuse a field that the actor may not read, before anything else is said of it; unknown names pass."""
        try:
            path = names if names == ("tags",) else bind_path(names, module, self._context.schema)
        except InvalidInputError:
            return
        self.readable_where(module, path)

    def guarded(
        self, module: ModuleKey, criterion: Criterion, *used: Path, action: Action = "view", archived: bool = False
    ) -> Criterion:
        """Return a bound criterion joined with what the actor may reach and read.

        Args:
            module: Key of the module.
            criterion: As written; bound here.
            used: Further paths that the answer depends on, such as sort keys.
            action: What the records are wanted for.
            archived: Whether archived records count.

        Raises: InvalidInputError; PermissionDeniedError for a field that the actor may not read anywhere, or where
            the actor may not `action` in the module at all.
        """
        access = self._context.access(module)
        if not access.may(action):
            raise self._context.denied(action, module)
        expanded = expand(criterion, module, self._context.schema)  # a segment reads what its criterion reads
        for leaf in leaves(expanded):
            self.require_readable(module, path_of(leaf))
        bound = self._bound(expanded, module)
        paths = dict.fromkeys([*map(path_of, leaves(bound)), *used])
        if self._context.readings.fields:
            self._ask(module, paths, bound)
        parts: list[Criterion] = [access.reach(action)]
        parts += [self.readable_where(module, path) for path in paths]
        if not archived:
            parts.append(Not(Present(("archived_at",))))
        return all_of([*parts, bound])

    def _not_readable(self, module: ModuleKey, key: FieldKey) -> PermissionDeniedError:
        problem = Problem("field_not_readable", key)
        return PermissionDeniedError([self._context.module(module).labelled(problem)])

    def _bound(self, criterion: Criterion, module: ModuleKey) -> Criterion:
        try:
            return self._context.bind_search(criterion, module)
        except InvalidInputError as error:
            problems = list(map(self._context.module(module).labelled, error.problems))
        raise InvalidInputError(problems)

    def _ask(self, module: ModuleKey, paths: Iterable[Path], criterion: Criterion) -> None:
        """Take down a question about fields of which it is logged who reads them."""
        for path in paths:
            owner = module if len(path) == 1 else self._context.related.target(module, path[0])
            self._context.readings.ask(owner, path[-1:], criterion)

    # --- find

    def record(self, module: ModuleKey, record_id: str, *actions: Action) -> tuple[Record, Verdict]:
        """Return a record and the verdict on it. Raises: NotFoundError where none of `actions` is allowed on it."""
        key = record_key(record_id)
        record = self._context.unit.records.get(module, [key]).get(key)
        if record is None:
            raise self._context.missing(module)
        verdict = self._context.verdict(record)
        if verdict.actions.isdisjoint(actions or ("view",)):
            raise self._context.missing(module)
        return record, verdict

    def find(
        self,
        module: ModuleKey,
        criterion: Criterion,
        order_by: Sequence[str],
        limit: int | None,
        after: str | None,
        *,
        archived: bool = False,
    ) -> Page:
        """Return a page of views."""
        order = tuple(self._order(module, name) for name in order_by)
        guarded = self.guarded(module, criterion, *(item.path for item in order), archived=archived)
        positions = Positions(self._context, module, order)
        position = None if after is None else positions.read(after)
        query = Query(module, guarded, order, None if limit is None else limit + 1, position)
        records = self._context.unit.queries.find(query)
        shown = records[:limit]
        self._context.related.prefetch(shown)
        token = positions.token(shown[-1]) if len(records) > len(shown) else None
        return Page(tuple(self._views(shown)), token)

    def stream(
        self,
        module: ModuleKey,
        criterion: Criterion,
        order_by: Sequence[str] = (),
        *,
        action: Action = "view",
        size: int = _PAGE,
    ) -> Iterator[Record]:
        """Yield the records themselves, page by page, for the library's own use."""
        order = tuple(self._order(module, name) for name in order_by)
        guarded = self.guarded(module, criterion, *(item.path for item in order), action=action)
        position: tuple[Any, ...] | None = None
        while True:
            records = self._context.unit.queries.find(Query(module, guarded, order, size, position))
            with self._context.related.passing():
                self._context.related.prefetch(records)
                yield from records
                if len(records) < size:
                    return
                position = Positions(self._context, module, order).of(records[-1])

    def search(self, module: ModuleKey, text: str, criterion: Criterion, limit: int | None, after: str | None) -> Page:
        """Return a page of the records whose titles mention a text, in the order of the titles."""
        title = self._context.module(module).definition.title_field
        if title is None:
            raise InvalidInputError([Problem("unknown_operator", params={"kind": module, "operator": "search"})])
        return self.find(module, all_of([Mentions((title,), text), criterion]), (title,), limit, after)

    def views(self, module: ModuleKey, criterion: Criterion, order_by: Sequence[str]) -> Iterator[RecordView]:
        """Yield views one by one, in memory that does not grow with them; a reading is logged for each page."""
        records = self.stream(module, criterion, order_by)
        while True:
            with self._context.readings.verb("iterate"):
                page = list(self._views(list(islice(records, _PAGE))))
            yield from page
            if len(page) < _PAGE:
                return

    def _views(self, records: Sequence[Record]) -> Iterator[RecordView]:
        """Yield views of records; the keyring is told of the values that they show hundreds at a time."""
        if not self._context.sealer.unwraps_ahead:
            yield from map(self.view, records)
            return
        for start in range(0, len(records), _OPENED_AT_ONCE):
            part = records[start : start + _OPENED_AT_ONCE]
            verdicts = list(map(self._context.verdict, part))
            self._context.sealer.unwrap_ahead(
                (record, sealed_keys(record, (*verdict.readable, *verdict.masked)))
                for record, verdict in zip(part, verdicts, strict=True)
                if "view" in verdict.actions
            )
            yield from map(self.view, part, verdicts)

    def definition(self, module: ModuleKey, path: Path) -> FieldDefinition | None:
        """Return the definition at the end of a path."""
        return self._owner(module, path).definition.fields.get(path[-1])

    def unfit(self, module: ModuleKey, path: Path, kind: str, operator: str) -> InvalidInputError:
        """Return that the field at the end of a path, which is of `kind`, can't be asked this."""
        problem = Problem("unknown_operator", path[-1], params={"kind": kind, "operator": operator})
        named = self._owner(module, path).labelled(problem)
        return InvalidInputError([attrs.evolve(named, field=".".join(path))])

    def _owner(self, module: ModuleKey, path: Path) -> ModuleSchema:
        return self._context.module(module if len(path) == 1 else self._context.related.target(module, path[0]))

    def _order(self, module: ModuleKey, name: str) -> Order:
        descending = name.startswith("-")
        path = bind_path(name.removeprefix("-"), module, self._context.schema)
        self.require_readable(module, path)
        definition = self.definition(module, path)
        if definition is not None and definition.encrypted:
            raise self.unfit(module, path, "encrypted", "sort")
        return Order(path, descending)

    # --- mask

    def view(self, record: Record, verdict: Verdict | None = None) -> RecordView:
        """Return what the actor may see of a record."""
        seen = self._context.verdict(record) if verdict is None else verdict
        if "view" not in seen.actions:
            seen = Verdict(seen.actions)
        self._context.versions.show(record.id, record.version)
        readable, module, stored = seen.readable, self._context.module(record.module), record.values
        # In the order of the definition: that of the record tells which values were written when.
        values = {
            key: self.reveal(record, key, stored[key], seen)
            for key in module.definition.fields
            if key in stored and (key in readable or key in seen.masked)
        }
        return RecordView(
            record.id,
            record.module,
            record.version,
            FrozenDict(values),
            record.tags if "tags" in readable else frozenset(),
            readable.union(seen.masked),
            record.owner if "owner" in readable else None,
            record.department if "department" in readable else None,
            record.created_at if "created_at" in readable else None,
            record.updated_at if "updated_at" in readable else None,
            record.archived_at if "archived_at" in readable else None,
            record.shares if "shares" in readable else frozenset(),
            module,
        )

    def reveal(
        self, record: Record, key: FieldKey, value: Any, verdict: Verdict, kinds: Mapping[FieldKey, Kind] | None = None
    ) -> Any:
        """Return a visible value as the verdict says: open, masked, or unreadable without its key.

        `kinds` are those that the fields had when the value was written, where they may have been others.
        """
        if type(value) is Sealed:
            kind = kinds.get(key) if kinds is not None else None
            try:
                value = self._context.sealer.unseal(record, key, value, kind)
            except InvalidInputError:
                return UNREADABLE
        if key in verdict.readable or value is None or value is ERASED:
            if self._context.readings.fields and value is not None and value is not ERASED:
                self._context.readings.show(record, (key,))
            return value
        text = self._context.module(record.module).render(key, value)
        return Masked(mask(verdict.masked[key], text, self._context.schema.masks))
