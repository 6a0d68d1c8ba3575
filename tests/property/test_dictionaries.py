"""What holds for every dictionary, and after every sequence of changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from custinfo.core.dictionaries import Ambiguous, Dictionary, DictionaryValue
from custinfo.core.errors import ConfigurationError

CODES = ("a", "b", "c", "d", "e", "f")
CODE = st.sampled_from(CODES)
LABEL = st.sampled_from(("甲", "乙", "丙", "甲-乙", "Ｘ", "x", "a"))
STATES = st.sampled_from(("active", "retired", "merged"))

anything = st.lists(
    st.builds(
        DictionaryValue,
        CODE,
        LABEL,
        st.none() | CODE,
        st.lists(LABEL, max_size=1).map(tuple),
        STATES,
        st.none() | CODE,
    ),
    max_size=6,
).map(lambda values: Dictionary("d", {value.code: value for value in values}))
"""Dictionaries with every fault: circles of parents and mergers, unknown codes, labels twice."""

Change = Callable[[Dictionary], Dictionary]
renamings: st.SearchStrategy[Change] = st.builds(lambda code, label: lambda it: it.renamed(code, label), CODE, LABEL)
mergers: st.SearchStrategy[Change] = st.builds(lambda code, into: lambda it: it.merged(code, into), CODE, CODE)
changes: st.SearchStrategy[Change] = st.one_of(
    renamings,
    mergers,
    st.builds(lambda code, label: lambda it: it.with_values(DictionaryValue(code, label)), st.uuids().map(str), LABEL),
    st.builds(lambda code: lambda it: it.retired(code), CODE),
    st.builds(lambda code: lambda it: it.restored(code), CODE),
    st.builds(lambda code, parent: lambda it: it.moved(code, parent), CODE, st.none() | CODE),
    st.builds(lambda codes: lambda it: it.reordered(*codes), st.lists(CODE, max_size=3)),
)
START = Dictionary("d", tuple(DictionaryValue(code, label) for code, label in zip(CODES, "甲乙丙丁戊己", strict=True)))


def after(steps: Sequence[Change]) -> list[Dictionary]:
    """Return the dictionary after each change that is not refused."""
    seen = [START]
    for step in steps:
        try:
            seen.append(step(seen[-1]))
        except ConfigurationError:
            continue
    return seen


def naive_live(dictionary: Dictionary, code: str) -> str:
    """Follow mergers that run in no circle one by one."""
    while (into := dictionary.values[code].merged_into) is not None:
        code = into
    return code


def is_below(dictionary: Dictionary, code: str, top: str) -> bool:
    """Tell whether `code` is `top`, is merged into or stands below something that is below `top`."""
    reached, grown = {top}, True
    while grown:
        grown = False
        for value in dictionary.values.values():
            if value.code not in reached and (value.parent in reached or dictionary.live_code(value.code) in reached):
                reached.add(value.code)
                grown = True
    return code in reached


@given(st.lists(changes, max_size=12))
def test_changes_keep_a_dictionary_whole(steps: list[Change]) -> None:
    """No code vanishes, nothing contradicts itself, and mergers end at an entry that is none."""
    seen = after(steps)
    for earlier, later in pairwise(seen):
        assert earlier.values.keys() <= later.values.keys()
        assert later.problems() == []
        for code in earlier.values:
            live = later.live_code(code)
            assert live == naive_live(later, code)
            assert later.values[live].state != "merged"
            assert later.live_code(earlier.live_code(code)) == live
            assert code in later.same_as(live)
            assert later.find(code) == live


@given(st.lists(changes, max_size=12))
def test_every_name_leads_to_its_entry(steps: list[Change]) -> None:
    """A label, alias or path of an active entry finds it, or says that it is one of several."""
    dictionary = after(steps)[-1]
    for value in dictionary.values.values():
        if value.state != "active":
            continue
        for text in (*value.label.values(), *value.aliases, dictionary.path_label(value.code, "zh")):
            found = dictionary.find(text)
            if text.casefold() in dictionary.values:
                continue  # a code means itself alone
            candidates = found.candidates if isinstance(found, Ambiguous) else (found,)
            assert value.code in candidates


@given(st.lists(changes, max_size=12), renamings | mergers)
def test_old_workbooks_are_never_misread(steps: list[Change], change: Change) -> None:
    """After a renaming or merger, what named an active entry before names it, or several, or none, but not another."""
    before = after(steps)[-1]
    try:
        changed = change(before)
    except ConfigurationError:
        return
    for code, value in before.values.items():
        text = before.path_label(code, "zh")
        if value.state == "active" and before.find(text) == code:
            found = changed.find(text)
            assert found is None or isinstance(found, Ambiguous) or found == changed.live_code(code)


@given(anything)
def test_looking_up_agrees_with_the_plain_meaning(dictionary: Dictionary) -> None:
    """Subtree, ancestry and children are what following parents and mergers one by one gives, whatever the faults."""
    for code, value in dictionary.values.items():
        subtree = dictionary.subtree(code)
        assert len(set(subtree)) == len(subtree)
        assert set(subtree) == {other for other in dictionary.values if is_below(dictionary, other, code)}
        assert subtree[0] == code
        chain = dictionary.ancestry(code)
        assert chain[-1] == code
        assert all(dictionary.values[lower].parent == upper for upper, lower in pairwise(chain))
        top = dictionary.values[chain[0]].parent
        assert top not in dictionary.values or top in chain
        assert value.parent is None or code in dictionary.children(value.parent)
        assert dictionary.live_code(dictionary.live_code(code)) == dictionary.live_code(code)


@given(anything, st.text(alphabet="甲乙丙Ｘxa-/ ", max_size=12))
def test_finding_never_fails(dictionary: Dictionary, text: str) -> None:
    """Any text in any dictionary names one entry, several different ones, or none."""
    match dictionary.find(text):
        case Ambiguous(candidates):
            assert len(set(candidates)) == len(candidates) >= 2
            assert all(dictionary.live_code(code) == code for code in candidates)
        case str(code):
            assert dictionary.live_code(code) == code
        case found:
            assert found is None
