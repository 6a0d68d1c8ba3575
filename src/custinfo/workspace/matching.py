"""Which existing record a row of an import is about, if any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import attrs

from custinfo.core.criteria.nodes import Not, Nothing, OneOf, Present, all_of
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, ModuleKey, Record, RecordId
from custinfo.core.stored import unique_key
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context

__all__ = ["Matcher", "RowMatch", "SourceRow"]

RowKey = tuple[FieldKey, ...]
Patch = Mapping[FieldKey, Any]


class SourceRow(NamedTuple):
    """A row of the file: its number, the id in it if any, and the values that could be read."""

    number: int
    record_id: object
    patch: Patch


@attrs.frozen
class RowMatch:
    """The record that a row updates, or the one that it seems to duplicate, with the problem that says so.

    `agreed` are the fields by which the record was found: the row changes nothing there.
    """

    record_id: RecordId | None = None
    agreed: RowKey = ()
    similar: RecordId | None = None
    problems: tuple[Problem, ...] = ()


_NO_MATCH: Final = RowMatch()


class Matcher:
    """Match rows with records by id, unique fields and the module's match keys, and with earlier rows of the file.

    Only records that the actor may view are looked at, and only by fields that they may read there.
    """

    def __init__(self, context: Context, module: ModuleKey, duplicates: Literal["report", "create"]) -> None:
        self._context = context
        self._module = module
        self._schema = context.module(module)
        self._fields = self._schema.definition.fields
        self._match_keys = self._schema.definition.match_keys
        self._duplicate_keys = self._schema.definition.duplicate_keys if duplicates == "report" else ()
        self._taken: dict[RecordId, int] = {}
        unique = tuple((field.key,) for field in self._schema.unique_fields)
        self._seen: dict[RowKey, dict[tuple[Any, ...], int]] = {
            key: {} for key in (*self._match_keys, *unique, *self._duplicate_keys)
        }

    def match(self, rows: Sequence[SourceRow]) -> list[RowMatch]:
        """Return what each row is about; rows of earlier calls count as seen."""
        patches = [row.patch for row in rows]
        stored = {key: self._stored(key, patches) for key in (*self._match_keys, *self._duplicate_keys)}
        ids = self._by_id([str(row.record_id) for row in rows if row.record_id is not None])
        return [self._taken_once(row, self._one(row, stored, ids)) for row in rows]

    def _taken_once(self, row: SourceRow, match: RowMatch) -> RowMatch:
        """Let one row only be about a record: a second one, found by another key, repeats it."""
        if match.record_id is None:
            return match
        earlier = self._taken.setdefault(match.record_id, row.number)
        if earlier == row.number:
            return match
        return RowMatch(similar=match.record_id, problems=(self._repetition(match.agreed or ("id",), earlier),))

    def _one(
        self,
        row: SourceRow,
        stored: Mapping[RowKey, Mapping[tuple[Any, ...], RecordId]],
        ids: Mapping[str, RecordId],
    ) -> RowMatch:
        patch, record_id = row.patch, row.record_id
        repeated = self._repeated(row)
        if repeated is not None:
            return RowMatch(problems=(repeated,))
        if record_id is not None:
            found = ids.get(str(record_id))
            return RowMatch(found) if found else RowMatch(problems=(Problem("not_found", "id", params={"what": "id"}),))
        for key in self._match_keys:
            values = _values(patch, key)
            if values is not None and values in stored[key]:
                return RowMatch(stored[key][values], key)
        for key in self._duplicate_keys:
            values = _values(patch, key)
            if values is not None and values in stored[key]:
                return RowMatch(similar=stored[key][values], problems=(Problem("duplicate_in_store", key[0]),))
        return _NO_MATCH

    def _repeated(self, row: SourceRow) -> Problem | None:
        """Return the problem of a row that repeats an earlier one, and remember the row."""
        first: Problem | None = None
        for key, seen in self._seen.items():
            values = _values(row.patch, key)
            if values is None:
                continue
            earlier = seen.setdefault(values, row.number)
            if earlier != row.number and first is None:
                first = self._repetition(key, earlier)
        return first

    def _repetition(self, key: RowKey, earlier: int) -> Problem:
        label = "、".join(self._schema.label(item, self._schema.context.language) for item in key)
        return Problem("duplicate_in_file", key[0], params={"row": earlier, "field_label": label})

    # --- the store

    def _by_id(self, texts: Sequence[str]) -> dict[str, RecordId]:
        wanted = [RecordId(text.strip().lower()) for text in texts]
        found = self._context.unit.records.get(self._module, wanted) if wanted else {}
        return {
            text: key
            for text, key in zip(texts, wanted, strict=True)
            if key in found and self._seen_by_actor(found[key])
        }

    def _seen_by_actor(self, record: Record) -> bool:
        return "view" in self._context.verdict(record).actions

    def _stored(self, key: RowKey, patches: Sequence[Patch]) -> dict[tuple[Any, ...], RecordId]:
        """Return values of a key → the live record that has them, for the rows at hand."""
        wanted = {values for patch in patches if (values := _values(patch, key)) is not None}
        if not wanted:
            return {}
        if len(key) == 1 and self._fields[key[0]].unique:
            return self._holders(key[0], wanted)
        return self._similar(key, wanted)

    def _holders(self, key: FieldKey, wanted: set[tuple[Any, ...]]) -> dict[tuple[Any, ...], RecordId]:
        field = self._fields[key]
        texts: dict[str, tuple[Any, ...]] = {}
        for values in wanted:
            value = values[0]
            if field.encrypted:
                if self._context.keyring is None:
                    continue
                value = self._context.seal(field, RecordId(""), self._module, value)
            text = unique_key(self._schema, key, value)
            if text is not None:
                texts[text] = values
        holders = self._context.unit.records.holders(self._module, key, texts.keys())
        records = self._context.unit.records.get(self._module, set(holders.values())) if holders else {}
        return {
            texts[text]: record_id
            for text, record_id in holders.items()
            if key in self._context.verdict(records[record_id]).readable
        }

    def _similar(self, key: RowKey, wanted: set[tuple[Any, ...]]) -> dict[tuple[Any, ...], RecordId]:
        access = self._context.access(self._module)
        readable = [access.readable_where(item) for item in key]
        if any(isinstance(item, Nothing) for item in readable):
            return {}
        among = OneOf((key[0],), tuple(sorted({values[0] for values in wanted}, key=str)))
        live = Not(Present(("archived_at",)))
        query = Query(self._module, all_of([access.reach("view"), *readable, live, among]))
        found: dict[tuple[Any, ...], RecordId] = {}
        for record in self._context.unit.queries.find(query):
            values = _values(record.values, key)
            if values in wanted and values is not None:
                found.setdefault(values, record.id)
        return found


def _values(patch: Patch, key: RowKey) -> tuple[Any, ...] | None:
    """Return the values of a key, or `None` where one of them is missing."""
    values = tuple(map(patch.get, key))
    return None if None in values or CLEAR in values else values
