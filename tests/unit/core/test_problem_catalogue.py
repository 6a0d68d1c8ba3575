"""The page with every problem code says what the library says."""

from __future__ import annotations

import ast
import re
import runpy
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from custinfo.core.messages import CHINESE, ENGLISH
from custinfo.core.messages.words import CHINESE_WORDS, ENGLISH_WORDS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "reference" / "problems.md"
COMMAND = "python docs/problem_catalogue.py"
CATALOGUE = runpy.run_path(str(ROOT / "docs" / "problem_catalogue.py"))


def rows() -> list[list[str]]:
    """Return the cells of each row of the page that is about a code, without escapes."""
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    cells = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in lines]
    return [[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in cells]


def test_the_page_is_up_to_date() -> None:
    """The page in the repository is what the script writes."""
    assert PAGE.read_text("utf-8") == CATALOGUE["page"](), f"docs/reference/problems.md is out of date: run `{COMMAND}`"


def test_every_code_stands_on_the_page_once() -> None:
    """Codes, parameters and both texts of each row are those of the messages, and no code is missing."""
    problems = {row[0].strip("`"): (row[2], row[3], row[4]) for row in rows() if len(row) == 6}
    words = {row[0].strip("`"): (row[1], row[2], row[3]) for row in rows() if len(row) == 4}
    assert len(problems) + len(words) == len(rows())
    for found, english, chinese in ((problems, ENGLISH, CHINESE), (words, ENGLISH_WORDS, CHINESE_WORDS)):
        assert {code: texts[1:] for code, texts in found.items()} == {
            code: (english[code], chinese[code]) for code in english
        }
        for code, (parameters, *_) in found.items():
            assert set(re.findall(r"`(\w+)`", parameters)) == set(re.findall(r"{(\w+)}", english[code])), code


def test_topics_name_codes_that_exist() -> None:
    """No topic, severity or advice is left over from a code that is gone, and none stands in two topics."""
    sorted_in = [code for codes in CATALOGUE["TOPICS"].values() for code in codes.split()]
    assert len(sorted_in) == len(set(sorted_in))
    for listed in (sorted_in, CATALOGUE["SEVERITIES"], CATALOGUE["ADVICE"]):
        assert set(listed) <= set(ENGLISH), f"remove it from docs/problem_catalogue.py, then run `{COMMAND}`"


def severities() -> dict[str, set[str]]:
    """Return code → the severities with which the sources make it, where that is written out."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(ast.Name("Problem"), [ast.Constant(str(code)), *_], keywords):
                    found[code].add(next((stated(word.value) for word in keywords if word.arg == "severity"), "error"))
                case ast.Call(
                    ast.Attribute(ast.Call() | ast.Name("spot"), "problem"), [ast.Constant(str(code)), *_], words
                ):
                    level = next((word.value for word in words if word.arg == "severity"), ast.Constant("error"))
                    found[code].add(str(level.value) if isinstance(level, ast.Constant) else "varies")
                case ast.Call(ast.Attribute(_, "remark"), [_]):
                    found["normalised"].add("notice")
                case ast.Call(ast.Attribute(_, "remark"), [_, ast.Constant(str(code))]):
                    found[code].add("notice")
                case ast.Call(ast.Attribute(_, "warn"), [_, ast.Constant(str(code))]):
                    found[code].add("warning")
    return found


def stated(value: Any) -> str:
    """Return the severity that a source names."""
    assert isinstance(value, ast.Constant)
    return str(value.value)


def test_severities_are_those_of_the_sources() -> None:
    """A code that is written as a warning or a notice is listed as one, and what is listed is nowhere only an error."""
    found = {code: kinds for code, kinds in severities().items() if code in ENGLISH and "varies" not in kinds}
    listed: dict[str, str] = CATALOGUE["SEVERITIES"]
    assert {code for code, kinds in found.items() if kinds != {"error"} and listed.get(code) not in kinds} == set()
    assert {code for code, severity in listed.items() if severity not in found.get(code, {severity})} == set()


@pytest.mark.parametrize("code", sorted(CATALOGUE["ADVICE"]))
def test_advice_can_be_read(code: str) -> None:
    """Advice is whole sentences, and breaks no row."""
    advice = CATALOGUE["ADVICE"][code]
    assert advice.endswith((".", "。"))
    assert not set("|\n") & set(advice)
