"""Revisions: the versions of a configuration that was changed at run time, with who, when and why (FLD-1)."""

from __future__ import annotations

from datetime import datetime

import attrs

from custinfo.core.errors import ConflictError
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey

__all__ = ["Revision", "changed_configuration"]


@attrs.frozen
class Revision:
    """One version of a configuration as it was saved.

    Args:
        version: That of the configuration.
        data: The configuration as `custinfo.core.converter.configuration_to_json` writes it.
        at: When it was saved.
        actor: Who changed it; `None` for the configuration that the host's code gave, kept when the first change
            replaced it.
        reason: Why.
        undone: The version that it takes back, if that is what it does.
    """

    version: int
    data: str = attrs.field(repr=False)
    at: datetime
    actor: MemberKey | None = None
    reason: str | None = attrs.field(default=None, repr=False)
    undone: int | None = None


def changed_configuration(expected: int, actual: int) -> ConflictError:
    """Return the error for work that is based on a version of the configuration that is no longer in force."""
    return ConflictError([Problem("configuration_changed", params={"expected": expected, "actual": actual})])
