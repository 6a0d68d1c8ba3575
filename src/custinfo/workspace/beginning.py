"""How sessions begin: for whom, in one transaction, under the configuration that is in force in their store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import attrs

from custinfo.core.access_log import AccessEntry
from custinfo.core.approval.calendars import WorkingCalendar
from custinfo.core.errors import NotFoundError, PermissionDeniedError
from custinfo.core.offers import offered
from custinfo.core.organisation import Deputy, Directory, deputy_rule
from custinfo.core.problems import Problem
from custinfo.core.records import MemberKey
from custinfo.core.revisions import Revision
from custinfo.ports.system import Clock, Ids, Keyring
from custinfo.ports.units import UnitOfWork, Units, WritingUnits
from custinfo.workspace.access_logging import ReadingLog, accesses_of
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.context import Context
from custinfo.workspace.references import References
from custinfo.workspace.upkeep import Maintenance, in_force, upkeep_of

__all__ = ["Beginnings"]


@attrs.define
class Beginnings:
    """Begin the units of work of one workspace.

    Args:
        tenant: Whose data.
        units: Where it is stored.
        given: The configuration of the host's code, compiled.
        keyring: Encrypts and decrypts, if there is one.
        clock: Returns the present instant.
        ids: Returns new ids.
        calendar: By which time limits go.
        compiled: The configuration under which the latest session began.
    """

    tenant: str
    units: Units
    given: Compiled
    keyring: Keyring | None
    clock: Clock
    ids: Ids
    calendar: WorkingCalendar
    compiled: Compiled = attrs.field(init=False)
    _hosted: tuple[Revision, Compiled] | None = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        """Begin under the configuration of the host's code, until the store shows another one."""
        self.compiled = self.given

    def deputy(self, actor: MemberKey, on_behalf_of: MemberKey | None) -> Deputy | None:
        """Return the rule by which a member acts for another, `None` for who acts for themselves.

        Raises: PermissionDeniedError for who is unknown or has left, and where no rule in force says so.
        """
        directory = self.compiled.schema.directory
        _require_active(directory, actor)
        if on_behalf_of is None or on_behalf_of == actor:
            return None
        _require_active(directory, on_behalf_of)
        found = deputy_rule(directory, actor, on_behalf_of, self.clock())
        if found is None:
            told = {"actor": str(actor), "principal": str(on_behalf_of)}
            raise PermissionDeniedError([Problem("not_deputy", params=told)])
        return found

    def reorganise(self, directory: Directory) -> None:
        """Go on with other people. Raises: ConfigurationError; all stays as it was."""
        given = self.given.among(directory)
        self.compiled = given if self.compiled is self.given else self.compiled.among(directory)
        self.given, self._hosted = given, None

    def keep(self, entries: Sequence[AccessEntry]) -> None:
        """Write entries of the access log in a transaction of their own."""
        with self.unit() as unit:
            accesses_of(unit).append(entries)

    def unit(self) -> AbstractContextManager[UnitOfWork]:
        """Begin a unit of work for what asks for no configuration in particular."""
        return self.units.begin(self.compiled.schema, self.tenant)

    @contextmanager
    def maintenance(self, *, snapshot: bool = False) -> Iterator[Maintenance]:
        """Begin a unit under the configuration in force, or the nearest to it that there is."""
        compiled = self.compiled
        while True:
            with self.units.begin(compiled.schema, self.tenant) as unit:
                if snapshot:
                    upkeep_of(unit).snapshot()
                revision = in_force(unit)
                if compiled.revision == (0 if revision is None else revision.version):
                    yield Maintenance(self.tenant, compiled, unit, self.clock)
                    return
            compiled = self.given if revision is None else compiled.as_stored(revision)

    @contextmanager
    def context(
        self,
        actor: MemberKey,
        units: Units | None = None,
        readings: ReadingLog | None = None,
        *,
        writing: bool = False,
    ) -> Iterator[Context]:
        """Begin a session's surroundings; without a log to go on with, as the library's own.

        One that is `writing` waits for its turn to write first, where the store can't let it wait later.
        """
        readings = readings or ReadingLog(actor, self.clock, self.ids)
        compiled, own = self.compiled, self._writing() if writing else self.units
        while True:
            with (units or own).begin(compiled.schema, self.tenant) as unit:
                version = unit.configurations.version()
                if version == compiled.revision:
                    if units is None:
                        self.compiled = compiled
                    yield from self._within(actor, compiled, unit, readings)
                    return
                revision = unit.configurations.get(version)
            if revision is None and version:
                raise NotFoundError([Problem("not_found", params={"what": "version"})])
            compiled = self._as_stored(revision, hosted=units is not None)

    def _writing(self) -> Units:
        offers = offered(self.units, WritingUnits)
        return self.units if offers is None else offers.writing()

    def _as_stored(self, revision: Revision | None, *, hosted: bool) -> Compiled:
        """Return the configuration that a store has, compiled.

        What a host's transaction shows may be rolled back, and another one come under its number: it is kept apart,
        and used again for the very same revision only.
        """
        if revision is None:
            return self.given
        if self._hosted is not None and self._hosted[0] == revision:
            return self._hosted[1]
        compiled = self.given.as_stored(revision)
        if hosted:
            self._hosted = (revision, compiled)
        return compiled

    def _within(
        self, actor: MemberKey, compiled: Compiled, unit: UnitOfWork, readings: ReadingLog
    ) -> Iterator[Context]:
        related = References(unit, compiled.schema)
        readings.adopt(unit, compiled.logged)
        context = Context(
            actor, self.tenant, compiled, unit, self.clock, self.ids, self.keyring, related, readings, self.calendar
        )
        try:
            yield context
        finally:
            context.end()


def _require_active(directory: Directory, key: MemberKey) -> None:
    member = directory.member(key)
    if member is None or not member.active:
        raise PermissionDeniedError([Problem("unknown_actor", params={"actor": str(key)})])
