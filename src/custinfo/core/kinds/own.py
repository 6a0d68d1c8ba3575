"""Kinds of a host's own, in a few lines: from two functions over texts to a `Kind`.

What every kind must do is done here: blanks, values of other types, masked values, characters that cannot be stored,
full-width forms, and the notice that a spelling was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import freeze_labels
from custinfo.core.kinds._kind import INVALID, Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, read_identifier
from custinfo.core.kinds.numbers import NUMBER_LIMIT, amount_parser, decode_amount, encode_amount, spelled_number
from custinfo.core.kinds.texts import as_is
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem

__all__ = ["number_kind", "text_kind"]

_PLACES = 6


def text_kind(
    key: str,
    read: Callable[[str], str | None],
    *,
    hint: str | Mapping[str, str],
    code: str = "",
    limit: int = 100,
    ordered: bool = True,
) -> Kind:
    """Return a kind of short texts that have one form: numbers of plates, articles, contracts.

    >>> article = text_kind("article", lambda text: text.upper() if text.isalnum() else None, hint="须为字母和数字")
    >>> article.key, article.storage
    ('article', 'text')

    Args:
        key: Its name in a `FieldDefinition`.
        read: Text → its one form, or `None` where it has none (a `ValueError` or `LookupError` says so too). The text
            comes narrow, without outer blanks and invisible marks, never empty; a number from a spreadsheet as its
            digits. Of its own result it must make that same result: what is shown can then be typed again.
        hint: What to tell people about a text that is none, by language; a plain text is Chinese.
        code: Of that problem; `invalid_` and the key when not given.
        limit: How many characters people may type.
        ordered: Whether criteria may use `<` and `>`, by code point.
    """
    params = {"hint": Translated(freeze_labels(hint))}

    def parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
        report = Report(field.key, key, code or f"invalid_{key}", dict(params))

        def parse(raw: object, problems: list[Problem]) -> Any:
            text = read_identifier(raw, report, limit, problems)
            if not isinstance(text, str):
                return text
            value = _called(read, text)
            return report.compare(raw, value, problems) if value else report.refuse(problems)

        return parse

    return Kind(key, parser, as_is, cell_format="@", ordered=ordered)


def number_kind(
    key: str,
    read: Callable[[str], Decimal | int | None],
    show: Callable[[Decimal], str],
    *,
    hint: str | Mapping[str, str],
    code: str = "",
    decimal_places: int = _PLACES,
    cell_format: str = "@",
) -> Kind:
    """Return a kind of numbers that people write in a way of their own: percentages, durations, sizes.

    Its values are `Decimal`; they are stored, compared, sorted and bounded by `Range` as those of the kind `decimal`.

    Args:
        key: Its name in a `FieldDefinition`.
        read: Text → number, or `None` where it is none (a `ValueError`, `LookupError` or `ArithmeticError` says so
            too). It gets the text as `text_kind` says. What is a number already, as in a spreadsheet, is that number.
        show: Number → the text that people read; `read` must make the same number of it.
        hint: What to tell people about a text that is no number, by language; a plain text is Chinese.
        code: Of that problem; `invalid_` and the key when not given.
        decimal_places: How many the number may have, at most six.
        cell_format: Number format of spreadsheet cells, such as `0.00%`; by default cells hold what `show` returns.
    """
    params = {"hint": Translated(freeze_labels(hint))}

    def parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
        report = Report(field.key, key, code or f"invalid_{key}", dict(params))
        checked = amount_parser(report, min(decimal_places, _PLACES), spelled_number)

        def parse(raw: object, problems: list[Problem]) -> Any:
            if not isinstance(raw, str):
                return checked(raw, problems)
            text = read_identifier(raw, report, NUMBER_LIMIT, problems)
            if not isinstance(text, str):
                return text
            number = _called(read, text)
            amount = report.refuse(problems) if number is None else checked(number, problems)
            if amount is not INVALID:
                report.compare(raw, show(amount), problems)
            return amount

        return parse

    def renderer(field: FieldDefinition, context: KindContext) -> Renderer:  # noqa: ARG001
        return show

    return Kind(
        key, parser, renderer, storage="number", encode=encode_amount, decode=decode_amount, cell_format=cell_format
    )


def _called(read: Callable[[str], Any], text: str) -> Any:
    """Return what the host's function makes of a text; Python's own functions say by an error that they can't."""
    try:
        return read(text)
    except (ValueError, LookupError, ArithmeticError):
        return None
