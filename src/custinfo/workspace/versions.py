"""Whether somebody changes what they read, and whether they read it just now or brought its version along."""

from __future__ import annotations

import attrs

from custinfo.core.errors import CustinfoError
from custinfo.core.problems import Problem
from custinfo.core.records import ANY, Record, RecordId, Version
from custinfo.core.store_errors import stale_version

__all__ = ["Versions"]


@attrs.define
class Versions:
    """Compare the versions that callers give in one session with those of the records.

    `shown` has for each record the latest version that the session has shown; `None` where nobody asks for it.
    `brought` is the last problem of a version that is no longer current and was not read in this session: whoever comes
    again with it meets the same.
    """

    shown: dict[RecordId, int] | None = None
    brought: Problem | None = None

    def show(self, record_id: RecordId, version: int) -> None:
        """Take down that a version of a record was read: by the actor, or for a change of it that follows."""
        if self.shown is not None:
            self.shown[record_id] = max(version, self.shown.get(record_id, 0))  # a past state comes later

    def require_current(self, version: Version, record: Record) -> None:
        """Do nothing if the record is as the caller read it, or `ANY` says that it does not matter.

        Raises: StaleVersionError; TypeError for what is no version, such as the text that a web page gave: to read the
            record again would not help.
        """
        if version is ANY or version == record.version:
            return
        if type(version) is not int:
            raise TypeError(f"version must be the number that was read, or ANY: not {type(version).__name__}")
        error = stale_version(version, record.version)
        if (self.shown or {}).get(record.id) != version:
            [self.brought] = error.problems
        raise error

    def is_in_vain(self, error: CustinfoError) -> bool:
        """Tell whether an error has this problem, so that another attempt would meet it again."""
        return any(problem is self.brought for problem in error.problems)
