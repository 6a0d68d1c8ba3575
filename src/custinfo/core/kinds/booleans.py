"""Yes and no."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, read_identifier
from custinfo.core.problems import Problem
from custinfo.core.text import folded

__all__ = ["BOOLEAN"]

_LIMIT: Final = 16
_WORDS: Final = {
    **dict.fromkeys(("是", "有", "对", "真", "√", "✓", "✔", "☑", "y", "yes", "true", "t", "1", "是的"), True),
    **dict.fromkeys(("否", "无", "错", "假", "×", "✗", "✘", "✕", "n", "no", "false", "f", "0"), False),
    **dict.fromkeys(("不是", "没有"), False),
}
_TYPED: Final = {**_WORDS, **{word.upper(): value for word, value in _WORDS.items()}}


def _parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    report = Report.of(field, "invalid_boolean")
    known = _TYPED.get

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is bool:
            return raw
        if type(raw) is str and (value := known(raw)) is not None:
            return value
        if isinstance(raw, int | float | Decimal):
            return bool(raw) if number_is_bit(raw) else report.refuse(problems)
        text = read_identifier(raw, report, _LIMIT, problems)
        if not isinstance(text, str):
            return text
        value = _WORDS.get(folded(text))
        return report.refuse(problems) if value is None else value

    return parse


def number_is_bit(raw: float | Decimal) -> bool:
    """Whether a number is 0 or 1; the comparison of a signalling NaN would raise."""
    return (raw.is_finite() if isinstance(raw, Decimal) else True) and raw in (0, 1)


def _renderer(field: FieldDefinition, context: KindContext) -> Renderer:  # noqa: ARG001
    yes, no = ("是", "否") if context.language == "zh" else ("yes", "no")

    def render(value: Any) -> str:
        return yes if value else no

    return render


BOOLEAN: Final = Kind(
    "boolean", _parser, _renderer, storage="number", encode=int, decode=bool, cell_format="@", ordered=False
)
"""`bool`. Takes 是/否, 有/无, 对/错, √/×, yes/no, true/false, Y/N, 1/0."""
