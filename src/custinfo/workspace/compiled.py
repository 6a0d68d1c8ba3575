"""A configuration compiled once for all sessions: what checks, derives, encodes and decides, module by module."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from custinfo.core.configuration import Configuration
from custinfo.core.documents import Documents
from custinfo.core.organisation import Directory
from custinfo.core.permission import Policy
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.revisions import Revision
from custinfo.core.rules import RuleTypes
from custinfo.core.schema import Schema
from custinfo.core.stored import ValueCodec
from custinfo.core.validation.conditions import Conditions
from custinfo.core.validation.derivation import Derivation
from custinfo.core.validation.engine import Validator
from custinfo.core.validation.whole import checked_schema, configuration_problems
from custinfo.workspace.access_logging import logged_fields

__all__ = ["Compiled"]


class Compiled:
    """Hold what is compiled once per configuration: the schema, and each module's validator and derivation.

    `revision` is the version of the configuration as the store has it, 0 for one that only the host's code gives.
    """

    def __init__(self, schema: Schema, rule_types: RuleTypes | None = None, revision: int = 0) -> None:
        self.schema = schema
        self.revision = revision
        self._rule_types = rule_types
        self.policy: Policy = Policy(schema)
        self._validators: dict[ModuleKey, Validator] = {}
        self._derivations: dict[ModuleKey, Derivation] = {}
        self._documents = Documents(schema)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What is worth a look in the configuration."""
        return tuple(item for item in configuration_problems(self.schema) if item.severity != "error")

    @cached_property
    def logged(self) -> dict[ModuleKey, frozenset[FieldKey]]:
        """The fields of each module of which it is logged who reads them; modules without such are left out."""
        return logged_fields(self.schema)

    @property
    def version(self) -> int:
        """The version of the configuration."""
        return self.schema.configuration.version

    @cached_property
    def documents(self) -> Documents:
        """What writes changes as they are digested."""
        return Documents(self.schema)

    def to_json(self) -> str:
        """Return the configuration as it is stored."""
        from custinfo.core.converter import configuration_to_json  # noqa: PLC0415 - cattrs, for live configurations only

        return configuration_to_json(self.schema.configuration, rule_types=self._rule_types)

    def from_json(self, text: str) -> Configuration:
        """Return a configuration that was stored."""
        from custinfo.core.converter import configuration_from_json  # noqa: PLC0415 - as in `to_json`

        return configuration_from_json(text, rule_types=self._rule_types)

    def revised(self, configuration: Configuration, revision: int = 0) -> Compiled:
        """Return another configuration compiled for the same people and kinds. Raises: ConfigurationError."""
        schema = checked_schema(configuration, self.schema.directory, self.schema.extra_kinds, self.schema.masks)
        return Compiled(schema, self._rule_types, revision)

    def among(self, directory: Directory) -> Compiled:
        """Return the same configuration compiled for other people. Raises: ConfigurationError."""
        known = self.schema
        schema = checked_schema(known.configuration, directory, known.extra_kinds, known.masks)
        return Compiled(schema, self._rule_types, self.revision)

    def as_stored(self, revision: Revision) -> Compiled:
        """Return the configuration of a revision compiled. Raises: ConfigurationError."""
        return self.revised(self.from_json(revision.data), revision.version)

    def codec(self, module: ModuleKey) -> ValueCodec:
        """Return what encodes the values of a module."""
        return self._documents.codec(module)

    def derivation(self, module: ModuleKey) -> Derivation:
        """Return what follows from the records of a module."""
        known = self._derivations.get(module)
        if known is None:
            known = self._derivations[module] = Derivation(self.schema, self.schema.module(module))
        return known

    def validator(self, module: ModuleKey, now: datetime) -> Validator:
        """Return the validator of a module, at an instant. Raises: ConfigurationError for rules that do not fit."""
        known = self._validators.get(module)
        if known is None:
            compiled = self.schema.module(module)
            known = self._validators[module] = Validator(compiled, Conditions(self.schema, compiled))
        return known.at(now)
