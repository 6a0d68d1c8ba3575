"""Fields and modules of one's own: a coffee preference for customers, and contracts as a new type of record.

Run `python examples/custom_fields.py`; it keeps everything in memory.
"""

from __future__ import annotations

from custinfo import (
    ALL_FIELDS,
    Applied,
    Dictionary,
    DictionaryValue,
    F,
    FieldDefinition,
    Grant,
    InvalidInputError,
    Length,
    ModuleDefinition,
    NotBefore,
    Outcome,
    Range,
    RecordView,
    Workspace,
)
from custinfo.standard import sample_organisation, standard_configuration

GRADE = Dictionary("grade", (DictionaryValue("A", "重点"), DictionaryValue("B", "普通")), "客户等级")

CONTRACT = ModuleDefinition(
    "contract",
    fields=(
        FieldDefinition(
            "number", "text", "合同编号", required=True, unique=True, rules=(Length(minimum=4, maximum=20),)
        ),
        FieldDefinition("customer", "reference", "客户", required=True, options={"module": "customer"}),
        FieldDefinition(
            "amount", "money", "金额", required=True, options={"currency": "CNY"}, rules=(Range(minimum=0),)
        ),
        FieldDefinition("signed_on", "date", "签订日期", required=True),
        FieldDefinition("ends_on", "date", "到期日期", rules=(NotBefore("signed_on"),)),
    ),
    label="合同",
    title_field="number",
    owner_label="负责人",
    match_keys=(("number",),),
)

CONFIGURATION = (
    standard_configuration()
    .with_dictionaries(GRADE)
    .with_fields(
        "customer",
        FieldDefinition("grade", "choice", "客户等级", options={"dictionary": "grade"}, default="B", indexed=True),
        FieldDefinition("visit_notes", "long_text", "拜访须知", required_when=F.grade == "A"),
    )
    .with_modules(CONTRACT)
    .with_grants(
        Grant(
            "sales",
            "contract",
            frozenset({"view", "create", "edit"}),
            through="customer",
            view=ALL_FIELDS,
            edit=ALL_FIELDS,
        )
    )
)


def applied(outcome: Outcome) -> RecordView:
    """Return the record of a change that took effect."""
    assert isinstance(outcome, Applied)
    return outcome.record


def main() -> None:
    """Use the new fields and the new module like those that custinfo comes with."""
    with (
        Workspace.open("memory://", CONFIGURATION, organisation=sample_organisation()) as workspace,
        workspace.acting_as("lisi") as session,
    ):
        basics = {
            "客户名称": "苏州霁川电子有限公司",
            "客户类型": "企业客户",
            "联系人": "周雨桐",
            "联系方式": "13800000001",
        }
        try:
            session.customers.create(basics | {"客户等级": "重点"})
        except InvalidInputError as error:
            print("Refused:", error.message())
        customer = applied(session.customers.create(basics | {"客户等级": "重点", "拜访须知": "须提前预约"}))
        print("Customer:", customer["客户名称"], customer.text("客户等级"))

        contracts = session.records("contract")
        wrong = {"合同编号": "HT1", "客户": customer.id, "金额": "三十万", "签订日期": "2024-3-15"}
        try:
            contracts.create(wrong)
        except InvalidInputError as error:
            for problem in error.problems:
                print("Refused:", problem.message(label=CONTRACT.fields[problem.field or "number"].label_in("zh")))
        contract = applied(contracts.create(wrong | {"合同编号": "HT-2024-001", "金额": "30万"}))
        print("Contract:", contract["number"], contract["amount"], "signed on", contract["signed_on"])
        print("Contracts with important customers:", contracts.count(F.customer.grade == "A"))


if __name__ == "__main__":
    main()
