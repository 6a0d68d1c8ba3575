"""A store in Django's ORM: custinfo's records in the host's own database, within the host's own transactions.

Run `python examples/django_repository.py [folder]`, which needs Django (`pip install "django>=5.2"`): a story on
SQLite, then, if pytest is installed, the contract that every store keeps. It leaves `django.db` in the folder (`out`
when none is given). In a project of one's own, the models go into an app, and the settings are there already.

The store implements one port, `DocumentStore`, and gets everything else from `DocumentUnit`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import attrs
import django
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connections, models, transaction
from django.db.models.fields.json import KeyTransform

from custinfo import Workspace
from custinfo.adapters.documents import DocumentUnit
from custinfo.core.schema import Schema
from custinfo.core.store_errors import storage_failure
from custinfo.ports.documents import Item, Where
from custinfo.standard import sample_organisation, standard_configuration

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "IMMEDIATE"}}  # one unit at a time
RETRYABLE = ("40001", "40P01", "55P03", "SQLITE_BUSY", "SQLITE_LOCKED")

if not settings.configured:
    settings.configure(DATABASES={"default": {**SQLITE, "NAME": "django.db"}}, USE_TZ=True)
    django.setup()


class StoredItem(models.Model):  # type: ignore[misc] # Django has no annotations
    """A record, change, request, import, revision or claim of a tenant."""

    tenant = models.CharField(max_length=64)
    kind = models.CharField(max_length=16)
    key = models.CharField(max_length=128)
    version = models.IntegerField()
    data = models.JSONField()

    class Meta:
        """Keys decide who is first; what is asked for often has an index."""

        app_label = "custinfo_store"
        constraints = (models.UniqueConstraint(fields=("tenant", "kind", "key"), name="custinfo_key"),)
        indexes = tuple(
            models.Index("tenant", KeyTransform(name, "data"), name=f"custinfo_{name}", condition=models.Q(kind=kind))
            for kind, name in (("record", "module"), ("change", "record_id"), ("claim", "holder"))
        )


class Tenant(models.Model):  # type: ignore[misc]
    """A row to be locked by those who save records, and by who replaces the configuration."""

    name = models.CharField(max_length=64, primary_key=True)

    class Meta:
        """Belong to the same app."""

        app_label = "custinfo_store"


@contextmanager
def translated() -> Iterator[None]:
    """Let no error of the database out but as ours, which tells whether to try again."""
    try:
        yield
    except DatabaseError as error:
        cause = error.__cause__ or error
        state = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or ""
        raise storage_failure(error, state, retryable=state.startswith(RETRYABLE)) from None


@attrs.frozen
class DjangoStore:
    """The documents of a tenant, within a transaction of Django's."""

    using: str
    tenant: str
    block: ExitStack | None
    """The transaction, if it is custinfo's own."""

    def items(self, kind: str, where: Where) -> Any:
        """Return the query set of what is asked for."""
        names = {name: name if name in ("key", "version") else f"data__{name}" for name in where}
        among = {f"{names[name]}__in": list(values) for name, values in where.items()}
        return StoredItem.objects.using(self.using).filter(tenant=self.tenant, kind=kind, **among)

    @translated()
    def read(self, kind: str, where: Where, /) -> list[dict[str, Any]]:
        """Return the data of items."""
        return list(self.items(kind, where).values_list("data", flat=True))

    @translated()
    def insert(self, kind: str, items: Sequence[Item], /) -> bool:
        """Add items, all or none: the unique constraint decides, not a look beforehand."""
        rows = [
            StoredItem(tenant=self.tenant, kind=kind, key=item.key, version=item.version, data=item.data)
            for item in items
        ]
        try:
            with self.atomic():
                StoredItem.objects.using(self.using).bulk_create(rows)
        except IntegrityError:
            return False
        return True

    @translated()
    def replace(self, kind: str, item: Item, /) -> bool:
        """Put an item in the place of the version before: the statement that writes compares it."""
        before = self.items(kind, {"key": (item.key,), "version": (item.version - 1,)})
        return bool(before.update(version=item.version, data=item.data))

    @translated()
    def delete(self, kind: str, where: Where, /) -> int:
        """Delete items."""
        return int(self.items(kind, where).delete()[0])

    @translated()
    def lock(self, *, shared: bool) -> None:
        """Lock the tenant's row until the transaction ends; Django has no word for a lock that others may share."""
        connection = connections[self.using]
        if connection.features.has_select_for_update:  # else a unit has the database to itself
            Tenant.objects.using(self.using).bulk_create([Tenant(name=self.tenant)], ignore_conflicts=True)
            rows, values = Tenant.objects.using(self.using).filter(name=self.tenant).query.sql_with_params()
            with connection.cursor() as cursor:
                cursor.execute(f"{rows} FOR {'SHARE' if shared else 'UPDATE'}", values)

    def atomic(self) -> AbstractContextManager[None]:
        """Take back what was done inside if it raises."""
        block: AbstractContextManager[None] = transaction.atomic(self.using)
        return block

    @translated()
    def commit(self) -> None:
        """Make permanent what was done so far and go on in a new transaction; in the host's, leave that to it."""
        if self.block is not None:
            self.block.close()
            self.block.enter_context(self.atomic())


@attrs.frozen
class DjangoUnits:
    """Begin units of work: within a block of `transaction.atomic`, if the host is in one, else in one of their own."""

    using: str = "default"

    @contextmanager
    def begin(self, schema: Schema, tenant: str, /) -> Iterator[DocumentUnit]:
        """Return a unit for a `with` block: in the host's transaction it is a savepoint, and only the host commits."""
        with ExitStack() as block:
            owned = not connections[self.using].in_atomic_block
            store = DjangoStore(self.using, tenant, block if owned else None)
            with translated():
                block.enter_context(store.atomic())
            yield DocumentUnit(store, schema)
            with translated():
                block.close()

    def create_tables(self) -> None:
        """Create the tables; in a project, `manage.py migrate` does."""
        with connections[self.using].schema_editor() as editor:
            editor.create_model(StoredItem)
            editor.create_model(Tenant)


class NoCreditError(Exception):
    """What the host finds out when the customer is stored already."""


def tell(workspace: Workspace) -> None:
    """Let a salesperson create customers in transactions of the host, one of which comes to nothing."""
    basics = {"客户类型": "企业客户", "联系人": "周雨桐", "联系方式": "13800000001", "年采购预算": "80万"}
    with transaction.atomic():  # such as a view with ATOMIC_REQUESTS
        with workspace.acting_as("lisi") as session:
            session.customers.create(basics | {"客户名称": "苏州霁川电子有限公司"}, tags=[("需求", "采购设备")])
        with workspace.acting_as("lisi") as session:
            print("In the same transaction:", session.customers.count())
    try:
        with transaction.atomic():
            with workspace.acting_as("lisi") as session:
                session.customers.create(basics | {"客户名称": "宁波望潮物流有限公司"})
                print("Before the host fails:", session.customers.count())
            raise NoCreditError  # noqa: TRY301 - it stands for code of the host
    except NoCreditError:
        print("Rolled back by the host, the customer with it")
    with workspace.acting_as("lisi") as session:  # in a transaction of its own
        [kept] = session.customers.find().records
        print("Kept:", kept["name"])
        session.customers.update(kept.id, {"联系人": "许知远"}, version=kept.version, reason="更换对接人")
        for change in session.customers.history(kept.id):
            print(f"Version {change.version} by {change.actor}: {', '.join(sorted(change.fields))}")


def main(folder: Path) -> int:
    """Tell the story on a new file and run the contract; return its exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "django.db").unlink(missing_ok=True)
    settings.DATABASES["default"]["NAME"] = folder / "django.db"
    DjangoUnits().create_tables()
    tell(Workspace(standard_configuration(), units=DjangoUnits(), organisation=sample_organisation()))
    connections.close_all()
    contract = Path(__file__).parents[1] / "tests" / "contract" / "test_django_repository.py"
    if find_spec("pytest") is None or not contract.exists():
        print("To run the contract that every store keeps: pip install pytest, and run this again from the sources.")
        return 0
    print("The contract that every store keeps:")
    return subprocess.call([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", contract])  # noqa: S603


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "out")))
