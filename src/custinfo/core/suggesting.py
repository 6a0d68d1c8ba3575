"""What an unknown heading of a file may mean: fields with similar names, each with a score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from custinfo.core.names import grams, searchable
from custinfo.core.records import FieldKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.text import folded

__all__ = ["Suggestion", "meanings", "suggestions"]

_LEAST: Final = 0.4
_MOST: Final = 3


@attrs.frozen
class Suggestion:
    """A field that a heading may mean; `score` is from 0 to 1, for names that are the same but for blanks and marks."""

    heading: str
    field: FieldKey
    score: float


def _names(schema: ModuleSchema) -> Iterator[tuple[FieldKey, str]]:
    definition = schema.definition
    for field in definition.active_fields():
        yield from ((field.key, name) for name in (field.key, *field.label.values(), *field.aliases))
    yield from (("owner", name) for name in ("owner", *definition.owner_label.values(), *definition.owner_aliases))


def meanings(schema: ModuleSchema, heading: str) -> tuple[FieldKey, ...]:
    """Return the active fields that a heading names by key, label or alias.

    If there is none, those with a name that differs in blanks and punctuation only; these may be several.

    >>> from custinfo.standard import sample_organisation, standard_configuration
    >>> from custinfo.core.validation.whole import checked_schema
    >>> schema = checked_schema(standard_configuration(), sample_organisation(), {}).module("customer")
    >>> meanings(schema, "联系方式"), meanings(schema, "天气")
    (('phone',), ())
    """
    if heading in schema.definition.fields:
        return (heading,)
    for form in (folded, searchable):
        wanted = form(heading)
        found = tuple(dict.fromkeys(key for key, name in _names(schema) if wanted and form(name) == wanted))
        if found:
            return found
    return ()


def suggestions(schema: ModuleSchema, heading: str, taken: Iterable[FieldKey] = ()) -> tuple[Suggestion, ...]:
    """Return the fields whose names are most like a heading, best first; none where nothing is alike.

    Args:
        schema: The module.
        heading: What stands above the column.
        taken: Fields that other columns have already.
    """
    best: dict[FieldKey, float] = {}
    form, left = searchable(heading), frozenset(taken)
    for key, name in _names(schema):
        if key not in left:
            best[key] = max(best.get(key, 0.0), _likeness(form, searchable(name)))
    ordered = sorted(best.items(), key=lambda item: -item[1])
    return tuple(Suggestion(heading, key, round(score, 2)) for key, score in ordered[:_MOST] if score >= _LEAST)


def _likeness(one: str, other: str) -> float:
    """Return how alike two names are: the pairs of characters that they share, and whether one is part of the other."""
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    first, second = grams(one), grams(other)
    shared = 2 * len(first & second) / (len(first) + len(second))
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) > 1 and shorter in longer:
        return max(shared, 0.5 + 0.45 * len(shorter) / len(longer))
    return 0.95 * shared
