"""Importing an unmodified export changes nothing, whatever the values, the tags, and what the exporter sees of them."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
from hypothesis import given, note, settings
from hypothesis import strategies as st

from custinfo import (
    Configuration,
    Dictionary,
    DictionaryValue,
    FieldDefinition,
    InvalidInputError,
    ModuleDefinition,
    Session,
    TagDimension,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import export, plan_import
from custinfo.core.policy.grants import ALL_FIELDS, Action, Grant
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.views import Applied

KEY = bytes(range(32))
NASTY = (
    "=1+1", "+8613812345678", "-1", "@SUM(A1)", "'quoted", " lead", "trail ", "\ttab", "a\nb", "a\r\nb", "a\n\n b ",
    "_x000D_", "_x005F_x000D_", "a\x00b", "a\x07b", "\ud800", "x\udfff", "\ufeffx", "\u200bx", "😀", "&amp;<b>", "0012",
    "1e5", "TRUE", "#N/A", "2024-03-15", "null", "None", "-", "—", "无", "x" * 40_000, "😀" * 20_000, "…", "****",
    "138****0001", "（）",
)  # fmt: skip
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(max_size=8))
NUMBERS = st.one_of(
    st.integers(-(10**18), 10**18), st.sampled_from([0, 10**15, 10**15 + 1, -(10**15), 2**53 + 1, 123456789012345678])
)
AMOUNTS = st.one_of(
    st.decimals(-(10**12), 10**12, places=6, allow_nan=False),
    st.sampled_from([Decimal("0.1"), Decimal("1.10"), Decimal("-0.000001"), Decimal("8999999999999.9"), Decimal(0)]),
)
DATES = st.one_of(
    st.dates(),
    st.sampled_from([date(1, 1, 1), date(1899, 12, 31), date(1900, 2, 28), date(1900, 3, 1), date(9999, 12, 31)]),
)
MOMENTS = st.one_of(
    st.datetimes(datetime(1890, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),  # noqa: DTZ001
    st.sampled_from(
        [datetime(1986, 5, 3, 16, 30, tzinfo=UTC) + timedelta(hours=hours) for hours in range(3)]
        + [datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC), datetime(1991, 9, 14, 15, 30, tzinfo=UTC)]
    ),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "long": TEXTS,
    "count": NUMBERS,
    "rate": AMOUNTS,
    "price": AMOUNTS,
    "open": st.booleans(),
    "day": DATES,
    "moment": MOMENTS,
    "place": st.sampled_from(["bj", "hd", "odd", "num"]),
    "colours": st.lists(st.sampled_from(["red", "blue", "odd"]), min_size=1, unique=True),
    "phone": st.sampled_from(["13812345678", "010-62345678", "+44 20 7946 0958", "400-810-8888"]),
    "email": st.sampled_from(["a@example.com", "O'Neil+x@Example.com", "用户@例子.公司"]),
    "url": st.sampled_from(["https://www.example.com/?a=1&b=<2>", "http://例子.公司/路径"]),
    "code": st.sampled_from(["91350100M000100Y43"]),
    "person": st.sampled_from(["lisi", "wangwu", "zhaojl"]),
    "unit": st.sampled_from(["sales1", "sales1-1"]),
    "secret": st.sampled_from(["11010519491231002X"]),
    "masked": TEXTS,
}
TAGS = st.lists(
    st.tuples(st.sampled_from(["类别", "自定"]), st.sampled_from(["设备", "服务", "=1", "a b"])),
    max_size=3,
    unique=True,
)


SEEN = ALL_FIELDS.everything_but(also=("secret",))


def configuration() -> Configuration:
    """Return the standard configuration with a module that has a field of every kind that people write."""
    place = Dictionary(
        "place",
        [
            DictionaryValue("bj", "北京"),
            DictionaryValue("hd", "海淀", parent="bj"),
            DictionaryValue("odd", "=1+1"),
            DictionaryValue("num", "001"),
        ],
    )
    colours = Dictionary(
        "colour", [DictionaryValue("red", "红"), DictionaryValue("blue", "蓝"), DictionaryValue("odd", "@奇")]
    )
    kinds = {
        "text": "text", "long": "long_text", "count": "integer", "rate": "decimal", "price": "money", "open": "boolean",
        "day": "date", "moment": "datetime", "place": "choice", "colours": "multiple_choice", "phone": "phone",
        "email": "email", "url": "url", "code": "uscc", "person": "user", "unit": "department", "secret": "resident_id",
        "masked": "text",
    }  # fmt: skip
    options = {"place": {"dictionary": "place"}, "colours": {"dictionary": "colour"}, "price": {"currency": "CNY"}}
    settings: dict[str, dict[str, Any]] = {
        "secret": {"encrypted": True, "sensitivity": "sensitive", "mask": "last4"},
        "masked": {"sensitivity": "masked", "mask": "phone"},
    }
    fields = [
        FieldDefinition(key, kind, key, options=options.get(key, {}), **settings.get(key, {}))
        for key, kind in kinds.items()
    ]
    module = ModuleDefinition(
        "thing", fields, "事物", title_field="text", owner_label={"zh": "负责人"}, duplicate_keys=()
    )
    refers = FieldDefinition("thing", "reference", "所属事物", required=True, options={"module": "thing"})
    note = ModuleDefinition("note", [refers, *fields], "附注", owner_label={"zh": "负责人"}, duplicate_keys=())
    every: frozenset[Action] = frozenset({"view", "create", "edit", "export", "import", "tag", "decrypt"})
    seeing = Grant("senior_administrator", "thing", every, "all", view=SEEN, edit=SEEN)
    partly = attrs.evolve(
        seeing, role="data_administrator", view=ALL_FIELDS.everything_but("masked"), mask={"masked": "", "secret": ""}
    )
    return (
        standard_configuration()
        .with_dictionaries(place, colours)
        .with_modules(module, note)
        .with_tag_dimensions(TagDimension("类别", ("设备", "服务", "=1", "a b")), TagDimension("自定", open=True))
        .with_grants(seeing, partly, *(attrs.evolve(grant, module="note") for grant in (seeing, partly)))
    )


def everything(session: Session) -> list[Any]:
    """Return every record as whoever sees all sees it."""
    return [
        (view.id, view.version, dict(view), view.tags, view.owner)
        for module in ("thing", "note")
        for view in session.records(module).find(limit=None).records
    ]


def created(session: Session, module: str, values: dict[str, Any], **settings: Any) -> str:
    """Create a record of those values that people may write: what they may not isn't there to be exported."""
    kept = dict(values)
    while True:
        try:
            applied = session.records(module).create(kept, **settings)
        except InvalidInputError as error:
            for problem in error.problems:
                kept.pop(problem.field or "", None)
        else:
            assert isinstance(applied, Applied)
            return applied.record.id


def joined(first: bytes, second: bytes) -> bytes:
    """Return a workbook with the sheets of two exports, as they stand there; the styles of both come along."""
    with zipfile.ZipFile(io.BytesIO(first)) as one, zipfile.ZipFile(io.BytesIO(second)) as other:
        parts = {name: one.read(name).decode() for name in one.namelist()}
        sheet, styles, book = (
            other.read(f"xl/{name}.xml").decode() for name in ("worksheets/sheet1", "styles", "workbook")
        )
    formats = re.findall(r"<numFmt .*?/>", styles)
    cells = re.findall(r"<xf .*?/>", styles.partition("<cellXfs")[2].partition("</cellXfs>")[0])
    had = len(re.findall(r"<xf ", parts["xl/styles.xml"].partition("<cellXfs")[2].partition("</cellXfs>")[0]))
    shifted = "".join(
        re.sub(r'numFmtId="(16\d)"', lambda found: f'numFmtId="{int(found[1]) + 50}"', item) for item in cells
    )
    more = "".join(
        re.sub(r'numFmtId="(16\d)"', lambda found: f'numFmtId="{int(found[1]) + 50}"', item) for item in formats
    )
    parts["xl/styles.xml"] = re.sub(
        r' count="\d+"',
        "",
        parts["xl/styles.xml"].replace("</numFmts>", more + "</numFmts>").replace("</cellXfs>", shifted + "</cellXfs>"),
    )
    parts["xl/worksheets/sheet2.xml"] = re.sub(
        r'(<c r="[A-Z]+\d+" s=")(\d+)', lambda found: found[1] + str(int(found[2]) + had), sheet
    )
    name = re.search(r'<sheet name="(.*?)"', book)
    assert name is not None
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(
        "</sheets>", f'<sheet name="{name[1]}" sheetId="2" r:id="rId9"/></sheets>'
    )
    relations = "xl/_rels/workbook.xml.rels"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    parts[relations] = parts[relations].replace(
        "</Relationships>", f'<Relationship Id="rId9" Type="{kind}" Target="worksheets/sheet2.xml"/></Relationships>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
    return file.getvalue()


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.fixed_dictionaries({}, optional=VALUES), TAGS), min_size=1, max_size=4),
    st.sampled_from(["zhoushi", "sunjiu"]),
    st.sampled_from(["zh", "en"]),
)
def test_an_export_imported_again_changes_nothing(rows: list[Any], actor: str, language: str) -> None:
    """Every row finds its record, and is found to be unchanged; applied, it leaves the store as it is."""
    keyring = Keyring({"1": KEY}, current="1", index_key=KEY)
    workspace = Workspace.open("memory://", CONFIGURATION, organisation=sample_organisation(), keyring=keyring)
    with workspace.acting_as("zhoushi") as session:
        for values, tags in rows:
            created(session, "thing", values, tags=tags)
        before = everything(session)
    file = io.BytesIO()
    with workspace.acting_as(actor) as session:
        export(session, "thing", file, fields=["id", *VALUES, "owner", "tags"], language=language)
        plan = plan_import(session, "thing", file.getvalue())
        for row in plan.rows:
            note(f"{row.outcome} {[(item.code, item.field) for item in row.problems]}")
        assert [row.outcome for row in plan.rows] == ["unchanged"] * len(before)
        plan.apply()
    with workspace.acting_as("zhoushi") as session:
        assert everything(session) == before


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.fixed_dictionaries({}, optional=VALUES), st.lists(st.fixed_dictionaries({}, optional=VALUES), max_size=3)
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["zhoushi", "sunjiu"]),
    st.sampled_from(["zh", "en"]),
)
def test_an_export_with_a_further_sheet_imported_again_changes_nothing(
    rows: list[Any], actor: str, language: str
) -> None:
    """What refers to the records, on a sheet of its own, is found to be there, even two that are the same."""
    keyring = Keyring({"1": KEY}, current="1", index_key=KEY)
    workspace = Workspace.open("memory://", CONFIGURATION, organisation=sample_organisation(), keyring=keyring)
    with workspace.acting_as("zhoushi") as session:
        for values, notes in rows:
            thing = created(session, "thing", values)
            for note_values in [*notes, *notes[:1]]:
                created(session, "note", {"thing": thing, **note_values})
        before = everything(session)
    things, sheet = io.BytesIO(), io.BytesIO()
    with workspace.acting_as(actor) as session:
        export(session, "thing", things, fields=["id", *VALUES, "owner"], language=language)
        export(session, "note", sheet, fields=["id", "thing", *VALUES, "owner"], language=language)
        content = joined(things.getvalue(), sheet.getvalue())
        plan = plan_import(session, "thing", content, related={"附注": "note"})
        for problem in plan.problems:
            note(f"{problem.code} {problem.field} {problem.place}")
        assert {row.outcome for row in plan.rows} == {"unchanged"}
        assert [row.related for row in plan.rows if row.related] == []
        assert plan.column_problems == ()
        plan.apply()
    with workspace.acting_as("zhoushi") as session:
        assert everything(session) == before


CONFIGURATION = configuration()
