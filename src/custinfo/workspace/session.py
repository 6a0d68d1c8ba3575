"""A session: one actor, one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Final, cast, get_args

from custinfo.core.errors import NotFoundError
from custinfo.core.policy.grants import Action
from custinfo.core.records import MemberKey, ModuleKey
from custinfo.workspace.approvals import Approvals
from custinfo.workspace.collection import Records
from custinfo.workspace.context import Context
from custinfo.workspace.explaining import Explanation, explain, explain_out_of_reach
from custinfo.workspace.live_configuration import LiveConfiguration
from custinfo.workspace.reading import ReadPath

__all__ = ["Session"]

_VERBS: Final[dict[str, Action]] = {
    "update": "edit",
    "revert": "edit",
    "restore": "archive",
    "get": "view",
    "find": "view",
}


class Session:
    """Act as one member in one unit of work; `Workspace.acting_as` gives it.

    Use it in the thread that opened it, and not beyond its `with` block.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self._collections: dict[ModuleKey, Records] = {}

    @property
    def actor(self) -> MemberKey:
        """The key of the member who acts."""
        return self.context.actor

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

    def now(self) -> datetime:
        """Return the present instant as the workspace's clock gives it."""
        return self.context.now()

    def explain(self, action: str, module: ModuleKey, record_id: str | None = None) -> Explanation:
        """Return why the actor may or may not do something: each grant, and the first clause of it that failed.

        Args:
            action: An action such as `edit`, or a verb such as `update`.
            module: Key of the module.
            record_id: The record; any record when not given.

        Of a record that the actor may not view the answer is that it is out of reach, whether it exists or not.
        Raises: ValueError for an unknown action.
        """
        name = _VERBS.get(action, action)
        if name not in get_args(Action):
            raise ValueError(f"unknown action {action!r}: one of {', '.join(get_args(Action))}")
        wanted = cast("Action", name)
        self.context.module(module)
        if record_id is None:
            return explain(self.context, wanted, module, None)
        try:
            record, _ = ReadPath(self.context).record(module, record_id)
        except NotFoundError:
            return explain_out_of_reach(self.context, wanted, module)
        return explain(self.context, wanted, module, record)
