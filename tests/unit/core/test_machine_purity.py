"""The approval machine runs by itself: no adapter, no workspace, no clock, and the same answer each time."""

from __future__ import annotations

import json
import subprocess
import sys

ALONE = """
import json, sys
from datetime import UTC, datetime

from custinfo.core.approval.commands import Command
from custinfo.core.approval.machine import decide
from custinfo.core.approval.requests import Proposal, Request, RequestId, ResolvedStep
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import RecordId

now = datetime(2024, 3, 15, tzinfo=UTC)
patch = FrozenDict({"status": "lost"})
steps = tuple(ResolvedStep("f", key, FrozenDict(), "all", who) for key, who in (("a", ("bob", "cai")), ("b", ("dan",))))
draft = Request(
    RequestId("r"), "customer", RecordId("c"), "update", patch, patch, (), (), (), "ann", now, state="draft", version=0
)


def played():
    request = draft
    proposal = Proposal(patch, patch, "d", (("f", 1),), steps)
    for actor, command in (
        ("ann", Command("submit", proposal=proposal)),
        ("bob", Command("delegate", to=("eve",))),
        ("eve", Command("approve")),
        ("bob", Command("approve")),
        ("cai", Command("approve")),
        ("dan", Command("return")),
        ("ann", Command("resubmit")),
        ("bob", Command("approve")),
        ("cai", Command("approve")),
        ("dan", Command("approve")),
        ("system", Command("apply")),
    ):
        request, events = decide(request, command, actor=actor, now=now)
        assert events
    return request


assert played() == played()
outer = ("custinfo.adapters", "custinfo.workspace", "custinfo.ports")
loaded = [name for name in sys.modules if name.startswith(outer)]
foreign = [name for name in ("sqlalchemy", "openpyxl", "cattrs", "sqlite3") if name in sys.modules]
print(json.dumps([played().state, loaded, foreign]))
"""


def test_it_runs_with_no_adapter() -> None:
    """A process that only decides loads neither an adapter nor the workspace, and no library of theirs."""
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["applied", [], []]
