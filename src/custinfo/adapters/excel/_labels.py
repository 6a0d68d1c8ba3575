"""Header texts: what a person wrote above a column, and what they meant by it."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Final

from custinfo.adapters.excel._cells import CellError, UncachedFormula

__all__ = ["clean_label", "label_text", "normalise_label"]

CJK: Final = r"\u3000-\u303f\u3400-\u9fff\uff00-\uffef"
BETWEEN_CJK: Final = re.compile(rf"(?<=[{CJK}])(?<!\s)[^\S\r\n]*[\r\n]\s*(?=[{CJK}])")
BLANKS: Final = re.compile(r"\s+")
BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
REMARK: Final = re.compile(
    r"\s*[(（\[【〔]\s*(?:[*＊]?\s*(?:必填项?|必须|必需|选填项?|非必填|可选|可不填|required|mandatory|optional)"
    r"(?:[\s,，、;；:：][^)）\]】〕]*)?|[*＊])\s*[)）\]】〕]\s*",
    re.IGNORECASE,
)
LONGEST: Final = 500
CLOSING: Final = ")）]】〕"
INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
STARS: Final = " \t*＊★※:："
ASIDE: Final = re.compile(r"[\s*＊★※:：_\-/·.]+")


def label_text(value: object) -> str:
    """Return a header cell as text; blanks and errors are empty.

    >>> label_text(2024), label_text(None), label_text(" 姓名 ")
    ('2024', '', ' 姓名 ')
    """
    if value is None or isinstance(value, (CellError, UncachedFormula)):
        return ""
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return str(value)


def clean_label(text: str) -> str:
    r"""Return a header without marks of obligation, invisible marks, line breaks and extra blanks.

    Of a long text the beginning counts: it is no header, and the patterns take their time.

    >>> clean_label("*公司名称（必填）"), clean_label("Ben \nAshley"), clean_label("配方中成分含\n量（%）")
    ('公司名称', 'Ben Ashley', '配方中成分含量（%）')
    >>> clean_label("手机<br>号码"), clean_label("客户名称&nbsp;")
    ('手机号码', '客户名称')
    >>> clean_label("*")
    '*'
    """
    text = text[:LONGEST]
    plain = BREAK.sub("\n", text).replace("&nbsp;", " ") if "<" in text or "&" in text else text
    seen = plain if plain.isprintable() else INVISIBLE.sub("", plain)
    joined = BLANKS.sub(" ", BETWEEN_CJK.sub("", seen)).strip()
    end = 1 + max(map(joined.rfind, CLOSING))  # behind the last bracket no remark ends, and looking for one takes long
    end += joined[end : end + 1] == " "
    return (REMARK.sub("", joined[:end]) + joined[end:]).strip(STARS) or joined


def normalise_label(text: str) -> str:
    """Return the form in which two labels are compared: width, case, blanks and punctuation do not count.

    >>> normalise_label("＊Company Name：") == normalise_label("company_name")
    True
    """
    folded = unicodedata.normalize("NFKC", clean_label(text)).casefold()
    return ASIDE.sub("", folded) or folded
