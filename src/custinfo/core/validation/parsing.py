"""The parsers of a module as the engine calls them, and what it allows though they refuse it."""

from __future__ import annotations

import re
from typing import Any, Final

from custinfo.core.dictionaries import Ambiguous
from custinfo.core.kinds import BUILT_IN_KINDS, INVALID, Kind, Parser
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, Masked, Values
from custinfo.core.schema import ModuleSchema

__all__ = ["is_written_again", "strict_parsers"]

_SEPARATORS: Final = re.compile(r"[,，;；、|｜\r\n]+")


def strict_parsers(module: ModuleSchema) -> dict[FieldKey, Parser]:
    """Return the module's parsers, none of which takes `CLEAR` or a mask: so these need no look at every value."""
    return {key: _strict(parse, module.kinds[key]) for key, parse in module.parsers.items()}


def _strict(parse: Parser, kind: Kind) -> Parser:
    """Return the parser itself if its kind is the library's own: that refuses both."""
    if BUILT_IN_KINDS.get(kind.key) is kind:
        return parse

    def strict(raw: object, problems: list[Problem]) -> Any:
        return INVALID if raw is CLEAR or type(raw) is Masked else parse(raw, problems)

    return strict


def is_written_again(module: ModuleSchema, key: FieldKey, value: object, before: Values) -> bool:
    """Tell whether a retired choice is written again as it stands."""
    dictionary = module.context.dictionaries.get(str(module.definition.fields[key].options.get("dictionary")))
    held = before.get(key)
    if dictionary is None or held is None:
        return False
    if isinstance(held, tuple):
        items = _SEPARATORS.split(value) if isinstance(value, str) else value
        return isinstance(items, list | tuple) and {dictionary.find(str(item)) for item in items} == set(held)
    if not isinstance(value, str):
        return False
    found = dictionary.find(value)
    candidates = found.candidates if isinstance(found, Ambiguous) else (found,)
    return held in candidates or held == value
