"""Shapes of criteria: what is left of bound criteria when their values are taken out.

Criteria of one shape differ in nothing but values, and so share one statement.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import attrs

from custinfo.adapters.sqlalchemy._grams import Wanted
from custinfo.adapters.sqlalchemy._prepared import Layout
from custinfo.adapters.sqlalchemy._ready import Given
from custinfo.core.criteria.nodes import Compare, Not, Path, Present
from custinfo.core.records import FieldKey, ModuleKey

__all__ = [
    "LIVE",
    "Among",
    "ClaimTest",
    "DigestTest",
    "How",
    "ListTest",
    "Loose",
    "Reference",
    "Shape",
    "ShareTest",
    "TagTest",
    "TextTest",
    "TitleTest",
]

LIVE: Final = Not(Present(("archived_at",)))
"""What holds for the records whose unique values are claimed."""

How = Literal["each", "set", "lead"]
"""Whether a table beside the records is asked for each record, or which records it has: to compare, or to be led."""


@attrs.frozen
class ListTest:
    """Hold where the value is one of a list, which is one value of the statement's shape, whatever its length."""

    path: Path
    values: Given


@attrs.frozen
class TextTest:
    """Hold where the text contains another, exactly."""

    path: Path
    text: Given


@attrs.frozen
class DigestTest:
    """Hold where the encrypted value in the document is found by one of some digests."""

    path: Path
    digests: tuple[Given, ...]
    held: str = "index"


@attrs.frozen
class ClaimTest:
    """Hold where the live record has one of some unique values, given as they are claimed."""

    field: FieldKey
    values: tuple[Given, ...]
    how: How


@attrs.frozen
class TagTest:
    """Hold where the record has a tag."""

    dimension: Given
    value: Given | None
    how: How


@attrs.frozen
class TitleTest:
    """Hold where the title in the field contains a form, for which the index of pairs is asked; `None` of `each`."""

    field: FieldKey
    form: Given
    wanted: Wanted | None
    how: How


@attrs.frozen
class ShareTest:
    """Hold where the record is shared with one of some members, departments or the like, at one of some levels.

    `keys` are those of each kind, and `at` the time until which a share must last.
    """

    keys: tuple[tuple[str, tuple[Given, ...]], ...]
    levels: tuple[str, ...]
    at: Given
    how: How


@attrs.frozen
class Reference:
    """Hold where the record that a reference points to is of a shape."""

    key: FieldKey
    module: ModuleKey
    layout: Layout
    part: Shape


@attrs.frozen
class Among:
    """Hold where one of `parts` does; the records of each are found first."""

    parts: tuple[Shape, ...]


@attrs.frozen
class Loose:
    """Hold where a comparison does, which is no bound of an index that is walked: SQLite takes one at each end."""

    part: Compare


Shape = Any
"""A criterion with a `Given` for each value, or one of the tests above; equal for criteria that differ in values."""
