"""What can be wrong with a customer's data, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from custinfo.core.frozen import FrozenDict, label_in
from custinfo.core.messages import DEFAULT_MESSAGES, Messages, Translated

__all__ = ["ParamValue", "Place", "Problem", "Severity"]

Severity = Literal["error", "warning", "notice"]
ParamValue = str | int | tuple[str, ...]


@attrs.frozen
class Place:
    """Say where in a workbook a value stands.

    `row` and `column` count from 1, as a spreadsheet shows them; `None` means that the whole sheet or row is meant.
    """

    sheet: str | None = None
    row: int | None = None
    column: int | None = None


def _freeze(params: Mapping[str, ParamValue]) -> FrozenDict[str, ParamValue]:
    return params if isinstance(params, FrozenDict) else FrozenDict(params)


@attrs.frozen
class Problem:
    """Name one thing that is wrong: a stable code, the field, the place, and the parameters of its message.

    A problem never holds the offending value itself, so it can be logged and shown (FLD-8).
    `severity` is `error` (nothing is saved), `warning` (saved, worth a look) or `notice` (the library
    changed the form of a value). `labels` is what people call the field, by language, where that is known.

    >>> Problem("too_long", "name", params={"limit": 200}).message("en")
    'name: at most 200 characters are allowed'
    """

    code: str
    field: str | None = None
    place: Place | None = None
    params: FrozenDict[str, ParamValue] = attrs.field(factory=FrozenDict, converter=_freeze)
    severity: Severity = "error"
    labels: FrozenDict[str, str] | None = attrs.field(default=None, eq=False, repr=False)

    def message(
        self,
        language: str = "zh",
        *,
        label: str | None = None,
        messages: Messages = DEFAULT_MESSAGES,
    ) -> str:
        """Return the text for people.

        Args:
            language: Key of a language that `messages` has; an unknown one falls back to English.
            label: What to call the field; as `label_in` says when not given.
            messages: The catalogue; a host passes its own to add languages.
        """
        text = self.text(language, messages=messages)
        name = label or self.label_in(language, messages=messages)
        if not name:
            return text
        told = {"field": Translated.named({}, name), "text": text, "hint": f"{name}: {text}"}  # no word for a code
        return messages.render("report_sentence", told, language)

    def text(self, language: str = "zh", *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return the text for people without the name of the field, to be shown beside it."""
        return messages.render(self.code, self.params, language)

    def label_in(self, language: str, *, messages: Messages = DEFAULT_MESSAGES) -> str:
        """Return what people call the field: its label in `language`, else in English or Chinese, else its key.

        What every record has, such as `tags`, is called as `messages` say. It is empty for a problem of no field.
        """
        return label_in(self.labels or {}, language, messages.word("field", self.field or "", language))

    def at(self, place: Place) -> Problem:
        """Return the same problem with its place."""
        return attrs.evolve(self, place=place)
