"""Everything that is held about a person, as the law lets them ask for it (GDPR Art. 15 and 20, PIPL Art. 45).

As JSON it is one object, written in this order:

- `format`: `custinfo.subject-access.1`;
- `module`, `record`, `at`, `actor`: about whom, when, and by whom it was gathered;
- `modules`: module → `label` and `fields`, the labels of the fields, by language;
- `limits`: what the rights of the actor keep out as a whole, each with `module`, `records`, `sections`;
- `held`: the items, each with `section`, `module`, `record` and its `data`;
- `complete`: whether nothing was kept out: no limit, no field withheld, nothing masked, nothing unreadable.

Values are texts, numbers, `true` and `false`, and lists; others are objects of one key that begins with `@`, which no
key of a field does: `@decimal`, `@date`, `@datetime`, `@attachment`, `@masked`, `@unreadable`, `@erased`, `@clear`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Final, Literal

import attrs

from custinfo.core.errors import UnreadableFileError
from custinfo.core.exact import decimal_of, decimal_text
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.records import (
    CLEAR,
    ERASED,
    UNREADABLE,
    Attachment,
    Clear,
    Erased,
    Masked,
    MemberKey,
    ModuleKey,
    RecordId,
    Unreadable,
)
from custinfo.core.stored import instant_from_text, instant_to_text

__all__ = ["AccessLimit", "Held", "HeldSection", "SubjectAccess"]

HeldSection = Literal["record", "change", "request", "import", "access", "erasure"]

_FORMAT: Final = "custinfo.subject-access.1"


@attrs.frozen
class AccessLimit:
    """Say what of a module the actor's rights keep out of the answer.

    Args:
        module: Key of the module.
        records: Whether there may be records that the actor does not reach.
        sections: The sections that the actor may not see, or not all of.
    """

    module: ModuleKey
    records: bool
    sections: tuple[HeldSection, ...] = ()


@attrs.frozen
class Held:
    """One thing that is held: a record, a change of it, a request or an import that it took part in, an access to it.

    `section` says which of these it is; `module` and `record_id` name the record that it is or is about. `data` has
    what the section is about, by name; values are as the actor may see them. It is no part of the representation.
    """

    section: HeldSection
    module: ModuleKey
    record_id: RecordId
    data: FrozenDict[str, Any] = attrs.field(repr=False)

    @property
    def whole(self) -> bool:
        """Whether nothing of it was withheld, masked or unreadable."""
        return not self.data.get("withheld") and _is_open(self.data)


@attrs.frozen
class SubjectAccess:
    """Hold the answer to a person who asks what is held about them; `Records.subject_access` gathers it.

    Args:
        module: Of the record that is about the person.
        record_id: That record.
        at: When it was gathered.
        actor: Who gathered it, and whose rights it obeys.
        modules: Module → `label` and `fields`: what people call them, by language.
        limits: What those rights keep out as a whole; fields that they keep out are named by each record.
        held: The items, the record and its relations one after the other. Gathered, they are an iterator to be gone
            through once, before the session ends: they are read as one goes.
    """

    module: ModuleKey
    record_id: RecordId
    at: datetime
    actor: MemberKey
    modules: FrozenDict[ModuleKey, Any] = attrs.field(repr=False)
    limits: tuple[AccessLimit, ...]
    held: Iterable[Held] = attrs.field(repr=False)

    def __iter__(self) -> Iterator[Held]:
        return iter(self.held)

    def write_json(self, file: IO[str]) -> None:
        """Write it as JSON, item by item, in memory that does not grow with them. Raises: OSError, StorageError."""
        head = {
            "format": _FORMAT,
            "module": self.module,
            "record": self.record_id,
            "at": instant_to_text(self.at),
            "actor": self.actor,
            "modules": self.modules,
            "limits": [attrs.asdict(limit) for limit in self.limits],
        }
        file.write(f'{_text(head)[:-1]}, "held": [')
        complete = not self.limits
        for number, item in enumerate(self):
            complete &= item.whole
            data = {"section": item.section, "module": item.module, "record": item.record_id, "data": _told(item.data)}
            file.write(f"{',' if number else ''}\n{_text(data)}")
        file.write(f'\n], "complete": {_text(complete)}}}\n')

    @classmethod
    def from_json(cls, text: str) -> SubjectAccess:
        """Return what `write_json` wrote, with its items as a tuple. Raises: UnreadableFileError."""
        try:
            data = json.loads(text)
            limits = tuple(
                AccessLimit(item["module"], item["records"], tuple(item["sections"])) for item in data["limits"]
            )
            held = tuple(
                Held(item["section"], item["module"], RecordId(item["record"]), _typed(item["data"]))
                for item in data["held"]
            )
            at, modules = instant_from_text(data["at"]), _typed(data["modules"])
            found = cls(data["module"], RecordId(data["record"]), at, data["actor"], modules, limits, held)
            if data["format"] == _FORMAT:
                return found
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
            pass
        raise UnreadableFileError([Problem("not_a_subject_access")])


def _text(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False)


_WRITERS: Final[Mapping[type[Any], tuple[str, Callable[[Any], Any]]]] = {
    Decimal: ("@decimal", decimal_text),
    datetime: ("@datetime", datetime.isoformat),
    date: ("@date", date.isoformat),
    Masked: ("@masked", str),
    Attachment: ("@attachment", attrs.asdict),
    Unreadable: ("@unreadable", bool),
    Erased: ("@erased", bool),
    Clear: ("@clear", bool),
}
_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "@decimal": decimal_of,
    "@datetime": datetime.fromisoformat,
    "@date": date.fromisoformat,
    "@masked": Masked,
    "@attachment": lambda parts: Attachment(**parts),
    "@unreadable": lambda _: UNREADABLE,
    "@erased": lambda _: ERASED,
    "@clear": lambda _: CLEAR,
}


def _told(value: Any) -> Any:
    """Return a value as JSON data."""
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return {writer[0]: writer[1](value)}
    if isinstance(value, Mapping):
        return {key: _told(item) for key, item in value.items()}
    return list(map(_told, value)) if isinstance(value, tuple | list) else value


def _typed(data: Any) -> Any:
    """Return the value that `_told` gave; lists become tuples."""
    if isinstance(data, list):
        return tuple(map(_typed, data))
    if not isinstance(data, dict):
        return data
    if len(data) == 1:
        [(key, inner)] = data.items()
        if key in _READERS:
            return _READERS[key](inner)
    return FrozenDict({key: _typed(item) for key, item in data.items()})


def _is_open(value: Any) -> bool:
    """Tell whether nothing in a value is masked or unreadable."""
    match value:
        case Masked():
            return False
        case Mapping():
            return all(map(_is_open, value.values()))
        case tuple() | list():
            return all(map(_is_open, value))
        case _:
            return value is not UNREADABLE
