"""Where is kept who saw sensitive values (HIS-4).

Stores may do without: a unit of work that has an `AccessRepository` as its attribute `accesses` can log, and one that
has none refuses to show what a configuration wants logged. Test it with `custinfo.testing.AccessContract`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from custinfo.core.access_log import AccessEntry, AccessQuery

__all__ = ["AccessRepository"]


class AccessRepository(Protocol):
    """Keep entries of the access log; nobody changes one."""

    def append(self, entries: Sequence[AccessEntry], /) -> None:
        """Add entries in the unit's transaction; those whose ids are there already are left as they are."""

    def find(self, query: AccessQuery, /) -> Sequence[AccessEntry]:
        """Return the entries that `custinfo.core.access_log.is_meant` has meant, by descending id."""
