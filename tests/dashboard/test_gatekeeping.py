"""Who is let in, and the note that a change leaves: digests of what was there before and after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.dashboard.admin_log import digest, noted
from gateway.dashboard.holder_pages import Holders
from gateway.licenses.enrollment import enroll
from gateway.licenses.license import Standing
from gateway.problems import StoreUnavailable
from gateway.provenance.record import AdminNote, leaf, read_entry
from gateway.store.memory.accounts import MemoryAccounts
from gateway.store.memory.lives import MemoryLives
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.tables import Tables
from tests.dashboard.conftest import SALT


@pytest.fixture
async def holders(clock):
    tables, register = Tables(), MemoryRegister()
    made = enroll("Acme", now=clock.now_us() // 1_000_000, standing=Standing.ACTIVE)
    await register.add_licensee(made.licensee, made.client)
    return Holders(register, MemoryLives(register), MemoryAccounts(register, tables), MemorySpendBook(tables))


async def test_a_change_is_noted_with_what_was_there_before_and_after(start, filled, admin, holders, files):
    board = await start(filled, admin=admin, holders=holders, policies=files)
    who = board.become("operator")
    (acme,) = await holders.register.licensees()
    form = await board.form(f"/licensees/{acme.id}")
    done = await board.post(f"/licensees/{acme.id}/stand", {"form": form, "standing": "suspended"})
    assert done.status == 303
    (found,) = await admin.notes.latest(0, 9)
    note = found.note
    assert (note.act, note.subject, note.by, note.role, note.way) == (
        "licensees.change", f"/licensees/{acme.id}/stand", who, "operator", "password",
    )  # fmt: skip
    assert note.before == digest(acme)
    assert note.after == digest(await holders.register.licensee(acme.id))
    assert note.before != note.after
    # What is refused, and what only looks, leaves no note.
    assert (await board.post(f"/licensees/{acme.id}/stand", {"form": form, "standing": "x"})).status == 400
    board.become("owner")
    form = await board.form("/policies/journal")
    text = files.text(files.policies[0])
    assert (await board.post("/policies/journal/check", {"form": form, "text": text})).status == 200
    board.become("viewer")
    form = await board.form("/account")
    assert (
        await board.post(f"/licensees/{acme.id}/stand", {"form": form, "standing": "active"})
    ).status == 403
    assert len(await admin.notes.latest(0, 9)) == 1


async def test_a_policy_that_is_put_in_force_is_noted_by_its_digests(start, filled, admin, files):
    board = await start(filled, admin=admin, policies=files)
    board.become("owner")
    before = files.text(files.policies[0])
    page = (await board.get("/policies/journal")).text
    base = page.split('name="base" value="')[1].split('"')[0]
    form = await board.form("/policies/journal")
    sent = {"form": form, "text": before + '\n[[rules]]\nthen = "refuse"\n', "base": base}
    assert (await board.post("/policies/journal/activate", sent)).status == 303
    (found,) = await admin.notes.latest(0, 9)
    assert (found.note.act, found.note.before) == ("policy.change", digest({"sha256": base}))
    assert found.note.after not in {"", found.note.before}


async def test_no_password_and_no_token_goes_into_a_digest(start, filled, admin):
    board = await start(filled, admin=admin)
    board.become("owner")
    form = await board.form("/people")
    sent = {"form": form, "name": "ada", "role": "viewer"}
    assert (await board.post("/people/add", sent)).status == 200
    (found,) = await admin.notes.latest(0, 9)
    assert found.note.after == digest([["name", "ada"], ["role", "viewer"]])
    assert "ada" not in str(found.note)


async def test_where_the_journal_takes_no_notes_nothing_is_changed_or_shown(start, filled, admin, holders):
    async def broken(_note):
        raise StoreUnavailable("full")

    record = "/records/019ab003-0000-7000-8000-000000000003"
    board = await start(filled, admin=replace(admin, room=lambda: False, keep=broken), holders=holders)
    board.become("owner")
    (acme,) = await holders.register.licensees()
    form = await board.form(f"/licensees/{acme.id}")
    shut = await board.post(f"/licensees/{acme.id}/stand", {"form": form, "standing": "suspended"})
    assert shut.status == 503
    assert await holders.register.licensees() == (acme,)
    hidden = await board.post(f"{record}/reveal", {"form": form})
    assert hidden.status == 503
    assert "203.0.113.9" not in hidden.text


def test_a_note_reads_back_and_its_leaf_tells_nothing_of_it():
    note = noted("people.change", "/people/\x00é", by="pe_1", role="owner", way="password", now_us=7)
    assert note.subject == "/people/\ufffdé"
    members = {name: getattr(note, name) for name in AdminNote.__dataclass_fields__}
    assert read_entry("admin", members) == note
    assert not [word for word in (b"people", b"pe_1", b"owner") if word in leaf(note, SALT)]


def test_a_digest_does_not_depend_on_the_order_of_what_has_none():
    one = {"scopes": frozenset({"b", "a"}), "of": Standing.ACTIVE, "n": 1.5, "none": None}
    assert digest(one) == digest({"n": "1.5", "none": None, "of": "active", "scopes": ["a", "b"]})
    assert digest(None) == ""
