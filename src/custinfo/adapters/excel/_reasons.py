"""Why a row was not taken over, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from custinfo.core.problems import Problem
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.planned_rows import PlannedRow

__all__ = ["MOST_COMMENTS", "Reasons", "reasons_of"]

MOST_COMMENTS: Final = 2000
"""More make a workbook slow to open."""


@attrs.frozen
class Reasons:
    """Hold the reasons of a row as one text, and those about a cell by its column."""

    text: str
    cells: Mapping[int, list[str]]


def reasons_of(row: PlannedRow, schema: ModuleSchema, language: str, sheet: str) -> Reasons:
    """Return why a row of a sheet was not taken over; what is about a row of another sheet says which one."""
    errors = [problem for problem in row.problems if problem.severity == "error"]
    cells: dict[int, list[str]] = {}
    for problem in errors:
        if problem.place is not None and problem.place.column is not None and problem.place.sheet in (sheet, None):
            cells.setdefault(problem.place.column, []).append(_message(problem, schema, language))
    texts = dict.fromkeys(_elsewhere(problem, sheet) + _message(problem, schema, language) for problem in errors)
    return Reasons(("；" if language == "zh" else "; ").join(texts), cells)


def _elsewhere(problem: Problem, sheet: str) -> str:
    place = problem.place
    return "" if place is None or place.sheet in (sheet, None) else f"{place.sheet} {place.row}: "


def _message(problem: Problem, schema: ModuleSchema, language: str) -> str:
    own = problem.labels is not None and problem.field not in schema.definition.fields
    label = schema.label(problem.field, language) if problem.field and not own else None
    return problem.message(language, label=label)
