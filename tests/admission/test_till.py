"""Where credit is consumed: one lease a charge, one charge a unit, and a bounded memory."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission import till as module
from gateway.admission.admit import Grant
from gateway.admission.owed import ABORT_BYTES, WINDOW_SECONDS, unit_of, units_of
from gateway.admission.pace import Pace
from gateway.admission.spending import Charge, Lease, Short, SpendBook
from gateway.admission.till import PaidUnit, Till
from gateway.ask import Ask
from gateway.billing.postings import prepaid
from gateway.evidence import NOTHING, Need, Needs
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.provenance.record import Ended
from gateway.store.memory.marks import MemoryMarks
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.tables import Tables
from gateway.tokens.claims import Budget

NOW = 1_795_000_000
WRITER, OTHER_WRITER = "front-" + "0" * 24, "front-" + "1" * 24
PRICE = Money(5_000, "USD")
#: No limit at all.
FAST = Pace(0, 1)


def charge_of(record_id: str = "r1", **changes: object) -> Charge:
    return Charge(record_id, "le_1", "lic_1", PRICE, Budget())._replace(**changes)


def ask_at(second: int = NOW, record_id: str = "r1", path: str = "/essays/tides", method: str = "GET") -> Ask:
    return Ask(record_id, second * 1_000_000, "journal", "https://journal.example", method, path, path)


def delivery_of(digest: str = "d1", **changes: object) -> Delivery:
    return Delivery(200, 1000, digest, Ended.COMPLETE, 1000)._replace(**changes)


def till_with(credit: int = 1_000_000, pace: Pace = FAST, **more: object) -> tuple[Till, Tables]:
    tables = Tables()
    tables.balances[prepaid("le_1"), "USD"] = credit
    return Till(MemorySpendBook(tables), WRITER, pace, **more), tables


class Slow:
    """A book whose answers wait until `go` is set; *calls* names what was asked of it."""

    def __init__(self, book: SpendBook) -> None:
        self.book, self.calls, self.go = book, [], asyncio.Event()
        self.asked = asyncio.Event()

    async def lease(self, writer: str, charge: Charge, fetches: int) -> int | Short:
        self.calls.append(("lease", fetches))
        self.asked.set()
        await self.go.wait()
        return await self.book.lease(writer, charge, fetches)

    async def give_back(self, writer: str, license: str, held: Money, fetches: int) -> None:
        self.calls.append(("give_back", fetches))
        await self.book.give_back(writer, license, held, fetches)


def slow_till(credit: int = 100 * 5_000, *, waits: bool = True) -> tuple[Till, Slow, Tables]:
    tables = Tables()
    tables.balances[prepaid("le_1"), "USD"] = credit
    book = Slow(MemorySpendBook(tables))
    if not waits:
        book.go.set()
    return Till(book, WRITER, FAST), book, tables


def set_aside(tables: Tables) -> tuple[int, int]:
    """Micro-units and fetches in all purses."""
    purses = tables.purses.values()
    return sum(purse.held.micros for purse in purses), sum(purse.fetches for purse in purses)


async def settled(till: Till) -> None:
    """Let every refill run to its end."""
    while filling := [units.filling for units in till._units.values() if units.filling]:
        await asyncio.wait(filling)


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
    assert not tables.purses


async def test_a_lease_is_named_once_and_decides_on_the_second_call() -> None:
    till, tables = till_with()
    grant = Grant(charge=charge_of())
    needs = till.take(grant, ask_at(), NOTHING)
    assert needs == Needs((Need("lease", "r1"),))
    assert needs.wants[0].about == charge_of()
    assert not tables.purses, "naming a lease takes nothing"
    lease = await till.lease(needs.wants[0])
    assert lease == Lease(charge_of())
    evidence = NOTHING.with_facts([(needs.wants[0], lease)])
    assert till.take(grant, ask_at(), evidence) is grant
    assert till.take(grant, ask_at(), evidence) is grant
    assert set_aside(tables) == (20_000, 4)
    await till.close()
    assert set_aside(tables) == (5_000, 1)


def test_another_asks_lease_is_no_evidence() -> None:
    till, _ = till_with()
    other = NOTHING.with_facts([(Need("lease", "r2"), Lease(charge_of("r2")))])
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
    till.give_back(charge_of())
    tables.down = ""
    assert not tables.purses
    assert isinstance(await taken(till, charge_of(), ask_at()), Grant)


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
    await till.close()
    assert set_aside(tables) == (10_000, 2), "who is too fast takes no credit"
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
    await till.close()
    assert set_aside(tables) == (sum(granted), len(granted))


def test_what_was_paid_is_free_until_the_window_ends() -> None:
    till, _ = till_with()
    due = [
        till.owed(charge_of(), ask_at(NOW + later), delivery_of()).reason
        for later in (0, 1, WINDOW_SECONDS - 1, WINDOW_SECONDS, WINDOW_SECONDS + 1)
    ]
    assert due == ["fetch", "read-before", "read-before", "fetch", "read-before"]


@pytest.mark.parametrize("hours", [1, 24, 168])
def test_the_window_is_that_of_the_license_that_is_charged(hours: int) -> None:
    till, _ = till_with()
    charge = charge_of(window_seconds=hours * 3600)
    due = [
        till.owed(charge, ask_at(NOW + later), delivery_of()).reason
        for later in (0, hours * 3600 - 1, hours * 3600, hours * 3600 + 1)
    ]
    assert due == ["fetch", "read-before", "fetch", "read-before"]


def test_a_thousand_slices_of_one_version_are_one_charge() -> None:
    till, _ = till_with()
    part = delivery_of("", status=206, bytes_sent=7, length=7, etag='"1"')
    due = [
        till.owed(charge_of(), ask_at(NOW + at), part._replace(digest=f"slice {at}")) for at in range(1000)
    ]
    assert [each.reason for each in due] == ["fetch", *["read-before"] * 999]
    assert sum(each.money.micros for each in due) == PRICE.micros


@pytest.mark.parametrize("etag", ['"1"', ""])
def test_head_then_a_broken_get_and_its_resumption_are_one_charge(etag: str) -> None:
    till, _ = till_with()
    head = delivery_of("", bytes_sent=0, etag=etag)
    broken = delivery_of("", ended=Ended.ORIGIN, bytes_sent=500, etag=etag)
    resumed = delivery_of("rest", status=206, bytes_sent=500, length=500, etag=etag)
    again = delivery_of("rest", status=206, bytes_sent=400, length=400, etag=etag)
    due = [
        till.owed(charge_of(), ask_at(method="HEAD"), head),
        till.owed(charge_of(), ask_at(NOW + 1), broken),
        till.owed(charge_of(), ask_at(NOW + 2), resumed),
        till.owed(charge_of(), ask_at(NOW + 3), again),
    ]
    assert [each.reason for each in due] == ["no-content", "broken-off", "fetch", "read-before"]


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
    assert till.owed(charge_of(), ask_at(), part._replace(digest="p2")).reason == "read-before"
    assert till.owed(charge_of(), ask_at(), delivery_of("whole", etag='"v1"')).reason == "read-before"
    assert till.owed(charge_of(), ask_at(), part._replace(etag='"v2"')).reason == "fetch"


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
    till.give_back(charge_of("r1"))
    till.give_back(charge_of("r1"))
    assert isinstance(await taken(till, charge_of("r3"), ask_at()), Grant)
    assert (await taken(till, charge_of("r4"), ask_at())).problem is Problem.CREDIT_SPENT


async def test_a_charge_goes_back_where_what_others_were_paid_for_cannot_be_known() -> None:
    down = [StoreUnavailable("not known yet"), asyncio.CancelledError()]

    async def settled() -> None:
        if down:
            raise down.pop()

    till, _ = till_with(5_000, settled=settled)
    for kind in (asyncio.CancelledError, StoreUnavailable):
        assert isinstance(await taken(till, charge_of("r1"), ask_at()), Grant)
        with pytest.raises(kind):
            await till.settled(charge_of("r1"), ask_at(), delivery_of())
    assert isinstance(await taken(till, charge_of("r2"), ask_at()), Grant)
    await till.settled(charge_of("r2"), ask_at(), delivery_of())
    assert (await taken(till, charge_of("r3"), ask_at())).problem is Problem.CREDIT_SPENT


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


async def test_two_hundred_at_once_get_the_hundred_units_there_are() -> None:
    till, _, tables = slow_till(100 * 5_000, waits=False)
    answers = await asyncio.gather(
        *(taken(till, charge_of(f"r{n}"), ask_at(record_id=f"r{n}")) for n in range(200))
    )
    assert sum(isinstance(answer, Grant) for answer in answers) == 100
    assert {answer.problem for answer in answers if isinstance(answer, Refusal)} == {Problem.CREDIT_SPENT}
    assert set_aside(tables) == (500_000, 100)


@pytest.mark.parametrize("budget", [Budget(), Budget(fetches=100), Budget(micros=500_000)])
async def test_two_tills_on_one_book_sell_no_more_than_there_is(budget: Budget) -> None:
    tables = Tables()
    tables.balances[prepaid("le_1"), "USD"] = 500_000 if budget == Budget() else 10**9
    tills = [Till(MemorySpendBook(tables), writer, FAST) for writer in (WRITER, OTHER_WRITER)]
    answers = await asyncio.gather(
        *(
            taken(tills[n % 2], charge_of(f"r{n}", budget=budget), ask_at(record_id=f"r{n}"))
            for n in range(200)
        )
    )
    granted = sum(isinstance(answer, Grant) for answer in answers)
    assert 0 < granted <= 100
    assert sum(isinstance(answer, Refusal) for answer in answers) == 200 - granted
    for till in tills:
        await till.close()
    assert set_aside(tables) == (granted * 5_000, granted)


async def test_a_busy_license_is_served_without_asking_the_book() -> None:
    till, book, tables = slow_till(10**9, waits=False)
    waited = 0
    for number in range(2_000):
        charge = charge_of(f"r{number}")
        answer = till.take(Grant(charge=charge), ask_at(), NOTHING)
        if isinstance(answer, Needs):
            waited += 1
            assert isinstance(await till.lease(answer.wants[0]), Lease)
        till.owed(charge, ask_at(), delivery_of(f"d{number}"))
        await asyncio.sleep(0)
    assert waited == 1, "only the first of all waited"
    assert [fetches for _, fetches in book.calls] == [4, 8, 16, 32, 64, 128, *[256] * (len(book.calls) - 6)]
    assert len(book.calls) < 16
    await settled(till)
    await till.close()
    assert set_aside(tables) == (2_000 * 5_000, 2_000)


async def test_whoever_waits_for_one_license_shares_one_call_and_another_license_has_its_own() -> None:
    till, book, _ = slow_till()
    waiting = [
        asyncio.create_task(taken(till, charge_of(f"r{n}", license=f"lic_{n % 2}"), ask_at()))
        for n in range(8)
    ]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(book.calls) == 2
    book.go.set()
    assert all(isinstance(answer, Grant) for answer in await asyncio.gather(*waiting))
    assert len(book.calls) == 2


async def test_who_leaves_while_a_lease_is_fetched_takes_nothing_along() -> None:
    till, book, tables = slow_till()
    tasks = [asyncio.create_task(taken(till, charge_of(f"r{n}"), ask_at())) for n in range(4)]
    await book.asked.wait()
    await asyncio.sleep(0)
    for gone in tasks[:3]:
        gone.cancel()
    book.go.set()
    *left, stayed = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in left)
    assert isinstance(stayed, Grant)
    await till.close()
    assert set_aside(tables) == (5_000, 1)


async def test_who_leaves_just_as_the_lease_comes_takes_nothing_along() -> None:
    till, book, tables = slow_till(5_000, waits=False)
    assert isinstance(await taken(till, charge_of("r0"), ask_at()), Grant)
    await settled(till)
    book.go.clear()
    book.asked.clear()
    (need,) = till.take(Grant(charge=charge_of("r1")), ask_at(), NOTHING).wants
    task = asyncio.create_task(till.lease(need))
    await book.asked.wait()
    till.give_back(charge_of("r0"))
    assert not task.done(), "its unit is there, and it does not know yet"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    book.go.set()
    await till.close()
    assert not tables.purses


@pytest.mark.parametrize("down", [True, False])
async def test_a_refill_that_fails_refuses_nobody_who_still_finds_a_unit(down: bool) -> None:
    # 24 units are there: 4, then 5 at most (a quarter of the rest), and then others take what is left.
    till, book, tables = slow_till(24 * 5_000, waits=False)
    assert isinstance(await taken(till, charge_of("r0"), ask_at()), Grant)
    if down:
        tables.down = "gone"
    else:
        tables.balances[prepaid("le_1"), "USD"] = 20_000
    answers = []
    for number in range(1, 5):
        answers.append(await taken(till, charge_of(f"r{number}"), ask_at()))
        await settled(till)
    assert [type(answer) for answer in answers] == [Grant, Grant, Grant, Refusal]
    assert answers[3].problem is (Problem.SPEND_BOOK_UNAVAILABLE if down else Problem.CREDIT_SPENT)
    assert len(book.calls) == 3, "the first lease, the refill that failed, and the one that was waited for"
    tables.down, tables.balances[prepaid("le_1"), "USD"] = "", 10**9
    assert isinstance(await taken(till, charge_of("r9"), ask_at()), Grant)


async def test_a_book_that_is_away_is_not_asked_again_for_each_unit_that_is_left() -> None:
    till, book, tables = slow_till(10**9, waits=False)
    number = 0
    while not book.calls or book.calls[-1] != ("lease", 64):
        assert isinstance(await taken(till, charge_of(f"r{number}"), ask_at()), Grant)
        await settled(till)
        number += 1
    tables.down, before = "gone", len(book.calls)
    (units,) = till._units.values()
    for left in range(units.free):
        assert isinstance(await taken(till, charge_of(f"left{left}"), ask_at()), Grant)
        await settled(till)
    assert len(book.calls) == before + 1


async def test_what_lies_idle_under_one_license_is_given_up_for_another_of_the_same_payer() -> None:
    till, _, tables = slow_till(5 * 5_000, waits=False)
    assert isinstance(await taken(till, charge_of("r0"), ask_at()), Grant)
    other = charge_of("r1", license="lic_2")
    till.give_back(charge_of("r0"))
    tables.balances[prepaid("le_1"), "USD"] = 5_000
    assert isinstance(await taken(till, other, ask_at()), Grant)
    assert set_aside(tables) == (5_000, 1)


async def test_a_token_with_a_narrower_budget_takes_nothing_that_was_leased_under_a_wider_one() -> None:
    till, _ = till_with()
    assert isinstance(await taken(till, charge_of("r0"), ask_at()), Grant)
    narrow = charge_of("r1", budget=Budget(fetches=1))
    assert isinstance(till.take(Grant(charge=narrow), ask_at(), NOTHING), Needs)
    # The one fetch of the license that is under way is all that this budget allows.
    assert (await taken(till, narrow, ask_at())).problem is Problem.BUDGET_SPENT


async def test_prices_of_one_license_do_not_mix() -> None:
    till, tables = till_with()
    cheap = charge_of("r0", price=Money(1_000, "USD"))
    assert isinstance(await taken(till, cheap, ask_at()), Grant)
    assert isinstance(await taken(till, charge_of("r1"), ask_at()), Grant)
    assert set_aside(tables) == (4 * 1_000 + 4 * 5_000, 8)
    till.give_back(cheap)
    await till.close()
    assert set_aside(tables) == (5_000, 1)


async def test_what_is_owed_nothing_is_free_for_the_next_and_each_charge_ends_once() -> None:
    till, _ = till_with(5_000)
    charge = charge_of()
    assert isinstance(await taken(till, charge, ask_at()), Grant)
    assert till.owed(charge, ask_at(), delivery_of(status=404)).reason == "not-delivered"
    till.give_back(charge)
    second = charge_of("r2")
    assert till.take(Grant(charge=second), ask_at(), NOTHING) == Grant(charge=second), "without a call"
    assert till.owed(second, ask_at(), delivery_of()).reason == "fetch"
    till.give_back(second)
    assert (await taken(till, charge_of("r3"), ask_at())).problem is Problem.CREDIT_SPENT
    till.unpaid(second, ask_at(), delivery_of())
    assert isinstance(await taken(till, charge_of("r4"), ask_at()), Grant)
    assert (await taken(till, charge_of("r5"), ask_at())).problem is Problem.CREDIT_SPENT


async def test_a_license_that_rests_gives_back_what_it_does_not_use() -> None:
    till, book, tables = slow_till(waits=False)
    assert isinstance(await taken(till, charge_of("r0"), ask_at()), Grant)
    await till.rest()
    assert set_aside(tables) == (20_000, 4), "it was used a moment ago"
    await till.rest()
    assert set_aside(tables) == (5_000, 1)
    await till.rest()
    assert book.calls == [("lease", 4), ("give_back", 3)]
    assert not till._units
    assert till.owed(charge_of("r0"), ask_at(), delivery_of(status=304)).money == Money(0, "USD")
    for _ in range(2):
        await till.rest()
    assert not tables.purses


async def test_a_book_that_is_away_while_a_license_rests_loses_nothing() -> None:
    till, tables = till_with()
    assert isinstance(await taken(till, charge_of("r0"), ask_at()), Grant)
    await till.rest()
    tables.down = "gone"
    with pytest.raises(StoreUnavailable):
        await till.rest()
    assert isinstance(till.take(Grant(charge=charge_of("r1")), ask_at(), NOTHING), Grant)
    tables.down = ""
    await till.close()
    assert set_aside(tables) == (10_000, 2)


class Yielding:
    """A book that lets everybody else run before and after it acts, and says where more was sold than there is."""

    def __init__(self, tables: Tables, credit: int) -> None:
        self.book, self.tables, self.credit = MemorySpendBook(tables), tables, credit

    async def lease(self, *asked: object) -> int | Short:
        await asyncio.sleep(0)
        answer = await self.book.lease(*asked)
        assert set_aside(self.tables)[0] <= self.credit
        await asyncio.sleep(0)
        return answer

    async def give_back(self, *given: object) -> None:
        await asyncio.sleep(0)
        await self.book.give_back(*given)
        await asyncio.sleep(0)


@settings(max_examples=150, deadline=None)
@given(
    units=st.integers(0, 40),
    asks=st.lists(
        st.tuples(
            st.integers(0, 1),
            st.sampled_from(["lic_1", "lic_2"]),
            st.sampled_from(["paid", "free", "unused", "unrecorded", "gone"]),
            st.integers(0, 6),
        ),
        max_size=60,
    ),
    rests=st.integers(0, 5),
)
async def test_whatever_becomes_of_each_ask_nothing_is_lost_or_sold_twice(
    units: int, asks: list[tuple[int, str, str, int]], rests: int
) -> None:
    tables = Tables()
    tables.balances[prepaid("le_1"), "USD"] = units * 5_000
    book = Yielding(tables, units * 5_000)
    tills = [Till(book, writer, FAST) for writer in (WRITER, OTHER_WRITER)]

    async def fetch(number: int, till: Till, license: str, end: str, turns: int) -> bool:
        charge, ask = charge_of(f"r{number}", license=license), ask_at(record_id=f"r{number}")
        answer = await taken(till, charge, ask)
        if isinstance(answer, Refusal):
            assert answer.problem is Problem.CREDIT_SPENT
            return False
        for _ in range(turns):
            await asyncio.sleep(0)
        if end == "unused":
            till.give_back(charge)
            return False
        due = till.owed(charge, ask, delivery_of(f"d{number}", status=404 if end == "free" else 200))
        if end == "unrecorded":
            till.unpaid(charge, ask, delivery_of(f"d{number}"))
        return bool(due.money) and end != "unrecorded"

    async def left(number: int, till: Till, license: str, turns: int) -> bool:
        charge, ask = charge_of(f"r{number}", license=license), ask_at(record_id=f"r{number}")
        task = asyncio.create_task(taken(till, charge, ask))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        till.give_back(charge)
        return False

    async def rest() -> bool:
        for _ in range(rests):
            for till in tills:
                await till.rest()
        return False

    acts = [
        left(number, tills[which], license, turns)
        if end == "gone"
        else fetch(number, tills[which], license, end, turns)
        for number, (which, license, end, turns) in enumerate(asks)
    ]
    paid = sum(await asyncio.gather(rest(), *acts))
    for till in tills:
        await till.close()
        assert not till._taken
    assert set_aside(tables) == (paid * 5_000, paid)


async def test_of_fetches_of_one_unit_that_end_at_once_anywhere_one_pays() -> None:
    marks = MemoryMarks()
    tills = [till_with(marks=marks)[0] for _ in range(2)]
    due = []

    async def ended(till: Till, number: int, **changes: object) -> None:
        charge, ask, delivery = (
            charge_of(f"r{number}"),
            ask_at(record_id=f"r{number}"),
            delivery_of(**changes),
        )
        await till.settled(charge, ask, delivery)
        due.append(till.owed(charge, ask, delivery).reason)

    await asyncio.gather(*(ended(tills[number % 2], number, etag='"1"') for number in range(20)))
    assert (due.count("fetch"), due.count("read-before")) == (1, 19)
    due.clear()
    # What owes nothing has no unit, so that it takes none from what does.
    await ended(tills[0], 30, digest="d2", ended=Ended.ORIGIN)
    await ended(tills[1], 31, digest="d2")
    assert due == ["broken-off", "fetch"]


async def test_where_each_fetch_is_paid_for_none_takes_the_unit_of_another() -> None:
    marks = MemoryMarks()
    tills = [till_with(marks=marks)[0] for _ in range(2)]
    for number, till in enumerate(tills):
        charge, ask = charge_of(f"r{number}")._replace(window_seconds=0), ask_at(record_id=f"r{number}")
        await till.settled(charge, ask, delivery_of())
        assert till.owed(charge, ask, delivery_of()).reason == "fetch"


async def test_marks_that_do_not_answer_change_nothing() -> None:
    class Away:
        async def taken(self, mark: str, request: str, seconds: int) -> None:
            return None

    till, _ = till_with(marks=Away())
    await till.settled(charge_of("r1"), ask_at(), delivery_of())
    assert till.owed(charge_of("r1"), ask_at(), delivery_of()).reason == "fetch"


async def test_what_the_book_closed_is_sold_to_nobody() -> None:
    """A machine that was cut off for long forgets what it had set aside, and asks anew."""
    till, tables = till_with(credit=100 * 5_000)
    assert isinstance(await taken(till, charge_of(), ask_at()), Grant)
    tables.purses.clear()
    till.forget()
    assert isinstance(till.take(Grant(charge=charge_of("r2")), ask_at(record_id="r2"), NOTHING), Needs)
    assert isinstance(await taken(till, charge_of("r3"), ask_at(record_id="r3")), Grant)
    assert set_aside(tables)[1] >= 1
