"""Text files of other programs, languages and machines: read as they were meant, or refused, never as other words."""

import pytest

from custinfo import UnreadableFileError
from custinfo.adapters.excel.reading import read_tables
from tests.adapters.excel.test_peoples_files import BOTH, FIRST, HEADINGS, SECOND, csv, phones, planned

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
    (table,) = read_tables(csv(("客戶名稱", "地址"), ("香港邨公司", "深水埗啫喱街"), ("喺度", "嘅")).encode("big5hkscs"))
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
