"""Life cycles: which moves of a status field are allowed, and what each of them asks for (CUS-2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from custinfo.core.criteria.nodes import Criterion
from custinfo.core.frozen import FrozenDict, freeze_labels
from custinfo.core.records import FieldKey

__all__ = ["LifeCycle", "Transition"]


def _freeze(value: Mapping[FieldKey, Any]) -> FrozenDict[FieldKey, Any]:
    return FrozenDict(value)


@attrs.frozen
class Transition:
    """Allow a record to move to the state `target`.

    Args:
        target: The state to which it leads: an entry of the field's dictionary, by code, label or alias.
        sources: The states from which it may be taken; empty for any, and for a record without a state.
        required: Fields that must have a value after the move. What every transition into a state requires, the state
            requires: a record can't be created in it without, and while it is in the state the values stay.
        defaults: Field → raw value that the move sets where the field is blank; `"now"` in a date field is the
            moment of the move.
        guard: Criterion that must hold for the record as the move leaves it.
        flow: Key of an approval flow that the move has to pass, whatever the flow's own trigger says.
        label: What people call the move, by language.
    """

    target: str
    sources: tuple[str, ...] = ()
    required: tuple[FieldKey, ...] = ()
    defaults: FrozenDict[FieldKey, Any] = attrs.field(factory=FrozenDict, converter=_freeze)
    guard: Criterion | None = None
    flow: str | None = None
    label: FrozenDict[str, str] = attrs.field(factory=FrozenDict, converter=freeze_labels)


@attrs.frozen
class LifeCycle:
    """Say how records move between the states of a choice field; a move that no transition allows is refused.

    Args:
        field: The status field, of kind `choice`.
        transitions: The moves; the first one that leads from the old state to the new one, and whose guard holds, is
            taken.
        initial: The states in which a record may be created; empty for any.
    """

    field: FieldKey
    transitions: tuple[Transition, ...]
    initial: tuple[str, ...] = ()
