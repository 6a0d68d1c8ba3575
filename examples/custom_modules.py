"""A module of one's own, and every verb on it: contracts, defined by the data in `data/contract.json` alone.

Run `python examples/custom_modules.py [folder]`; it leaves its files in the folder (`out` when none is given).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from openpyxl import load_workbook

from custinfo import (
    ANY,
    Applied,
    AwaitingApproval,
    Configuration,
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
from custinfo.adapters.excel import export, plan_import, write_template
from custinfo.standard import sample_organisation, standard_configuration

CONTRACTS = Path(__file__).parent / "data" / "contract.json"


def extended(known: Configuration, part: Configuration) -> Configuration:
    """Return a configuration with all that `part` defines: a module, and what belongs to it."""
    return (
        known.with_modules(*part.modules.values())
        .with_dictionaries(*part.dictionaries.values())
        .with_tag_dimensions(*part.tag_dimensions.values())
        .with_classifications(*part.classifications.values())
        .with_segments(*part.segments.values())
        .with_grants(*part.grants)
        .with_flows(*part.flows.values())
    )


def applied(outcome: Outcome) -> RecordView:
    """Return the record of a change that took effect."""
    assert isinstance(outcome, Applied)
    return outcome.record


def refused(call: Callable[[], object]) -> None:
    """Do what is going to be refused, and print why."""
    try:
        call()
    except CustinfoError as error:
        for problem in error.problems:
            print("  Refused:", problem.message())


def create(workspace: Workspace) -> tuple[RecordView, list[str]]:
    """Create customers and contracts with them; return the contract of the story, and the ids of the customers."""
    print("Create")
    basics = {"客户类型": "企业客户", "联系人": "周雨桐", "联系方式": "13800000001", "生效日期": "2024-1-1"}
    with workspace.acting_as("wangwu") as session:
        other = session.customers.create(basics | {"客户名称": "宁波望潮物流有限公司"})
    with workspace.acting_as("lisi") as session:
        won = session.customers.create(basics | {"客户名称": "苏州霁川电子", "客户状态": "成交", "合同金额": "68万"})
        open_ = session.customers.create(basics | {"客户名称": "杭州澜舟软件有限公司"})
        ids = [applied(outcome).id for outcome in (won, open_, other)]
        contracts = session.records("contract")
        wrong = {"合同编号": "HT1", "客户": "苏州霁川电子", "合同金额": "六十万", "到期日期": "2024-2-30", "合同状态": "履行中"}
        refused(lambda: contracts.create(wrong))
        values = {"合同编号": "HT-2024-001", "合同名称": "产线设备", "客户": ids[0], "合同金额": "60万", "已回款金额": "15万"}
        contract = applied(contracts.create(values, tags=("合同类型", "采购")))
        print(f"  {contract['number']}: {contract['outstanding']} outstanding, grade {contract.text('合同等级')}")
        refused(lambda: contracts.create(values))
        others = {"合同编号": "HT-2024-002", "合同名称": "系统维保", "客户": ids[1], "合同金额": 80000, "合同状态": "履行中"}
        contracts.create(others | {"签订日期": "2024年1月8日", "到期日期": "2024/7/31"}, tags=("合同类型", "服务"))
    return contract, ids


def change(workspace: Workspace, contract: RecordView) -> None:
    """Move the contract along its life cycle, and look at what it was before."""
    print("Change, look back and revert")
    with workspace.acting_as("lisi") as session:
        contracts = session.records("contract")
        refused(lambda: contracts.update(contract.id, {"合同状态": "已完成"}, version=contract.version))
        refused(lambda: contracts.update(contract.id, {"合同状态": "履行中"}, version=contract.version))
        signed = {"合同状态": "履行中", "签订日期": "2024-3-1", "到期日期": "2024-8-31"}
        view = applied(contracts.update(contract.id, signed, version=contract.version, reason="双方签字"))
        refused(lambda: contracts.update(contract.id, {"已回款金额": "61万"}, version=view.version))
        view = applied(contracts.update(contract.id, {"已回款金额": "30万"}, version=view.version))
        first, *_ = contracts.history(contract.id)
        print(f"  As of the first change: {contracts.as_of(contract.id, first.at).text('合同状态')}")
        print("  From version 2 to 3:", contracts.diff(contract.id, 2, 3))
        view = applied(contracts.revert(contract.id, to_version=2, version=view.version, reason="回款记错"))
        for item in contracts.history(contract.id):
            print(f"  Version {item.version}, {item.action} by {item.actor}: {', '.join(item.fields)}")


def ask(workspace: Workspace) -> None:
    """Let people of four roles ask."""
    print("Ask")
    with workspace.acting_as("lisi") as session:
        contracts = session.records("contract")
        page = contracts.find(F.customer.status == "成交", order_by="-amount")
        print("  With customers that were won:", *(view["name"] for view in page.records))
        print("  Ending within three months, not paid:", contracts.count(InSegment("即将到期未回款")))
        print("  Services:", contracts.count(Tagged("合同类型", "服务")))
        print("  By grade:", contracts.distribution("grade"), "by status:", contracts.distribution("status"))
    for person in ("wangwu", "zhaojl", "qianba", "liuqi"):
        with workspace.acting_as(person) as session:
            may_view = session.explain("view", "contract")
            found = session.records("contract").find(order_by="number").records if may_view else ()
            print(f"  {person} sees {len(found)}", *(f"{view['number']} {dict(view)}" for view in found[:1]))


def approve(workspace: Workspace, contract: RecordView) -> None:
    """Let the head of the department decide about the amount of a large contract, and about the end of it."""
    print("Approve")
    for values, decision in ({"合同金额": "72万"}, "approve"), ({"合同状态": "已终止", "终止原因": "停产"}, "reject"):
        with workspace.acting_as("lisi") as session:
            contracts = session.records("contract")
            outcome = contracts.update(contract.id, values, version=ANY, reason="客户来函")
            assert isinstance(outcome, AwaitingApproval)
            refused(lambda: contracts.update(contract.id, values, version=ANY))
        with workspace.acting_as("zhaojl") as session:
            for task in session.approvals.inbox():
                request = task.request
                print(f"  {request.submitted_by} asks for {dict(request.proposed)} ({', '.join(request.flows)})")
                decided = getattr(session.approvals, decision)(task.request_id)
                print(f"  {decided.state}:", session.records("contract").get(task.record_id)["合同金额"])


def hand_over(workspace: Workspace, contract: RecordView) -> None:
    """Tag a contract, give it away, archive and restore it."""
    print("Tag, transfer, archive and restore")
    with workspace.acting_as("lisi") as session:
        view = applied(session.records("contract").tag(contract.id, ("合同类型", "框架"), version=ANY))
        print("  Tags:", *(tag.value for tag in view.tags))
        view = applied(session.records("contract").archive(contract.id, version=view.version))
        print("  Contracts:", session.records("contract").count())
        view = applied(session.records("contract").restore(contract.id, version=view.version))
    with workspace.acting_as("zhaojl") as session:
        view = applied(session.records("contract").transfer(contract.id, "王五", version=view.version, reason="换人"))
        print("  Now of", view.text("负责人"))
    with workspace.acting_as("lisi") as session:  # still sees it, since the customer is theirs, but can't change it
        print(f"  {session.explain('view', 'contract', contract.id)}")
        print(f"  {session.explain('update', 'contract', contract.id)}")
        refused(lambda: session.records("contract").update(contract.id, {"合同名称": "产线"}, version=ANY))


def exchange(workspace: Workspace, ids: list[str], folder: Path) -> None:
    """Fill in a template, import it, hand the mistakes back, undo, and export."""
    print("Import and export")
    won, open_, other = ids
    with workspace.acting_as("sunjiu") as session:
        write_template(session, "contract", folder / "合同导入模板.xlsx")
        workbook = load_workbook(folder / "合同导入模板.xlsx")
        sheet = workbook.worksheets[0]
        print("  Template:", *(cell.value for cell in sheet[1]))
        for row in (
            ("HT-2024-010", "仓储系统", other, "1,200,000", "20万", "2024年3月1日", "2025/2/28", "履行中", None, "王五"),
            ("HT-2024-011", "备件框架", open_, 45000, None, None, None, None, None, "李四"),
            ("2024-12", "编号不符", won, 10000, None, None, None, None, None, "李四"),
            ("HT-2024-013", "客户写成名称", "苏州霁川电子", 10000, None, None, None, None, None, "李四"),
            ("HT-2024-014", "到期早于签订", won, -5, None, "2024-5-1", "2024-4-30", None, None, "李四"),
            ("HT-2024-015", "没有签订", won, 10000, "2万", None, None, "履行中", None, "张三丰"),
            ("HT-2024-010", "重复", other, 10000, None, None, None, None, None, "王五"),
            ("HT-2024-001", None, None, "75万", None, None, None, None, None, None),
            ("HT-2024-002", None, None, None, 80000, None, None, "已完成", None, None),
        ):
            sheet.append(row)
        workbook.save(folder / "合同.xlsx")
        plan = plan_import(session, "contract", folder / "合同.xlsx")
        print(f"  {plan.counts}")
        for planned in (*plan.rejected, *plan.duplicates):
            for problem in planned.problems:
                if problem.severity == "error":
                    print(f"  Row {planned.row}: {problem.message()}")
        report = plan.apply()
        report.write_errors(folder / "合同-错误.xlsx")
        contracts = session.records("contract")
        print("  Contracts:", contracts.count(), "with", contracts.distribution("合同等级"))
    undone = workspace.undo_import(report.batch_id, actor="sunjiu")
    print(f"  Undone: {len(undone.removed)} removed, {len(undone.reverted)} as before, {len(undone.withdrawn)} withdrawn")
    with workspace.acting_as("lisi") as session:
        done = export(session, "contract", folder / "合同-导出.xlsx", order_by=["number"])
        print("  Exported:", done.rows)


def at_run_time(part: Configuration) -> None:
    """Add the module to a system in use, change it, and take the last change back."""
    print("At run time")
    with Workspace.open("memory://", standard_configuration(), organisation=sample_organisation()) as workspace:
        with workspace.acting_as("admin") as session:
            plan = session.configuration.plan(extended(session.configuration.current, part))
            for change in plan.changes:
                print(f"  {change.action} {change.part} {change.key}")
            print("  Version", plan.apply(reason="上线合同管理").version)
        with workspace.acting_as("lisi") as session:
            basics = {"客户类型": "企业客户", "联系人": "周雨桐", "联系方式": "13800000001", "客户名称": "苏州霁川电子"}
            customer = applied(session.customers.create(basics))
            values = {"编号": "HT-2024-001", "合同名称": "产线设备", "客户": customer.id, "合同金额": "60万"}
            contract = applied(session.records("contract").create(values))
        with workspace.acting_as("admin") as session:
            live = session.configuration
            wanted = live.current.change_field("contract", "name", label="标题").with_fields(
                "contract", FieldDefinition("place", "text", "签订地点")
            )
            print("  Version", live.change(wanted, reason="业务部要求").version)
        with workspace.acting_as("lisi") as session:
            view = applied(session.records("contract").update(contract.id, {"签订地点": "苏州"}, version=ANY))
            print("  ", view["标题"], view["签订地点"])
        with workspace.acting_as("admin") as session:
            live = session.configuration
            refused(lambda: live.undo(live.current.version).apply())
            refused(lambda: live.change(standard_configuration()))
            refused(lambda: live.change(live.current.change_field("contract", "amount", label="签约金额")))


def main(folder: Path) -> None:
    """Run the story on a new database."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contracts.db").unlink(missing_ok=True)
    part = configuration_from_json(CONTRACTS.read_text("utf-8"))
    seconds = count()
    settings = {
        "organisation": sample_organisation(),
        "clock": lambda: datetime(2024, 6, 3, 1, tzinfo=UTC) + timedelta(seconds=next(seconds)),
    }
    url = f"sqlite:///{folder / 'contracts.db'}"
    with Workspace.open(url, extended(standard_configuration(), part), **settings) as workspace:
        contract, ids = create(workspace)
        change(workspace, contract)
        ask(workspace)
        approve(workspace, contract)
        hand_over(workspace, contract)
        exchange(workspace, ids, folder)
    at_run_time(part)
    print("Files:", ", ".join(sorted(path.name for path in folder.iterdir())))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
