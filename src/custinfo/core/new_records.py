"""Many new records at once, in columns.

An import makes a hundred thousand records, each with a dozen values and a change that repeats them. As objects these
take longer to make than a database takes to keep them. Here they are columns, and a record or a change is made when
somebody asks for one; a store that keeps rows asks for none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import repeat
from json import encoder
from typing import Any, Final, overload

import attrs

from custinfo.core.evidence import canonical_text
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, Channel, changes_between
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId, Share, Tag
from custinfo.core.stored import ValueCodec

__all__ = ["Creations", "NewRecords", "StoredColumns"]

_NO_TAGS: Final[frozenset[Tag]] = frozenset()
_NO_SHARES: Final[frozenset[Share]] = frozenset()
_Form = Callable[[Any], str | None]
_quoted: Final[Callable[[str], str]] = encoder.encode_basestring


def _blank(_: None) -> None:
    """Return nothing for nothing."""


_FORMS: Final[Mapping[type[Any], _Form]] = {str: _quoted, int: str, type(None): _blank}
"""Type of JSON data → what makes it text, faster than the encoder of whole documents."""
_NO_KEYS: Final[FrozenDict[FieldKey, str]] = FrozenDict()


@attrs.frozen(eq=False, slots=False)
class NewRecords(Sequence[Record]):
    """Hold records of version 1 of one module, without tags and shares, made by one member at one instant.

    Args:
        module: Key of the module.
        ids: The record ids.
        columns: Field → a typed value for each record, `None` where it has none; in the order of the fields.
        owners: The owner of each record.
        departments: The department of each record.
        created_by: Who makes them.
        at: When.

    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> columns = {"name": ["x", "y"], "size": [1, None]}
    >>> new = NewRecords("thing", ["a", "b"], columns, ["li", "li"], ["sales", "sales"], "li", now)
    >>> [dict(record.values) for record in new]
    [{'name': 'x', 'size': 1}, {'name': 'y'}]
    """

    module: ModuleKey
    ids: Sequence[RecordId] = attrs.field(repr=False)
    columns: Mapping[FieldKey, Sequence[Any]] = attrs.field(repr=False)
    owners: Sequence[MemberKey | None] = attrs.field(repr=False)
    departments: Sequence[str | None] = attrs.field(repr=False)
    created_by: MemberKey
    at: datetime
    _stored: dict[ValueCodec, StoredColumns] = attrs.field(factory=dict, init=False, repr=False)

    def stored(self, codec: ValueCodec) -> StoredColumns:
        """Return the values as a codec writes them; made once, for the records and for their history."""
        known = self._stored.get(codec)
        if known is None:
            values = {key: codec.encode_column(key, column) for key, column in self.columns.items()}
            authors = [self.created_by] * len(self)
            beside = {"owner": self.owners, "department": self.departments, "created_by": authors}
            known = self._stored[codec] = StoredColumns(values, beside, len(self))
        return known

    def bare(self) -> NewRecords:
        """Return the records without values."""
        nobody = [None] * len(self)
        return NewRecords(self.module, self.ids, {}, nobody, nobody, self.created_by, self.at)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        """Return a record, or several."""
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        values = {key: column[index] for key, column in self.columns.items() if column[index] is not None}
        return Record(
            self.ids[index],
            self.module,
            FrozenDict(values),
            _NO_TAGS,
            self.owners[index],
            self.departments[index],
            1,
            self.at,
            self.at,
            self.created_by,
            None,
            _NO_SHARES,
            _NO_KEYS,
        )


@attrs.frozen(eq=False, slots=False)
class StoredColumns:
    """The stored form of new records, a column at a time.

    Args:
        values: Field → the JSON form of its values, `None` where a record has none.
        beside: The same for what history names beside the fields.
        number: How many records there are.
    """

    values: Mapping[FieldKey, Sequence[Any]] = attrs.field(repr=False)
    beside: Mapping[FieldKey, Sequence[Any]] = attrs.field(repr=False)
    number: int

    @cached_property
    def _texts(self) -> dict[FieldKey, Sequence[str | None]]:
        return {key: _json_texts(column) for key, column in self.values.items()}

    def documents(self) -> list[str]:
        """Return the JSON text of each record's values, an object."""
        return [f"{{{body[1:]}}}" for body in _bodies(self.number, self._texts, ",{}:", "")]

    def changes(self) -> list[str]:
        """Return the JSON text of the field changes of each record's creation: a list of triples."""
        columns = {**self._texts, **{key: _json_texts(column) for key, column in self.beside.items()}}
        return [f"[{body[1:]}]" for body in _bodies(self.number, columns, ",[{},null,", "]")]


def _bodies(number: int, columns: Mapping[FieldKey, Sequence[str | None]], before: str, after: str) -> Iterable[str]:
    """Yield for each row its values, each between `before`, which names the key, and `after`, one behind the other.

    What stands between columns with a value everywhere, as most are, is the same text for all rows.
    """
    pieces: list[Iterable[str | None]] = []
    between = ""
    for key, texts in columns.items():
        start = before.format(canonical_text(key))
        if None in texts:
            pieces += [repeat(between), ["" if text is None else f"{start}{text}{after}" for text in texts]]
            between = ""
        else:
            pieces += [repeat(between + start), texts]
            between = after
    rows: Iterable[Any] = zip(*pieces, repeat(between))
    return map("".join, rows) if pieces else repeat("", number)


def _json_texts(column: Sequence[Any]) -> Sequence[str | None]:
    """Return JSON data as texts, most of them texts to begin with; `None` stays `None`."""
    form_of: Callable[[type[Any], _Form], _Form] = _FORMS.get
    kinds = set(map(type, column))
    if len(kinds) == 1:
        return list(map(form_of(kinds.pop(), canonical_text), column))
    return [form_of(type(item), canonical_text)(item) for item in column]


@attrs.frozen(eq=False)
class Creations(Sequence[Change]):
    """Hold the changes by which new records came to be.

    Args:
        records: What was created.
        actor: Who did it.
        channel: Through which channel.
        on_behalf_of: For whom, where it was a deputy.
        batch: The import.
        configuration_version: The version of the configuration.
        evidence: Of each change, where there is a key for it.
    """

    records: NewRecords
    actor: MemberKey
    channel: Channel = "edit"
    on_behalf_of: MemberKey | None = None
    batch: str | None = None
    configuration_version: int = 1
    evidence: Sequence[str] | None = attrs.field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> list[Change]: ...
    def __getitem__(self, index: int | slice) -> Change | list[Change]:
        """Return a change, or several."""
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        record = self.records[index]
        return Change(
            record.module,
            record.id,
            record.version,
            record.created_at,
            self.actor,
            "create",
            changes_between(None, record),
            self.channel,
            None,
            self.on_behalf_of,
            None,
            self.batch,
            self.configuration_version,
            self.evidence[index] if self.evidence is not None else None,
        )
