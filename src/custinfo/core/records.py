"""Records, patches, and the special values that they hold."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, NewType

import attrs

from custinfo.core.frozen import FrozenDict

__all__ = [
    "ANY",
    "CLEAR",
    "ERASED",
    "SYSTEM_FIELDS",
    "SYSTEM_LABELS",
    "UNREADABLE",
    "AnyVersion",
    "Attachment",
    "Clear",
    "Erased",
    "FieldKey",
    "Masked",
    "MemberKey",
    "ModuleKey",
    "Patch",
    "Record",
    "RecordId",
    "Sealed",
    "Share",
    "ShareKind",
    "ShareLevel",
    "Tag",
    "Unreadable",
    "Value",
    "Values",
]

RecordId = NewType("RecordId", str)
"""A UUIDv7 in its usual text form (36 characters, lower case)."""

SYSTEM_FIELDS: FrozenDict[str, str] = FrozenDict(
    {
        "id": "text",
        "owner": "user",
        "department": "department",
        "version": "integer",
        "created_at": "datetime",
        "updated_at": "datetime",
        "created_by": "user",
        "archived_at": "datetime",
    }
)
"""Attributes of every record that criteria and orders may name like fields, with their kinds."""

SYSTEM_LABELS: FrozenDict[str, FrozenDict[str, str]] = FrozenDict(
    {
        key: FrozenDict({"zh": chinese, "en": english})
        for key, chinese, english in (
            ("id", "编号", "Id"),
            ("owner", "负责人", "Owner"),
            ("department", "所属部门", "Department"),
            ("version", "版本", "Version"),
            ("created_at", "创建时间", "Created at"),
            ("updated_at", "更新时间", "Updated at"),
            ("created_by", "创建人", "Created by"),
            ("archived_at", "归档时间", "Archived at"),
        )
    }
)
"""What people call them; a module's own fields of the same name come first."""

ModuleKey = str
FieldKey = str
MemberKey = str


class Clear(enum.Enum):
    """Type of `CLEAR`."""

    CLEAR = "CLEAR"

    def __repr__(self) -> str:
        return "CLEAR"


CLEAR: Final = Clear.CLEAR
"""In a patch: remove the field's value. A key that is absent is left as it is."""


class AnyVersion(enum.Enum):
    """Type of `ANY`."""

    ANY = "ANY"

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = AnyVersion.ANY
"""In place of a version: change the record whatever its version is. For scripts that mean it."""


class Unreadable(enum.Enum):
    """Type of `UNREADABLE`."""

    UNREADABLE = "unreadable"

    def __str__(self) -> str:
        return "unreadable"


UNREADABLE: Final = Unreadable.UNREADABLE
"""Stand in for an encrypted value whose key is missing."""


class Erased(enum.Enum):
    """Type of `ERASED`."""

    ERASED = "erased"

    def __str__(self) -> str:
        return "erased"

    # It stands where a value was, and compares with nothing.
    def _no(self, _other: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _no


ERASED: Final = Erased.ERASED
"""Stand in history for a value that was erased: there was one, and nobody can tell which."""


@attrs.frozen
class Masked:
    """Stand in for a value of which the reader may see only a part.

    It is a type of its own, so it can't be taken for the value, and writing it back is refused. `text` is what they
    see.

    >>> str(Masked("138****5678"))
    '138****5678'
    """

    text: str

    def __str__(self) -> str:
        return self.text


@attrs.frozen(repr=False)
class Sealed:
    """Hold the encrypted form of a value: all that a store, a history or a request ever sees of it.

    `token` is the encrypted text with its key id; `index` is the keyed digest by which equal values are
    found, or `None` where the field is neither unique nor searchable. `key` is the data key, wrapped by the keyring,
    that opens the token; a record keeps it apart (`Record.data_keys`), and has it for the history of the field, too.
    `tail` is the digest of the last four characters, where the field is searched by them. `former` are the digests of
    the value under keys that are being replaced: a record claims them, too, so that it stays unique meanwhile.
    """

    token: str
    index: str | None = None
    key: str | None = attrs.field(default=None, eq=False)
    tail: str | None = None
    former: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Sealed(…)"

    @property
    def claims(self) -> tuple[str, ...]:
        """The digests that only one record may have where the field is unique; none without a blind index."""
        return () if self.index is None else (self.index, *self.former)

    def digests(self) -> tuple[str, ...]:
        """Return every digest that is kept of the value."""
        return (*self.claims, *(() if self.tail is None else (self.tail,)))

    # A field that is no longer encrypted may still hold sealed values: they compare with nothing.
    def _no(self, _other: object) -> bool:
        return False

    if not TYPE_CHECKING:  # where types are checked, nobody should compare them
        __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _no


@attrs.frozen
class Attachment:
    """Point to a file that the host keeps: custinfo holds the reference, never the bytes.

    `name` is what people see, `location` whatever the host finds the file by, `size` its length in bytes, and `digest`
    what the host compares it with, such as `"sha256:…"`.
    """

    name: str
    location: str
    size: int | None = None
    digest: str | None = None


class Tag(NamedTuple):
    """A label in a dimension, such as ("行业", "制造业"); compares equal to the plain pair.

    `dimension` is the key of a `TagDimension`, and `value` the tag as it is stored, whatever synonym was given.
    """

    dimension: str
    value: str


ShareLevel = Literal["read", "collaborate"]
ShareKind = Literal["member", "department", "role"]


class Share(NamedTuple):
    """Say that a record is shared with a member, a department and all below it, or the holders of a role (POL-2).

    What they may do with it is said by their own grants of scope `shared`. `until` is the instant at which it ends,
    UTC; `None` for a share without end. A record has one share for each of those with whom it is shared.

    >>> Share("member", "wangwu", "collaborate")
    Share(kind='member', key='wangwu', level='collaborate', until=None)
    """

    kind: ShareKind
    key: str
    level: ShareLevel = "read"
    until: datetime | None = None

    def holds_at(self, moment: datetime) -> bool:
        """Return whether the share has not ended at `moment`, aware."""
        return self.until is None or self.until > moment


Scalar = str | int | bool | Decimal | date | datetime | Attachment | Sealed
Value = Scalar | tuple[str, ...] | tuple[Attachment, ...]
Values = Mapping[FieldKey, Any]
Patch = Mapping[FieldKey, Any]
"""Field key → new typed value, or `CLEAR`; a key that is absent is untouched."""


@attrs.frozen
class Record:
    """Hold one record of a module as it is at one version.

    Equality compares everything but `data_keys`; the hash is that of (module, id, version). The representation shows no
    value.

    Args:
        id: A UUIDv7; unique in the tenant.
        module: Key of the module.
        values: Key → typed value of the fields that are not blank.
        tags: Pairs of dimension and tag.
        owner: Key of the member who is responsible; `None` for nobody.
        department: Key of the owner's department, stamped when the owner is assigned; it stays when people move.
        version: Starts at 1 and counts up by one.
        created_at: When version 1 was saved, UTC.
        updated_at: When this version was saved, UTC.
        created_by: Key of the member who created it; `None` where that is not known.
        archived_at: Since when it is archived, UTC; `None` for a live one.
        shares: Those with whom it is shared.
        data_keys: Key → wrapped key of the fields that have or had encrypted values: without the key of a field nobody
            can open what is, was, or is copied anywhere of it. They are no part of what the record says.
    """

    id: RecordId
    module: ModuleKey
    values: FrozenDict[FieldKey, Any] = attrs.field(repr=False)
    tags: frozenset[Tag] = attrs.field(repr=False)
    owner: MemberKey | None = attrs.field(repr=False)
    department: str | None = attrs.field(repr=False)
    version: int
    created_at: datetime = attrs.field(repr=False)
    updated_at: datetime = attrs.field(repr=False)
    created_by: MemberKey | None = attrs.field(repr=False, default=None)
    archived_at: datetime | None = attrs.field(repr=False, default=None)
    shares: frozenset[Share] = attrs.field(repr=False, default=frozenset())
    data_keys: FrozenDict[FieldKey, str] = attrs.field(repr=False, eq=False, default=FrozenDict())

    def __hash__(self) -> int:
        return hash((self.module, self.id, self.version))

    def keeping_keys(self) -> Record:
        """Return the record with the data keys apart that new sealed values brought along."""
        brought = {key: value for key, value in self.values.items() if type(value) is Sealed and value.key}
        if not brought:
            return self
        plain = {
            key: Sealed(value.token, value.index, None, value.tail, value.former) for key, value in brought.items()
        }
        keys = {key: str(value.key) for key, value in brought.items()}
        return attrs.evolve(self, values=self.values.merged(plain), data_keys=self.data_keys.merged(keys))

    def as_sealed_in(self, stored: Record) -> Record:
        """Return the record with data keys and digests as in `stored`, the one that it replaces.

        Rotating keys writes these anew without giving the record another version: whoever read it before would write
        them back as they were.
        """
        keys = {key: stored.data_keys[key] for key in self.data_keys.keys() & stored.data_keys.keys()}
        values = {
            key: found
            for key, value in self.values.items()
            if type(value) is Sealed
            and type(found := stored.values.get(key)) is Sealed
            and found.token == value.token
            and found != value
        }
        if not values and all(self.data_keys[key] == found for key, found in keys.items()):
            return self
        return attrs.evolve(self, values=self.values.merged(values), data_keys=self.data_keys.merged(keys))

    def patched(self, patch: Patch) -> FrozenDict[FieldKey, Any]:
        """Return the values after `patch`; the record itself stays as it is."""
        values = {**self.values, **patch}
        return FrozenDict({key: value for key, value in values.items() if value is not CLEAR and value is not None})


Version = int | Literal[AnyVersion.ANY]
