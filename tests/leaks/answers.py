"""Answers as bytes: everything that somebody can see of what a verb gave, hidden attributes of its `repr` included."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from custinfo import CustinfoError, RecordView
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem

_MOST = 5000


@attrs.frozen
class Answer:
    """What a call comes to: the value, or the error, and all of it as text."""

    text: str
    value: Any = attrs.field(eq=False, repr=False)


def answer(ask: Callable[[], Any]) -> Answer:
    """Return what a call comes to, as text the value in full, or the error in full, in both languages."""
    try:
        value = ask()
    except CustinfoError as error:
        return _refusal(error)
    except (ValueError, TypeError, KeyError) as error:
        return Answer(f"{type(error).__name__}: {error}", error)
    try:
        return Answer(seen(value), value)  # anything else that is raised here is no answer, and would hide one
    except CustinfoError as error:
        return _refusal(error)


def _refusal(error: CustinfoError) -> Answer:
    told = [seen(problem) for problem in error.problems]
    texts = (error.code, error.message("zh"), error.message("en"), str(error), repr(error))
    return Answer(f"{type(error).__name__} {texts} {told} caused by {type(error.__cause__)}", error)


def seen(value: Any) -> str:
    """Return everything that a value shows to whoever has it: public attributes, order, representation and text."""
    match value:
        case bytes():
            return f"bytes {len(value)} {hashlib.sha256(value).hexdigest()}"
        case str() | int() | float() | None:
            return repr(value)
        case dict() | FrozenDict():
            return "{" + ", ".join(f"{seen(key)}: {seen(item)}" for key, item in value.items()) + "}"
        case frozenset() | set():
            return "{" + ", ".join(sorted(map(seen, value))) + "}"
        case Iterator():
            return seen([item for item, _ in zip(value, range(_MOST), strict=False)])
    if attrs.has(type(value)):
        return _object(value)
    if isinstance(value, list | tuple):  # also lazy sequences of named tuples
        return type(value).__name__ + "[" + ", ".join(map(seen, value)) + "]"
    return repr(value)


def _object(value: Any) -> str:
    names = [field.name for field in attrs.fields(type(value)) if not field.name.startswith("_")]
    told = [f"{name}={seen(getattr(value, name))}" for name in names]
    told += [repr(value), str(value)]
    if isinstance(value, RecordView):
        told += [repr(dict(value)), hashlib.sha256(pickle.dumps(value)).hexdigest()]
        told += [f"{key}={value.text(key)}" for key in sorted(value.visible)]
    if isinstance(value, Problem):
        told += [value.message("zh"), value.message("en"), seen(value.labels)]
    return f"{type(value).__name__}({', '.join(told)})"
