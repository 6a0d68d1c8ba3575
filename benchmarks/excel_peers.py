"""The same file with the same rules, imported as Python developers do it now.

The rules: phones by phonenumbers, addresses by email-validator, credit codes by python-stdnum, choices by membership,
amounts and dates by type; a bad row is left out and told. The libraries are asked for every value, as their users do.
Where `screened`, the usual forms are recognised by a pattern first, as custinfo does it.

The floor does the same in a plain loop, by patterns alone. It writes one table without a key or an index: what is there
afterwards can be read from one end to the other, and no more. `indexed_floor` writes that table with indexes of the
fields that custinfo's standard configuration indexes, and of the credit code, which only one customer may have.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import python_calamine

__all__ = ["by_hand", "django_import_export", "indexed_floor", "plain_floor", "raw_floor"]

_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_MOBILE = re.compile(r"1[3-9]\d{9}").fullmatch
_ADDRESS = re.compile(r"[a-z0-9.]+@[a-z0-9.]+\.[a-z]+").fullmatch
_CHOICES: dict[int, frozenset[str]] = {
    1: frozenset({"企业客户", "个人客户", "渠道客户"}),
    2: frozenset({"制造业", "制造业-汽车", "信息技术-软件", "零售", "物流", "教育"}),
    7: frozenset({"高潜", "成交", "流失", "休眠"}),
    8: frozenset({"李四(销售一部-1组)", "王五(销售一部-2组)"}),
    10: frozenset({"华东-上海", "华东-江苏", "华北-北京", "华南-广东"}),
}
_NAMES = ("name", "type", "industry", "contact", "phone", "email", "uscc", "status", "owner", "budget", "region", "day")


def read(path: Path) -> list[list[Any]]:
    """Return the rows of the first sheet, by the fastest reader."""
    rows: list[list[Any]] = list(python_calamine.load_workbook(str(path)).get_sheet_by_index(0).iter_rows())
    return rows[1:]


def _insert(database: Path, rows: Sequence[Sequence[Any]], indexed: Sequence[str] = ()) -> None:
    connection = sqlite3.connect(database)
    connection.execute(f"CREATE TABLE customer ({', '.join(_NAMES)})")
    for name in indexed:
        connection.execute(f"CREATE {'UNIQUE' * (name == 'uscc')} INDEX by_{name} ON customer ({name})")
    connection.executemany(f"INSERT INTO customer VALUES ({', '.join('?' * len(_NAMES))})", rows)
    connection.commit()
    connection.close()


def raw_floor(path: Path, database: Path) -> None:
    """Read and insert, without a look at a value."""
    _insert(database, read(path))


def _sound_code(text: str) -> bool:
    values = [_CODE.find(character) for character in text]
    if len(text) != 18 or -1 in values:
        return False
    return (31 - sum(value * weight for value, weight in zip(values, _WEIGHTS, strict=False)) % 31) % 31 == values[17]


def plain_floor(path: Path, database: Path) -> int:
    """Read, check in a plain loop, insert; return how many rows were bad."""
    good, bad = _checked(path)
    _insert(database, good)
    return bad


def indexed_floor(path: Path, database: Path) -> int:
    """Do what the plain floor does, into a table with the indexes that custinfo's tables have for these fields."""
    good, bad = _checked(path)
    _insert(database, good, ("name", "type", "industry", "phone", "status", "region", "budget", "uscc"))
    return bad


def _checked(path: Path) -> tuple[list[Sequence[Any]], int]:
    """Return the good rows, and how many are bad."""
    good: list[Sequence[Any]] = []
    bad = 0
    for row in read(path):
        try:
            fine = (
                bool(row[0])
                and _MOBILE(row[4])
                and _ADDRESS(row[5])
                and _sound_code(row[6])
                and all(row[place] in allowed for place, allowed in _CHOICES.items())
            )
            day, amount = date.fromisoformat(row[11]), Decimal(int(row[9]))
        except (TypeError, ValueError):
            fine = None
        if fine:
            good.append((*row[:9], str(amount), row[10], day.isoformat()))
        else:
            bad += 1
    return good, bad


def _checks(*, screened: bool) -> dict[str, Callable[[Any], Any]]:
    """Return what turns a raw value into a good one, or raises ValueError: by the libraries, or by a pattern before."""
    import phonenumbers
    from email_validator import validate_email
    from stdnum.cn import uscc

    def phone(value: Any) -> str:
        number = phonenumbers.parse(str(value), "CN")
        if not phonenumbers.is_valid_number(number):
            raise ValueError("phone")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    def checked(call: Callable[[str], Any]) -> Callable[[Any], str]:
        def check(value: Any) -> str:
            try:
                return str(call(str(value)))
            except Exception as error:
                raise ValueError("wrong") from error

        return check

    def choice(place: int) -> Callable[[Any], str]:
        def check(value: Any) -> str:
            if value not in _CHOICES[place]:
                raise ValueError("choice")
            return str(value)

        return check

    address = checked(lambda text: validate_email(text, check_deliverability=False).normalized)
    choices = {_NAMES[place]: choice(place) for place in _CHOICES}
    day = checked(lambda text: date.fromisoformat(text[:10]).isoformat())
    asked = {"phone": checked(phone), "email": address, "uscc": checked(uscc.validate)}
    if screened:
        forms: dict[str, tuple[Callable[[str], Any], str]] = {
            "phone": (_MOBILE, "+86"),
            "email": (_ADDRESS, ""),
            "uscc": (_sound_code, ""),
        }
        asked = {name: _screening(*forms[name], check) for name, check in asked.items()}
    return {**choices, **asked, "day": day}


def _screening(usual: Callable[[str], Any], before: str, ask: Callable[[Any], str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        return before + value if type(value) is str and usual(value) else ask(value)

    return check


def by_hand(path: Path, database: Path, *, screened: bool = False) -> int:
    """Import with tablib, pydantic and the ORM of SQLAlchemy; return how many rows were bad."""
    import tablib
    from pydantic import ValidationError, create_model
    from pydantic.functional_validators import BeforeValidator
    from sqlalchemy import String, create_engine
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

    class Base(DeclarativeBase):
        pass

    columns = {name: mapped_column(String) for name in _NAMES}
    hints = dict.fromkeys(("id", *_NAMES), Mapped[str])
    space = {"__tablename__": "customer", "__annotations__": {**hints, "id": Mapped[int]}, **columns}
    customer: Any = type("Customer", (Base,), {**space, "id": mapped_column(primary_key=True)})
    checks = _checks(screened=screened)
    from typing import Annotated

    fields: dict[str, Any] = {name: (Annotated[str, BeforeValidator(checks.get(name, str))], ...) for name in _NAMES}
    model = create_model("Row", **fields)
    dataset = tablib.Dataset().load(path.read_bytes(), format="xlsx")
    good, bad = [], 0
    for row in dataset:
        try:
            good.append(model(**dict(zip(_NAMES, row, strict=True))).model_dump())
        except ValidationError:
            bad += 1
    engine = create_engine(f"sqlite:///{database}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([customer(**values) for values in good])
        session.commit()
    engine.dispose()
    return bad


def django_import_export(path: Path, database: Path, *, bulk: bool, screened: bool = False) -> int:
    """Import with django-import-export, by default or in its bulk mode; return how many rows were bad.

    Run it in a process of its own: Django has one configuration.
    """
    import django
    import tablib
    from django.conf import settings
    from django.db import connection, models

    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(database)}},
        INSTALLED_APPS=["import_export"],
        USE_TZ=True,
    )
    django.setup()
    from import_export import fields as export_fields
    from import_export import resources, widgets

    meta = type("Meta", (), {"app_label": "bench"})
    columns = {name: models.CharField(max_length=200) for name in _NAMES}
    columns["uscc"] = models.CharField(max_length=200, unique=True)  # by which each row is looked up
    model: Any = type("Customer", (models.Model,), {"__module__": __name__, "Meta": meta, **columns})
    with connection.schema_editor() as editor:
        editor.create_model(model)

    class Checked(widgets.CharWidget):  # type: ignore[misc, unused-ignore]
        def __init__(self, check: Callable[[Any], Any]) -> None:
            super().__init__()
            self.check = check

        def clean(self, value: Any, row: Any = None, **_: Any) -> Any:  # noqa: ARG002
            return self.check(value)

    checks = _checks(screened=screened)
    declared = {
        name: export_fields.Field(attribute=name, column_name=name, widget=Checked(checks.get(name, str)))
        for name in _NAMES
    }
    options = {"model": model, "import_id_fields": ("uscc",), "fields": _NAMES}
    if bulk:
        options |= {"use_bulk": True, "skip_diff": True, "batch_size": 1000, "force_init_instance": True}
    resource = type("Rows", (resources.ModelResource,), {**declared, "Meta": type("Meta", (), options)})()
    dataset = tablib.Dataset().load(path.read_bytes(), format="xlsx")
    dataset.headers = list(_NAMES)
    result = resource.import_data(dataset, raise_errors=False, use_transactions=True)
    left = sum(bool(row.errors) or row.import_type == "invalid" for row in result.rows)
    if model.objects.count() != len(dataset) - left:
        raise RuntimeError("rows are missing")
    return int(left)
