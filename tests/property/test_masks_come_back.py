"""Whoever sees masks can export, edit the file and import it: no mask ever takes the place of a value."""

from __future__ import annotations

import io
from typing import Any, Final

import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from custinfo import (
    ANY,
    Configuration,
    FieldDefinition,
    Fields,
    Grant,
    InvalidInputError,
    ModuleDefinition,
    Role,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import export, plan_import
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.policy.grants import Action

FIELDS: Final = (
    FieldDefinition("person", "text", mask="name"),
    FieldDefinition("place", "text"),
    FieldDefinition("phone", "phone"),
    FieldDefinition("email", "email", mask="email"),
    FieldDefinition("size", "integer"),
    FieldDefinition("day", "date", sensitivity="masked"),
    FieldDefinition("secret", "text", encrypted=True, sensitivity="sensitive", mask="last4"),
)
KEYS: Final = tuple(field.key for field in FIELDS)
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "person": ("张三", "李四丰", "欧阳锋", "司马相如", "王"),
    "place": ("北京市海淀区中关村", "上海", "广州市天河区体育西路", "x"),
    "phone": ("13812345678", "13900139000", "010-62345678"),
    "email": ("alice@example.com", "b@example.com"),
    "size": ("12345", "7", "123456789012"),
    "day": ("2024-03-15", "1999-12-31"),
    "secret": ("S-12345678", "S-87654321", "kurz"),
}
STYLES: Final = ("", "name", "phone", "id", "email", "last4", "full", "keep:1,0", "keep:2,3", "keep:0,4", "initial")
MASKS: Final = {"initial": lambda text: f"{text[0]}…"}
"""A style of the host's own, which is not to be told from a value by its looks."""

EVERYTHING: Final = Fields.everything_but(also=KEYS)
ACTIONS: Final[frozenset[Action]] = frozenset({"view", "create", "edit", "export", "import", "decrypt"})
PEOPLE: Final = Organisation(
    (Department("all", "全部"),),
    (Position("keeper", "管理员", ("keeper",)), Position("clerk", "文员", ("clerk",))),
    (
        Member("ann", "安", (Assignment("all", "keeper"),)),
        Member("bob", "波", (Assignment("all", "clerk"),)),
    ),
)

records = st.lists(
    st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in VALUES.items()}),
    min_size=1,
    max_size=3,
)
styles = st.fixed_dictionaries({key: st.sampled_from(STYLES) for key in KEYS})
edits = st.lists(
    st.one_of(
        st.tuples(st.just("type"), st.integers(0, 2), st.sampled_from(KEYS), st.integers(0, 4)),
        st.tuples(st.just("blank"), st.integers(0, 2), st.sampled_from(KEYS), st.just(0)),
        st.tuples(st.just("copy"), st.integers(0, 2), st.sampled_from(KEYS), st.integers(0, 2)),
    ),
    max_size=4,
)


def opened(masks: dict[str, str], url: str = "memory://") -> Workspace:
    """Return a workspace in which one member sees everything, and another one masks of it; both may write all."""
    sees = Grant("keeper", "thing", ACTIONS, "all", view=EVERYTHING, edit=EVERYTHING)
    others = Fields.everything_but(*KEYS)
    configuration = Configuration(
        (ModuleDefinition("thing", (FieldDefinition("name", "text"), *FIELDS), title_field="name"),),
        roles=(Role("keeper"), Role("clerk")),
        grants=(sees, attrs.evolve(sees, role="clerk", view=others, mask=masks)),
    )
    keyring = Keyring({"1": b"k" * 32}, current="1", index_key=b"i" * 32)
    return Workspace.open(url, configuration, organisation=PEOPLE, keyring=keyring, masks=MASKS)


def stored(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Return every record as whoever sees everything sees it, as people write the values."""
    with workspace.acting_as("ann") as session:
        found = session.records("thing").find(limit=None).records
        return {view.id: {key: view.text(key) for key in KEYS if view.get(key) is not None} for view in found}


class Sheet:
    """An export, as somebody edits it."""

    def __init__(self, content: bytes, number: int) -> None:
        self.book = load_workbook(io.BytesIO(content))
        self.number = number
        self.shown = {(row, key): self.cell(row, key).value for row in range(number) for key in KEYS}
        self.typed: set[tuple[str, str]] = set()

    def cell(self, row: int, key: str) -> Any:
        """Return the cell of a field of the record of a number, from 0."""
        sheet: Any = self.book.active
        return sheet.cell(row + 2, KEYS.index(key) + 3)

    def edit(self, what: str, row: int, key: str, other: int) -> None:
        """Type a value into a cell, empty it, or copy another row's cell there."""
        cell = self.cell(row, key)
        if what == "type":
            text = VALUES[key][other % len(VALUES[key])]
            cell.value, cell.number_format = text, "@"
            self.typed.add((key, text))
        else:
            cell.value = self.shown.get((other, key)) if what == "copy" else None

    def foreign(self) -> set[int]:
        """Return the rows of the file with a mask that their record does not show."""
        cells = {(row, key): self.cell(row, key).value for row in range(self.number) for key in KEYS}
        return {row + 2 for (row, key), text in cells.items() if text not in (None, self.shown[row, key], *VALUES[key])}

    def content(self) -> bytes:
        """Return the file."""
        file = io.BytesIO()
        self.book.save(file)
        return file.getvalue()


@pytest.mark.parametrize("url", ["memory://", "sqlite://"])
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@example(
    masks=dict.fromkeys(KEYS, "name"),
    made=[{"person": "张三"}, {"person": "欧阳锋"}, {"place": "上海"}],
    done=[("copy", 0, "person", 1), ("copy", 2, "person", 0)],
)
@given(masks=styles, made=records, done=edits)
def test_no_mask_becomes_a_value(
    url: str, masks: dict[str, str], made: list[dict[str, str]], done: list[tuple[str, int, str, int]]
) -> None:
    """Each value is afterwards what it was, or what somebody typed; a row with the mask of another record is refused.

    But for styles of the host's own: there only the record's own mask is known.
    """
    with opened(masks, url) as workspace:
        with workspace.acting_as("ann") as session:
            for number, values in enumerate(made):
                session.records("thing").create({"name": f"n{number}", **values})
        before = stored(workspace)
        file = io.BytesIO()
        with workspace.acting_as("bob") as session:
            export(session, "thing", file, fields=["id", "name", *KEYS])
        sheet = Sheet(file.getvalue(), len(made))
        for what, row, key, other in done:
            if row < len(made) and not (what == "copy" and masks[key] == "initial"):
                sheet.edit(what, row, key, other)
        with workspace.acting_as("bob") as session:
            plan = plan_import(session, "thing", sheet.content())
            outcomes = {row.row: row.outcome for row in plan.rows}
            plan.apply()
        after = stored(workspace)
    assert {record_id: set(values) for record_id, values in before.items()} == kept(after, before)
    for record_id, values in after.items():
        for key, text in values.items():
            assert text == before[record_id].get(key) or (key, text) in sheet.typed, (key, masks[key])
    assert {row for row, outcome in outcomes.items() if outcome == "rejected"} == sheet.foreign()
    if not sheet.typed and not sheet.foreign():
        assert set(outcomes.values()) == {"unchanged"}


def kept(after: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """Return which of the fields that had a value have one, by record."""
    return {record_id: values.keys() & before[record_id].keys() for record_id, values in after.items()}


@pytest.mark.parametrize("style", [style for style in STYLES if style])
def test_no_mask_is_written_back_by_hand(style: str) -> None:
    """Text that a form shows in place of a value is refused when it comes back, also in a style of the host's own."""
    with opened(dict.fromkeys(KEYS, style)) as workspace:
        for number in range(5):
            values: Any = {key: texts[number % len(texts)] for key, texts in VALUES.items()}
            with workspace.acting_as("ann") as session:
                made: Any = session.records("thing").create({"name": "n", **values})
            with workspace.acting_as("bob") as session:
                shown = {key: str(session.records("thing").get(made.record.id)[key]) for key in KEYS}
                assert not any(shown[key] == made.record.text(key) for key in KEYS)
                for key, mask in shown.items():
                    with pytest.raises(InvalidInputError) as refused:
                        session.records("thing").update(made.record.id, {key: mask}, version=ANY)
                    assert [(item.code, item.field) for item in refused.value.problems] == [("masked_value", key)]
                session.records("thing").update(made.record.id, values, version=ANY)
