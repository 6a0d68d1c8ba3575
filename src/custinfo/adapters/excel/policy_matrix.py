"""The matrix of a policy as a workbook (POL-4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, get_args

import attrs

from custinfo.adapters.excel._output import Target
from custinfo.adapters.excel._phrases import phrase
from custinfo.adapters.excel._styles import HEADER_FILL, row_height, safe_text, sheet_name
from custinfo.adapters.excel._xlsxwriter import new_workbook, print_wide
from custinfo.core.messages import DEFAULT_MESSAGES, Messages
from custinfo.core.policy.grants import Action
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.review.entitlements import Entitlement
from custinfo.core.review.matrix import PolicyMatrix, action_texts, field_texts
from custinfo.core.review.words import PolicyWords

__all__ = ["write_policy_matrix"]

_FILLS: Final = {
    "open": "#BDD7EE",
    "seen": "#E2EFDA",
    "partly": "#FFF2CC",
    "unseen": "#FCE4D6",
    "closed": "#F2F2F2",
}
"""Colour of a cell by what it says, in the order of the legend."""

_STYLE: Final = {
    "text_wrap": True,
    "valign": "vcenter",
    "border": 1,
    "border_color": "#BFBFBF",
    "num_format": "@",
    "indent": 1,
}
_BAND_FILL: Final = "#D9D9D9"
_NONE: Final = "—"
_LABEL_WIDTH: Final = 22.0
_ROLE_WIDTH: Final = 28.0
_FLAT: Final = ("role_label", "module_label", "action_label", "field_label", "mask", "rows")
_FLAT_TITLES: Final = ("role", "module", "action", "field", "mask", "rows")
_FLAT_WIDTHS: Final = (20, 16, 14, 24, 18, 60)


def write_policy_matrix(
    matrix: PolicyMatrix,
    target: Target,
    *,
    language: str = "zh",
    messages: Messages = DEFAULT_MESSAGES,
    now: datetime | None = None,
) -> None:
    """Write an .xlsx workbook of what each role may do: a legend, a sheet for each module, and a list of all rights.

    Sheets have frozen headings and coloured cells, and print on A4, landscape; the list can be filtered. What a policy
    allows stands in it, and nothing of a record.

    Args:
        matrix: What `policy_matrix` gives.
        target: A path (.xlsx), or a file open for writing bytes; nothing half-written stays after an error.
        language: Of labels and texts: `zh`, `en`, or another that `messages` has.
        messages: The catalogue; a host passes its own to add languages.
        now: What the workbook says of when it was made; the present when not given.

    Raises: MissingExtraError where XlsxWriter is not installed; OSError where the target cannot be written; ValueError
        for a path that says another format (.csv).
    """
    words = matrix.words(language, messages=messages)
    with new_workbook(target, now or datetime.now(UTC)) as workbook:
        _Book(workbook, matrix, words).write()


@attrs.define
class _Book:
    """Write the sheets of one matrix."""

    workbook: Any
    matrix: PolicyMatrix
    words: PolicyWords
    formats: dict[str, Any] = attrs.field(factory=dict)
    names: list[str] = attrs.field(factory=list)

    def write(self) -> None:
        self._legend(self._sheet(self._phrase("matrix_guide")))
        for module in self.matrix.modules:
            self._module(self._sheet(self.words.module(module)), module)
        self._flat(self._sheet(self._phrase("matrix_flat")))

    def _phrase(self, key: str) -> str:
        return phrase(self.words.language, key)

    def _sheet(self, label: str) -> Any:
        self.names.append(sheet_name(label, self.names))
        sheet = self.workbook.add_worksheet(self.names[-1])
        print_wide(sheet)
        sheet.hide_gridlines(2)
        return sheet

    def _format(self, **properties: Any) -> Any:
        key = repr(sorted(properties.items()))
        if key not in self.formats:
            self.formats[key] = self.workbook.add_format(_STYLE | properties)
        return self.formats[key]

    def _heading(self) -> Any:
        return self._format(bold=True, bg_color=HEADER_FILL, align="center", indent=0)

    # --- sheets

    def _legend(self, sheet: Any) -> None:
        sheet.set_column(0, 0, 16)
        sheet.set_column(1, 1, 70)
        sheet.set_row(0, 28)
        sheet.write_string(
            0,
            0,
            safe_text(self.words.word("matrix_title")),
            self._format(bold=True, font_size=16, border=0, text_wrap=False, indent=0),
        )
        sheet.merge_range(1, 0, 1, 1, safe_text(self._phrase("matrix_how")), self._format(border=0, indent=0))
        sheet.set_row(1, 36)
        for column, key in enumerate(("matrix_colour", "matrix_meaning")):
            sheet.write_string(3, column, self._phrase(key), self._heading())
        for row, (name, fill) in enumerate(_FILLS.items(), start=4):
            sheet.write_string(row, 0, _NONE if name == "closed" else "", self._format(bg_color=fill, align="center"))
            sheet.write_string(row, 1, self._phrase(f"matrix_{name}"), self._format())

    def _module(self, sheet: Any, module: ModuleKey) -> None:
        roles = [role for role in self.matrix.roles if self.matrix.rights(role, module)]
        sheet.set_column(0, 0, _LABEL_WIDTH)
        sheet.set_column(1, max(1, len(roles)), _ROLE_WIDTH)
        titles = [self.words.module(module), *map(self.words.role, roles)]
        self._row(sheet, 0, [(title, self._heading()) for title in titles], least=28)
        sheet.freeze_panes(1, 1)
        sheet.repeat_rows(0)
        if not roles:
            sheet.write_string(
                1, 0, safe_text(self.words.word("matrix_nobody")), self._format(border=0, text_wrap=False)
            )
            return
        parts = (("matrix_actions", self._actions(module, roles)), ("matrix_fields", self._fields(module, roles)))
        line = 1
        for title, rows in parts:
            band = self._format(bold=True, bg_color=_BAND_FILL)
            sheet.merge_range(line, 0, line, max(1, len(roles)), self._phrase(title), band)
            for cells in rows:
                line += 1
                self._row(sheet, line, cells)
            line += 1

    def _row(self, sheet: Any, line: int, cells: Sequence[tuple[str, Any]], least: float = 18) -> None:
        widths = [_LABEL_WIDTH, *[_ROLE_WIDTH] * (len(cells) - 1)]
        sheet.set_row(line, max(least, row_height(zip((text for text, _ in cells), widths, strict=True))))
        for column, (text, style) in enumerate(cells):
            sheet.write_string(line, column, safe_text(text), style)

    def _actions(self, module: ModuleKey, roles: Sequence[str]) -> Iterator[list[tuple[str, Any]]]:
        for action in get_args(Action):
            found = [action_texts(self.matrix.rights(role, module), action, self.words) for role in roles]
            if any(found):
                cells = [self._cell(texts, "seen" if texts else "closed") for texts in found]
                yield [(self.words.action(action), self._format(bold=True)), *cells]

    def _fields(self, module: ModuleKey, roles: Sequence[str]) -> Iterator[list[tuple[str, Any]]]:
        for key in self.matrix.fields(module):
            yield [(self.words.field(module, key), self._format(bold=True)), *self._field(module, roles, key)]

    def _field(self, module: ModuleKey, roles: Sequence[str], key: FieldKey) -> Iterator[tuple[str, Any]]:
        for role in roles:
            parts = self.matrix.rights(role, module, field=key)
            yield self._cell(field_texts(parts, self.words), _level(parts))

    def _cell(self, texts: Iterable[str], level: str) -> tuple[str, Any]:
        align = {"align": "center", "indent": 0, "font_color": "#A6A6A6"} if level == "closed" else {}
        return "\n".join(texts) or _NONE, self._format(bg_color=_FILLS[level], **align)

    def _flat(self, sheet: Any) -> None:
        titles = [self.words.word(f"matrix_{name}") for name in _FLAT_TITLES]
        for column, (title, width) in enumerate(zip(titles, _FLAT_WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, safe_text(title), self._heading())
        rows = self.matrix.to_rows(self.words.language, messages=self.words.messages)
        for line, row in enumerate(rows, start=1):
            texts = row | {"mask": row["mask"] and self.words.mask(row["mask"])}
            for column, name in enumerate(_FLAT):
                sheet.write_string(line, column, safe_text(texts[name] or ""), self._format())
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.autofilter(0, 0, max(1, len(rows)), len(_FLAT) - 1)


def _level(parts: Sequence[Entitlement]) -> str:
    """Return what a role may do to a field at most, as the legend has it."""
    written = any(part.action != "view" for part in parts)
    if any(part.action == "view" and part.mask is None for part in parts):
        return "open" if written else "seen"
    if any(part.action == "view" for part in parts):
        return "partly"
    return "unseen" if written else "closed"
