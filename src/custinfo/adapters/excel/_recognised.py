"""A template that comes back: what its headings meant, and what changed since it was made."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from custinfo.adapters.excel._manifest import Manifest, read_manifest
from custinfo.adapters.excel.reading import Table, clean_label
from custinfo.adapters.excel.template import template_fields
from custinfo.core.errors import PermissionDeniedError
from custinfo.core.fields import FieldDefinition
from custinfo.core.problems import Place, Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.workspace.context import Context

__all__ = ["Recognised", "template_of"]


@attrs.frozen
class Recognised:
    """A template of the module that is imported."""

    context: Context = attrs.field(repr=False)
    manifest: Manifest

    @property
    def former(self) -> dict[str, FieldKey]:
        """Headings that mean nothing today, with the field that each meant; an empty name leaves a column out."""
        schema = self.context.module(self.manifest.module)
        return {clean_label(label): key for label, key in self.manifest.former_labels(schema).items()}

    def outdated(self, table: Table) -> list[Problem]:
        """Return what changed since the template was made, each with its column as far as the file has it."""
        schema = self.context.module(self.manifest.module)
        version = self.context.schema.configuration.version
        found = self.manifest.outdated(schema, self._today(), version, table.header)
        columns = dict(zip(table.header, table.columns, strict=True))
        offers = self.manifest.fields.items()
        labels = {schema.resolve(offer.label) or key: clean_label(offer.label) for key, offer in offers}
        labels |= {key: clean_label(offer.label) for key, offer in offers}

        def placed(problem: Problem) -> Problem:
            name = labels.get(problem.field or "", problem.field or "")
            return schema.labelled(problem).at(Place(table.sheet, table.header_row, columns.get(clean_label(name))))

        return [placed(problem) for problem in found]

    def _today(self) -> Sequence[FieldDefinition]:
        try:
            return template_fields(self.context, self.manifest.module, self.manifest.language)
        except PermissionDeniedError:
            return ()


def template_of(content: bytes, context: Context, module: ModuleKey) -> Recognised | None:
    """Return the template of a module that a file is; `None` for any other file."""
    manifest = read_manifest(content) if content.startswith(b"PK") else None
    return None if manifest is None or manifest.module != module else Recognised(context, manifest)
