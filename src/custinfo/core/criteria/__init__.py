"""Criteria: one small language that says which records.

Written with `F` and `Tagged`, kept as JSON, evaluated in memory and compiled to SQL, with one meaning everywhere:
a comparison with a missing value is false, and `~` is its plain complement.
"""

from custinfo.core.criteria.as_json import criterion_from_json, criterion_to_json
from custinfo.core.criteria.build import F, Field
from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    Has,
    InSegment,
    LastFour,
    Leaf,
    Mentions,
    Not,
    Nothing,
    OneOf,
    Path,
    Present,
    StartsWith,
    Tagged,
    Under,
    Within,
    all_of,
    any_of,
)
from custinfo.core.criteria.walking import leaves

__all__ = [
    "AllOf",
    "AnyOf",
    "Compare",
    "Contains",
    "Criterion",
    "Everything",
    "F",
    "Field",
    "Has",
    "InSegment",
    "LastFour",
    "Leaf",
    "Mentions",
    "Not",
    "Nothing",
    "OneOf",
    "Path",
    "Present",
    "StartsWith",
    "Tagged",
    "Under",
    "Within",
    "all_of",
    "any_of",
    "criterion_from_json",
    "criterion_to_json",
    "leaves",
]
