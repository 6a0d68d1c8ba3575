"""Everything in memory: for tests, trials and small scripts. Nothing is kept beyond the process."""

from custinfo.adapters.memory.units import MemoryUnits

__all__ = ["MemoryUnits"]
