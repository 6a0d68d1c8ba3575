"""Revisions: the versions of a configuration that was changed at run time, with who, when and why (FLD-1)."""

from __future__ import annotations

from datetime import datetime

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.records import MemberKey

__all__ = ["Revision"]


@attrs.frozen
class Revision:
    """One version of a configuration as it was saved.

    `version` is that of the configuration. `actor` is `None` for the configuration that the host's code gave, kept
    when the first change replaced it. `undone` is the version that it takes back, if that is what it does.
    """

    version: int
    configuration: Configuration = attrs.field(repr=False)
    at: datetime
    actor: MemberKey | None = None
    reason: str | None = attrs.field(default=None, repr=False)
    undone: int | None = None
