"""Reading the rows of an import: the short way reads columns, the long way what needs a look at the store or a key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from custinfo.core.records import CLEAR, FieldKey, ModuleKey
from custinfo.core.validation.engine import Normalised
from custinfo.workspace.context import Context
from custinfo.workspace.planned_rows import RawValues
from custinfo.workspace.referring import ReferenceReader
from custinfo.workspace.screening import TypedRows

__all__ = ["FileRow", "RowReader"]

FileRow = tuple[int, RawValues]
"""The row of the file, from 1, and its values."""


class RowReader:
    """Make rows typed as an edit by hand would be."""

    def __init__(self, context: Context, module: ModuleKey, keys: Sequence[FieldKey | None]) -> None:
        """Set up; `keys` are the fields that the columns mean, `None` for one that is left out."""
        self._keys = keys
        self._validator = context.validator(module)
        self._references = ReferenceReader(context, module)

    def raw(self, values: Sequence[object]) -> dict[FieldKey, object]:
        """Return the raw values of a row by field, without the id."""
        pairs = zip(self._keys, values, strict=False)
        return {key: value for key, value in pairs if key is not None and key != "id" and value is not None}

    def ids(self, chunk: Sequence[FileRow]) -> list[object]:
        """Return the id that each row gives."""
        if "id" not in self._keys:
            return [None] * len(chunk)
        place = self._keys.index("id")
        return [values[place] for _, values in chunk]

    def found(self, chunk: Sequence[FileRow], places: Iterable[int], typed: TypedRows) -> dict[int, Normalised]:
        """Return some rows as patches, with what is wrong in them; what was read of them already is not read again."""
        raws = {place: self.raw(chunk[place][1]) for place in places}
        known = {place: typed.normalised(place, raw) for place, raw in raws.items()}
        unknown = [place for place, item in known.items() if item is None]
        read = self._references.read([raws[place] for place in unknown])
        more = {place: self._normalised(*row) for place, row in zip(unknown, read, strict=True)}
        return {place: item if item is not None else more[place] for place, item in known.items()}

    def _normalised(self, raw: Mapping[str, object], problems: Sequence[Any]) -> Normalised:
        found = self._validator.normalise(raw)
        found.problems.extend(problems)
        return found

    def merged(
        self, typed: TypedRows, found: Mapping[int, Normalised], number: int
    ) -> Mapping[FieldKey, Sequence[Any]]:
        """Return the columns with what the long way alone could read."""
        if not typed.unread:
            return typed.columns
        columns = {key: list(typed.columns.get(key) or [None] * number) for key in self._keys if key and key != "id"}
        for place in typed.unread:
            for key, column in columns.items():
                value = found[place].patch.get(key)
                column[place] = None if value is CLEAR else value
        return columns
