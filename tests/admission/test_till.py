"""Where credit is consumed: one lease a charge, one charge a unit, and a bounded memory."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission import till as module
from gateway.admission.admit import Grant
from gateway.admission.owed import ABORT_BYTES, WINDOW_SECONDS, unit_of, units_of
from gateway.admission.pace import Pace
from gateway.admission.spending import Charge, Lease, Short
from gateway.admission.till import LeaseWanted, PaidUnit, Till
from gateway.ask import Ask
from gateway.billing.postings import prepaid
from gateway.evidence import NOTHING, Need, Needs
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.problems import Problem, Refusal
from gateway.provenance.record import Ended
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.tables import Tables
from gateway.tokens.claims import Budget

NOW = 1_795_000_000
PRICE = Money(5_000, "USD")
#: No limit at all.
FAST = Pace(0, 1)


def charge_of(record_id: str = "r1", **changes: object) -> Charge:
    return replace(Charge(record_id, "le_1", "lic_1", PRICE, Budget()), **changes)


def ask_at(second: int = NOW, record_id: str = "r1", path: str = "/essays/tides", method: str = "GET") -> Ask:
    return Ask(record_id, second * 1_000_000, "journal", "https://journal.example", method, path, path)


def delivery_of(digest: str = "d1", **changes: object) -> Delivery:
    return replace(Delivery(200, 1000, digest, Ended.COMPLETE, 1000), **changes)


def till_with(credit: int = 1_000_000, pace: Pace = FAST, **more: object) -> tuple[Till, Tables]:
    tables = Tables()
    tables.balances[prepaid("le_1"), "USD"] = credit
    return Till(MemorySpendBook(tables), pace, **more), tables


async def taken(till: Till, charge: Charge, ask: Ask) -> Grant | Refusal | Needs:
    """What the path does: ask, fetch what is named, ask again."""
    grant = Grant(charge=charge)
    first = till.take(grant, ask, NOTHING)
    if not isinstance(first, Needs):
        return first
    (need,) = first.wants
    return till.take(grant, ask, NOTHING.with_facts([(need, await till.lease(need))]))


def test_a_grant_without_a_charge_passes_untouched() -> None:
    till, tables = till_with(0, Pace(0.001, 1))
    grant = Grant()
    assert [till.take(grant, ask_at(), NOTHING) for _ in range(3)] == [grant] * 3
    assert not tables.holds


async def test_a_lease_is_named_once_and_decides_on_the_second_call() -> None:
    till, tables = till_with()
    grant = Grant(charge=charge_of())
    needs = till.take(grant, ask_at(), NOTHING)
    assert needs == Needs((Need("lease", "r1"),))
    assert needs.wants[0].about == LeaseWanted(charge_of(), NOW)
    assert not tables.holds, "naming a lease takes nothing"
    lease = await till.lease(needs.wants[0])
    assert lease == Lease("r1", PRICE)
    evidence = NOTHING.with_facts([(needs.wants[0], lease)])
    assert till.take(grant, ask_at(), evidence) is grant
    assert till.take(grant, ask_at(), evidence) is grant
    assert [hold.held for hold in tables.holds.values()] == [5_000]


def test_another_asks_lease_is_no_evidence() -> None:
    till, _ = till_with()
    other = NOTHING.with_facts([(Need("lease", "r2"), Lease("r2", PRICE))])
    assert isinstance(till.take(Grant(charge=charge_of()), ask_at(), other), Needs)


@pytest.mark.parametrize(
    ("credit", "budget", "problem", "words"),
    [
        (4_999, Budget(), Problem.CREDIT_SPENT, "0.004999 USD"),
        (0, Budget(), Problem.CREDIT_SPENT, "0 USD"),
        (1_000_000, Budget(micros=4_999), Problem.BUDGET_SPENT, "lic_1"),
        (1_000_000, Budget(fetches=0), Problem.BUDGET_SPENT, "lic_1"),
    ],
)
async def test_what_is_short_is_a_402_that_says_which(
    credit: int, budget: Budget, problem: Problem, words: str
) -> None:
    till, _ = till_with(credit)
    refusal = await taken(till, charge_of(budget=budget), ask_at())
    assert isinstance(refusal, Refusal)
    assert (refusal.problem, refusal.status) == (problem, 402)
    assert words in refusal.detail


@pytest.mark.parametrize(("what", "problem"), [("budget", "budget-spent"), ("credit", "credit-spent")])
def test_short_evidence_is_told_as_it_is(what: str, problem: str) -> None:
    till, _ = till_with()
    evidence = NOTHING.with_facts([(Need("lease", "r1"), Short(what, Money(7, "USD")))])
    assert till.take(Grant(charge=charge_of()), ask_at(), evidence).code == problem


async def test_a_book_that_is_away_is_a_503_and_its_words_stay_here() -> None:
    till, tables = till_with()
    tables.down = "the disk under licet.db failed"
    refusal = await taken(till, charge_of(), ask_at())
    assert (refusal.problem, refusal.status) == (Problem.SPEND_BOOK_UNAVAILABLE, 503)
    assert refusal.retry_after > 0
    assert "licet.db" not in refusal.detail
    assert refusal.private == "the disk under licet.db failed"
    await till.give_back("r1")
    tables.down = ""
    assert not tables.holds


def test_evidence_of_another_type_is_a_defect_and_no_grant() -> None:
    till, _ = till_with()
    evidence = NOTHING.with_facts([(Need("lease", "r1"), "yes")])
    with pytest.raises(TypeError, match="str"):
        till.take(Grant(charge=charge_of()), ask_at(), evidence)


async def test_a_license_that_is_too_fast_waits_and_another_does_not() -> None:
    till, tables = till_with(pace=Pace(1, 2))
    for number in range(2):
        assert isinstance(await taken(till, charge_of(f"r{number}"), ask_at(record_id=f"r{number}")), Grant)
    fast = await taken(till, charge_of("r2"), ask_at(record_id="r2"))
    assert (fast.problem, fast.status, fast.retry_after) == (Problem.TOO_FAST, 429, 1)
    assert "r2" not in tables.holds, "who is too fast takes no credit"
    assert isinstance(await taken(till, charge_of("r3", license="lic_2"), ask_at()), Grant)
    assert isinstance(await taken(till, charge_of("r4"), ask_at(NOW + fast.retry_after)), Grant)


async def test_the_second_call_is_not_counted_as_another_request() -> None:
    till, _ = till_with(pace=Pace(1, 1))
    assert isinstance(await taken(till, charge_of(), ask_at()), Grant)


@settings(max_examples=60, deadline=None)
@given(
    credit=st.integers(0, 60_000),
    fetches=st.none() | st.integers(0, 8),
    prices=st.lists(st.integers(0, 20_000), max_size=12),
)
async def test_no_sequence_of_charges_takes_more_than_there_is(
    credit: int, fetches: int | None, prices: list[int]
) -> None:
    till, tables = till_with(credit)
    granted = []
    for number, price in enumerate(prices):
        charge = charge_of(f"r{number}", price=Money(price, "USD"), budget=Budget(None, fetches))
        answer = await taken(till, charge, ask_at())
        assert isinstance(answer, Grant) or answer.status == 402
        if isinstance(answer, Grant):
            granted.append(price)
    assert sum(granted) <= credit
    assert fetches is None or len(granted) <= fetches
    assert sum(hold.held for hold in tables.holds.values()) == sum(granted)


def test_what_was_paid_is_free_until_the_window_ends() -> None:
    till, _ = till_with()
    due = [
        till.owed(charge_of(), ask_at(NOW + later), delivery_of()).reason
        for later in (0, 1, WINDOW_SECONDS - 1, WINDOW_SECONDS, WINDOW_SECONDS + 1)
    ]
    assert due == ["fetch", "read-before", "read-before", "fetch", "read-before"]


def test_a_free_reading_does_not_lengthen_the_window() -> None:
    till, _ = till_with()
    reasons = [
        till.owed(charge_of(), ask_at(NOW + hour * 3600), delivery_of()).reason for hour in range(0, 26, 5)
    ]
    assert reasons == ["fetch", *["read-before"] * 4, "fetch"]


@pytest.mark.parametrize(
    ("change", "delivery", "reason"),
    [
        ({}, delivery_of("d1"), "read-before"),
        ({}, delivery_of("d2"), "fetch"),
        ({"path": "/essays/reefs"}, delivery_of("d1"), "fetch"),
        ({"licensee": "le_2"}, delivery_of("d1"), "fetch"),
        ({"license": "lic_2"}, delivery_of("d1"), "read-before"),
        ({}, delivery_of("d3", status=304, bytes_sent=0), "not-delivered"),
        ({}, delivery_of("d3", ended=Ended.ORIGIN), "broken-off"),
        ({"method": "HEAD"}, delivery_of("d3"), "no-content"),
    ],
)
def test_a_unit_is_one_body_at_one_path_for_one_licensee(
    change: dict[str, str], delivery: Delivery, reason: str
) -> None:
    till, _ = till_with()
    assert till.owed(charge_of(), ask_at(), delivery_of("d1")).money == PRICE
    place = {name: change[name] for name in ("path", "method") if name in change}
    whose = {name: change[name] for name in ("licensee", "license") if name in change}
    due = till.owed(charge_of("r2", **whose), ask_at(record_id="r2", **place), delivery)
    assert (due.reason, due.money) == (reason, PRICE if reason == "fetch" else Money(0, "USD"))


def test_a_body_by_its_tag_and_its_parts_cost_no_more_than_the_whole() -> None:
    till, _ = till_with()
    part = delivery_of("p1", status=206, bytes_sent=10, etag='"v1"')
    assert till.owed(charge_of(), ask_at(), part).reason == "fetch"
    assert till.owed(charge_of(), ask_at(), replace(part, digest="p2")).reason == "read-before"
    assert till.owed(charge_of(), ask_at(), delivery_of("whole", etag='"v1"')).reason == "read-before"
    assert till.owed(charge_of(), ask_at(), replace(part, etag='"v2"')).reason == "fetch"


def test_what_was_left_early_is_free_and_is_not_remembered_as_paid() -> None:
    till, _ = till_with()
    early = delivery_of(
        "part", bytes_sent=ABORT_BYTES, length=100 * ABORT_BYTES, ended=Ended.CLIENT, etag='"v1"'
    )
    assert till.owed(charge_of(), ask_at(), early).reason == "client-left-early"
    assert till.owed(charge_of(), ask_at(), delivery_of("whole", etag='"v1"')).reason == "fetch"


def test_a_fetch_that_could_not_be_recorded_was_not_paid_for() -> None:
    till, _ = till_with()
    tagged = delivery_of(etag='"v1"')
    assert till.owed(charge_of(), ask_at(), tagged).reason == "fetch"
    till.unpaid(charge_of(), ask_at(), tagged)
    assert till.owed(charge_of(), ask_at(), tagged).reason == "fetch"
    assert till.owed(charge_of(), ask_at(), tagged).reason == "read-before"


async def test_what_goes_back_can_be_taken_by_the_next() -> None:
    till, _ = till_with(5_000)
    assert isinstance(await taken(till, charge_of("r1"), ask_at()), Grant)
    assert (await taken(till, charge_of("r2"), ask_at())).problem is Problem.CREDIT_SPENT
    await till.give_back("r1")
    await till.give_back("r1")
    assert isinstance(await taken(till, charge_of("r3"), ask_at()), Grant)


def test_a_till_starts_with_what_the_journal_says_was_paid() -> None:
    old, young = delivery_of("old"), delivery_of("young")
    keys = {
        name: units_of("le_1", ask_at().site, ask_at().path, unit_of("le_1", ask_at()), each)[0]
        for name, each in (("old", old), ("young", young))
    }
    remembered = (PaidUnit(keys["old"], NOW - WINDOW_SECONDS), PaidUnit(keys["young"], NOW - 1))
    till, _ = till_with(remembered=remembered)
    assert till.owed(charge_of(), ask_at(), old).reason == "fetch"
    assert till.owed(charge_of(), ask_at(), young).reason == "read-before"


def test_a_till_learns_what_was_paid_for_elsewhere() -> None:
    page = delivery_of("page")
    (key, *_) = units_of("le_1", ask_at().site, ask_at().path, unit_of("le_1", ask_at()), page)
    till, _ = till_with()
    till.learn((PaidUnit(key, NOW - WINDOW_SECONDS),))
    assert till.owed(charge_of(), ask_at(), page).reason == "fetch"
    till.learn((PaidUnit(key, NOW - 2 * WINDOW_SECONDS),))  # old news take nothing back
    assert till.owed(charge_of(), ask_at(), page).reason == "read-before"
    till, _ = till_with()
    till.learn((PaidUnit(key, NOW - 1),))
    assert till.owed(charge_of(), ask_at(), page).reason == "read-before"


def test_the_memory_is_bounded_and_forgets_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 3)
    till, _ = till_with()
    for name in "abcd":
        till.owed(charge_of(), ask_at(), delivery_of(name))
    # "a" is forgotten, so it is paid again, which costs "b" its place.
    assert till.owed(charge_of(), ask_at(), delivery_of("d")).reason == "read-before"
    assert till.owed(charge_of(), ask_at(), delivery_of("a")).reason == "fetch"
    assert till.owed(charge_of(), ask_at(), delivery_of("c")).reason == "read-before"
    assert till.owed(charge_of(), ask_at(), delivery_of("b")).reason == "fetch"
    assert len(till._paid) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3 * WINDOW_SECONDS), st.sampled_from("ab"), st.sampled_from(["", '"1"', 'W/"1"'])
        ),
        max_size=20,
    )
)
def test_one_body_is_paid_once_a_window_whatever_the_order(events: list[tuple[int, str, str]]) -> None:
    till, _ = till_with()
    paid: dict[str, list[int]] = {"a": [], "b": []}
    for later, digest, etag in sorted(events):
        due = till.owed(charge_of(), ask_at(NOW + later), delivery_of(digest, etag=etag))
        assert due.money.micros in {0, 5_000}
        if due.money:
            paid[digest].append(later)
    for times in paid.values():
        assert all(second - first >= WINDOW_SECONDS for first, second in itertools.pairwise(times))
    first_seen = {digest: later for later, digest, _ in sorted(events, reverse=True)}
    for digest, later in first_seen.items():
        bare = all(not etag.startswith('"') for _, _, etag in events)
        assert not bare or paid[digest][0] == later, "what nobody paid for is never free"


async def test_a_lease_that_nobody_waits_for_any_more_goes_back() -> None:
    till, tables = till_with(5_000)
    asked, go_on = asyncio.Event(), asyncio.Event()
    lease = till._book.lease

    async def slow(charge: Charge, now: int) -> Lease | Short:
        held = await lease(charge, now)
        asked.set()
        await go_on.wait()
        return held

    till._book.lease = slow
    waiting = asyncio.create_task(till.lease(Need("lease", "r1", LeaseWanted(charge_of(), NOW))))
    await asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert tables.holds["r1"].counts
    go_on.set()
    async with asyncio.timeout(20):
        while tables.holds["r1"].counts:
            await asyncio.sleep(0)
