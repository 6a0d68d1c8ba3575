"""The example scripts: they run, and the numbers that they print are those of the input file."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sqlite3
import subprocess
import sys
import unicodedata
from collections import Counter
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

import custinfo

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("sqlalchemy")
pytest.importorskip("xlsxwriter")

EXAMPLES = Path(__file__).parents[1] / "examples"
WORKBOOK = EXAMPLES / "data" / "customers.xlsx"

OWNERS = {"李四(销售一部-1组)": "lisi", "王五(销售一部-2组)": "wangwu"}
INDUSTRIES = {
    "机械", "IT设备", "电子", "汽车", "软件", "互联网", "零售", "医疗", "教育", "物流", "建筑房地产", "服务业",
}  # fmt: skip


# What follows reads the workbook with openpyxl and a few lines of its own, and nothing of custinfo.


@attrs.frozen
class Row:
    """A row that is right, with the values that the story speaks of."""

    name: str
    uscc: str | None
    owner: str
    status: str
    industry: str
    budget: Decimal
    phone: str
    paid: Decimal


def plain(value: object) -> str:
    """Return a cell as half-width text without spaces around it."""
    return unicodedata.normalize("NFKC", str(value)).strip() if value is not None else ""


def amount(value: object) -> Decimal:
    """Return an amount. Raises: ValueError."""
    text = plain(value).replace(",", "").lstrip("¥￥")
    factor = 10_000 if text.endswith("万") else 1
    if not re.fullmatch(r"\d+(\.\d+)?", text.removesuffix("万")):
        raise ValueError(text)
    return Decimal(text.removesuffix("万")) * factor


def day(value: object) -> date:
    """Return a date. Raises: ValueError."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, int):
        return date(1899, 12, 30) + timedelta(days=value)
    year, month, number = re.split(r"[-/年月日]", plain(value).removesuffix("日"))
    return date(int(year), int(month), int(number))


def phone(value: object) -> str:
    """Return the digits of a mainland phone number. Raises: ValueError."""
    text = plain(value).removeprefix("+86").replace(" ", "")
    if not re.fullmatch(r"1[3-9]\d{9}|0\d{2,3}-\d{7,8}", text):
        raise ValueError(text)
    return text


def uscc(value: object) -> str | None:
    """Return a unified social credit code, its check character verified by GB 32100. Raises: ValueError."""
    text, digits = plain(value), "0123456789ABCDEFGHJKLMNPQRTUWXY"
    if not text:
        return None
    total = sum(digits.index(character) * pow(3, place, 31) for place, character in enumerate(text[:17]))
    if len(text) != 18 or (total + digits.index(text[17])) % 31:
        raise ValueError(text)
    return text


def right(cells: dict[str, Any]) -> Row | None:
    """Return the row, or `None` for one with a mistake."""
    try:
        industry = plain(cells["所属行业"]).rpartition("-")[2]
        status = plain(cells["客户状态"]) or "高潜"
        budget = amount(cells["年采购预算"])
        if cells["成立时间"] is not None:
            day(cells["成立时间"])
        if status == "成交":
            amount(cells["合同金额"])
            day(cells["生效日期"])
        fine = (
            cells["客户名称"]
            and cells["联系人"]
            and cells["客户类型"] in {"企业客户", "个人客户", "渠道客户"}
            and (not industry or industry in INDUSTRIES)
            and re.fullmatch(r"(\w+@[\w.]+)?", plain(cells["邮箱"]))
        )
        if not fine:
            return None
        paid = amount(cells["回款金额"]) if cells["回款金额"] is not None else Decimal(0)
        code, owner = uscc(cells["统一社会信用代码"]), OWNERS[cells["负责人"]]
        return Row(cells["客户名称"], code, owner, status, industry, budget, phone(cells["联系方式"]), paid)
    except (ValueError, KeyError):
        return None


@cache
def expected() -> tuple[list[Row], int, int]:
    """Return the rows that are to be created, the number of wrong ones, and that of repeated ones."""
    sheet = openpyxl.load_workbook(WORKBOOK).active
    headings, *lines = sheet.iter_rows(values_only=True)
    new: list[Row] = []
    wrong = repeated = 0
    for line in lines:
        row = right(dict(zip(headings, line, strict=True)))
        if row is None:
            wrong += 1
        elif any(row.name == other.name or (row.uscc and row.uscc == other.uscc) for other in new):
            repeated += 1
        else:
            new.append(row)
    assert len(new) + wrong + repeated == len(lines) == 200
    return new, wrong, repeated


def run(script: str, *arguments: str) -> str:
    """Return what a script prints; warnings are errors."""
    command = [sys.executable, "-W", "error", "-X", "utf8", str(EXAMPLES / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Return what the quickstart prints, and its folder; it is run twice, as a reader might."""
    folder = tmp_path_factory.mktemp("quickstart")
    first = run("quickstart.py", str(folder))
    assert run("quickstart.py", str(folder)) == first
    return first, folder


def test_the_quickstart_counts_what_is_in_the_file(story: tuple[str, Path]) -> None:
    """The rows that are new, wrong and repeated are as many as a plain reading of the workbook says."""
    new, wrong, repeated = expected()
    assert f"Of 200 rows, {len(new)} are new, {wrong} wrong and {repeated} repeated:" in story[0]
    assert wrong >= 10
    assert repeated >= 3


def test_the_quickstart_finds_what_is_in_the_file(story: tuple[str, Path]) -> None:
    """The salesperson's totals and best prospects are those of the workbook."""
    new, _, _ = expected()
    own = [row for row in new if row.owner == "lisi"]
    manufacturing = {"机械", "IT设备", "电子", "汽车"}
    wanted = [row for row in own if row.status == "高潜" and row.budget >= 1_000_000 and row.industry in manufacturing]
    assert f"李四 (sales) has {len(own)} customers, {len(wanted)} of them wanted:" in story[0]
    best = sorted(wanted, key=lambda row: -row.budget)[:3]
    lines = story[0].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("李四")) + 1
    for row, line in zip(best, lines[start : start + 3], strict=True):
        assert line.split() == [row.name, f"制造业-{row.industry}", str(int(row.budget)), row.phone]
    number = best[0].phone
    assert f"刘七 (service) sees all {len(new)}, and of that phone {number[:3]}****{number[-4:]}" in story[0]


def test_the_quickstart_sums_what_is_in_the_file(story: tuple[str, Path]) -> None:
    """Finance sees the won customers and the payments of the workbook, and three fields."""
    won = [row for row in expected()[0] if row.status == "成交"]
    paid = sum(row.paid for row in won)
    line = f"钱八 (finance) sees {len(won)} that were won, fields name, paid_amount, paid_on; paid: {int(paid)}"
    assert line in story[0]


def test_the_quickstart_changes_a_status_through_approval(story: tuple[str, Path]) -> None:
    """Until the manager approves, the customer stays as it is; the history has both versions."""
    assert "Waiting for zhaojl; until then it stays 高潜" in story[0]
    assert "version 1 by sunjiu (import), status: (None, '高潜')" in story[0]
    assert "version 2 by lisi (approval), status: ('高潜', '流失')" in story[0]


def test_the_quickstart_exports_what_the_salesperson_won(story: tuple[str, Path]) -> None:
    """The exported workbook has the salesperson's won customers, the error workbook every row not taken over."""
    new, wrong, repeated = expected()
    won = {row.name for row in new if row.owner == "lisi" and row.status == "成交"}
    headings, *lines = openpyxl.load_workbook(story[1] / "导出.xlsx").active.iter_rows(values_only=True)
    assert {line[headings.index("客户名称")] for line in lines} == won
    errors = list(openpyxl.load_workbook(story[1] / "客户-错误.xlsx").active.iter_rows(values_only=True))
    assert len(errors) == 1 + wrong + repeated


def test_the_sample_workbook_is_what_its_script_writes(tmp_path: Path) -> None:
    """The workbook that is kept can be made again, cell by cell."""
    path = EXAMPLES / "make_customers.py"
    spec = importlib.util.spec_from_file_location("make_customers", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.write(tmp_path / "again.xlsx")
    again = openpyxl.load_workbook(tmp_path / "again.xlsx").active
    kept = openpyxl.load_workbook(WORKBOOK).active
    assert list(again.iter_rows(values_only=True)) == list(kept.iter_rows(values_only=True))


def test_own_fields_and_modules() -> None:
    """The new field is required where it should be, and the new module checks, stores and is queried."""
    lines = run("custom_fields.py").splitlines()
    assert lines == [
        "Refused: 拜访须知：当 客户等级 = 重点 时必填",
        "Customer: 苏州霁川电子有限公司 重点",
        "Refused: 金额：不是数字",
        "Refused: 合同编号：至少 4 个字符",
        "Contract: HT-2024-001 300000 signed on 2024-03-15",
        "Contracts with important customers: 1",
    ]


# The contracts of `custom_modules.py`: what is printed is derived once more from the workbooks and the JSON file.

CONTRACT = json.loads((EXAMPLES / "data" / "contract.json").read_text("utf-8"))
PEOPLE = {"李四", "王五", "张三", "赵经理", "刘七", "钱八", "孙九", "周十"}
IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def table(path: Path) -> list[dict[str, Any]]:
    """Return the rows of the first sheet by heading, `*` left out."""
    headings, *lines = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [dict(zip([str(name).lstrip("*") for name in headings], line, strict=True)) for line in lines]


def wrong_contract(row: dict[str, Any]) -> list[str]:
    """Return the headings of what is wrong with a row for a new contract, by a reading of its own."""
    wrong = [] if re.fullmatch(r"HT-\d{4}-\d{3}", row["合同编号"]) else ["合同编号"]
    wrong += [] if IDENTIFIER.fullmatch(row["客户"]) else ["客户"]
    wrong += ["合同金额"] if amount(plain(row["合同金额"]).lstrip("-")) < 0 or "-" in plain(row["合同金额"]) else []
    wrong += [] if row["负责人"] in PEOPLE else ["负责人"]
    if row["已回款金额"] and amount(row["已回款金额"]) > amount(row["合同金额"]):
        wrong.append("已回款金额")
    signed, ends = (day(row[name]) if row[name] else None for name in ("签订日期", "到期日期"))
    if row["合同状态"] == "履行中":
        wrong += [name for name, date_ in (("签订日期", signed), ("到期日期", ends)) if date_ is None]
    if signed and ends and ends < signed:
        wrong.append("到期日期")
    return wrong


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[str]], Path]:
    """Return what the custom modules print, by chapter, and their folder; it is run twice, as a reader might."""
    folder = tmp_path_factory.mktemp("modules")
    first = run("custom_modules.py", str(folder))
    assert run("custom_modules.py", str(folder)) == first
    chapters = re.findall(r"^(\S.*)\n((?:  .*\n)*)", first, re.MULTILINE)
    return {title: [line.strip() for line in lines.splitlines()] for title, lines in chapters}, folder


def test_custom_modules_compute_check_and_grade(modules: tuple[dict[str, list[str]], Path]) -> None:
    """A new contract is refused with all that is wrong, then computed and graded."""
    assert modules[0]["Create, and compute"] == [
        "Refused: 客户：没有您可以引用的客户，请填写其编号、名称或唯一值",
        "Refused: 合同金额：不是数字",
        "Refused: 合同名称：必填",
        "Refused: 合同编号：格式不符：HT-年份-三位序号，如 HT-2024-001",
        "Refused: 签订日期：状态为 履行中 时必填",
        "Refused: 到期日期：状态为 履行中 时必填",
        "HT-2024-001: 450000 outstanding, grade 重要",
        "Refused: 合同编号：已有其他记录使用该值",
    ]


def test_custom_modules_have_a_life_cycle_and_a_history(modules: tuple[dict[str, list[str]], Path]) -> None:
    """A contract moves as its life cycle allows, and its versions can be read, compared and reverted."""
    assert modules[0]["Change, look back, revert"] == [
        "Refused: 合同状态：不允许从 草稿 变为 已完成",
        "Refused: 已回款金额：已回款不能超过合同金额",
        "Refused: 签订日期：状态为 履行中 时必填",
        "Refused: 到期日期：状态为 履行中 时必填",
        "At first: 草稿",
        "Outstanding: from 450000 to 300000",
        "Version 1: create, paid 150000",
        "Version 2: update, paid as before",
        "Version 3: update, paid 300000",
        "Version 4: revert, paid 150000",
    ]


def test_custom_modules_are_queried_within_the_policy(modules: tuple[dict[str, list[str]], Path]) -> None:
    """Each role finds what its grants say, also through the reference and by a saved segment."""
    assert modules[0]["Ask"] == [
        "With customers that were won: 产线设备",
        "Ending within three months, not paid: 2",
        "Of these for services: 1",
        "By grade: {'B': 1, 'C': 1}",
        "lisi sees HT-2024-001 HT-2024-002",
        "wangwu sees HT-2024-003",
        "zhaojl sees HT-2024-001 HT-2024-002 HT-2024-003",
        "qianba sees amount, number, outstanding, paid of 2; outstanding: 530000",
    ]


def test_custom_modules_pass_approval_and_change_hands(modules: tuple[dict[str, list[str]], Path]) -> None:
    """An approved change takes effect and a rejected one does not; the former owner only reads on."""
    assert modules[0]["Approve"] == [
        "lisi wants amount 720000: applied; 720000, 履行中",
        "lisi wants end_reason 停产, status ended: rejected; 720000, 履行中",
    ]
    lines = modules[0]["Tag, archive, give away, explain"]
    assert lines[:4] == [
        "Tags: 框架",
        "Without the archived one: 1",
        "Now of 王五(销售一部-2组)",
        "lisi may view contract",
    ]
    assert [line.rpartition("— ")[2] for line in lines[4:6]] == ["not by its scope", "allows"]
    assert [line.rpartition("— ")[2] for line in lines[6:]] == [
        "lisi may not edit contract",
        "not by its scope",
        "not by its action",
    ]


def test_custom_modules_import_what_is_right(modules: tuple[dict[str, list[str]], Path]) -> None:
    """The rows of the workbook come to what a plain reading says, and the mistakes come back with their rows."""
    chapters, folder = modules
    before = {row["合同编号"]: row for row in table(folder / "合同-导出.xlsx")}  # written after the import was undone
    new: dict[str, dict[str, Any]] = {}
    changed: list[dict[str, Any]] = []
    wrong: dict[int, list[str]] = {}
    repeated: list[int] = []
    for number, row in enumerate(table(folder / "合同.xlsx"), start=2):
        if row["合同编号"] in before:
            changed.append(row)
        elif row["合同编号"] in new:
            repeated.append(number)
        elif wrong_contract(row):
            wrong[number] = wrong_contract(row)
        else:
            new[row["合同编号"]] = row
    waiting = [row for row in changed if row["合同金额"] and before[row["合同编号"]]["合同金额"] > 500_000]
    lines = chapters["Import, undo, export"]
    updates = len(changed) - len(waiting)
    assert lines[0] == (
        f"Counts(creates={len(new)}, updates={updates}, unchanged=0, rejected={len(wrong)}, "
        f"awaiting={len(waiting)}, duplicates={len(repeated)}, skipped=0, conflicts=0)"
    )
    told = {int(match[1]): match[2] for line in lines if (match := re.match(r"Row (\d+): (.*)", line))}
    assert told.keys() == {*wrong, *repeated}
    assert all(f"{heading}：" in told[number] for number, headings in wrong.items() for heading in headings)
    errors = table(folder / "合同-错误.xlsx")
    assert [row["原行号"] for row in errors] == sorted(told)
    assert all(f"{name}：" in row["错误原因"] for row in errors for name in wrong.get(row["原行号"], ()))
    amounts = [Decimal(row["合同金额"]) for row in before.values()] + [amount(row["合同金额"]) for row in new.values()]
    grades = Counter("A" if item >= 1_000_000 else "B" if item >= 500_000 else "C" for item in amounts)
    assert f"By grade: {dict(sorted(grades.items(), key=lambda item: (-item[1], item[0])))}" in lines
    assert f"Undone: {len(new)} gone, {updates} as before, {len(waiting)} withdrawn" in lines
    assert f"Exported: {len(before)}" in lines


def test_custom_modules_export_what_came_of_the_contracts(modules: tuple[dict[str, list[str]], Path]) -> None:
    """The export has the contracts as the story left them, with the values that follow from the others."""
    rows = table(modules[1] / "合同-导出.xlsx")
    assert [(row["合同编号"], row["合同金额"], row["合同状态"], row["合同等级"], row["标签"]) for row in rows] == [
        ("HT-2024-001", 720_000, "履行中", "重要", "合同类型:框架"),
        ("HT-2024-002", 80_000, "履行中", "一般", "合同类型:服务"),
        ("HT-2024-003", 50_000, "草稿", "一般", None),
    ]
    assert [row["未回款金额"] for row in rows] == [row["合同金额"] - (row["已回款金额"] or 0) for row in rows]
    assert [row["负责人"] for row in rows] == ["王五(销售一部-2组)", "李四(销售一部-1组)", "王五(销售一部-2组)"]


def test_custom_modules_have_a_template(modules: tuple[dict[str, list[str]], Path]) -> None:
    """The template has the fields that people fill in, what is required, the dictionary's entries, and explanations."""
    data, instructions, lists, example = openpyxl.load_workbook(modules[1] / "合同导入模板.xlsx").worksheets
    fields = [
        field
        for key, field in CONTRACT["modules"]["contract"]["fields"].items()
        if field["kind"] != "computed" and key not in {rule["field"] for rule in CONTRACT["classifications"].values()}
    ]
    names = [f"{'*' if field.get('required') else ''}{field['label']['zh']}" for field in fields]
    assert [cell.value for cell in data[1]] == [cell.value for cell in example[1]] == [*names, "负责人"]
    assert (example.title, example.max_row, example.cell(2, names.index("*合同状态") + 1).value) == (
        "填写示例",
        2,
        "草稿",
    )
    statuses = [item["label"]["zh"] for item in CONTRACT["dictionaries"]["contract_status"]["values"].values()]
    assert [row[0] for row in lists.iter_rows(values_only=True)] == ["合同状态", *statuses]
    column = data.cell(1, names.index("*合同状态") + 1).column_letter
    [validation] = [item for item in data.data_validations.dataValidation if item.type == "list"]
    assert (str(validation.sqref), validation.formula1) == (f"{column}2:{column}2001", "'_lists'!$A$2:$A$5")
    told = {row[0]: row for row in instructions.iter_rows(min_row=2, max_row=len(fields) + 2, values_only=True)}
    assert list(told) == [*(name.lstrip("*") for name in names), "负责人"]
    assert told["合同编号"][3] == "HT-年份-三位序号，如 HT-2024-001；不可重复"
    assert told["已回款金额"][3] == "不小于 0；已回款不能超过合同金额；币种 CNY"
    assert told["到期日期"][1:4] == ("视“合同状态”而定", "日期", "不能早于签订日期")
    assert told["合同状态"][3] == "字典“合同状态”：草稿、履行中、已完成、已终止；新记录留空则为 草稿"
    assert [told[name][1] for name in ("合同金额", "已回款金额", "签订日期", "终止原因")] == [
        "是",
        "否",
        "视“合同状态”而定",
        "视“合同状态”而定",
    ]


def test_custom_modules_are_added_at_run_time(modules: tuple[dict[str, list[str]], Path]) -> None:
    """The administrator adds all that the file defines, changes a label and a field, and takes that back."""
    sections = ("modules", "dictionaries", "tag_dimensions", "flows", "classifications", "segments")
    first, *others = modules[0]["The same at run time"]
    assert first.split() == ["New:", *(key for section in sections for key in CONTRACT[section])]
    assert others == [
        "Refused: outstanding：公式第 1 个字符处有误：没有字段 合同金额",
        "600000 in 苏州, 450000 outstanding",
        "Refused: place：还有 1 条记录在使用，不能移除；可以停用的请停用",
        "Version 1 by the code:",
        "Version 2 by admin: 上线合同管理",
        "Version 3 by admin: 新叫法",
        "Version 4 by admin: 不再需要",
    ]


def test_custom_modules_are_data() -> None:
    """The JSON file is all that defines contracts: written again as the library writes it, it means the same."""
    text = (EXAMPLES / "data" / "contract.json").read_text("utf-8")
    known = custinfo.configuration_from_json(text)
    assert custinfo.configuration_from_json(custinfo.configuration_to_json(known)) == known
    assert "ModuleDefinition" not in (EXAMPLES / "custom_modules.py").read_text("utf-8")


def test_own_repository(tmp_path: Path) -> None:
    """The story is kept in the store of one's own, by SQLite alone, and the store passes the contract."""
    lines = run("own_repository.py", str(tmp_path)).splitlines()
    created = "annual_budget, contact_name, created_by, customer_type, department, name, owner, phone, status"
    assert lines[:5] == [
        "Best first: 宁波望潮物流有限公司 1200000 苏州霁川电子有限公司 800000",
        "Refused: 统一社会信用代码：已有其他记录使用该值",
        f"Version 1 by lisi (edit): {created}",
        "Version 2 by lisi (approval): status",
        "The contract that every store keeps:",
    ]
    passed = re.fullmatch(r"(\d+) passed in .*", lines[-1])
    assert passed is not None
    assert int(passed[1]) >= 70
    with closing(sqlite3.connect(tmp_path / "own.db")) as database:
        kinds = database.execute("SELECT kind, count(*) FROM item GROUP BY kind").fetchall()
    assert kinds == [("change", 3), ("claim", 1), ("event", 5), ("record", 2), ("request", 1)]


def test_own_repository_needs_the_standard_library_only() -> None:
    """The store imports no library of databases, so that a reader sees all that a store needs."""
    imported = re.findall(r"^(?:from|import) (\w+)", (EXAMPLES / "own_repository.py").read_text("utf-8"), re.MULTILINE)
    assert set(imported) - sys.stdlib_module_names == {"attrs", "custinfo"}


def test_django_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the host rolls back takes the customer with it; the contract runs in the end."""
    pytest.importorskip("django", reason="Django is not installed")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k 'TestDjangoOnSqlite and test_atomic'")
    lines = run("django_repository.py", str(tmp_path)).splitlines()
    created = "annual_budget, contact_name, created_by, customer_type, department, name, owner, phone, status"
    assert lines[:7] == [
        "In the same transaction: 1",
        "Before the host fails: 2",
        "Rolled back by the host, the customer with it",
        "Kept: 苏州霁川电子有限公司",
        f"Version 1 by lisi: {created}, tags",
        "Version 2 by lisi: contact_name",
        "The contract that every store keeps:",
    ]
    assert re.fullmatch(r"\d+ passed, \d+ deselected in .*", lines[-1])
    with closing(sqlite3.connect(tmp_path / "django.db")) as database:
        kinds = database.execute("SELECT kind, count(*) FROM custinfo_store_storeditem GROUP BY kind").fetchall()
    assert kinds == [("change", 2), ("record", 1)]


def test_examples_are_short() -> None:
    """The quickstart can be read in one sitting; a store or a host of one's own takes no more than a few screens."""
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in EXAMPLES.glob("*.py")}
    assert lines["quickstart.py"] < 80
    assert lines["own_repository.py"] < 250
    assert lines["django_repository.py"] < 250
    assert lines["fastapi_app.py"] < 300
    assert lines["flask_app.py"] < 150


@pytest.mark.parametrize("bar", [True, False])
def test_the_import_from_the_command_line(tmp_path: Path, bar: bool) -> None:
    """It shows a bar, or lines and how to get one; writes what was left out, and changes nothing the second time."""
    source = tmp_path / "customers.xlsx"
    source.write_bytes(WORKBOOK.read_bytes())
    missing = tmp_path / "missing"
    missing.mkdir()
    if not bar:
        (missing / "rich.py").write_text("raise ImportError")
    command = [sys.executable, "-W", "error", "-X", "utf8", str(EXAMPLES / "import_customers.py"), str(source)]
    command += ["--url", f"sqlite:///{tmp_path / 'c.db'}", "--batch-size", "80"]
    environment = {**os.environ, "PYTHONPATH": str(missing)}

    def imported() -> Any:
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, env=environment)

    first, again = imported(), imported()
    assert (first.returncode, again.returncode) == (1, 1), first.stderr
    assert ("200/200" in first.stdout) is True
    assert ("Applied 80/200" in first.stdout) is not bar
    assert ("pip install rich" in first.stderr) is not bar
    assert "179 created, 0 updated, 21 left" in first.stdout
    assert "0 created, 0 updated, 21 left" in again.stdout
    assert (tmp_path / "customers-错误.xlsx").exists()
