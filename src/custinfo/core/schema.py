"""A configuration compiled for use: parsers, renderers and names of every field, made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from functools import cached_property, lru_cache
from typing import Any, Final

import attrs

from custinfo.core.classification import Segment
from custinfo.core.configuration import Configuration
from custinfo.core.errors import InvalidInputError
from custinfo.core.fields import FieldDefinition, FormerKind, ModuleDefinition
from custinfo.core.frozen import FrozenDict, label_in
from custinfo.core.kinds import BUILT_IN_KINDS, COMPUTED, Kind, KindContext, Parser, Renderer
from custinfo.core.kinds.masks import Masker
from custinfo.core.messages import Translated
from custinfo.core.organisation import Directory
from custinfo.core.problems import Problem
from custinfo.core.records import SYSTEM_FIELDS, SYSTEM_LABELS, FieldKey, ModuleKey, Tag
from custinfo.core.tags import TagDimension
from custinfo.core.text import folded

__all__ = ["DirectoryNames", "ModuleSchema", "Schema"]

_LANGUAGES: Final = 8


@attrs.frozen
class DirectoryNames:
    """Give the kinds what they need of a directory: keys for texts, and texts for keys."""

    directory: Directory

    def find_member(self, text: str, /) -> str | tuple[str, ...] | None:
        """Return the key of the member that `text` names; several if ambiguous."""
        return self.directory.find_member(text)

    def find_department(self, text: str, /) -> str | tuple[str, ...] | None:
        """Return the key of the department that `text` names; several if ambiguous."""
        return self.directory.find_department(text)

    def member_label(self, key: str, /) -> str:
        """Return `name(department path)`, as people write it, where that names one person; else the key."""
        member = self.directory.member(key)
        if member is None:
            return key
        names: dict[str, str] = {}
        node = self.directory.department(member.department or "")
        while node is not None and node.key not in names:
            names[node.key] = node.name
            node = self.directory.department(node.parent or "")
        label = f"{member.name}({'-'.join(reversed(names.values()))})" if names else member.name
        return label if self.directory.find_member(label) == key else key

    def department_label(self, key: str, /) -> str:
        """Return the department's name where it names one department; else the key."""
        node = self.directory.department(key)
        return node.name if node is not None and self.directory.find_department(node.name) == key else key


@attrs.frozen(slots=False)
class ModuleSchema:
    """Hold one module compiled: what turns raw values into typed ones and back."""

    definition: ModuleDefinition
    kinds: Mapping[FieldKey, Kind]
    context: KindContext
    former_kinds: Mapping[FieldKey, tuple[tuple[int, Kind], ...]] = attrs.field(factory=dict)

    @cached_property
    def parsers(self) -> dict[FieldKey, Parser]:
        """The parser of each field that is not retired; that of a computed field takes nothing."""
        return {
            field.key: (self.kinds[field.key] if field.kind != "computed" else COMPUTED).parser(field, self.context)
            for field in self.definition.active_fields()
        }

    @cached_property
    def owner_parser(self) -> Parser:
        """The parser of the record's owner."""
        return BUILT_IN_KINDS["user"].parser(FieldDefinition("owner", "user"), self.context)

    @cached_property
    def renderers(self) -> dict[FieldKey, Renderer]:
        """The renderer of each field and system field."""
        return self._renderers(self.context)

    def _renderers(self, context: KindContext) -> dict[FieldKey, Renderer]:
        fields = {key: self.kinds[key].renderer(field, context) for key, field in self.definition.fields.items()}
        system = {
            key: BUILT_IN_KINDS[kind].renderer(FieldDefinition(key, kind), context)
            for key, kind in SYSTEM_FIELDS.items()
        }
        return {**system, **fields}

    @cached_property
    def renderers_in(self) -> Callable[[str], dict[FieldKey, Renderer]]:
        """Return the renderers of each language; readers may ask for any, so only a few are kept."""
        return lru_cache(_LANGUAGES)(lambda language: self._renderers(attrs.evolve(self.context, language=language)))

    @cached_property
    def unique_fields(self) -> tuple[FieldDefinition, ...]:
        """The fields of which no two live records may have the same value."""
        return tuple(field for field in self.definition.fields.values() if field.unique)

    @cached_property
    def encrypted_fields(self) -> tuple[FieldDefinition, ...]:
        """The fields whose values are stored encrypted."""
        return tuple(field for field in self.definition.fields.values() if field.encrypted)

    @cached_property
    def logged_fields(self) -> frozenset[FieldKey]:
        """The fields of which it is logged who reads them."""
        fields = self.definition.fields.values()
        every = self.definition.log_reads
        return frozenset(
            field.key for field in fields if field.log_reads or (every and field.sensitivity == "sensitive")
        )

    @cached_property
    def user_fields(self) -> frozenset[FieldKey]:
        """The fields that name a member."""
        return frozenset(key for key, kind in self.kinds.items() if kind.key == "user")

    @cached_property
    def reference_fields(self) -> tuple[tuple[FieldKey, ModuleKey], ...]:
        """The reference fields, each with the module to which it points."""
        fields = self.definition.fields.values()
        return tuple((field.key, str(field.options["module"])) for field in fields if field.kind == "reference")

    @cached_property
    def _keys(self) -> dict[str, FieldKey]:
        keys: dict[str, FieldKey] = {}
        for field in sorted(self.definition.fields.values(), key=lambda item: item.retired):
            for name in (*field.label.values(), *field.aliases):
                keys.setdefault(folded(name), field.key)
        for name in (*self.definition.owner_label.values(), *self.definition.owner_aliases):
            keys.setdefault(folded(name), "owner")
        for key, labels in SYSTEM_LABELS.items():
            for name in (key, *labels.values()):
                keys.setdefault(folded(name), key)
        return keys | {folded(key): key for key in self.definition.fields}

    def resolve(self, name: str) -> FieldKey | None:
        """Return the field or system field that `name` means by key, label or alias; `None` for none."""
        return name if name in self.definition.fields else self._keys.get(folded(name))

    def kind_of(self, key: FieldKey) -> Kind:
        """Return the kind of a field or system field."""
        return self.kinds[key] if key in self.kinds else BUILT_IN_KINDS[SYSTEM_FIELDS[key]]

    def label(self, key: FieldKey, language: str) -> str:
        """Return what people call the field."""
        field = self.definition.fields.get(key)
        if field is not None:
            return field.label_in(language)
        labels = self.definition.owner_label if key == "owner" else FrozenDict[str, str]()
        return label_in(labels or SYSTEM_LABELS.get(key, labels), language, key)

    def named(self, key: FieldKey) -> Translated:
        """Return what people call the field, for problems; by itself in the configuration's language."""
        field = self.definition.fields.get(key)
        own = field.label if field is not None else self.definition.owner_label if key == "owner" else None
        return Translated.named(own or SYSTEM_LABELS.get(key, FrozenDict()), key, self.context.language)

    def labelled(self, problem: Problem) -> Problem:
        """Return a problem with the labels of its field."""
        if problem.field is None or problem.labels is not None:
            return problem
        field = self.definition.fields.get(problem.field)
        labels = field.label if field is not None else self.definition.owner_label if problem.field == "owner" else None
        return attrs.evolve(problem, labels=labels) if labels else problem

    def with_names(self, problem: Problem) -> Problem:
        """Return a problem with the names of the fields that it lists in place of their keys."""
        listed = problem.params.get("fields")
        if not isinstance(listed, tuple):
            return problem
        return attrs.evolve(problem, params=problem.params.set("fields", tuple(map(self.named, listed))))

    def kinds_at(self, version: int) -> dict[FieldKey, Kind]:
        """Return the kind that each field had under a version of the configuration."""
        former = {
            key: next((kind for until, kind in kinds if version <= until), self.kinds[key])
            for key, kinds in self.former_kinds.items()
        }
        return {**self.kinds, **former}

    def render(self, key: FieldKey, value: Any, language: str | None = None) -> str:
        """Return the text of a typed value, in the configuration's language if none is given; empty for `None`.

        A value of the past may be of a kind that the field had then: it is shown as it is.
        """
        if value is None:
            return ""
        try:
            renderers = self.renderers if language in (None, self.context.language) else self.renderers_in(language)
            return renderers[key](value)
        except (TypeError, ValueError, AttributeError, ArithmeticError):
            if key not in self.former_kinds:
                raise
            return str(value)


def _kind_name(field: FieldDefinition | FormerKind) -> str:
    """Return the kind of the values of a field, which of a computed one is what its formula comes to."""
    return str(field.options.get("value_kind", "text")) if field.kind == "computed" else field.kind


@attrs.frozen(slots=False, eq=False)
class Schema:
    """Hold a configuration compiled, with the directory, time zone and kinds that it is used with."""

    configuration: Configuration
    directory: Directory
    zone: tzinfo
    extra_kinds: Mapping[str, Kind] = attrs.field(factory=dict)
    masks: Mapping[str, Masker] = attrs.field(factory=dict)

    @cached_property
    def context(self) -> KindContext:
        """What kinds may look at."""
        return KindContext(
            self.configuration.dictionaries,
            DirectoryNames(self.directory),
            self.zone,
            self.configuration.language,
            self.configuration.country,
            {module.key: module.label for module in self.configuration.modules.values()},
        )

    @cached_property
    def modules(self) -> dict[ModuleKey, ModuleSchema]:
        """Every module compiled."""
        kinds = {**BUILT_IN_KINDS, **self.extra_kinds}
        return {key: self._compiled(module, kinds) for key, module in self.configuration.modules.items()}

    def _compiled(self, module: ModuleDefinition, kinds: Mapping[str, Kind]) -> ModuleSchema:
        fields = module.fields.values()
        former = {
            field.key: tuple((item.until, kinds[_kind_name(item)]) for item in field.former)
            for field in fields
            if field.former
        }
        return ModuleSchema(module, {field.key: kinds[_kind_name(field)] for field in fields}, self.context, former)

    def module(self, key: ModuleKey) -> ModuleSchema:
        """Return the module compiled. Raises: InvalidInputError for an unknown one; TypeError for what is no text."""
        module = self.modules.get(key)
        if module is None:
            if not isinstance(key, str):  # a file, where arguments changed places: its content is not repeated
                raise TypeError(f"module must be the key of a module: not {type(key).__name__}")
            raise InvalidInputError([Problem("unknown_module", params={"module": key})])
        return module

    @cached_property
    def _dimensions(self) -> dict[str, TagDimension]:
        dimensions = self.configuration.tag_dimensions.values()
        return {name: dimension for dimension in dimensions for name in dimension.names()}

    def resolve_tag(self, dimension: str, value: str, *, retired: bool = False) -> Tag | Problem:
        """Return the tag that a dimension and a value name by key, label or alias, or what is wrong with them.

        A former tag gives the one that it is now; one that is retired is refused, unless `retired` ones count too.
        """
        found = self._dimensions.get(folded(dimension))
        if found is None:
            return Problem("unknown_tag_dimension", "tags", params={"dimension": dimension})
        tag = found.find(value)
        if tag is None:
            return Problem("unknown_tag", "tags", params={"dimension": found.named})
        if isinstance(tag, str):
            return Tag(found.key, tag)
        if not retired:
            return Problem("retired_tag", "tags", params={"dimension": found.named})
        return Tag(found.key, tag.value)

    def resolve_dimension(self, dimension: str) -> TagDimension | None:
        """Return the dimension that a key, label or alias names."""
        return self._dimensions.get(folded(dimension))

    @cached_property
    def _segments(self) -> dict[tuple[ModuleKey, str], tuple[Segment, ...]]:
        """Module and folded name → the segments that it may mean; a key means itself alone."""
        named: dict[tuple[ModuleKey, str], tuple[Segment, ...]] = {}
        segments = self.configuration.segments.values()
        for segment in segments:
            for name in {*map(folded, segment.label.values())}:
                named[segment.module, name] = (*named.get((segment.module, name), ()), segment)
        return named | {(segment.module, folded(segment.key)): (segment,) for segment in segments}

    def resolve_segment(self, module: ModuleKey, name: str) -> Segment | Problem:
        """Return the segment of a module that a key or label names, or what is wrong with the name."""
        found = self._segments.get((module, folded(name)), ())
        if len(found) == 1:
            return found[0]
        if not found:
            return Problem("unknown_segment", params={"segment": name[:100]})
        candidates = tuple(segment.key for segment in found)
        return Problem("ambiguous_segment", params={"segment": name[:100], "candidates": candidates})
