"""What a kind of field is."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import attrs

from custinfo.core.problems import Problem

if TYPE_CHECKING:
    from custinfo.core.dictionaries import Dictionary
    from custinfo.core.fields import FieldDefinition

__all__ = [
    "INVALID",
    "Directory",
    "Invalid",
    "Kind",
    "KindContext",
    "Parser",
    "Renderer",
    "Storage",
    "Stored",
    "unchanged",
]


class Invalid(enum.Enum):
    """Type of `INVALID`."""

    INVALID = "INVALID"


INVALID: Final = Invalid.INVALID
"""What a parser returns after it has appended the problem."""

Storage = Literal["text", "number", "list"]
Stored = str | int | bool | list[Any] | None
"""How a value stands in a JSON document or an index column: text and whole numbers compare there as values do."""

Parser = Callable[[object, list[Problem]], Any]
"""Turn a raw value into a typed one: `None` for a blank, `INVALID` with problems appended. Never raises."""

Renderer = Callable[[Any], str]
"""Turn a typed value into the text that people read; parsing that text gives the value back."""


class Directory(Protocol):
    """Find people and departments by what users write."""

    def find_member(self, text: str, /) -> str | tuple[str, ...] | None:
        """Return the key of the member that `text` names; several if ambiguous."""

    def find_department(self, text: str, /) -> str | tuple[str, ...] | None:
        """Return the key of the department named by key, name or path; several if ambiguous."""

    def member_label(self, key: str, /) -> str:
        """Return what to show for a member; the key itself if unknown."""

    def department_label(self, key: str, /) -> str:
        """Return what to show for a department; the key itself if unknown."""


@attrs.frozen
class KindContext:
    """Hold what a kind needs to know beyond the field: dictionaries, people, language, time zone and country.

    `modules` are what people call the modules, by key and language.
    """

    dictionaries: Mapping[str, Dictionary]
    directory: Directory
    zone: tzinfo
    language: str = "zh"
    country: str = "CN"
    modules: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)


def unchanged(value: Any) -> Any:
    """Return the value itself: the encoding of what is stored as it is."""
    return value


@attrs.frozen
class Kind:
    """Define a kind of field: both directions between what people write and what is stored.

    Args:
        key: Its name in a `FieldDefinition`.
        parser: Makes the parser of a field; called once per configuration.
        renderer: Makes the renderer of a field; called once per configuration.
        storage: How stored values compare: as text, as numbers, or item by item.
        encode: Typed value → stored value. Equal values give equal stored ones, and order is kept.
        decode: The reverse of `encode`.
        cell_format: Number format of a spreadsheet cell; `@` keeps digits as typed.
        ordered: Whether `<` and `>` make sense.
    """

    key: str
    parser: Callable[[FieldDefinition, KindContext], Parser]
    renderer: Callable[[FieldDefinition, KindContext], Renderer]
    storage: Storage = "text"
    encode: Callable[[Any], Stored] = unchanged
    decode: Callable[[Any], Any] = unchanged
    cell_format: str = "General"
    ordered: bool = True
