"""What differs between two configurations, and whom it concerns (FLD-1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.fields import ModuleDefinition
from custinfo.core.records import ModuleKey

__all__ = ["ConfigurationChange", "ConfigurationPart", "affected_modules", "compare_configurations"]

ConfigurationPart = Literal[
    "settings",
    "module",
    "field",
    "dictionary",
    "dictionary_value",
    "tag_dimension",
    "role",
    "grants",
    "flow",
    "classification",
    "segment",
    "retention_rule",
]

_SECTIONS: Final[tuple[tuple[ConfigurationPart, str], ...]] = (
    ("tag_dimension", "tag_dimensions"),
    ("role", "roles"),
    ("flow", "flows"),
    ("classification", "classifications"),
    ("segment", "segments"),
    ("retention_rule", "retention"),
)
_SETTINGS: Final = ("time_zone", "language", "country")


@attrs.frozen
class ConfigurationChange:
    """One thing that differs: `attributes` names what, for something that was there before and still is.

    `action` is `added`, `changed` or `removed`, `part` what kind of thing it is, and `key` its key: that of the module
    for `grants`, whose `attributes` are the roles concerned, and `settings` for what the configuration says as a whole.
    `within` is the module of a field or of grants, or the dictionary of a value.
    """

    action: Literal["added", "changed", "removed"]
    part: ConfigurationPart
    key: str
    within: str | None = None
    attributes: tuple[str, ...] = ()


def compare_configurations(before: Configuration, after: Configuration) -> tuple[ConfigurationChange, ...]:
    """Return what differs, in the order of the configuration's parts; its version plays no part."""
    return tuple(_changes(before, after))


def _changes(before: Configuration, after: Configuration) -> Iterator[ConfigurationChange]:
    settings = tuple(name for name in _SETTINGS if getattr(before, name) != getattr(after, name))
    if settings:
        yield ConfigurationChange("changed", "settings", "settings", None, settings)
    yield from _nested("module", "field", before.modules, after.modules, "fields")
    yield from _nested("dictionary", "dictionary_value", before.dictionaries, after.dictionaries, "values")
    for part, name in _SECTIONS:
        yield from _section(part, getattr(before, name), getattr(after, name))
    yield from _grants(before, after)


def _nested(
    outer: ConfigurationPart,
    inner: ConfigurationPart,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    items: str,
) -> Iterator[ConfigurationChange]:
    """Compare things that have things in them, whose order matters to people."""
    for change in _section(outer, before, after):
        if change.action == "changed":
            one, other = getattr(before[change.key], items), getattr(after[change.key], items)
            attributes = tuple(name for name in change.attributes if name != items)
            if [key for key in one if key in other] != [key for key in other if key in one]:
                attributes = (*attributes, "order")
            if attributes:
                yield attrs.evolve(change, attributes=attributes)
            yield from _section(inner, one, other, change.key)
        else:
            yield change


def _section(
    part: ConfigurationPart, before: Mapping[str, Any], after: Mapping[str, Any], within: str | None = None
) -> Iterator[ConfigurationChange]:
    for key in [*before, *(key for key in after if key not in before)]:
        if key not in after:
            yield ConfigurationChange("removed", part, key, within)
        elif key not in before:
            yield ConfigurationChange("added", part, key, within)
        elif before[key] != after[key] or (part in ("module", "dictionary") and _reordered(before[key], after[key])):
            yield ConfigurationChange("changed", part, key, within, _attributes(before[key], after[key]))


def _reordered(before: Any, after: Any) -> bool:
    items = "fields" if isinstance(before, ModuleDefinition) else "values"
    return list(getattr(before, items)) != list(getattr(after, items))


def _attributes(before: Any, after: Any) -> tuple[str, ...]:
    names = (field.name for field in attrs.fields(type(before)))
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def _grants(before: Configuration, after: Configuration) -> Iterator[ConfigurationChange]:
    modules = dict.fromkeys(grant.module for grant in (*before.grants, *after.grants))
    for module in modules:
        one = [grant for grant in before.grants if grant.module == module]
        other = [grant for grant in after.grants if grant.module == module]
        if one != other:
            roles = dict.fromkeys(grant.role for grant in (*one, *other) if (grant in one) != (grant in other))
            yield ConfigurationChange("changed", "grants", module, module, tuple(roles))


def affected_modules(
    before: Configuration, after: Configuration, changes: Iterable[ConfigurationChange]
) -> frozenset[ModuleKey]:
    """Return the modules of `before` that changes are about: whoever makes them must be allowed to configure these.

    What concerns every module, such as the time zone, is about all; a module that is new, and roles, are about none.
    """
    found: set[ModuleKey] = set()
    for change in changes:
        found.update(_affected(before, after, change))
    return frozenset(found & before.modules.keys())


def _affected(before: Configuration, after: Configuration, change: ConfigurationChange) -> Iterable[ModuleKey]:
    match change.part:
        case "settings":
            return before.modules
        case "module":
            return (change.key,)
        case "field" | "grants":
            return (change.within or "",)
        case "dictionary" | "dictionary_value":
            name = change.key if change.part == "dictionary" else change.within
            return [module.key for module in before.modules.values() if _uses(module, name)]
        case "tag_dimension":
            return [module.key for module in before.modules.values() if module.taggable]
        case "flow":
            flows = (known.flows.get(change.key) for known in (before, after))
            return [flow.trigger.module for flow in flows if flow is not None]
        case "classification" | "segment" | "retention_rule":
            section = dict(_SECTIONS)[change.part]
            items = (getattr(known, section).get(change.key) for known in (before, after))
            return [item.module for item in items if item is not None]
        case _:
            return ()


def _uses(module: ModuleDefinition, dictionary: str | None) -> bool:
    return any(field.options.get("dictionary") == dictionary for field in module.fields.values())
