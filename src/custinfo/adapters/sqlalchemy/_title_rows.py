"""Titles in their searchable form, one by one, and many of them as columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from typing import NamedTuple, Self

import attrs

from custinfo.core.records import FieldKey, ModuleKey, RecordId

__all__ = ["Title", "Titles"]


class Title(NamedTuple):
    """One title in its searchable form, and the department of its record.

    `doc` is the number that the full-text index of SQLite knows it by.
    """

    module: ModuleKey
    record_id: RecordId
    field: FieldKey
    form: str
    department: str | None = None
    doc: int | None = None


@attrs.frozen(eq=False)
class Titles:
    """Hold many titles in columns: an object for each would live just long enough to burden the garbage collector."""

    modules: Sequence[ModuleKey]
    record_ids: Sequence[RecordId]
    fields: Sequence[FieldKey]
    forms: Sequence[str]
    departments: Sequence[str | None]

    @classmethod
    def of(cls, titles: Sequence[Title]) -> Self:
        """Return the columns of titles, at least one."""
        modules, record_ids, fields, forms, departments, _ = zip(*titles, strict=True)
        return cls(modules, record_ids, fields, forms, departments)

    @classmethod
    def of_field(
        cls,
        module: ModuleKey,
        field: FieldKey,
        record_ids: Sequence[RecordId],
        forms: Sequence[str],
        departments: Sequence[str | None],
    ) -> Self:
        """Return the titles of one field, without those that are empty."""
        if not all(forms):
            record_ids, departments = list(compress(record_ids, forms)), list(compress(departments, forms))
            forms = list(filter(None, forms))
        return cls([module] * len(forms), record_ids, [field] * len(forms), forms, departments)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.forms)
