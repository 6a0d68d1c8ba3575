"""Customers within a Flask application: custinfo works in the application's own session, which alone commits.

Run `flask --app examples/flask_app run`; it needs `pip install 'custinfo[sqlalchemy]' flask`. Then ask
`curl -H 'X-User: lisi' localhost:5000/customers`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from flask import Blueprint, Flask, abort, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Column, MetaData, String, Table, create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import scoped_session, sessionmaker
from werkzeug.exceptions import HTTPException

import custinfo
from custinfo.adapters.sqlalchemy import SqlAlchemyUnit, SqlAlchemyUnits
from custinfo.standard import sample_organisation, standard_configuration

db = scoped_session(sessionmaker())
customers = Blueprint("customers", __name__, url_prefix="/customers")

# A table of the host's own: which changes were made already.
HANDLED = Table("handled", MetaData(), Column("key", String(80), primary_key=True))


def create_app(url: str = "sqlite:///customers.db") -> Flask:
    """Return the application on a database, with the tables of both."""
    engine = create_engine(url)
    db.configure(bind=engine)
    HANDLED.metadata.create_all(engine)
    units = SqlAlchemyUnits(engine)
    units.create_tables()
    app = Flask(__name__)
    app.extensions["custinfo"] = custinfo.Workspace(
        standard_configuration(), units=units, organisation=sample_organisation()
    )
    app.register_blueprint(customers)
    app.teardown_appcontext(lambda _: db.remove())  # what nobody committed is rolled back
    return app


def acting() -> AbstractContextManager[custinfo.Session]:
    """Open a session for whoever asks, within the transaction of the request.

    The header `X-User` stands in for the host's authentication: take the member from your login session.
    """
    workspace: custinfo.Workspace = current_app.extensions["custinfo"]
    return workspace.acting_as(request.headers.get("X-User") or abort(401), unit=SqlAlchemyUnit(db))


@customers.get("")
def find() -> ResponseReturnValue:
    """List customers, those of one status if it is given; `next` is the `after` of the page that follows."""
    status, after = request.args.get("status"), request.args.get("after")
    with acting() as session:
        wanted = None if status is None else custinfo.F.status == status
        page = session.customers.find(wanted, order_by="-annual_budget", after=after, limit=50)
        return {"customers": [view.to_dict(language()) for view in page.records], "next": page.next}


@customers.get("/<customer_id>")
def get(customer_id: str) -> ResponseReturnValue:
    """Return a customer, and the version as `ETag`."""
    with acting() as session:
        view = session.customers.get(customer_id)
        return view.to_dict(language()), {"ETag": f'"{view.version}"'}


@customers.patch("/<customer_id>")
def update(customer_id: str) -> ResponseReturnValue:
    """Change a customer, unless somebody else did since it was read, or the change has been made already."""
    version = request.headers.get("If-Match", type=lambda tag: int(tag.strip('"'))) or abort(428)
    key = request.headers.get("Idempotency-Key") or abort(428)
    values = request.get_json()
    if not isinstance(values, dict):
        abort(400)
    with acting() as session:
        outcome = session.customers.update(customer_id, values, version=version)
    db.execute(HANDLED.insert().values(key=key))  # where this fails, the customer stays as it was
    db.commit()
    if isinstance(outcome, custinfo.AwaitingApproval):
        return outcome.request.to_dict(language()), 202
    return outcome.record.to_dict(language()), {"ETag": f'"{outcome.record.version}"'}


@customers.errorhandler(HTTPException)
def mistaken(error: HTTPException) -> ResponseReturnValue:
    """Say in JSON what is wrong with the request itself."""
    return {"code": error.name}, error.code or 500


@customers.errorhandler(IntegrityError)
def handled(_: IntegrityError) -> ResponseReturnValue:
    """Say that the change has been made already."""
    return {"code": "handled_already"}, 409


@customers.errorhandler(custinfo.CustinfoError)
def refused(error: custinfo.CustinfoError) -> ResponseReturnValue:
    """Say all that is wrong, in the language of the reader. What is not for them to mend goes to the log."""
    status = custinfo.http_status(error)
    if status == 500:
        raise error
    return {"code": error.code, **custinfo.Report.of(error).to_dict(language())}, status


def language() -> str:
    """Return the language in which the reader likes texts best, of those that there are."""
    return request.accept_languages.best_match(custinfo.DEFAULT_MESSAGES.languages, "zh")
