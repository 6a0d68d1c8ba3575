"""Diagrams of flows and requests: complete, safe in Mermaid and XML, and of the table that decides."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from custinfo.core.approval.commands import Command
from custinfo.core.approval.flows import (
    CountQuorum,
    DepartmentHead,
    FieldMember,
    Flow,
    NamedMember,
    PositionHolders,
    RoleHolders,
    ShareQuorum,
    Step,
    TimeLimit,
    Trigger,
    WeightQuorum,
)
from custinfo.core.approval.machine import decide
from custinfo.core.approval.rules import RULES
from custinfo.core.criteria import F
from custinfo.core.diagrams import (
    command_table,
    flow_picture,
    request_picture,
    state_diagram,
    text_width,
    to_mermaid,
    to_svg,
)
from custinfo.testing._samples import NOW, make_request, record_id

FLOW = Flow(
    "f",
    Trigger("customer"),
    (
        Step("a", (NamedMember("lisi"), FieldMember("owner")), '初审 <&"#|', limits=(TimeLimit(24, "remind"),)),
        Step("b", (DepartmentHead(level=2), DepartmentHead("submitter", 3, chain=True)), mode="sequential"),
        Step("c", (RoleHolders("r"), PositionHolders("p")), mode="quorum", quorum=ShareQuorum(50), skip_when=F.x == 1),
        Step("d", (RoleHolders("r"),), mode="quorum", quorum=CountQuorum(2)),
        Step("e", (RoleHolders("r"),), mode="quorum", quorum=WeightQuorum((1,), 1)),
    ),
    "流程",
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_flows_as_svg_are_xml_within_their_frame(language: str) -> None:
    """Every line of a flow is in the SVG, which is well formed, and no text is wider than the frame."""
    picture = flow_picture(FLOW, language, {"lisi": "李四", "r": "管理员"})  # type: ignore[arg-type]
    root = ET.fromstring(to_svg(picture))
    texts = [item.text or "" for item in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [picture.title, *(line for box in picture.boxes for line in (box.title, *box.lines))]
    width = float(root.attrib["width"])
    assert all(text_width(text, 13) <= width for text in texts)
    assert "李四" in texts


def test_mermaid_texts_are_quoted() -> None:
    """What Mermaid would read as syntax stands there as entities."""
    text = to_mermaid(flow_picture(FLOW))
    assert 'n1["初审 #lt;#amp;#quot;#35;#124;<br/>' in text
    assert text.count("-->") == 6


def test_a_request_on_its_way() -> None:
    """The picture of a request shows who decided, who is asked, and what became of it."""
    request = make_request(1, record_id(1), {"title": "x"})
    boxes = request_picture(request, "t", "zh", str.upper).boxes
    assert [(box.title, box.look) for box in boxes] == [
        ("提交", "done"),
        ("初审", "open"),
        ("复审", "plain"),
        ("生效", "end"),
    ]
    assert boxes[1].lines == ("或签", "BOB · 待处理")
    assert boxes[2].lines == ("依次", "CAI · 未开始", "ANN · 未开始")
    request, _ = decide(request, Command("delegate", to=("eve",)), actor="bob", now=NOW)
    assert request_picture(request, "t").boxes[1].lines[1] == "bob · 征求 eve 意见"
    request, _ = decide(request, Command("approve"), actor="eve", now=NOW)
    request, _ = decide(request, Command("reject"), actor="bob", now=NOW)
    ended = request_picture(request, "t", "en").boxes
    assert [box.look for box in ended] == ["done", "stopped", "plain", "stopped"]
    assert (ended[1].lines[1], ended[-1].title) == ("bob · rejected", "Rejected")


def test_the_diagram_of_the_machine_has_every_move() -> None:
    """Each command is in the state diagram and in the table."""
    diagram, table = state_diagram(), command_table()
    assert diagram.startswith("stateDiagram-v2\n")
    assert all(rule.command in diagram and f"| `{rule.command}` |" in table for rule in RULES.values())
    assert "    needs_rebase --> pending: rebase\n" in diagram
