"""What people call the fields, entries and tags of a configuration, for criteria in words."""

from __future__ import annotations

import attrs

from custinfo.core.criteria.describe import Language
from custinfo.core.criteria.nodes import Path
from custinfo.core.dictionaries import Ambiguous
from custinfo.core.frozen import label_in
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey
from custinfo.core.schema import ModuleSchema, Schema

__all__ = ["SchemaWords"]


@attrs.frozen
class SchemaWords:
    """What the fields, entries and tags of a configuration are called in one language."""

    schema: Schema
    module: ModuleSchema
    language: Language

    def _target(self, path: Path) -> tuple[ModuleSchema, FieldKey] | None:
        """Return module and key of the field at the end of a path, `None` where a criterion by hand leads nowhere."""
        module = self.module
        for name in path[:-1]:
            reference = module.definition.fields.get(module.resolve(name) or name)
            target = None if reference is None else self.schema.modules.get(str(reference.options.get("module")))
            if target is None:
                return None
            module = target
        return module, module.resolve(path[-1]) or path[-1]

    def field(self, path: Path, /) -> str:
        """Return the label of the field at the end of a path; one that there is not is called as it is written."""
        found = self._target(path)
        return path[-1] if found is None else found[0].label(found[1], self.language)

    def value(self, path: Path, value: object, /) -> str | None:
        """Return the label of an entry of the field's dictionary; `None` for any other value."""
        found = self._target(path)
        definition = None if found is None else found[0].definition.fields.get(found[1])
        name = str(definition.options.get("dictionary")) if definition is not None else ""
        dictionary = self.schema.configuration.dictionaries.get(name)
        if dictionary is None or not isinstance(value, str):
            return None
        code = dictionary.find(value)
        if code is None or isinstance(code, Ambiguous):
            return None
        return dictionary.values[code].label_in(self.language)

    def segment(self, name: str, /) -> str:
        """Return the label of a segment."""
        segment = self.schema.resolve_segment(self.module.definition.key, name)
        return name if isinstance(segment, Problem) else segment.label_in(self.language)

    def dimension(self, name: str, /) -> str:
        """Return the label of a tag dimension."""
        dimension = self.schema.resolve_dimension(name)
        return name if dimension is None else label_in(dimension.label, self.language, dimension.key)
