"""Typed values to and from the JSON data that stores keep: one codec for every adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, FieldChange
from custinfo.core.kinds import unchanged
from custinfo.core.records import CLEAR, ERASED, FieldKey, Sealed, Share, Tag
from custinfo.core.schema import ModuleSchema

__all__ = [
    "ValueCodec",
    "instant_from_text",
    "instant_to_text",
    "instant_writer",
    "seal_from_json",
    "seal_to_json",
    "share_from_json",
    "share_to_json",
    "unique_keys",
]


def instant_to_text(moment: datetime) -> str:
    """Return an aware datetime as fixed-width UTC text, so that the order of texts is that of time."""
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"


def instant_writer() -> Callable[[datetime], str]:
    """Return `instant_to_text` for many values in a row, of which most are the very moment before."""
    last: datetime | None = None
    text = ""

    def write(moment: datetime) -> str:
        nonlocal last, text
        if moment is not last:
            last, text = moment, instant_to_text(moment)
        return text

    return write


def instant_from_text(text: str) -> datetime:
    """Return the datetime that `instant_to_text` gave."""
    return datetime.fromisoformat(text)


def seal_to_json(value: Sealed) -> dict[str, Any]:
    """Return the JSON form of a sealed value."""
    data = {"sealed": value.token, "index": value.index}
    added = {"key": value.key, "tail": value.tail, "former": list(value.former) or None}
    return {**data, **{name: found for name, found in added.items() if found is not None}}


def seal_from_json(data: Mapping[str, Any]) -> Sealed:
    """Return the sealed value that `seal_to_json` gave."""
    return Sealed(data["sealed"], data["index"], data.get("key"), data.get("tail"), tuple(data.get("former", ())))


def share_to_json(share: Share) -> list[str | None]:
    """Return a share as JSON data: kind, key, level and end."""
    return [share.kind, share.key, share.level, None if share.until is None else instant_to_text(share.until)]


def share_from_json(data: Sequence[Any]) -> Share:
    """Return the share that `share_to_json` gave."""
    kind, key, level, until = data
    return Share(kind, key, level, None if until is None else instant_from_text(until))


_SPECIAL: Final = frozenset({Sealed, type(CLEAR), type(ERASED)})
"""Types of values whose form is the same for every field."""

_SYSTEM_CODECS: Final[dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]]] = {
    "archived_at": (instant_to_text, instant_from_text),
    "tags": (
        lambda tags: [list(tag) for tag in tags],
        lambda pairs: tuple(Tag(dimension, value) for dimension, value in pairs),
    ),
    "shares": (
        lambda shares: [share_to_json(share) for share in shares],
        lambda items: tuple(map(share_from_json, items)),
    ),
}


class ValueCodec:
    """Encode and decode the values of one module.

    The encoded form of a number is a whole number and that of anything else a text, so that databases compare
    encoded values as Python compares typed ones. A value that was stored under an earlier version of the configuration
    is decoded by the kind that its field had then.
    """

    def __init__(self, module: ModuleSchema) -> None:
        self._module = module
        self._former: dict[int, ValueCodec] = {}
        self._encode = {key: kind.encode for key, kind in module.kinds.items() if kind.encode is not unchanged}
        self._decode = {key: kind.decode for key, kind in module.kinds.items()}
        for key, (encode, decode) in _SYSTEM_CODECS.items():
            self._encode.setdefault(key, encode)
            self._decode.setdefault(key, decode)
        self._decoders = tuple((key, decode) for key, decode in self._decode.items() if decode is not unchanged)

    def encode(self, key: FieldKey, value: Any) -> Any:
        """Return the JSON form of one value; `None` stays `None`."""
        if value is None:
            return None
        if type(value) is Sealed:
            return seal_to_json(value)
        if value is CLEAR:
            return {"clear": True}
        if value is ERASED:
            return {"erased": True}
        encode = self._encode.get(key)
        return value if encode is None else encode(value)

    def decode(self, key: FieldKey, stored: Any) -> Any:
        """Return the typed value of a JSON form; of a field that is no longer defined, the JSON form."""
        if stored is None:
            return None
        if type(stored) is dict:
            if "sealed" in stored:
                return seal_from_json(stored)
            if "clear" in stored:
                return CLEAR
            if "erased" in stored:
                return ERASED
        decode = self._decode.get(key)
        return stored if decode is None else decode(stored)

    def encode_values(self, values: Mapping[FieldKey, Any]) -> dict[FieldKey, Any]:
        """Return the JSON form of a record's values or a patch."""
        encode, encoded = self.encode, self._encode
        return {
            key: value if type(value) is str and key not in encoded else encode(key, value)
            for key, value in values.items()
        }

    def encode_column(self, key: FieldKey, values: Sequence[Any]) -> Sequence[Any]:
        """Return the JSON form of many values of one field; `None` stays `None`."""
        if not _SPECIAL.isdisjoint(map(type, values)):
            return [self.encode(key, value) for value in values]
        encode = self._encode.get(key)
        return values if encode is None else [None if value is None else encode(value) for value in values]

    def as_of(self, version: int) -> ValueCodec:
        """Return the codec for what was stored under a version of the configuration: itself, for most."""
        if not self._module.former_kinds:
            return self
        known = self._former.get(version)
        if known is None:
            kinds = self._module.kinds_at(version)
            known = self if kinds == self._module.kinds else ValueCodec(attrs.evolve(self._module, kinds=kinds))
            self._former[version] = known
        return known

    def decode_values(self, stored: Mapping[FieldKey, Any]) -> FrozenDict[FieldKey, Any]:
        """Return the values or the patch that `encode_values` gave."""
        values = dict(stored)
        for key, decode in self._decoders:
            value = values.get(key)
            if value is not None and type(value) is not dict:
                values[key] = decode(value)
        if dict in map(type, values.values()):  # sealed, or erased
            changed = {key: self.decode(key, value) for key, value in stored.items() if type(value) is dict}
            values.update(changed)
        return FrozenDict(values)

    def encode_change(self, change: Change) -> list[list[Any]]:
        """Return the JSON form of what a change did: triples of key, old and new value."""
        if change.channel != "configuration" or not self._module.former_kinds:
            return self.encode_changes(change.fields)
        before, after = self.as_of(change.configuration_version - 1), self.as_of(change.configuration_version)
        return [[key, before.encode(key, old), after.encode(key, new)] for key, old, new in change.fields]

    def decode_change(self, stored: Iterable[list[Any]], channel: str, version: int) -> tuple[FieldChange, ...]:
        """Return the field changes of a change that `encode_change` gave.

        Args:
            stored: What was given.
            channel: The change's.
            version: The change's version of the configuration. What a configuration changed was of the kind before.
        """
        after = self.as_of(version)
        if after is self and (channel != "configuration" or not self._module.former_kinds):
            return self.decode_changes(stored)
        before = self.as_of(version - 1) if channel == "configuration" else after
        return tuple(FieldChange(key, before.decode(key, old), after.decode(key, new)) for key, old, new in stored)

    def encode_changes(self, fields: Iterable[FieldChange]) -> list[list[Any]]:
        """Return the JSON form of field changes: triples of key, old and new value."""
        encode, encoded = self.encode, self._encode
        return [
            [
                key,
                None if old is None else encode(key, old),
                new if type(new) is str and key not in encoded else encode(key, new),
            ]
            for key, old, new in fields
        ]

    def decode_changes(self, stored: Iterable[list[Any]]) -> tuple[FieldChange, ...]:
        """Return the field changes that `encode_changes` gave."""
        decode = self.decode
        return tuple(FieldChange(key, decode(key, old), decode(key, new)) for key, old, new in stored)


def unique_keys(module: ModuleSchema, key: FieldKey, value: Any) -> tuple[str, ...]:
    """Return the texts that only one record may have for a unique value.

    It is the stored form; of a sealed value its digests, of which there are several while the key of blind indexes is
    being replaced, and none where there is no index: then nobody can tell whether it is unique.
    """
    if type(value) is Sealed:
        return value.claims
    return (str(module.kinds[key].encode(value)),)
