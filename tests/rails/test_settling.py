"""Settling, with signatures that are real, a facilitator that listens, and the books in memory."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import replace

import pytest
from aiohttp import web

from gateway.money import Money
from gateway.problems import PROBLEMS, StoreUnavailable
from gateway.rails.settlements import State
from gateway.rails.settling import (
    CONFLICT,
    INVALID,
    OPEN,
    RETRY_SECONDS,
    UNSERVED,
    Checked,
    Taken,
    Unpaid,
)
from gateway.rails.x402 import LAPSED
from loadtests.faults.table import told

PRICE = Money(5_000, "USD")
URL = "https://journal.example/essays/tides"


@pytest.fixture
def till(office, terms):
    return office(terms)


@pytest.fixture
def make():
    """A record of a fetch as the front would leave it."""
    from types import SimpleNamespace

    from gateway.provenance.record import FetchRecord

    def fetch(id, *, micros, licensee, license) -> FetchRecord:
        return FetchRecord(
            id=id, time_us=1_795_000_000_000_000, duration_us=1, site="journal", host="journal.example", method="GET",
            path="/essays/tides", visitor_class="ai", identity="claimed", identity_method="none", verdict="license",
            rule="rules[1]", policy="sha-256:p", mode="enforce", outcome="licensed", status=200, bytes_sent=10,
            ended="complete", detail="0" * 64, licensee=licensee, license=license, currency="USD",
            price_micros=micros, charged_micros=micros, charge_reason="fetch" if micros else "broken-off",
        )  # fmt: skip

    return SimpleNamespace(fetch=fetch)


async def test_a_payment_is_settled_booked_and_spent(till, facilitator, wallet, asked, make) -> None:
    payable = till.payable(wallet.pays(asked))
    checked = await till.settling.check(payable)
    assert checked == Checked(checked.payment, wallet.address)
    assert await till.book.payments() == ()
    taken = await till.settling.settle(payable, "r1")
    assert taken == Taken(
        checked.payment, wallet.address, *facilitator.settled.values(), State.SETTLED, owes=True
    )
    (entry,) = till.kept
    assert (entry.id, entry.kind_of, entry.licensee) == (taken.payment, "credit", f"x402:{wallet.address}")
    assert (entry.amount_micros, entry.currency, entry.reference) == (5_000, "USD", taken.transaction)
    assert await till.sums(wallet.address) == 5_000
    await till.fetched(taken, "r1", make, charged=5_000)
    assert await till.sums(wallet.address) == 0
    assert facilitator.asked == ["verify", "settle"]
    assert (await till.book.payment(taken.payment)).presented == ""


async def test_what_rests_of_a_payment_shows_no_query(till, wallet, asked) -> None:
    taken = await till.settling.settle(till.payable(wallet.pays(asked), url=f"{URL}?reader=anna"), "r1")
    assert (await till.book.payment(taken.payment)).url == URL


async def test_200_at_once_settle_once(till, facilitator, wallet, asked, make) -> None:
    payable = till.payable(wallet.pays(asked))
    taken = await asyncio.gather(*(till.settling.settle(payable, f"r{number}") for number in range(200)))
    owing = [each for each in taken if each.owes]
    print(
        f"\n200 at once with one payment: settled {facilitator.asked.count('settle')}, owed by {len(owing)}"
    )
    assert facilitator.asked.count("settle") == 1
    assert len(owing) == 1
    assert {each.state for each in taken} <= {State.SETTLED, State.DUPLICATE}
    assert len({each.transaction for each in taken}) == 1
    assert len(till.kept) == 1
    await till.fetched(taken[0], "r0", make, charged=5_000)
    assert await till.sums(wallet.address) == 0


async def test_an_office_that_ends_waits_for_the_money_on_its_way_and_not_for_ever(
    till, wallet, asked, monkeypatch
) -> None:
    begun, going_on, settle = asyncio.Event(), asyncio.Event(), till.settling._facilitator.settle

    async def slow(*given):
        begun.set()
        await going_on.wait()
        return await settle(*given)

    monkeypatch.setattr(till.settling._facilitator, "settle", slow)
    await till.settling.finished(30)  # nothing is on its way
    paying = asyncio.create_task(till.settling.settle(till.payable(wallet.pays(asked)), "r1"))
    await begun.wait()
    paying.cancel()  # whoever asked is gone
    await till.settling.finished(0.01)
    assert [each.state for each in await till.book.payments()] == [State.PENDING]
    going_on.set()
    await till.settling.finished(30)
    (payment,) = await till.book.payments()
    assert (payment.state, payment.booked) == (State.SETTLED, True)


async def test_the_same_payment_again_is_served_and_not_charged_for_a_while(
    till, facilitator, wallet, asked, make
) -> None:
    payable = till.payable(wallet.pays(asked))
    first = await till.settling.settle(payable, "r1")
    await till.fetched(first, "r1", make, charged=5_000)
    till.clock.advance(RETRY_SECONDS)
    assert isinstance(await till.settling.check(payable), Checked)
    again = await till.settling.settle(payable, "r2")
    assert again == replace(first, state=State.DUPLICATE, owes=False)
    till.clock.advance(1)
    assert await till.settling.settle(payable, "r3") == Unpaid(INVALID, "payment_already_used", first.payment)
    assert facilitator.asked.count("settle") == 1


async def test_what_its_fetch_did_not_owe_is_there_for_the_next_however_late(
    till, wallet, asked, make
) -> None:
    payable = till.payable(wallet.pays(asked))
    first = await till.settling.settle(payable, "r1")
    await till.fetched(first, "r1", make, charged=0)  # the creator's server broke off
    till.clock.advance(RETRY_SECONDS * 10)
    again = await till.settling.settle(payable, "r2")
    assert (again.state, again.owes) == (State.DUPLICATE, True)
    await till.fetched(again, "r2", make, charged=5_000)
    assert await till.sums(wallet.address) == 0


async def test_a_fetch_that_never_left_a_record_costs_its_payer_nothing_more(
    till, facilitator, wallet, asked, make
) -> None:
    payable = till.payable(wallet.pays(asked))
    await till.settling.settle(payable, "r1")  # and its worker is killed
    till.clock.advance(RETRY_SECONDS * 2)
    again = await till.settling.settle(payable, "r2")
    assert (again.state, again.owes) == (State.DUPLICATE, False)
    used = Unpaid(INVALID, "payment_already_used", again.payment)
    assert await till.settling.settle(payable, "r3") == used
    assert facilitator.asked.count("settle") == 1
    assert await till.sums(wallet.address) == 5_000


async def test_after_a_day_the_money_of_a_fetch_that_never_left_a_record_is_the_next_ones(
    till, facilitator, wallet, asked
) -> None:
    payable = till.payable(wallet.pays(asked))
    await till.settling.settle(payable, "r1")
    till.clock.advance(86_401)
    assert (await till.settling.settle(payable, "r2")).owes
    assert facilitator.asked.count("settle") == 1


async def test_breaking_off_the_first_of_two_is_no_way_to_read_for_ever(till, wallet, asked, make) -> None:
    payable = till.payable(wallet.pays(asked))
    first = await till.settling.settle(payable, "r1")
    assert not (await till.settling.settle(payable, "r2")).owes  # served while the first is under way
    await till.fetched(first, "r1", make, charged=0)  # which its client then breaks off
    till.clock.advance(RETRY_SECONDS)
    assert (await till.settling.settle(payable, "r3")).owes
    till.clock.advance(1)
    used = Unpaid(INVALID, "payment_already_used", first.payment)
    assert await till.settling.settle(payable, "r4") == used


async def test_money_of_long_ago_is_one_fetchs_too(till, wallet, asked, make) -> None:
    payable = till.payable(wallet.pays(asked))
    first = await till.settling.settle(payable, "r1")
    await till.fetched(first, "r1", make, charged=0)
    till.clock.advance(200_000)
    taken = await asyncio.gather(*(till.settling.settle(payable, f"s{number}") for number in range(20)))
    (owner,) = [f"s{number}" for number, each in enumerate(taken) if each.owes]
    await till.fetched(first, owner, make, charged=5_000)
    till.clock.advance(RETRY_SECONDS)
    assert not (await till.settling.settle(payable, "r2")).owes
    assert await till.sums(wallet.address) == 0


async def test_what_was_paid_back_pays_for_nothing(till, wallet, asked, make) -> None:
    payable = till.payable(wallet.pays(asked))
    first = await till.settling.settle(payable, "r1")
    await till.fetched(first, "r1", make, charged=0)
    (credit,) = till.kept
    await till.fold(replace(credit, id="back", kind_of="reversal", reference=credit.id))
    assert await till.settling.settle(payable, "r2") == Unpaid(INVALID, "payment_refunded", first.payment)
    assert await till.sums(wallet.address) == 0


async def test_money_on_its_way_or_there_outlives_what_was_signed(
    till, facilitator, wallet, asked, make
) -> None:
    before = int(time.time()) + 60
    payable = till.payable(wallet.pays(asked, before=before))
    facilitator.misbehave = answering("settle", lambda: web.Response(status=504))
    unknown = await till.settling.settle(payable, "r1")
    facilitator.misbehave = None
    till.clock.wall_us = before * 1_000_000
    assert await till.settling.check(payable) == unknown
    await till.book.finish(
        unknown.payment, State.SETTLED, reason="", transaction="0xt", at_us=till.clock.now_us()
    )
    assert isinstance(await till.settling.check(payable), Checked)
    assert (await till.settling.settle(payable, "r2")).owes
    late = till.payable(wallet.pays(asked, before=before))
    asked_before = len(facilitator.asked)
    assert await till.settling.check(late) == Unpaid(INVALID, LAPSED)
    assert len(facilitator.asked) == asked_before


def test_what_is_presented_stands_in_no_repr(till, wallet, asked) -> None:
    header = wallet.pays(asked)
    assert header not in repr(till.payable(header))


async def test_one_payment_is_for_one_request(till, facilitator, wallet, asked) -> None:
    header = wallet.pays(asked, identifier="order_0123456789")
    first = await till.settling.settle(till.payable(header), "r1")
    other = till.payable(header, url="https://journal.example/essays/dunes")
    assert await till.settling.check(other) == Unpaid(
        CONFLICT, "this payment is for another request", first.payment
    )
    resigned = till.payable(wallet.pays(asked, identifier="order_0123456789"), url=other.url)
    assert isinstance(await till.settling.check(resigned), Checked)
    assert (await till.settling.settle(resigned, "r2")).code == CONFLICT
    assert PROBLEMS[CONFLICT].status == 409
    assert facilitator.asked.count("settle") == 1


async def test_one_order_signed_anew_is_not_paid_twice(till, facilitator, wallet, asked) -> None:
    first = await till.settling.settle(till.payable(wallet.pays(asked, identifier="order_0123456789")), "r1")
    again = till.payable(wallet.pays(asked, identifier="order_0123456789"))
    assert isinstance(await till.settling.check(again), Checked)
    taken = await till.settling.settle(again, "r2")
    assert taken == replace(first, state=State.DUPLICATE, owes=False)
    assert facilitator.asked.count("settle") == 1


async def test_a_stranger_gains_nothing_by_anothers_order_or_nonce(till, facilitator, wallet, asked) -> None:
    header = wallet.pays(asked, nonce=b"\1" * 32, identifier="order_0123456789")
    await till.settling.settle(till.payable(header), "r1")
    stranger = type(wallet)()
    own = till.payable(stranger.pays(asked, identifier="order_0123456789"))
    assert (await till.settling.settle(own, "r2")).owes
    forged = stranger.pays(asked, nonce=b"\1" * 32)
    forged = till.payable(_claiming(forged, wallet))
    assert await till.settling.check(forged) == Unpaid(INVALID, "nonce_already_used")
    assert await till.settling.settle(forged, "r3") == Unpaid(INVALID, "nonce_already_used")
    assert len(facilitator.settled) == 2


def _claiming(header: str, wallet) -> str:
    import json
    from base64 import b64decode, b64encode

    content = json.loads(b64decode(header))
    content["payload"]["authorization"]["from"] = wallet.account.address
    return b64encode(json.dumps(content).encode()).decode()


async def test_a_forged_signature_leaves_no_trace(till, facilitator, wallet, asked) -> None:
    forged = till.payable(_claiming(type(wallet)().pays(asked), wallet))
    refused = Unpaid(INVALID, "invalid_exact_evm_payload_signature")
    assert await till.settling.check(forged) == refused
    assert await till.settling.settle(forged, "r1") == refused
    assert await till.book.payments() == ()
    assert facilitator.settled == {}


def answering(what, reply):
    async def misbehave(asked, _given):
        return reply() if asked == what else None

    return misbehave


async def test_a_payment_that_fails_is_told_why_and_tried_no_more(till, facilitator, wallet, asked) -> None:
    payable = till.payable(wallet.pays(asked))
    no = {"success": False, "errorReason": "insufficient_funds", "transaction": "", "network": "eip155:84532"}
    facilitator.misbehave = answering("settle", lambda: web.json_response(no))
    failed = await till.settling.settle(payable, "r1")
    assert (failed.code, failed.reason) == (INVALID, "insufficient_funds")
    assert PROBLEMS[INVALID].status == 402
    facilitator.misbehave = None
    assert await till.settling.check(payable) == failed
    assert await till.settling.settle(payable, "r2") == failed
    assert (await till.book.payment(failed.payment)).state is State.FAILED
    assert facilitator.asked.count("settle") == 1
    assert till.kept == []


async def test_an_unknown_outcome_is_never_a_fresh_bill(till, facilitator, wallet, asked) -> None:
    payable = till.payable(wallet.pays(asked))
    facilitator.misbehave = answering("settle", lambda: web.Response(status=504))
    unknown = await till.settling.settle(payable, "r1")
    assert (unknown.code, unknown.retry_after > 0, unknown.payment != "") == (OPEN, True, True)
    assert PROBLEMS[OPEN].status == 503
    facilitator.misbehave = None
    assert await till.settling.settle(payable, "r2") == unknown
    assert (await till.settling.check(payable)).code == OPEN
    assert facilitator.asked.count("settle") == 1
    # What the facilitator did is not known; asked again with the same nonce it may say so.
    assert await till.settling.resume() == 0
    assert (await till.book.payment(unknown.payment)).state is State.SETTLED
    assert (await till.settling.settle(payable, "r3")).owes
    assert len(till.kept) == 1


async def test_a_no_after_an_unknown_outcome_is_left_to_a_person(till, facilitator, wallet, asked) -> None:
    payable = till.payable(wallet.pays(asked))

    async def moved_in_silence(what, given):
        if what != "settle":
            return None
        facilitator.misbehave = None
        facilitator.settle(given)
        return web.Response(status=504)

    facilitator.misbehave = moved_in_silence
    unknown = await till.settling.settle(payable, "r1")
    assert await till.settling.resume() == 1
    assert (await till.book.payment(unknown.payment)).state is State.PENDING
    assert till.kept == []


async def test_a_facilitator_that_is_down_leaves_the_payment_as_good_as_it_was(
    till, facilitator, wallet, asked
) -> None:
    payable = till.payable(wallet.pays(asked))
    gone = replace(payable, terms=replace(payable.terms, facilitator="http://127.0.0.1:1"))
    assert (await till.settling.check(gone)).code == UNSERVED
    assert PROBLEMS[UNSERVED].status == 503
    await till.settling.check(payable)
    facilitator.misbehave = answering("settle", lambda: web.Response(status=429))
    down = await till.settling.settle(payable, "r1")
    assert (down.code, down.retry_after > 0) == (UNSERVED, True)
    assert (await till.book.payment(down.payment)).state is State.SERVICE_ERROR
    facilitator.misbehave = None
    assert (await till.settling.settle(payable, "r2")).owes


async def test_what_the_creators_server_failed_is_not_settled_and_good_later(
    till, facilitator, wallet, asked
) -> None:
    payable = till.payable(wallet.pays(asked))
    checked = await till.settling.check(payable)
    await till.settling.skip(payable)
    assert (await till.book.payment(checked.payment)).state is State.SKIPPED_ORIGIN_ERROR
    assert facilitator.settled == {}
    taken = await till.settling.settle(payable, "r2")
    assert (taken.state, taken.owes) == (State.SETTLED, True)


async def test_a_crash_between_settling_and_booking_is_repaired(till, facilitator, wallet, asked) -> None:
    payable = till.payable(wallet.pays(asked))
    till.down = "the disk is full"
    with pytest.raises(StoreUnavailable):
        await till.settling.settle(payable, "r1")
    (payment,) = await till.book.payments()
    assert (payment.state, payment.booked, till.kept) == (State.SETTLED, False, [])
    till.down = ""
    started = till.started()
    assert await started.resume() == 0
    assert await started.resume() == 0
    assert [entry.id for entry in till.kept] == [payment.id]
    assert (await started.settle(payable, "r1")).owes
    assert await till.sums(wallet.address) == 5_000
    assert facilitator.asked.count("settle") == 1


async def test_a_caller_that_goes_away_stops_nothing(till, facilitator, wallet, asked) -> None:
    payable = till.payable(wallet.pays(asked))
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(what, _given):
        if what == "settle":
            reached.set()
            await go_on.wait()

    facilitator.misbehave = slow
    caller = asyncio.create_task(till.settling.settle(payable, "r1"))
    await reached.wait()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    go_on.set()
    taken = await till.settling.settle(payable, "r2")
    assert taken.owes
    assert facilitator.asked.count("settle") == 1


async def test_a_book_that_is_down_moves_no_money(till, facilitator, wallet, asked) -> None:
    till.book.down = "gone"
    with pytest.raises(StoreUnavailable):
        await till.settling.settle(till.payable(wallet.pays(asked)), "r1")
    assert facilitator.settled == {}


async def test_what_was_not_read_before_is_no_payment(till) -> None:
    with pytest.raises(ValueError, match="not read"):
        await till.settling.check(till.payable("nonsense"))


ANSWERS = ("yes", "busy", "lost", "moved in silence")


def giving(facilitator, answer):
    """What makes *facilitator* answer so to the next `settle`, and moves money only where it says so."""

    async def act(what, given):
        if what != "settle" or answer == "yes":
            return None
        if answer == "moved in silence":
            facilitator.settle(given)
        return web.Response(status=429 if answer == "busy" else 504)

    return act


async def test_answers_in_every_order_move_and_book_the_money_once(till, facilitator, wallet, asked) -> None:
    """Each order to one payment, asked for again and taken up again after each; then the facilitator is well."""
    orders = list(itertools.product(ANSWERS, repeat=3))
    for number, order in enumerate(orders):
        payable = till.payable(wallet.pays(asked))
        moved, kept = len(facilitator.settled), len(till.kept)
        for answer in order:
            facilitator.misbehave = giving(facilitator, answer)
            await till.settling.settle(payable, f"r{number}")
            await till.settling.resume()
        facilitator.misbehave = None
        await till.settling.settle(payable, f"r{number}")
        await till.settling.resume()
        last = await till.settling.settle(payable, f"r{number}-again")
        payment = await till.book.payment(last.payment)
        booked = len(till.kept) - kept
        assert len(facilitator.settled) - moved <= 1, order
        assert booked == (payment.state is State.SETTLED), order
        # Money that moved is booked, or its payment waits for a person: it is never asked for a second time.
        assert payment.state in {State.SETTLED, State.PENDING}, (order, payment.state)
        assert payment.state is State.SETTLED or "moved in silence" in order, order
    assert len({entry.id for entry in till.kept}) == len(till.kept)
    assert await till.sums(wallet.address) == 5_000 * len(till.kept)
    told("x402 answers in every order", len(orders), booked=len(till.kept))


async def test_without_a_payment_of_its_own_id_the_money_is_booked_twice_and_that_is_found(
    till, wallet, asked, monkeypatch
) -> None:
    """The control: the credit is entered under another name each time."""
    keep, numbers = till.keep, itertools.count()

    async def careless(entry):
        await keep(replace(entry, id=f"{entry.id}-{next(numbers)}"))

    payable = till.payable(wallet.pays(asked))
    till.settling._keep = careless
    await till.settling.settle(payable, "r1")
    (payment,) = await till.book.payments()
    await careless(replace(till.kept[0], id=payment.id))
    assert await till.sums(wallet.address) == 10_000
    told("x402 answers in every order", control="entries without ids of their own: doubled, found")
