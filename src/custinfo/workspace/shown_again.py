"""What an export shows in place of a value, when it comes back: it is no value, and asks for nothing.

That is a mask, and the beginning of a text that is too long for a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from custinfo.core.policy.access import Verdict
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, Masked, ModuleKey, Record, RecordId
from custinfo.core.text import LONGEST_CELL
from custinfo.core.validation.engine import Normalised
from custinfo.workspace.context import Context
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.sealing import sealed_keys

__all__ = ["without_what_is_shown"]

Raw = Mapping[FieldKey, object]

_TRIMMED: Final = 64
"""Blanks that reading may have taken off the end."""

_MAY_BE_CUT: Final = (LONGEST_CELL - _TRIMMED) // 2


@attrs.frozen
class _Shown:
    """A record as the actor sees it."""

    context: Context
    record: Record
    verdict: Verdict

    def text(self, key: FieldKey) -> str | None:
        """Return what an export shows of a field, `None` for nothing."""
        value = self.record.values.get(key)
        if value is None or not (key in self.verdict.readable or key in self.verdict.masked):
            return None
        shown = ReadPath(self.context).reveal(self.record, key, value, self.verdict)
        return shown.text if isinstance(shown, Masked) else self.context.module(self.record.module).render(key, shown)

    def shows(self, key: FieldKey, value: object) -> bool:
        """Tell whether a value is what an export shows of a field, and is known, or has to be taken, for a mask."""
        text = value.text if isinstance(value, Masked) else value if key in self.verdict.masked else None
        return isinstance(text, str) and text.strip() == (self.text(key) or "").strip()

    def begins(self, key: FieldKey, text: str) -> bool:
        """Tell whether a text that fills a cell is the beginning of a longer one."""
        value = self.record.values.get(key)
        longer = isinstance(value, str) and len(value) > len(text) and value.startswith(text)
        return longer and key in self.verdict.readable


def without_what_is_shown(
    context: Context,
    module: ModuleKey,
    rows: Mapping[int, tuple[RecordId, Normalised]],
    raw: Callable[[int], Raw],
) -> dict[int, Normalised]:
    """Return what rows ask for, without what their records show to the actor in place of a value.

    Nobody learns by it what they do not see. Any other text that is a mask is refused, as it was; in a style of the
    host's own a mask is known by what the record shows alone.

    Args:
        context: The session's.
        module: Key of the module.
        rows: Row → the record that it is about, and what it asks for.
        raw: Return the raw values of a row.
    """
    partly = context.access(module).masked_fields()
    odd = {
        place: row
        for place, row in rows.items()
        if any(map(_is_mask, row[1].problems)) or any(_long(row[1])) or not partly.isdisjoint(raw(place))
    }
    records = context.unit.records.get(module, {row[0] for row in odd.values()}) if odd else {}
    context.sealer.unwrap_ahead((record, sealed_keys(record, partly)) for record in records.values())
    found = {}
    for place, (record_id, normalised) in odd.items():
        record = records.get(record_id)
        if record is not None and "view" in (verdict := context.verdict(record)).actions:
            found[place] = _left(_Shown(context, record, verdict), normalised, raw(place))
    return found


def _left(shown: _Shown, normalised: Normalised, raw: Raw) -> Normalised:
    masks = {key for key, value in raw.items() if shown.shows(key, value)}
    problems = [problem for problem in normalised.problems if problem.field not in masks]
    cut = {key for key, text in _long(normalised) if shown.begins(key, text)}
    problems += [Problem("text_cut", key, severity="notice") for key in sorted(cut)]
    left = cut | masks
    return Normalised({key: value for key, value in normalised.patch.items() if key not in left}, problems)


def _is_mask(problem: Problem) -> bool:
    return problem.code == "masked_value"


def _long(normalised: Normalised) -> Iterator[tuple[FieldKey, str]]:
    """Yield the texts that fill a cell."""
    for key, value in normalised.patch.items():
        if (
            type(value) is str
            and len(value) >= _MAY_BE_CUT
            and len(value.encode("utf-16-le")) >= 2 * (LONGEST_CELL - _TRIMMED)
        ):
            yield key, value
