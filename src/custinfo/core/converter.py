"""Configurations to and from JSON data, with a cattrs converter of our own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import attrs
from cattrs import Converter, ForbiddenExtraKeysError, transform_error
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn
from cattrs.v import format_exception

from custinfo.core.approval.flows import APPROVER_TYPES, QUORUM_TYPES, Approver, Quorum
from custinfo.core.configuration import Configuration
from custinfo.core.criteria import Criterion, criterion_from_json, criterion_to_json
from custinfo.core.errors import ConfigurationError, InvalidCriterionError
from custinfo.core.fields import OptionValue
from custinfo.core.frozen import FrozenDict, Words, freeze_words
from custinfo.core.json_values import ShapeError, day_from_json, moment_from_json, value_from_json, value_to_json
from custinfo.core.messages import Translated
from custinfo.core.organisation import Organisation
from custinfo.core.problems import Problem
from custinfo.core.rules import RULE_TYPES, Rule, RuleTypes

__all__ = [
    "configuration_from_json",
    "configuration_to_json",
    "configure_converter",
    "make_converter",
    "organisation_from_json",
    "organisation_to_json",
]


T = TypeVar("T")

_LONGEST: Final = 240
"""Of the two parts of a hint, what is wrong and where."""


def _is_frozen_dict(kind: Any) -> bool:
    return kind is FrozenDict or get_origin(kind) is FrozenDict


def _is_frozen_set(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is frozenset


def _frozen_dict_structure(kind: Any, converter: Converter) -> Callable[[Any, Any], FrozenDict[Any, Any]]:
    key_kind, item = get_args(kind) or (Any, Any)
    mapping = dict[key_kind, item]  # type: ignore[valid-type]
    return lambda data, _: FrozenDict(converter.structure(_object(data), mapping))


def _object(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ShapeError("应为对象", "expected an object")
    return data


def _register_tagged(converter: Converter, union: Any, types: Mapping[str, type[Any]]) -> None:
    """Write each member of `union` with its name under `type`, and read it back by that name."""
    names = {kind: name for name, kind in types.items()}

    def structure(data: Any, _: Any) -> Any:
        name = data.get("type") if isinstance(data, Mapping) else None
        if not isinstance(name, str) or name not in types:
            raise ShapeError(
                f"应为对象，其 type 为以下之一：{'、'.join(types)}",
                f"expected an object whose type is one of {', '.join(types)}",
            )
        return converter.structure({key: item for key, item in data.items() if key != "type"}, types[name])

    def unstructure(value: Any) -> Any:
        if type(value) not in names:
            raise TypeError(f"{type(value).__name__} has no name in JSON: pass rule_types={{…}}")
        return {"type": names[type(value)], **converter.unstructure(value, type(value))}

    converter.register_structure_hook_func(lambda kind: kind == union, structure)
    converter.register_unstructure_hook_func(lambda kind: kind == union, unstructure)


def _register_optional(converter: Converter, union: Any) -> None:
    optional = union | None
    converter.register_structure_hook_func(
        lambda kind: kind == optional, lambda data, _: None if data is None else converter.structure(data, union)
    )
    converter.register_unstructure_hook_func(
        lambda kind: kind == optional, lambda value: None if value is None else converter.unstructure(value, union)
    )


def _is_constant(kind: Any) -> bool:
    return bool(kind in (Decimal | int | date | None, OptionValue))


def _all_rule_types(own: RuleTypes | None) -> RuleTypes:
    taken = RULE_TYPES.keys() & (own or {}).keys()
    if taken:
        raise ValueError(f"rules of custinfo have these names already: {sorted(taken)}")
    return {**RULE_TYPES, **(own or {})}


def configure_converter(converter: Converter, rule_types: RuleTypes | None = None) -> None:
    """Teach a cattrs converter the types of a configuration.

    Args:
        converter: The host's own.
        rule_types: The host's own classes of rules, by the name that JSON gives them.

    Raises: ValueError where a name is that of one of ours.
    """
    converter.register_structure_hook_factory(_is_frozen_dict, _frozen_dict_structure)
    converter.register_unstructure_hook_func(
        _is_frozen_dict, lambda data: {key: converter.unstructure(value) for key, value in data.items()}
    )
    converter.register_structure_hook_func(lambda kind: kind == Criterion, lambda data, _: criterion_from_json(data))
    converter.register_unstructure_hook_func(lambda kind: kind == Criterion, criterion_to_json)
    optional = Criterion | None
    converter.register_structure_hook_func(
        lambda kind: kind == optional, lambda data, _: None if data is None else criterion_from_json(data)
    )
    converter.register_unstructure_hook_func(
        lambda kind: kind == optional, lambda value: None if value is None else criterion_to_json(value)
    )
    converter.register_structure_hook_func(_is_constant, lambda data, _: value_from_json(data))
    converter.register_unstructure_hook_func(_is_constant, value_to_json)
    _register_days(converter)
    _register_strictly(converter)
    converter.register_unstructure_hook_func(_is_frozen_set, sorted)
    _register_tagged(converter, Rule, _all_rule_types(rule_types))
    _register_tagged(converter, Approver, APPROVER_TYPES)
    _register_tagged(converter, Quorum, QUORUM_TYPES)
    _register_optional(converter, Quorum)
    _register_values(converter)


def _register_strictly(converter: Converter) -> None:
    """Take no value of another type: not `"no"` for a boolean, nor a text for the list of its characters."""

    def plain(kind: type[Any], chinese: str, english: str) -> Callable[[Any, Any], Any]:
        def structure(data: Any, _: Any) -> Any:
            if type(data) is not kind:
                raise ShapeError(f"应为{chinese}", f"expected {english}")
            return data

        return structure

    named = (bool, " true 或 false", "true or false"), (int, "整数", "a whole number"), (str, "文本", "a text")
    for kind, chinese, english in named:
        converter.register_structure_hook(kind, plain(kind, chinese, english))
    converter.register_structure_hook_func(
        lambda kind: kind == Words,
        lambda data, _: freeze_words(data if type(data) is str else converter.structure(data, FrozenDict[str, str])),
    )
    converter.register_structure_hook_factory(_is_list, lambda kind: _list_structure(kind, converter))
    # Defaults are raw values of any type that a host writes: they keep it.
    converter.register_structure_hook_func(lambda kind: kind is Any, lambda data, _: value_from_json(data))
    converter.register_unstructure_hook_func(lambda kind: kind in (Decimal, date, datetime), value_to_json)


def _is_list(kind: Any) -> bool:
    origin, args = get_origin(kind), get_args(kind)
    return origin is frozenset or (origin is tuple and len(args) == 2 and args[1] is Ellipsis)


def _list_structure(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    make: Any = get_origin(kind)
    item: Any = get_args(kind)[0]
    items: Any = list[item]

    def structure(data: Any, _: Any) -> Any:
        if not isinstance(data, list | tuple):
            raise ShapeError("应为列表", "expected a list")
        return make(converter.structure(data, items))

    return structure


def _register_days(converter: Converter) -> None:
    """Write days, and the instants of an organisation, as ISO 8601 text."""
    day, instant = date | None, datetime | None
    converter.register_structure_hook_func(
        lambda kind: kind == instant, lambda data, _: None if data is None else moment_from_json(data)
    )
    converter.register_unstructure_hook_func(
        lambda kind: kind == instant, lambda value: None if value is None else value.isoformat()
    )
    converter.register_structure_hook_func(
        lambda kind: kind == day, lambda data, _: None if data is None else day_from_json(data)
    )
    converter.register_unstructure_hook_func(
        lambda kind: kind == day, lambda value: None if value is None else value.isoformat()
    )


def _register_values(converter: Converter) -> None:
    """Leave defaults out of the JSON, and keep raw values as they are."""

    def unstructure(kind: type[Any]) -> Callable[[Any], Any]:
        return make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True)

    def structure(kind: type[Any]) -> Callable[[Any, Any], Any]:
        made = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
        return lambda data, wanted: made(_object(data), wanted)

    converter.register_unstructure_hook_factory(attrs.has, unstructure)
    converter.register_structure_hook_factory(attrs.has, structure)


@cache
def _standard_converter() -> Converter:
    converter = Converter(detailed_validation=True)
    configure_converter(converter)
    return converter


def make_converter(rule_types: RuleTypes | None = None) -> Converter:
    """Return a converter for configurations and organisations: always the same one, unless there are `rule_types`.

    Raises: ValueError, as `configure_converter`.
    """
    if not rule_types:
        return _standard_converter()
    converter = Converter(detailed_validation=True)
    configure_converter(converter, rule_types)
    return converter


def configuration_to_json(configuration: Configuration, *, rule_types: RuleTypes | None = None) -> str:
    """Return the configuration as JSON text; `configuration_from_json` gives an equal value back.

    Args:
        configuration: What to write.
        rule_types: The host's own classes of rules, by the name that JSON gives them.

    Raises: TypeError for a rule of a class that is neither ours nor among `rule_types`.
    """
    return json.dumps(make_converter(rule_types).unstructure(configuration), ensure_ascii=False, indent=2)


def _invalid(hint: Translated, path: str = "$") -> Problem:
    texts = {language: f"{text[:_LONGEST]} @ {path[-_LONGEST:]}" for language, text in hint.texts.items()}
    return Problem("configuration_invalid", params={"hint": Translated(texts, "en"), "path": path})


def _said(error: BaseException, kind: type | None) -> Translated:
    """Return what is wrong with one value, in the words of whoever refused it."""
    if get_origin(kind) is Literal:
        known = list(map(str, get_args(kind)))
        return _both(f"应为以下之一：{'、'.join(known)}", f"expected one of {', '.join(known)}")
    match error:
        case ShapeError():
            return error.hint
        case InvalidCriterionError():
            return _both(error.message("zh"), error.message("en"))
        case ValueError() if str(error):
            return Translated({"en": str(error)}, "en")
    chinese = "值不符合要求"
    match error:
        case KeyError():
            chinese = "缺少此项"
        case ForbiddenExtraKeysError():
            chinese = f"有未知的项：{'、'.join(sorted(error.extra_fields))}"
    return _both(chinese, format_exception(error, kind))


def _both(chinese: str, english: str) -> Translated:
    return Translated({"zh": chinese, "en": english}, "en")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = sorted(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ShapeError(f"同一对象中重复：{'、'.join(twice)}", f"given twice in one object: {', '.join(twice)}")
    return found


def _structure(text: str, kind: type[T], rule_types: RuleTypes | None = None) -> T:
    converter = make_converter(rule_types)
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError([_invalid(_no_json(error))]) from None
    try:
        return converter.structure(data, kind)
    except Exception as error:
        # Not `from error`: it quotes what was given.
        raise ConfigurationError(_misfits(error)) from None


def _no_json(error: ValueError | RecursionError) -> Translated:
    match error:
        case ShapeError():
            chinese = error.hint.in_language("zh")
        case json.JSONDecodeError():
            chinese = f"第 {error.lineno} 行第 {error.colno} 列有误"
        case _:
            chinese = "嵌套过深，或数字过长"
    return _both(f"不是 JSON：{chinese}", f"not JSON: {error}")


def _misfits(error: BaseException) -> Iterator[Problem]:
    """Yield what is wrong with each value of data that is refused; cattrs, which finds the places, takes texts only."""
    said: list[Translated] = []

    def numbered(found: BaseException, kind: type | None) -> str:
        said.append(_said(found, kind))
        return str(len(said) - 1)

    for text in transform_error(error, format_exception=numbered):
        number, _, path = text.partition(" @ ")
        yield _invalid(said[int(number)], path)


def configuration_from_json(text: str, *, rule_types: RuleTypes | None = None) -> Configuration:
    """Return the configuration that `configuration_to_json` wrote.

    Args:
        text: What was written.
        rule_types: The host's own classes of rules, as when it was written.

    Raises: ConfigurationError for text that is no configuration; each of its problems has the `path` of what is wrong,
        such as `$.modules['customer'].fields['phone'].mask`. What the configuration means is not looked at: that is for
        `custinfo.core.validation.whole.check_configuration`.
    """
    return _structure(text, Configuration, rule_types)


def organisation_to_json(organisation: Organisation) -> str:
    """Return the organisation as JSON text."""
    return json.dumps(make_converter().unstructure(organisation), ensure_ascii=False, indent=2)


def organisation_from_json(text: str) -> Organisation:
    """Return the organisation that `organisation_to_json` wrote. Raises: ConfigurationError."""
    return _structure(text, Organisation)
