"""The examples that are hosts on the web, asked as a client asks: what they answer, refuse, and keep to themselves."""

from __future__ import annotations

import importlib.util
import io
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import pytest

import custinfo

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("sqlalchemy")
pytest.importorskip("xlsxwriter")

EXAMPLES = Path(__file__).parents[1] / "examples"

BASICS = {
    "客户名称": "苏州霁川电子有限公司",
    "客户类型": "企业客户",
    "联系人": "周雨桐",
    "联系方式": "138 0000 0001",
    "邮箱": "zhou@example.com",
    "年采购预算": "80.5万",
    "成立时间": "2001年3月1日",
    "统一社会信用代码": "91350100M000100Y43",
}
PERSONAL = ("霁川", "周雨桐", "13800000001", "zhou@", "91350100M000100Y43", "805000")
"""What stands in the customer above, and in no answer to those who may not read it."""


def loaded(name: str) -> Any:
    """Return an example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@attrs.frozen
class Asking:
    """Ask a host of the web as some user, who reads English unless said otherwise."""

    client: Any

    def __call__(self, method: str, path: str, user: str, *, version: int | None = None, **more: Any) -> Any:
        headers = {"X-User": user, "Accept-Language": "en-GB,en;q=0.9,zh;q=0.5", **more.pop("headers", {})}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return getattr(self.client, method.lower())(path, headers=headers, **more)

    def created(self, user: str = "lisi@north", **values: str) -> dict[str, Any]:
        """Return a new customer as the host tells of it."""
        answer = self("POST", "/customers", user, json=BASICS | values)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        assert answer.headers["ETag"] == f'"{told["version"]}"' == '"1"'
        return told


@pytest.fixture
def fastapi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    """Return what asks the service on FastAPI, on a database of its own."""
    for needed in ("fastapi", "httpx2", "python_multipart", "aiosqlite"):
        pytest.importorskip(needed)
    client = import_module("fastapi.testclient").TestClient
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'customers.db'}")
    with client(loaded("fastapi_app").app, raise_server_exceptions=False) as asked:
        yield Asking(asked)


def test_fastapi_keeps_a_customer(fastapi: Asking) -> None:
    """A customer is created, read as far as the reader may, and changed as it was read."""
    made = fastapi.created()
    assert made["values"] == {
        "name": "苏州霁川电子有限公司",
        "customer_type": "企业客户",
        "contact_name": "周雨桐",
        "phone": "13800000001",
        "email": "zhou@example.com",
        "uscc": "91350100M000100Y43",
        "status": "高潜",
        "annual_budget": "805000",
        "founded_on": "2001-03-01",
    }
    path = f"/customers/{made['id']}"
    masked = fastapi("GET", path, "liuqi@north").json()
    assert (masked["values"]["phone"], masked["texts"]["phone"]) == ({"masked": "138****0001"}, "138****0001")
    changed = fastapi("PATCH", path, "lisi@north", version=1, json={"Address": "苏州市"})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    read = fastapi("GET", path, "lisi@north")
    assert (read.headers["ETag"], read.json()) == ('"2"', changed.json())
    assert read.json()["values"] == made["values"] | {"address": "苏州市"}


def test_fastapi_refuses_a_change_of_what_was_changed_since(fastapi: Asking) -> None:
    """Of two who read the same version one gets their change in, and no change goes without a version."""
    path = f"/customers/{fastapi.created()['id']}"
    assert fastapi("PATCH", path, "lisi@north", version=1, json={"address": "苏州市"}).status_code == 200
    late = fastapi("PATCH", path, "lisi@north", version=1, json={"address": "无锡市"})
    assert (late.status_code, late.json()["code"]) == (409, "stale_version")
    assert [item["label"] for item in late.json()["problems"]] == [None, "Address"]
    assert fastapi("GET", path, "lisi@north").json()["values"]["address"] == "苏州市"
    for tag in ({}, {"If-Match": "2"}, {"If-Match": '"two"'}, {"If-Match": "*"}):
        assert fastapi("PATCH", path, "lisi@north", json={}, headers=tag).status_code == 422


def test_fastapi_says_everything_that_is_wrong(fastapi: Asking) -> None:
    """Wrong input is refused with all that is wrong at once, in the language of the reader."""
    wrong = {"客户名称": "", "联系方式": "12", "年采购预算": "viel", "Nonsense": 1}
    answer = fastapi("POST", "/customers", "lisi@north", json=wrong)
    assert answer.status_code == 422
    told = {item["field"]: (item["label"], item["code"], item["text"]) for item in answer.json()["problems"]}
    assert told == {
        "phone": ("Phone", "invalid_phone", "is not a valid phone number"),
        "annual_budget": ("Annual budget", "invalid_number", "is not a number"),
        "Nonsense": ("Nonsense", "unknown_field", "there is no field of this name"),
        "name": ("Name", "required", "a value is required"),
        "customer_type": ("Customer type", "required", "a value is required"),
        "contact_name": ("Contact", "required", "a value is required"),
    }
    for language in ("zh-CN,zh;q=0.9,en;q=0.8", "fr, zh", "", "tlh"):
        answer = fastapi("POST", "/customers", "lisi@north", json=wrong, headers={"Accept-Language": language})
        assert answer.json()["problems"][0]["message"] == "联系方式：不是有效的电话号码"


def test_fastapi_lists_by_criteria_and_pages(fastapi: Asking) -> None:
    """Criteria come as JSON, and pages follow each other by a cursor; what is none is refused."""
    for number in range(5):
        fastapi.created(
            客户名称=f"甲{number}公司", 联系方式=f"1380000010{number}", 年采购预算=f"{number}万", 统一社会信用代码=""
        )
    where = json.dumps({"op": "ge", "field": ["annual_budget"], "value": 10_000})
    asked: dict[str, Any] = {"where": where, "order_by": ["-annual_budget", "name"], "limit": 3}
    first = fastapi("GET", "/customers", "lisi@north", params=asked).json()
    rest = fastapi("GET", "/customers", "lisi@north", params=asked | {"after": first["next"]}).json()
    found = [item["values"]["annual_budget"] for item in first["customers"] + rest["customers"]]
    assert (found, rest["next"]) == (["40000", "30000", "20000", "10000"], None)
    for wrong in ({"where": "{"}, {"where": '{"op": "like"}'}, {"where": "3"}, {"limit": 0}, {"limit": 1000}):
        assert fastapi("GET", "/customers", "lisi@north", params=wrong).status_code == 422
    none = fastapi("GET", "/customers", "lisi@north", params={"where": '{"op": "like"}'})
    assert none.json()["problems"][0]["text"].startswith("not a criterion: op has to be one of everything, ")
    unknown = fastapi("GET", "/customers", "lisi@north", params={"after": "nowhere"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "page_unknown")


def test_fastapi_tells_nobody_what_they_may_not_read(fastapi: Asking) -> None:
    """What is hidden is not there, can't be asked for, and stands in no refusal."""
    made = fastapi.created()
    path, unknown = f"/customers/{made['id']}", "/customers/no-such-customer"
    phone = {"where": json.dumps({"op": "eq", "field": ["phone"], "value": "13900000000"})}
    other = BASICS | {"客户名称": "无锡示例有限公司", "联系方式": "13800000002", "年采购预算": "1", "邮箱": ""}
    expected: list[tuple[int, Any]] = [
        (404, fastapi("GET", path, "wangwu@north")),
        (404, fastapi("PATCH", path, "wangwu@north", version=7, json={"status": "成交"})),
        (404, fastapi("GET", path, "qianba@north")),  # finance sees what was won
        (403, fastapi("GET", "/customers", "qianba@north", params=phone)),
        (403, fastapi("GET", "/customers.xlsx", "liuqi@north")),
        (422, fastapi("POST", f"{path}/follow-ups", "wangwu@north", json={"content": "来访"})),
        (409, fastapi("POST", "/customers", "wangwu@north", json=other | {"联系人": "王芳"})),
    ]
    assert [answer.status_code for _, answer in expected] == [status for status, _ in expected]
    told = "".join(answer.text for _, answer in expected)
    assert [value for value in PERSONAL if value in told] == []
    assert expected[0][1].text == fastapi("GET", unknown, "wangwu@north").text
    assert expected[-1][1].json()["code"] == "not_unique"


def test_fastapi_keeps_tenants_apart(fastapi: Asking) -> None:
    """The same member of another tenant finds nothing, and may use the same unique value."""
    made = fastapi.created()
    assert fastapi("GET", "/customers", "lisi@south").json() == {"customers": [], "next": None}
    assert fastapi("GET", f"/customers/{made['id']}", "lisi@south").status_code == 404
    assert fastapi.created("lisi@south")["id"] != made["id"]
    answers = [fastapi("GET", "/customers", user) for user in ("lisi@east", "lisi", "", "@", "nobody@north")]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 401, 403]
    assert fastapi.client.get("/customers").status_code == 401


def test_fastapi_has_changes_approved(fastapi: Asking) -> None:
    """A change that calls for approval waits in the inbox of the head, who decides about what they read."""
    path = f"/customers/{fastapi.created()['id']}"
    waiting = fastapi("PATCH", path, "lisi@north", version=1, json={"status": "流失"})
    assert (waiting.status_code, waiting.json()["waiting_for"]) == (202, ["zhaojl"])
    assert "ETag" not in waiting.headers
    assert fastapi("GET", "/approvals", "zhaojl@south").json() == []
    [task] = fastapi("GET", "/approvals", "zhaojl@north").json()
    assert (task["request_id"], task["request"]["base"]) == (waiting.json()["id"], {"status": "高潜"})
    assert task["request"]["proposed"] == waiting.json()["proposed"] == {"status": "流失"}
    reserved = fastapi("PATCH", path, "lisi@north", version=1, json={"status": "休眠"})
    assert (reserved.status_code, reserved.json()["code"]) == (409, "field_reserved")
    decision = f"/approvals/{task['request_id']}/approve"
    assert fastapi("POST", decision, "lisi@north", version=1, json={"comment": "好"}).status_code == 403
    assert fastapi("POST", decision, "wangwu@north", version=1).status_code == 404
    assert fastapi("POST", decision, "zhaojl@north", version=9).status_code == 409
    done = fastapi("POST", decision, "zhaojl@north", version=1, json={"comment": "同意"})
    assert (done.status_code, done.json()["state"]) == (200, "applied")
    assert fastapi("POST", decision.replace("approve", "reject"), "zhaojl@north", version=2).status_code == 409
    assert fastapi("GET", path, "lisi@north").json()["values"]["status"] == "流失"


def test_fastapi_imports_a_workbook(fastapi: Asking) -> None:
    """A plan tells the rows that are wrong; applied, it imports the others, and sent again nothing."""
    names = ("客户名称", "客户类型", "联系人", "联系方式", "年采购预算", "颜色")
    file = io.BytesIO()
    book = openpyxl.Workbook()
    for line in (
        names,
        ("甲公司", "企业客户", "王芳", "13900139000", "1万", "红"),
        ("乙公司", "", "李明", "12", "x", "绿"),
    ):
        book.active.append(line)
    book.save(file)

    def sent(path: str, content: bytes = file.getvalue(), user: str = "sunjiu@north") -> Any:
        return fastapi("POST", path, user, files={"file": ("customers.xlsx", content)})

    plan = sent("/imports/plan").json()
    [left] = plan["left"]
    assert (plan["counts"]["creates"], left["row"], left["outcome"]) == (1, 3, "rejected")
    assert {item["field"]: item["code"] for item in left["problems"]} == {
        "customer_type": "required",
        "phone": "invalid_phone",
        "annual_budget": "invalid_number",
    }
    assert [item["code"] for item in plan["columns"]["problems"]] == ["unmapped_column"]
    assert fastapi("GET", "/customers", "sunjiu@north").json()["customers"] == []
    first, again = sent("/imports").json(), sent("/imports").json()
    assert first["left"] == again["left"] == plan["left"]
    assert (again["counts"]["creates"], again["counts"]["unchanged"]) == (0, 1)
    [made] = fastapi("GET", "/customers", "sunjiu@north").json()["customers"]
    assert made["values"]["name"] == "甲公司"
    assert fastapi("GET", "/customers", "sunjiu@south").json()["customers"] == []
    assert (sent("/imports", b"%PDF-1.7").status_code, sent("/imports", user="lisi@north").status_code) == (422, 403)


def test_fastapi_hands_out_workbooks(fastapi: Asking) -> None:
    """A template and an export are workbooks, headed in the language of the reader."""
    fastapi.created()
    for path, name in (("/imports/template.xlsx", "客户导入模板.xlsx"), ("/customers.xlsx", "客户.xlsx")):
        answer = fastapi("GET", path, "lisi@north")
        assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{quote(name)}"
        rows = list(openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0].iter_rows(values_only=True))
        assert str(rows[0][0]).lstrip("*") == "Name"
    assert [row[0] for row in rows[1:]] == ["苏州霁川电子有限公司"]
    none = {"where": json.dumps({"op": "nothing"})}
    empty = openpyxl.load_workbook(io.BytesIO(fastapi("GET", "/customers.xlsx", "lisi@north", params=none).content))
    assert empty.worksheets[0].max_row == 1


def test_fastapi_works_within_an_asynchronous_transaction(fastapi: Asking, tmp_path: Path) -> None:
    """A follow-up is kept in the host's own transaction, or refused with nothing left of it."""
    made = fastapi.created()
    path = f"/customers/{made['id']}/follow-ups"
    noted = fastapi("POST", path, "lisi@north", json={"content": "来访"})
    assert (noted.status_code, noted.json()["values"]["customer"]) == (201, made["id"])
    refused = fastapi("POST", path, "lisi@north", json={"content": ""})
    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, "content")
    with closing(sqlite3.connect(tmp_path / "customers.db")) as database:
        kept = database.execute("SELECT module, count(*) FROM custinfo_record GROUP BY module").fetchall()
    assert kept == [("customer", 1), ("follow_up", 1)]


@pytest.mark.parametrize(("code", "status"), [("storage_retryable", 503), ("storage_failed", 500)])
def test_fastapi_says_whether_to_try_again(
    fastapi: Asking, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    """Where the database gave up in favour of somebody else, the client may try again; no other error is told."""
    path = f"/customers/{fastapi.created()['id']}"

    def broken(*_: object) -> None:
        raise custinfo.StorageError([custinfo.Problem(code)])

    monkeypatch.setattr(sys.modules["fastapi_app"], "done", broken)
    answer = fastapi("GET", path, "lisi@north")
    assert (answer.status_code, code in answer.text) == (status, status == 503)


def test_fastapi_describes_itself(fastapi: Asking) -> None:
    """Every way to ask has a description, and says how one is authenticated."""
    described = fastapi.client.get("/openapi.json").json()["paths"]
    verbs = [verb for path in described.values() for verb in path.values()]
    assert len(verbs) == 11
    assert all(verb["description"] and verb["security"] == [{"APIKeyHeader": []}] for verb in verbs)


@pytest.fixture
def flask(tmp_path: Path) -> Iterator[Asking]:
    """Return what asks the application on Flask, on a database of its own that has one customer, of lisi."""
    pytest.importorskip("flask")
    app = loaded("flask_app").create_app(f"sqlite:///{tmp_path / 'customers.db'}")
    workspace: custinfo.Workspace = app.extensions["custinfo"]
    with workspace, app.test_client() as client:
        with workspace.acting_as("lisi") as session:
            session.customers.create(BASICS)
        yield Asking(client)


def only(flask: Asking, user: str = "lisi") -> dict[str, Any]:
    """Return the one customer that somebody finds."""
    answer = flask("GET", "/customers", user)
    [found] = answer.json["customers"]
    told: dict[str, Any] = found
    return told


def changing(key: str, **values: str) -> dict[str, Any]:
    """Return what a request says that asks for a change once."""
    return {"headers": {"Idempotency-Key": key}, "json": values}


def test_flask_shows_customers(flask: Asking) -> None:
    """Customers are found and read as far as the reader may, one status at a time if it is asked for."""
    made = only(flask)
    read = flask("GET", f"/customers/{made['id']}", "lisi")
    assert (read.headers["ETag"], read.json) == ('"1"', made)
    assert (made["values"]["annual_budget"], made["values"]["founded_on"]) == ("805000", "2001-03-01")
    masked = only(flask, "liuqi")
    assert (masked["values"]["phone"], masked["texts"]["phone"]) == ({"masked": "138****0001"}, "138****0001")
    assert flask("GET", "/customers?status=成交", "lisi").json == {"customers": [], "next": None}
    assert flask("GET", "/customers?status=高潜", "lisi").json["customers"] == [made]
    refused = flask("GET", "/customers?after=nowhere", "lisi")
    assert (refused.status_code, refused.json["problems"][0]["code"]) == (422, "page_unknown")
    nobody = flask.client.get("/customers")
    assert (nobody.status_code, nobody.json) == (401, {"code": "Unauthorized"})


def test_flask_changes_a_customer_once(flask: Asking) -> None:
    """A change is made as the customer was read; the host's own table tells that it has been made."""
    path = f"/customers/{only(flask)['id']}"
    done = flask("PATCH", path, "lisi", version=1, **changing("a", address="苏州市"))
    assert (done.status_code, done.headers["ETag"], done.json["values"]["address"]) == (200, '"2"', "苏州市")
    late = flask("PATCH", path, "lisi", version=1, **changing("b", address="无锡市"))
    assert (late.status_code, late.json["problems"][0]["code"]) == (409, "stale_version")
    assert flask("PATCH", path, "lisi", version=2, json={}).status_code == 428
    assert flask("PATCH", path, "lisi", version=2, **{**changing("b"), "json": ["address"]}).status_code == 400
    assert flask("PATCH", path, "lisi", **changing("b", address="无锡市")).status_code == 428
    twisted: dict[str, Any] = {"headers": {"Idempotency-Key": "b", "If-Match": "*"}, "json": {}}
    assert flask("PATCH", path, "lisi", **twisted).status_code == 428
    assert only(flask)["values"]["address"] == "苏州市"


def test_flask_commits_both_or_neither(flask: Asking, tmp_path: Path) -> None:
    """Where the host fails after custinfo has written, the customer is as before; what is refused leaves no key."""
    path = f"/customers/{only(flask)['id']}"
    assert flask("PATCH", path, "lisi", version=1, **changing("a", address="苏州市")).status_code == 200
    again = flask("PATCH", path, "lisi", version=2, **changing("a", address="无锡市"))
    assert (again.status_code, again.json) == (409, {"code": "handled_already"})
    assert (only(flask)["version"], only(flask)["values"]["address"]) == (2, "苏州市")
    assert flask("PATCH", path, "lisi", version=2, **changing("b", phone="12")).status_code == 422
    waiting = flask("PATCH", path, "lisi", version=2, **changing("c", status="流失"))
    assert (waiting.status_code, waiting.json["waiting_for"]) == (202, ["zhaojl"])
    with closing(sqlite3.connect(tmp_path / "customers.db")) as database:
        assert database.execute("SELECT key FROM handled ORDER BY key").fetchall() == [("a",), ("c",)]


def test_flask_says_everything_that_is_wrong(flask: Asking) -> None:
    """Refusals name every field, in the language of the reader, and nothing that they may not read."""
    path = f"/customers/{only(flask)['id']}"
    wrong = changing("a", phone="12", annual_budget="viel", contact_name="")
    english = flask("PATCH", path, "lisi", version=1, **wrong)
    assert [problem["message"] for problem in english.json["problems"]] == [
        "Annual budget: is not a number",
        "Phone: is not a valid phone number",
        "Contact: a value is required",
    ]
    wrong["headers"]["Accept-Language"] = "zh-CN"
    chinese = flask("PATCH", path, "lisi", version=1, **wrong)
    assert (english.status_code, chinese.status_code) == (422, 422)
    assert chinese.json["problems"][0]["message"] == "年采购预算：不是数字"
    hidden, unknown = (flask("GET", where, "wangwu") for where in (path, "/customers/none"))
    masked = flask("PATCH", path, "liuqi", version=1, **changing("a", phone="13900000000"))
    assert (hidden.status_code, hidden.data, masked.status_code) == (404, unknown.data, 403)
    told = "".join(answer.text for answer in (english, chinese, hidden, masked))
    assert [value for value in PERSONAL if value in told] == []
