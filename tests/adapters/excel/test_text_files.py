"""Text files of other programs, languages and machines: read as they were meant, or refused, never as other words."""

import datetime as dt
import io
from collections.abc import Callable

import pytest

from custinfo import UnreadableFileError
from custinfo.adapters.excel import ExcelPlan, plan_import
from custinfo.adapters.excel.reading import read_tables
from tests.adapters.excel.sessions import acting_as, loaded
from tests.adapters.excel.sheets_by_hand import workbook
from tests.adapters.excel.test_peoples_files import BOTH, FIRST, HEADINGS, SECOND, csv, phones, planned


def written(plan: ExcelPlan) -> bytes:
    """Return the error workbook of a plan."""
    file = io.BytesIO()
    plan.write_errors(file)
    return file.getvalue()


TABLE = csv(HEADINGS, FIRST, SECOND)
JAPANESE = csv(("顧客名", "会社名", "担当者", "電話番号"), ("株式会社アルファ", "東京都千代田区", "山田太郎", "03"))
KANJI = csv(("顧客名", "電話番号"), ("田中", "03"), ("佐藤", "06"))
KOREAN = csv(("고객명", "회사명", "담당자", "전화번호"), ("가나상사", "서울시 강남구", "김철수", "02"))
WORLD = {
    "Shift-JIS": JAPANESE.encode("cp932"),
    "Shift-JIS without kana": KANJI.encode("cp932"),
    "Shift-JIS of half the width": csv(("ﾅﾏｴ", "ﾃﾞﾝﾜ"), ("ﾔﾏﾀﾞ", "03")).encode("cp932"),
    "EUC-JP": JAPANESE.encode("euc_jp"),
    "EUC-JP without kana": KANJI.encode("euc_jp"),
    "EUC-KR": KOREAN.encode("euc_kr"),
    "the Korean code page of Windows": KOREAN.replace("김철수", "믜펲힣").encode("cp949"),
    "Korean names under English headings": csv(("name", "phone"), ("김철수", "02"), ("이영희", "051")).encode("euc_kr"),
    "Cyrillic": csv(("Имя", "Город"), ("Иван", "Москва"), ("Пётр", "Киев")).encode("cp1251"),
    "Thai": csv(("ชื่อ", "เมือง"), ("สมชาย", "กรุงเทพ")).encode("cp874"),
}


@pytest.mark.parametrize("content", WORLD.values(), ids=WORLD)
def test_bytes_of_another_language_are_not_read_as_chinese(content: bytes) -> None:
    """Nearly all of them would make characters in GB18030, of which nobody wrote one: the refusal says what to do."""
    with pytest.raises(UnreadableFileError) as caught:
        read_tables(content)
    assert [problem.code for problem in caught.value.problems] == ["not_a_workbook", "other_format"]
    assert "UTF-8" in caught.value.message("zh")
    assert "UTF-8" in caught.value.message("en")


CHINESE = {
    "a few words": csv(("姓名", "电话"), ("龚骞", "138")),
    "foreign names under English headings": csv(("name", "country"), ("布列塔尼", "列支敦士登"), ("卡扎赫", "塞夫劳")),
    "traditional characters": csv(("客戶名稱", "聯絡人"), ("臺灣銀行", "陳大文")),
    "a Japanese word": csv(("客户名称", "备注"), ("鮮の味料理", "の"), ("ラーメン一番", "拉面")),
    "rare names": csv(("name",), ("犇骉",), ("淼焱",), ("叕炎",)),
}


@pytest.mark.parametrize("text", CHINESE.values(), ids=CHINESE)
def test_chinese_stays_chinese(text: str) -> None:
    """What could be bytes of another language is not refused for that."""
    (table,) = read_tables(text.encode("gb18030"))
    assert [",".join(map(str, values)) for _, values in table.rows()] == text.splitlines()[1:]


def test_a_file_from_hong_kong() -> None:
    """Characters of Cantonese stand where Big5 has none."""
    (table,) = read_tables(
        csv(("客戶名稱", "地址"), ("香港邨公司", "深水埗啫喱街"), ("喺度", "嘅")).encode("big5hkscs")
    )
    assert table.header == ("客戶名稱", "地址")
    assert list(table.rows()) == [(2, ("香港邨公司", "深水埗啫喱街")), (3, ("喺度", "嘅"))]


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-le", "utf-32-be", "utf-16", "utf-16-le", "utf-16-be"])
def test_wide_encodings(encoding: str) -> None:
    """UTF-16 and UTF-32 are told with a mark and without."""
    assert phones(TABLE.encode(encoding)) == BOTH


def test_a_wide_text_that_was_cut() -> None:
    """Half a character is no text."""
    with pytest.raises(UnreadableFileError) as caught:
        planned(TABLE.encode("utf-16")[:-1])
    assert caught.value.code == "not_a_workbook"


IDLE = {
    "behind": lambda value: f"{value}\t",
    "before": lambda value: f"\t{value}",
    "in quotes": lambda value: f'"{value}\t"',
}


@pytest.mark.parametrize("spell", IDLE.values(), ids=IDLE)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_tabs_that_keep_a_spreadsheet_from_numbers(spell: Callable[[str], str], delimiter: str) -> None:
    """Shops write one beside each value, with commas between: they are no delimiters and no part of the values."""
    rows = [tuple(map(spell, row)) for row in (HEADINGS, FIRST, SECOND)]
    assert phones(csv(*rows, delimiter=delimiter).encode("gb18030")) == BOTH


def test_tabs_between_blank_cells_are_delimiters() -> None:
    """Most cells of a row may be blank."""
    (table,) = read_tables("名称\t\t\t电话\r\n甲\t\t\t1\r\n乙\t\t\t\r\n".encode())
    assert list(table.rows()) == [(2, ("甲", "1")), (3, ("乙", None))]


def test_a_delimiter_in_a_cell_without_quotes() -> None:
    """What follows it would stand in wrong columns: the row is refused, and those around it are not."""
    address = ("客户名称", "客户类型", "联系人", "联系方式", "企业地址", "备注")
    lines = [
        ",".join(address),
        ",".join((*FIRST, "上海市", "老客户")),
        ",".join((*SECOND, "上海市,浦东新区", "新客户")),
        ",".join(("丙公司", "企业客户", "王五", "13700137000", "北京市", "", "", "")),
    ]
    plan = planned("\n".join(lines).encode())
    assert [(row.row, row.outcome) for row in plan.rows] == [(2, "create"), (3, "rejected"), (4, "create")]
    (problem,) = plan.rejected[0].problems
    assert (problem.code, dict(problem.params), problem.place and problem.place.row) == (
        "surplus_cells",
        {"count": 1},
        3,
    )
    assert plan.rejected[0].raw[:6] == (*SECOND, "上海市", "浦东新区")
    errors = loaded(written(plan)).active
    assert [cell.value for cell in errors[2]][2:8] == [*SECOND, "上海市", "浦东新区"]
    assert problem.message("zh") == "该行比表头多 1 格：内容中的分隔符须加引号，否则后面的内容会错列"


def test_what_stands_beside_a_table_that_a_spreadsheet_saved_as_text() -> None:
    """All lines have as many delimiters then: nothing is misplaced, and the column is told."""
    plan = planned(csv((*HEADINGS, "", ""), (*FIRST, "", ""), (*SECOND, "", "待核实")).encode())
    assert plan.counts.creates == 2
    assert [(problem.code, problem.field) for problem in plan.column_problems] == [("unmapped_column", "F")]


def test_rows_that_begin_with_a_name_of_their_own() -> None:
    """Some programs number the lines without a heading for it, so that every value stands one column too far."""
    plan = planned((csv(HEADINGS) + csv(("1", *FIRST), ("2", *SECOND))).encode())
    assert [problem.code for row in plan.rejected for problem in row.problems] == ["surplus_cells"] * 2


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("45356", dt.date(2024, 3, 5)),
        (" 45356 ", dt.date(2024, 3, 5)),
        ("45356.75", dt.date(2024, 3, 5)),
        ("2024\\3\\5", dt.date(2024, 3, 5)),
        ('"2024,3,5"', dt.date(2024, 3, 5)),
        ("2024年3月5日 下午", dt.date(2024, 3, 5)),
        ("21916", dt.date(1960, 1, 1)),
    ],
)
def test_days_of_a_text_file(text: str, day: dt.date) -> None:
    """A spreadsheet saves the number of a day where the cell lost its format; other spellings have the year first."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", csv((*HEADINGS, "成立时间"), (*FIRST, text)).encode())
        assert [problem.code for row in plan.rows for problem in row.problems] == ["normalised"]
        plan.apply()
        assert [view["founded_on"] for view in session.customers.find().records] == [day]


@pytest.mark.parametrize("text", ["4535", "453567", "2024", "-45356", "45,356", "1709568000"])
def test_numbers_that_are_no_days(text: str) -> None:
    """Other numbers may be years, sums or seconds: they are refused."""
    plan = planned(csv((*HEADINGS, "成立时间"), (*FIRST, f'"{text}"')).encode())
    assert [problem.code for problem in plan.rejected[0].problems] == ["invalid_date"]


def test_numbers_in_other_columns_stay_texts() -> None:
    """Only columns of dates hold days."""
    plan = planned(csv(HEADINGS, ("45356", *FIRST[1:])).encode())
    assert plan.rows[0].raw[0] == "45356"


HEADED = {
    "联系方式(11位)": "phone",
    "联系<br>方式": "phone",
    "联系<BR/>方式&nbsp;": "phone",
    "成立时间（年/月/日）": "founded_on",
    "年采购预算(元)": "annual_budget",
    "年采购预算（单位：元）": "annual_budget",
    "年采购预算/元": "annual_budget",
    "年采购预算(RMB)": "annual_budget",
    "年采购预算(万元)": "annual_budget",
    "年采购预算(美元)": None,
    "客户名称(元)": None,
}


@pytest.mark.parametrize(("heading", "key"), HEADED.items())
def test_headings_with_breaks_hints_and_units(heading: str, key: str | None) -> None:
    """The unit that the field has anyway says nothing new, and 万元 how many of it; another currency is not its own."""
    plan = planned(csv(("所属行业", "职业", heading), ("制造业", "x", "1")).encode())
    assert list(plan.columns.values())[2] == key


def test_a_euro_sign_of_the_chinese_code_page() -> None:
    """Windows writes it as one byte, which no standard has; all else in the file is as usual."""
    content = "客户名称,预算\r\n甲公司,€500\r\n".encode("gb18030").replace("€".encode("gb18030"), b"\x80")
    (table,) = read_tables(content)
    assert (table.header, [values for _, values in table.rows()]) == (("客户名称", "预算"), [("甲公司", "€500")])


@pytest.mark.parametrize("content", [b"\x80\xff,a\r\n1,2\r\n", "Käse,Preis\r\nBrötchen,\x80 5\r\n".encode("latin-1")])
def test_the_byte_of_a_euro_sign_in_other_texts(content: bytes) -> None:
    """Only what is Chinese otherwise is read as such."""
    with pytest.raises(UnreadableFileError) as caught:
        read_tables(content)
    assert caught.value.code == "not_a_workbook"


PADDED = {
    "one, as of a text in memory": TABLE.encode() + b"\0",
    "an odd or even number of bytes": TABLE.replace("\r", "").encode() + bytes(100),
    "an even or odd number of bytes": (TABLE.replace("\r", "") + "\n").encode() + bytes(100),
    "a block": TABLE.encode("gb18030").ljust(4096, b"\0"),
    "many blocks": TABLE.encode("utf-8-sig").ljust(200_000, b"\0"),
    "wide ones": TABLE.encode("utf-16") + bytes(6),
    "an odd number of them behind wide text": TABLE.encode("utf-16") + bytes(7),
    "behind wide text without a mark": TABLE.encode("utf-16-le").ljust(4096, b"\0"),
    "behind the end of a file as old programs mark it": TABLE.encode() + b"\x1a" + bytes(100),
    "behind a workbook": workbook(HEADINGS, FIRST, SECOND) + bytes(3000),
}


@pytest.mark.parametrize("content", PADDED.values(), ids=PADDED)
def test_padding_behind_a_file(content: bytes) -> None:
    """Zero bytes at the end are what a disk, a memory or a transfer left there."""
    assert phones(content) == BOTH


NO_PADDING = {
    "within": (TABLE.encode().replace(b"\r\n", b"\0\r\n"), "text with control characters"),
    "a hole of a block": (TABLE.encode() + bytes(4096) + TABLE.encode(), "text with control characters"),
    "nothing else": (bytes(4096), "zero bytes"),
    "far behind": (TABLE.encode().ljust(70_000, b" ") + b"\0" + TABLE.encode(), "text with control characters"),
}


@pytest.mark.parametrize(("content", "name"), NO_PADDING.values(), ids=NO_PADDING)
def test_zero_bytes_that_are_no_padding(content: bytes, name: str) -> None:
    """Where they stand for something that was lost, the refusal says so."""
    with pytest.raises(UnreadableFileError) as caught:
        read_tables(content)
    assert [problem.code for problem in caught.value.problems] == ["not_a_workbook", "other_format"]
    assert caught.value.problems[1].params == {"format": name}


def spelled(spell: Callable[[str], str], delimiter: str = ",", end: str = "\r\n") -> str:
    """Return a table with a quote and a delimiter in cells, each of which is spelled in some way."""
    rows = (HEADINGS, ('甲"公司",一', *FIRST[1:]), ("乙\\公司", *SECOND[1:]))
    return end.join(delimiter.join(map(spell, row)) for row in rows) + end


QUOTED = {
    "doubled, as is usual": spelled(lambda cell: '"' + cell.replace('"', '""') + '"'),
    "with backslashes, as databases write": spelled(
        lambda cell: '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"'
    ),
    "single ones around each cell": spelled(lambda cell: f"'{cell}'"),
    "single ones between semicolons": spelled(lambda cell: f"'{cell}'", ";"),
}


@pytest.mark.parametrize("text", QUOTED.values(), ids=QUOTED)
def test_quotes_of_databases(text: str) -> None:
    """They escape a quote with a backslash, or quote with apostrophes: names would be other names."""
    (table,) = read_tables(text.encode())
    assert table.header == HEADINGS
    assert [values[0] for _, values in table.rows()] == ['甲"公司",一', "乙\\公司"]


BACKSLASHED = {
    "in the middle of a cell": (r'"张\"三\"丰"', '张"三"丰'),
    "in front of a delimiter": (r'"张\",三"', '张",三'),
    "in front of the end of a line": ('"张\\"\n三"', '张"\n三'),
    "at the end of a cell": (r'"管 5\""', '管 5"'),
    "around all of a cell": (r'"\"张三\""', '"张三"'),
    "beside a path": (r'"C:\\dir\"x\""', r'C:\dir"x"'),
    "none in a cell without quotes": (r"管 5\" 长", r"管 5\" 长"),
    "none at the beginning of such a cell": (r"\"张三\"", r"\"张三\""),
    "none in JSON with usual quotes": (r'"{""a"":""b \""c\""""}"', r'{"a":"b \"c\""}'),
}


@pytest.mark.parametrize(("cell", "value"), BACKSLASHED.values(), ids=BACKSLASHED)
def test_a_quote_behind_a_backslash(cell: str, value: str) -> None:
    """It is one of the text where the table fits together only so, and else both characters are."""
    content = f"客户名称,联系人,联系方式\n甲公司,{cell},13800138000\n乙公司,李四,13900139000\n"
    (table,) = read_tables(content.encode())
    assert [values for _, values in table.rows()] == [
        ("甲公司", value, "13800138000"),
        ("乙公司", "李四", "13900139000"),
    ]


def test_cells_without_quotes_beside_cells_with_backslashes() -> None:
    """A database puts some columns in quotes and others not, and backslashes in all."""
    (table,) = read_tables('名称,规格,备注\n"甲\\"公\\"司",\\"大\\",5\\" 管\n乙公司,小,\n'.encode())
    assert [values for _, values in table.rows()] == [('甲"公"司', '"大"', '5" 管'), ("乙公司", "小", None)]


def test_what_databases_write_for_nothing() -> None:
    """It is no text that anybody wrote."""
    (table,) = read_tables("客户名称\t联系人\n甲公司\t\\N\n乙公司\t李\\N四\n".encode())
    assert [values for _, values in table.rows()] == [("甲公司", None), ("乙公司", "李\\N四")]


def test_a_heading_like_the_mark_of_another_format() -> None:
    """A table may begin with a heading ID and one that begins with P."""
    (table,) = read_tables("ID;PLZ;客户名称\r\n1;10115;甲公司\r\n".encode())
    assert table.header == ("ID", "PLZ", "客户名称")


@pytest.mark.parametrize("path", ['"D:\\客户\\","x"', '"D:\\客户\\"""甲""","x"', "D:\\客户\\,x", '"\\",""'])
def test_a_backslash_that_is_one(path: str) -> None:
    """At the end of a path it escapes nothing."""
    (table,) = read_tables(f'目录,备注\r\n{path}\r\n"a","b"\r\n'.encode())
    assert [len(values) for _, values in table.rows()] == [2, 2]
    assert str(next(table.rows())[1][0]).count("\\") >= 1


def test_apostrophes_that_belong_to_texts() -> None:
    """Where not every heading stands between two of them, they are no quotes."""
    (table,) = read_tables("'客户名称','联系方式\r\n'甲公司','13800138000\r\n".encode())
    assert table.header == ("'客户名称'", "'联系方式")
    assert list(table.rows()) == [(2, ("'甲公司'", "'13800138000"))]


@pytest.mark.parametrize("delimiter", ["^", "~"])
def test_delimiters_that_split_all_rows_alike(delimiter: str) -> None:
    """Programs take them since they stand in no text."""
    assert phones(csv(HEADINGS, FIRST, SECOND, delimiter=delimiter).encode("gb18030")) == BOTH
    (table,) = read_tables(f"期间\r\n一月{delimiter}二月\r\n三月\r\n".encode())
    assert table.header == ("期间",)


@pytest.mark.parametrize("end", ["\u2028", "\x85", "\r"])
def test_line_ends_of_other_machines(end: str) -> None:
    """Where a text has no usual line end, these are meant."""
    assert phones(TABLE.replace("\r\n", end).encode()) == BOTH


def test_the_mark_of_one_encoding_before_text_in_another() -> None:
    """Programs put it in front of whatever they write."""
    assert phones(b"\xef\xbb\xbf" + TABLE.encode("gb18030")) == BOTH
