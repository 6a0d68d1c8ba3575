"""What an access log promises (HIS-4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from custinfo.core.access_log import MOST_NAMED, AccessEntry, AccessQuery
from custinfo.testing._harness import Harness
from custinfo.testing._samples import NOW, record_id
from custinfo.testing._telling import same
from custinfo.workspace.access_logging import accesses_of

__all__ = ["AccessContract"]

_MODULES: Final = ("thing", "thing_note")


def _entry(number: int, **changes: Any) -> AccessEntry:
    """Return the entry of a number, an hour after that of the number before."""
    entry = AccessEntry(
        f"018e3ff1-0000-7000-8000-{number:012x}",
        NOW + timedelta(hours=number),
        "ann",
        "read",
        "get",
        "thing",
        ("title",),
        (record_id(1),),
        1,
        purpose="'理由\n\"",
    )
    return attrs.evolve(entry, **changes)


_ENTRIES: Final = (
    _entry(1),
    _entry(2, actor="bob", record_ids=(record_id(2), record_id(1)), count=2),
    _entry(3, module="thing_note", fields=("text", "title"), asked=("text eq",), on_behalf_of="bob"),
    _entry(4, action="export", verb="export", record_ids=(), count=MOST_NAMED + 1),
    _entry(5, record_ids=(), count=0, purpose=None),
)


class AccessContract(Harness):
    """Test every promise of `custinfo.ports.AccessRepository`, for stores that have it: inherit it as the others."""

    def numbers(self, **asked: Any) -> list[int]:
        """Return the numbers of the entries that are found."""
        with self.begin() as unit:
            found = accesses_of(unit).find(AccessQuery(**{"modules": _MODULES, **asked}))
        return [int(entry.id.rpartition("-")[2], 16) for entry in found]

    def logged(self) -> None:
        """Append all entries of the sample."""
        with self.begin() as unit:
            accesses_of(unit).append(_ENTRIES)

    def test_entries_come_back_equal(self) -> None:
        """What was appended is found as it was, the newest first."""
        self.logged()
        with self.begin() as unit:
            same(list(accesses_of(unit).find(AccessQuery(_MODULES))), list(reversed(_ENTRIES)))

    def test_filters_of_a_log(self) -> None:
        """Each filter leaves what it names; a record is also in what was too much to name."""
        self.logged()
        same(self.numbers(modules=("thing",)), [5, 4, 2, 1])
        same(self.numbers(modules=()), [])
        same(self.numbers(actor="bob"), [2])
        same(self.numbers(record_id=record_id(2)), [4, 2])
        same(self.numbers(record_id=record_id(9)), [4])
        same(self.numbers(field="text"), [3])
        same(self.numbers(since=_at(3)), [5, 4, 3])
        same(self.numbers(until=_at(3)), [2, 1])
        same(self.numbers(since=_at(2), until=_at(5), actor="ann", field="title"), [4, 3])

    def test_pages_of_a_log(self) -> None:
        """A page goes on after the last entry of the one before."""
        self.logged()
        same(self.numbers(limit=2), [5, 4])
        same(self.numbers(limit=2, after=_entry(4).id), [3, 2])
        same(self.numbers(limit=2, after=_entry(2).id), [1])

    def test_an_entry_is_never_changed(self) -> None:
        """An entry whose id is there already is left as it is, and the others are added."""
        self.logged()
        with self.begin() as unit:
            accesses_of(unit).append([_entry(1, actor="eve"), _entry(6)])
        same(self.numbers(actor="eve"), [])
        same(self.numbers(limit=1), [6])

    def test_a_log_belongs_to_its_tenant(self) -> None:
        """Another tenant has a log of its own, even where ids are the same."""
        self.logged()
        with self.begin("two") as unit:
            same(accesses_of(unit).find(AccessQuery(_MODULES)), [])
            accesses_of(unit).append([_entry(1, actor="eve")])
        same(self.numbers(actor="eve"), [])


def _at(number: int) -> datetime:
    return NOW + timedelta(hours=number)
