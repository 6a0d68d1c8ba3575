"""A workbook that is written over another file keeps who may read it; a new one is as the process makes files."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from custinfo.adapters.excel._output import written

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permissions are those of POSIX")


@pytest.fixture(params=[0o022, 0o077, 0o002])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Make files as a process does that withholds these permissions."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    """Return who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_as_the_process_makes_them(tmp_path: Path, umask: int) -> None:
    """Its permissions are what the umask leaves."""
    with written(tmp_path / "new.xlsx") as file:
        file.write(b"x")
    assert mode(tmp_path / "new.xlsx") == 0o666 & ~umask


@pytest.mark.parametrize("before", [0o600, 0o640, 0o664, 0o444])
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path, umask: int, before: int) -> None:
    """Whatever the umask; and nobody else reads what is half written."""
    target = tmp_path / "old.xlsx"
    target.write_bytes(b"old")
    target.chmod(before)
    with written(target) as file:
        file.write(b"new")
        [beside] = [path for path in tmp_path.iterdir() if path != target]
        assert mode(beside) == before
    assert (mode(target), target.read_bytes()) == (before, b"new")
    assert umask != 0


def test_a_file_stays_with_its_permissions_after_an_error(tmp_path: Path) -> None:
    """What was there is as it was."""
    target = tmp_path / "old.xlsx"
    target.write_bytes(b"old")
    target.chmod(0o640)
    with pytest.raises(LookupError), written(target):
        raise LookupError
    assert (mode(target), target.read_bytes(), len(list(tmp_path.iterdir()))) == (0o640, b"old", 1)
