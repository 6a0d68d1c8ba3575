"""What is odd about a policy: grants out of use, masks without effect, fields open to more than was meant (POL-4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from typing import Final

from custinfo.core.configuration import Configuration
from custinfo.core.kinds import Kind
from custinfo.core.kinds.masks import Masker
from custinfo.core.organisation import Directory, Organisation
from custinfo.core.policy.grants import Grant
from custinfo.core.problems import Problem
from custinfo.core.reports import Report
from custinfo.core.review._fields import field_findings
from custinfo.core.review._grants import grant_findings
from custinfo.core.review._policy import Policy
from custinfo.core.review._roles import role_findings
from custinfo.core.schema import Schema
from custinfo.core.validation.organisations import check_organisation
from custinfo.core.validation.whole import configuration_problems

__all__ = ["policy_lint"]

_ABOUT_POLICY: Final = ("$.grants", "$.roles")
_TOPICS: Final[tuple[Callable[[Policy], Iterable[Problem]], ...]] = (role_findings, grant_findings, field_findings)


def policy_lint(
    configuration: Configuration,
    *,
    organisation: Directory | None = None,
    kinds: Mapping[str, Kind] | None = None,
    masks: Mapping[str, Masker] | None = None,
) -> Report:
    """Return what is wrong with the policy of a configuration, and what is worth a look (POL-4).

    Errors are those that `Workspace` refuses: a grant that names a module, field, role or mask that isn't there.
    Warnings are what has no effect or opens more than was probably meant; notices are what may well be meant. Each
    names its place, such as `$.grants[3]`.

    >>> from custinfo import ALL_FIELDS, Grant
    >>> from custinfo.standard import sample_organisation, standard_configuration
    >>> wider = standard_configuration().with_grants(
    ...     Grant("customer_service", "customer", frozenset({"view"}), "all", view=ALL_FIELDS)
    ... )
    >>> for problem in policy_lint(wider, organisation=sample_organisation()).warnings:
    ...     print(problem.message("en"))
    Phone: the mask has no effect: the role Customer service reads the field by $.grants[15] ($.grants[7].mask['phone'])

    Args:
        configuration: What to examine.
        organisation: The people; without them, nothing is said about who holds the roles. What is said of members who
            have no role needs an `Organisation`, which can list its members.
        kinds: The host's own kinds of fields, by key.
        masks: The host's own styles of masks, by key.

    Raises: Nothing. Where something else than the policy is wrong with the configuration, or a grant has something that
    is not of its type, the report has those errors and nothing more: `check_configuration` tells all of it. Where an
    `Organisation` is wrong, it has what `check_organisation` finds, and says nothing else about people.
    """
    directory = organisation if organisation is not None else Organisation((), (), ())
    schema = Schema(configuration, directory, UTC, dict(kinds or {}), dict(masks or {}))
    wrong = configuration_problems(schema)
    errors = [problem for problem in wrong if problem.severity == "error"]
    if any(problem.code == "wrong_shape" or not _is_of_policy(problem) for problem in errors):
        return Report(errors)
    misled = check_organisation(organisation).errors if isinstance(organisation, Organisation) else ()
    policy = Policy(schema, dict(_sound(configuration, errors)), None if misled else organisation)
    about = [*filter(_is_of_policy, wrong), *misled]
    return Report([*about, *(finding for topic in _TOPICS for finding in topic(policy))])


def _is_of_policy(problem: Problem) -> bool:
    return str(problem.params.get("path")).startswith(_ABOUT_POLICY)


def _sound(configuration: Configuration, errors: Iterable[Problem]) -> Iterator[tuple[int, Grant]]:
    """Yield place and grant of those of which more can be said than what is wrong with them."""
    broken = tuple(str(problem.params["path"]) for problem in errors)
    for place, grant in enumerate(configuration.grants):
        if not any(path.startswith(f"$.grants[{place}]") for path in broken):
            yield place, grant
