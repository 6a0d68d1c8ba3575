"""Changes on their way: what somebody asks for, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import attrs

from custinfo.core.approval.requests import Request
from custinfo.core.errors import CustinfoError
from custinfo.core.history.changes import ChangeAction
from custinfo.core.policy.grants import Action
from custinfo.core.problems import Problem
from custinfo.core.records import ANY, FieldKey, MemberKey, ModuleKey, Record, RecordId, Share, Tag, Version
from custinfo.workspace.approval_paths import ApprovalPath

__all__ = ["NEEDED", "Draft", "NewColumns", "NewRow", "Prepared"]

NEEDED: Final[Mapping[ChangeAction, Action]] = {
    "create": "create",
    "update": "edit",
    "revert": "edit",
    "archive": "archive",
    "restore": "archive",
    "transfer": "transfer",
    "tag": "tag",
    "share": "share",
    "claim": "claim",
    "release": "release",
    "delete": "delete",
    "merge": "merge",
}
"""What a grant must allow for each kind of change."""


@attrs.frozen
class Draft:
    """A change as somebody asks for it.

    `raw` are raw values by field name. `tags` replaces all tags where it is not `None`, and `shares` all shares.
    `version` is what the asker read, or `ANY`; it plays no part on creation. With `typed`, `raw` has keys and typed
    values, also of fields that are retired by now, and `found` is what was found when they were made typed.
    `archives` puts the record into the archive as part of another change.
    """

    action: ChangeAction
    module: ModuleKey
    record_id: RecordId | None = None
    raw: Mapping[str, object] = attrs.field(factory=dict, repr=False)
    tags: frozenset[Tag] | None = attrs.field(default=None, repr=False)
    version: Version = ANY
    reason: str | None = attrs.field(default=None, repr=False)
    typed: bool = False
    found: tuple[Problem, ...] = ()
    shares: frozenset[Share] | None = attrs.field(default=None, repr=False)
    archives: bool = False

    @property
    def puts_away(self) -> bool:
        """Whether the record is no longer live after the change."""
        return self.archives or self.action in ("archive", "delete")


@attrs.define
class Prepared:
    """A draft on its way: what it comes to, and what stops it.

    `after` has plain values, and of a new record no id, until it is committed. `path` is the approval that it
    needs. `error` is what to raise for it; then nothing of it is saved.
    """

    draft: Draft
    before: Record | None
    after: Record | None = None
    patch: Mapping[FieldKey, Any] = attrs.field(factory=dict, repr=False)
    problems: list[Problem] = attrs.field(factory=list)
    error: CustinfoError | None = None
    path: ApprovalPath | None = None
    request: Request | None = None

    @property
    def changed(self) -> bool:
        """Whether anything would be different."""
        return self.before is None or (self.after is not None and self.after.version != self.before.version)

    @property
    def going(self) -> bool:
        """Whether nothing has stopped it so far."""
        return self.error is None and self.after is not None

    @property
    def errors(self) -> list[Problem]:
        """The problems that forbid saving."""
        return [problem for problem in self.problems if problem.severity == "error"]


NewRow = tuple[Any, ...]
"""A new record in which nothing is wrong: the row's number, then its typed values in the order of the columns."""


class NewColumns(NamedTuple):
    """New records in which nothing is wrong, a value for each in every column: they only need ids and a time."""

    module: ModuleKey
    columns: Mapping[FieldKey, Sequence[Any]]
    owners: Sequence[MemberKey | None]
    departments: Sequence[str | None]
