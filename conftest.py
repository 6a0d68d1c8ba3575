"""Collect the examples of README.md, docs and docstrings as tests, by Sybil; settle how hypothesis makes its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from doctest import ELLIPSIS
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

ROOT = Path(__file__).parent

# Pages have properties, too. None depends on how busy the machine is, and on CI every run has the same examples.
settings.register_profile(
    "custinfo", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("custinfo")


def enter_folder(namespace: dict[str, Any]) -> None:
    """Let the examples of a page write their files into a folder of their own, beside a sample workbook."""
    folder = tempfile.mkdtemp(prefix="custinfo-examples-")
    shutil.copy(ROOT / "examples" / "data" / "customers.xlsx", folder)
    namespace["_folders"] = (folder, os.getcwd())
    os.chdir(folder)


def leave_folder(namespace: dict[str, Any]) -> None:
    """Go back, and remove what the examples wrote."""
    folder, before = namespace["_folders"]
    workspace = namespace.get("workspace")
    if workspace is not None:
        workspace.close()
    os.chdir(before)
    shutil.rmtree(folder, ignore_errors=True)


pages = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS), SkipParser()],
    # A pattern without a slash meets files at any depth; `docs/**/*.md` would miss some before Python 3.13.
    patterns=["README.md", "docs/*.md", "docs/*/*.md"],
    setup=enter_folder,
    teardown=leave_folder,
)
docstrings = Sybil(parsers=[DocTestParser(optionflags=ELLIPSIS)], path="src", patterns=["*.py"])

pytest_collect_file = (pages + docstrings).pytest()
