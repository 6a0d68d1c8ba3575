"""Real workbooks are imported row by row as a person would copy them by hand, or refused for a named reason.

What is expected was read in the XML of each file. A problem reads `code field cell`, with its severity before it unless
it is an error; `r2` in the place of a cell is the whole of row 2.
"""

import csv
import datetime as dt
import functools
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import openpyxl
import pytest

from custinfo import Configuration, F, InvalidInputError, UnreadableFileError
from custinfo.adapters.excel import plan_import
from custinfo.workspace.importing import Counts
from tests.corpus.import_modules import CORPUS, IMPORTER, STANDARD, choice, field, open_workspace, people

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("CUSTINFO_SHARED") or ROOT.parent / "shared")
WORKBOOKS = SHARED / "data" / "workbooks"
PROGRAM = Path(__file__).with_name("import_modules.py")
PATIENCE_SECONDS = 60
PEAK_MEBIBYTES = 300
STORES = ("memory://", "sqlite://")
CREATED: tuple[str, tuple[str, ...]] = ("create", ())

pytestmark = pytest.mark.skipif(
    not WORKBOOKS.is_dir(), reason=f"no workbooks in {WORKBOOKS}: set CUSTINFO_SHARED to the shared folder"
)


@attrs.frozen
class Imported:
    """What an import came to: outcome and problems by row, problems of columns, and the values saved by row."""

    rows: Mapping[int, tuple[str, tuple[str, ...]]]
    columns: tuple[str, ...]
    values: Mapping[int, Mapping[str, Any]]
    counts: Counts
    sheet: str


def imported(
    source: str | bytes,
    module: str,
    *,
    configuration: Configuration = CORPUS,
    url: str = "memory://",
    **settings: Any,
) -> Imported:
    """Plan and apply the import of a workbook into an empty store, and see that planning wrote nothing."""
    file = WORKBOOKS / source if isinstance(source, str) else source
    with open_workspace(url, configuration) as workspace:
        with workspace.acting_as(IMPORTER) as session:
            plan = plan_import(session, module, file, **settings)
            assert session.records(module).count() == 0
            report = plan.apply()
            assert report.counts == plan.counts
            assert report.rejected == plan.rejected
        with workspace.acting_as(IMPORTER) as session:
            records = session.records(module).find(limit=20_000).records
    told = tuple(problem for row in plan.rows for problem in row.problems)
    of_columns = plan.problems[: len(plan.problems) - len(told)]
    assert plan.problems == (*of_columns, *told)
    saved = [row.row for row in plan.rows if row.outcome == "create"]
    return Imported(
        {row.row: (row.outcome, tuple(said(item, plan.sheet, row.row) for item in row.problems)) for row in plan.rows},
        tuple(said(item, plan.sheet) for item in of_columns),
        dict(zip(saved, (dict(record.values) for record in records), strict=True)),
        plan.counts,
        plan.sheet,
    )


def said(problem: Any, sheet: str, row: int | None = None) -> str:
    """Return a problem as `code field cell`; what concerns a row as a whole has its number only."""
    place = problem.place
    assert place.sheet == sheet
    assert row in (None, place.row)
    cell = f"{letters(place.column)}{place.row}" if place.column else f"r{place.row}"
    severity = "" if problem.severity == "error" else f"{problem.severity} "
    return f"{severity}{problem.code} {problem.field} {cell}"


def letters(column: int) -> str:
    """Return what a spreadsheet calls a column."""
    return chr(64 + column) if column <= 26 else letters((column - 1) // 26) + letters((column - 1) % 26 + 1)


def rejected(*problems: str) -> tuple[str, tuple[str, ...]]:
    """Return what is expected of a row that is not taken over."""
    return "rejected", problems


def headed(name: str, labels: Mapping[str, str]) -> bytes:
    """Return a workbook with headings above its first sheet: its rows one further down, its cells as they are."""
    source, target = zipfile.ZipFile(WORKBOOKS / name), io.BytesIO()
    cells = "".join(f'<c r="{column}1" t="inlineStr"><is><t>{label}</t></is></c>' for column, label in labels.items())
    with source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "xl/worksheets/sheet1.xml":
                text = re.sub(r"<dimension[^>]*>", "", content.decode())
                text = re.sub(r'(<(?:row|c)\s[^>]*?\br="[A-Z]*)([0-9]+)"', lambda m: f'{m[1]}{int(m[2]) + 1}"', text)
                content = text.replace("<sheetData>", f'<sheetData><row r="1">{cells}</row>').encode()
            written.writestr(entry, content)
    return target.getvalue()


def refused(name: str, module: str, configuration: Configuration = CORPUS, **settings: Any) -> tuple[str, ...]:
    """Return the problems for which a file is refused as a whole."""
    with open_workspace(configuration=configuration) as workspace, workspace.acting_as(IMPORTER) as session:
        with pytest.raises((UnreadableFileError, InvalidInputError)) as caught:
            plan_import(session, module, WORKBOOKS / name, **settings)
        assert session.records(module).count() == 0
    return tuple(
        f"{item.code} {item.field} {(item.place and item.place.column) or ''}" for item in caught.value.problems
    )


def shanghai(*parts: int) -> dt.datetime:
    """Return a time on the clock of Shanghai."""
    return dt.datetime(*parts, tzinfo=dt.timezone(dt.timedelta(hours=8)))  # type: ignore[arg-type,misc]


# --- people and companies, into the standard module

NAMES_AND_PHONES = (
    *("杨圣超", "袁贵安", "陈志龙", "洪贵沅", "林辉", "周成安", "陈康", "蔺桃", "邹乾", "彭子童", "李松林"),
    *("邱有才", "刘宇龙", "张珂嘉", "刘福平", "祝科昌"),
)
PHONE_FILE = "magicodes__Import__ColumnIndex导入测试.xlsx"
PHONE_MAPPING = {"姓名": "name", "年龄（Age）": "age", "列索引测试1": "", "ColumnIndexZeroTest2": ""}


@pytest.mark.parametrize("url", STORES)
def test_phones_typed_as_numbers(url: str) -> None:
    """Sixteen phones that Excel keeps as numbers become their exact digits, with a notice each."""
    result = imported(
        PHONE_FILE,
        "customer",
        configuration=people(field("age", "integer", "年龄")),
        url=url,
        mapping=PHONE_MAPPING,
    )
    assert result.rows == {row: ("create", (f"notice number_as_text phone B{row}",)) for row in range(2, 18)}
    assert result.columns == ()
    ages = {2: 11, 3: 12, 4: 13, 5: 13, 6: 13, 7: 15}
    assert result.values == {
        row: {
            "name": name,
            "phone": str(18787000001 + row - 2),
            "customer_type": "个人客户",
            "status": "高潜",
            **({"age": ages[row]} if row in ages else {}),
        }
        for row, name in enumerate(NAMES_AND_PHONES, start=2)
    }
    assert result.values[17]["phone"] == "18787000016"
    assert result.counts == Counts(creates=16)


def test_the_standard_module_says_what_a_list_of_people_lacks() -> None:
    """Into the unchanged module no row goes: each says that type and contact are missing, which have no column."""
    result = imported(PHONE_FILE, "customer", configuration=STANDARD, mapping={"姓名": "name"})
    assert result.rows == {
        row: rejected(
            f"notice number_as_text phone B{row}",
            f"required customer_type r{row}",
            f"required contact_name r{row}",
        )
        for row in range(2, 18)
    }
    assert result.columns == (
        "warning unmapped_column 年龄（Age） C1",
        "warning unmapped_column 列索引测试1 D1",
        "warning unmapped_column ColumnIndexZeroTest2 E1",
    )
    assert result.values == {}


def test_the_same_file_twice_changes_nothing() -> None:
    """A second import of the same people finds each by name and phone, and leaves all as they are."""
    with open_workspace(configuration=people()) as workspace:
        for expected in (Counts(creates=16), Counts(unchanged=16)):
            with workspace.acting_as(IMPORTER) as session:
                plan = plan_import(session, "customer", WORKBOOKS / PHONE_FILE, mapping={"姓名": "name"})
                assert plan.apply().counts == expected
                assert session.customers.count() == 16


CONTACTS = "poi__51626_contact.xlsx"
CONTACT_MAPPING = {
    "Company": "name",
    "First Name": "contact_name",
    "Address 1": "address",
    "Postal Code": "postal_code",
    "E-Mail Address": "email",
    **dict.fromkeys(("Last Name", "Address 2", "City", "State", "Home", "Fax", "XactNet Address"), ""),
}
POSTAL_CODE = field("postal_code", "text", "邮编")


def contacts(**mapping: str) -> Imported:
    """Import the contacts of an American address book, whose first row of data is row 3."""
    configuration = people(POSTAL_CODE, country="US", language="en")
    configuration = configuration.with_fields(
        "customer", attrs.evolve(configuration.modules["customer"].fields["contact_name"], required=True)
    )
    return imported(CONTACTS, "customer", configuration=configuration, mapping={**CONTACT_MAPPING, **mapping})


def test_contacts_keep_their_postal_code() -> None:
    """A postal code with a leading zero stays text, and a line without a person is told apart."""
    result = contacts(Office="", Mobile="")
    assert result.rows == {3: CREATED, 5: rejected("required contact_name A5")}
    assert result.values == {
        3: {
            "name": "Company Co.",
            "contact_name": "Frank2",
            "address": "St Peters",
            "postal_code": "04001",
            "email": "george@nope.com",
            "customer_type": "个人客户",
            "status": "高潜",
        }
    }
    assert result.columns == ()


def test_contacts_with_phones_that_are_none() -> None:
    """Two phones in one cell are said to be several, and an area code that nobody has is refused."""
    assert contacts(Office="phone", Mobile="").rows[3] == rejected("several_phones phone J3")
    assert contacts(Office="", Mobile="phone").rows[3] == rejected("invalid_phone phone L3")
    assert contacts(Office="phone", Mobile="").rows[5] == rejected("required contact_name A5")


def test_two_columns_for_one_field_are_refused() -> None:
    """That two columns hold phones is no guess that we make: the file is refused, naming the second one."""
    mapping = {**CONTACT_MAPPING, "Office": "phone", "Mobile": "phone"}
    assert refused(CONTACTS, "customer", people(POSTAL_CODE), mapping=mapping) == ("duplicate_column phone 12",)


def test_founders() -> None:
    """Three people with a number each come over under the names that the mapping gives."""
    configuration = people(field("grade", "decimal", "gpa"))
    result = imported(
        "tablib__founders.xlsx",
        "customer",
        configuration=configuration,
        mapping={"last_name": "name", "first_name": "contact_name"},
    )
    base = {"customer_type": "个人客户", "status": "高潜"}
    assert result.rows == {2: CREATED, 3: CREATED, 4: CREATED}
    assert result.values == {
        2: {"name": "Adams", "contact_name": "John", "grade": Decimal(90), **base},
        3: {"name": "Washington", "contact_name": "George", "grade": Decimal(67), **base},
        4: {"name": "Jefferson", "contact_name": "Thomas", "grade": Decimal(50), **base},
    }


PUPILS = "magicodes__Import__合并行.xlsx"
PUPIL_FIELDS = (field("pupil", "integer", "学号"), choice("gender", "gender", "性别"))
OF_ZHANG, OF_LI, OF_WANG = range(2, 5), range(5, 9), range(9, 15)


def test_merged_cells_are_filled_down() -> None:
    """Each row under a merged name has it; the other one merged beside it ends a row apart and is kept apart."""
    result = imported(
        PUPILS,
        "customer",
        configuration=people(*PUPIL_FIELDS),
        mapping={"姓名": "name"},
        duplicates="create",
    )
    assert result.rows == dict.fromkeys(range(2, 15), CREATED)
    names = [*["张三"] * 3, *["李四"] * 4, *["王五"] * 6]
    genders = [*["男"] * 8, *["女"] * 5]
    assert [(row, value["pupil"], value["name"], value["gender"]) for row, value in result.values.items()] == [
        (row, row - 1, *pair) for row, pair in enumerate(zip(names, genders, strict=True), start=2)
    ]
    assert result.values[9] == {
        "pupil": 8, "name": "王五", "gender": "男", "customer_type": "个人客户", "status": "高潜"
    }  # fmt: skip


def test_merged_cells_repeat_a_name() -> None:
    """Unless told otherwise, further rows with the name of an earlier one are reported and not created."""
    result = imported(PUPILS, "customer", configuration=people(*PUPIL_FIELDS), mapping={"姓名": "name"})
    repeated = (*OF_ZHANG[1:], *OF_LI[1:], *OF_WANG[1:])
    assert result.rows == {
        **dict.fromkeys((2, 5, 9), CREATED),
        **{row: ("duplicate", (f"duplicate_in_file name B{row}",)) for row in repeated},
    }
    assert {row: value["name"] for row, value in result.values.items()} == {2: "张三", 5: "李四", 9: "王五"}
    assert result.counts == Counts(creates=3, duplicates=10)


def test_a_table_that_starts_in_column_c() -> None:
    """A table that does not start in column A keeps the places of its cells."""
    mapping = {"姓名": "name", "年龄": "age"}
    configuration = people(field("age", "integer", "年纪"))
    name = "magicodes__Import__Issue549.xlsx"
    result = imported(name, "customer", configuration=configuration, mapping=mapping)
    assert result.rows == {2: CREATED}
    assert result.values == {2: {"name": "小明", "age": 28, "customer_type": "个人客户", "status": "高潜"}}
    bare = imported(name, "customer", configuration=STANDARD, mapping={"姓名": "name"})
    assert bare.columns == ("warning unmapped_column 年龄 D1",)
    missing = ("customer_type", "contact_name", "phone")
    assert bare.rows == {2: rejected(*(f"required {key} r2" for key in missing))}


# --- Chinese templates, into modules of their own


@pytest.mark.parametrize("url", STORES)
def test_blank_rows_between(url: str) -> None:
    """Six records between blank rows keep their row numbers; the last one lacks its key, and nothing else is wrong."""
    result = imported("magicodes__Import__管轴导入数据带有空行.xlsx", "pipe", url=url)
    assert result.rows == {**dict.fromkeys((3, 4, 5, 7, 9), CREATED), 11: rejected("required number A11")}
    area = "MDI装置-HCl氧化"
    assert result.values == {
        3: {
            "number": "ZZ-01", "gallery": "ZZ", "area": area, "position": "中", "hangs": True, "share": "*", "order": 0
        },
        4: {
            "number": "ZZ-02", "gallery": "ZZ", "area": area, "position": "右", "hangs": False, "share": "*", "order": 1
        },
        5: {"number": "ZZ-03", "area": area, "position": "中", "hangs": True, "share": "*", "order": 2},
        7: {
            "number": "ZZ-04", "gallery": "ZZ", "area": area, "position": "中", "hangs": True, "share": "*", "order": 2
        },
        9: {"number": "ZZ-05", "area": area, "position": "中", "hangs": True, "share": "*", "order": 2},
    }  # fmt: skip
    assert (result.columns, result.sheet) == ((), "导入数据")


WRONG_CODE = "magicodes__Errors__数据错误.xlsx"


def test_every_bad_cell_is_reported() -> None:
    """Each of twelve rows tells all that is wrong in it; a code of an earlier row is taken, whatever became of that."""
    result = imported(WRONG_CODE, "goods")
    number_notice = "notice number_as_text barcode A{0}".format
    barcode = "pattern_mismatch barcode A{0}".format
    taken = "duplicate_in_file code C{0}".format
    assert {row: (outcome, set(found)) for row, (outcome, found) in result.rows.items()} == {
        row: ("rejected", found)
        for row, found in {
            2: {number_notice(2), "notice number_as_text code C2", "invalid_resident_id id_number N2"},
            3: {
                number_notice(3), "notice number_as_text code C3", "invalid_number weight J3",
                "invalid_resident_id id_number N3",
            },
            4: {number_notice(4), "invalid_date day M4", "invalid_resident_id id_number N4"},
            5: {number_notice(5), taken(5), "invalid_resident_id id_number N5"},
            6: {barcode(6), taken(6)},
            7: {barcode(7)},
            8: {barcode(8)},
            9: {barcode(9), taken(9)},
            10: {barcode(10)},
            11: {barcode(11), taken(11)},
            12: {barcode(12)},
            13: {barcode(13), taken(13)},
        }.items()
    }  # fmt: skip
    assert result.values == {}
    assert all(len(set(found)) == len(found) for _, found in result.rows.values())


def test_what_is_left_when_two_columns_are_left_out() -> None:
    """Without bar codes and identity numbers five rows are sound, with cached results of formulas and trimmed texts."""
    result = imported(WRONG_CODE, "goods", mapping={"产品条码": "", "身份证": ""})
    assert {row: outcome for row, (outcome, _) in result.rows.items()} == {
        **dict.fromkeys((2, 7, 8, 10, 12), "create"),
        **dict.fromkeys((3, 4), "rejected"),
        **dict.fromkeys((5, 6, 9, 11, 13), "duplicate"),
    }
    assert result.values[2] == {
        "code": "12", "customer": 1231, "model": 1234124, "declared": Decimal(123123), "currency": 1231,
        "brand": 12412, "size": "20x30x50", "weight": Decimal(20), "type": "第一", "is_row": True,
        "day": dt.date(2019, 9, 26), "gender": "女",
    }  # fmt: skip
    shared = {
        "name": "右侧空格测试", "customer": 12312412, "declared": Decimal(123124), "currency": 1231, "brand": 123513,
        "size": "20x30x53", "type": "第二", "is_row": False,
    }  # fmt: skip
    long_code = "不去除空格测试    不去除空格测试  不去除空格测试  不去除空格测试  不去除空格测试"
    assert result.values[7] == {**shared, "code": long_code, "model": 1}
    assert result.values[8] == {**shared, "code": "重复", "model": 12312314}
    assert result.values[10] == {**shared, "model": 12312314}
    assert result.values[12] == {**shared, "model": 3}


PICTURE_FILE = "magicodes__Import__图片导入模板非表头非第一行并且带有不规整的行.xlsx"


def test_pictures_and_a_title_row() -> None:
    """Twenty-five rows under a title come over without their pictures, each with its time to the second."""
    result = imported(PICTURE_FILE, "picture", mapping={"图1": "", "图": ""})
    assert result.rows == dict.fromkeys(range(3, 28), CREATED)
    assert result.columns == ()
    first, second, third = (
        ("Bicycle", "fund", Decimal("87.52"), "Pop-up", shanghai(1986, 11, 18, 8, 51, 8)),
        ("semiotics", "batch", Decimal("52.81"), "readymade", shanghai(2013, 9, 27, 14, 5, 24)),
        ("mcsweeney's", "high", Decimal("84.67"), "thing", shanghai(1982, 9, 24, 3, 26, 3)),
    )
    rounded = ("biodiesel", "helvetica", Decimal("16.15"), "park", shanghai(1955, 3, 15, 22, 23, 51))
    last = ("gastropub", "number", Decimal("37.66"), "man", shanghai(1903, 8, 18, 10, 57, 40))
    for row, expected in {3: first, 4: second, 13: rounded, 24: third, 27: last}.items():
        assert result.values[row] == dict(zip(("bold", "plain", "amount", "name", "at"), expected, strict=True))
    assert "warning unmapped_column 图1 C2" in imported(PICTURE_FILE, "picture").columns


def test_a_field_required_by_another() -> None:
    """A name that its row says is needed is missed, one that is not needed is not; the hidden sheet is no data."""
    name = "magicodes__Import__requiredif.xlsx"
    result = imported(name, "name")
    assert result.rows == {2: rejected("required_when name B2"), 3: CREATED}
    assert (result.values, result.sheet) == ({3: {"needed": False}}, "导入数据")
    assert refused(name, "name", sheet="hidden_IsNameRequired") == ("no_header None ",)


def test_days_in_a_chinese_format() -> None:
    """The built-in format 58, which few readers know, makes a number a day."""
    result = imported("miniexcel__xlsx__TestIssue222.xlsx", "order")
    assert result.rows == {2: CREATED, 3: CREATED}
    days = {"ordered_on": dt.date(2021, 4, 29), "paid_on": dt.date(2021, 4, 29)}
    assert result.values == {2: days, 3: days}


@pytest.mark.parametrize("url", STORES)
def test_parts_of_a_second(url: str) -> None:
    """Times come over to the millisecond, on the clock of the workspace, in each store."""
    result = imported("easyexcel__compatibility__t05.xlsx", "moment", url=url)
    midnight = dt.datetime(2022, 12, 31, 16, tzinfo=dt.UTC)
    assert result.rows == dict.fromkeys(range(2, 7), CREATED)
    assert {row: value["at"] - midnight for row, value in result.values.items()} == {
        2: dt.timedelta(milliseconds=400),
        3: dt.timedelta(milliseconds=499),
        4: dt.timedelta(milliseconds=500),
        5: dt.timedelta(milliseconds=501),
        6: dt.timedelta(milliseconds=995),
    }
    assert all(value["at"].tzinfo is dt.UTC for value in result.values.values())


VERSIONS = "CPU1：V2.0.0.0E.4.1.8\nCPU2：V2.0.0.0E.4.1.8\nCPU3:\xa0\xa0 V1.0.29.5E.2.1.6\n"
VERSIONS += "FPGA:\xa0\xa0\xa0 V2.0.0.0E2.1.11\n通讯板：V1.0.7"


def test_a_table_larger_than_it_says() -> None:
    """A sheet that claims to be one cell gives its 56 rows in groups of eight under merged cells, and no blank ones."""
    result = imported("easyexcel__compatibility__t04.xlsx", "pack")
    assert result.rows == dict.fromkeys(range(2, 58), CREATED)
    device = {"machine": "黑水机-新水机", "release": VERSIONS, "tested": "2022.11.29白"}
    first = {
        "number": 1, "id_number": 11, "place": 1, "eblock": "A1JB037FPHA03224400489", "pcs": "1" * 22, **device
    }  # fmt: skip
    second = {
        "number": 2, "id_number": 12, "place": 2, "eblock": "A1JB037FPHA03224400020", "pcs": "CXS2243JS186FBA05S0432",
        **device,
    }  # fmt: skip
    last = {
        "number": 7, "id_number": 17, "place": 7, "eblock": "A1JB037FPHA03224000230", "pcs": "CXS2234JS186FBA05S0089",
        **device,
    }  # fmt: skip
    assert result.values[2] == {**first, "position": "1号", "code": "QQSJK28F152A012242S0081"}
    assert result.values[9] == {**first, "position": "8号", "code": "QQSJK28F152A012242S0090"}
    assert result.values[10] == {**second, "position": "1号", "code": "AASJK28F152A012246S0205"}
    assert result.values[57] == {**last, "position": "8号", "code": "AASJK28F152A012239S0052"}
    assert [value["number"] for value in result.values.values()] == [group for group in range(1, 8) for _ in range(8)]


def test_headings_broken_over_lines() -> None:
    """Headings with line breaks find their fields, codes keep their zeros, and a text 0 is a no."""
    result = imported("easyexcel__compatibility__t02.xlsx", "recipe", mapping={"配方中原料使用目的": ""})
    assert result.rows == {3: CREATED}
    assert result.values == {
        3: {
            "number": 1, "material": "01502200", "factory_name": "1，2-戊二醇", "standard_name": "1,2-戊二醇",
            "inci": "PENTYLENE GLYCOL", "content": Decimal(100), "content_of_material": Decimal(100),
            "content_of_recipe": Decimal(100), "purpose": "溶剂", "serial": "00005",
            "trade_name": "1、信越有机硅；2、浙江物美生物",
            "producer": "1、信越有机硅国际贸易（上海）有限公司；2、浙江物美生物技术有限公司",
            "report_code": "1、无；2、无", "is_new": False,
        }
    }  # fmt: skip
    assert result.columns == (
        "warning unmapped_column 使用部位/纳米级/色淀类型 K2",
        "warning unmapped_column 注册号/备案号 R2",
    )


def test_a_report_with_lines_above_its_headings() -> None:
    """A report whose zip has backslashes and whose headings stand in C4 gives its one row, a blank text as none."""
    result = imported("calamine__issue_530.xlsx", "staff")
    assert result.rows == {5: CREATED}
    assert result.values == {5: {"area": "集团IT平台", "group": "技术中心", "total": 9, "first": 8, "other": 2}}
    assert result.columns == tuple(
        f"warning unmapped_column {label} {cell}"
        for label, cell in (
            *(("平台", "D4"), ("节点组织", "F4"), ("时段二天数", "J4"), ("时段三天数", "K4")),
            *(("时段四天数", "L4"), ("时段五天数", "M4")),
        )
    )


# --- workbooks from elsewhere


def test_attendance() -> None:
    """Twenty-three days come over; the line with the totals below them is told, and left out."""
    result = imported("sheetjs__Attendance.xlsx", "attendance")
    assert result.rows == {**dict.fromkeys(range(3, 26), CREATED), 26: ("skip", ("warning no_data_row None r26",))}
    people_there = ("ben", "tom", "jimmy", "sue", "berlinda", "terry", "angelina", "linda")
    absent = dict.fromkeys(people_there, False)
    assert result.values[3] == {
        "day": dt.date(2020, 10, 1),
        **dict.fromkeys(people_there, True),
        "ben": False,
        "angelina": False,
    }
    assert {row: result.values[row] for row in range(4, 26)} == {
        row: {"day": dt.date(2020, 10, row - 2), **absent} for row in range(4, 26)
    }


DAYS_OF_1900 = ((1900, 1, 1), (1900, 1, 11), (1900, 4, 20), (1903, 1, 15), (1930, 6, 2))
DAYS_OF_1904 = ((1904, 1, 2), (1904, 1, 12), (1904, 4, 21), (1907, 1, 16), (1934, 6, 3))


@pytest.mark.parametrize(("name", "days"), [("sheetjs__1900.xlsx", DAYS_OF_1900), ("sheetjs__1904.xlsx", DAYS_OF_1904)])
def test_both_date_systems(name: str, days: Iterable[tuple[int, int, int]]) -> None:
    """The same numbers are other days in the other system, always those that the formula beside them spells."""
    assert refused(name, "calendar") == ("no_header None ",)
    result = imported(headed(name, {"A": "Serial", "B": "Day", "C": "Spelled"}), "calendar")
    assert result.rows == dict.fromkeys(range(2, 7), CREATED)
    assert result.values == {
        row: {"serial": int("1" * (row - 1)), "day": dt.date(*day), "spelled": dt.date(*day)}
        for row, day in enumerate(days, start=2)
    }


def test_error_cells() -> None:
    """Each of the seven errors of Excel is reported in its place, and none is taken for a blank."""
    assert refused("calamine__errors.xlsx", "cell") == ("no_header None ",)
    source = headed("calamine__errors.xlsx", {"A": "Number", "B": "Text"})
    result = imported(source, "cell")
    assert result.rows == {row: rejected(f"cell_error number A{row}") for row in range(2, 9)}
    with open_workspace() as workspace, workspace.acting_as(IMPORTER) as session:
        plan = plan_import(session, "cell", source)
        shown = [problem.params["error"] for problem in plan.problems]
    assert shown == ["#DIV/0!", "#NAME?", "#VALUE!", "#NULL!", "#REF!", "#NUM!", "#N/A"]


def test_dates_in_iso_form() -> None:
    """Cells of the type for dates are days and times; a time of day and plain sentences are none."""
    result = imported(headed("calamine__date_iso.xlsx", {"A": "Moment"}), "cell")
    assert result.rows == {
        2: CREATED,
        3: CREATED,
        4: rejected("wrong_type at A4"),
        **{row: rejected(f"invalid_datetime at A{row}") for row in (5, 6, 7)},
    }
    assert result.values == {2: {"at": shanghai(2021, 1, 1)}, 3: {"at": shanghai(2021, 1, 1, 10, 10, 10)}}


def test_inline_strings() -> None:
    """Shared strings, inline strings and results of formulas come over alike."""
    result = imported("poi__InlineStrings.xlsx", "inline")
    assert result.rows == dict.fromkeys(range(2, 8), CREATED)
    assert [tuple(value.values()) for value in result.values.values()] == [
        (12, "A", "1st Inline String", 12),
        (32, "B", "2nd Inline String", 44),
        (43, "C", "More", 31),
        (42, "ABCDE", "B", 30),
        (22, "Long Text", "And More", 10),
        (21, "Longer Text", "The End", 9),
    ]
    assert list(result.values[2]) == ["number", "text", "inline", "formula"]


def test_a_strict_workbook() -> None:
    """Of a workbook in strict form the sheet is read that has the headings; where none has, the choice is asked for."""
    result = imported("poi__SampleSS.strict.xlsx", "sum")
    assert (result.sheet, result.rows) == ("Sheet Number 2", {7: CREATED})
    assert result.values == {7: {"c1": 1, "c2": 10, "c3": 2}}
    assert result.columns == ("warning unmapped_column cb=sum D6",)
    assert refused("poi__SampleSS.strict.xlsx", "pipe") == ("several_sheets None ",)


def test_order_lines() -> None:
    """A sheet that claims to be one cell gives four lines; bar codes keep their zeros, blank order numbers are none."""
    result = imported("poi__64508.xlsx", "line")
    assert result.rows == dict.fromkeys(range(2, 6), CREATED)
    document = {"partner": "SI33738548", "document": "04656-2020", "dated": dt.date(2020, 6, 8)}
    lines = (("0630996510285", 2), ("0630996410233", 2), ("9001890119712", 3), ("0630996415818", 12))
    assert result.values == {
        row: {**document, "position": row - 1, "barcode": barcode, "quantity": Decimal(quantity)}
        for row, (barcode, quantity) in enumerate(lines, start=2)
    }


def test_an_application_form() -> None:
    """Fifteen numbered lines are taken; the sentences of the form below them are refused, each in its place."""
    result = imported("poi__style-alternate-content.xlsx", "range")
    assert result.rows == {
        **dict.fromkeys(range(11, 26), CREATED),
        **{row: rejected(f"invalid_number number A{row}") for row in (27, 34, 37, 38, 39)},
        **{row: rejected(f"required number A{row}") for row in (30, 32)},
    }
    assert result.values == {row: {"number": row - 10} for row in range(11, 26)}


def test_a_merge_of_two_rows_and_columns() -> None:
    """A block merged over two columns and two rows gives its value to both rows, in its first column."""
    result = imported("calamine__merged_range.xlsx", "merged", sheet="Sheet2")
    assert result.rows == {3: CREATED, 4: CREATED}
    assert result.values == {
        3: {"in_b": "B3", "in_c": "C3", "in_e": "E3"},
        4: {"in_b": "B4", "in_c": "C3", "in_e": "E4"},
    }


def test_blanks_and_breaks_in_texts() -> None:
    """A line break becomes a blank in a field of one line, with a notice, and stays in a field of several."""
    result = imported("calamine__whitespace_trim.xlsx", "space", sheet="inlineStr")
    assert result.rows == {2: ("create", ("notice normalised trimmed A2",)), 3: CREATED}
    assert result.values == {2: {"trimmed": "line1 line2", "kept": "line1\nline2"}, 3: {"trimmed": "日期 时间"}}


def test_what_other_writers_make() -> None:
    """Namespace prefixes, styles without a number and rows that end early change no value."""
    assert imported("calamine__nonstandard-xml-ns-prefix.xlsx", "pair").values == {
        2: {"left": 1, "right": 3},
        3: {"left": 2, "right": 4},
    }
    assert imported("tablib__ragged.xlsx", "pair").values == {2: {"left": 1}}
    styled = imported("calamine__empty_s_attribute.xlsx", "pair")
    names = ("John", "Sophia", "Peter", "Sam")
    assert styled.values == {row: {"name": name, "value": row - 1} for row, name in enumerate(names, start=2)}


def test_escapes_in_texts() -> None:
    """A break written as an escape is one, an escaped escape stays as it is, and a lacking text table is no harm."""
    escaped = imported(headed("easyexcel__compatibility__t09.xlsx", {"A": "Text"}), "cell")
    assert (escaped.rows, escaped.values) == ({2: CREATED}, {2: {"text": "SH_x000D_Z002"}})
    broken = imported(headed("calamine__has_x000D_.xlsx", {"A": "Long text"}), "cell")
    assert broken.rows == {2: ("create", ("notice normalised long_text A2",))}
    assert broken.values == {2: {"long_text": "ABC\nDEF"}}
    assert imported(headed("calamine__issue_419.xlsx", {"A": "Text"}), "cell").values == {2: {"text": "Hello"}}


# --- what was refused comes back


def test_a_refused_row_is_corrected() -> None:
    """The one row that lacks its key comes back in a workbook; with the key it is imported beside the other five."""
    with open_workspace("sqlite://") as workspace, workspace.acting_as(IMPORTER) as session:
        file = io.BytesIO()
        plan_import(session, "pipe", WORKBOOKS / "magicodes__Import__管轴导入数据带有空行.xlsx").apply().write_errors(
            file
        )
        book = openpyxl.load_workbook(file)
        sheet = book["导入数据"]
        header, refused_row = (list(row) for row in sheet.values)
        assert header[2:] == ["管轴编号", "管廊编号", "责任区域", "位置标识", "是否为吊架", "吊架百分比", "排序"]
        assert refused_row[2:] == [None, "ZZ", "MDI装置-HCl氧化", "右", "否", "*", 4]
        sheet["C2"] = "ZZ-06"
        file = io.BytesIO()
        book.save(file)
        plan = plan_import(session, "pipe", file.getvalue())
        assert plan.apply().counts == Counts(creates=1)
        assert session.records("pipe").count() == 6
        (saved,) = session.records("pipe").find(F.number == "ZZ-06").records
    assert dict(saved.values) == {
        "number": "ZZ-06", "gallery": "ZZ", "area": "MDI装置-HCl氧化", "position": "右", "hangs": False, "share": "*",
        "order": 4,
    }  # fmt: skip


REFUSED = (
    (WRONG_CODE, "goods"),
    ("sheetjs__Attendance.xlsx", "attendance"),
    ("poi__style-alternate-content.xlsx", "range"),
    ("magicodes__Import__requiredif.xlsx", "name"),
)


@pytest.mark.parametrize(("name", "module"), REFUSED)
def test_rows_that_nobody_corrected_are_refused_again(name: str, module: str) -> None:
    """The workbook of what was refused, imported as it is, is refused row by row for the same reasons."""
    with open_workspace() as workspace, workspace.acting_as(IMPORTER) as session:
        plan = plan_import(session, module, WORKBOOKS / name)
        file = io.BytesIO()
        plan.apply().write_errors(file)
        again = plan_import(session, module, file.getvalue())
        first, second = (
            [[(problem.code, problem.field) for problem in row.problems] for row in rows]
            for rows in (plan.rejected, again.rows)
        )
        assert second == first
        assert again.counts == Counts(rejected=len(first))
        assert again.problems[: -sum(map(len, second))] == ()


# --- what another program wrote for the same workbook


def gold(name: str) -> list[list[str]]:
    """Return the rows of a gold file."""
    with (WORKBOOKS / f"xlsx2csv__{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def as_texts(result: Imported, width: int) -> list[list[str]]:
    """Return the saved fields `c1`, `c2` and so on of each row, blanks as empty texts."""
    return [[value.get(f"c{place}", "") for place in range(1, width + 1)] for value in result.values.values()]


def test_a_last_column_with_blanks() -> None:
    """Five rows of texts and numbers into text fields are what the gold file shows, numbers with a notice."""
    result = imported("xlsx2csv__last-column-empty.xlsx", "three")
    assert as_texts(result, 3) == gold("last-column-empty")[1:]
    numbers = tuple(f"notice number_as_text c{place} {letter}6" for place, letter in enumerate("ABC", start=1))
    assert result.rows == {**dict.fromkeys(range(2, 6), CREATED), 6: ("create", numbers)}


NO_DATA = {3: {"c1": "At the moment no data for report"}}
STAINS = {7: {"c3": "Contra", "c4": "Contra", "c5": "Contra", "c6": "Contra"}}
LETTERS = {
    2: {"c1": "stuff", "c2": "more stuff"},
    3: {"c1": "things", "c2": "more things", "c3": "even more things"},
    4: {"c1": "a", "c2": "b"},
    5: {"c1": "one", "c2": "two"},
    6: {"c1": "1", "c2": "2", "c3": "3"},
}


@pytest.mark.parametrize(
    ("name", "module", "values"),
    [
        ("no_cell_ids", "report", NO_DATA),
        ("empty_row", "report", NO_DATA),
        ("namespace", "region", STAINS),
        ("last-column-empty", "three", LETTERS),
    ],
)
def test_a_workbook_and_its_text_file(name: str, module: str, values: Mapping[int, Mapping[str, str]]) -> None:
    """A workbook and the text file that another program made of it come to the same records in the same rows."""
    workbook, text = (imported(f"xlsx2csv__{name}.{suffix}", module) for suffix in ("xlsx", "csv"))
    assert workbook.values == values
    assert text.values == values
    assert text.columns == workbook.columns
    assert text.sheet == ""


@pytest.mark.parametrize(
    ("module", "sheet", "first", "last"), [("register", "Реестр", 1, 7), ("step", "Вариант использования", 8, 28)]
)
def test_two_sheets_of_a_workbook(module: str, sheet: str, first: int, last: int) -> None:
    """The sheet is found by its headings, and its rows are what the gold file shows, without outer blanks."""
    result = imported("xlsx2csv__sheets.xlsx", module)
    assert result.sheet == sheet
    header, *rows = gold("sheets")[first:last]
    assert as_texts(result, len(header)) == [[text.strip() for text in row] for row in rows]
    assert {outcome for outcome, _ in result.rows.values()} == {"create"}


def test_numbers_shown_with_five_decimals() -> None:
    """The last digits that binary numbers bring along are gone."""
    result = imported(headed("xlsx2csv__float.xlsx", {"A": "Number"}), "cell")
    assert result.rows == dict.fromkeys(range(3, 7), CREATED)
    assert [f"{value['number']:.5f}" for value in result.values.values()] == [text for (text,) in gold("float")[1:]]
    assert result.values[3] == {"number": Decimal("0.103")}


def test_days_in_four_formats() -> None:
    """Days in three formats are the days that the gold file shows, with a text and a yes or no beside them."""
    labels = {"A": "Date", "D": "Moment", "E": "Text", "F": "Yes"}
    result = imported(headed("xlsx2csv__junk-small.xlsx", labels), "cell")
    ((first, _, _, fourth, text, yes),) = gold("junk-small")
    ours = result.values[2]
    assert (f"{ours['day']:%d-%b-%Y}", ours["text"], str(ours["yes"]).upper()) == (first, text, yes)
    assert ours["at"] == shanghai(2009, 4, 8)
    assert fourth == "08-Apr-2009"
    assert result.rows == {2: CREATED}
    assert result.columns == ("warning unmapped_column B B1", "warning unmapped_column C C1")


def test_a_moment_of_the_1904_system() -> None:
    """A time of the other date system is the one that the gold file shows."""
    result = imported(headed("xlsx2csv__datetime.xlsx", {"A": "Moment"}), "cell")
    assert result.rows == {2: CREATED}
    local = result.values[2]["at"].astimezone(shanghai(2011, 9, 15).tzinfo)
    assert [[f"{local:%Y-%m-%d %H:%M:%S}"]] == gold("datetime")


def test_a_text_with_a_break_and_a_tab() -> None:
    """A field of several lines keeps what the gold file shows; a field of one line has blanks in their stead."""
    shown = gold("escape")[0][4].replace("\\n", "\n").replace("\\t", "\t")
    several = imported(headed("xlsx2csv__escape.xlsx", {"E": "Long text", "F": "Yes"}), "cell")
    assert several.values == {2: {"long_text": shown, "yes": False}}
    one = imported(headed("xlsx2csv__escape.xlsx", {"E": "Text"}), "cell")
    assert one.rows == {2: ("create", ("notice normalised text E2",))}
    assert one.values == {2: {"text": "Hello World !"}}


def test_ten_thousand_rows() -> None:
    """Ten columns with one heading are refused, naming the other nine; with headings 10,000 rows come over."""
    name = "miniexcel__data__Test10,000x10.xlsx"
    assert refused(name, "hello") == tuple(f"duplicate_column c1 {column}" for column in range(2, 11))
    labels = {letter: f"Column {number}" for number, letter in enumerate("ABCDEFGHIJ", start=1)}
    result = imported(headed(name, labels), "ten")
    assert result.counts == Counts(creates=10_000)
    assert list(result.rows) == list(range(2, 10_002))
    for row in (2, 1001, 1002, 10_001):
        assert result.values[row] == {f"c{place}": f"HelloWorld{row - 1}" for place in range(1, 11)}


# --- hostile files, in a process of their own

HOSTILE: Mapping[str, tuple[str, str | list[int]]] = {
    # refused, whatever the module
    "calamine__pass_protected.xlsx": ("pipe", "password_protected"),
    "poi__protected_passtika.xlsx": ("pipe", "password_protected"),
    "excelize__test__encryptAES.xlsx": ("pipe", "password_protected"),
    "sheetjs__password_2002_40_xor.xls": ("pipe", "password_protected"),
    "calamine__too_small.xls": ("pipe", "not_a_workbook"),
    "poi__invalid.xlsx": ("pipe", "not_a_workbook"),
    "poi__poc-xmlbomb.xlsx": ("pipe", "unsafe_workbook"),
    "poi__clusterfuzz-testcase-minimized-XLSX2CSVFuzzer-5636439151607808.xlsx": ("pipe", "corrupt_workbook"),
    "poi__clusterfuzz-testcase-minimized-POIXSSFFuzzer-5185049589579776.xlsx": ("pipe", "corrupt_workbook"),
    "poi__clusterfuzz-testcase-minimized-POIXSSFFuzzer-5265527465181184.xlsx": ("pipe", "corrupt_workbook"),
    "poi__duplicate-filename.xlsx": ("pipe", "corrupt_workbook"),
    "poi__sample-beta.xlsx": ("pipe", "corrupt_workbook"),
    "poi__51585.xlsx": ("pipe", "no_data"),
    # read: extents far larger or smaller than the data, a macro sheet, missing parts
    "tablib__bad_dimensions.xlsx": ("price", [2, 3, 4]),
    "poi__60384.xlsx": ("tariff", [3, 5, 7, 8, 9]),
    "easyexcel__compatibility__t03.xlsx": ("replay", [2]),
    "easyexcel__compatibility__t04.xlsx": ("pack", list(range(2, 58))),
    "poi__64420.xlsm": ("macro", []),
}


@functools.cache
def outcomes() -> Mapping[str, dict[str, Any]]:
    """Import all files in child processes; after one that dies, name its file and go on with the rest."""
    pending = [f"{module}={WORKBOOKS / name}" for name, (module, _) in HOSTILE.items()]
    found: dict[str, dict[str, Any]] = {}
    while pending:
        child = subprocess.run(
            [sys.executable, "-W", "error", str(PROGRAM), *pending],
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=PATIENCE_SECONDS,
        )
        begun = ""
        for line in child.stdout.splitlines():
            record = json.loads(line)
            begun = record.get("begin", begun)
            if "of" in record:
                found[record["of"]] = record
        if child.returncode:
            found[begun or pending[0]] = {"died": child.returncode, "said": child.stderr[-2000:]}
        pending = [argument for argument in pending if argument not in found]
    return {Path(argument.partition("=")[2]).name: record for argument, record in found.items()}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_workbook(name: str) -> None:
    """A hostile file is refused by its code or gives its rows, within time and memory, and never ends the process."""
    result = outcomes()[name]
    assert "died" not in result, result
    assert result["seconds"] <= 10
    assert result["peak_mebibytes"] <= PEAK_MEBIBYTES
    expected = HOSTILE[name][1]
    if isinstance(expected, str):
        assert (result.get("error"), result.get("code")) == ("UnreadableFileError", expected)
        return
    assert result["rows"] == expected
    assert result["counts"] == attrs.asdict(Counts(creates=len(expected)))
    assert result["saved"] == len(expected)


def test_what_huge_sheets_hold() -> None:
    """Sheets that claim a million rows or 16,384 columns give what stands in them, value by value."""
    assert imported("tablib__bad_dimensions.xlsx", "price").values == {
        2: {"number": "EP00001", "quantity": 10000, "price": Decimal("0.0367")},
        3: {"number": "EP00002", "price": Decimal(1)},
        4: {"number": "EP00004", "quantity": 10000, "price": Decimal("0.001")},
    }
    tariff = imported("poi__60384.xlsx", "tariff")
    assert tariff.values == {
        3: {"name": "{Parameter}", "value": Decimal("0.1")},
        5: {"name": "Resultate"},
        7: {"name": "Pauschale Titel"},
        8: {"name": "Titel"},
        9: {"name": "An very very long template text reaching over multiple columns"},
    }
    assert tariff.columns == ("warning unmapped_column Standardwert C2",)
    replay = imported("easyexcel__compatibility__t03.xlsx", "replay")
    assert replay.values == {2: {"document": "3", "user_type": 3, "detail": 6}}
    assert replay.rows == {2: ("create", ("notice number_as_text document A2",))}
