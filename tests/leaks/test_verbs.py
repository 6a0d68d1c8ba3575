"""The list of verbs that the twins are asked is complete: whoever adds a verb says how it is asked, or why not."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import custinfo.adapters.excel
from custinfo import AccessLog, Approvals, LiveConfiguration, Records, Retention, Session, Workspace
from tests.leaks.calls import VERBS, Verb

HOMES: dict[str, Any] = {
    "Records": Records,
    "Session": Session,
    "AccessLog": AccessLog,
    "Retention": Retention,
    "Approvals": Approvals,
    "LiveConfiguration": LiveConfiguration,
    "Workspace": Workspace,
    "custinfo.adapters.excel": custinfo.adapters.excel,
}


def public(home: Any) -> set[str]:
    """Return the public names of a class, also of those attributes that its instances are given, or of a module."""
    if not isinstance(home, type):
        return set(home.__all__)
    made = re.findall(r"self\.([a-z]\w*)\s*(?::[^=\n]+)?=[^=]", inspect.getsource(home))
    return {name for name in (*dir(home), *made) if not name.startswith("_")}


@pytest.mark.parametrize("home", HOMES)
def test_verbs_are_listed(home: str) -> None:
    """Every public name of what a member gets into their hands is in the list, and nothing else is."""
    assert set(VERBS[home]) == public(HOMES[home])


def test_reasons_are_given() -> None:
    """What is not asked has a reason."""
    for home, verbs in VERBS.items():
        for name, verb in verbs.items():
            assert isinstance(verb, Verb) or len(verb) > 5, f"{home}.{name}"
