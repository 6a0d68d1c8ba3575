"""Kinds of a host's own: made in a few lines, they do what the built-in ones do, in memory and in a database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo import (
    ALL_FIELDS,
    Applied,
    Configuration,
    ConfigurationError,
    F,
    FieldDefinition,
    Fields,
    Grant,
    InvalidInputError,
    Length,
    Masked,
    ModuleDefinition,
    Pattern,
    Range,
    RecordView,
    Report,
    Role,
    Session,
    Workspace,
    configuration_from_json,
    configuration_to_json,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import export, plan_import, write_template
from custinfo.core.kinds import INVALID, Kind, KindContext, number_kind, text_kind
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.problems import Problem
from custinfo.core.schema import DirectoryNames

FORM = re.compile("[京沪粤][A-Z][A-Z0-9]{5}")


def read_plate(text: str) -> str | None:
    """Return the plate without separators."""
    plate = re.sub("[ ·]", "", text).upper()
    return plate if FORM.fullmatch(plate) else None


def read_percentage(text: str) -> Decimal:
    """Return the share; raise as `Decimal` does."""
    return Decimal(text.removesuffix("%")) / 100 if text.endswith("%") else Decimal(text)


def show_percentage(share: Decimal) -> str:
    """Return the text with its sign."""
    return f"{(share * 100).normalize():f}%"


PLATE = text_kind("plate", read_plate, hint={"zh": "不是有效的车牌号", "en": "is not a plate"})
PERCENTAGE = number_kind("percentage", read_percentage, show_percentage, hint="不是百分比", cell_format="0.00%")
KINDS = {"plate": PLATE, "percentage": PERCENTAGE}

CONFIGURATION = Configuration(
    (
        ModuleDefinition(
            "car",
            (
                FieldDefinition("name", "text", "名称"),
                FieldDefinition(
                    "plate", "plate", "车牌号", rules=(Pattern("[京沪].*", "限京沪"),), mask="name", indexed=True
                ),
                FieldDefinition("share", "percentage", "份额", rules=(Range(0, 1),), indexed=True),
            ),
            match_keys=(("name",),),
        ),
    ),
    roles=(Role("r", "R"), Role("guest", "G")),
    grants=(
        Grant(
            "r",
            "car",
            frozenset({"view", "create", "edit", "import", "export"}),
            "all",
            view=ALL_FIELDS,
            edit=ALL_FIELDS,
        ),
        Grant("guest", "car", frozenset({"view"}), "all", view=Fields.only("plate", "share"), mask={"plate": "name"}),
    ),
)
PEOPLE = Organisation(
    (Department("d", "D"),),
    (Position("r", "R", ("r",)), Position("guest", "G", ("guest",))),
    (Member("u", "U", (Assignment("d", "r"),)), Member("g", "G", (Assignment("d", "guest"),))),
)
CONTEXT = KindContext({}, DirectoryNames(PEOPLE), UTC)


@contextmanager
def opened(url: str, configuration: Configuration = CONFIGURATION, **settings: Any) -> Iterator[Workspace]:
    """Return a workspace that knows the kinds."""
    with Workspace.open(url, configuration, organisation=PEOPLE, kinds=KINDS, **settings) as workspace:
        yield workspace


@pytest.fixture(params=["memory", "sqlite"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """Return a workspace in memory, and one in a database, with three cars."""
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'cars.db'}"
    with opened(url) as made:
        with made.acting_as("u") as session:
            for name, plate, share in (("a", "京a·12345", "15%"), ("b", "沪B 00001", 0.2), ("c", "京A12344", "2%")):
                session.records("car").create({"名称": name, "车牌号": plate, "份额": share})
        yield made


def created(session: Session, values: dict[str, object]) -> RecordView:
    """Return the car that a creation made."""
    outcome = session.records("car").create(values)
    assert isinstance(outcome, Applied)
    return outcome.record


def found(session: Session, criterion: Any, order: str = "name") -> list[Any]:
    """Return the names of the cars that a criterion finds."""
    return [view["name"] for view in session.records("car").find(criterion, order_by=[order]).records]


def parsed(kind: Kind, raw: object) -> tuple[Any, list[str]]:
    """Return what a kind makes of a value, and the codes of the problems."""
    problems: list[Problem] = []
    value = kind.parser(FieldDefinition("f", kind.key), CONTEXT)(raw, problems)
    assert all(problem.field == "f" for problem in problems)
    return value, [problem.code for problem in problems]


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("京A12345", "京A12345", []),
        (" 京A12345 ", "京A12345", []),
        ("京a·12345", "京A12345", ["normalised"]),
        ("京\u200bＡ12345", "京A12345", ["normalised"]),
        ("", None, []),
        ("  ", None, []),
        (None, None, []),
        ("·", INVALID, ["invalid_plate"]),
        ("\u200b", INVALID, ["invalid_plate"]),
        ("12345", INVALID, ["invalid_plate"]),
        (12345, INVALID, ["invalid_plate"]),
        ("京A12345\x00", INVALID, ["control_character"]),
        ("京" * 101, INVALID, ["invalid_plate"]),
        (10.0**15, INVALID, ["precision_lost"]),
        (True, INVALID, ["wrong_type"]),
        (["京A12345"], INVALID, ["wrong_type"]),
        (Masked("京**"), INVALID, ["masked_value"]),
    ],
)
def test_what_a_text_kind_takes(raw: object, value: object, codes: list[str]) -> None:
    """The host's function decides about texts; everything else is as with the built-in kinds."""
    assert parsed(PLATE, raw) == (value, codes)


@pytest.mark.parametrize(
    ("raw", "value", "codes"),
    [
        ("15%", Decimal("0.15"), []),
        ("１５％", Decimal("0.15"), ["normalised"]),
        ("15.0%", Decimal("0.15"), ["normalised"]),
        ("0.15", Decimal("0.15"), ["normalised"]),
        ("-0%", Decimal(0), ["normalised"]),
        (0.15, Decimal("0.15"), []),
        (1, Decimal(1), []),
        (Decimal("0.150"), Decimal("0.15"), []),
        ("", None, []),
        (None, None, []),
        ("many", INVALID, ["invalid_percentage"]),
        ("%", INVALID, ["invalid_percentage"]),
        ("NaN", INVALID, ["invalid_percentage"]),
        ("Infinity%", INVALID, ["invalid_percentage"]),
        (float("nan"), INVALID, ["invalid_percentage"]),
        ("0.00001%", INVALID, ["too_many_decimals"]),
        ("1e15", INVALID, ["number_out_of_range"]),
        ("1" * 65, INVALID, ["invalid_percentage"]),
        (False, INVALID, ["wrong_type"]),
        (Masked("1*%"), INVALID, ["masked_value"]),
    ],
)
def test_what_a_number_kind_takes(raw: object, value: object, codes: list[str]) -> None:
    """Texts are read by the host's function, and numbers are taken as they are."""
    assert parsed(PERCENTAGE, raw) == (value, codes)


def test_what_people_are_told() -> None:
    """The hint is the text, in its languages; the code may be chosen."""
    problems: list[Problem] = []
    kind = text_kind("x", lambda _: None, hint={"zh": "不对", "en": "is wrong"}, code="wrong_x")
    kind.parser(FieldDefinition("f", "x"), CONTEXT)("1", problems)
    assert [(problem.code, problem.message("zh"), problem.message("en")) for problem in problems] == [
        ("wrong_x", "f：不对", "f: is wrong")
    ]


def test_limits_of_a_kind() -> None:
    """A host says how long a text, and how fine a number may be."""
    short = text_kind("x", str, hint="-", limit=3)
    assert (parsed(short, "abc"), parsed(short, "abcd")) == (("abc", []), (INVALID, ["invalid_x"]))
    coarse = number_kind("x", Decimal, str, hint="-", decimal_places=1)
    assert (parsed(coarse, "0.1"), parsed(coarse, "0.11")) == ((Decimal("0.1"), []), (INVALID, ["too_many_decimals"]))


@pytest.mark.parametrize("error", [ValueError, KeyError, ZeroDivisionError])
def test_an_error_says_that_a_text_is_none(error: type[Exception]) -> None:
    """Python's own functions refuse by raising; a mistake in the host's function is not hidden."""

    def fail(text: str) -> str:
        raise error(text)

    assert parsed(text_kind("x", fail, hint="-"), "1") == (INVALID, ["invalid_x"])
    with pytest.raises(AttributeError):
        parsed(text_kind("x", lambda text: text.no_such_method(), hint="-"), "1")  # type: ignore[attr-defined]


def test_found_by_what_people_write(workspace: Workspace) -> None:
    """Criteria take any spelling; equality, lists and comparisons work, and order is that of the values."""
    with workspace.acting_as("u") as session:
        assert found(session, F.plate == "京A·12345") == ["a"]
        assert found(session, F.plate.is_in(["京a12345", "沪B00001"])) == ["a", "b"]
        assert found(session, F.plate < "京A12345") == ["c"]
        assert found(session, F.share >= "15%") == ["a", "b"]
        assert found(session, F.share < Decimal("0.15")) == ["c"]
        assert found(session, F.share.is_present(), "-share") == ["b", "a", "c"]
        assert found(session, F.share.is_present(), "share") == ["c", "a", "b"]
        assert found(session, F.name.is_present(), "plate") == ["c", "a", "b"]
        for wrong in (F.plate == "12345", F.share > "many"):
            with pytest.raises(InvalidInputError) as caught:
                session.records("car").find(wrong)
            assert caught.value.code in ("invalid_plate", "invalid_percentage")


def test_an_order_can_be_refused(tmp_path: Path) -> None:
    """A kind whose order means nothing refuses comparisons, and still finds what is equal."""
    kind = text_kind("plate", read_plate, hint="-", ordered=False)
    with (
        Workspace.open("memory://", CONFIGURATION, organisation=PEOPLE, kinds={**KINDS, "plate": kind}) as workspace,
        workspace.acting_as("u") as session,
    ):
        session.records("car").create({"name": "a", "plate": "京A12345"})
        assert found(session, F.plate == "京A12345") == ["a"]
        with pytest.raises(InvalidInputError) as caught:
            session.records("car").find(F.plate < "京A12345")
        assert caught.value.code == "unknown_operator"


def test_rules_hold(workspace: Workspace) -> None:
    """`Pattern` takes texts and `Range` numbers of a host's kind; all problems are told at once."""
    with workspace.acting_as("u") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.records("car").create({"name": "x", "plate": "粤A12345", "share": "101%"})
        assert [(problem.code, problem.field) for problem in caught.value.problems] == [
            ("pattern_mismatch", "plate"),
            ("too_large", "share"),
        ]
        with pytest.raises(InvalidInputError) as caught:
            session.records("car").create({"name": "x", "plate": "?", "share": "?"})
        assert caught.value.message("zh") == "车牌号：不是有效的车牌号\n份额：不是百分比"


@pytest.mark.parametrize(
    ("kind", "rule"), [("plate", Range(0, 1)), ("percentage", Length(1)), ("percentage", Pattern("x", "x"))]
)
def test_rules_that_do_not_fit(kind: str, rule: Any) -> None:
    """A rule for numbers does not take a kind of texts, nor the other way round."""
    configuration = CONFIGURATION.with_fields("car", FieldDefinition("wrong", kind, "错", rules=(rule,)))
    with pytest.raises(ConfigurationError) as caught, opened("memory://", configuration):
        pass
    assert [(problem.code, problem.field) for problem in caught.value.problems] == [("rule_misfit", "wrong")]


def test_a_kind_that_nobody_gave() -> None:
    """A workspace without the kind is refused, with the field and the kind that is missing."""
    with pytest.raises(ConfigurationError) as caught:
        Workspace.open("memory://", CONFIGURATION, organisation=PEOPLE, kinds={"plate": PLATE})
    assert [(problem.code, problem.field) for problem in caught.value.problems] == [("unknown_part", "share")]
    assert "percentage" in caught.value.message("en")


def test_masked_by_its_text(workspace: Workspace) -> None:
    """The mask is applied to what the kind shows."""
    with workspace.acting_as("g") as session:
        shown = [view["plate"] for view in session.records("car").find(order_by=["-share"]).records]
    assert shown == [Masked("沪**"), Masked("京**"), Masked("京**")]


def test_through_a_workbook_and_back(workspace: Workspace) -> None:
    """Plates are text cells, percentages numbers with their format; a changed workbook is read by the same kinds."""
    with workspace.acting_as("u") as session:
        template, exported, changed = BytesIO(), BytesIO(), BytesIO()
        write_template(session, "car", template)
        headings = [cell.value for cell in openpyxl.load_workbook(template).worksheets[0][1]]
        assert headings[:3] == ["名称", "车牌号", "份额"]

        export(session, "car", exported, fields=["name", "plate", "share"], order_by=["name"])
        plan = plan_import(session, "car", exported.getvalue())
        assert (plan.counts.unchanged, plan.counts.total) == (3, 3)

        workbook = openpyxl.load_workbook(exported)
        sheet = workbook.active
        assert sheet is not None
        assert [(cell.value, cell.number_format) for cell in sheet[2]][1:] == [("京A12345", "@"), (0.15, "0.00%")]
        sheet["B2"], sheet["C2"], sheet["C3"], sheet["B4"] = "京a 54321", "16%", 0.25, "12345"
        workbook.save(changed)
        plan = plan_import(session, "car", changed.getvalue())
        assert (plan.counts.updates, plan.counts.rejected) == (2, 1)
        assert [(problem.code, problem.field, problem.place and problem.place.row) for problem in plan.problems] == [
            ("normalised", "plate", 2),
            ("invalid_plate", "plate", 4),
        ]
        cells = [problem["place"]["cell"] for problem in Report.of(plan).to_dict()["problems"]]
        assert cells == ["B2", "B4"]
        plan.apply()
        assert found(session, (F.plate == "京A54321") & (F.share == "16%")) == ["a"]
        assert found(session, F.share == "25%") == ["b"]


def test_history_and_json(workspace: Workspace) -> None:
    """A kind works in the past as in the present, and a configuration with it goes through JSON."""
    with workspace.acting_as("u") as session:
        (view,) = session.records("car").find(F.name == "a").records
        session.records("car").update(view.id, {"share": "20%"}, version=view.version)
        session.records("car").revert(view.id, to_version=1, version=2)
        assert session.records("car").get(view.id).text("share") == "15%"
    assert configuration_from_json(configuration_to_json(CONFIGURATION)) == CONFIGURATION


def test_encrypted_and_unique(tmp_path: Path) -> None:
    """Values of a host's kind are sealed and opened, and unique in whatever spelling."""
    keyring = Keyring.generate()
    module = CONFIGURATION.modules["car"]
    configuration = CONFIGURATION.with_fields(
        "car",
        *(FieldDefinition(key, module.fields[key].kind, encrypted=True, unique=True) for key in ("plate", "share")),
    )
    for url in ("memory://", f"sqlite:///{tmp_path / 'sealed.db'}"):
        with opened(url, configuration, keyring=keyring) as workspace, workspace.acting_as("u") as session:
            view = created(session, {"name": "a", "plate": "京A12345", "share": "15%"})
            assert (view["plate"], view["share"]) == ("京A12345", Decimal("0.15"))
            with pytest.raises(InvalidInputError) as caught:
                session.records("car").create({"name": "b", "plate": "京a·12345", "share": "0.15"})
            assert [problem.code for problem in caught.value.problems] == ["not_unique", "not_unique"]


PLATES = st.one_of(
    st.text(max_size=12),
    st.from_regex("[京沪粤Ｊ][a-zA-ZＡ-Ｚ][ ·]?[a-zA-Z0-9０-９]{4,6}", fullmatch=True),
)
SHARES = st.one_of(
    st.text("0123456789.%-+eE ％０１", max_size=10),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(-1000, 1000, places=4).map(lambda share: f"{share}%"),
    st.floats(),
    st.integers(),
    st.decimals(-10, 10),
)


@given(PLATES)
def test_a_plate_that_is_shown_can_be_typed(raw: str) -> None:
    """Parsing what is shown gives the value again, without any notice."""
    value, _ = parsed(PLATE, raw)
    if value not in (None, INVALID):
        shown = PLATE.renderer(FieldDefinition("f", "plate"), CONTEXT)(value)
        assert parsed(PLATE, shown) == (value, [])


@given(SHARES)
def test_a_percentage_that_is_shown_can_be_typed(raw: object) -> None:
    """Parsing what is shown gives the number again, without any notice; so does what is stored."""
    value, _ = parsed(PERCENTAGE, raw)
    if value not in (None, INVALID):
        shown = PERCENTAGE.renderer(FieldDefinition("f", "percentage"), CONTEXT)(value)
        assert parsed(PERCENTAGE, shown) == (value, [])
        assert PERCENTAGE.decode(PERCENTAGE.encode(value)) == value


@given(st.lists(st.decimals(-1000, 1000, places=6), min_size=2, max_size=2))
def test_stored_numbers_order_as_the_values(pair: list[Decimal]) -> None:
    """What a database compares agrees with what memory compares."""
    stored: list[Any] = [PERCENTAGE.encode(share) for share in pair]
    assert (stored[0] < stored[1]) == (pair[0] < pair[1])


@settings(max_examples=50)
@given(PLATES, SHARES)
def test_what_a_record_shows_can_be_written_back(plate: str, share: object) -> None:
    """Through the public API: writing the texts of a record back changes nothing."""
    with opened("memory://") as workspace, workspace.acting_as("u") as session:
        cars = session.records("car")
        try:
            view = created(session, {"name": "a", "plate": plate, "share": share})
        except InvalidInputError:
            return
        texts = {key: view.text(key) for key in ("plate", "share")}
        cars.update(view.id, texts, version=view.version)
        assert cars.get(view.id).version == view.version
