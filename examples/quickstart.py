"""The whole story on SQLite: a template, an import with mistakes, three people's views, an approval, an export.

Run `python examples/quickstart.py [folder]`; it leaves its files in the folder (`out` when none is given).
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from custinfo import AwaitingApproval, F, RecordView, Workspace
from custinfo.adapters.excel import export, plan_import, write_template
from custinfo.standard import sample_organisation, standard_configuration


def import_customers(workspace: Workspace, folder: Path) -> None:
    """Let the data administrator plan an import, look at it, and apply it."""
    with workspace.acting_as("sunjiu") as session:
        write_template(session, "customer", folder / "客户信息导入模板.xlsx")
        plan = plan_import(session, "customer", Path(__file__).parent / "data" / "customers.xlsx")
        new, wrong, repeated = plan.counts.creates, plan.counts.rejected, plan.counts.duplicates
        print(f"Of {plan.counts.total} rows, {new} are new, {wrong} wrong and {repeated} repeated:")
        errors = [problem for row in plan.rejected for problem in row.problems if problem.severity == "error"]
        for code, number in Counter(problem.code for problem in errors).most_common(4):
            print(f"  {number} x {code}")
        plan.apply(progress=lambda progress: print("Applied", progress)).write_errors(folder / "客户-错误.xlsx")


def ask(workspace: Workspace) -> RecordView:
    """Let a salesperson, customer service and finance ask; return the salesperson's best prospect."""
    wanted = (F.status == "高潜") & (F.annual_budget >= 1_000_000) & F.industry.under("制造业")
    with workspace.acting_as("lisi") as session:
        page = session.customers.find(wanted, order_by=["-annual_budget"], limit=3)
        total, found = session.customers.count(), session.customers.count(wanted)
        print(f"李四 (sales) has {total} customers, {found} of them wanted:")
        for view in page.records:
            print(f"  {view['name']}  {view.text('industry')}  {view['annual_budget']}  {view['phone']}")
    best = page.records[0]
    with workspace.acting_as("liuqi") as session:
        masked = session.customers.get(best.id)["phone"]
        print(f"刘七 (service) sees all {session.customers.count()}, and of that phone {masked}")
    with workspace.acting_as("qianba") as session:
        won = session.customers.find(limit=200).records
        paid = sum(view.get("paid_amount", 0) for view in won)
        print(f"钱八 (finance) sees {len(won)} that were won, fields {', '.join(sorted(won[0].visible))}; paid: {paid}")
    return best


def lose(workspace: Workspace, customer: RecordView) -> None:
    """Let the salesperson give a customer up, and the head of the department agree; show the history."""
    with workspace.acting_as("lisi") as session:
        outcome = session.customers.update(customer.id, {"status": "流失"}, version=customer.version, reason="停产")
        assert isinstance(outcome, AwaitingApproval)
        waiting, status = outcome.request.waiting_for, session.customers.get(customer.id)["status"]
        print(f"Waiting for {', '.join(waiting)}; until then it stays {status}")
    with workspace.acting_as("zhaojl") as session:
        for task in session.approvals.inbox():
            session.approvals.approve(task.request_id, comment="同意")
        for change in session.customers.history(customer.id):
            print(f"  version {change.version} by {change.actor} ({change.channel}), status: {change.fields['status']}")


def main(folder: Path) -> None:
    """Run the story on a new database."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "customers.db").unlink(missing_ok=True)
    url = f"sqlite:///{folder / 'customers.db'}"
    with Workspace.open(url, standard_configuration(), organisation=sample_organisation()) as workspace:
        import_customers(workspace, folder)
        lose(workspace, ask(workspace))
        with workspace.acting_as("lisi") as session:
            export(session, "customer", folder / "导出.xlsx", criteria=F.status == "成交")
    print("Files:", ", ".join(sorted(path.name for path in folder.iterdir())))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
