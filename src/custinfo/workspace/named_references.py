"""Writing references as people name the records, so that whoever reads the text finds the record again (XLS-6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.workspace.context import Context
from custinfo.workspace.gating import Gate
from custinfo.workspace.referring import ReferenceReader

__all__ = ["NamedReferences"]

_NEEDED: Final = frozenset({"view", "export"})


class NamedReferences:
    """Replace ids by titles, for many records at once.

    A title stands only for a record that the actor may view and export, whose title they may read, and to whom it names
    this record alone; and only where neither sensitivity nor a flow on exports guards titles. All others stay ids.
    """

    def __init__(self, context: Context, module: ModuleKey) -> None:
        self._context = context
        self._reader = ReferenceReader(context, module)
        targets = dict(context.module(module).reference_fields)
        self._titles = {key: (target, title) for key, target in targets.items() if (title := self._title(target))}

    def of(self, key: FieldKey, ids: Sequence[Any]) -> list[Any]:
        """Return the values of a field, with titles in place of ids; what is no id stays as it is."""
        if key not in self._titles:
            return list(ids)
        target, title = self._titles[key]
        wanted = {RecordId(value) for value in ids if isinstance(value, str)}
        records = self._context.unit.records.get(target, wanted)
        titles = {record.id: str(record.values[title]) for record in self._shown(records.values(), title)}
        found = self._reader.named(target, list(dict.fromkeys(titles.values())))
        named: dict[Any, str] = {
            record_id: text
            for record_id, text in titles.items()
            if found.get(text) == {record_id} and self._reader.is_name(key, text)
        }
        return [named.get(value, value) for value in ids]

    def _title(self, target: ModuleKey) -> FieldKey | None:
        definition = self._context.module(target).definition
        field = definition.fields.get(definition.title_field or "")
        if field is None or field.encrypted or field.retired or field.sensitivity == "sensitive":
            return None
        return field.key if Gate(self._context).export(target, {field.key}) is None else None

    def _shown(self, records: Iterable[Record], title: FieldKey) -> Iterator[Record]:
        for record in records:
            verdict = self._context.verdict(record)
            if verdict.actions >= _NEEDED and title in verdict.readable and title in record.values:
                yield record
