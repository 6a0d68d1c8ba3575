"""The contract in memory."""

from custinfo.adapters.memory import MemoryUnits
from custinfo.ports import Units
from custinfo.testing import RepositoryContract


class TestMemory(RepositoryContract):
    """Everything in dicts."""

    persistent = False

    def units(self) -> Units:
        """Return an empty store."""
        return MemoryUnits()
