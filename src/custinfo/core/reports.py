"""Problems together: counted, grouped by field, and shown as JSON, as a table of text or as Markdown (FLD-8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol, Self
from unicodedata import category, east_asian_width

import attrs

from custinfo.core.cells import cell_name, place_text
from custinfo.core.errors import InvalidInputError
from custinfo.core.markdown import markdown_table, one_line
from custinfo.core.messages import DEFAULT_MESSAGES, Messages, Translated
from custinfo.core.problems import Place, Problem
from custinfo.core.records import FieldKey

__all__ = ["HasProblems", "Report", "display_width", "plain_problem"]

_COLUMNS: Final = ("report_severity", "report_place", "report_field", "report_problem")
_GAP: Final = "  "


class HasProblems(Protocol):
    """Whatever came of a check: an error, a plan of an import, a row of it."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was found."""


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(problems)


@attrs.frozen(repr=False)
class Report:
    """Hold problems in the order in which they were found.

    It is a collection: iterating gives the problems, `len` counts them, and an empty report is false. Whether
    anything stands in the way is another question, which `ok` answers: warnings and notices do not.

    Problems hold no values, and so no report does, in whatever form. Names of fields, headings and sheets stand in it.

    >>> report = Report([Problem("required", "name"), Problem("normalised", "phone", severity="notice")])
    >>> report.ok, len(report), [problem.code for problem in report.errors]
    (False, 2, ['required'])
    >>> print(report.to_text("en"))
    Severity  Place  Field  Problem
    error            name   a value is required
    notice           phone  was brought into the usual form
    errors: 1, warnings: 0, notices: 1
    """

    problems: tuple[Problem, ...] = attrs.field(default=(), converter=_in_order)

    @classmethod
    def of(cls, *sources: HasProblems) -> Self:
        """Return the report of an error, of an import plan, of rows of it, or of several such things in order."""
        return cls(problem for source in sources for problem in source.problems)

    def __repr__(self) -> str:
        return f"Report({self.summary('en')!r})"

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __len__(self) -> int:
        return len(self.problems)

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What stands in the way of saving."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is saved and worth a look."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    @property
    def notices(self) -> tuple[Problem, ...]:
        """What the library changed the form of."""
        return tuple(problem for problem in self.problems if problem.severity == "notice")

    def by_field(self) -> dict[FieldKey | None, tuple[Problem, ...]]:
        """Return field → its problems, in the order of the first of each; `None` for what concerns no field."""
        found: dict[FieldKey | None, list[Problem]] = {}
        for problem in self.problems:
            found.setdefault(problem.field, []).append(problem)
        return {field: tuple(problems) for field, problems in found.items()}

    def raise_if_errors(self) -> None:
        """Do nothing where there is no error. Raises: InvalidInputError with the errors, not with the rest."""
        if not self.ok:
            raise InvalidInputError(self.errors)

    def summary(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return how many errors, warnings and notices there are, in words."""
        if not self.problems:
            return _word("report_nothing", language, messages)
        return _word("report_counts", language, messages, **self._counts("s"))

    def to_dict(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> dict[str, Any]:
        """Return the report as plain dicts, lists, texts and numbers, ready for JSON.

        `ok` and `counts` (by severity) sum it up. Each of `problems` has `code`, `field`, `label` (what people call
        the field), `severity`, `text` and `message` (the text with the label before it), `params`, and `place` with
        `sheet`, `row`, `column` and `cell`, such as `B3`. What is not known is `None`.

        Args:
            language: Key of a language that `messages` has; an unknown one falls back to English.
            messages: The catalogue; a host passes its own to add languages.
        """
        return {
            "ok": self.ok,
            "counts": self._counts(),
            "problems": [plain_problem(problem, language, messages) for problem in self.problems],
        }

    def to_text(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return a table for a terminal or a log: severity, place, field and problem, and a last line with the counts.

        Columns are aligned where Chinese characters are two columns wide, as terminals and fixed-width fonts show them.
        Each problem takes one line, whatever stands in its texts.
        """
        rows = [[one_line(cell) for cell in row] for row in self._table(language, messages)]
        widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
        lines = [_GAP.join(map(_padded, row[:-1], widths)) + _GAP + row[-1] for row in rows] if self.problems else []
        return "\n".join([*(line.rstrip() for line in lines), self.summary(language, messages=messages)])

    def to_markdown(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return the table in Markdown, and the counts below it; what would be markup in a text is shown as it is."""
        summary = self.summary(language, messages=messages)
        if not self.problems:
            return summary
        head, *rows = self._table(language, messages)
        return "\n".join([*markdown_table(head, rows), "", summary])

    def _counts(self, ending: str = "") -> dict[str, int]:
        found = {"error": self.errors, "warning": self.warnings, "notice": self.notices}
        return {severity + ending: len(problems) for severity, problems in found.items()}

    def _table(self, language: str, messages: Messages) -> list[tuple[str, str, str, str]]:
        severity, place, column, text = (_word(key, language, messages) for key in _COLUMNS)
        rows = [(severity, place, column, text)]
        for problem in self.problems:
            level = _word(f"report_{problem.severity}", language, messages)
            where = _place_text(problem.place, language, messages)
            field = problem.label_in(language, messages=messages)
            rows.append((level, where, field, problem.text(language, messages=messages)))
        return rows


def _word(key: str, language: str, messages: Messages, **params: object) -> str:
    """Return a text of the catalogue; ours where the host's catalogue was made without it."""
    return messages.render(key, {**params, "hint": DEFAULT_MESSAGES.render(key, params, language)}, language)


def plain_problem(problem: Problem, language: str, messages: Messages) -> dict[str, Any]:
    """Return a problem as `Report.to_dict` has it."""
    return {
        "code": problem.code,
        "field": problem.field,
        "label": problem.label_in(language, messages=messages) or None,
        "severity": problem.severity,
        "text": problem.text(language, messages=messages),
        "message": problem.message(language, messages=messages),
        "place": _place_dict(problem.place),
        "params": {key: _plain(value, language) for key, value in problem.params.items()},
    }


def _place_dict(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {"sheet": place.sheet, "row": place.row, "column": place.column, "cell": cell_name(place)}


def _plain(value: object, language: str) -> Any:
    """Return a parameter as JSON has it; a rule of the host's may have put anything into it."""
    match value:
        case Translated():
            return value.in_language(language)
        case None | bool() | int():
            return value
        case list() | tuple():
            return [_plain(item, language) for item in value]
        case _:
            return str(value)


def _place_text(place: Place | None, language: str, messages: Messages) -> str:
    """Return `客户!B3` or what is known of it."""
    sheet, within = (place and place.sheet) or "", place_text(place, language, messages)
    between = "!" if place is not None and cell_name(place) else " "
    return f"{sheet}{between}{within}" if sheet and within else sheet or within


def display_width(text: str) -> int:
    """Return how many columns a text takes in a fixed-width font; those of ambiguous width count as one (UAX 11).

    >>> display_width("客户"), display_width("abc"), display_width("e\u0301")
    (4, 3, 1)
    """
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if category(character) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _padded(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))
