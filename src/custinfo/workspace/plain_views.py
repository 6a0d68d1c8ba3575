"""Views as plain dicts, lists, texts and numbers, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from custinfo.core.approval.requests import TrailEntry
from custinfo.core.criteria.as_json import criterion_to_json
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.messages import DEFAULT_MESSAGES, Messages, Translated
from custinfo.core.plain_values import plain_value
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, ERASED, UNREADABLE, FieldKey, Masked
from custinfo.core.reports import plain_problem
from custinfo.core.schema import ModuleSchema

__all__ = ["plain_view", "text_of", "texts_of", "without_labels"]

_SIDES: Final = ("base", "proposed", "live")
"""What a view of a request holds values in."""

_WITHOUT_TEXT: Final = ("tags", "shares")
_WITHHELD: Final = ("digest", "proposal", "former")


def without_labels(view: Any) -> tuple[Any, ...]:
    """Return how to make a view anew without its schema: one that is sent elsewhere is read by keys."""
    kind = type(view)
    return kind, tuple(getattr(view, field.name) for field in attrs.fields(kind) if field.name != "_schema")


def text_of(
    schema: ModuleSchema | None,
    key: FieldKey,
    value: Any,
    language: str | None,
    messages: Messages = DEFAULT_MESSAGES,
) -> str:
    """Return what to show people for a value that an actor sees; empty for none.

    Args:
        schema: Has the labels; without it, codes and keys are shown.
        key: Of the field.
        value: What a view has of it.
        language: That of the labels; the schema's own if not given.
        messages: Have the words for what cannot be shown.
    """
    if value is None or value is CLEAR:
        return ""
    if value is UNREADABLE or value is ERASED:
        return messages.render(f"value_{value.value}", {"hint": str(value)}, language or language_of(schema))
    if schema is None or isinstance(value, Masked):
        return str(value)
    return schema.render(key, value, language)


def plain_view(view: Any, language: str | None, messages: Messages) -> dict[str, Any]:
    """Return the attributes of a view by their names, and `texts` for people of each side that it has values of."""
    schema: ModuleSchema | None = getattr(view, "_schema", None)
    names = [field.name for field in attrs.fields(type(view)) if not field.name.startswith("_")]
    told = {name: _plain(getattr(view, name), schema, language, messages) for name in names}
    texts = {side: texts_of(schema, getattr(view, side), language, messages) for side in names if side in _SIDES}
    return {**told, "texts": texts} if texts else told


def texts_of(
    schema: ModuleSchema | None, values: Mapping[FieldKey, Any], language: str | None, messages: Messages
) -> dict[FieldKey, str]:
    """Return what to show people for values, where there is one; tags and shares have no text."""
    shown = {key: value for key, value in values.items() if key not in _WITHOUT_TEXT and value is not None}
    return {key: text_of(schema, key, value, language, messages) for key, value in shown.items()}


def _plain(value: Any, schema: ModuleSchema | None, language: str | None, messages: Messages) -> Any:
    match value:
        case Problem():
            return plain_problem(value, language or language_of(schema), messages)
        case TrailEntry():  # what was proposed is not for views
            told = value._replace(comment=_plain(value.comment, schema, language, messages))
            return {key: plain_value(item) for key, item in told._asdict().items() if key not in _WITHHELD}
        case Translated():
            return value.in_language(language or language_of(schema))
        case tuple():
            return [_plain(item, schema, language, messages) for item in value]
        case _ if isinstance(value, Criterion):
            return criterion_to_json(value)
        case _ if attrs.has(type(value)):
            return plain_view(value, language, messages)
        case _:
            return plain_value(value)


def language_of(schema: ModuleSchema | None) -> str:
    """Return the language in which texts read where the reader named none."""
    return "zh" if schema is None else schema.context.language
