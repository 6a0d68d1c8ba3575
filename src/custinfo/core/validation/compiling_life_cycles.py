"""Compiling life cycles: names become keys and states, and everything that does not fit is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from custinfo.core.checks import Condition, in_chinese
from custinfo.core.configuration import Configuration
from custinfo.core.criteria.nodes import Criterion
from custinfo.core.dictionaries import Dictionary
from custinfo.core.errors import InvalidInputError
from custinfo.core.life_cycles import LifeCycle, Transition
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.validation.defaults import Default, compile_default
from custinfo.core.validation.life_cycles import CompiledLifeCycle, Move, States, common_fields

__all__ = ["compile_life_cycle", "unknown_flows"]

_RULE: Final = "LifeCycle"


def compile_life_cycle(
    module: ModuleSchema, conditions: Mapping[Criterion, Condition], cycle: LifeCycle, problems: list[Problem]
) -> CompiledLifeCycle | None:
    """Return a life cycle compiled, or `None` with everything that does not fit appended (`rule_misfit`)."""
    return _Compiler(module, conditions, cycle, problems).run()


def unknown_flows(configuration: Configuration) -> Iterator[Problem]:
    """Yield a problem for each transition that names an approval flow which does not exist."""
    for module in configuration.modules.values():
        for cycle in module.life_cycles.values():
            for item in cycle.transitions:
                if item.flow is not None and item.flow not in configuration.flows:
                    chinese, english = f"没有审批流程 {item.flow}", f"there is no approval flow {item.flow}"
                    yield _misfit(module.key, cycle, item, chinese, english)


def _misfit(module: ModuleKey, cycle: LifeCycle, move: Transition | None, chinese: str, english: str) -> Problem:
    if move is not None:
        chinese, english = f"变为 {move.target}：{chinese}", f"transition to {move.target}: {english}"
    params = {"module": module, "rule": _RULE, "hint": Translated({"zh": chinese, "en": english}, "en")}
    return Problem("rule_misfit", cycle.field, params=params)


class _Compiler:
    def __init__(
        self,
        module: ModuleSchema,
        conditions: Mapping[Criterion, Condition],
        cycle: LifeCycle,
        problems: list[Problem],
    ) -> None:
        self.module = module
        self.conditions = conditions
        self.cycle = cycle
        self.problems = problems
        self.applies: dict[FieldKey, Condition] = {}

    def run(self) -> CompiledLifeCycle | None:
        found = len(self.problems)
        dictionary = self.dictionary()
        if dictionary is None:
            return None
        initial = frozenset(filter(None, (self.state(dictionary, name, None) for name in self.cycle.initial)))
        moves: dict[str | None, tuple[Move, ...]] = {}
        for transition in self.cycle.transitions:
            target = self.state(dictionary, transition.target, transition)
            moves[target] = (*moves.get(target, ()), self.move(dictionary, transition))
        if len(self.problems) > found:
            return None
        held = common_fields(moves)
        fields = frozenset().union(*held.values())
        conditional = (condition.watches for key, condition in self.applies.items() if key in fields)
        watches = fields.union((self.cycle.field,), *conditional)
        states = States(self.cycle.field, dictionary, self.module.context.language)
        return CompiledLifeCycle(states, moves, held, initial, self.applies, watches)

    def misfit(self, move: Transition | None, chinese: str, english: str) -> None:
        self.problems.append(_misfit(self.module.definition.key, self.cycle, move, chinese, english))

    def dictionary(self) -> Dictionary | None:
        """Return the dictionary of the status field."""
        field = self.module.definition.fields.get(self.cycle.field)
        if field is None:
            self.misfit(None, "没有这个字段", "there is no such field")
        elif field.kind != "choice":
            chinese = f"该字段类型为“{in_chinese(field.kind)}”，须为：{in_chinese('choice')}"
            self.misfit(None, chinese, f"its kind is {field.kind}, not choice")
        elif field.retired:
            self.misfit(None, "该字段已停用", "the field is retired")
        elif field.encrypted:
            self.misfit(None, "该字段加密保存，无法判断其状态", "the field is encrypted, so its states cannot be read")
        else:
            dictionary = self.module.context.dictionaries.get(str(field.options.get("dictionary")))
            if dictionary is None:
                self.misfit(None, "没有对应的字典", "it names no dictionary that exists")
            return dictionary
        return None

    def state(self, dictionary: Dictionary, name: str, move: Transition | None) -> str | None:
        """Return the live entry that `name` means; one that is retired by now may still be left."""
        code = dictionary.find(name)
        if isinstance(code, str):
            return code
        chinese, english = f"没有状态 {name}", f"there is no state {name}"
        if code is not None:
            paths = [" / ".join(dictionary.path_label(item, text) for item in code.candidates) for text in ("zh", "en")]
            chinese, english = f"状态 {name} 有多个含义：{paths[0]}", f"the state {name} may mean {paths[1]}"
        self.misfit(move, chinese, english)
        return None

    def move(self, dictionary: Dictionary, transition: Transition) -> Move:
        sources = frozenset(filter(None, (self.state(dictionary, name, transition) for name in transition.sources)))
        required = [self.field(name, transition) for name in transition.required]
        defaults: dict[FieldKey, Default] = {}
        for name, raw in transition.defaults.items():
            key = self.field(name, transition)
            default = None if key is None else self.default(key, raw, transition)
            if key is not None and default is not None:
                defaults[key] = default
        guard = None if transition.guard is None else self.condition(transition.guard, transition)
        return Move(sources, tuple(dict.fromkeys(filter(None, required))), defaults, guard, transition.flow)

    def field(self, name: str, move: Transition) -> FieldKey | None:
        """Return the key of an active field, and take down when it applies."""
        key = self.module.resolve(name)
        field = self.module.definition.fields.get(key or "")
        if field is None:
            self.misfit(move, f"没有字段 {name}", f"there is no field {name}")
            return None
        if field.retired:
            self.misfit(move, f"字段 {name} 已停用", f"the field {name} is retired")
            return None
        if field.applies_when is not None and field.key not in self.applies:
            condition = self.condition(field.applies_when, None)
            if condition is not None:
                self.applies[field.key] = condition
        return field.key

    def default(self, key: FieldKey, raw: object, move: Transition) -> Default | None:
        wrong: list[Problem] = []
        default = compile_default(self.module, key, raw, wrong)
        for problem in wrong:
            chinese, english = (f"{problem.message(item)}" for item in ("zh", "en"))
            self.misfit(move, f"默认值 {chinese}", f"default of {english}")
        return default

    def condition(self, criterion: Criterion, move: Transition | None) -> Condition | None:
        """Return a guard or condition compiled; what is wrong with a field's own condition is told with that field."""
        try:
            return self.conditions[criterion]
        except InvalidInputError as error:
            if move is not None:
                self.misfit(move, error.message("zh"), error.message("en"))
            return None
