"""Rows of further sheets that name a stored record, as an export has them: they may say what is stored, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, RecordId
from custinfo.core.validation.engine import Normalised
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft
from custinfo.workspace.mistakes import record_key
from custinfo.workspace.shown_again import without_what_is_shown
from custinfo.workspace.writing import WritePath

__all__ = ["known_records", "problems_of_stored"]

Raw = Mapping[FieldKey, object]


def known_records(context: Context, module: ModuleKey, ids: Sequence[object]) -> dict[int, RecordId]:
    """Return which rows name a record that the actor may view, by their place; `ids` are what stands in them."""
    texts = {place: record_key(text.strip().lower()) for place, text in enumerate(ids) if isinstance(text, str)}
    stored = context.unit.records.get(module, set(texts.values())) if texts else {}
    seen = {key for key, record in stored.items() if "view" in context.verdict(record).actions}
    return {place: key for place, key in texts.items() if key in seen}


def problems_of_stored(
    context: Context,
    module: ModuleKey,
    rows: Mapping[int, tuple[RecordId, Normalised]],
    raw: Callable[[int], Raw],
) -> dict[int, list[Problem]]:
    """Return what is wrong with rows about stored records: nothing where an edit of the record would change nothing.

    Args:
        context: The session's.
        module: Key of the module.
        rows: Row → the record that it is about, and its values.
        raw: Return the raw values of a row.
    """
    said = {place: item for place, (_, item) in rows.items()} | without_what_is_shown(context, module, rows, raw)
    drafts = [Draft("update", module, rows[place][0], item.patch, typed=True) for place, item in said.items()]
    prepared = WritePath(context, channel="import").prepare(drafts)
    found = {}
    for (place, item), change in zip(said.items(), prepared, strict=True):
        errors = [problem for problem in item.problems if problem.severity == "error"]
        found[place] = errors or ([Problem("related_changed")] if change.changed else [])
    return found
