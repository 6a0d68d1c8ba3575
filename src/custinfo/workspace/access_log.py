"""Reading the access log (HIS-4)."""

from __future__ import annotations

from datetime import datetime

import attrs

from custinfo.core.access_log import AccessEntry, AccessQuery
from custinfo.core.criteria.nodes import Everything
from custinfo.core.records import MemberKey, ModuleKey, RecordId
from custinfo.workspace.access_logging import accesses_of
from custinfo.workspace.context import Context

__all__ = ["AccessLog", "AccessPage"]


@attrs.frozen
class AccessPage:
    """Part of the access log: `entries`, the newest first, and `next`, to pass as `after` for the older ones."""

    entries: tuple[AccessEntry, ...]
    next: str | None = None


class AccessLog:
    """Show who saw sensitive values and who exported; `Session.access_log` gives it.

    It takes a grant of `audit` on all records of a module, without a condition: an entry names records that its reader
    may not view.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def find(
        self,
        module: ModuleKey | None = None,
        *,
        actor: MemberKey | None = None,
        record_id: str | None = None,
        field: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> AccessPage:
        """Return a page of entries, the newest first (HIS-4).

        >>> from custinfo import Workspace
        >>> from custinfo.core.policy.grants import Grant
        >>> from custinfo.standard import sample_organisation, standard_configuration
        >>> audit = Grant("system_administrator", "customer", frozenset({"audit"}), "all")
        >>> configuration = standard_configuration().with_grants(audit)
        >>> workspace = Workspace.open("memory://", configuration, organisation=sample_organisation())
        >>> with workspace.acting_as("admin") as session:
        ...     session.access_log.find("customer", actor="zhoushi").entries
        ()

        Args:
            module: Key of a module; all that the actor may audit when not given.
            actor: Only what this member saw.
            record_id: Only entries that name this record, or are about too many records to name them.
            field: Only entries about this field, by key, label or alias; with a module only.
            since: From this time on; one without a zone is in the configured time zone.
            until: Before this time.
            limit: At most so many, from 1.
            after: `AccessPage.next` of the page before.

        Raises: PermissionDeniedError where the actor may audit no such module; InvalidInputError for an unknown module;
            ValueError for a limit below 1; TypeError for a store without an access log.
        """
        if limit < 1:
            raise ValueError("limit must be at least 1")
        modules = self._modules(module)
        key = field
        if module is not None and field is not None:
            key = self._context.module(module).resolve(field) or field
        about = None if record_id is None else RecordId(record_id)
        query = AccessQuery(modules, actor, about, key, self._zoned(since), self._zoned(until), limit + 1, after)
        found = accesses_of(self._context.unit).find(query)
        shown = tuple(found[:limit])
        return AccessPage(shown, shown[-1].id if len(found) > limit else None)

    def _modules(self, module: ModuleKey | None) -> tuple[ModuleKey, ...]:
        asked = (
            tuple(self._context.schema.modules) if module is None else (self._context.module(module).definition.key,)
        )
        allowed = tuple(key for key in asked if isinstance(self._context.access(key).reach("audit"), Everything))
        if not allowed:
            raise self._context.denied("audit", asked[0])
        return allowed

    def _zoned(self, time: datetime | None) -> datetime | None:
        return time.replace(tzinfo=self._context.schema.zone) if time is not None and time.tzinfo is None else time
