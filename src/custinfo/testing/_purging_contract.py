"""What `Purging` promises."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import attrs

from custinfo.core.approval.requests import Request
from custinfo.core.criteria import F
from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change
from custinfo.core.records import ERASED, Record
from custinfo.ports.history import Purging, Rewriting
from custinfo.ports.units import UnitOfWork, Units
from custinfo.testing._harness import Harness, raised_by
from custinfo.testing._samples import make_change, make_record, make_request, record_id
from custinfo.testing._telling import same

__all__ = ["PurgingContract"]

_GONE: Final = "龘靐齉爩鱻麤灪麣鸾"
_STAYS: Final = "龘靐公司"


def _rewriting(unit: UnitOfWork) -> Rewriting:
    found: Rewriting = unit.rewriting  # type: ignore[attr-defined]
    return found


def _purge(unit: UnitOfWork) -> None:
    found: Purging = unit.rewriting  # type: ignore[attr-defined]
    found.purge()


class PurgingContract(Harness):
    """Test every promise of `custinfo.ports.Purging`, for stores that have it: inherit it as `RepositoryContract`.

    What a store may lack, it says by a class attribute beside those of `RepositoryContract`:

    searched
        `traces_of` can look at what the store keeps. `False` on a server that shows its files to nobody.
    """

    searched: ClassVar[bool] = True

    def traces_of(self, units: Units, text: str) -> Sequence[str]:
        """Return where something is left of the title of a `thing` of the tenant `one`, in any form it is kept in."""
        raise NotImplementedError

    def erase_first(self, unit: UnitOfWork) -> None:
        """Write the first record, its change and its request anew without the title, and purge."""
        first, change, request = _first()
        rewriting = _rewriting(unit)
        same(list(rewriting.requests_of("thing", first.id)), [request])
        patch: FrozenDict[str, object] = FrozenDict({"title": ERASED})
        rewriting.requests([attrs.evolve(request, patch=patch)])
        unit.records.save([attrs.evolve(first, values=FrozenDict({}), version=2)])
        rewriting.changes([change.erased(frozenset({"title"}), None)])
        _purge(unit)

    def fill_erasable(self) -> None:
        """Save two records whose titles begin alike, and all about the first; another tenant has the first one, too."""
        first, change, request = _first()
        for tenant in ("one", "two"):
            with self.begin(tenant) as unit:
                unit.records.save([first, make_record(2, {"title": _STAYS})])
                unit.history.append([change])
                unit.approvals.save(request)

    def check_erased(self, *, erased: bool, tenant: str = "one") -> None:
        """Check what a tenant has of the two records."""
        first, _, request = _first()
        with self.begin(tenant) as unit:
            same(sorted(unit.records.get("thing", [first.id, record_id(2)])), [first.id, record_id(2)])
            same(unit.history.of_record("thing", first.id)[0].fields[0].new, ERASED if erased else _GONE)
            same(unit.approvals.get([request.id])[request.id].patch["title"], ERASED if erased else _GONE)
        if tenant == "one":
            same(self.found(F.title.contains(_GONE)), [] if erased else [1])
            same(self.found(F.title.mentions(_STAYS[:2])), [2] if erased else [1, 2])
            same(self.found(F.title.mentions(_STAYS)), [2])

    def test_nothing_is_left_of_what_was_overwritten(self) -> None:
        """After an erasure the store has nothing of a title that it had before, in no form."""
        self.require("searched")
        with self.begin() as unit:
            first, change, request = _first()
            unit.records.save([first])
            unit.history.append([change])
            unit.approvals.save(request)
        assert self.traces_of(self.store, _GONE), "a look that finds nothing before shows nothing afterwards"
        with self.begin() as unit:
            self.erase_first(unit)
        same(list(self.traces_of(self.store, _GONE)), [])

    def test_nothing_is_left_of_what_was_deleted(self) -> None:
        """A record that is removed in the same transaction leaves nothing behind."""
        self.require("searched")
        record = make_record(1, {"title": _GONE})
        self.given(record)
        assert self.traces_of(self.store, _GONE), "a look that finds nothing before shows nothing afterwards"
        with self.begin() as unit:
            unit.records.remove([record])
            _purge(unit)
        same(list(self.traces_of(self.store, _GONE)), [])

    def test_everything_else_stays(self) -> None:
        """What was not erased is found as before, by parts of its title as well; other tenants have all of theirs."""
        self.fill_erasable()
        with self.begin() as unit:
            self.erase_first(unit)
        self.check_erased(erased=True)
        self.check_erased(erased=False, tenant="two")

    def test_what_is_saved_afterwards_is_found(self) -> None:
        """The unit that purged goes on, and so do those after it."""
        self.fill_erasable()
        with self.begin() as unit:
            self.erase_first(unit)
            unit.records.save([make_record(3, {"title": _STAYS})])
        self.given(make_record(4, {"title": _GONE}))
        same(self.found(F.title.mentions(_STAYS[:2])), [2, 3, 4])

    def test_purging_nothing(self) -> None:
        """Where nothing was overwritten, nothing happens; nor does it where it happens twice."""
        with self.begin() as unit:
            _purge(unit)
        self.fill_erasable()
        with self.begin() as unit:
            _purge(unit)
            _purge(unit)
        self.check_erased(erased=False)

    def test_a_block_that_fails_takes_it_back(self) -> None:
        """What was purged in a block that raises is there again: an erasure is done wholly or not at all."""
        self.fill_erasable()
        with self.begin() as unit:
            raised_by(ZeroDivisionError, lambda: self._erase_in_a_block(unit))
        self.check_erased(erased=False)

    def test_a_unit_that_fails_takes_it_back(self) -> None:
        """Purging ends no transaction: a unit that raises afterwards leaves all as it was."""
        self.require("commits")
        self.fill_erasable()
        raised_by(ZeroDivisionError, self._erase_and_fail)
        self.check_erased(erased=False)

    def _erase_and_fail(self) -> None:
        with self.begin() as unit:
            self.erase_first(unit)
            _ = 1 // 0

    def _erase_in_a_block(self, unit: UnitOfWork) -> None:
        with unit.atomic():
            self.erase_first(unit)
            _ = 1 // 0


def _first() -> tuple[Record, Change, Request]:
    record = make_record(1, {"title": _GONE})
    return record, make_change(None, record), make_request(1, record.id, {"title": _GONE}, state="applied")
