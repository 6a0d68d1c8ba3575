"""A web service on FastAPI: the customers of several tenants, with changes, workbooks and approvals.

Run `uvicorn --app-dir examples fastapi_app:app`; it needs `pip install 'custinfo[sqlalchemy,excel]' fastapi uvicorn
python-multipart aiosqlite`. Look at http://localhost:8000/docs, or ask
`curl -H 'X-User: lisi@north' localhost:8000/customers`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote

import attrs
from fastapi import Body, Depends, FastAPI, Header, HTTPException, Query, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader
from pydantic import Json
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session as HostSession

import custinfo
from custinfo.adapters.excel import ExcelPlan, ExcelReport, export, plan_import, write_template
from custinfo.adapters.sqlalchemy import SqlAlchemyUnit, SqlAlchemyUnits
from custinfo.standard import sample_organisation, standard_configuration


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Open the database once for all requests, and a workspace on it for each tenant."""
    url = os.environ.get("DATABASE_URL", "sqlite:///customers.db")
    units = SqlAlchemyUnits.open(url)
    engine = create_async_engine(make_url(url).set(drivername="sqlite+aiosqlite"))
    open_for = partial(custinfo.Workspace, standard_configuration(), units=units, organisation=sample_organisation())
    yield {"workspaces": {tenant: open_for(tenant=tenant) for tenant in ("north", "south")}, "engine": engine}
    await engine.dispose()
    units.dispose()


app = FastAPI(title="Customers", lifespan=lifespan)

# --- what a request says


class User(NamedTuple):
    """Whoever asks: a member, and the workspace of their tenant."""

    workspace: custinfo.Workspace
    member: str


def user_of(request: Request, name: Annotated[str, Depends(APIKeyHeader(name="X-User"))]) -> User:
    """Return who asks.

    The header `X-User: lisi@north` stands in for the host's authentication: take member and tenant from a token that
    you verified. Sessions are opened by the endpoints themselves, so that they are committed before the answer leaves,
    and stay in one thread: a dependency with `yield` promises neither.
    """
    member, _, tenant = name.partition("@")
    if tenant not in request.state.workspaces:
        raise HTTPException(401)
    return User(request.state.workspaces[tenant], member)


def language_of(accept_language: Annotated[str, Header()] = "") -> str:
    """Return the first language of the reader's that there are messages in; browsers name the favourite first."""
    wanted = (part.partition(";")[0].partition("-")[0].strip().lower() for part in accept_language.split(","))
    return next((language for language in wanted if language in custinfo.DEFAULT_MESSAGES.languages), "zh")


def version_of(if_match: Annotated[str, Header(pattern='^"[0-9]{1,9}"$')]) -> int:
    """Return the version that the caller read, which they got as `ETag`."""
    return int(if_match.strip('"'))


def criterion_of(where: Annotated[Json[Any] | None, Query()] = None) -> Any:
    """Return which records are asked for, as JSON such as `{"op": "eq", "field": ["status"], "value": "成交"}`."""
    return None if where is None else custinfo.criterion_from_json(where)


Caller = Annotated[User, Depends(user_of)]
Language = Annotated[str, Depends(language_of)]
Version = Annotated[int, Depends(version_of)]
Where = Annotated[custinfo.Criterion | None, Depends(criterion_of)]

# --- what an answer says


@app.exception_handler(custinfo.CustinfoError)
def refused(request: Request, error: custinfo.CustinfoError) -> JSONResponse:
    """Say all that is wrong. What is not for the caller to mend is an error 500, and goes to the log."""
    status = custinfo.http_status(error)
    if status == 500:
        raise error
    language = language_of(request.headers.get("Accept-Language", ""))
    told = {"code": error.code, **custinfo.Report.of(error).to_dict(language)}
    return JSONResponse(told, status, {"Retry-After": "1"} if status == 503 else None)


def done(outcome: custinfo.Outcome, response: Response, language: str) -> dict[str, Any]:
    """Return the record as it is now, or, as 202 Accepted, what waits for an approval."""
    if isinstance(outcome, custinfo.AwaitingApproval):
        response.status_code = 202
        return outcome.request.to_dict(language)
    response.headers["ETag"] = f'"{outcome.record.version}"'
    return outcome.record.to_dict(language)


def workbook(name: str, file: BytesIO) -> Response:
    """Return a workbook to download."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(file.getvalue(), media_type=kind, headers=headers)


def came_to(found: ExcelPlan | ExcelReport, language: str) -> dict[str, Any]:
    """Return how many rows of a workbook come to what, and why some stay out."""
    left = [
        {"row": row.row, "outcome": row.outcome, **custinfo.Report.of(row).to_dict(language)}
        for row in found.rows.with_outcome("rejected", "duplicate", "conflict")
    ]
    return {"counts": attrs.asdict(found.counts), "left": left}


# --- customers. FastAPI runs plain functions in threads, which share the workspace. What writes is `run`, and so tried
# again where two are in each other's way.


@app.get("/customers")
def find(
    user: Caller,
    language: Language,
    where: Where,
    order_by: Annotated[tuple[str, ...], Query()] = (),
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """List customers; `next` is the `after` of the page that follows."""
    with user.workspace.acting_as(user.member) as session:
        page = session.customers.find(where, order_by=order_by, after=after, limit=limit)
        return {"customers": [view.to_dict(language) for view in page.records], "next": page.next}


@app.get("/customers/{customer_id}")
def get(customer_id: str, user: Caller, language: Language, response: Response) -> dict[str, Any]:
    """Return a customer, and the version as `ETag`."""
    with user.workspace.acting_as(user.member) as session:
        return done(custinfo.Applied(session.customers.get(customer_id)), response, language)


@app.post("/customers", status_code=201)
def create(values: dict[str, Any], user: Caller, language: Language, response: Response) -> dict[str, Any]:
    """Create a customer."""
    return user.workspace.run(user.member, lambda session: done(session.customers.create(values), response, language))


@app.patch("/customers/{customer_id}")
def update(
    customer_id: str, values: dict[str, Any], version: Version, user: Caller, language: Language, response: Response
) -> dict[str, Any]:
    """Change fields of a customer, unless somebody else changed it since it was read."""

    def changed(session: custinfo.Session) -> dict[str, Any]:
        return done(session.customers.update(customer_id, values, version=version), response, language)

    return user.workspace.run(user.member, changed)


@app.get("/customers.xlsx", response_class=Response)
def download(user: Caller, language: Language, where: Where) -> Response:
    """Return customers as a workbook, or what waits for an approval."""
    file = BytesIO()
    with user.workspace.acting_as(user.member) as session:
        outcome = export(session, "customer", file, criteria=where, language=language)
    if isinstance(outcome, custinfo.AwaitingApproval):
        return JSONResponse(outcome.request.to_dict(language), 202)
    return workbook("客户.xlsx", file)


# --- imports: the same file is sent to see the plan, and to apply it; sent twice, it is imported once


@app.get("/imports/template.xlsx", response_class=Response)
def template(user: Caller, language: Language) -> Response:
    """Return a workbook to fill in."""
    file = BytesIO()
    with user.workspace.acting_as(user.member) as session:
        write_template(session, "customer", file, language=language)
    return workbook("客户导入模板.xlsx", file)


@app.post("/imports/plan")
def plan(file: UploadFile, user: Caller, language: Language) -> dict[str, Any]:
    """Tell what an import would do; nothing is written."""
    with user.workspace.acting_as(user.member) as session:
        found = plan_import(session, "customer", file.file)
        return came_to(found, language) | {"columns": custinfo.Report(found.column_problems).to_dict(language)}


@app.post("/imports")
def apply(file: UploadFile, user: Caller, language: Language) -> dict[str, Any]:
    """Import the rows that are right."""
    with user.workspace.acting_as(user.member) as session:
        report = plan_import(session, "customer", file.file).apply()
        return came_to(report, language) | {"import": report.batch_id, "requests": report.requests}


# --- approvals


@app.get("/approvals")
def inbox(user: Caller, language: Language) -> list[dict[str, Any]]:
    """List what waits for a decision of whoever asks."""
    with user.workspace.acting_as(user.member) as session:
        return [task.to_dict(language) for task in session.approvals.inbox()]


@app.post("/approvals/{request_id}/{verdict}")
def decide(
    request_id: str,
    verdict: Literal["approve", "reject", "send_back"],
    version: Version,
    user: Caller,
    language: Language,
    comment: Annotated[str | None, Body(embed=True)] = None,
) -> dict[str, Any]:
    """Decide about a request as it was read; the last approval lets the change take effect."""

    def said(session: custinfo.Session) -> dict[str, Any]:
        request: custinfo.RequestView = getattr(session.approvals, verdict)(request_id, comment, version=version)
        return request.to_dict(language)

    return user.workspace.run(user.member, said)


# --- in a transaction of the host's own: what else it does in its session is kept together with this, or not at all


@app.post("/customers/{customer_id}/follow-ups", status_code=201)
async def follow_up(
    customer_id: str,
    content: Annotated[str, Body(embed=True)],
    user: Caller,
    language: Language,
    request: Request,
    response: Response,
) -> dict[str, Any]:
    """Note what was talked about."""

    def note(host: HostSession) -> dict[str, Any]:
        with user.workspace.acting_as(user.member, unit=SqlAlchemyUnit(host)) as session:
            values = {"customer": customer_id, "at": session.now(), "content": content}
            return done(session.follow_ups.create(values), response, language)

    async with AsyncSession(request.state.engine) as host, host.begin():
        return await host.run_sync(note)
