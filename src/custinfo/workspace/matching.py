"""Which existing record a row of an import is about, if any."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from custinfo.core.criteria.nodes import Not, Nothing, OneOf, Present, all_of
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.stored import unique_keys
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context
from custinfo.workspace.mistakes import record_key
from custinfo.workspace.resembling import Resemblance
from custinfo.workspace.resembling_rows import RowLikeness

__all__ = ["MatchOptions", "Matcher", "RowMatch", "SourceRows"]

_LIST: Final = 500
"""So many values are looked up at a time: stores have an index for a list of that length."""

_BETWEEN: Final = {"zh": "、"}
"""What stands between the labels of a list, by language."""

RowKey = tuple[FieldKey, ...]
Values = tuple[Any, ...]


@attrs.frozen(eq=False)
class SourceRows:
    """Rows of the file: their numbers, the ids in them if any, and in columns the values that could be read.

    `wrong` are the places of those that will be rejected: nobody asks what else they resemble.
    """

    numbers: Sequence[int]
    ids: Sequence[object]
    columns: Mapping[FieldKey, Sequence[Any]]
    wrong: Collection[int] = frozenset()

    def values(self, key: RowKey) -> list[Values | None]:
        """Return the values of a key for each row, `None` where one of them is missing."""
        columns = [self.columns.get(item) for item in key]
        if None in columns:
            return [None] * len(self.numbers)
        rows = zip(*(column for column in columns if column is not None), strict=True)
        if len(key) == 1:
            return [None if values[0] is None else values for values in rows]
        return [None if None in values else values for values in rows]


@attrs.frozen
class RowMatch:
    """The record that a row updates, or the one that it seems to duplicate, with the problem that says so.

    `agreed` are the fields by which the record was found: the row changes nothing there. With `problems`, the row comes
    to `outcome`, whatever else there is to say of it.
    """

    record_id: RecordId | None = None
    agreed: RowKey = ()
    similar: RecordId | None = None
    problems: tuple[Problem, ...] = ()
    outcome: Literal["duplicate", "skip", "conflict", "unchanged"] = "duplicate"
    resemblance: Resemblance | None = None


@attrs.frozen
class MatchOptions:
    """Say by which keys rows find records, and what becomes of those that do, or do not.

    Args:
        mode: What rows may do; those that would do something else are skipped.
        keys: By which fields a row finds the record that it is about.
        duplicates: Whether rows that look like a record of another key are only reported, or created; `exact` reports
            those alone that agree with it in all fields of a duplicate key.
    """

    mode: Literal["upsert", "create", "update"]
    keys: tuple[RowKey, ...]
    duplicates: Literal["report", "exact", "create"]


class Matcher:
    """Match rows with records by id, unique fields and the module's match keys, and with earlier rows of the file.

    Only records that the actor may view are looked at, and only by fields that they may read there.
    """

    def __init__(self, context: Context, module: ModuleKey, options: MatchOptions) -> None:
        self._context = context
        self._module = module
        self._schema = context.module(module)
        self._fields = self._schema.definition.fields
        self._match_keys = options.keys
        self._duplicate_keys = self._schema.definition.duplicate_keys if options.duplicates != "create" else ()
        self._mode = options.mode
        skipped = Problem("skipped_new", severity="notice")
        self.unmatched: RowMatch = (
            RowMatch(problems=(skipped,), outcome="skip") if self._mode == "update" else RowMatch()
        )
        self._taken: dict[RecordId, int] = {}
        self._alone = not context.unit.queries.count(Query(module, limit=1))
        similar = options.duplicates == "report" and self._mode != "update"
        self._likeness = RowLikeness(context, module, alone=self._alone) if similar else None
        self.held: dict[int, RecordId] = {}
        self.records: dict[RecordId, Record] = {}
        self._sought = frozenset((*self._match_keys, *self._duplicate_keys))
        unique = tuple((field.key,) for field in self._schema.unique_fields)
        self._seen: dict[RowKey, dict[Any, int]] = {
            key: {} for key in (*self._match_keys, *unique, *self._duplicate_keys)
        }

    def match(self, rows: SourceRows) -> dict[int, RowMatch]:
        """Return what rows are about, by their place in `rows`: those that are about nothing are left out.

        Rows of earlier calls count as seen. Afterwards `held` are the places of rows with a unique value that some live
        record has, whoever may know of it, each with that record; `records` are those that were read on the way, among
        them all that rows are about.
        """
        self.records = {}
        matches = {
            place: RowMatch(problems=(self._repetition(key, earlier),))
            for place, (key, earlier) in self._repeated(rows).items()
        }
        ids = self._by_id([str(record_id) for record_id in rows.ids if record_id is not None])
        for place, record_id in enumerate(rows.ids):
            if record_id is not None and place not in matches:
                found = ids.get(str(record_id))
                problem = Problem("not_found", "id", params={"what": "id"})
                matches[place] = RowMatch(found) if found else RowMatch(problems=(problem,))
        self.held = {}
        if not self._alone:
            for key in self._seen:
                self._look_up(key, rows.values(key), matches)
        taken = {place: self._taken_once(rows.numbers[place], matches[place]) for place in sorted(matches)}
        if self._likeness is not None:
            taken |= self._resembling(self._likeness, rows, taken)
        return {place: self._within_mode(match) for place, match in taken.items()}

    def _look_up(self, key: RowKey, rows: Sequence[Values | None], matches: dict[int, RowMatch]) -> None:
        """Add the rows that agree in a key with a record, and those that agree by it with another than before."""
        for place, record_id in self._found(key, rows, matches):
            known = matches.get(place)
            if known is None:
                matches[place] = self._agreeing(key, record_id)
            elif key in self._match_keys and known.agreed and known.record_id != record_id:
                problem = Problem("matches_several", key[0], params={"field_label": self._label(known.agreed)})
                matches[place] = RowMatch(similar=record_id, problems=(problem,), outcome="conflict")

    def _resembling(
        self, likeness: RowLikeness, rows: SourceRows, taken: Mapping[int, RowMatch]
    ) -> dict[int, RowMatch]:
        """Return the rows that share no key with any other row or record, and yet are likely about the same."""
        free = [place for place in range(len(rows.numbers)) if place not in taken and place not in rows.wrong]
        return {
            place: RowMatch(similar=found.record_id, problems=(likeness.problem(found),), resemblance=found)
            for place, found in likeness.found(rows.numbers, rows.columns, free).items()
        }

    def _within_mode(self, match: RowMatch) -> RowMatch:
        """Skip a row that would do what the import is not to do."""
        if self._mode == "create" and match.record_id is not None:
            problems = (Problem("skipped_existing", (match.agreed or ("id",))[0], severity="notice"),)
            return attrs.evolve(match, problems=problems, outcome="skip")
        if self._mode == "update" and any(problem.code == "duplicate_in_store" for problem in match.problems):
            return self.unmatched
        return match

    def _agreeing(self, key: RowKey, record_id: RecordId) -> RowMatch:
        if key in self._match_keys:
            return RowMatch(record_id, key)
        return RowMatch(similar=record_id, problems=(Problem("duplicate_in_store", key[0]),))

    def _taken_once(self, number: int, match: RowMatch) -> RowMatch:
        """Let one row only be about a record: a second one, found by another key, repeats it."""
        if match.record_id is None:
            return match
        earlier = self._taken.setdefault(match.record_id, number)
        if earlier == number:
            return match
        return RowMatch(similar=match.record_id, problems=(self._repetition(match.agreed or ("id",), earlier),))

    def _repeated(self, rows: SourceRows) -> dict[int, tuple[RowKey, int]]:
        """Return the rows that repeat an earlier one: by which key, and which row; and remember all of them."""
        repeated: dict[int, tuple[RowKey, int]] = {}
        for key, seen in self._seen.items():
            # No tuple is kept for a single value.
            values = rows.columns.get(key[0], ()) if len(key) == 1 else rows.values(key)
            new = dict(zip(values, rows.numbers, strict=False))
            if len(new) == len(values) and None not in new and seen.keys().isdisjoint(new):
                seen.update(new)  # as in most files
                continue
            for place, value in enumerate(values):
                if value is not None:
                    earlier = seen.setdefault(value, rows.numbers[place])
                    if earlier != rows.numbers[place]:
                        repeated.setdefault(place, (key, earlier))
        return repeated

    def _repetition(self, key: RowKey, earlier: int) -> Problem:
        return Problem("duplicate_in_file", key[0], params={"row": earlier, "field_label": self._label(key)})

    def _label(self, key: RowKey) -> Translated:
        """Return what people call the fields of a key, in every language that the module speaks."""
        labels = (*self._schema.definition.label, "zh", "en")
        texts = {
            language: _BETWEEN.get(language, ", ").join(self._schema.label(item, language) for item in key or ("id",))
            for language in dict.fromkeys(labels)
        }
        return Translated(texts, self._schema.context.language)

    # --- the store

    def _by_id(self, texts: Sequence[str]) -> dict[str, RecordId]:
        wanted = [record_key(text.strip().lower()) for text in texts]
        found = self._read(wanted)
        return {
            text: key
            for text, key in zip(texts, wanted, strict=True)
            if key in found and self._seen_by_actor(found[key])
        }

    def _read(self, record_ids: Collection[RecordId]) -> Mapping[RecordId, Record]:
        """Return records, and remember them."""
        missing = [key for key in record_ids if key not in self.records]
        if missing:
            self.records.update(self._context.unit.records.get(self._module, missing))
        return self.records

    def _seen_by_actor(self, record: Record) -> bool:
        return "view" in self._context.verdict(record).actions

    def _found(
        self, key: RowKey, rows: Sequence[Values | None], matches: Mapping[int, RowMatch]
    ) -> Iterator[tuple[int, RecordId]]:
        """Yield the rows whose values of a key a live record has, with that record.

        What is told of a row already is looked up again only where another record would clash.
        """
        if len(key) == 1 and self._fields[key[0]].unique:
            holders = self._holders(key[0], {values for values in rows if values is not None})
            self.held.update({place: holders[item] for place, item in enumerate(rows) if item in holders})
            stored = self._readable(key[0], holders) if key in self._sought else {}
        else:
            rows = [None if self._is_told(key, matches.get(place)) else item for place, item in enumerate(rows)]
            stored = self._similar(key, {values for values in rows if values is not None})
        if stored:
            yield from ((place, stored[values]) for place, values in enumerate(rows) if values in stored)

    def _is_told(self, key: RowKey, match: RowMatch | None) -> bool:
        """Tell whether a record that agrees in a key changes nothing for a row."""
        return match is not None and not (key in self._match_keys and match.agreed)

    def _holders(self, key: FieldKey, wanted: set[Values]) -> dict[Values, RecordId]:
        """Return values of a unique field → the live record that has them."""
        field = self._fields[key]
        texts: dict[str, Values] = {}
        for values in wanted:
            value = values[0]
            if field.encrypted:
                if self._context.keyring is None:
                    continue
                found = self._context.sealer.blind_indexes(field, self._module, value)
            else:
                found = unique_keys(self._schema, key, value)
            texts.update(dict.fromkeys(found, values))
        holders = self._context.unit.records.holders(self._module, key, texts.keys())
        return {texts[text]: record_id for text, record_id in holders.items()}

    def _readable(self, key: FieldKey, holders: Mapping[Values, RecordId]) -> dict[Values, RecordId]:
        """Return the holders whose value of a unique field the actor may read."""
        records = self._read(set(holders.values()))
        return {
            values: record_id
            for values, record_id in holders.items()
            if record_id in records and key in self._context.verdict(records[record_id]).readable
        }

    def _similar(self, key: RowKey, wanted: set[Values]) -> dict[Values, RecordId]:
        """Return the values that a live record has, with the first such record; those that were read are not again."""
        if not wanted:
            return {}
        known = {
            record_id: record for record_id, record in self.records.items() if _values(record.values, key) in wanted
        }
        self.records.update((record.id, record) for record in self._unread(key, wanted, known))
        found: dict[Values, RecordId] = {}
        for record_id, record in sorted(self.records.items()):
            values = _values(record.values, key)
            if values is not None and values in wanted and self._is_open(key, record):
                found.setdefault(values, record_id)
        return found

    def _unread(self, key: RowKey, wanted: set[Values], known: Mapping[RecordId, Record]) -> Iterator[Record]:
        """Yield the records that may agree in a key, but for those that are known to."""
        access = self._context.access(self._module)
        readable = [access.readable_where(item) for item in key]
        if any(isinstance(item, Nothing) for item in readable):
            return
        open_ = [access.reach("view"), *readable, Not(Present(("archived_at",)))]
        values = sorted({values[0] for values in wanted}, key=str)
        for start in range(0, len(values), _LIST):
            listed = dict.fromkeys(values[start : start + _LIST])
            mine = sorted(item for item, record in known.items() if record.values[key[0]] in listed)
            others = [Not(OneOf(("id",), tuple(mine)))] if mine else []
            criterion = all_of([*open_, OneOf((key[0],), tuple(listed)), *others])
            yield from self._context.unit.queries.find(Query(self._module, criterion))

    def _is_open(self, key: RowKey, record: Record) -> bool:
        """Tell whether a record is live, and the actor may know what it has in the fields of a key."""
        verdict = self._context.verdict(record)
        return record.archived_at is None and "view" in verdict.actions and verdict.readable.issuperset(key)


def _values(values: Mapping[FieldKey, Any], key: RowKey) -> Values | None:
    """Return the values of a key, or `None` where one of them is missing."""
    found = tuple(map(values.get, key))
    return None if None in found else found
