"""A configuration checked as a whole, before it is used: everything that is wrong with it, at once.

Each problem names its place by path, as errors in the JSON of a configuration do:
`$.modules['customer'].fields['phone'].mask`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from custinfo.core.configuration import Configuration
from custinfo.core.errors import ConfigurationError
from custinfo.core.kinds import Kind
from custinfo.core.kinds.masks import Masker
from custinfo.core.organisation import Directory
from custinfo.core.problems import Problem
from custinfo.core.reports import Report
from custinfo.core.schema import Schema
from custinfo.core.spots import Spot
from custinfo.core.validation.compiling import rule_problems
from custinfo.core.validation.derivation import derivation_problems
from custinfo.core.validation.whole._anyone import Anyone
from custinfo.core.validation.whole._derived import classification_problems, segment_problems
from custinfo.core.validation.whole._fields import field_problems, kind_problems, module_problems
from custinfo.core.validation.whole._flows import flow_problems
from custinfo.core.validation.whole._names import key_problems, name_problems
from custinfo.core.validation.whole._policy import grant_problems
from custinfo.core.validation.whole._retention import retention_problems
from custinfo.core.validation.whole._shape import shape_problems
from custinfo.core.validation.whole._subject import Subject
from custinfo.core.validation.whole._values import dictionary_problems, tag_problems

__all__ = ["check_configuration", "checked_schema", "configuration_problems"]

_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


_TOPICS: Final[tuple[Callable[[Subject], Iterable[Problem]], ...]] = (
    key_problems,
    name_problems,
    field_problems,
    module_problems,
    dictionary_problems,
    tag_problems,
    grant_problems,
    flow_problems,
    segment_problems,
    classification_problems,
    retention_problems,
    lambda subject: rule_problems(subject.schema),
)
"""What is looked at, in this order."""


def configuration_problems(schema: Schema) -> list[Problem]:
    """Return everything that is wrong with a configuration: errors, and warnings that need not stop anybody.

    Attributes of a wrong type are said by themselves: no more can be said of such a configuration. Otherwise one
    mistake hides no other, save that nothing is said about rules and criteria that name a field whose kind cannot be
    compiled.

    Args:
        schema: The configuration, with the directory and the kinds that it is used with.

    Returns: Problems with the parameter `path`, and `module` where they are about one; those of rules have `rule`.
    """
    shapes = list(shape_problems(schema.configuration))
    if shapes:
        return shapes
    broken: dict[tuple[str, str], list[Problem]] = {}
    for key, module in schema.configuration.modules.items():
        for mapped, field in module.fields.items():
            broken[module.key, field.key] = kind_problems(Subject(schema), key, mapped, field)
    subject = Subject(schema, frozenset(field for field, problems in broken.items() if problems))
    found = [*_setting_problems(schema.configuration), *(item for problems in broken.values() for item in problems)]
    found += [problem for topic in _TOPICS for problem in topic(subject)]
    if all(problem.severity != "error" for problem in found):
        # Formulas stand on everything else: on fields that compile, and on rules that give grades.
        found += derivation_problems(schema)
    return found


def check_configuration(
    configuration: Configuration,
    *,
    kinds: Mapping[str, Kind] | None = None,
    organisation: Directory | None = None,
    masks: Mapping[str, Masker] | None = None,
) -> Report:
    """Return what is wrong with a configuration: what `Workspace` would refuse, and what is worth a look.

    >>> from custinfo.standard import standard_configuration
    >>> print(check_configuration(standard_configuration()).to_text("en"))
    nothing was found
    >>> hidden = standard_configuration().change_field("customer", "phone", mask="stars")
    >>> [problem.message("en") for problem in check_configuration(hidden)]
    ["Phone: there is no mask style stars ($.modules['customer'].fields['phone'].mask)"]

    Args:
        configuration: What to check.
        kinds: The host's own kinds of fields, by key.
        organisation: The people; without them, nothing is said about the members and departments that are named.
        masks: The host's own styles of masks, by key.

    Raises: Nothing. `report.ok` says whether a workspace would open.
    """
    directory = organisation if organisation is not None else Anyone()
    schema = Schema(configuration, directory, UTC, dict(kinds or {}), dict(masks or {}))
    return Report(configuration_problems(schema))


def checked_schema(
    configuration: Configuration,
    directory: Directory,
    kinds: Mapping[str, Kind],
    masks: Mapping[str, Masker] | None = None,
) -> Schema:
    """Return a configuration compiled, once nothing is wrong with it.

    Args:
        configuration: What to compile.
        directory: The people.
        kinds: The host's own kinds of fields, by key.
        masks: The host's own styles of masks, by key.

    Raises: ConfigurationError with every error; warnings do not stop it.
    """
    zone = ZoneInfo(configuration.time_zone) if _is_zone(configuration.time_zone) else UTC
    schema = Schema(configuration, directory, zone, kinds, dict(masks or {}))
    errors = [problem for problem in configuration_problems(schema) if problem.severity == "error"]
    if errors:
        raise ConfigurationError(errors)
    return schema


def _setting_problems(configuration: Configuration) -> Iterator[Problem]:
    """Yield settings of the configuration itself that mean nothing."""
    spot = Spot()
    if not _is_zone(configuration.time_zone):
        yield spot.dot("time_zone").unknown("time zone", configuration.time_zone)
    if not _LANGUAGE.fullmatch(configuration.language):
        yield spot.dot("language").misfit("语言代码如 zh、en", "a language is a code such as zh or en")
    if not _COUNTRY.fullmatch(configuration.country):
        yield spot.dot("country").misfit(
            "国家代码为两个大写字母，如 CN", "a country is two capital letters, such as CN"
        )
    if configuration.version < 1:
        yield spot.dot("version").misfit("版本从 1 起", "versions count from 1")


def _is_zone(name: object) -> bool:
    """Tell whether the database of time zones, which is data of the platform or of `tzdata`, has a zone."""
    try:
        ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
