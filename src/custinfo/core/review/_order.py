"""The order in which people expect the parts of a policy."""

from __future__ import annotations

from typing import Final, get_args

from custinfo.core.policy.grants import PSEUDO_FIELDS, Action
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import Schema

__all__ = ["ACTIONS", "Order"]

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)


class Order:
    """Rank roles, modules and fields as the configurations list them, and actions before fields."""

    def __init__(self, *schemas: Schema) -> None:
        known = [schema.configuration for schema in schemas]
        roles = dict.fromkeys(key for configuration in known for key in configuration.roles)
        modules = dict.fromkeys(key for configuration in known for key in configuration.modules)
        self._roles = {key: place for place, key in enumerate(roles)}
        self._modules = {key: place for place, key in enumerate(modules)}
        self._fields: dict[tuple[ModuleKey, FieldKey], int] = {}
        for configuration in known:
            for key, module in configuration.modules.items():
                for place, field in enumerate([*module.fields, *PSEUDO_FIELDS]):
                    self._fields.setdefault((key, field), place)

    def __call__(self, about: tuple[str, ModuleKey, Action, FieldKey | None]) -> tuple[int, str, int, int, int]:
        """Return the rank of role, module, action and field."""
        role, module, action, field = about
        return (
            self._roles.get(role, len(self._roles)),
            role,
            self._modules[module],
            -1 if field is None else self._fields[module, field],
            ACTIONS.index(action),
        )
