"""Texts of every problem code, by language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any, Final, Self

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.messages.en import ENGLISH, ENGLISH_OF_ONE
from custinfo.core.messages.words import CHINESE_WORDS, ENGLISH_WORDS
from custinfo.core.messages.zh import CHINESE

__all__ = ["CHINESE", "DEFAULT_MESSAGES", "ENGLISH", "Messages", "Telling", "Translated"]

ONE: Final = ".one"
"""What the code of a text ends with that speaks of one thing, beside that which speaks of several."""


class Translated(str):
    """A parameter of a problem that reads differently in each language; by itself, the text in one of them.

    >>> Translated({"zh": "成交", "en": "Won"}, "en").in_language("zh")
    '成交'
    """

    __slots__ = ("texts",)
    texts: FrozenDict[str, str]

    def __new__(cls, texts: Mapping[str, str], language: str = "zh") -> Self:
        """Take the text in each language, and the language in which it is a plain text."""
        known = texts.get(language) or texts.get("en") or next(iter(texts.values()), "")
        made = super().__new__(cls, known)
        made.texts = FrozenDict(texts)
        return made

    @classmethod
    def named(cls, labels: Mapping[str, str], key: str, language: str = "key") -> Self:
        """Return what people call the thing that `key` stands for; by itself, the label in `language`, else the key.

        >>> named = Translated.named({"zh": "行业", "en": "Industry"}, "industry")
        >>> str(named), named.in_language("zh"), named.in_language("fr")
        ('industry', '行业', 'Industry')
        """
        return cls({"key": key, **labels}, language if language in labels else "key")

    def in_language(self, language: str) -> str:
        """Return the text in `language`, else in English or Chinese, else as it is."""
        return self.texts.get(language) or self.texts.get("en") or self.texts.get("zh") or str(self)

    def __reduce__(self) -> tuple[type[Translated], tuple[dict[str, str], str]]:
        language = next((key for key, text in self.texts.items() if text == self), "en")
        return Translated, (dict(self.texts), language)


class Telling(Translated):
    """A parameter that speaks of fields: `paths` are theirs, so that it can be kept from those who may not read one."""

    __slots__ = ("paths",)
    paths: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, text: Translated, paths: Iterable[tuple[str, ...]]) -> Self:
        """Return a text as one that speaks of the fields at `paths`: keys, from reference to reference."""
        language = next((key for key, item in text.texts.items() if item == text), "en")
        made = cls(text.texts, language)
        made.paths = frozenset(paths)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        kind, (texts, language) = super().__reduce__()
        return type(self).of, (kind(texts, language), self.paths)


def _text(value: object, language: str) -> object:
    return value.in_language(language) if isinstance(value, Translated) else value


def _placeholders(template: str) -> set[str] | None:
    """Return the parameters that a template asks for; `None` for one that cannot be read."""
    try:
        return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError:
        return None


@attrs.frozen
class Messages:
    """Hold the message templates of each language; a host adds one with `with_language`.

    `languages` has for each language code → template, in which `{name}` stands for a parameter of the problem. Where
    one thing is said otherwise than several, a language has a second template, such as `too_long.one` beside
    `too_long`, for where the parameter `count`, or else `limit`, is 1.

    >>> german = DEFAULT_MESSAGES.with_language("de", {"required": "Pflichtfeld"})
    >>> german.render("required", {}, "de")
    'Pflichtfeld'
    """

    languages: FrozenDict[str, FrozenDict[str, str]]

    def with_language(self, language: str, texts: Mapping[str, str]) -> Messages:
        """Return a catalogue in which `texts` (code → template) add to or replace those of `language`.

        With a text that is replaced goes the one of a single thing, unless `texts` has another.
        """
        known, replaced = self.languages.get(language, FrozenDict()), {f"{code}{ONE}" for code in texts}
        kept = FrozenDict({code: text for code, text in known.items() if code not in replaced})
        return Messages(self.languages.set(language, kept.merged(texts)))

    def gaps(self, language: str) -> tuple[str, ...]:
        """Return the codes without a fitting text in `language`, in the order of the English texts (FLD-8).

        A text does not fit if it asks for a parameter that the English one lacks, or cannot be read as a template.

        >>> DEFAULT_MESSAGES.gaps("zh"), "required" in DEFAULT_MESSAGES.gaps("fr")
        ((), True)
        """
        texts = self.languages.get(language, FrozenDict())
        gaps = []
        for code, template in self.languages.get("en", FrozenDict()).items():
            if code.endswith(ONE):  # each language has those that it needs
                continue
            asked = _placeholders(texts[code]) if texts.get(code) else None
            if asked is None or not asked <= (_placeholders(template) or set()):
                gaps.append(code)
        return tuple(gaps)

    def render(self, code: str, params: Mapping[str, object], language: str) -> str:
        """Return the text of `code`; falls back to English, then to the parameter `hint`, then to the code itself.

        Never raises: a template that does not fit its parameters is shown as it is.

        Args:
            code: That of a problem, or of a word such as `report_field`.
            params: Name → what stands in the place of `{name}`; codes for which the catalogue has a word read as that
                word, and several values as a list.
            language: Key of a language; one that is not there gives English.
        """
        english = self.languages.get("en", FrozenDict())
        known = self.languages.get(language, english)
        texts = known if known.get(code) else english
        one = texts.get(f"{code}{ONE}") if params.get("count", params.get("limit")) == 1 else None
        template = one or texts.get(code)
        if template is None:
            return str(_text(params.get("hint", code), language))
        try:
            return template.format_map({key: self._param(key, value, language) for key, value in params.items()})
        except (LookupError, ValueError, AttributeError, TypeError):
            return template

    def word(self, parameter: str, value: str, language: str) -> str:
        """Return how a value of a parameter reads: by the word that the catalogue has for it, else as it is."""
        texts = self.languages.get(language) or self.languages.get("en", FrozenDict())
        return texts.get(f"{parameter}_{value}", value)

    def _param(self, key: str, value: object, language: str) -> object:
        if isinstance(value, tuple):
            texts = self.languages.get(language) or self.languages.get("en", FrozenDict())
            return texts.get("list_separator", ", ").join(str(_text(item, language)) for item in value)
        return self.word(key, value, language) if type(value) is str else _text(value, language)


DEFAULT_MESSAGES = Messages(
    FrozenDict({"zh": FrozenDict(CHINESE | CHINESE_WORDS), "en": FrozenDict(ENGLISH | ENGLISH_OF_ONE | ENGLISH_WORDS)})
)
