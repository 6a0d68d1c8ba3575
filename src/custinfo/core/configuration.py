"""Everything that a host may configure, as one value."""

from __future__ import annotations

import attrs

from custinfo.core.approval.flows import Flow
from custinfo.core.dictionaries import Dictionary
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict, indexed
from custinfo.core.policy.grants import Grant, Role
from custinfo.core.records import ModuleKey
from custinfo.core.tags import TagDimension

__all__ = ["Configuration"]


@attrs.frozen
class Configuration:
    """Hold modules with their fields, dictionaries, tag dimensions, roles, grants and approval flows.

    It is a value: change it with the `with_…` methods or `attrs.evolve`, keep it with
    `custinfo.core.converter.configuration_to_json`. Collections may be given as tuples of their items.

    Args:
        modules: Module definitions by key.
        dictionaries: Governed value lists by key.
        tag_dimensions: Tag dimensions by key.
        roles: Roles by key.
        grants: The permission policy.
        flows: Approval flows by key.
        time_zone: IANA name; times without zone are read and shown in it.
        language: Language of labels and messages when a session names none: `zh` or `en`.
        country: ISO 3166 code that national phone numbers belong to.
        version: Counts the changes of the stored configuration.
    """

    modules: FrozenDict[ModuleKey, ModuleDefinition] = attrs.field(converter=indexed)
    dictionaries: FrozenDict[str, Dictionary] = attrs.field(factory=FrozenDict, converter=indexed)
    tag_dimensions: FrozenDict[str, TagDimension] = attrs.field(factory=FrozenDict, converter=indexed)
    roles: FrozenDict[str, Role] = attrs.field(factory=FrozenDict, converter=indexed)
    grants: tuple[Grant, ...] = ()
    flows: FrozenDict[str, Flow] = attrs.field(factory=FrozenDict, converter=indexed)
    time_zone: str = "Asia/Shanghai"
    language: str = "zh"
    country: str = "CN"
    version: int = 1

    def with_fields(self, module: ModuleKey, *fields: FieldDefinition) -> Configuration:
        """Return a configuration in which `fields` are added to `module`, or replace those of the same key."""
        changed = attrs.evolve(
            self.modules[module],
            fields=self.modules[module].fields.merged({field.key: field for field in fields}),
        )
        return attrs.evolve(self, modules=self.modules.set(module, changed))

    def with_modules(self, *modules: ModuleDefinition) -> Configuration:
        """Return a configuration with further modules."""
        return attrs.evolve(self, modules=self.modules.merged({item.key: item for item in modules}))

    def with_dictionaries(self, *dictionaries: Dictionary) -> Configuration:
        """Return a configuration in which `dictionaries` are added or replaced."""
        return attrs.evolve(self, dictionaries=self.dictionaries.merged({item.key: item for item in dictionaries}))

    def with_grants(self, *grants: Grant) -> Configuration:
        """Return a configuration that allows more."""
        return attrs.evolve(self, grants=(*self.grants, *grants))

    def with_flows(self, *flows: Flow) -> Configuration:
        """Return a configuration in which `flows` are added or replaced."""
        return attrs.evolve(self, flows=self.flows.merged({flow.key: flow for flow in flows}))
