"""The contract of a store."""

from __future__ import annotations

from custinfo.testing._configuration_contract import ConfigurationContract
from custinfo.testing._criteria_contract import CriteriaContract
from custinfo.testing._history_contract import ApprovalContract, HistoryContract, ImportContract
from custinfo.testing._query_contract import QueryContract
from custinfo.testing._record_contract import RecordContract

__all__ = ["RepositoryContract"]


class RepositoryContract(
    RecordContract,
    QueryContract,
    CriteriaContract,
    HistoryContract,
    ApprovalContract,
    ImportContract,
    ConfigurationContract,
):
    """Test every promise of `custinfo.ports` on a store: inherit, and say how an empty store is made.

    ::

        class TestMyStore(RepositoryContract):
            def units(self) -> Units:
                return MyUnits()

    pytest runs the tests of the subclass; no fixtures are needed. `discard` may be overridden to throw the store away
    after each test.
    """
