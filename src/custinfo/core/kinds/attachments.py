"""Files that the host keeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Invalid, Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, read_text
from custinfo.core.problems import Problem
from custinfo.core.records import Attachment
from custinfo.core.text import CONTROL

__all__ = ["ATTACHMENT"]

_LIMIT: Final = 4096
_KEYS: Final = frozenset(("name", "location", "size", "digest"))
_LARGEST: Final = 2**63 - 1


def _is_text(value: object) -> bool:
    return type(value) is str and 0 < len(value) <= _LIMIT and not CONTROL.search(value) and value == value.strip()


def _is_sound(name: object, location: object, size: object, digest: object) -> bool:
    sized = size is None or (type(size) is int and 0 <= size <= _LARGEST)
    return _is_text(name) and _is_text(location) and sized and (digest is None or _is_text(digest))


def _from_mapping(items: Mapping[Any, Any]) -> Attachment | None:
    if not _KEYS.issuperset(items):
        return None
    location = items.get("location")
    name = items.get("name") or (_name_in(location) if isinstance(location, str) else None)
    size, digest = items.get("size"), items.get("digest")
    return Attachment(name, location, size, digest) if _is_sound(name, location, size, digest) else None  # type: ignore[arg-type]


def _name_in(location: str) -> str:
    """Return the last part of a path or address, or all of it."""
    return location.partition("?")[0].rstrip("/").rpartition("/")[2].strip() or location


def _from_text(text: str) -> Attachment | None:
    if not text.startswith("{"):
        return _from_mapping({"location": text})
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _from_mapping(items) if isinstance(items, dict) else None


def _read(raw: object, report: Report, problems: list[Problem]) -> Attachment | Invalid | None:
    if isinstance(raw, Attachment):
        found = raw if _is_sound(raw.name, raw.location, raw.size, raw.digest) else None
    elif isinstance(raw, dict) or (isinstance(raw, Mapping) and len(raw) <= len(_KEYS)):
        found = _from_mapping(raw)
    elif isinstance(raw, str | None):
        text = read_text(raw, report, _LIMIT, problems)
        if not isinstance(text, str):
            return text
        found = _from_text(text)
    else:
        return report.refuse_type(raw, problems)
    return report.refuse(problems) if found is None else found


def _parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    report = Report.of(field, "wrong_type", kind=field.kind)

    def parse(raw: object, problems: list[Problem]) -> Any:
        return _read(raw, report, problems)

    return parse


def _renderer(field: FieldDefinition, context: KindContext) -> Renderer:  # noqa: ARG001
    def render(value: Any) -> str:
        text: str = value.location
        return text if _from_text(text) == value else encode_attachment(value)

    return render


def encode_attachment(value: Any) -> str:
    """Return the JSON text of an attachment; equal attachments give equal texts."""
    items = {"name": value.name, "location": value.location, "size": value.size, "digest": value.digest}
    given = {key: item for key, item in items.items() if item is not None}
    return json.dumps(given, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def decode_attachment(stored: Any) -> Attachment:
    """Return the attachment of a JSON text, whatever was allowed when it was stored."""
    items = json.loads(stored)
    return Attachment(items["name"], items["location"], items.get("size"), items.get("digest"))


ATTACHMENT: Final = Kind(
    "attachment",
    _parser,
    _renderer,
    encode=encode_attachment,
    decode=decode_attachment,
    cell_format="@",
    ordered=False,
)
"""`Attachment`. Takes one, a mapping with `location` and perhaps `name`, `size`, `digest`, or the location alone."""
