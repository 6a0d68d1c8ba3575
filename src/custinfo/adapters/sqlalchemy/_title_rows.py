"""Titles in their searchable form, one by one, and many of them as columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple, Self

import attrs

from custinfo.adapters.sqlalchemy.tables import TITLE_START
from custinfo.core.names import searchable
from custinfo.core.records import FieldKey, ModuleKey, RecordId

__all__ = ["Title", "Titles", "form_of"]


def form_of(value: object) -> str:
    """Return the searchable form of a stored value; empty for none."""
    return searchable(value) if type(value) is str else ""


def _start_of(value: object) -> str:
    return value[:TITLE_START] if type(value) is str else ""


def _brief_of(form: str, start: str) -> str | None:
    if len(start) >= TITLE_START or len(form) > TITLE_START:
        return ""
    return None if form == start else form


class Title(NamedTuple):
    """One title in its searchable form, and the department of its record.

    Args:
        module: Of the record.
        record_id: Of the record.
        field: Whose value it is.
        form: What is searched.
        department: Of the record.
        start: The beginning of the title as it is written, by which titles are in order.
        brief: The form again, if it is another text; empty where there is no room for the whole title or its form.
        doc: The number that the full-text index of SQLite knows it by.
    """

    module: ModuleKey
    record_id: RecordId
    field: FieldKey
    form: str
    department: str | None = None
    start: str | None = None
    brief: str | None = None
    doc: int | None = None

    @classmethod
    def of(
        cls, module: ModuleKey, record_id: RecordId, field: FieldKey, value: object, department: str | None
    ) -> Title:
        """Return the title of a record by the stored value of the field; its form may be empty."""
        form, start = form_of(value), _start_of(value)
        return cls(module, record_id, field, form, department, start, _brief_of(form, start))


@attrs.frozen(eq=False)
class Titles:
    """Hold many titles in columns: an object for each would live just long enough to burden the garbage collector."""

    modules: Sequence[ModuleKey]
    record_ids: Sequence[RecordId]
    fields: Sequence[FieldKey]
    forms: Sequence[str]
    departments: Sequence[str | None]
    starts: Sequence[str | None]
    briefs: Sequence[str | None]

    @classmethod
    def of(cls, titles: Sequence[Title]) -> Self:
        """Return the columns of titles, at least one."""
        *columns, _ = zip(*titles, strict=True)
        return cls(*columns)

    @classmethod
    def of_field(
        cls,
        module: ModuleKey,
        field: FieldKey,
        record_ids: Sequence[RecordId],
        values: Sequence[object],
        departments: Sequence[str | None],
    ) -> Self:
        """Return the titles of one field by their stored values, without those whose form is empty."""
        forms, starts = list(map(form_of, values)), list(map(_start_of, values))
        if not all(forms):
            record_ids, departments = list(compress(record_ids, forms)), list(compress(departments, forms))
            starts, forms = list(compress(starts, forms)), list(filter(None, forms))
        briefs, count = list(map(_brief_of, forms, starts)), len(forms)
        return cls([module] * count, record_ids, [field] * count, forms, departments, starts, briefs)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.forms)
