"""What is kept of an import: enough to resume it and to undo it (XLS-4)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.records import MemberKey, ModuleKey

__all__ = ["ImportBatch"]


@attrs.frozen
class ImportBatch:
    """One import: `position` is the last worksheet row that is committed, `digest` that of content and mapping.

    `requests` are the ids of the approval requests that its rows made.
    """

    id: str
    module: ModuleKey
    digest: str
    actor: MemberKey
    started_at: datetime
    state: Literal["running", "done", "undone"] = "running"
    position: int = 0
    counts: FrozenDict[str, int] = attrs.field(factory=FrozenDict)
    requests: tuple[str, ...] = ()
