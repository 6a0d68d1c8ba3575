"""From the bytes of a text file to its text: UTF-8, UTF-16, UTF-32, GB18030 and Big5, told by what they hold.

Windows writes the euro sign in Chinese texts as one byte, which no standard has; it is read as such.

Bytes of nearly any other code page are valid GB18030, too, and read as characters that nobody wrote. So what is read
as such is looked at: Western, Japanese and Korean bytes are refused, and whoever gets the refusal can save it as UTF-8.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from itertools import islice
from typing import Final

from custinfo.adapters.excel._limits import other_format
from custinfo.adapters.excel._sniff import wide_encoding_of
from custinfo.adapters.excel._usual_characters import share_of_usual

__all__ = ["decoded"]

UNASSIGNED: Final = re.compile("[\ue000-\uf8ff]")
DOUBLE: Final = re.compile("[^\0-\x7f]")
_COUNTED: Final = 10_000
_LOOKED_AT: Final = 65_536
_MOST_UNASSIGNED: Final = 5
"""One character of so many may be one that only the writer's own fonts have."""
_TRADITIONAL: Final = ("cp950", "big5hkscs")
_NEIGHBOURS: Final = ("cp932", "euc_jp", "cp949")
_LEAST_USUAL: Final = 0.4
_EURO: Final = "€".encode("gb18030")
_LONE_EURO: Final = re.compile(
    rb"(?:[\0-\x7f]++|(?:[\x81-\xfe][\x40-\x7e\x80-\xfe])++|[\x81-\xfe][0-9][\x81-\xfe][0-9])++|(\x80)"
)
"""Characters of GB18030, or the byte of a euro sign where one may begin."""


def decoded(content: bytes) -> str:
    r"""Return the text. A file without a mark is UTF-8 if it can be, else GB18030, or Big5 if it is no text in that.

    >>> decoded("姓名".encode("gb18030")), decoded(b"\xef\xbb\xbfa"), decoded("電話".encode("utf-16"))
    ('姓名', 'a', '電話')
    >>> decoded("客戶名稱,電話".encode("big5"))
    '客戶名稱,電話'
    """
    for encoding in (wide,) if (wide := wide_encoding_of(content)) else ("utf-8-sig", "gb18030"):
        try:
            text = _decoded(content, encoding).rstrip("\0")
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise other_format("text with control characters")
        return text if encoding != "gb18030" else _of_several_bytes(content, text)
    raise other_format("text in no known encoding")


def _decoded(content: bytes, encoding: str) -> str:
    if encoding == "gb18030":
        content = content.removeprefix(BOM_UTF8)  # programs put it in front of whatever they write
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "gb18030" or b"\x80" not in content:
            raise
    return _LONE_EURO.sub(lambda found: _EURO if found[1] else found[0], content).decode(encoding)


def _of_several_bytes(content: bytes, text: str) -> str:
    """Return the text of a file that GB18030 can read. Raises: UnreadableFileError where it is something else."""
    if UNASSIGNED.search(text) and (traditional := _traditional(content)) is not None:
        return traditional
    if _has_many_unassigned(text) or _is_western(text) or _is_of_a_neighbour(content, text):
        raise other_format("text in no known encoding")
    return text


def _has_many_unassigned(text: str) -> bool:
    found = [UNASSIGNED.match(match[0]) for match in islice(DOUBLE.finditer(text), _COUNTED)]
    return _MOST_UNASSIGNED * (len(found) - found.count(None)) > len(found)


def _is_western(text: str) -> bool:
    """Tell letters with accents that were read as Chinese: each takes the letter behind it along.

    The characters that people write have two bytes above ASCII, but for few names.

    >>> _is_western("Köln, Zürich".encode("cp1252").decode("gb18030")), _is_western("张三,朱镕基")
    (True, False)
    """
    found = [match[0].encode("gb18030")[-1:].isalpha() for match in islice(DOUBLE.finditer(text), _COUNTED)]
    return 2 * sum(found) > len(found)


def _is_of_a_neighbour(content: bytes, text: str) -> bool:
    """Tell Japanese and Korean that were read as Chinese: they are usual words in their own code page, and none here.

    >>> gb, korean = "客户名称", "고객명 전화번호".encode("euc_kr")
    >>> _is_of_a_neighbour(gb.encode("gbk"), gb), _is_of_a_neighbour(korean, korean.decode("gbk"))
    (False, True)
    """
    share = share_of_usual(text)
    return share is not None and any(_usual_in(content, page) > max(2 * share, _LEAST_USUAL) for page in _NEIGHBOURS)


def _usual_in(content: bytes, page: str) -> float:
    """Return which part of the characters are usual ones in a code page; 0 where the first lines are no text in it."""
    head = content if len(content) <= _LOOKED_AT else content[:_LOOKED_AT].rpartition(b"\n")[0]
    try:
        return share_of_usual(head.decode(page), kana=True) or 0
    except UnicodeDecodeError:
        return 0


def _traditional(content: bytes) -> str | None:
    """Return the text of a file from Taiwan or Hong Kong: read as GB18030 it has characters that nobody writes."""
    for page in _TRADITIONAL:
        try:
            text = content.decode(page)
        except UnicodeDecodeError:
            continue
        if not UNASSIGNED.search(text):
            return text
    return None
