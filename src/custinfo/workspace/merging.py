"""Which entries and tags a new configuration makes one with another, and values that follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from custinfo.core.fields import FieldDefinition
from custinfo.core.records import FieldKey, Tag
from custinfo.core.schema import Schema

__all__ = ["merged_codes", "merged_tags", "replaced"]


def replaced(value: Any, codes: Mapping[str, str]) -> Any:
    """Return a code, or several, as they are after the merger."""
    if isinstance(value, tuple):
        return tuple(dict.fromkeys(codes.get(item, item) for item in value))
    return codes.get(value, value)


def merged_codes(
    old: Schema, new: Schema, fields: Iterable[FieldDefinition]
) -> Iterator[tuple[FieldKey, dict[str, str]]]:
    """Yield the choice fields whose dictionary has entries merged anew: code → the code that it is now."""
    for field in fields:
        key = str(field.options.get("dictionary"))
        before, after = old.configuration.dictionaries.get(key), new.configuration.dictionaries.get(key)
        if field.kind not in ("choice", "multiple_choice") or after is None or before is None:
            continue
        codes = {code: after.live_code(code) for code in after.values if after.live_code(code) != code}
        if any(before.live_code(code) != live for code, live in codes.items()):
            yield field.key, codes


def merged_tags(old: Schema, new: Schema) -> Iterator[tuple[Tag, Tag]]:
    """Yield the tags of dimensions in which some were merged anew, with the tags that they are now."""
    for key, dimension in new.configuration.tag_dimensions.items():
        before = old.configuration.tag_dimensions.get(key)
        if before is not None and before.merged != dimension.merged:
            for tag in dimension.merged:
                yield Tag(key, tag), Tag(key, dimension.live_tag(tag))
