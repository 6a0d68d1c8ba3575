"""A keyring that wraps many data keys at once is asked once for many records (FLD-7)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import attrs
import pytest

from custinfo import ANY, CLEAR, InvalidInputError, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.crypto._data_keys import WrappedKeys
from custinfo.adapters.excel import export
from custinfo.adapters.memory import MemoryUnits
from custinfo.ports import DataKeysAhead, ManyDataKeys, SealContext
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.planning import make_plan
from tests.unit.workspace.test_importing import Rows

NUMBERS = ("11010519491231002X", "110101194912310016", "110101194912310024", "110101194912310032", "110101194912310040")
HEADER = ("客户名称", "客户类型", "联系人", "联系方式", "负责人", "证件号码")


class Counting(Keyring):
    """Count what is asked for one by one and for many."""

    calls: list[tuple[str, int]]

    def new_data_key(self, context: SealContext, /) -> str:
        """Count, and make one."""
        self.calls.append(("new", 1))
        return super().new_data_key(context)

    def new_data_keys(self, contexts: Sequence[SealContext], /) -> list[str]:
        """Count, and make many."""
        self.calls.append(("new", len(contexts)))
        return [Keyring.new_data_key(self, context) for context in contexts]

    def rewrapped(self, data_key: str, context: SealContext, /) -> str:
        """Count, and wrap one."""
        self.calls.append(("again", 1))
        return super().rewrapped(data_key, context)

    def rewrapped_all(self, contexts: Sequence[SealContext], /) -> list[str | None]:
        """Count, and wrap many."""
        self.calls.append(("again", len(contexts)))
        return super().rewrapped_all(contexts)


class Ahead(Counting):
    """Count by how many data keys are unwrapped ahead, and which ones are not."""

    within = False

    def unwrap_ahead(self, contexts: Sequence[SealContext], /) -> None:
        """Count, and unwrap many."""
        self.calls.append(("ahead", len(contexts)))
        self.within = True
        for context in contexts:
            with suppress(InvalidInputError):
                self._data_keys.cipher_of(context)
        self.within = False


class Watched(WrappedKeys):
    """Tell a keyring that counts of each data key that was not unwrapped ahead."""

    def __init__(self, keyring: Ahead) -> None:
        super().__init__(keyring._ciphers, keyring.current)
        self.keyring = keyring

    def _unwrap(self, data_key: str, context: SealContext) -> bytes:
        if not self.keyring.within:
            self.keyring.calls.append(("unwrap", 1))
        return super()._unwrap(data_key, context)


def ahead(units: Any, **more: Any) -> tuple[Workspace, Ahead]:
    """Open a workspace whose keyring has nothing unwrapped yet."""
    keyring = Ahead({"k1": b"1" * 32}, current="k1", index_key=b"i" * 32, **more)
    keyring.calls = []
    keyring._data_keys = Watched(keyring)
    return opened(units, keyring), keyring


def counting(**keys: bytes) -> Counting:
    """Return a keyring that counts, whose last key is the current one."""
    made = Counting(keys, current=list(keys)[-1], index_key=b"i" * 32)
    made.calls = []
    return made


def opened(units: Any, keyring: Keyring) -> Workspace:
    """Open a workspace on a store."""
    return Workspace(standard_configuration(), units=units, organisation=sample_organisation(), keyring=keyring)


def imported(workspace: Workspace) -> None:
    """Import people with numbers."""
    rows = [(f"人{place}", "个人客户", "人", f"1390000000{place}", "李四", text) for place, text in enumerate(NUMBERS)]
    with workspace.acting_as("sunjiu") as session:
        report = make_plan(session.context, "customer", Rows(rows, HEADER), digest="x").apply()
    assert report.counts.creates == len(NUMBERS)


def test_bulk_writes_ask_once() -> None:
    """An import of people with numbers makes all their data keys by one call; one person is one call, too."""
    units, keyring = MemoryUnits(), counting(k1=b"1" * 32)
    assert isinstance(keyring, ManyDataKeys)
    imported(opened(units, keyring))
    assert keyring.calls == [("new", 5)]
    with opened(units, keyring).acting_as("zhoushi") as session:
        found = session.customers.find().records
        assert sorted(view["id_number"] for view in found) == sorted(NUMBERS)


def test_lists_and_exports_unwrap_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page, a walk and an export ask once for hundreds; what somebody may not see is not asked for."""
    monkeypatch.setattr("custinfo.workspace.reading._OPENED_AT_ONCE", 3)
    units = MemoryUnits()
    imported(opened(units, counting(k1=b"1" * 32)))
    workspace, keyring = ahead(units)
    assert isinstance(keyring, DataKeysAhead)
    with workspace.acting_as("zhoushi") as session:
        assert sorted(view["id_number"] for view in session.customers.find().records) == sorted(NUMBERS)
        assert keyring.calls == [("ahead", 3), ("ahead", 2)]
    workspace, keyring = ahead(units)
    with workspace.acting_as("zhoushi") as session:
        assert sorted(view["id_number"] for view in session.customers.iterate()) == sorted(NUMBERS)
        assert keyring.calls == [("ahead", 3), ("ahead", 2)]
    workspace, keyring = ahead(units)
    with workspace.acting_as("zhoushi") as session:
        export(session, "customer", io.BytesIO(), fields=["name", "id_number"])
    assert keyring.calls == [("ahead", 5)]
    workspace, keyring = ahead(units)
    with workspace.acting_as("lisi") as session:
        assert len(session.customers.find().records) == len(NUMBERS)
    assert keyring.calls == []


def test_writing_unwraps_ahead() -> None:
    """An import of people who are there asks once for what new values are compared with."""
    units = MemoryUnits()
    imported(opened(units, counting(k1=b"1" * 32)))
    workspace, keyring = ahead(units)
    rows = [(f"人{place}", f"1390000000{place}", NUMBERS[place - 1]) for place in range(len(NUMBERS))]
    with workspace.acting_as("sunjiu") as session:
        file = Rows(rows, ("客户名称", "联系方式", "证件号码"))
        report = make_plan(session.context, "customer", file, digest="y", match=["联系方式"]).apply()
    assert report.counts.awaiting == len(NUMBERS)
    assert set(keyring.calls) == {("ahead", 5)}


def test_rotating_the_index_unwraps_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of records is opened after one call."""
    monkeypatch.setattr("custinfo.workspace.rotation._PAGE", 3)
    units = MemoryUnits()
    imported(opened(units, counting(k1=b"1" * 32)))
    workspace, keyring = ahead(units, index_id="i2", former_index_keys={"": b"i" * 32})
    assert workspace.rotate_index().reindexed
    assert [call for call in keyring.calls if call[0] != "new"] == [("ahead", 3), ("ahead", 2)]


def test_turning_encryption_off_unwraps_ahead() -> None:
    """What is opened for good is unwrapped page by page, when it is planned and when that is applied."""
    units = MemoryUnits()
    imported(opened(units, counting(k1=b"1" * 32)))
    workspace, keyring = ahead(units)
    with workspace.acting_as("admin") as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("customer", "id_number", encrypted=False))
        plan.apply(reason="不再需要")
    assert keyring.calls == [("ahead", 5)] * 2


def test_undoing_an_import_unwraps_ahead() -> None:
    """What was encrypted when rows came in, and is not any more, is opened for all of them after one call."""
    units = MemoryUnits()
    imported(opened(units, counting(k1=b"1" * 32)))
    workspace, _ = ahead(units)
    rows = [(f"1390000000{place}", "上海市") for place in range(len(NUMBERS))]
    with workspace.acting_as("sunjiu") as session:
        file = Rows(rows, ("联系方式", "企业地址"))
        report = make_plan(session.context, "customer", file, digest="y", match=["联系方式"]).apply()
    assert report.counts.updates == len(NUMBERS)
    _, keyring = ahead(units)
    plain = attrs.evolve(standard_configuration().change_field("customer", "id_number", encrypted=False), version=2)
    workspace = Workspace(plain, units=units, organisation=sample_organisation(), keyring=keyring)
    assert len(workspace.undo_import(report.batch_id, actor="sunjiu").reverted) == len(NUMBERS)
    assert keyring.calls == [("ahead", 5)]
    with workspace.acting_as("zhoushi") as session:
        found = session.customers.find().records
        assert sorted(view["id_number"] for view in found) == sorted(NUMBERS)
        assert {view["address"] for view in found} == {None}


def test_undoing_encryption_unwraps_ahead() -> None:
    """A configuration that encrypted a field is undone with one call, which names each data key once."""
    units = MemoryUnits()
    imported(opened(units, counting(k1=b"1" * 32)))
    workspace, _ = ahead(units)
    with workspace.acting_as("admin") as session:
        live = session.configuration
        live.change(live.current.change_field("customer", "contact_name", encrypted=True))
    workspace, keyring = ahead(units)
    with workspace.acting_as("admin") as session:
        undoing = session.configuration.undo(session.configuration.current.version)
        assert keyring.calls == [("ahead", 5)]
        undoing.apply(reason="改回")
    assert keyring.calls == [("ahead", 5)] * 2
    with workspace.acting_as("zhoushi") as session:
        assert {view["contact_name"] for view in session.customers.find().records} == {"人"}


def test_turning_encryption_on_asks_once_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there already gets its data keys page by page, when it is planned and when that is applied."""
    monkeypatch.setattr("custinfo.workspace.migrating._PAGE", 3)
    units, keyring = MemoryUnits(), counting(k1=b"1" * 32)
    workspace = opened(units, keyring)
    imported(workspace)
    with workspace.acting_as("sunjiu") as session:
        for view in session.customers.find().records:
            session.customers.update(view.id, {"bank_account": f"示例银行{view['phone']}"}, version=ANY)
    keyring.calls.clear()
    with workspace.acting_as("admin") as session:
        live = session.configuration
        plan = live.plan(live.current.change_field("customer", "bank_account", encrypted=True))
        assert keyring.calls == [("new", 3), ("new", 2)]
        plan.apply(reason="合规要求")
    assert keyring.calls == [("new", 3), ("new", 2)] * 2
    with workspace.acting_as("zhoushi") as session:
        found = session.customers.find().records
        assert all(view["bank_account"] == f"示例银行{view['phone']}" for view in found)
    assert opened(units, counting(k1=b"1" * 32, k2=b"2" * 32)).rotate_keys().rewrapped == 10


def test_rotating_asks_once_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data keys of a page of records are wrapped anew by one call; those that are already are not asked for."""
    monkeypatch.setattr("custinfo.workspace.rotation._PAGE", 3)
    units = MemoryUnits()
    imported(opened(units, counting(k1=b"1" * 32)))
    keyring = counting(k1=b"1" * 32, k2=b"2" * 32)
    report = opened(units, keyring).rotate_keys()
    assert (report.rewrapped, dict(report.left), report.problems) == (5, {"k2": 5}, ())
    assert keyring.calls == [("again", 3), ("again", 2)]
    assert opened(units, keyring).rotate_keys().rewrapped == 0
    assert keyring.calls == [("again", 3), ("again", 2)]


def test_what_can_not_be_opened_stays_among_the_others() -> None:
    """A data key that no key opens keeps its place: the others of its page are wrapped anew."""
    place = SealContext("default", "customer", "id_number", "0190")  # type: ignore[arg-type]
    old, new = counting(k1=b"1" * 32), counting(k1=b"1" * 32, k2=b"2" * 32)
    [good] = old.new_data_keys([place])
    strange = counting(k9=b"9" * 32).new_data_key(place)
    contexts = [SealContext(place.tenant, place.module, place.field, place.record_id, key) for key in (strange, good)]
    lost, kept = new.rewrapped_all(contexts)
    assert lost is None
    assert kept is not None
    assert new.wrapped_by(kept) == "k2"


def test_a_cleared_number_needs_no_key() -> None:
    """Records without an encrypted value ask for nothing."""
    units, keyring = MemoryUnits(), counting(k1=b"1" * 32)
    with opened(units, keyring).acting_as("sunjiu") as session:
        raw = {"name": "王小明", "customer_type": "个人客户", "contact_name": "王小明", "phone": "13900139000"}
        session.customers.create({**raw, "owner": "lisi", "id_number": CLEAR})
    assert keyring.calls == []
