"""What the steps of a random history need: chance, the model of a tenant, and a comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import attrs

from custinfo.core.errors import ConflictError
from custinfo.core.importing import ImportBatch
from custinfo.core.records import Record, RecordId
from custinfo.core.revisions import Revision
from custinfo.core.schema import Schema
from custinfo.testing._reference import Reference
from custinfo.testing._samples import NOW, make_record, record_id

__all__ = ["RECORDS", "Player"]

RECORDS: Final = range(1, 8)
"""The numbers of the records: few, so that steps meet."""


@attrs.define
class Player:
    """Play steps of one tenant, and compare what the store answers with what its model does."""

    schema: Schema
    random: Random
    model: Reference
    place: str = ""
    """Where in the history it is, for who has to find out."""
    played: Counter[str] = attrs.field(factory=Counter)

    def compare(self, name: str, ask: Callable[[], Any], expect: Callable[[], Any]) -> None:
        """Compare what the store and the reference answer; a reference that is returned takes the place of this one."""
        expected, found = _outcome(expect), _outcome(ask)
        if isinstance(expected, Reference):
            self.model, expected = expected, None
        refused = f" {expected.code}" if isinstance(expected, _Refusal) else ""
        self.played[f"{name}{refused}"] += 1
        if found != expected:
            raise AssertionError(f"{self.place}, {name}: {found!r} instead of {expected!r}")

    def record(self) -> Record:
        """Make a record to save: most often the next version of what is stored, and sometimes not."""
        number = self.random.choice(RECORDS)
        stored = self.model.records.get(record_id(number))
        version = (stored.version if stored is not None else 0) + self.random.choice((1,) * 9 + (0, 2))
        maybe = self.random.random
        values = {
            "title": self.random.choice("ab甲乙"),
            "count": self.random.randint(-2, 3),
            "code": f"c{self.random.randint(1, 9)}",
            "place": self.random.choice(("north", "beijing", "south")),
            "parent": record_id(self.random.choice(RECORDS)),
        }
        return make_record(
            number,
            {key: value for key, value in values.items() if maybe() < 0.7},
            tags=[tag for tag in (("need", "设备"), ("mark", "x")) if maybe() < 0.4],
            owner=self.random.choice(("ann", "bob")),
            version=max(version, 1),
            archived_at=NOW if maybe() < 0.2 else None,
        )

    def ids(self) -> list[RecordId]:
        """Return some ids."""
        return [record_id(number) for number in RECORDS if self.random.random() < 0.5]


@attrs.frozen
class _Refusal:
    """What is compared of an error: not the versions, where several records may be stale."""

    kind: str
    code: str


def _outcome(action: Callable[[], Any]) -> Any:
    """Return what an action gives, or how it is refused; sequences and mappings of any type compare."""
    try:
        answer = action()
    except ConflictError as error:
        return _Refusal(type(error).__name__, error.code)
    if isinstance(answer, Mapping):
        return dict(answer)
    return answer if isinstance(answer, Reference | Record | ImportBatch | Revision | int | None) else list(answer)
