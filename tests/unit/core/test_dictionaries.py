"""Finding entries of a dictionary by what people write."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import date

import pytest

from custinfo.core.dictionaries import PATH_SEPARATORS, Ambiguous, Dictionary, DictionaryValue
from custinfo.core.errors import ConfigurationError

PLACES = Dictionary(
    "place",
    (
        DictionaryValue("n", {"zh": "华北", "en": "North"}),
        DictionaryValue("bj", {"zh": "北京", "en": "Beijing"}, "n", ("京",)),
        DictionaryValue("hd", "海淀", "bj"),
        DictionaryValue("bp", "北平", "n", state="merged", merged_into="bj"),
        DictionaryValue("s", "华南"),
        DictionaryValue("sz", "深圳", "s"),
        DictionaryValue("old", "旧区", "s", state="retired"),
        DictionaryValue("o1", "其他", "n"),
        DictionaryValue("o2", "其他", "s"),
        DictionaryValue("deep", "旧名", state="merged", merged_into="bp"),
    ),
    {"zh": "地区", "en": "Place"},
)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("bj", "bj"),
        ("BJ", "bj"),
        ("北京", "bj"),
        ("Beijing", "bj"),
        ("京", "bj"),
        ("华北-北京", "bj"),
        ("华北 － 北京", "bj"),
        ("north-beijing", "bj"),
        ("华北-北京-海淀", "hd"),
        ("北京-海淀", "hd"),
        ("华北-北平", "bj"),
        ("北平", "bj"),
        ("bp", "bj"),
        ("旧名", "bj"),
        ("旧区", "old"),
        ("其他", Ambiguous(("o1", "o2"))),
        ("华北-其他", "o1"),
        ("华南/其他", "o2"),
        ("华北-海淀", None),
        ("华南-北京", None),
        ("华北-", None),
        ("", None),
        ("上海", None),
    ],
)
def test_find(typed: str, code: str | Ambiguous | None) -> None:
    """Code, label, alias and path name an entry; merged ones lead on; what names several is ambiguous."""
    assert PLACES.find(typed) == code


@pytest.mark.parametrize("separator", ["-", "/", ">", "—", "－", "／", "＞", " > "])
def test_paths_with_every_separator(separator: str) -> None:
    """People join the parts of a path in several ways, in either width."""
    assert PLACES.find(f"华北{separator}北京{separator}海淀") == "hd"


def test_the_separators_are_public() -> None:
    """The list of separators is part of the contract."""
    assert PATH_SEPARATORS == ("-", "/", ">", "—", "－")


def test_a_code_means_itself_alone() -> None:
    """A text that is the code of one entry and the label of another is the code."""
    dictionary = Dictionary("d", (DictionaryValue("a", "b"), DictionaryValue("b", "c")))
    assert dictionary.find("b") == "b"
    assert dictionary.find("c") == "b"


def test_labels_that_lead_to_one_entry_are_not_ambiguous() -> None:
    """An entry and another of the same label that was merged into it are one."""
    dictionary = Dictionary(
        "d", (DictionaryValue("a", "X"), DictionaryValue("b", "X", state="merged", merged_into="a"))
    )
    assert dictionary.find("x") == "a"


@pytest.mark.parametrize(("code", "live"), [("bp", "bj"), ("deep", "bj"), ("bj", "bj"), ("never", "never")])
def test_live_code(code: str, live: str) -> None:
    """Merging is followed to its end."""
    assert PLACES.live_code(code) == live


def test_family() -> None:
    """Ancestry, children and subtree follow the order of definition; merged entries come last."""
    assert PLACES.ancestry("hd") == ("n", "bj", "hd")
    assert PLACES.ancestry("never") == ()
    assert PLACES.children("n") == ("bj", "bp", "o1")
    assert PLACES.children(None) == ("n", "s", "deep")
    assert PLACES.subtree("n") == ("n", "bj", "bp", "o1", "hd", "deep")
    assert PLACES.subtree("bj") == ("bj", "hd", "bp", "deep")
    assert PLACES.subtree("sz") == ("sz",)
    assert PLACES.subtree("never") == ("never",)


@pytest.mark.parametrize(
    ("code", "language", "label"),
    [
        ("hd", "zh", "华北-北京-海淀"),
        ("hd", "en", "North-Beijing-海淀"),
        ("n", "fr", "North"),
        ("never", "zh", "never"),
    ],
)
def test_path_label(code: str, language: str, label: str) -> None:
    """A path label has the labels from the root; an unknown code is shown as it is."""
    assert PLACES.path_label(code, language) == label


def test_labels_fall_back() -> None:
    """A label in no language that is asked for is English, then Chinese, then the code or key."""
    assert DictionaryValue("a", {"zh": "甲", "en": "A"}).label_in("fr") == "A"
    assert DictionaryValue("a", "甲").label_in("fr") == "甲"
    assert DictionaryValue("a", {}).label_in("fr") == "a"
    assert PLACES.label_in("zh") == "地区"
    assert PLACES.label_in("fr") == "Place"
    assert Dictionary("d", ()).label_in("zh") == "d"


def test_cycles_do_not_hang() -> None:
    """Parents and mergers that run in a circle are followed once."""
    circle = Dictionary(
        "d",
        (
            DictionaryValue("a", "A", parent="b"),
            DictionaryValue("b", "B", parent="a"),
            DictionaryValue("c", "C", parent="c"),
            DictionaryValue("x", "X", state="merged", merged_into="y"),
            DictionaryValue("y", "Y", state="merged", merged_into="x"),
            DictionaryValue("z", "Z", state="merged", merged_into="z"),
        ),
    )
    assert circle.ancestry("a") == ("b", "a")
    assert circle.subtree("a") == ("a", "b")
    assert circle.subtree("c") == ("c",)
    assert circle.find("B-A") == "a"
    assert circle.live_code("z") == "z"
    assert {circle.live_code("x"), circle.live_code("y")} <= {"x", "y"}


def test_values_may_be_given_in_every_form() -> None:
    """A tuple, a mapping and a frozen mapping make equal dictionaries that hash equal."""
    values = tuple(PLACES.values.values())
    same = (
        Dictionary("place", values, PLACES.label),
        Dictionary("place", {item.code: item for item in values}, PLACES.label),
        Dictionary("place", PLACES.values, PLACES.label),
    )
    assert set(same) == {PLACES}


def test_a_dictionary_pickles_and_copies() -> None:
    """What it remembers of searches stays behind; finding works afterwards."""
    PLACES.find("北京")
    for other in (pickle.loads(pickle.dumps(PLACES)), copy.copy(PLACES), copy.deepcopy(PLACES)):
        assert other == PLACES
        assert other.find("北京") == "bj"


def refused(change: Callable[[], object]) -> set[tuple[str, object]]:
    """Return code and entry of each problem with which a change is refused."""
    with pytest.raises(ConfigurationError) as caught:
        change()
    assert all(problem.params["dictionary"] == "地区" for problem in caught.value.problems)
    return {(problem.code, problem.params["entry"]) for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("first", "last", "day", "valid"),
    [
        (None, None, date(2024, 1, 1), True),
        (date(2024, 1, 1), None, date(2024, 1, 1), True),
        (date(2024, 1, 2), None, date(2024, 1, 1), False),
        (None, date(2024, 1, 1), date(2024, 1, 1), True),
        (None, date(2024, 1, 1), date(2024, 1, 2), False),
        (date(2024, 1, 1), date(2024, 1, 31), date(2024, 1, 15), True),
    ],
)
def test_days_of_an_entry(first: date | None, last: date | None, day: date, valid: bool) -> None:
    """Both ends count as valid, and an end that is not given is open."""
    assert DictionaryValue("a", "A", valid_from=first, valid_to=last).valid_on(day) is valid


def test_a_retired_entry_does_not_make_a_live_label_ambiguous() -> None:
    """Of entries that a text names, the only active one is meant; several that are retired stay ambiguous."""
    values = (
        DictionaryValue("a", "X", state="retired"),
        DictionaryValue("b", "X", state="retired"),
        DictionaryValue("c", "X"),
    )
    assert Dictionary("d", values).find("x") == "c"
    assert Dictionary("d", values[:2]).find("x") == Ambiguous(("a", "b"))
    assert Dictionary("d", values).restored("a").find("x") == Ambiguous(("a", "c"))


def test_an_exact_code_wins_over_one_of_another_case() -> None:
    """Codes that differ in letter case are each found as written; another spelling of both is ambiguous."""
    dictionary = Dictionary("d", (DictionaryValue("ab", "1"), DictionaryValue("AB", "2")))
    assert (dictionary.find("ab"), dictionary.find("AB")) == ("ab", "AB")
    assert dictionary.find("Ab") == Ambiguous(("AB", "ab"))


def test_labels_with_separators() -> None:
    """A separator may stand in a label; a text that can be read in two ways is ambiguous."""
    dictionary = Dictionary(
        "d", (DictionaryValue("a", "A"), DictionaryValue("bc", "B-C", "a"), DictionaryValue("c", "C", "bc"))
    )
    assert dictionary.find("A-B-C") == "bc"
    assert dictionary.find("A/B-C>C") == "c"
    clash = dictionary.with_values(DictionaryValue("b", "B", "a"), DictionaryValue("c2", "C", "b"))
    assert clash.find("A-B-C") == Ambiguous(("bc", "c2"))


def test_renamed_entries_are_found_in_old_workbooks() -> None:
    """The old label, alone and in paths, still names the entry; the label of another language stays."""
    changed = PLACES.renamed("n", "北方").renamed("bj", {"zh": "首都"})
    assert changed.values["n"].label == {"zh": "北方", "en": "North"}
    for text in ("北方", "华北", "North"):
        assert changed.find(text) == "n"
    for text in ("华北-北京", "北方-首都", "north-京", "北方-北平"):
        assert changed.find(text) == "bj"
    assert changed.find("华北-北京-海淀") == "hd"
    assert changed.path_label("hd", "zh") == "北方-首都-海淀"


def test_an_old_label_that_names_another_entry_is_no_alias() -> None:
    """What would be ambiguous, or mean another entry, is not kept; a label given again is no alias of itself."""
    assert PLACES.renamed("o1", "别的").values["o1"].aliases == ()
    assert PLACES.renamed("o1", "别的").find("其他") == "o2"
    assert PLACES.renamed("hd", "海淀").values["hd"] == PLACES.values["hd"]
    back = PLACES.renamed("hd", "海淀区").renamed("hd", "海淀")
    assert back.values["hd"].aliases == ("海淀区",)
    assert PLACES.retired("o2").renamed("o1", "别的").find("其他") == "o1"


def test_retired_and_restored() -> None:
    """An entry can be retired and restored, and both may be said twice."""
    assert PLACES.retired("sz").retired("sz").values["sz"].state == "retired"
    assert PLACES.retired("sz").find("深圳") == "sz"
    assert PLACES.restored("old").restored("old").values["old"].state == "active"


def test_merged_entries() -> None:
    """Names and codes of a merged entry lead on, what stood below it moves, and its old paths still match."""
    merged = PLACES.merged("bj", "sz")
    assert merged.values["bj"].state == "merged"
    assert merged.live_code("deep") == "sz"
    assert merged.same_as("sz") == ("sz", "bj", "bp", "deep")
    assert merged.find("北京") == merged.find("华北-北京") == merged.find("bp") == "sz"
    assert merged.ancestry("hd") == ("s", "sz", "hd")
    assert merged.find("华北-北京-海淀") == merged.find("深圳-海淀") == "hd"
    assert merged.subtree("s") == ("s", "sz", "old", "o2", "bj", "hd", "bp", "deep")
    assert list(merged.values) == list(PLACES.values)


def test_moved_and_reordered() -> None:
    """An entry moves with all below it; those that are named come first in the order given."""
    moved = PLACES.moved("bj", "s").moved("sz", None)
    assert moved.ancestry("hd") == ("s", "bj", "hd")
    assert moved.children(None) == ("n", "s", "sz", "deep")
    assert PLACES.reordered("s", "hd").children(None) == ("s", "n", "deep")
    assert list(PLACES.reordered("s", "hd").values)[:3] == ["s", "hd", "n"]


def test_values_are_added_or_replaced() -> None:
    """New entries come last; one of a known code replaces it in its place."""
    changed = PLACES.with_values(DictionaryValue("gz", "广州", "s"), DictionaryValue("sz", "鹏城", "s"))
    assert list(changed.values) == [*PLACES.values, "gz"]
    assert changed.find("华南-鹏城") == "sz"
    assert changed.find("深圳") is None


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (lambda: PLACES.renamed("never", "x"), {("unknown_entry", "never")}),
        (lambda: PLACES.renamed("bj", "　"), {("entry_without_label", "bj")}),
        (lambda: PLACES.renamed("bj", {}), {("entry_without_label", "bj")}),
        (lambda: PLACES.retired("never"), {("unknown_entry", "never")}),
        (lambda: PLACES.retired("bp"), {("entry_merged", "bp")}),
        (lambda: PLACES.restored("bp"), {("entry_merged", "bp")}),
        (lambda: PLACES.merged("x", "y"), {("unknown_entry", "x"), ("unknown_entry", "y")}),
        (lambda: PLACES.merged("bp", "deep"), {("entry_merged", "bp"), ("entry_merged", "deep")}),
        (lambda: PLACES.merged("bj", "bj"), {("entry_merged_into_itself", "bj")}),
        (lambda: PLACES.merged("n", "hd"), {("entry_below_itself", "hd")}),
        (lambda: PLACES.merged("sz", "old"), {("retired_choice", "old")}),
        (lambda: PLACES.moved("bj", "never"), {("unknown_entry", "never")}),
        (lambda: PLACES.moved("bj", "bp"), {("entry_merged", "bp")}),
        (lambda: PLACES.moved("n", "hd"), {("entry_below_itself", "n")}),
        (lambda: PLACES.moved("n", "n"), {("entry_below_itself", "n")}),
        (lambda: PLACES.reordered("never", "s"), {("unknown_entry", "never")}),
        (lambda: PLACES.reordered("s", "s"), {("entry_given_twice", "s")}),
        (
            lambda: PLACES.with_values(DictionaryValue("a", "A"), DictionaryValue("a", "B")),
            {("entry_given_twice", "a")},
        ),
        (lambda: PLACES.with_values(DictionaryValue(" ", "A")), {("entry_without_code", " ")}),
        (
            lambda: PLACES.with_values(
                DictionaryValue("a", "A", "never"),
                DictionaryValue("b", "B", state="merged"),
                DictionaryValue("c", "C", valid_from=date(2024, 2, 1), valid_to=date(2024, 1, 1)),
                DictionaryValue("d", "D", state="merged", merged_into="gone"),
                DictionaryValue("e", "E", state="merged", merged_into="e"),
                DictionaryValue("n", "N", "bj"),
            ),
            {
                ("unknown_entry", "never"),
                ("entry_merger_incomplete", "b"),
                ("entry_never_valid", "c"),
                ("unknown_entry", "gone"),
                ("entry_merged_into_itself", "e"),
                ("entry_below_itself", "n"),
                ("entry_below_itself", "bj"),
            },
        ),
    ],
)
def test_nonsense_is_refused(change: Callable[[], object], problems: set[tuple[str, object]]) -> None:
    """A change that makes no sense is refused with every problem, each naming its entry."""
    assert refused(change) == problems


def test_what_was_wrong_before_does_not_stop_other_changes() -> None:
    """A dictionary with faults of old can be changed elsewhere; `problems` tells of them."""
    broken = Dictionary("d", (DictionaryValue("a", "A", "gone"), DictionaryValue("b", "B")))
    assert [(problem.code, problem.params["entry"]) for problem in broken.problems()] == [("unknown_entry", "gone")]
    assert broken.retired("b").values["b"].state == "retired"
    assert PLACES.problems() == []


def test_mergers_in_circles_and_into_nothing() -> None:
    """An entry that leads into a circle of mergers, or to no entry, has an end all the same."""
    values = (
        DictionaryValue("t", "T", state="merged", merged_into="x"),
        DictionaryValue("x", "X", state="merged", merged_into="y"),
        DictionaryValue("y", "Y", state="merged", merged_into="x"),
        DictionaryValue("g", "G", state="merged", merged_into="gone"),
    )
    for order in (values, values[::-1]):
        dictionary = Dictionary("d", order)
        assert {code: dictionary.live_code(code) for code in "txyg"} == {"t": "x", "x": "x", "y": "y", "g": "g"}
        assert dictionary.find("G") == "g"
        assert dictionary.find("T") == "x"


def test_a_long_text_is_looked_up_quickly() -> None:
    """Neither a text full of separators nor a dictionary that runs in a circle takes more than linear work."""
    circle = Dictionary("d", (DictionaryValue("a", "A", parent="a"),))
    assert circle.find("A-" * 20_000 + "B") is None
    assert PLACES.find("-" * 100_000) is None


def test_paths_to_what_stands_below_a_merged_entry() -> None:
    """What was left below a merged entry is found below that and below the one into which it was merged."""
    left = Dictionary(
        "d",
        (
            DictionaryValue("b", "B"),
            DictionaryValue("p", "P", state="merged", merged_into="b"),
            DictionaryValue("x", "X", "p"),
        ),
    )
    assert left.find("P-X") == left.find("B-X") == "x"
