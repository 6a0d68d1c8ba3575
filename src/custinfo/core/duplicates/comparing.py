"""Comparing two records: evidence for and against their being about the same, added up to a score.

Each piece of evidence has a weight, the logarithm of how much more often it is found among records of one customer than
among others (Fellegi and Sunter, 1969). Their sum, with the odds that two records which share a key begin with, gives a
probability. The weights are set by hand, for records of Chinese companies, and measured by `benchmarks.duplicates`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any, Final, NamedTuple

import attrs

from custinfo.core.duplicates.company_names import company_name, ordinal_marks
from custinfo.core.duplicates.ratio import Ratio
from custinfo.core.duplicates.regions import agree
from custinfo.core.fields import ModuleDefinition
from custinfo.core.records import FieldKey
from custinfo.core.text import folded

__all__ = ["Evidence", "Signature", "Signatures", "Traits", "keys_of", "probability", "weigh"]

_IDENTIFIERS: Final = ("uscc", "resident_id")
_CONTACTS: Final = ("phone", "email")

_PRIOR: Final = -4.0
_SAME_NAME: Final = 6.0
_SAME_SHORT_NAME: Final = 4.0
_SHORT: Final = 3
_NAME_SLOPE: Final = 12.0
_NAME_BASE: Final = -7.0
_OTHER_NAME: Final = -8.0
_ALIKE: Final = 0.6
_BEGINNING: Final = 0.75
_BRAND: Final = 2
_SAME_FORM: Final = 2.0
_REGION_UNKNOWN: Final = -0.5
_OTHER_REGION: Final = -14.0
_OTHER_MARKS: Final = -20.0
_MARKS_MISSING: Final = -9.0
_SAME_CONTACT: Final = 4.5
_OTHER_CONTACT: Final = -1.5
_SAME_IDENTIFIER: Final = 10.0
_OTHER_IDENTIFIER: Final = -14.0
_SAME_TEXT: Final = 2.5


@attrs.frozen
class Evidence:
    """What one field says: how much the values are alike, from 0 to 1, and the weight, negative if against."""

    field: FieldKey
    similarity: float
    weight: float


@attrs.frozen
class Traits:
    """The fields by which records of a module are compared, by what their agreement means.

    Args:
        name: The field with the name.
        identifiers: Fields whose value one customer only has.
        contacts: Phones and addresses.
        texts: Other short texts.
        given: Those of the identifiers that a host gives out, such as numbers of customers: who is there twice has two
            of them, so that another one says nothing.
    """

    name: FieldKey | None
    identifiers: tuple[FieldKey, ...] = ()
    contacts: tuple[FieldKey, ...] = ()
    texts: tuple[FieldKey, ...] = ()
    given: tuple[FieldKey, ...] = ()

    @classmethod
    def of(cls, module: ModuleDefinition) -> Traits:
        """Return those of a module: its name is the text of its duplicate keys, else its title.

        Encrypted fields are left out, and texts that not every record may have, or that are kept back.
        """
        fields = {field.key: field for field in module.active_fields() if not field.encrypted}
        texts = [key for key, field in fields.items() if field.kind == "text"]
        named = [key for keys in module.duplicate_keys for key in keys if key in texts]
        name = next(iter(named), module.title_field if module.title_field in texts else None)
        unique = tuple(key for key in texts if fields[key].unique and key != name)
        known = (*(key for key, field in fields.items() if field.kind in _IDENTIFIERS), *unique)
        contacts = tuple(key for key, field in fields.items() if field.kind in _CONTACTS)
        plain = (key for key in texts if fields[key].sensitivity == "normal" and fields[key].applies_when is None)
        return cls(name, known, contacts, tuple(key for key in plain if key != name and key not in unique), unique)

    @property
    def fields(self) -> tuple[FieldKey, ...]:
        """All of them."""
        return (*((self.name,) if self.name else ()), *self.identifiers, *self.contacts, *self.texts)

    def signature(self, values: Mapping[FieldKey, Any]) -> Signature:
        """Return what of a record's typed values is compared."""
        return self.signatures({key: [value] for key, value in values.items()}, 1)[0]

    def signatures(self, columns: Mapping[FieldKey, Sequence[Any]], count: int) -> Signatures:
        """Return what of records is compared: of `count` of them, whose typed values are given in columns."""
        blank: Sequence[Any] = [None] * count
        names = columns.get(self.name, blank) if self.name else blank
        cores, regions, forms = map(list, zip(*map(_apart, names), strict=True)) if count else ([], [], [])
        return Signatures(
            cores,
            regions,
            forms,
            tuple(list(columns.get(key, blank)) for key in self.identifiers),
            tuple(list(map(_contact, columns.get(key, blank))) for key in self.contacts),
            tuple(list(columns.get(key, blank)) for key in self.texts),
        )


class Signature(NamedTuple):
    """What of a record is compared: the name taken apart, and its values in the order of the traits."""

    core: str
    region: str
    form: str
    identifiers: tuple[Any, ...]
    contacts: tuple[Any, ...]
    texts: tuple[Any, ...]


@attrs.frozen(eq=False)
class Signatures:
    """Hold what of many records is compared: in columns, so that there are few objects however many records.

    Args:
        cores: What tells the name of each record from others.
        regions: The region of each name.
        forms: Each name as a whole.
        identifiers: For each such field, a value for each record.
        contacts: The same.
        texts: The same.
    """

    cores: list[str]
    regions: list[str]
    forms: list[str]
    identifiers: tuple[list[Any], ...]
    contacts: tuple[list[Any], ...]
    texts: tuple[list[Any], ...]

    def __len__(self) -> int:
        """Return of how many records they are."""
        return len(self.cores)

    def __getitem__(self, place: int) -> Signature:
        """Return that of one record."""
        return Signature(
            self.cores[place],
            self.regions[place],
            self.forms[place],
            tuple([column[place] for column in self.identifiers]),
            tuple([column[place] for column in self.contacts]),
            tuple([column[place] for column in self.texts]),
        )

    @property
    def keys(self) -> tuple[list[Any], ...]:
        """The columns of what records of one customer may share, in the order of `keys_of`."""
        return (self.cores, *self.identifiers, *self.contacts)

    def extend(self, others: Signatures) -> None:
        """Add those of further records."""
        for mine, theirs in zip(self._columns, others._columns, strict=True):
            mine.extend(theirs)

    @property
    def _columns(self) -> tuple[list[Any], ...]:
        return (*self.keys, self.regions, self.forms, *self.texts)


def keys_of(signature: Signature) -> tuple[Any, ...]:
    """Return what a record may share with others of the same customer."""
    return (signature.core, *signature.identifiers, *signature.contacts)


def weigh(one: Signature, other: Signature, traits: Traits, ratio: Ratio) -> list[Evidence]:
    """Return the evidence that two records are about the same; fields that are blank in one of them say nothing."""
    found = _names(one, other, traits.name, ratio) if traits.name and one.core and other.core else []
    for fields, mine, theirs, same, different in (
        (traits.identifiers, one.identifiers, other.identifiers, _SAME_IDENTIFIER, _OTHER_IDENTIFIER),
        (traits.contacts, one.contacts, other.contacts, _SAME_CONTACT, _OTHER_CONTACT),
    ):
        for field, value, another in zip(fields, mine, theirs, strict=True):
            if value is None or another is None:
                continue
            if value == another:
                found.append(Evidence(field, 1.0, same))
            elif field not in traits.given:
                found.append(Evidence(field, 0.0, different))
    for field, value, another in zip(traits.texts, one.texts, other.texts, strict=True):
        if value and another and (value == another or folded(value) == folded(another)):
            found.append(Evidence(field, 1.0, _SAME_TEXT))
    return found


def probability(evidence: list[Evidence]) -> float:
    """Return from 0 to 1 how likely two records are about the same, by what was found."""
    return 1 / (1 + exp(-_PRIOR - sum(item.weight for item in evidence)))


def _names(one: Signature, other: Signature, field: FieldKey, ratio: Ratio) -> list[Evidence]:
    if one.core == other.core:
        similarity = 1.0
        weight = _SAME_NAME if len(one.core) > _SHORT else _SAME_SHORT_NAME
        weight += _SAME_FORM if one.form == other.form else 0.0
    else:
        similarity = ratio(one.core, other.core)
        weight = _likeness(one.core, other.core, similarity) + _marks(one.core, other.core)
    if not agree(one.region, other.region):
        weight += _OTHER_REGION
    elif bool(one.region) != bool(other.region):
        weight += _REGION_UNKNOWN
    return [Evidence(field, similarity, weight)]


def _likeness(one: str, other: str, similarity: float) -> float:
    """Return the weight of names that are not the same: a slip, or a part of the other one.

    What a name begins with tells companies of one trade apart, however long the rest is that they share.
    """
    if min(len(one), len(other)) >= _BRAND and (one.startswith(other) or other.startswith(one)):
        return _NAME_BASE + _NAME_SLOPE * max(similarity, _BEGINNING)
    if similarity < _ALIKE or set(one[:_BRAND]).isdisjoint(other[:_BRAND]):
        return _OTHER_NAME
    return _NAME_BASE + _NAME_SLOPE * similarity


def _marks(one: str, other: str) -> float:
    mine, theirs = ordinal_marks(one), ordinal_marks(other)
    if mine == theirs:
        return 0.0
    return _OTHER_MARKS if mine and theirs else _MARKS_MISSING


def _apart(name: Any) -> tuple[str, str, str]:
    return company_name(name) if isinstance(name, str) else ("", "", "")


def _contact(value: Any) -> Any:
    folded_value = value.casefold() if isinstance(value, str) else value
    return value if folded_value == value else folded_value  # an index holds as many as there are records
