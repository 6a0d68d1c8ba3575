"""Whether somebody changes what they read, and whether they read it just now or brought its version along."""

from __future__ import annotations

import attrs

from custinfo.core.records import ANY, Record, RecordId, Version
from custinfo.core.store_errors import stale_version

__all__ = ["Versions"]


@attrs.define
class Versions:
    """Compare the versions that callers give in one session with those of the records.

    `shown` has for each record the latest version that the session has shown; `None` where nobody asks for it.
    `brought` says that a version that is no longer current was not read in this session: whoever comes again with it
    meets the same.
    """

    shown: dict[RecordId, int] | None = None
    brought: bool = False

    def show(self, record_id: RecordId, version: int) -> None:
        """Take down that the actor sees a record."""
        if self.shown is not None:
            self.shown[record_id] = version

    def require_current(self, version: Version, record: Record) -> None:
        """Do nothing if the record is as the caller read it, or `ANY` says that it does not matter.

        Raises: StaleVersionError; TypeError for what is no version, such as the text that a web page gave: to read the
            record again would not help.
        """
        if version is ANY or version == record.version:
            return
        if type(version) is not int:
            raise TypeError(f"version must be the number that was read, or ANY: not {type(version).__name__}")
        self.brought = self.brought or (self.shown or {}).get(record.id) != version
        raise stale_version(version, record.version)
