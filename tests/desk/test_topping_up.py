"""Credit paid in by Stripe Checkout: a page, a signed event, one credit; and a Stripe that is down or lies."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import hmac
import itertools
import json
import time
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from gateway.admission.spending import Charge, Short
from gateway.billing.reconcile import reconcile
from gateway.desk.once import KEPT_SECONDS, Once
from gateway.desk.routes import Desk
from gateway.desk.topping_up import TopUpDesk
from gateway.egress import Egress
from gateway.licenses.license import Standing
from gateway.money import Money
from gateway.provenance.record import BookEntry
from gateway.rails.stripe_checkout import Checkout, verifier
from gateway.store.memory.topups import MemoryTopUps
from gateway.tokens.claims import Budget
from loadtests.faults.table import told

SECRET = "whsec_test"
pytest.importorskip("stripe", reason="PyPI stripe is absent (make .make/dev)")


class Stripe:
    """A server that makes sessions as Stripe's API of 2026 answers them, and what it sends when they are paid."""

    def __init__(self) -> None:
        self.asked, self.lie, self.down = [], {}, None
        self._numbers = itertools.count(1)
        self.sessions: dict[str, dict] = {}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        form = {name: value for name, (value,) in parse_qs((await request.read()).decode()).items()}
        self.asked.append((request, form))
        if self.down is not None:
            return self.down
        key = request.headers["Idempotency-Key"]
        if key not in self.sessions:
            number = next(self._numbers)
            self.sessions[key] = {
                "id": f"cs_test_{number}", "object": "checkout.session", "mode": form["mode"], "status": "open",
                "amount_total": int(form["line_items[0][price_data][unit_amount]"]),
                "currency": form["line_items[0][price_data][currency]"], "payment_status": "unpaid",
                "client_reference_id": form["client_reference_id"], "payment_intent": None, "livemode": False,
                "metadata": {"topup": form["metadata[topup]"]}, "url": f"https://checkout.stripe.com/c/pay/cs_test_{number}",
            }  # fmt: skip
        return web.json_response({**self.sessions[key], **self.lie})

    def completed(self, topup: str, **changes) -> dict:
        session = {
            **self.sessions[topup],
            "status": "complete",
            "payment_status": "paid",
            "payment_intent": f"pi_{topup}",
        }
        return self.event("checkout.session.completed", {**session, **changes})

    def refunded(self, topup: str, cents: int, id: str = "re_1", **changes) -> dict:
        refund = {
            "id": id,
            "object": "refund",
            "amount": cents,
            "currency": "usd",
            "payment_intent": f"pi_{topup}",
            "status": "succeeded",
        }
        return self.event("refund.created", {**refund, **changes})

    def disputed(
        self, topup: str, status: str, kind: str = "created", cents: int = 2500, id: str = "dp_1"
    ) -> dict:
        dispute = {
            "id": id, "object": "dispute", "amount": cents, "currency": "usd", "charge": "ch_1", "reason": "fraudulent",
            "payment_intent": f"pi_{topup}", "status": status, "is_charge_refundable": False, "balance_transactions": [],
        }  # fmt: skip
        return self.event(f"charge.dispute.{kind}", dispute)

    def event(self, kind: str, about: dict) -> dict:
        number = next(self._numbers)
        return {
            "id": f"evt_{number}", "object": "event", "api_version": "2026-08-26", "created": int(time.time()),
            "livemode": False, "pending_webhooks": 1, "request": {"id": None, "idempotency_key": None},
            "type": kind, "data": {"object": about},
        }  # fmt: skip


@pytest.fixture
async def stripe(world):
    """A Stripe on the loopback, and a desk that asks it."""
    made = Stripe()
    server = RawTestServer(made.answer)
    await server.start_server()
    place = f"{server.host}:{server.port}"
    world.topups = MemoryTopUps(world.happened)
    once = Once(world.repeats, world.clock)
    checkout = Checkout(Egress(exempt=[place], plain=True).post, f"http://{place}", "sk_test")

    def desk() -> Desk:
        asked = TopUpDesk(
            world.topups,
            checkout,
            verifier(SECRET),
            world.kept,
            world.ledger.has_entry,
            once,
            world.clock,
        )
        return Desk(
            register=world.register, spend_book=world.book, journal=world.kept, keys=world.keys, clock=world.clock,
            balance=world.balance, entered=world.ledger.has_entry, pace=world.pace, groups=(asked.group,),
        )  # fmt: skip

    made.desk = desk
    world.desk = desk()
    yield made
    await server.close()


async def top_up(world, made, amount="25", key="", **more):
    headers = {"Idempotency-Key": key} if key else {}
    return await world.post("/.licet/topup", made, json={"amount": amount, **more}, headers=headers)


async def hear(world, event, *, secret=SECRET, at=0, signature=None):
    body = json.dumps(event).encode()
    at = at or int(time.time())
    mac = hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
    header = f"t={at},v1={mac}" if signature is None else signature
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header}
    return await world.post("/.licet/stripe/webhook", data=body, headers=headers)


async def credit(world, made) -> int:
    report = reconcile(await world.ledger.books())
    assert report.ok, report.faults
    return (await world.ledger.balance(f"licensee:{made.licensee.id}:prepaid", "USD")).micros


async def test_credit_is_paid_in_once_however_often_stripe_says_so(world, stripe):
    made = await world.licensee("")
    opened = await top_up(world, made)
    body = await opened.json()
    assert (opened.status, body["amount"]["micros"]) == (201, 25_000_000)
    assert body["url"].startswith("https://checkout.stripe.com/")
    assert await credit(world, made) == 0
    event = stripe.completed(body["topup"])
    answers = await asyncio.gather(*(hear(world, event) for _ in range(10)))
    assert {answer.status for answer in answers} == {200}
    assert await credit(world, made) == 25_000_000
    late = {**stripe.completed(body["topup"]), "type": "checkout.session.async_payment_succeeded"}
    assert (await hear(world, late)).status == 200
    world.desk = stripe.desk()
    assert (await hear(world, stripe.completed(body["topup"]))).status == 200
    assert await credit(world, made) == 25_000_000
    (entry,) = world.kept.entries
    assert (entry.id, entry.kind_of, entry.reference, entry.by) == (
        body["topup"],
        "credit",
        f"pi_{body['topup']}",
        "stripe",
    )


async def test_what_stripe_pays_back_is_reversed_once(world, stripe):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    await hear(world, stripe.completed(topup))
    assert (await hear(world, stripe.refunded(topup, 1000))).status == 200
    again = stripe.event("refund.updated", stripe.refunded(topup, 1000)["data"]["object"])
    assert (await hear(world, again)).status == 200
    assert await credit(world, made) == 15_000_000
    assert (await hear(world, stripe.refunded(topup, 500, "re_2"))).status == 200
    assert await credit(world, made) == 10_000_000
    assert [entry.kind_of for entry in world.kept.entries] == ["credit", "reversal", "reversal"]
    pending = stripe.refunded(topup, 100, "re_3", status="pending")
    assert (await hear(world, pending)).status == 200
    assert await credit(world, made) == 10_000_000


async def test_what_is_paid_back_before_it_is_told_to_be_paid_in_is_no_credit(world, stripe):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    back = stripe.refunded(topup, 2500)
    assert (await hear(world, back)).status == 200
    assert (await hear(world, stripe.refunded("top_of_somebody_else", 100, "re_9"))).status == 200
    assert await credit(world, made) == 0
    assert (await hear(world, stripe.completed(topup))).status == 200
    assert await credit(world, made) == 0
    again = stripe.event("refund.updated", back["data"]["object"])
    assert (await hear(world, again)).status == 200
    assert await credit(world, made) == 0
    assert [entry.kind_of for entry in world.kept.entries] == ["credit", "reversal"]


async def test_both_at_once_leave_the_same_whichever_is_first(world, stripe):
    for number in range(10):
        made = await world.licensee("")
        topup = (await (await top_up(world, made)).json())["topup"]
        told = [stripe.refunded(topup, 1000, f"re_{number}"), stripe.completed(topup)]
        answers = await asyncio.gather(*(hear(world, event) for event in told[:: 1 if number % 2 else -1]))
        assert {answer.status for answer in answers} == {200}
        assert await credit(world, made) == 15_000_000


async def test_a_stripe_that_hangs_up_in_the_middle_leaves_one_entry(world, stripe):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    durable, go, handlers = asyncio.Event(), asyncio.Event(), []
    keep, heard = world.kept.keep, world.topups.heard

    async def slowly(entry):
        await keep(entry)
        durable.set()
        await go.wait()

    async def noticing(event):
        handlers.append(asyncio.current_task())
        return await heard(event)

    world.kept.keep, world.kept.folding, world.topups.heard = slowly, False, noticing
    first = asyncio.create_task(hear(world, stripe.completed(topup)))
    await durable.wait()
    handlers[0].cancel()
    await asyncio.gather(first, return_exceptions=True)
    go.set()
    assert (await hear(world, stripe.completed(topup))).status == 200
    assert len(world.kept.entries) == 1
    await world.kept.keeper.catch_up()
    assert await credit(world, made) == 25_000_000


async def test_a_key_of_yesterday_is_another_top_up(world, stripe):
    made = await world.licensee("")
    first = (await (await top_up(world, made, key="order-1")).json())["topup"]
    await hear(world, stripe.completed(first))
    world.clock.advance(KEPT_SECONDS)
    second = (await (await top_up(world, made, key="order-1")).json())["topup"]
    assert second != first
    assert (await hear(world, stripe.completed(second))).status == 200
    assert await credit(world, made) == 50_000_000


async def test_the_same_key_is_one_page_and_another_amount_a_conflict(world, stripe):
    made = await world.licensee("")
    first = await (await top_up(world, made, key="order-1")).json()
    again = await top_up(world, made, key="order-1")
    assert (await again.json(), again.headers["Idempotent-Replayed"]) == (first, "true")
    assert len(stripe.asked) == 1
    assert (await top_up(world, made, "26", key="order-1")).status == 409
    other = await (await top_up(world, made)).json()
    assert other["topup"] != first["topup"]


async def test_a_page_that_broke_off_is_the_same_one_when_asked_for_again(world, stripe):
    made = await world.licensee("")
    stripe.down = web.Response(status=500)
    assert (await top_up(world, made, key="order-1")).status == 503
    stripe.down = None
    opened = await top_up(world, made, key="order-1")
    assert opened.status == 201
    assert len({request.headers["Idempotency-Key"] for request, _ in stripe.asked}) == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"amount_total": 100},
        {"currency": "eur"},
        {"url": "javascript:0"},
        {"client_reference_id": "top_other"},
        {"id": None},
    ],
)
async def test_a_stripe_that_lies_gives_503_and_no_credit(world, stripe, lie):
    made = await world.licensee("")
    stripe.lie = lie
    answer = await top_up(world, made)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    assert world.kept.entries == []


async def test_an_event_over_another_amount_enters_nothing(world, stripe):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    for lie in ({"amount_total": 250_000}, {"currency": "eur"}):
        assert (await hear(world, stripe.completed(topup, **lie))).status == 503
    assert world.kept.entries == []
    await hear(world, stripe.completed(topup))
    assert (await hear(world, stripe.completed(topup, payment_intent="pi_other"))).status == 503
    assert (await hear(world, stripe.refunded(topup, 99_999))).status == 503
    assert await credit(world, made) == 25_000_000


async def test_events_about_others_are_heard_and_mean_nothing(world, stripe):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    for event in (
        stripe.completed(topup, client_reference_id="order_of_the_shop"), stripe.completed(topup, payment_status="unpaid"),
        stripe.event("customer.created", {"id": "cus_1"}), stripe.refunded("top_unknown", 100),
        {"id": "evt_odd", "type": 7, "data": None},
    ):  # fmt: skip
        answer = await hear(world, event)
        assert (answer.status, await answer.json()) == (200, {"heard": True})
    assert world.kept.entries == []


@pytest.mark.parametrize(
    "wrong", [{"secret": "whsec_other"}, {"at": 1_000_000_000}, {"signature": ""}, {"signature": "t=1,v1=00"}]
)
async def test_an_event_that_stripe_did_not_sign_enters_nothing(world, stripe, wrong):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    assert (await hear(world, stripe.completed(topup), **wrong)).status == 400
    assert world.kept.entries == []
    assert (await hear(world, stripe.completed(topup))).status == 200


@pytest.mark.parametrize("event", [[], 1, None, "a", {}, {"id": 7}, {"id": ""}, {"id": "x" * 256}])
async def test_what_is_signed_and_no_event_is_refused(world, stripe, event):
    answer = await hear(world, event)
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "form-invalid")


async def test_a_full_disk_is_told_to_stripe_and_the_next_try_enters_it(world, stripe):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    event = stripe.completed(topup)
    world.kept.broken = True
    assert (await hear(world, event)).status == 503
    world.kept.broken = False
    assert (await hear(world, event)).status == 200
    assert await credit(world, made) == 25_000_000


@pytest.mark.parametrize(
    "body",
    [
        {}, {"amount": 25}, {"amount": "0"}, {"amount": "-1"}, {"amount": "0.005"}, {"amount": "1e3"}, {"amount": "1000000"},
        {"amount": "25", "currency": "usd"}, {"amount": ["25"]}, {"amount": "25", "currency": "JPYX"},
    ],
)  # fmt: skip
async def test_amounts_that_are_none(world, stripe, body):
    made = await world.licensee("")
    answer = await world.post("/.licet/topup", made, json=body)
    assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "form-invalid")
    assert stripe.asked == []


async def test_a_form_will_do_too(world, stripe):
    made = await world.licensee("")
    answer = await world.post("/.licet/topup", made, {"amount": "25", "currency": "EUR"})
    assert (answer.status, (await answer.json())["amount"]["currency"]) == (201, "EUR")


async def test_who_may_not_buy_pays_nothing_in(world, stripe):
    waiting = await world.licensee("", standing=Standing.QUARANTINED)
    assert (await top_up(world, waiting)).status == 403
    assert (await world.post("/.licet/topup", None, json={"amount": "25"})).status == 401
    assert stripe.asked == []


async def heard(world) -> list[tuple[str, str]]:
    return [
        (each.event.type, each.event.subject)
        for each in await world.happened.after(0, 99)
        if each.event.type.startswith("topup.")
    ]


async def test_a_dispute_takes_the_credit_and_one_that_is_won_gives_it_again(world, stripe):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    await hear(world, stripe.completed(topup))
    assert (await hear(world, stripe.disputed(topup, "warning_needs_response"))).status == 200
    assert await credit(world, made) == 25_000_000, "a bank that only asks takes nothing"
    for kind, status in (
        ("created", "needs_response"),
        ("funds_withdrawn", "needs_response"),
        ("updated", "under_review"),
    ):
        assert (await hear(world, stripe.disputed(topup, status, kind))).status == 200
        assert await credit(world, made) == 0
    for kind in ("closed", "funds_reinstated", "closed"):
        assert (await hear(world, stripe.disputed(topup, "won", kind))).status == 200
        assert await credit(world, made) == 25_000_000
    assert [entry.kind_of for entry in world.kept.entries] == ["credit", "reversal", "credit"]
    assert await heard(world) == [("topup.disputed", topup), ("topup.restored", topup)]


ORDERS = list(itertools.permutations(("paid", "created", "refund", "won")))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_in_every_order_the_same_comes_of_it(world, stripe, order):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    events = {
        "paid": stripe.completed(topup),
        "created": stripe.disputed(topup, "needs_response", cents=2000),
        "refund": stripe.refunded(topup, 500),
        "won": stripe.disputed(topup, "won", "closed", cents=2000),
    }
    for _ in range(2):
        for name in order:
            assert (await hear(world, events[name])).status == 200
    assert await credit(world, made) == 20_000_000
    assert sorted(await heard(world)) == sorted(
        [("topup.disputed", topup), ("topup.refunded", topup), ("topup.restored", topup)]
    )


@pytest.mark.parametrize("order", list(itertools.permutations(("paid", "refund", "lost"))), ids="-".join)
async def test_what_is_refunded_and_lost_goes_back_once(world, stripe, order):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    events = {
        "paid": stripe.completed(topup),
        "refund": stripe.refunded(topup, 1000),
        "lost": stripe.disputed(topup, "lost", "closed"),
    }
    await asyncio.gather(*(hear(world, events[name]) for name in order))
    assert await credit(world, made) == 0


async def test_what_was_spent_before_a_dispute_is_owed_and_nothing_more_is_sold(world, stripe):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    await hear(world, stripe.completed(topup))
    fee = BookEntry("fee_1", world.clock.now_us(), "fee", "journal", made.licensee.id, 20_000_000, "USD")
    await world.kept.keep(fee)
    assert await world.book.affords(made.licensee.id, Money(1, "USD"))
    await hear(world, stripe.disputed(topup, "needs_response"))
    assert await credit(world, made) == -20_000_000
    assert not await world.book.affords(made.licensee.id, Money(1, "USD"))
    charge = Charge("id", made.licensee.id, "li_1", Money(1, "USD"), Budget())
    assert isinstance(await world.book.lease("w1", charge, 1), Short)


async def test_a_charge_that_lists_its_refunds_is_heard_as_each_of_them(world, stripe):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    await hear(world, stripe.completed(topup))
    refunds = [stripe.refunded(topup, cents, f"re_{cents}")["data"]["object"] for cents in (500, 700)]
    charge = {
        "id": "ch_1",
        "object": "charge",
        "amount": 2500,
        "amount_refunded": 1200,
        "payment_intent": f"pi_{topup}",
    }
    assert (await hear(world, stripe.event("charge.refunded", charge))).status == 200
    assert await credit(world, made) == 25_000_000, "a sum without its parts is told by refund.created"
    whole = {**charge, "refunds": {"object": "list", "data": [*refunds, None, {"id": "re_x"}]}}
    assert (await hear(world, stripe.event("charge.refunded", whole))).status == 200
    assert (await hear(world, stripe.event("refund.created", refunds[0]))).status == 200
    assert await credit(world, made) == 13_000_000


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "dp_1:won"}, {"id": "re_1"}, {"id": 7}, {"amount": -1}, {"amount": 2.5}, {"currency": None}, {"status": []},
        {"status": "charge_refunded"}, {"payment_intent": None}, {"payment_intent": ""},
    ],
)  # fmt: skip
async def test_a_dispute_that_is_none_takes_nothing(world, stripe, changes):
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    await hear(world, stripe.completed(topup))
    event = stripe.disputed(topup, "needs_response")
    event["data"]["object"].update(changes)
    assert (await hear(world, event)).status == 200
    assert await credit(world, made) == 25_000_000


def told_in(stripe, topup: str) -> list[dict]:
    """Paid, told so a second time by another event, and paid back in two parts."""
    late = {**stripe.completed(topup), "type": "checkout.session.async_payment_succeeded"}
    parts = [stripe.refunded(topup, cents, f"re_{topup}_{cents}") for cents in (700, 300)]
    return [stripe.completed(topup), late, *parts]


async def test_events_in_every_order_each_twice_leave_the_same_balance(world, stripe):
    """24 orders, the desk begun anew in the middle of each; what was told before comes again after the end."""
    orders = list(itertools.permutations(range(4)))
    for order in orders:
        made = await world.licensee("")
        topup = (await (await top_up(world, made)).json())["topup"]
        events = told_in(stripe, topup)
        for at, number in enumerate(order):
            assert (await hear(world, events[number])).status == 200
            assert (await hear(world, events[number])).status == 200
            if at == 1:
                world.desk = stripe.desk()
        for event in events:
            assert (await hear(world, event)).status == 200
        assert await credit(world, made) == 15_000_000, order
    told("Stripe's events in every order, twice", len(orders))


async def test_without_ids_of_their_own_entries_are_doubled_and_that_is_found(world, stripe, monkeypatch):
    """The control: an entry that is called otherwise each time it is told of."""

    async def careless(desk, entry):
        await desk._journal.keep(dataclasses.replace(entry, id=f"{entry.id}-{next(numbers)}"))

    numbers = itertools.count()
    monkeypatch.setattr(TopUpDesk, "_entered_once", careless)
    world.desk = stripe.desk()
    made = await world.licensee("")
    topup = (await (await top_up(world, made)).json())["topup"]
    for event in told_in(stripe, topup)[:2]:
        await hear(world, event)
    assert await credit(world, made) == 50_000_000, "twice what was paid"
    told("Stripe's events in every order, twice", control="entries without ids of their own: doubled, found")
