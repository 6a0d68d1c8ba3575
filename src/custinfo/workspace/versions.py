"""Whether somebody changes what they read."""

from __future__ import annotations

from custinfo.core.records import ANY, Record, Version
from custinfo.core.store_errors import stale_version

__all__ = ["require_current"]


def require_current(version: Version, record: Record) -> None:
    """Do nothing if the record is as the caller read it, or `ANY` says that it does not matter.

    Raises: StaleVersionError; TypeError for what is no version, such as the text that a web page gave: to read the
        record again would not help.
    """
    if version is ANY or version == record.version:
        return
    if type(version) is not int:
        raise TypeError(f"version must be the number that was read, or ANY: not {type(version).__name__}")
    raise stale_version(version, record.version)
