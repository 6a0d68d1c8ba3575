"""Values of the past as the present configuration has them: fields may have been of another kind, entries merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from custinfo.core.conversion import compile_conversion, is_converted
from custinfo.core.errors import InvalidInputError
from custinfo.core.history.changes import Change
from custinfo.core.kinds import INVALID
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, FieldKey, Record, Sealed, Tag
from custinfo.workspace.context import Context
from custinfo.workspace.merging import replaced

__all__ = ["present_tags", "present_values"]


def present_values(
    context: Context, past: Record, values: Mapping[FieldKey, Any], changes: Iterable[Change]
) -> tuple[dict[FieldKey, Any], list[Problem]]:
    """Return values of a past state as the fields have them today, and what has no place any more.

    Args:
        context: The session's.
        past: The state.
        values: Values of it, or `CLEAR`, by field.
        changes: The record's history.

    Those that stay encrypted get the digests of now: the index key may have been rotated since the history was read.
    """
    written = {
        item.field: change.configuration_version
        for change in changes
        if change.version <= past.version
        for item in change.fields
    }
    found: dict[FieldKey, Any] = {}
    problems: list[Problem] = []
    for key, value in values.items():
        version = written.get(key, context.compiled.version)
        if value is CLEAR or version == context.compiled.version:
            found[key] = value
            continue
        try:
            typed = _present(context, past, key, value, version, problems)
        except InvalidInputError as error:
            problems.extend(error.problems)
            continue
        if typed is not INVALID:
            found[key] = CLEAR if typed is None else typed
    return context.sealer.indexed_now(past, found), problems


def _present(context: Context, past: Record, key: FieldKey, value: Any, version: int, problems: list[Problem]) -> Any:
    """Return one value as its field has it today, `INVALID` with a problem where there is no place for it."""
    module = context.module(past.module)
    earlier = context.compiled_at(version).schema.modules.get(past.module, module)
    old, new = earlier.definition.fields.get(key), module.definition.fields.get(key)
    if old is None or new is None:
        return value
    converted = is_converted(old, new)
    if type(value) is Sealed and (converted or not new.encrypted):
        value = context.sealer.unseal(past, key, value, earlier.kinds[key])
    if converted:
        return compile_conversion(earlier, module, key)(value, problems)
    dictionary = context.schema.configuration.dictionaries.get(str(new.options.get("dictionary")))
    if dictionary is None or type(value) is Sealed:
        return value
    codes = value if isinstance(value, tuple) else (value,)
    return replaced(value, {code: dictionary.live_code(code) for code in codes if isinstance(code, str)})


def present_tags(context: Context, tags: Iterable[Tag]) -> frozenset[Tag]:
    """Return tags of the past as they are called today; of dimensions that are gone, none."""
    dimensions = context.schema.configuration.tag_dimensions
    return frozenset(
        Tag(tag.dimension, dimensions[tag.dimension].live_tag(tag.value)) for tag in tags if tag.dimension in dimensions
    )
