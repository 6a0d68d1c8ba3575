"""Everything that a host may configure, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from custinfo.core.approval.flows import Flow
from custinfo.core.classification import Classification, Segment
from custinfo.core.dictionaries import Dictionary
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict, freeze_labels, indexed
from custinfo.core.life_cycles import LifeCycle
from custinfo.core.policy.grants import Grant, Role
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.retention import RetentionRule
from custinfo.core.tags import TagDimension

__all__ = ["Configuration"]


@attrs.frozen
class Configuration:
    """Hold modules with their fields, dictionaries, tags, roles, grants, approval flows, classifications and segments.

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
        classifications: Rules that keep tags and grades in step with the data, by key.
        segments: Saved criteria by key.
        retention: How long records are kept, by key of the rule.
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
    classifications: FrozenDict[str, Classification] = attrs.field(factory=FrozenDict, converter=indexed)
    segments: FrozenDict[str, Segment] = attrs.field(factory=FrozenDict, converter=indexed)

    retention: FrozenDict[str, RetentionRule] = attrs.field(factory=FrozenDict, converter=indexed)

    def with_fields(self, module: ModuleKey, *fields: FieldDefinition) -> Configuration:
        """Return a configuration in which `fields` are added to `module`, or replace those of the same key.

        Raises: KeyError for an unknown module.
        """
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

    def with_tag_dimensions(self, *dimensions: TagDimension) -> Configuration:
        """Return a configuration in which `dimensions` are added or replaced."""
        return attrs.evolve(self, tag_dimensions=self.tag_dimensions.merged({item.key: item for item in dimensions}))

    def with_roles(self, *roles: Role) -> Configuration:
        """Return a configuration in which `roles` are added or replaced."""
        return attrs.evolve(self, roles=self.roles.merged({item.key: item for item in roles}))

    def with_classifications(self, *rules: Classification) -> Configuration:
        """Return a configuration in which `rules` are added or replaced."""
        return attrs.evolve(self, classifications=self.classifications.merged({item.key: item for item in rules}))

    def with_segments(self, *segments: Segment) -> Configuration:
        """Return a configuration in which `segments` are added or replaced."""
        return attrs.evolve(self, segments=self.segments.merged({item.key: item for item in segments}))

    def with_retention(self, *rules: RetentionRule) -> Configuration:
        """Return a configuration in which `rules` are added or replaced."""
        return attrs.evolve(self, retention=self.retention.merged({rule.key: rule for rule in rules}))

    def with_life_cycles(self, module: ModuleKey, *cycles: LifeCycle) -> Configuration:
        """Return a configuration in which the life cycles of these fields of `module` are added or replaced.

        Raises: KeyError for an unknown module.
        """
        known = self.modules[module]
        changed = attrs.evolve(known, life_cycles=known.life_cycles.merged({item.field: item for item in cycles}))
        return self.with_modules(changed)

    def change_field(self, module: ModuleKey, key: FieldKey, **changes: Any) -> Configuration:
        """Return a configuration in which attributes of one field are others: its label, kind, rules, `retired`.

        >>> from custinfo.standard import standard_configuration
        >>> changed = standard_configuration().change_field("customer", "address", label="地址", retired=True)
        >>> changed.modules["customer"].fields["address"].label_in("zh")
        '地址'

        Raises: KeyError for an unknown module or field.
        """
        return self.with_fields(module, attrs.evolve(self.modules[module].fields[key], **changes))

    def reorder_fields(self, module: ModuleKey, *first: FieldKey) -> Configuration:
        """Return a configuration in which people see the fields `first` before the others of `module`.

        Raises: KeyError for an unknown module or field.
        """
        known = self.modules[module]
        fields = {key: known.fields[key] for key in first} | known.fields
        return self.with_modules(attrs.evolve(known, fields=FrozenDict(fields)))

    def relabel_field(self, module: ModuleKey, key: FieldKey, label: str | Mapping[str, str]) -> Configuration:
        """Return a configuration in which a field is called otherwise in some languages; old labels stay as aliases.

        Workbooks with the old heading, and formulas that name it, still find the field. A label that another field has
        is not kept. Raises: KeyError for an unknown module or field.

        >>> from custinfo.standard import standard_configuration
        >>> changed = standard_configuration().relabel_field("customer", "address", "地址")
        >>> changed.modules["customer"].fields["address"].aliases
        ('客户地址', '注册地址', '企业地址')
        """
        field = self.modules[module].fields[key]
        labels = field.label.merged(freeze_labels(label))
        taken = {name for other in self.modules[module].fields.values() if other.key != key for name in other.names()}
        names = dict.fromkeys((*field.aliases, *field.label.values()))
        kept = tuple(name for name in names if name not in taken and name not in labels.values())
        return self.change_field(module, key, label=labels, aliases=kept)

    def extended(self, other: Configuration) -> Configuration:
        """Return a configuration with everything that another one has: how a host adds what it keeps in a file.

        Modules, fields, dictionaries and all else that has a key are added, or replace those of the same key; grants
        are added. Settings and version stay as they are here.
        """
        sections = {name: getattr(self, name).merged(getattr(other, name)) for name in _SECTIONS}
        grants = (*self.grants, *(grant for grant in other.grants if grant not in self.grants))
        return attrs.evolve(self, grants=grants, **sections)


_SECTIONS: Final = (
    "modules", "dictionaries", "tag_dimensions", "roles", "flows", "classifications", "segments", "retention",
)  # fmt: skip
