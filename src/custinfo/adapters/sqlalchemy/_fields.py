"""What fields of modules are in tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._prepared import Layout
from custinfo.core.criteria.nodes import Path, SealedAs
from custinfo.core.kinds import unchanged
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, ModuleKey
from custinfo.core.stored import instant_to_text

__all__ = ["encoder", "is_claimed", "layouts", "target_of"]


def encoder(context: Context, module: ModuleKey, path: Path) -> Callable[[Any], Any]:
    """Return what gives the stored form of the values at a path."""
    *hop, key = path
    owner = target_of(context, module, hop[0]) if hop else module
    if key in SYSTEM_FIELDS:
        return instant_to_text if SYSTEM_FIELDS[key] == "datetime" else unchanged
    return context.module(owner).schema.kind_of(key).encode


def target_of(context: Context, module: ModuleKey, key: FieldKey) -> ModuleKey:
    """Return the module that a reference of a module points to."""
    return str(context.module(module).schema.definition.fields[key].options["module"])


def layouts(context: Context, module: ModuleKey, *paths: Path) -> tuple[Layout, ...]:
    """Return what statements over a module, and the ends of paths, depend on."""
    hops = [target_of(context, module, path[0]) for path in paths if len(path) > 1]
    return tuple(context.module(key).layout for key in (module, *hops))


def is_claimed(context: Context, module: ModuleKey, part: SealedAs) -> bool:
    """Tell whether live records claim the encrypted values that are asked for."""
    return not part.tail and len(part.path) == 1 and part.path[0] in context.module(module).unique_fields
