"""Fields and modules: kinds, options, defaults, and what cannot go together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from custinfo.core.errors import ConfigurationError
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds import INVALID
from custinfo.core.kinds.masks import is_mask_style
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem, Severity
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.spots import Spot, text_in
from custinfo.core.validation.defaults import is_moment
from custinfo.core.validation.whole._subject import DIRECTORY_CODES, Subject, field_spot, module_spot

__all__ = ["field_problems", "kind_problems", "module_problems"]

_OPTIONS: Final[FrozenDict[str, frozenset[str]]] = FrozenDict(
    {
        "text": frozenset({"max_length"}),
        "long_text": frozenset({"max_length"}),
        "decimal": frozenset({"decimal_places"}),
        "money": frozenset({"currency", "decimal_places"}),
        "choice": frozenset({"dictionary", "leaf_only"}),
        "multiple_choice": frozenset({"dictionary", "leaf_only"}),
        "phone": frozenset({"mobile", "landline", "extension"}),
        "url": frozenset({"schemes"}),
        "reference": frozenset({"module"}),
        **dict.fromkeys(
            ("integer", "boolean", "date", "datetime", "email", "uscc", "resident_id", "user", "department"),
            frozenset[str](),
        ),
    }
)
"""Kind → the options that it reads; kinds of a host's own may read any."""

_NEVER_UNIQUE: Final = frozenset({"multiple_choice", "attachment", "computed", "long_text"})
_ENCRYPTED: Final = text_in("字段已加密，不能用于此处", "it is encrypted, and can't serve here")
_BY_LAST_FOUR: Final = frozenset({"text", "phone", "uscc", "resident_id"})
"""Kinds whose last four characters tell one value from others to people, and not what it is."""

_NO_INDEX: Final = text_in(
    "已加密的字段没有值的索引：请设为唯一，或取消索引，精确查找不需要",
    "an encrypted field has no index of its values: make it unique, or leave the index off; exact search needs none",
)
_RETIRED: Final = text_in("已停用", "it is retired")


def kind_problems(subject: Subject, module: ModuleKey, mapped: FieldKey, field: FieldDefinition) -> list[Problem]:
    """Return why a field cannot be compiled at all: its kind, or what its kind needs."""
    spot = field_spot(module, mapped, field)
    if field.kind not in subject.kinds:
        return [spot.dot("kind").unknown("kind", field.kind)]
    name = _value_kind(field)
    kind = subject.kinds.get(name)
    if kind is None:
        return [spot.dot("options").at("value_kind").unknown("kind", name)]
    for option, what, known in (
        ("module", "module", {item.key for item in subject.configuration.modules.values()}),
        ("dictionary", "dictionary", {item.key for item in subject.configuration.dictionaries.values()}),
    ):
        if option in _OPTIONS.get(kind.key, ()) and option not in field.options:
            return [spot.dot("options").missing(what)]
        if option in _OPTIONS.get(kind.key, ()) and field.options[option] not in known:
            return [spot.dot("options").at(option).unknown(what, str(field.options[option]))]
    try:
        kind.parser(field, subject.given.context)
    except ConfigurationError as error:
        return [_moved(problem, spot) for problem in error.problems]
    return []


def _value_kind(field: FieldDefinition) -> str:
    """Return the kind of the field's values, which a computed field names in its options."""
    return str(field.options.get("value_kind", "text")) if field.kind == "computed" else field.kind


def _moved(problem: Problem, spot: Spot) -> Problem:
    texts = {language: problem.text(language) for language in ("zh", "en")}
    return spot.problem("setting_misfit", hint=Translated(texts))


def field_problems(subject: Subject) -> Iterator[Problem]:
    """Yield what is wrong with fields that can be compiled; their rules and criteria are judged elsewhere."""
    for key, module in subject.configuration.modules.items():
        for mapped, field in module.fields.items():
            spot = field_spot(key, mapped, field)
            yield from _former(subject, field, spot)
            yield from _storing(field, spot)
            if field.mask is not None and not is_mask_style(field.mask, subject.given.masks):
                yield spot.dot("mask").unknown("mask style", field.mask)
            if (key, field.key) not in subject.unsound:
                yield from _options(field, spot)
                yield from _computing(field, spot)
                yield from _default(subject, field, spot)


def _former(subject: Subject, field: FieldDefinition, spot: Spot) -> Iterator[Problem]:
    for position, former in enumerate(field.former):
        if former.kind not in subject.kinds:
            yield spot.dot("former").at(position).dot("kind").unknown("kind", former.kind)


def _options(field: FieldDefinition, spot: Spot) -> Iterator[Problem]:
    known = _OPTIONS.get(_value_kind(field))
    for option in field.options if known is not None else ():
        if option not in (known or ()) and (field.kind, option) != ("computed", "value_kind"):
            yield (
                spot.dot("options")
                .at(option)
                .problem("unknown_option", severity="warning", kind=field.kind, option=option)
            )


def _storing(field: FieldDefinition, spot: Spot) -> Iterator[Problem]:
    if field.unique and field.kind in _NEVER_UNIQUE:
        yield spot.dot("unique").misfit(
            f"{field.kind} 类型的字段不能要求唯一", f"a field of kind {field.kind} cannot be unique"
        )
    if field.encrypted and field.kind == "computed":
        yield spot.dot("encrypted").misfit("计算字段不能加密", "a computed field cannot be encrypted")
    elif field.encrypted and field.indexed and not field.unique:
        yield spot.dot("indexed").problem("setting_misfit", hint=_NO_INDEX)
    if field.last_four and (not field.encrypted or field.kind not in _BY_LAST_FOUR):
        yield spot.dot("last_four").misfit("只用于加密的文本字段", "it is for encrypted texts only")


def _computing(field: FieldDefinition, spot: Spot) -> Iterator[Problem]:
    if field.kind != "computed":
        if field.formula is not None:
            yield spot.dot("formula").misfit("只有计算字段才有公式", "only a computed field has a formula")
        return
    if field.formula is None and not field.retired:
        yield spot.dot("formula").missing("formula", severity="warning")
    if field.required:
        yield spot.dot("required").misfit("计算字段不能必填", "a computed field cannot be required")


def _default(subject: Subject, field: FieldDefinition, spot: Spot) -> Iterator[Problem]:
    """Yield why the default would be dropped: it must be a raw value that the field takes."""
    if field.default is None or field.retired:
        return
    if field.kind == "computed":
        yield spot.dot("default").misfit("计算字段没有默认值", "a computed field has no default")
        return
    module = subject.module(str(spot.module))
    if module is not None and is_moment(module, field.key, field.default):
        return
    found: list[Problem] = []
    typed = subject.kinds[field.kind].parser(field, subject.given.context)(field.default, found)
    if typed is not INVALID:
        return
    for problem in found:
        if problem.severity == "error":
            severity: Severity = "warning" if problem.code in DIRECTORY_CODES else "error"
            texts = Translated({language: problem.text(language) for language in ("zh", "en")})
            yield spot.dot("default").problem("default_invalid", severity=severity, hint=texts)


def module_problems(subject: Subject) -> Iterator[Problem]:
    """Yield fields that a module names in its own attributes, and that cannot be what they are named as."""
    for key, module in subject.configuration.modules.items():
        spot = module_spot(key)
        for attribute, name in (("title_field", module.title_field), ("type_field", module.type_field)):
            if name is not None:
                yield from _named(module, name, spot.dot(attribute))
        if module.type_field is not None:
            yield from _choice_only(module, module.type_field, spot.dot("type_field"))
        for attribute, sets in (("match_keys", module.match_keys), ("duplicate_keys", module.duplicate_keys)):
            for position, names in enumerate(sets):
                here = spot.dot(attribute).at(position)
                if not names:
                    yield here.missing("field")
                found = attribute == "match_keys" and len(names) == 1
                for name in names:
                    yield from _named(module, name, here, by_value=found)
        yield from _handed_over(module, spot.dot("handed_over"))
        yield from _inheriting(subject, module, spot.dot("inherits"))


def _choice_only(module: ModuleDefinition, name: FieldKey, spot: Spot) -> Iterator[Problem]:
    if _field(module.fields.values(), name) is not None:  # that it is missing is said already
        yield from _of_kind(module, name, "choice", spot)


def _handed_over(module: ModuleDefinition, spot: Spot) -> Iterator[Problem]:
    for name in module.handed_over:
        yield from _of_kind(module, name, "user", spot)


def _inheriting(subject: Subject, module: ModuleDefinition, spot: Spot) -> Iterator[Problem]:
    """Yield references that lead to no parent, and access that would follow from itself."""
    for position, rule in enumerate(module.inherits):
        yield from _of_kind(module, rule.through, "reference", spot.at(position).dot("through"))
        circle = _circle(subject, module, rule.through)
        if circle:
            yield spot.at(position).problem("leads_in_circle", circle=" → ".join(circle))


def _circle(subject: Subject, module: ModuleDefinition, through: FieldKey) -> tuple[ModuleKey, ...]:
    """Return the shortest way on which inheriting through a field leads back to its module; nothing for none.

    Each module is looked at once: in a web of modules there are more ways than anybody could go.
    """
    modules = subject.configuration.modules
    start = _parent(module, through)
    ways: dict[ModuleKey, tuple[ModuleKey, ...]] = {start: (module.key, start)}
    for parent in (waiting := [start]):  # which grows meanwhile
        if parent == module.key:
            return ways[parent]
        above = modules.get(parent)
        if above is None:
            continue
        for found in (_parent(above, rule.through) for rule in above.inherits):
            if found not in ways:
                ways[found] = (*ways[parent], found)
                waiting.append(found)
    return ()


def _parent(module: ModuleDefinition, through: FieldKey) -> ModuleKey:
    """Return the module to which a reference points; an empty text where it is none."""
    field = _field(module.fields.values(), through)
    return str(field.options.get("module", "")) if field is not None else ""


def _of_kind(module: ModuleDefinition, name: FieldKey, kind: str, spot: Spot) -> Iterator[Problem]:
    field = _field(module.fields.values(), name)
    if field is None:
        yield attrs.evolve(spot, field=name).unknown("field", name)
    elif field.kind != kind:
        here = attrs.evolve(spot, field=name, labels=field.label or None)
        yield here.misfit(f"类型为 {field.kind}，需要 {kind}", f"its kind is {field.kind}, not {kind}")


def _named(module: ModuleDefinition, name: FieldKey, spot: Spot, *, by_value: bool = False) -> Iterator[Problem]:
    field = _field(module.fields.values(), name)
    here = attrs.evolve(spot, field=name, labels=None if field is None else field.label or None)
    if field is None:
        yield here.unknown("field", name)
    elif field.retired:
        yield here.problem("setting_misfit", hint=_RETIRED)
    elif field.encrypted and not (by_value and field.unique):
        yield here.problem("setting_misfit", hint=_ENCRYPTED)


def _field(fields: Iterable[FieldDefinition], key: FieldKey) -> FieldDefinition | None:
    return next((field for field in fields if field.key == key), None)
