"""Dictionary entries with dates: what is newly chosen must be valid on the present day (DIC-3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, tzinfo
from typing import Any

import attrs

from custinfo.core.checks import CheckContext
from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.kinds.dates import day_in
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, Record
from custinfo.core.schema import ModuleSchema

__all__ = ["DatedChoice", "dated_choices"]


@attrs.frozen(eq=False)
class DatedChoice:
    """Check one choice field whose dictionary has entries that are valid only for a time."""

    field: FieldKey
    dictionary: Dictionary
    label: Translated
    language: str
    zone: tzinfo

    def check(self, before: Record | None, context: CheckContext) -> Problem | None:
        """Return a problem if an entry that the record did not have before is not valid today."""
        held = () if before is None else self._live(before.values.get(self.field))
        day = day_in(self.zone, context.now)
        for code in self._live(context.values.get(self.field)):
            entry = self.dictionary.values.get(code)
            if entry is not None and day is not None and code not in held and not entry.valid_on(day):
                params = {"dictionary": self.label, "period": _period(entry, self.language)}
                return Problem("choice_not_valid", self.field, params=params)
        return None

    def _live(self, value: Any) -> Collection[str]:
        """Return the live entries of a value; a sealed one was not chosen just now."""
        codes = value if isinstance(value, tuple) else (value,)
        return [self.dictionary.live_code(code) for code in codes if isinstance(code, str)]


def dated_choices(module: ModuleSchema) -> tuple[DatedChoice, ...]:
    """Return a check for each choice field whose dictionary has an entry with dates."""
    checks = []
    for field in module.definition.active_fields():
        if field.kind in ("choice", "multiple_choice"):
            dictionary = module.context.dictionaries.get(str(field.options.get("dictionary")))
            if dictionary is not None and any(_is_dated(entry) for entry in dictionary.values.values()):
                language = module.context.language
                label = dictionary.named(language)
                checks.append(DatedChoice(field.key, dictionary, label, language, module.context.zone))
    return tuple(checks)


def _is_dated(entry: DictionaryValue) -> bool:
    return entry.valid_from is not None or entry.valid_to is not None


def _period(entry: DictionaryValue, language: str) -> Translated:
    """Return the days on which an entry is valid, in words."""
    match entry.valid_from, entry.valid_to:
        case date() as first, date() as last:
            texts = {"zh": f"{first} 至 {last}", "en": f"from {first} to {last}"}
        case date() as first, None:
            texts = {"zh": f"{first} 起", "en": f"from {first} on"}
        case _, last:
            texts = {"zh": f"{last} 及以前", "en": f"until {last}"}
    return Translated(texts, language)
