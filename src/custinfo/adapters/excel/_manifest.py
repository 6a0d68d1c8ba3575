"""What a template says of itself: for which module and version it was made, and what it offered, to be told later."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.adapters.excel._archive import part_of
from custinfo.adapters.excel._guidance import choices_of, dictionary_of
from custinfo.adapters.excel._labels import normalise_label
from custinfo.core.fields import FieldDefinition
from custinfo.core.problems import ParamValue, Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema

__all__ = ["Manifest", "Offer", "read_manifest"]

_PROPERTY: Final = "custinfo_template_"
_PART: Final = "docProps/custom.xml"
_LARGEST: Final = 1024 * 1024
_CHUNK: Final = 200
_FOUND: Final = re.compile(rf'name="{_PROPERTY}(\d{{1,4}})"[^>]*>\s*<vt:lpwstr>([^<]*)</vt:lpwstr>')


@attrs.frozen
class Offer:
    """How a template offered a field; `entries` is a digest of what its list offered, empty for none."""

    label: str
    kind: str
    required: bool
    entries: str

    @classmethod
    def of(cls, schema: ModuleSchema, field: FieldDefinition, language: str) -> Offer:
        """Return how a template offers a field today."""
        dictionary = dictionary_of(schema, field)
        entries = ""
        if dictionary is not None:
            choices = choices_of(dictionary, language, leaf_only=bool(field.options.get("leaf_only")))
            entries = _digest("\n".join(choices))
        return cls(field.label_in(language), field.kind, field.required, entries)


@attrs.frozen
class Manifest:
    """What a template was: `fields` are those that it offered, `others` the keys of those that it did not."""

    module: ModuleKey
    language: str
    version: int
    fields: Mapping[FieldKey, Offer]
    others: tuple[FieldKey, ...]

    @classmethod
    def of(cls, schema: ModuleSchema, fields: Sequence[FieldDefinition], language: str, version: int) -> Manifest:
        """Return what a template is that offers some fields of a module."""
        offered = {field.key: Offer.of(schema, field, language) for field in fields}
        others = tuple(field.key for field in schema.definition.active_fields() if field.key not in offered)
        return cls(schema.definition.key, language, version, offered, others)

    @property
    def template_id(self) -> str:
        """Name the template: module, language and a digest of what it offers."""
        return f"{self.module}-{self.language}-{_digest(self._text())}"

    def properties(self) -> dict[str, str]:
        """Return it as custom properties of a workbook, each short enough for one."""
        text = self._text()
        pieces = [text[at : at + _CHUNK] for at in range(0, len(text), _CHUNK)]
        return {f"{_PROPERTY}{number}": piece for number, piece in enumerate(pieces)}

    def _text(self) -> str:
        fields = {key: attrs.astuple(offer) for key, offer in self.fields.items()}
        return json.dumps([self.module, self.language, self.version, fields, self.others], separators=(",", ":"))

    def former_labels(self, schema: ModuleSchema) -> dict[str, FieldKey]:
        """Return the headings of this template that mean nothing today, with the field that each meant.

        Those of fields that are no longer in use are given an empty name: their columns are left out.
        """
        active = {*_active(schema), "owner"}
        gone = {
            offer.label: ""
            for key, offer in self.fields.items()
            if key not in active and schema.resolve(offer.label) not in active
        }
        renamed = {
            offer.label: key
            for key, offer in self.fields.items()
            if key in active and schema.resolve(offer.label) is None
        }
        return {**gone, **renamed}

    def outdated(
        self, schema: ModuleSchema, today: Sequence[FieldDefinition], version: int, headings: Sequence[str]
    ) -> list[Problem]:
        """Return what changed since the template was made, as notices; of columns that the file still has.

        Args:
            schema: The module as it is.
            today: The fields that a template would offer today.
            version: That of the configuration today.
            headings: The headings of the file.
        """
        found = [*self._changed(schema, {normalise_label(heading) for heading in headings}), *self._added(today)]
        if not found:
            return []
        params: dict[str, ParamValue] = {"template": self.template_id, "version": self.version, "current": version}
        return [Problem("template_outdated", params=params, severity="notice"), *found]

    def _changed(self, schema: ModuleSchema, headings: set[str]) -> Iterator[Problem]:
        active = _active(schema)
        for key, then in self.fields.items():
            if normalise_label(then.label) not in headings:
                continue
            field = active.get(key)
            if field is None:
                today = schema.resolve(then.label)
                if today in active:
                    yield Problem("template_field_changed", today, severity="notice")
                elif key != "owner":
                    yield Problem("template_field_gone", then.label, severity="warning")
                continue
            now = Offer.of(schema, field, self.language)
            if now.label != then.label:
                yield Problem("template_field_renamed", key, params={"former": then.label}, severity="notice")
            if now.kind != then.kind:
                yield Problem("template_field_changed", key, severity="notice")
            elif now.entries != then.entries:
                yield Problem("template_entries_changed", key, severity="notice")
            if now.required and not then.required:
                yield Problem("template_field_required", key, severity="notice")

    def _added(self, today: Sequence[FieldDefinition]) -> Iterator[Problem]:
        known = {*self.fields, *self.others, "owner"}
        for field in today:
            if field.key not in known:
                yield Problem("template_field_added", field.key, severity="notice")


def read_manifest(content: bytes) -> Manifest | None:
    """Return what a template says of itself; `None` for any other file, and for what is not understood."""
    text = part_of(content, _PART, _LARGEST)
    pieces = {int(number): html.unescape(piece) for number, piece in _FOUND.findall(text)}
    return _understood("".join(pieces[number] for number in sorted(pieces))) if pieces else None


def _understood(text: str) -> Manifest | None:
    """Return a manifest from its text, which anybody may have changed."""
    try:
        module, language, version, fields, others = json.loads(text)
        offers = {_checked(key, str): Offer(*_checked_offer(values)) for key, values in fields.items()}
        names = tuple(_checked(key, str) for key in others)
        return Manifest(_checked(module, str), _checked(language, str), _checked(version, int), offers, names)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _checked_offer(values: Any) -> tuple[str, str, bool, str]:
    label, kind, required, entries = values
    return _checked(label, str), _checked(kind, str), _checked(required, bool), _checked(entries, str)


def _checked(value: Any, kind: Callable[..., Any]) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value


def _active(schema: ModuleSchema) -> dict[FieldKey, FieldDefinition]:
    return {field.key: field for field in schema.definition.active_fields()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
