"""A session: one actor, one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, cast, get_args

from custinfo.core.configuration import Configuration
from custinfo.core.criteria.nodes import Criterion, Everything
from custinfo.core.errors import InvalidInputError, NotFoundError
from custinfo.core.history.changes import Channel
from custinfo.core.policy.grants import PSEUDO_FIELDS, Action
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, MemberKey, ModuleKey
from custinfo.workspace.access_log import AccessLog
from custinfo.workspace.approvals import Approvals
from custinfo.workspace.collection import Records
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import NEEDED
from custinfo.workspace.explaining import explain, explain_out_of_reach
from custinfo.workspace.explanations import Explanation
from custinfo.workspace.feed import ChangePage, Feed
from custinfo.workspace.handing_over import HandOverPlan, Successor, plan_hand_over
from custinfo.workspace.live_configuration import LiveConfiguration
from custinfo.workspace.mistakes import checked_limit, no_text
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.retention import Retention
from custinfo.workspace.simulating import simulate
from custinfo.workspace.simulations import Simulation
from custinfo.workspace.views import ChangeView

__all__ = ["Session"]

_VERBS: Final[dict[str, Action]] = {
    "update": "edit",
    "revert": "edit",
    "restore": "archive",
    "unshare": "share",
    "get": "view",
    "find": "view",
}

_CHANGED_BY: Final[dict[str, Action]] = {"owner": "transfer", "tags": "tag"}
"""What every record has beside its fields is changed by an action of its own."""

_MADE_UNSEEN: Final = frozenset(NEEDED.values()) - {"create"}
"""What may be done to a record without viewing it, so that doing it tells that the record exists."""


class Session:
    """Act as one member in one unit of work; `Workspace.acting_as` gives it.

    Use it in the thread that opened it, and not beyond its `with` block.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self._collections: dict[ModuleKey, Records] = {}

    def __repr__(self) -> str:
        return f"Session(tenant={self.context.tenant!r}, actor={self.context.actor!r})"

    @property
    def actor(self) -> MemberKey:
        """The key of the member who acts, or on whose behalf somebody acts: whose grants count."""
        return self.context.actor

    @property
    def deputy(self) -> MemberKey | None:
        """The key of the member who acts on behalf of `actor`; `None` where they act for themselves."""
        return None if self.context.deputy is None else self.context.deputy.member

    @property
    def customers(self) -> Records:
        """The records of module `customer`."""
        return self.records("customer")

    @property
    def follow_ups(self) -> Records:
        """The records of module `follow_up`."""
        return self.records("follow_up")

    def records(self, module: ModuleKey) -> Records:
        """Return the verbs on a module's records. Raises: InvalidInputError for an unknown module."""
        if module not in self._collections:
            self._collections[module] = Records(self.context, module)
        return self._collections[module]

    @property
    def approvals(self) -> Approvals:
        """The actor's inbox and requests."""
        return Approvals(self.context)

    @property
    def configuration(self) -> LiveConfiguration:
        """The configuration in force, and the verbs that change it."""
        return LiveConfiguration(self.context)

    def plan_hand_over(self, leaver: str, to: str | Sequence[Successor]) -> HandOverPlan:
        """Return what handing over everything of a member would do: to whom each record goes (ORG-4).

        That is what they own, the fields that the module hands over (`ModuleDefinition.handed_over`), and the decisions
        that wait for them now. The actor needs `transfer` on each record, before and after; archived records stay.
        Nothing is written until `plan.apply()`. It is everything, whether they have left already or are still active,
        as on their last day: who stays and gives away some of it transfers records, and single decisions.

        Args:
            leaver: The member, by key, name, `name(department)` or employee number.
            to: Who takes over, or several `Successor`, of which the first that fits a record takes it.

        Raises: InvalidInputError for people whom nobody knows, a successor who has left, the leaver as their own, and
            an unknown module; PermissionDeniedError for a criterion on a field that the actor may read nowhere. On
            records on which they may not read it, none holds.
        """
        return plan_hand_over(self.context, leaver, to)

    def changes(
        self,
        *,
        modules: Sequence[ModuleKey] = (),
        actor: MemberKey | None = None,
        channel: Channel | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[ChangeView]:
        """Yield what the actor may see of all changes, in memory that does not grow with them (HIS-1).

        They come in the order in which they were found committed, which is that of time but for moments. Changes of
        records that are gone are among them, for those who could see the record when it went.

        Args:
            modules: Keys of modules; all if empty.
            actor: Who made them.
            channel: How they came: `edit`, `import`, `approval`, `undo`, `rule`, `merge`, `configuration`, `hand_over`,
                `retention`.
            since: Not before this time; one without a zone is in the configured time zone.
            until: Before this time.

        Raises: InvalidInputError for an unknown module, and at the end where nothing is found of somebody whom nobody
            knows; ValueError for an unknown channel; TypeError for a store without `custinfo.ports.ChangeLog`.
        """
        feed = Feed(self.context)
        query = feed.asked(modules, actor, channel, since, until)
        self._refuse_unknown(modules)
        return feed.stream(query)

    def changes_since(
        self, cursor: str | None = None, *, limit: int = 1000, modules: Sequence[ModuleKey] = ()
    ) -> ChangePage:
        """Return the changes behind a cursor, for another system that follows this one (HIS-1).

        What is committed gets a position in one sequence when somebody asks, and keeps it: every change comes once, the
        changes of a record in their order, and none comes into view behind a cursor, whoever writes at the same time.
        The cursor counts once this session has ended well; `Workspace.changes_since` sees to that.

        Args:
            cursor: `ChangePage.cursor` of the page before; `None` for the beginning.
            limit: At most so many changes, from 1.
            modules: Keys of modules; all if empty.

        Raises: InvalidInputError for an unknown module, or InvalidCursorError for a cursor of another store; ValueError
            for a limit below 1; TypeError for a store without `custinfo.ports.ChangeLog`.
        """
        limit = checked_limit(limit)
        self._refuse_unknown(modules)
        return Feed(self.context).since(cursor, limit, tuple(modules))

    @property
    def retention(self) -> Retention:
        """What the retention rules of the configuration propose, and the verbs that carry it out."""
        return Retention(self.context)

    @property
    def access_log(self) -> AccessLog:
        """Who saw sensitive values and who exported, where the configuration asks for it."""
        return AccessLog(self.context)

    def now(self) -> datetime:
        """Return the present instant as the workspace's clock gives it."""
        return self.context.now()

    def explain(
        self, action: str, module: ModuleKey, record_id: str | None = None, *, field: str | None = None
    ) -> Explanation:
        """Return why the actor may or may not do something: each grant, and the first clause of it that failed (POL-4).

        >>> from custinfo import Workspace
        >>> from custinfo.standard import sample_organisation, standard_configuration
        >>> workspace = Workspace.open("memory://", standard_configuration(), organisation=sample_organisation())
        >>> with workspace.acting_as("liuqi") as session:
        ...     print(session.explain("update", "customer", field="联系方式").text("zh"))
        刘七不能修改客户的“联系方式”
          角色“客服”在客户：修改、查看（全部）——不含此字段

        Args:
            action: An action such as `edit`, or a verb such as `update`.
            module: Key of the module.
            record_id: The record; any record when not given.
            field: A field, by key, label or alias, to ask why it is hidden, masked or closed: with `view`, whether it
                shows in full, with `edit`, whether it can be changed, and with `create`, whether it can be set.

        Of a record that the actor may not view, the answer is that it is out of reach, whether it exists or not, unless
        they may do just what they ask about. Whether a grant holds is told as far as it shows in what they may do, or
        follows from what they may read.
        Raises: ValueError for an unknown action, or one that is not about fields; InvalidInputError for an unknown
            module or field.
        """
        wanted, key = self._asked(action, module, field)
        if record_id is None:
            return explain(self.context, wanted, module, None, key)
        known_by: tuple[Action, ...] = ("view", wanted) if wanted in _MADE_UNSEEN else ("view",)
        try:
            record, _ = ReadPath(self.context).record(module, record_id, *known_by)
        except NotFoundError:
            return explain_out_of_reach(self.context, wanted, module, key)
        return explain(self.context, wanted, module, record, key)

    def simulate(
        self,
        proposed: Configuration,
        actor: MemberKey,
        module: ModuleKey,
        criteria: Criterion | None = None,
        *,
        limit: int | None = 1000,
        samples: Sequence[Mapping[str, object]] = (),
    ) -> Simulation:
        """Return what somebody would see, edit and lose under a configuration before it is in force (POL-4).

        Roles, grants, segments and inheritance are those that are proposed; records are as they are stored. Nothing is
        written, and nobody else notices. It is for those who may configure the module, and tells them no more of its
        records than they may read: records that they may not view are left out, and where a verdict depends on a field
        that they may not read on a record, or on values that the proposed configuration would change, it isn't told.
        Who may configure and view nothing can make records up.

        >>> from custinfo import ALL_FIELDS, F, Grant, Workspace
        >>> from custinfo.standard import sample_organisation, standard_configuration
        >>> workspace = Workspace.open("memory://", standard_configuration(), organisation=sample_organisation())
        >>> SEE = frozenset({"view"})
        >>> with workspace.acting_as("admin") as session:
        ...     lost = Grant("finance", "customer", SEE, "all", condition=F.status == "流失", view=ALL_FIELDS)
        ...     proposed = session.configuration.current.with_grants(lost)
        ...     customers = [{"客户状态": "流失"}, {"客户状态": "高潜"}]
        ...     found = session.simulate(proposed, "qianba", "customer", samples=customers)
        >>> [item.changed for item in found.records]
        [True, False]

        Args:
            proposed: The configuration to try out, such as one made from `configuration.current`.
            actor: Key of the member whose rights are looked at, as `Workspace.acting_as` takes it.
            module: Key of the module.
            criteria: Which records to look at, of those that the simulating actor may view; all when not given.
            limit: At most so many of them, from 1; `None` for all.
            samples: Made-up records, as for `create`, without references: values by field, and `owner`.

        Raises: PermissionDeniedError for those who may not configure the module; ConfigurationError for a
            configuration that is wrong; InvalidInputError for unknown names and wrong samples; ValueError for a limit
            below 1.
        """
        wanted = Everything() if criteria is None else criteria
        most = None if limit is None else checked_limit(limit)
        return simulate(self.context, proposed, actor, module, wanted, limit=most, samples=samples)

    def _refuse_unknown(self, modules: Sequence[ModuleKey]) -> None:
        no_text("modules", modules)
        for module in modules:
            self.context.module(module)

    def _asked(self, action: str, module: ModuleKey, field: str | None) -> tuple[Action, FieldKey | None]:
        """Return the action and the key of the field that are asked about."""
        name = _VERBS.get(action, action)
        if name not in get_args(Action):
            raise ValueError(f"unknown action {action!r}: one of {', '.join(get_args(Action))}")
        wanted, schema = cast("Action", name), self.context.module(module)
        if field is None:
            return wanted, None
        if wanted not in ("view", "edit", "create"):
            raise ValueError(f"{wanted} is not about single fields: ask about view, edit or create")
        key = field if field in PSEUDO_FIELDS else schema.resolve(field)
        if key is None:
            raise InvalidInputError([Problem("unknown_field", field)])
        if wanted == "edit" and key in _CHANGED_BY:
            return _CHANGED_BY[key], None
        return wanted, key
