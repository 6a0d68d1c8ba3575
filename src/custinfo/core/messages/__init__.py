"""Texts of every problem code, by language."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.messages.en import ENGLISH
from custinfo.core.messages.zh import CHINESE

__all__ = ["CHINESE", "DEFAULT_MESSAGES", "ENGLISH", "Messages"]


def _text(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


@attrs.frozen
class Messages:
    """Hold the message templates of each language; a host adds one with `with_language`.

    >>> german = DEFAULT_MESSAGES.with_language("de", {"required": "Pflichtfeld"})
    >>> german.render("required", {}, "de")
    'Pflichtfeld'
    """

    languages: FrozenDict[str, FrozenDict[str, str]]

    def with_language(self, language: str, texts: Mapping[str, str]) -> Messages:
        """Return a catalogue in which `texts` (code → template) add to or replace those of `language`."""
        known = self.languages.get(language, FrozenDict())
        return Messages(self.languages.set(language, known.merged(texts)))

    def render(self, code: str, params: Mapping[str, object], language: str) -> str:
        """Return the text of `code`; falls back to English, then to the code itself. Never raises."""
        texts = self.languages.get(language) or self.languages["en"]
        template = texts.get(code) or self.languages["en"].get(code)
        if template is None:
            return code
        try:
            return template.format_map({key: _text(value) for key, value in params.items()})
        except (LookupError, ValueError, AttributeError, TypeError):
            return template


DEFAULT_MESSAGES = Messages(FrozenDict({"zh": FrozenDict(CHINESE), "en": FrozenDict(ENGLISH)}))
