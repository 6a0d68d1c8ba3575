"""The contract of a store."""

from __future__ import annotations

from custinfo.testing._approval_contract import ApprovalContract
from custinfo.testing._concurrency_contract import ConcurrencyContract
from custinfo.testing._configuration_contract import ConfigurationContract
from custinfo.testing._criteria_contract import CriteriaContract
from custinfo.testing._history_contract import HistoryContract
from custinfo.testing._import_contract import ImportContract
from custinfo.testing._outbox_contract import OutboxContract
from custinfo.testing._query_contract import QueryContract
from custinfo.testing._record_contract import RecordContract
from custinfo.testing.conformance import run_conformance

__all__ = ["RepositoryContract"]


class RepositoryContract(
    RecordContract,
    QueryContract,
    CriteriaContract,
    HistoryContract,
    ApprovalContract,
    ImportContract,
    OutboxContract,
    ConfigurationContract,
    ConcurrencyContract,
):
    """Test every promise of `custinfo.ports` on a store: inherit, and say how an empty store is made.

    ::

        class TestMyStore(RepositoryContract):
            def units(self) -> Units:
                return MyUnits()

    pytest runs the tests of the subclass; no fixtures are needed. `discard` may be overridden to throw the store away
    after each test, `reopen` to open it as another process would, and `leave_thread` to give back what belongs to a
    thread.

    What a store may lack, it says by a class attribute; the tests of it are then skipped, and say why:

    concurrent
        Several threads may begin units at once; that they then take turns is no lack. `False` where the units work on
        one connection that belongs to the host.
    persistent
        What is kept outlives the units, so that another process finds it. `False` in memory.
    commits
        `commit` and the end of a unit make permanent what it did. `False` where a transaction of the host is around
        every unit of the test: they only flush then.
    """

    def test_random_histories(self) -> None:
        """A history at random goes on the store as it does on a model of it."""
        run_conformance(lambda: self.store, seed=1, steps=200, commits=self.commits)
