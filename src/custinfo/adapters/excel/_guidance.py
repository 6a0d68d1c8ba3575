"""What a template tells people about each field: in its instructions, its drop-down lists and its refusals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import attrs

from custinfo.adapters.excel._phrases import phrase
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.criteria.walking import leaves
from custinfo.core.dictionaries import Dictionary
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import freeze_labels, label_in
from custinfo.core.kinds import INVALID
from custinfo.core.messages import DEFAULT_MESSAGES, Translated
from custinfo.core.rules import DateOrder, Length, NotBefore, OneOfValues, Pattern, Range, Rule, Satisfies
from custinfo.core.schema import ModuleSchema

__all__ = ["Bounds", "Guide", "active_codes", "bounds_of", "choices_of", "dictionary_of", "length_of", "length_text"]

_SHOWN_ENTRIES: Final = 8
_CODE_LENGTH: Final = {"uscc": 18, "resident_id": 18}
_EXAMPLES: Final = {
    "phone": "13812345678",
    "email": "a@example.com",
    "url": "https://www.example.com",
    "uscc": "91350100M000100Y43",
    "resident_id": "11010519491231002X",
    "integer": "100",
    "decimal": "12.5",
    "money": "800000.00",
    "date": "2024-03-15",
    "datetime": "2024-03-15 10:30:00",
}


@attrs.frozen
class Bounds:
    """The least and the greatest value that the rules of a field allow, or `None`."""

    low: Any = None
    high: Any = None

    def text(self, language: str) -> str:
        """Return the bounds in words; empty where there are none."""
        parts = []
        if self.low is not None:
            parts.append(phrase(language, "at_least", limit=self.low))
        if self.high is not None:
            parts.append(phrase(language, "at_most", limit=self.high))
        return phrase(language, "and").join(parts)


def bounds_of(field: FieldDefinition) -> Bounds:
    """Return the bounds that the field's `Range` rules set together."""
    rules = [rule for rule in field.rules if isinstance(rule, Range)]
    lows = [rule.minimum for rule in rules if rule.minimum is not None]
    highs = [rule.maximum for rule in rules if rule.maximum is not None]
    return Bounds(max(lows, default=None), min(highs, default=None))


def length_of(field: FieldDefinition) -> Bounds:
    """Return the least and the greatest number of characters, where rules, options or the kind bound it."""
    if field.kind in _CODE_LENGTH:
        return Bounds(_CODE_LENGTH[field.kind], _CODE_LENGTH[field.kind])
    rules = [rule for rule in field.rules if isinstance(rule, Length)]
    highs = [rule.maximum for rule in rules if rule.maximum is not None]
    option = field.options.get("max_length")
    if isinstance(option, int) and option > 0:
        highs.append(option)
    if not highs and not any(rule.minimum for rule in rules):
        return Bounds()
    return Bounds(max((rule.minimum for rule in rules), default=0), min(highs, default=None))


def length_text(length: Bounds, language: str) -> str:
    """Return bounds of a length in words; empty where nothing bounds it above."""
    if length.high is None:
        return ""
    if length.low == length.high:
        return phrase(language, "exactly", limit=length.high)
    if not length.low:
        return phrase(language, "longest", limit=length.high)
    return phrase(language, "length", low=length.low, high=length.high)


def dictionary_of(schema: ModuleSchema, field: FieldDefinition) -> Dictionary | None:
    """Return the dictionary of a field; `None` for one of another kind."""
    if field.kind not in ("choice", "multiple_choice"):
        return None
    return schema.context.dictionaries.get(str(field.options.get("dictionary")))


def active_codes(dictionary: Dictionary) -> list[str]:
    """Return the codes that may be chosen, depth first: each is followed by those below it."""
    ordered: dict[str, None] = {}
    waiting = list(reversed(dictionary.children(None)))
    while waiting:
        code = waiting.pop()
        if code not in ordered:
            ordered[code] = None
            waiting += reversed(dictionary.children(code))
    every = dict.fromkeys((*ordered, *dictionary.values))
    return [code for code in every if dictionary.values[code].state == "active"]


def choices_of(dictionary: Dictionary, language: str, *, leaf_only: bool = False) -> tuple[str, ...]:
    """Return the entries that may be chosen, depth first, as paths of labels that lead back to them, else as codes."""
    active = active_codes(dictionary)
    parents = {dictionary.values[code].parent for code in active} if leaf_only else set()
    labels = {code: dictionary.path_label(code, language) for code in active if code not in parents}
    return tuple(label if dictionary.find(label) == code else code for code, label in labels.items())


@attrs.frozen
class Guide:
    """Describe the fields of a module in one language; `person` is an example of how to name somebody."""

    schema: ModuleSchema
    language: str
    person: str

    def row(self, field: FieldDefinition) -> tuple[str, ...]:
        """Return the row of the instructions: label, required, kind, allowed values, help and example."""
        return (
            field.label_in(self.language),
            self.required(field),
            self.kind(field),
            self.allowed(field),
            field.help.get(self.language) or field.help.get("zh") or "",
            self.example(field),
        )

    def required(self, field: FieldDefinition) -> str:
        """Return whether the field must be filled in, in words."""
        if field.required and field.applies_when is None:
            return phrase(self.language, "yes")
        condition = field.required_when
        if condition is None and field.required:
            condition = field.applies_when
        if condition is not None:
            return phrase(self.language, "depends", fields=self._fields_of(condition))
        labels = (self.schema.label(key, self.language) for key in self._states_that_ask_for(field))
        states = phrase(self.language, "list").join(labels)
        return phrase(self.language, "depends", fields=states) if states else phrase(self.language, "no")

    def kind(self, field: FieldDefinition) -> str:
        """Return what the field's kind is called, as in messages, and how people write it."""
        name = DEFAULT_MESSAGES.word("kind", field.kind, self.language)
        form = phrase(self.language, f"form_{field.kind}")
        told = {"field": Translated.named({}, name), "text": form}
        return DEFAULT_MESSAGES.render("report_sentence", told, self.language) if form else name

    def allowed(self, field: FieldDefinition) -> str:
        """Return what the field takes beyond its kind, in words."""
        parts = [self._entries(field), bounds_of(field).text(self.language), self._length(field)]
        parts += (self._rule(field, rule) for rule in field.rules)
        if field.kind == "money":
            parts.append(phrase(self.language, "currency", currency=field.options.get("currency", "CNY")))
        if field.kind == "multiple_choice":
            parts.append(phrase(self.language, "several"))
        if field.unique:
            parts.append(phrase(self.language, "unique"))
        if field.applies_when is not None:
            parts.append(phrase(self.language, "applies", fields=self._fields_of(field.applies_when)))
        default = self._default(field)
        if default:
            parts.append(phrase(self.language, "default", value=default))
        return ("；" if self.language == "zh" else "; ").join(filter(None, parts))

    def example(self, field: FieldDefinition) -> str:
        """Return a value as people write it; empty where none says more than the help does."""
        if field.kind == "user":
            return self.person
        if field.kind == "boolean":
            return phrase(self.language, "yes")
        return next(iter(self._choices(field)), "") or _EXAMPLES.get(field.kind, "") or self._text(field)

    def _states_that_ask_for(self, field: FieldDefinition) -> list[str]:
        """Return the status fields whose life cycle requires the field in some state or for some move."""
        return [
            cycle.field
            for cycle in self.schema.definition.life_cycles.values()
            if any(self.schema.resolve(name) == field.key for move in cycle.transitions for name in move.required)
        ]

    def _rule(self, field: FieldDefinition, rule: Rule) -> str:
        """Return what a rule asks for in words, where they stand in the rule itself or are few; else nothing."""
        match rule:
            case OneOfValues(allowed):
                return phrase(self.language, "one_of", allowed=self._named(field, allowed))
            case Pattern(_, hint) | Satisfies(_, hint):
                return label_in(freeze_labels(hint), self.language, "")
            case DateOrder(other, strict):
                code = "date_order_strict" if strict else "date_order"
                label = self.schema.label(self.schema.resolve(other) or other, self.language)
                return DEFAULT_MESSAGES.render(code, {"other": label}, self.language)
            case NotBefore(other):
                return self._rule(field, DateOrder(other))
            case _:
                return ""

    def _default(self, field: FieldDefinition) -> str:
        """Return the value that a new record gets where none is given; empty for none, and for the moment."""
        parser = self.schema.parsers.get(field.key)
        value = parser(field.default, []) if parser and field.default is not None else None
        if value is None or value is INVALID:
            return ""
        if dictionary_of(self.schema, field) is not None:
            return self._named(field, value if isinstance(value, tuple) else (value,))
        return self.schema.render(field.key, value)

    def _named(self, field: FieldDefinition, values: Iterable[str]) -> str:
        """Return what people call listed values: of a choice the labels of its entries."""
        dictionary = dictionary_of(self.schema, field)
        labels = values if dictionary is None else (dictionary.path_label(code, self.language) for code in values)
        return phrase(self.language, "list").join(labels)

    def _text(self, field: FieldDefinition) -> str:
        """Return an example of a text, for a field that people know and that takes any text of its length."""
        module = self.schema.definition.key
        known = (phrase(self.language, f"example_{name}") for name in (f"{module}_{field.key}", field.key))
        text = next(filter(None, known), "")
        length = length_of(field)
        fits = (length.low or 0) <= len(text) and (length.high is None or len(text) <= length.high)
        bound = any(isinstance(rule, OneOfValues | Pattern) for rule in field.rules)
        return text if field.kind == "text" and fits and not bound else ""

    def _choices(self, field: FieldDefinition) -> tuple[str, ...]:
        dictionary = dictionary_of(self.schema, field)
        leaf_only = bool(field.options.get("leaf_only"))
        return choices_of(dictionary, self.language, leaf_only=leaf_only) if dictionary else ()

    def _entries(self, field: FieldDefinition) -> str:
        dictionary, choices = dictionary_of(self.schema, field), self._choices(field)
        if dictionary is None:
            return ""
        entries = phrase(self.language, "list").join(choices[:_SHOWN_ENTRIES])
        if len(choices) > _SHOWN_ENTRIES:
            entries = phrase(self.language, "more", shown=entries, count=len(choices))
        return phrase(self.language, "entries", dictionary=dictionary.label_in(self.language), entries=entries)

    def _length(self, field: FieldDefinition) -> str:
        return "" if field.kind in _CODE_LENGTH else length_text(length_of(field), self.language)

    def _fields_of(self, criterion: Criterion) -> str:
        paths = [leaf.path for leaf in leaves(criterion) if hasattr(leaf, "path")]
        labels = dict.fromkeys(self.schema.label(path[0], self.language) for path in paths)
        return phrase(self.language, "list").join(labels)
