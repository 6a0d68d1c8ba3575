"""One or several entries of a dictionary."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import attrs

from custinfo.core.dictionaries import Ambiguous, Dictionary
from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import INVALID, Invalid, Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, plain_text, read_text, tidied
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem

__all__ = ["CHOICE", "MULTIPLE_CHOICE"]

_LIMIT: Final = 1000
_LIST_LIMIT: Final = 20_000
_MOST_ITEMS: Final = 1000
_MOST_KNOWN: Final = 8192
_SEPARATOR: Final = re.compile("[,，;；、|｜\r\n]+")


def dictionary_of(field: FieldDefinition, context: KindContext) -> Dictionary:
    """Return the dictionary that the field names. Raises: ConfigurationError if there is none."""
    key = field.options.get("dictionary")
    dictionary = context.dictionaries.get(key) if isinstance(key, str) else None
    if dictionary is None:
        chinese, english = "字段 {} 所指的字典不存在", "the field {} names no dictionary that exists"
        hint = Translated({"zh": chinese.format(field.key), "en": english.format(field.key)}, "en")
        raise ConfigurationError([Problem("configuration_invalid", field.key, params={"hint": hint})])
    return dictionary


@attrs.frozen
class _Choices:
    """Find entries for one field and report what is wrong with them."""

    dictionary: Dictionary
    label: Translated
    language: str
    parents: frozenset[str | None]
    report: Report
    known: dict[str, str] = attrs.field(factory=dict)

    @classmethod
    def of(cls, field: FieldDefinition, context: KindContext) -> _Choices:
        dictionary = dictionary_of(field, context)
        label = dictionary.named(context.language)
        values = dictionary.values.values() if field.options.get("leaf_only") else ()
        parents = frozenset(value.parent for value in values if value.state == "active")
        return cls(dictionary, label, context.language, parents, Report.of(field, "unknown_choice", dictionary=label))

    def find(self, raw: object, problems: list[Problem]) -> str | Invalid | None:
        """Return the code of the entry that `raw` names."""
        text = read_text(raw, self.report, _LIMIT, problems)
        if not isinstance(text, str):
            return text
        code = self.dictionary.find(text)
        if code is None:
            code = self.dictionary.find(tidied(text))
        if not isinstance(code, str):
            if code is None:
                return self.report.refuse(problems)
            return self._refuse(problems, "ambiguous_choice", candidates=self._paths(code))
        if self.dictionary.values[code].state != "active":
            return self._refuse(problems, "retired_choice")
        if code in self.parents:
            return self._refuse(problems, "not_a_leaf")
        if type(raw) is str and len(self.known) < _MOST_KNOWN and len(raw) <= _LIMIT:
            self.known[raw] = code
        return code

    def _refuse(self, problems: list[Problem], code: str, **params: tuple[str, ...]) -> Invalid:
        return self.report.refuse(problems, code, dictionary=self.label, **params)

    def _paths(self, several: Ambiguous) -> tuple[str, ...]:
        return self.dictionary.paths_named(several.candidates, self.language)

    def find_all(self, raw: object, problems: list[Problem]) -> tuple[str, ...] | Invalid | None:
        """Return the codes in the dictionary's order, each once."""
        if isinstance(raw, str):
            found = self._find_listed(plain_text(raw), problems)
        elif isinstance(raw, list | tuple | set | frozenset):
            found = self._find_items(list(raw), problems)
        else:
            found = self._find_items([raw], problems)
        if isinstance(found, Invalid):
            return found
        return tuple(code for code in self.dictionary.values if code in found) or None

    def _find_listed(self, text: str, problems: list[Problem]) -> set[str] | Invalid:
        """Read a list in a text; the whole may be one label that has a separator in it."""
        if len(text) > _LIST_LIMIT:
            return self.report.refuse(problems)
        mine: list[Problem] = []
        found = self._find_items([part for part in _SEPARATOR.split(text) if part.strip()], mine)
        if isinstance(found, Invalid) and _SEPARATOR.search(text):
            whole = self.find(text, [])
            if isinstance(whole, str):
                return {whole}
        problems.extend(mine)
        return found

    def _find_items(self, items: list[Any], problems: list[Problem]) -> set[str] | Invalid:
        if len(items) > _MOST_ITEMS:
            return self.report.refuse(problems)
        mine: list[Problem] = []
        found = [self.find(item, mine) for item in items]
        problems.extend(dict.fromkeys(mine))
        if INVALID in found:
            return INVALID
        return {code for code in found if isinstance(code, str)}


def _choice_parser(field: FieldDefinition, context: KindContext) -> Parser:
    choices = _Choices.of(field, context)
    known, find = choices.known.get, choices.find

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is str and (code := known(raw)) is not None:
            return code
        return find(raw, problems)

    return parse


def _choices_parser(field: FieldDefinition, context: KindContext) -> Parser:
    return _Choices.of(field, context).find_all


def _label_maker(field: FieldDefinition, context: KindContext) -> Callable[[str], str]:
    """Make the function from code to path label; the code itself where the label would not lead back to it."""
    dictionary, language = dictionary_of(field, context), context.language
    known: dict[str, str] = {}

    def label(code: str) -> str:
        text = known.get(code)
        if text is None:
            text = dictionary.path_label(code, language)
            text = known[code] = text if dictionary.find(text) == code else code
        return text

    return label


def _choices_renderer(field: FieldDefinition, context: KindContext) -> Renderer:
    label, between = _label_maker(field, context), "、" if context.language == "zh" else ", "

    def item(code: str) -> str:
        text = label(code)
        return code if _SEPARATOR.search(text) else text

    def render(value: Any) -> str:
        return between.join(map(item, value))

    return render


CHOICE: Final = Kind("choice", _choice_parser, _label_maker, cell_format="@", ordered=False)
"""`str`: the code of an entry, found by code, label, alias or path.

Options: `dictionary` (needed), `leaf_only`.
"""

MULTIPLE_CHOICE: Final = Kind(
    "multiple_choice",
    _choices_parser,
    _choices_renderer,
    storage="list",
    encode=list,
    decode=tuple,
    cell_format="@",
    ordered=False,
)
"""`tuple` of codes in the dictionary's order. Takes a list, or a text with the entries between , ; 、 | or breaks."""
