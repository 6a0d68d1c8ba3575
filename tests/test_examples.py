"""The example scripts: they run, and the numbers that they print are those of the input file."""

from __future__ import annotations

import importlib.util
import re
import sqlite3
import subprocess
import sys
import unicodedata
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

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
    assert kinds == [("change", 3), ("record", 2), ("request", 1)]


def test_own_repository_needs_the_standard_library_only() -> None:
    """The store imports no library of databases, so that a reader sees all that a store needs."""
    imported = re.findall(r"^(?:from|import) (\w+)", (EXAMPLES / "own_repository.py").read_text("utf-8"), re.MULTILINE)
    assert set(imported) - sys.stdlib_module_names == {"attrs", "custinfo"}


def test_examples_are_short() -> None:
    """The quickstart can be read in one sitting."""
    assert len((EXAMPLES / "quickstart.py").read_text("utf-8").splitlines()) < 80
