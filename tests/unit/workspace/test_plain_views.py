"""What a view is as JSON: the forms of values, what a mask keeps, and texts in the reader's language."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from custinfo import (
    ALL_FIELDS,
    ANY,
    Applied,
    ChangeView,
    Configuration,
    Dictionary,
    DictionaryValue,
    FieldDefinition,
    Grant,
    InboxTask,
    ModuleDefinition,
    RecordView,
    RequestView,
    Role,
    Share,
    Workspace,
)
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.frozen import FrozenDict
from custinfo.core.records import ERASED, UNREADABLE, RecordId
from custinfo.standard import sample_organisation
from tests.unit.workspace.story import IDENTITY_NUMBER, Story


def as_sent(data: dict[str, Any]) -> Any:
    """Return what a reader gets that is sent `data` as strict JSON, and that it is the very same."""
    got = json.loads(json.dumps(data, allow_nan=False))
    assert got == data
    return got


def test_a_record_in_json(story: Story) -> None:
    """A record tells its values in forms of JSON, texts for people, and what stands beside the fields."""
    made = story.customer(
        annual_budget="80.5万",
        founded_on="2001年3月1日",
        industry="制造业",
        tags=[("行业", "制造业"), ("规模", "大型")],
    )
    told = as_sent(made.to_dict())
    assert told == {
        "id": made.id,
        "module": "customer",
        "version": 1,
        "values": {
            "name": "北京示例科技有限公司",
            "customer_type": "企业客户",
            "industry": "制造业",
            "contact_name": "张三",
            "phone": "13812345678",
            "uscc": "91350100M000100Y43",
            "status": "高潜",
            "annual_budget": "805000",
            "founded_on": "2001-03-01",
        },
        "texts": {key: made.text(key) for key in (*made, "owner", "department", "created_at", "updated_at")},
        "owner": "lisi",
        "department": "sales1-1",
        "created_at": told["created_at"],
        "updated_at": told["created_at"],
        "archived_at": None,
        "tags": [{"dimension": "行业", "value": "制造业"}, {"dimension": "规模", "value": "大型"}],
        "shares": [],
    }
    assert (told["texts"]["owner"], told["texts"]["annual_budget"]) == ("李四(销售一部-1组)", "805000.00")
    assert datetime.fromisoformat(told["created_at"]) == made.created_at


def test_a_record_in_json_keeps_what_a_mask_hides(story: Story) -> None:
    """A mask is no value and says so; what is hidden is not there, beside the fields as well."""
    person = story.individual()
    told = {who: as_sent(story.view(who, person).to_dict()) for who in ("liuqi", "sunjiu", "zhoushi")}
    assert told["liuqi"]["values"]["phone"] == {"masked": "139****9000"}
    assert told["liuqi"]["texts"]["phone"] == "139****9000"
    assert "id_number" not in told["liuqi"]["values"]
    assert told["sunjiu"]["values"]["id_number"] == {"masked": "****002X"}
    assert told["zhoushi"]["values"]["id_number"] == IDENTITY_NUMBER
    assert IDENTITY_NUMBER not in json.dumps([told["liuqi"], told["sunjiu"]])
    assert "13900139000" not in json.dumps(told["liuqi"])
    payer = story.won()
    paid = as_sent(story.view("qianba", payer).to_dict())
    assert set(paid) == {"id", "module", "version", "values", "texts"}, (
        "of what is beside the fields, finance sees nothing"
    )
    assert paid["values"] == paid["texts"] == {"name": "北京示例科技有限公司"}


def test_what_a_form_gives_back_unchanged_changes_nothing(story: Story) -> None:
    """All values of a record as JSON, given back, are the values that it has."""
    made = story.customer(annual_budget="80.5万", founded_on="2001年3月1日", industry="制造业", address="北京市")
    with story.workspace.acting_as("lisi") as session:
        outcome = session.customers.update(made.id, as_sent(made.to_dict())["values"], version=made.version)
    assert isinstance(outcome, Applied)
    assert (outcome.record, outcome.record.version) == (made, 1)


def test_what_stands_where_no_value_can() -> None:
    """A value without its key, one that was erased and a number that JavaScript would round have forms of their own."""
    moment = datetime(2024, 3, 15, 2, 30, tzinfo=UTC)
    values = FrozenDict({"a": UNREADABLE, "b": ERASED, "c": 2**53, "d": 2**53 - 1, "e": Decimal("1E+3"), "f": moment})
    share = Share("member", "wangwu", until=moment)
    view = RecordView(
        RecordId("r"), "m", 1, values, frozenset(), frozenset({*values, "shares"}), shares=frozenset([share])
    )
    assert as_sent(view.to_dict()) == {
        "id": "r",
        "module": "m",
        "version": 1,
        "values": {
            "a": {"unreadable": True},
            "b": {"erased": True},
            "c": "9007199254740992",
            "d": 9007199254740991,
            "e": "1000",
            "f": "2024-03-15T02:30:00Z",
        },
        "texts": {key: view.text(key) for key in "abcdef"},
        "shares": [{"kind": "member", "key": "wangwu", "level": "read", "until": "2024-03-15T02:30:00Z"}],
    }


def test_texts_in_the_language_of_the_reader() -> None:
    """Choices, answers of yes and no, and what cannot be shown read as the reader's language has them."""
    small, large = (
        DictionaryValue(code, {"zh": zh, "en": en}) for code, zh, en in (("s", "小", "Small"), ("l", "大", "Large"))
    )
    fields = (
        FieldDefinition("name", "text", label="名称"),
        FieldDefinition("size", "choice", options={"dictionary": "size"}),
        FieldDefinition("sizes", "multiple_choice", options={"dictionary": "size"}),
        FieldDefinition("vip", "boolean"),
    )
    configuration = Configuration(
        modules=(ModuleDefinition("thing", fields, title_field="name"),),
        dictionaries=(Dictionary("size", (small, large)),),
        roles=(Role("sales"),),
        grants=(Grant("sales", "thing", frozenset({"view", "create"}), view=ALL_FIELDS, edit=ALL_FIELDS),),
    )
    workspace = Workspace(configuration, units=MemoryUnits(), organisation=sample_organisation())
    with workspace.acting_as("lisi") as session:
        done = session.records("thing").create({"name": "甲", "size": "小", "sizes": ["大", "小"], "vip": "是"})
        assert isinstance(done, Applied)
        thing = done.record
    read = {
        language: [thing.text(key, language) for key in ("size", "sizes", "vip")] for language in ("zh", "en", "fr")
    }
    assert read["zh"] == ["小", "小、大", "是"] == [thing.text(key) for key in ("size", "sizes", "vip")]
    assert read["en"] == read["fr"] == ["Small", "Small, Large", "yes"]
    assert thing.to_dict("en")["texts"]["size"] == "Small"
    assert (
        thing.to_dict("en")["values"]
        == thing.to_dict()["values"]
        == {
            "name": "甲",
            "size": "s",
            "sizes": ["s", "l"],
            "vip": True,
        }
    )
    away = pickle.loads(pickle.dumps(thing))
    assert (away.text("size", "en"), away.to_dict("en")["texts"]["vip"]) == ("s", "True")


def test_what_cannot_be_shown_reads_in_the_language_of_the_reader() -> None:
    """Who may see a value that has no key, or was erased, reads so in their language."""
    values = FrozenDict({"a": UNREADABLE, "b": ERASED})
    view = RecordView(RecordId("r"), "m", 1, values, frozenset(), frozenset(values))
    assert [view.text(key, "zh") for key in values] == ["无法解密", "已清除"]
    assert [view.text(key, "en") for key in values] == ["cannot be decrypted", "erased"]


def test_changes_in_json(story: Story) -> None:
    """A change tells before and after of every field that its reader sees, in forms of JSON and as texts."""
    made = story.customer(tags=[("行业", "制造业")])
    story.update("lisi", made, {"phone": "13812345679", "annual_budget": "5万"})
    with story.workspace.acting_as("lisi") as session:
        created, changed = session.customers.history(made.id)
    assert as_sent(changed.to_dict("en")) == {
        "version": 2,
        "at": changed.to_dict()["at"],
        "actor": "lisi",
        "action": "update",
        "channel": "edit",
        "fields": {"annual_budget": [None, "50000"], "phone": ["13812345678", "13812345679"]},
        "reason": None,
        "on_behalf_of": None,
        "approval": None,
        "batch": None,
        "configuration_version": 1,
        "module": "customer",
        "record_id": made.id,
        "texts": {"annual_budget": ["", "50000.00"], "phone": ["13812345678", "13812345679"]},
    }
    told = as_sent(created.to_dict())
    assert told["fields"]["tags"] == [[], [{"dimension": "行业", "value": "制造业"}]]
    assert told["texts"]["owner"] == ["", "李四(销售一部-1组)"]
    assert "tags" not in told["texts"]
    with story.workspace.acting_as("liuqi") as session:
        masked = as_sent(session.customers.history(made.id)[0].to_dict())
    assert masked["fields"]["phone"] == [None, {"masked": "138****5678"}]
    assert masked["texts"]["phone"] == ["", "138****5678"]
    assert "13812345678" not in json.dumps(masked)


def test_requests_in_json(story: Story) -> None:
    """A request tells what each side holds, who did what, and what happened since, in the reader's language."""
    won = story.won()
    request = story.submit("lisi", won, {"phone": "13812345679"})
    story.update("sunjiu", won, {"special_notes": "备注"})
    with story.workspace.acting_as("zhaojl") as session:
        [task] = session.approvals.inbox()
    told = as_sent(task.request.to_dict("en"))
    names = ("id", "module", "record_id", "state", "version", "fields", "waiting_for")
    assert {name: told[name] for name in names} == {
        "id": request.id,
        "module": "customer",
        "record_id": won.id,
        "state": "pending",
        "version": 1,
        "fields": ["phone"],
        "waiting_for": ["zhaojl"],
    }
    assert (told["base"], told["proposed"]) == ({"phone": "13812345678"}, {"phone": "13812345679"})
    assert told["texts"] == {key: told[key] for key in ("base", "proposed", "live")}
    assert told["trail"][0] == {
        "at": told["submitted_at"],
        "actor": "lisi",
        "command": "submit",
        "comment": told["trail"][0]["comment"],
        "step": 0,
        "to": [],
        "place": None,
        "target": None,
        "holder": None,
    }
    assert (told["items"], told["export"], told["stuck"]) == ([], None, None)
    whole = as_sent(task.to_dict("en"))
    assert whole["request"] == told
    assert {key: whole[key] for key in ("request_id", "record_id", "module", "step")} == {
        "request_id": request.id,
        "record_id": won.id,
        "module": "customer",
        "step": task.step,
    }


def test_what_happened_to_a_request_in_json(story: Story) -> None:
    """Problems in a request stand as reports have them, in the reader's language."""
    won = story.won()
    story.submit("lisi", won, {"phone": "13812345679"})
    with story.workspace.acting_as("zhaojl") as session:
        session.customers.transfer(won.id, "zhangsan", version=ANY)
        [task] = session.approvals.inbox()
    [happened] = as_sent(task.request.to_dict("en"))["happened"]
    assert (happened["code"], happened["text"]) == (
        "record_transferred",
        "the record was given to another owner meanwhile",
    )


@pytest.mark.parametrize("kind", [ChangeView, RequestView, InboxTask])
def test_views_travel_without_the_labels(story: Story, kind: type) -> None:
    """Whatever a view is sent to, or copied, it is equal, and tells its values in the same forms."""
    won = story.won()
    story.submit("lisi", won, {"phone": "13812345679"})
    with story.workspace.acting_as("zhaojl") as session:
        [task] = session.approvals.inbox()
        [change] = session.customers.history(won.id)
    view: Any = {ChangeView: change, RequestView: task.request, InboxTask: task}[kind]
    for travelled in (pickle.loads(pickle.dumps(view)), copy.deepcopy(view)):
        assert travelled == view
        told, here = travelled.to_dict(), view.to_dict()
        assert told.keys() == here.keys()
        assert told.get("fields") == here.get("fields")
