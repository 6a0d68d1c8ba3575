"""Reading the access log (HIS-4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from custinfo.core.access_log import AccessEntry, AccessQuery
from custinfo.core.criteria.nodes import Everything
from custinfo.core.errors import InvalidCursorError, InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, RecordId
from custinfo.ports.access_log import AccessRepository
from custinfo.workspace.access_logging import accesses_of
from custinfo.workspace.context import Context
from custinfo.workspace.mistakes import checked_limit, cursor_id, refuse_nobody, text_id

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
            field: Only entries about this field, by key, label or alias.
            since: From this time on; one without a zone is in the configured time zone.
            until: Before this time.
            limit: At most so many, from 1.
            after: `AccessPage.next` of the page before.

        Raises: PermissionDeniedError where the actor may audit no such module; InvalidInputError for an unknown module,
            and where nothing is found of a field or of somebody that there is not; InvalidCursorError for an `after`
            that is none of the same question; ValueError for a limit below 1, and for a label that means other fields
            in other modules; TypeError for a store without an access log.
        """
        limit, modules, instant = checked_limit(limit), self._modules(module), self._context.instant
        key = None if field is None else self._key(field, modules)
        who, about = (None if given is None else text_id(given) for given in (actor, record_id))
        query = AccessQuery(
            modules, who, None if about is None else RecordId(about), key, instant(since), instant(until), limit + 1
        )
        log = accesses_of(self._context.unit)
        if after is not None:
            query = attrs.evolve(query, after=_position(log, query, after))
        found = log.find(query)
        if not found and after is None:
            refuse_nobody(self._context, actor)
            self._refuse_unknown(field, modules)
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

    def _key(self, name: str, modules: Iterable[ModuleKey]) -> FieldKey:
        """Return the key of a field in some modules; former fields are asked for by what was their key."""
        keys = self._meanings(name, modules)
        if name in keys or not keys:
            return text_id(name)
        if len(keys) > 1:
            raise ValueError("the field is called so in several modules, where its keys differ: name the module")
        return keys.pop()

    def _meanings(self, name: str, modules: Iterable[ModuleKey]) -> set[FieldKey]:
        return {key for module in modules if (key := self._context.module(module).resolve(name)) is not None}

    def _refuse_unknown(self, field: str | None, modules: Iterable[ModuleKey]) -> None:
        if field is not None and not self._meanings(field, modules):
            raise InvalidInputError([Problem("unknown_field", field)])


def _position(log: AccessRepository, query: AccessQuery, after: object) -> str:
    """Return the id after which a page begins. Raises: InvalidCursorError unless an entry that is asked for has it."""
    key = cursor_id(after)
    # Ids come down: the first one below the next text above it is the id itself, if there is such an entry.
    found = log.find(attrs.evolve(query, limit=1, after=f"{key}0"))
    if not found or found[0].id != key:
        raise InvalidCursorError([Problem("page_unknown")])
    return key
