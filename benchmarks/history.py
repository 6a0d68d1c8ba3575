"""Changes with history, and what proof and encryption cost: against hand-written code and SQLAlchemy-Continuum."""

from __future__ import annotations

import hashlib
import hmac
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.harness import Result, in_turns
from benchmarks.history_peers import FIELDS, ByHand, Rows, continuum
from benchmarks.history_size import sizes
from custinfo import ALL_FIELDS, ANY, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.configuration import Configuration
from custinfo.core.evidence import canonical
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.core.history.changes import Change, changes_between
from custinfo.core.organisation import Assignment, Department, Member, Organisation, Position
from custinfo.core.policy.grants import Action, Grant, Role
from custinfo.core.records import Record, RecordId
from custinfo.core.schema import Schema
from custinfo.ports import Query, SealContext
from custinfo.workspace.announcing import remember
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.proving import Prover, prover_of

__all__ = ["run"]

_TENANT: Final = "default"
_ACTIONS: Final[frozenset[Action]] = frozenset({"view", "create", "edit"})
_PIECE: Final = 500

Turn = Callable[[], None]


def run(quick: bool) -> Iterator[Result]:
    """Measure updates of two fields in tables of 12, then evidence and cipher a piece."""
    count = 1_000 if quick else 10_000
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        ours = Ours(Path(folder, "ours.db"), count)
        opened.callback(ours.close)
        hand = ByHand(Path(folder, "hand.db"), count)
        opened.callback(hand.close)
        yield from _updates(ours, hand, count)
        yield from _continuum(ours, Path(folder), 1_000 if quick else 3_000)
        yield from _evidence(ours, count)
        yield from sizes(Path(folder), ours.schema, ours.prover(), quick=quick)
    yield from _cipher(quick)


class Ours:
    """A store of custinfo with customers of 12 fields."""

    def __init__(self, path: Path, count: int) -> None:
        seller = Position("seller", "Seller", ("seller",))
        member = Member("ann", "Ann", (Assignment("all", "seller"),))
        people = Organisation((Department("all", "All"),), (seller,), (member,))
        fields = tuple(FieldDefinition(key, "text", key) for key in FIELDS)
        grant = Grant("seller", "customer", _ACTIONS, "all", view=ALL_FIELDS, edit=ALL_FIELDS)
        configuration = Configuration(
            (ModuleDefinition("customer", fields),), roles=(Role("seller", "Seller"),), grants=(grant,)
        )
        self.keyring = Keyring.generate()
        self.engine = open_engine(f"sqlite:///{path}")
        self.units = SqlAlchemyUnits(self.engine)
        self.units.create_tables()
        self.workspace = Workspace(configuration, units=self.units, organisation=people)
        with self.workspace.acting_as("ann") as session:
            self.schema: Schema = session.context.schema
            self.documents = Compiled(self.schema).documents
            for row in Rows(count):
                session.customers.create(row)
        with self.units.begin(self.schema, _TENANT) as unit:
            self.ids = [record.id for record in unit.queries.find(Query("customer"))]
        self._turn = 0

    def close(self) -> None:
        """Give the connections back."""
        self.workspace.close()
        self.engine.dispose()

    def prover(self) -> Prover:
        """Return what makes evidence."""
        found = prover_of(self.keyring, _TENANT, self.documents)
        if found is None:
            raise RuntimeError("the keyring has a key for evidence")
        return found

    def update(self, ids: Sequence[RecordId], prover: Prover | None = None) -> None:
        """Change two fields of each record, in one transaction, a piece at a time as the write path saves them."""
        self._turn += 1
        now = datetime.now(UTC)
        with self.units.begin(self.schema, _TENANT) as unit:
            for start in range(0, len(ids), _PIECE):
                before = unit.records.get("customer", ids[start : start + _PIECE])
                after = [_changed(record, self._turn, now) for record in before.values()]
                unit.records.save(after)
                changes = [_change(before[record.id], record) for record in after]
                remember(unit, self.schema, str, changes, prover)

    def update_through_sessions(self, ids: Sequence[RecordId]) -> None:
        """Do the same record by record, with policy, validation and gate: what a host calls."""
        self._turn += 1
        with self.workspace.acting_as("ann") as session:
            for record_id in ids:
                session.customers.update(record_id, _new_values(self._turn), version=ANY)


def _new_values(turn: int) -> dict[str, str]:
    return {"phone": f"138{turn:08}", "budget": str(turn)}


def _changed(record: Record, turn: int, now: datetime) -> Record:
    values = record.values.merged(_new_values(turn))
    return Record(
        record.id, record.module, values, record.tags, record.owner, record.department, record.version + 1,
        record.created_at, now, record.created_by,
    )  # fmt: skip


def _change(before: Record, after: Record) -> Change:
    fields = changes_between(before, after)
    return Change("customer", after.id, after.version, after.updated_at, "ann", "update", fields)


def _updates(ours: Ours, hand: ByHand, count: int) -> Iterator[Result]:
    own, own_proven, by_hand, bare = in_turns(
        lambda: ours.update(ours.ids),
        lambda: ours.update(ours.ids, ours.prover()),
        hand.update_with_history,
        hand.update,
        clock=time.process_time,
        least=1.0,
    )
    case = f"update 2 of 12 fields of {count:,} with history"
    yield Result("history", case, own, "raw read, diff, two executemany", by_hand, 3.0)
    # The history by hand takes five times the bare update, and three times that is the target.
    yield Result("history", case, own, "bare UPDATE through executemany", bare, 15.0)
    yield Result("history", f"{case} and evidence", own_proven, "without evidence", own, 1.5)


def _continuum(ours: Ours, folder: Path, count: int) -> Iterator[Result]:
    """Yield what SQLAlchemy-Continuum takes for fewer records: it takes long. The first strategy is its default.

    Once it is told to version anything, it listens to every engine of the process, and would slow custinfo down for
    its own classes' sake. So custinfo is measured first, in the same process, and then Continuum, as it comes: each the
    best of as many calls.
    """
    ids, case = ours.ids[:count], f"update 2 of 12 fields of {count:,} with history"
    measured = partial(in_turns, clock=time.process_time, least=0.1, most=3)
    own, sessions = measured(lambda: ours.update(ids), lambda: ours.update_through_sessions(ids))
    with continuum(folder, count) as strategies:
        for (strategy, update), factor in zip(strategies.items(), (20.0, 4.0), strict=False):
            [other] = measured(update)
            name = f"SQLAlchemy-Continuum, {strategy} strategy"
            yield Result("history", case, own, name, other, factor, faster=True)
            yield Result("history", f"{case}, one call each", sessions, name, other, factor / 20, faster=True)


def _evidence(ours: Ours, count: int) -> Iterator[Result]:
    """Yield what evidence of one change costs beside its two digests, their messages being there already."""
    prover, key = ours.prover(), os.urandom(32)
    with ours.units.begin(ours.schema, _TENANT) as unit:
        changes = [unit.history.of_record("customer", key)[0] for key in ours.ids[: min(count, 2_000)]]
        log = unit.log
    contents = [prover.documents.codec("customer").encode_change(change) for change in changes]

    def hashed() -> None:
        for change, fields in zip(changes, contents, strict=True):
            committed = hashlib.sha256(os.urandom(16) + canonical([fields, None])).hexdigest()
            names = ["custinfo.change.1", _TENANT, "customer", change.record_id, change.version, str(change.at), "ann"]
            hmac.digest(key, canonical([*names, *["create", "edit", None, None, None, 1, "", committed]]), "sha256")

    number = len(changes)
    own, other = in_turns(lambda: prover.proven(changes, log), hashed, clock=time.process_time)
    yield Result("history", "evidence of one change", own / number, "its JSON and two digests", other / number, 2.0)


def _cipher(quick: bool) -> Iterator[Result]:
    """Yield what a value costs beside AES-GCM alone, with its nonce and what is bound in."""
    keyring, cipher = Keyring.generate(), AESGCM(os.urandom(32))
    place = SealContext(_TENANT, "customer", "id_number", RecordId("0190f8a0-0000-7000-8000-000000000000"))
    text, bound = "11010519491231002X", b"x" * 80
    nonce = os.urandom(12)
    encrypted = cipher.encrypt(nonce, text.encode(), bound)
    keyed = SealContext(*(place.tenant, place.module, place.field, place.record_id), keyring.new_data_key(place))
    sealed = keyring.seal(text, keyed)

    def anew() -> None:
        made = keyring.new_data_key(place)
        keyring.seal(text, SealContext(place.tenant, place.module, place.field, place.record_id, made))

    works: tuple[tuple[str, Turn, float], ...] = (
        ("seal a value by a data key, with its blind index", lambda: _ignored(keyring.seal(text, keyed)), 6.0),
        ("seal a value by a new data key", anew, 14.0),
        ("open a value", lambda: _ignored(keyring.open(sealed, keyed)), 8.0),
        ("blind index of a value", lambda: _ignored(keyring.index(text, place)), 3.0),
    )
    calls = 500 if quick else 2_000
    direct: tuple[Turn, Turn] = (
        lambda: _ignored(cipher.encrypt(os.urandom(12), text.encode(), bound)),
        lambda: _ignored(cipher.decrypt(nonce, encrypted, bound)),
    )
    everything = [*(work for _, work, _ in works), *direct]
    *own, encrypt, decrypt = in_turns(*(partial(_often, work, calls) for work in everything), clock=time.process_time)
    for (case, _, target), taken in zip(works, own, strict=True):
        reading = case.startswith("open")
        name = "AESGCM.decrypt" if reading else "AESGCM.encrypt and a nonce"
        yield Result("history", case, taken / calls, name, (decrypt if reading else encrypt) / calls, target)


def _often(work: Turn, calls: int) -> None:
    for _ in range(calls):
        work()


def _ignored(_found: object) -> None:
    """Take what a measured call returns."""
