"""Numbers that a Chinese or Japanese format shows as a weekday or a year: what people see is a day, and it arrives."""

import datetime as dt
import io
import struct

import pytest
import xlsxwriter

from custinfo.adapters.excel.reading import read_tables
from tests.adapters.excel.test_numbers_as_seen import formatted, last_column, old
from tests.adapters.excel.test_peoples_files import planned

DAY = dt.date(2023, 3, 15)
DAYS = ("[$-804]aaaa;@", "aaa", "[$-411]aaaa", "周aaa", '"星期"aaa', r"\周aaa", 'e"年"', '[$-411]ggge"年"', "AAAA")
NUMBERS = ("General", '"aaa"0', r"\a\a\a0", "[$aaa]0", "0.00E+00", "0_a", "@", "[DBNum1][$-804]General", '0"e"')


@pytest.mark.parametrize("code", [*DAYS, "dddd", "[$-804]yyyy/m/d aaaa"])
def test_a_weekday_is_a_day(code: str) -> None:
    """Whichever letters the program of its country has for it."""
    assert last_column(formatted((45000, code))) == [DAY]


@pytest.mark.parametrize("code", NUMBERS)
def test_letters_that_show_no_day(code: str) -> None:
    """They are texts, room for a character, or parts of other words."""
    assert last_column(formatted((45000, code))) == [45000]


def test_moments_and_numbers_that_are_no_days() -> None:
    """A part of a day is a time; what no calendar has stays a number."""
    cells = [(number, "aaaa") for number in (45000.75, 45000, 12.5, -1, 20230315, 1e10)]
    moment = dt.datetime(2023, 3, 15, 18)  # noqa: DTZ001 -- spreadsheets know no zone
    assert last_column(formatted(*cells)) == [moment, DAY, 12.5, -1, 20230315, 10**10]


def test_days_that_count_from_1904() -> None:
    """They are shifted once, in columns of dates as in others."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "date_1904": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["客户名称", "客户类型", "联系人", "联系方式", "成立时间", "备注"])
        sheet.write_row(1, 0, ["甲公司", "企业客户", "张三", "13800138000"])
        for column in (4, 5):
            sheet.write_number(1, column, 45000 - 1462, book.add_format({"num_format": "aaaa"}))
    assert last_column(file.getvalue()) == [DAY]
    (row,) = planned(file.getvalue()).rows
    assert (row.outcome, row.raw[4]) == ("create", DAY)


def test_an_old_workbook() -> None:
    """It has the same formats in other records."""
    (table,) = read_tables(old(struct.pack("<HB", 4, 0), b"aaaa"))
    assert [values[1] for _, values in table.rows()] == [dt.date(1900, 5, 2), 123, 45, 7, 9]
