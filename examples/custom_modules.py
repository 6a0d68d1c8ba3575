"""A module of one's own, and every verb on it: contracts, defined by the data in `data/contract.json` alone.

Run `python examples/custom_modules.py [folder]`; it leaves its files in the folder (`out` when none is given).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from openpyxl import load_workbook

from custinfo import (
    ANY,
    Applied,
    AwaitingApproval,
    CustinfoError,
    F,
    FieldDefinition,
    InSegment,
    Outcome,
    RecordView,
    Tagged,
    Workspace,
    configuration_from_json,
)
from custinfo.adapters.excel import ExportReport, export, plan_import, write_template
from custinfo.standard import sample_organisation, standard_configuration

PART = configuration_from_json((Path(__file__).parent / "data" / "contract.json").read_text("utf-8"))
"""The module, its dictionaries, tags, grades, segment, grants and flows: the part of a configuration that is new."""

BASICS = {"客户类型": "企业客户", "联系人": "周雨桐", "联系方式": "13800000001"}
CONTRACT = {"合同编号": "HT-2024-001", "合同名称": "产线设备", "合同金额": "60万", "已回款金额": "15万"}
SERVICE = {"合同编号": "HT-2024-002", "合同名称": "系统维保", "合同金额": 80000, "合同状态": "履行中"}
DRAFT = {"合同编号": "HT-2024-003", "合同名称": "仓储咨询", "合同金额": "5万"}
ROWS = """
HT-2024-010 | 仓储系统     | {wangchao} | 1,200,000 | 20万  | 2024年3月1日 | 2025/2/28 | 履行中 |  | 王五
HT-2024-011 | 备件框架     | {lanzhou}  | 45000     |       |              |           |        |  | 李四
2024-12     | 编号不符     | {jichuan}  | 10000     |       |              |           |        |  | 李四
HT-2024-013 | 客户写成名称 | 霁川电子   | 10000     |       |              |           |        |  | 李四
HT-2024-014 | 到期早于签订 | {jichuan}  | -5        |       | 2024-5-1     | 2024-4-30 |        |  | 李四
HT-2024-015 | 没有签订     | {jichuan}  | 10000     | 2万   |              |           | 履行中 |  | 张三丰
HT-2024-010 | 编号重复     | {wangchao} | 10000     |       |              |           |        |  | 王五
HT-2024-001 |              |            | 75万      |       |              |           |        |  |
HT-2024-002 |              |            |           | 80000 |              |           | 已完成 |  |
"""


def applied(outcome: Outcome) -> RecordView:
    """Return the record of a change that took effect."""
    assert isinstance(outcome, Applied)
    return outcome.record


@contextmanager
def refused() -> Iterator[None]:
    """Print why what is done within is refused."""
    try:
        yield
    except CustinfoError as error:
        for problem in error.problems:
            print("  Refused:", problem.message())


def create(workspace: Workspace) -> tuple[str, dict[str, str]]:
    """Create customers and contracts with them; return the id of the first contract, and those of the customers."""
    ids: dict[str, str] = {}
    with workspace.acting_as("wangwu") as session:
        ids["wangchao"] = applied(session.customers.create(BASICS | {"客户名称": "宁波望潮物流有限公司"})).id
        session.records("contract").create(DRAFT | {"客户": ids["wangchao"]})
    with workspace.acting_as("lisi") as session:
        won = {"客户状态": "成交", "合同金额": "68万", "生效日期": "2024-3-1"}
        ids["jichuan"] = applied(session.customers.create(BASICS | won | {"客户名称": "苏州霁川电子有限公司"})).id
        ids["lanzhou"] = applied(session.customers.create(BASICS | {"客户名称": "杭州澜舟软件有限公司"})).id
        contracts = session.records("contract")
        with refused():
            contracts.create({"合同编号": "HT1", "客户": "霁川电子", "合同金额": "六十万", "合同状态": "履行中"})
        first = applied(contracts.create(CONTRACT | {"客户": ids["jichuan"]}, tags=("合同类型", "采购")))
        print(f"  {first['number']}: {first['outstanding']} outstanding, grade {first.text('合同等级')}")
        with refused():
            contracts.create(CONTRACT | {"客户": ids["lanzhou"]})
        dates = {"签订日期": "2024年1月8日", "到期日期": "2024/7/31"}
        contracts.create(SERVICE | dates | {"客户": ids["lanzhou"]}, tags=("合同类型", "服务"))
    return first.id, ids


def change(workspace: Workspace, contract: str) -> None:
    """Move a contract along its life cycle, and look at what it was before."""
    with workspace.acting_as("lisi") as session:
        contracts = session.records("contract")
        with refused():
            contracts.update(contract, {"合同状态": "已完成"}, version=1)
        with refused():
            contracts.update(contract, {"合同状态": "履行中", "已回款金额": "61万"}, version=1)
        signed = {"合同状态": "履行中", "签订日期": "2024-3-1", "到期日期": "2024-8-31"}
        contracts.update(contract, signed, version=1, reason="双方签字")
        contracts.update(contract, {"已回款金额": "30万"}, version=2)
        first, *_ = contracts.history(contract)
        print("  At first:", contracts.as_of(contract, first.at).text("合同状态"))
        old, new = contracts.diff(contract, 2, 3)["outstanding"]
        print(f"  Outstanding: from {old} to {new}")
        contracts.revert(contract, to_version=2, version=3, reason="回款记错")
        for item in contracts.history(contract):
            print(f"  Version {item.version}: {item.action}, paid {item.fields.get('paid', ('', 'as before'))[1]}")


def ask(workspace: Workspace) -> None:
    """Let people of several roles ask."""
    with workspace.acting_as("lisi") as session:
        contracts = session.records("contract")
        page = contracts.find(F.customer.status == "成交", order_by="-amount")
        print("  With customers that were won:", *(view["name"] for view in page.records))
        print("  Ending within three months, not paid:", contracts.count(InSegment("即将到期未回款")))
        print("  Of these for services:", contracts.count(InSegment("即将到期未回款") & Tagged("合同类型", "服务")))
        print("  By grade:", contracts.distribution("grade"))
    for person in ("lisi", "wangwu", "zhaojl"):
        with workspace.acting_as(person) as session:
            found = session.records("contract").find(order_by="number").records
            print(f"  {person} sees", *(view["number"] for view in found))
    with workspace.acting_as("qianba") as session:
        found = session.records("contract").find(order_by="number").records
        due = sum(view["outstanding"] for view in found)
        print(f"  qianba sees {', '.join(sorted(found[0].visible))} of {len(found)}; outstanding: {due}")


def approve(workspace: Workspace, contract: str) -> None:
    """Let the head of the department decide about the amount of a large contract, and about the end of it."""
    for values, decision in ({"合同金额": "72万"}, "approve"), ({"合同状态": "已终止", "终止原因": "停产"}, "reject"):
        with workspace.acting_as("lisi") as session:
            outcome = session.records("contract").update(contract, values, version=ANY)
            assert isinstance(outcome, AwaitingApproval)
        with workspace.acting_as("zhaojl") as session:
            [task] = session.approvals.inbox()
            proposed = ", ".join(f"{key} {value}" for key, value in task.request.proposed.items())
            state = getattr(session.approvals, decision)(task.request_id).state
            view = session.records("contract").get(contract)
            print(f"  {task.request.submitted_by} wants {proposed}: {state}; {view['amount']}, {view.text('status')}")


def hand_over(workspace: Workspace, contract: str) -> None:
    """Tag a contract, archive and restore it, and give it away."""
    with workspace.acting_as("lisi") as session:
        contracts = session.records("contract")
        view = applied(contracts.tag(contract, ("合同类型", "框架"), version=ANY))
        print("  Tags:", *(tag.value for tag in view.tags))
        view = applied(contracts.archive(contract, version=view.version))
        print("  Without the archived one:", contracts.count())
        contracts.restore(contract, version=view.version)
    with workspace.acting_as("zhaojl") as session:
        view = applied(session.records("contract").transfer(contract, "王五", version=ANY))
        print("  Now of", view.text("负责人"))
    with workspace.acting_as("lisi") as session:  # the customer is still theirs
        print(" ", session.explain("view", "contract", contract))
        print(" ", session.explain("update", "contract", contract))


def exchange(workspace: Workspace, ids: dict[str, str], folder: Path) -> None:
    """Fill in a template, import it, give the mistakes back, undo it, and export."""
    with workspace.acting_as("sunjiu") as session:
        write_template(session, "contract", folder / "合同导入模板.xlsx")
        workbook = load_workbook(folder / "合同导入模板.xlsx")
        for line in ROWS.format(**ids).strip().splitlines():
            workbook.worksheets[0].append([cell.strip() or None for cell in line.split("|")])
        workbook.save(folder / "合同.xlsx")
        plan = plan_import(session, "contract", folder / "合同.xlsx")
        print(f"  {plan.counts}")
        for row in (*plan.rejected, *plan.duplicates):
            print(f"  Row {row.row}:", *(problem.message() for problem in row.problems if problem.severity == "error"))
        report = plan.apply()
        report.write_errors(folder / "合同-错误.xlsx")
        print("  By grade:", session.records("contract").distribution("grade"))
    undone = workspace.undo_import(report.batch_id, actor="sunjiu")
    print(f"  Undone: {len(undone.removed)} gone, {len(undone.reverted)} as before, {len(undone.withdrawn)} withdrawn")
    with workspace.acting_as("zhaojl") as session:
        match export(session, "contract", folder / "合同-导出.xlsx", order_by=["number"]):
            case ExportReport(rows):
                print("  Exported:", rows)
            case AwaitingApproval(request):
                print("  Waits for", *request.waiting_for)


def at_run_time() -> None:
    """Add the module to a system in use, change it, and take the change back."""
    with Workspace.open("memory://", standard_configuration(), organisation=sample_organisation()) as workspace:
        with workspace.acting_as("admin") as session:
            plan = session.configuration.plan(session.configuration.current.extended(PART))
            print("  New:", *(item.key for item in plan.changes if item.action == "added"))
            plan.apply(reason="上线合同管理")
        with workspace.acting_as("lisi") as session:
            customer = applied(session.customers.create(BASICS | {"客户名称": "苏州霁川电子有限公司"})).id
            contract = applied(session.records("contract").create(CONTRACT | {"客户": customer})).id
        with workspace.acting_as("admin") as session:
            live = session.configuration
            with refused():  # the formula names the field by its label: keep that as an alias
                live.change(live.current.change_field("contract", "amount", label="签约金额"))
            wanted = live.current.change_field("contract", "amount", label="签约金额", aliases=("合同金额",))
            live.change(wanted.with_fields("contract", FieldDefinition("place", "text", "签订地点")), reason="新叫法")
        with workspace.acting_as("lisi") as session:
            view = applied(session.records("contract").update(contract, {"签订地点": "苏州"}, version=1))
            print(f"  {view['签约金额']} in {view['签订地点']}, {view['未回款金额']} outstanding")
        with workspace.acting_as("admin") as session, refused():
            session.configuration.undo(3).apply()
        with workspace.acting_as("lisi") as session:
            session.records("contract").update(contract, {"签订地点": None}, version=2)
        with workspace.acting_as("admin") as session:
            session.configuration.undo(3).apply(reason="不再需要")
            for revision in session.configuration.revisions():
                print(f"  Version {revision.version} by {revision.actor or 'the code'}: {revision.reason or ''}")


def main(folder: Path) -> None:
    """Run the story on a new database, with a clock that every run reads alike."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contracts.db").unlink(missing_ok=True)
    configuration, seconds = standard_configuration().extended(PART), count()
    with Workspace.open(
        f"sqlite:///{folder / 'contracts.db'}",
        configuration,
        organisation=sample_organisation(),
        clock=lambda: datetime(2024, 6, 3, 1, tzinfo=UTC) + timedelta(seconds=next(seconds)),
    ) as workspace:
        print("Create, and compute")
        contract, ids = create(workspace)
        print("Change, look back, revert")
        change(workspace, contract)
        print("Ask")
        ask(workspace)
        print("Approve")
        approve(workspace, contract)
        print("Tag, archive, give away, explain")
        hand_over(workspace, contract)
        print("Import, undo, export")
        exchange(workspace, ids, folder)
    print("The same at run time")
    at_run_time()
    print("Files:", ", ".join(sorted(path.name for path in folder.iterdir())))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
