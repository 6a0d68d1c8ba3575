"""A short run of the fuzzer (`nox -s fuzz` is the long one): damaged files give our own errors only."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fuzz.cases import ROOT, WORKBOOKS, case


@pytest.mark.skipif(not WORKBOOKS.is_dir(), reason=f"no workbooks in {WORKBOOKS}: set CUSTINFO_SHARED")
def test_damaged_files() -> None:
    """Neither another exception nor a hang nor the end of the process comes of them."""
    command = [sys.executable, "-m", "tests.fuzz", "--cases", "150", "--seed", "7"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not WORKBOOKS.is_dir(), reason=f"no workbooks in {WORKBOOKS}: set CUSTINFO_SHARED")
def test_cases_are_told_by_their_numbers() -> None:
    """A case is the same whenever it is made, and others are others."""
    assert case(3, 1) == case(3, 1)
    assert len({case(number, 1) for number in range(20)}) > 15
