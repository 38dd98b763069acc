"""Every night once, whatever comes back, and said where the operator looks."""

from __future__ import annotations

import json

import pytest

from gateway.app.reconciling import HOUR, Nightly, compared
from gateway.billing.postings import Booked
from gateway.clock import HandClock
from gateway.money import Money
from gateway.provenance.record import BookEntry
from gateway.rails.topups import TopUp
from gateway.store.memory.ledger import MemoryLedger
from gateway.store.memory.settlements import MemorySettlements
from gateway.store.memory.tables import Tables
from gateway.store.memory.topups import MemoryTopUps

DAY = 86_400
GOOD = {"good": True, "comparisons": [{"name": "sums", "ok": True, "faults": []}]}
BAD = {
    "good": False,
    "comparisons": [*GOOD["comparisons"], {"name": "journal", "ok": False, "faults": [{}, {}]}],
}


@pytest.fixture
def night(tmp_path):
    clock = HandClock()
    # To the midnight that comes next.
    clock.advance(DAY - clock.now_us() // 1_000_000 % DAY)
    made = []

    async def make(folder):
        made.append(folder)
        return json.dumps(GOOD).encode()

    return Nightly(tmp_path, clock, make), clock, made


async def test_it_is_made_at_once_and_then_once_a_night(night, tmp_path):
    nightly, clock, made = night
    assert nightly.told() == ""
    for _ in range(3):
        await nightly.act()
    assert made == [tmp_path]
    clock.advance(HOUR * 3600 - 1)
    await nightly.act()
    assert len(made) == 1
    clock.advance(1)
    for _ in range(3):
        await nightly.act()
    assert len(made) == 2
    for _ in range(3):
        clock.advance(DAY)
        await nightly.act()
    assert len(made) == 5
    assert nightly.told().endswith("UTC: the books agree in all 1 comparisons")


async def test_a_restart_remembers(night, tmp_path):
    nightly, clock, made = night
    await nightly.act()
    again = Nightly(tmp_path, clock)
    assert again.told() == nightly.told() != ""
    await again.act()
    assert len(made) == 1
    for broken in (b"", b"{}", b"[1]", b'{"at":"x","good":true,"said":"y"}', b"\xff"):
        (tmp_path / "reconciled.json").write_bytes(broken)
        assert Nightly(tmp_path, clock).last is None


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (json.dumps(BAD).encode(), "the books do not agree, 2 faults in journal; run licet reconcile"),
        (b"", "the books could not be reconciled; run licet reconcile"),
        (b"[]", "the books could not be reconciled; run licet reconcile"),
        (b'{"good":true,"comparisons":[{}]}', "the books could not be reconciled; run licet reconcile"),
        (b'{"good":true,"comparisons":[]}', "the books could not be reconciled; run licet reconcile"),
        (
            b'{"good":false,"comparisons":[{"name":"a","ok":true,"faults":[]}]}',
            "the books could not be reconciled; run licet reconcile",
        ),
    ],
)
async def test_what_is_wrong_is_said(tmp_path, found, said):
    async def make(_):
        return found

    nightly = Nightly(tmp_path, HandClock(), make)
    await nightly.act()
    assert nightly.last.good is False
    assert nightly.told().endswith(said)


async def test_everything_is_read_from_the_ports():
    tables, topups = Tables(), MemoryTopUps()
    ledger, settlements = MemoryLedger(tables), MemorySettlements()
    assert all(each.ok for each in await compared(ledger, settlements, topups))
    entry = BookEntry("top_1", 1_795_000_000_000_000, "credit", "", "le_1", 5, "USD", by="stripe")
    tables.entries.append(Booked(1, entry))
    tables.derive(entry)
    found = await compared(ledger, settlements, topups)
    assert [(each.name, fault.code) for each in found for fault in each.faults] == [
        ("top-ups", "credit-unknown")
    ]
    await topups.add(TopUp("top_1", "le_1", Money(5, "USD"), 1))
    await topups.paid("top_1", "pi_1")
    assert all(each.ok for each in await compared(ledger, settlements, topups))
