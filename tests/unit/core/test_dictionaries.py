"""Finding entries of a dictionary by what people write."""

from __future__ import annotations

import copy
import pickle

import pytest

from custinfo.core.dictionaries import PATH_SEPARATORS, Ambiguous, Dictionary, DictionaryValue

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
