"""Naming other records as people do: by title or by a unique value, where the text is no id (FLD-2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from custinfo.core.criteria.nodes import Not, Nothing, OneOf, Present, all_of
from custinfo.core.kinds import INVALID
from custinfo.core.policy.access import NO_ACCESS
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, RecordId
from custinfo.core.stored import unique_keys
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context

__all__ = ["ReferenceReader", "Row"]

Row = tuple[Mapping[str, object], list[Problem]]
"""Raw values by field name, and what is wrong with the references in them."""

_LONGEST = 500


class ReferenceReader:
    """Replace what people write for a record by its id, for many rows at once.

    Only records that the actor may view are found, and only by fields that they may read there: what else there is does
    not exist. A text that names nothing stays, and is refused like a wrong id.
    """

    def __init__(self, context: Context, module: ModuleKey) -> None:
        self._context = context
        self._schema = context.module(module)
        self._targets = dict(self._schema.reference_fields)

    def read(self, rows: Sequence[Mapping[str, object]]) -> list[Row]:
        """Return the rows with ids for titles; one that names several records is a problem, and left out."""
        texts: dict[ModuleKey, dict[str, None]] = {}
        found: list[dict[str, tuple[FieldKey, ModuleKey, str]]] = []
        for row in rows:
            named = self._named(row) if self._targets else {}
            found.append(named)
            for _, target, text in named.values():
                texts.setdefault(target, {})[text] = None
        known = {target: self.named(target, list(wanted)) for target, wanted in texts.items()}
        return [self._replaced(row, named, known) for row, named in zip(rows, found, strict=True)]

    def _named(self, row: Mapping[str, object]) -> dict[str, tuple[FieldKey, ModuleKey, str]]:
        """Return the names under which a row has a reference that is no id: field, target, text."""
        named = {}
        for name, value in row.items():
            key = name if name in self._targets else self._schema.resolve(str(name))
            if key is not None and isinstance(value, str) and self.is_name(key, value):
                named[name] = (key, self._targets[key], value.strip())
        return named

    def is_name(self, key: FieldKey, text: str) -> bool:
        """Tell whether a text in a field is sought as a name: in a reference, where it is no id."""
        parse = self._schema.parsers.get(key) if key in self._targets else None
        return parse is not None and 0 < len(text.strip()) <= _LONGEST and parse(text, []) is INVALID

    def _replaced(
        self,
        row: Mapping[str, object],
        named: Mapping[str, tuple[FieldKey, ModuleKey, str]],
        known: Mapping[ModuleKey, Mapping[str, set[RecordId]]],
    ) -> Row:
        if not named:
            return row, []
        values, problems = dict(row), []
        for name, (key, target, text) in named.items():
            ids = known[target].get(text, set())
            if len(ids) == 1:
                values[name] = next(iter(ids))
            elif ids:
                del values[name]
                problems.append(Problem("ambiguous_reference", key, params={"module": self._context.named(target)}))
        return values, problems

    def named(self, target: ModuleKey, texts: Sequence[str]) -> dict[str, set[RecordId]]:
        """Return text → the records of a module that it names: by title, or else by a unique field."""
        found: dict[str, set[RecordId]] = {}
        title = self._context.module(target).definition.title_field
        if title is not None:
            for text, record_id in self._titled(target, title, texts):
                found.setdefault(text, set()).add(record_id)
        for text, record_id in self._unique(target, [text for text in texts if text not in found]):
            found.setdefault(text, set()).add(record_id)
        return found

    def _titled(self, target: ModuleKey, title: FieldKey, texts: Sequence[str]) -> Iterable[tuple[str, RecordId]]:
        access, schema = self._context.access(target), self._context.module(target)
        readable = access.readable_where(title)
        typed = self._typed(target, title, texts)
        if isinstance(readable, Nothing) or schema.definition.fields[title].encrypted or not typed:
            return
        among = OneOf((title,), tuple(typed))
        live = Not(Present(("archived_at",)))
        query = Query(target, all_of([access.reach("view"), readable, live, among]))
        for record in self._context.unit.queries.find(query):
            for text in typed[record.values[title]]:
                yield text, record.id

    def _unique(self, target: ModuleKey, texts: Sequence[str]) -> Iterable[tuple[str, RecordId]]:
        schema = self._context.module(target)
        for field in schema.unique_fields:
            if field.encrypted or field.retired or not texts:
                continue
            keys = {
                text: written
                for value, written in self._typed(target, field.key, texts).items()
                for text in unique_keys(schema, field.key, value)
            }
            holders = self._context.unit.records.holders(target, field.key, keys)
            records = self._context.unit.records.get(target, set(holders.values())) if holders else {}
            for value, holder in holders.items():
                record = records.get(holder)  # it may be gone in between
                verdict = NO_ACCESS if record is None else self._context.verdict(record)
                if "view" in verdict.actions and field.key in verdict.readable:
                    yield from ((text, holder) for text in keys[value])

    def _typed(self, target: ModuleKey, key: FieldKey, texts: Sequence[str]) -> dict[object, list[str]]:
        """Return the values of a field that texts come to, with the texts; others are left out."""
        parse = self._context.module(target).parsers.get(key)
        typed: dict[object, list[str]] = {}
        for text in texts if parse is not None else ():
            value = parse(text, []) if parse is not None else None
            if value is not None and value is not INVALID:
                typed.setdefault(value, []).append(text)
        return typed
