"""One fetch paid by x402, on the whole path of a request, with the books in memory."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64decode, b64encode
from types import SimpleNamespace

import pytest
from aiohttp import web

from gateway.admission.pace import Pace
from gateway.front.exchange import exchange
from gateway.problems import StoreUnavailable
from gateway.rails.settlements import State
from gateway.rails.unverified import Unverified
from gateway.rails.x402 import LAPSED, read_required, read_response
from gateway.rails.x402_rail import X402

PATH = "/essays/tides"


def policy_of(told, terms, more: str = "") -> str:
    """The usual policy, with x402 to where *terms* say."""
    table = f"""
[payments.x402]
facilitator = "{terms.facilitator}"
network = "{terms.network}"
asset = "{terms.asset}"
pay_to = "{terms.pay_to}"
name = "{terms.name}"
version = "{terms.version}"
"""
    before, rules, after = told.POLICY.partition("[[rules]]")
    return f"{before}{more}{table}{rules}{after}"


@pytest.fixture
def shop(world, told, terms, office):
    """A world that takes x402; `office` is what is behind it, `pay` fetches with a payment for what is asked."""

    def make(more: str = ""):
        made = world(policy_of(told, terms, more), rails=())
        made.office = office(terms, tables=made.tables, clock=made.clock)
        made.rails = (made.price_headers, X402(made.office.settling))
        made.gate = made._gate()
        return made

    return make


async def asked_for(shop, path: str = PATH):
    quoted = await shop.get(path=path)
    assert quoted.status == 402
    return read_required(quoted.headers["payment-required"])


async def pay(shop, wallet, path: str = PATH, **about):
    (way,) = (await asked_for(shop, path)).accepts
    header = wallet.pays(way.as_json(), **about)
    return header, await shop.get(("payment-signature", header), path=path)


async def test_a_page_is_paid_for_and_the_books_agree(shop, wallet, facilitator) -> None:
    world = shop()
    required = await asked_for(world)
    assert required.error == "PAYMENT-SIGNATURE header is required"
    assert required.url == "https://journal.example/essays/tides"
    assert [way.amount for way in required.accepts] == ["10000"]
    header, paid = await pay(world, wallet)
    assert (paid.status, paid.body) == (200, b"tides")
    came = read_response(paid.headers["payment-response"])
    assert (came.success, came.payer, came.amount) == (True, wallet.address, "10000")
    assert came.transaction in facilitator.settled.values()
    assert paid.headers["licet-payment"].endswith(";state=SETTLED")
    record = paid.record
    assert (record.licensee, record.charged_micros, record.charge_reason) == (
        f"x402:{wallet.address}",
        10_000,
        "fetch",
    )
    assert (record.outcome, record.token) == ("licensed", paid.headers["licet-payment"].partition(";")[0])
    await world.office.fold(record)
    assert await world.office.sums(wallet.address) == 0
    asked, ours = world.origin.asked[-1]
    assert asked.headers[ours][0] == "payment-signature"
    assert asked.headers[ours][1] == header


async def test_200_identical_payments_at_once_settle_and_charge_once(shop, wallet, facilitator) -> None:
    world = shop()
    (way,) = (await asked_for(world)).accepts
    header = wallet.pays(way.as_json())
    answers = await asyncio.gather(*(world.get(("payment-signature", header)) for _ in range(200)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.headers["licet-payment"].partition(";")[0] for answer in answers}) == 1
    assert len({answer.headers["payment-response"] for answer in answers}) == 1
    print(
        f"\n200 identical payments at once: settled {len(facilitator.settled)}, charged {world.paid} micro-units"
    )
    assert len(facilitator.settled) == 1
    assert facilitator.asked.count("settle") == 1
    assert world.paid == 10_000
    await world.office.fold(*world.records[1:])
    assert await world.office.sums(wallet.address) == 0


async def test_streamed_pages_are_paid_before_the_first_octet(shop, wallet, facilitator) -> None:
    world = shop()
    world.origin.streamed = True
    _, paid = await pay(world, wallet)
    assert (paid.status, paid.body, paid.record.charged_micros) == (200, b"tides", 10_000)
    assert read_response(paid.headers["payment-response"]).success


async def test_the_same_payment_again_says_what_came_of_it_and_costs_nothing(
    shop, wallet, facilitator
) -> None:
    world = shop()
    header, first = await pay(world, wallet)
    again = await world.get(("payment-signature", header))
    assert (again.status, again.record.charged_micros, again.record.charge_reason) == (200, 0, "read-before")
    assert read_response(again.headers["payment-response"]) == read_response(
        first.headers["payment-response"]
    )
    assert again.headers["licet-payment"].endswith(";state=DUPLICATE")
    assert facilitator.asked.count("settle") == 1


async def test_a_page_that_changed_meanwhile_is_served_by_the_same_payment_for_a_while(
    shop, wallet, facilitator
) -> None:
    world = shop()
    header, _ = await pay(world, wallet)
    await world.office.fold(world.records[-1])
    world.origin.body = b"ebb"
    again = await world.get(("payment-signature", header))
    assert (again.status, again.body, again.record.charged_micros) == (200, b"ebb", 0)
    world.clock.advance(901)
    world.origin.body = b"flood"
    late = await world.get(("payment-signature", header))
    assert (late.status, json.loads(late.body)["reason"]) == (402, "payment_already_used")
    assert read_required(late.headers["payment-required"]).error == "payment_already_used"


async def test_unchanged_bytes_are_not_paid_for_again(shop, wallet, facilitator) -> None:
    world = shop()
    await pay(world, wallet)
    _, again = await pay(world, wallet)
    assert (again.status, again.record.charged_micros) == (200, 0)
    assert "payment-response" not in again.headers
    assert len(facilitator.settled) == 1


@pytest.mark.parametrize("status", [404, 500, 304])
async def test_what_is_not_delivered_is_not_settled(shop, wallet, facilitator, status) -> None:
    world = shop()
    world.origin.status = status
    header, answer = await pay(world, wallet)
    assert (answer.status, facilitator.settled, answer.record.charged_micros) == (status, {}, 0)
    states = [payment.state for payment in await world.office.book.payments()]
    assert states == ([State.SKIPPED_ORIGIN_ERROR] if status >= 400 else [])
    world.origin.status = 200
    assert (await world.get(("payment-signature", header))).record.charged_micros == 10_000


async def test_head_costs_nothing(shop, wallet, facilitator) -> None:
    world = shop()
    (way,) = (await asked_for(world)).accepts
    answer = await world.get(("payment-signature", wallet.pays(way.as_json())), method="HEAD")
    assert (answer.status, facilitator.settled, answer.record.charged_micros) == (200, {}, 0)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ([("payment-signature", "nonsense")], 400, "payment-malformed"),
        ([("payment-signature", "")], 400, "payment-malformed"),
        ([("payment-signature", "e30="), ("payment-signature", "e30=")], 400, "payment-malformed"),
    ],
)
async def test_headers_that_are_no_payment(shop, headers, status, code, facilitator) -> None:
    answer = await shop().get(*headers)
    assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
    assert facilitator.asked == []


async def test_a_payment_for_what_was_asked_before_is_asked_anew(shop, wallet, facilitator) -> None:
    world = shop()
    (way,) = (await asked_for(world)).accepts
    header = wallet.pays({**way.as_json(), "amount": "9999"})
    answer = await world.get(("payment-signature", header))
    assert (answer.status, json.loads(answer.body)["code"]) == (402, "payment-invalid")
    required = read_required(answer.headers["payment-required"])
    assert (required.error, required.accepts) == ("invalid_payment_requirements", (way,))
    assert facilitator.asked == []
    assert world.origin.asked == []


async def test_a_payment_that_does_not_hold_never_reaches_the_creators_server(
    shop, wallet, facilitator
) -> None:
    world = shop()
    (way,) = (await asked_for(world)).accepts
    content = json.loads(b64decode(wallet.pays(way.as_json())))
    content["payload"]["signature"] = "0x" + "11" * 65
    from base64 import b64encode

    answer = await world.get(("payment-signature", b64encode(json.dumps(content).encode()).decode()))
    assert (answer.status, json.loads(answer.body)["reason"]) == (402, "invalid_exact_evm_payload_signature")
    assert answer.headers["crawler-error"] == "PaymentFailed"
    assert world.origin.asked == []
    assert facilitator.settled == {}


async def test_money_that_does_not_move_is_a_402_with_what_came_of_it(shop, wallet, facilitator) -> None:
    world = shop()
    no = {"success": False, "errorReason": "insufficient_funds", "transaction": "", "network": "eip155:84532"}

    async def misbehave(what, _given):
        return web.json_response(no) if what == "settle" else None

    facilitator.misbehave = misbehave
    _, answer = await pay(world, wallet)
    assert (answer.status, json.loads(answer.body)["reason"]) == (402, "insufficient_funds")
    came = read_response(answer.headers["payment-response"])
    assert (came.success, came.error) == (False, "insufficient_funds")
    assert read_required(answer.headers["payment-required"]).accepts
    assert world.paid == 0


async def test_an_unknown_outcome_says_where_to_ask_and_asks_for_no_money(shop, wallet, facilitator) -> None:
    world = shop()

    async def misbehave(what, _given):
        return web.Response(status=504) if what == "settle" else None

    facilitator.misbehave = misbehave
    header, answer = await pay(world, wallet)
    body = json.loads(answer.body)
    assert (answer.status, body["code"], body["retry_after"]) == (503, "payment-pending", 30)
    assert "payment-required" not in answer.headers
    assert body["status_url"] == f"https://journal.example/.licet/payments/{body['payment']}"
    assert answer.headers["retry-after"] == "30"
    assert body["payment"] in answer.headers["link"] or "rel" in answer.headers["link"]
    asked = len(world.origin.asked)
    again = await world.get(("payment-signature", header))
    assert (again.status, len(world.origin.asked)) == (503, asked)
    assert world.paid == 0


async def test_an_unknown_outcome_is_no_fresh_bill_once_the_authorization_has_lapsed(
    shop, wallet, facilitator
) -> None:
    world = shop()

    async def misbehave(what, _given):
        return web.Response(status=504) if what == "settle" else None

    facilitator.misbehave = misbehave
    before = int(time.time()) + 60
    header, answer = await pay(world, wallet, before=before)
    assert answer.status == 503
    world.clock.wall_us = before * 1_000_000
    again = await world.get(("payment-signature", header))
    assert (again.status, "payment-required" in again.headers) == (503, False)
    _, lapsed = await pay(world, wallet, before=before)
    assert (lapsed.status, json.loads(lapsed.body)["reason"]) == (402, LAPSED)


async def test_what_was_told_to_cost_nothing_is_not_charged_when_the_one_that_paid_is_lost(
    shop, wallet, facilitator
) -> None:
    world = shop()
    world.origin.fields["ETag"] = '"1"'
    lost, noticed = asyncio.Event(), asyncio.Event()
    keep = world.journal.keep

    async def breaking(record, detail, salt):
        noticed.set()
        await lost.wait()
        raise StoreUnavailable("the disk is full")

    (way,) = (await asked_for(world)).accepts
    headers = [wallet.pays(way.as_json()) for _ in range(2)]
    world.journal.keep = breaking
    first = asyncio.create_task(world.get(("payment-signature", headers[0])))
    await noticed.wait()
    world.journal.keep = keep
    world.origin.streamed = True
    answer = await exchange(world.ask(("payment-signature", headers[1])), None, world.gate)
    lost.set()
    assert (await first).status == 503
    assert b"".join([chunk async for chunk in answer.chunks]) == b"tides"
    assert facilitator.asked.count("settle") == 1
    assert (world.records[-1].status, world.records[-1].charged_micros) == (200, 0)
    await world.office.fold(world.records[-1])
    assert await world.office.sums(wallet.address) == 10_000


async def test_what_no_purse_paid_for_goes_back_to_none(shop, wallet) -> None:
    world, returned = shop(), []

    async def full(record, detail, salt):
        raise StoreUnavailable("the disk is full")

    async def give_back(*given):
        returned.append(given)

    world.journal.keep, world.book.give_back = full, give_back
    _, answer = await pay(world, wallet)
    assert answer.status == 503
    await world.till.close()
    assert returned == []


@pytest.mark.parametrize("where", ["check", "settle"])
async def test_an_office_that_is_away_is_a_503(shop, wallet, facilitator, where) -> None:
    world = shop()

    async def away(*_given):
        raise StoreUnavailable("The office is away.")

    settler = world.office.settling
    broken = SimpleNamespace(
        check=settler.check, settle=settler.settle, skip=settler.skip, known=settler.known
    )
    setattr(broken, where, away)
    world.rails = (X402(broken),)
    world.gate = world._gate()
    _, answer = await pay(world, wallet)
    assert answer.status == 503
    assert "payment-required" not in answer.headers
    assert "away" not in answer.body.decode()


async def test_where_nobody_is_refused_a_payment_that_fails_is_let_go(
    shop, wallet, told, terms, world, office
) -> None:
    made = world(policy_of(told, terms).replace('mode = "enforce"', 'mode = "offer"'), rails=())
    made.office = office(terms, tables=made.tables, clock=made.clock)
    made.rails = (X402(made.office.settling),)
    made.gate = made._gate()
    answer = await made.get(("payment-signature", "nonsense"))
    assert (answer.status, answer.body) == (200, b"tides")
    assert made.paid == 0


async def test_a_site_that_takes_none_lets_the_header_be(world, wallet, asked) -> None:
    plain = world(rails=(X402(SimpleNamespace()),))
    answer = await plain.get(("payment-signature", wallet.pays(asked)))
    assert (answer.status, json.loads(answer.body)["code"]) == (402, "license-required")
    assert "payment-required" not in answer.headers


async def test_a_price_that_the_server_names_is_charged_and_the_rest_stays_the_payers(
    shop, wallet, facilitator
) -> None:
    world = shop("[payments]\norigin_prices = true\n")
    world.origin.fields["crawler-price"] = "USD 0.02"
    (way,) = (await asked_for(world)).accepts
    assert way.amount == "10000"
    low = await world.get(("payment-signature", wallet.pays(way.as_json())))
    assert (low.status, facilitator.settled) == (402, {})
    (way,) = read_required(low.headers["payment-required"]).accepts
    assert way.amount == "20000"
    paid = await world.get(("payment-signature", wallet.pays(way.as_json())))
    assert (paid.status, paid.record.charged_micros) == (200, 20_000)
    world.origin.fields["crawler-price"] = "USD 0.005"
    world.origin.body = b"ebb"
    less = await world.get(("payment-signature", wallet.pays(way.as_json())))
    assert (less.status, less.record.charged_micros) == (200, 5_000)
    await world.office.fold(*world.records)
    assert await world.office.sums(wallet.address) == 15_000


async def test_headers_stay_small_whatever_was_asked_for(shop, wallet) -> None:
    world = shop()
    quoted = await world.get(path="/essays/" + "x" * 900)
    assert all(len(name) + len(value) <= 2048 for name, value in quoted.headers.items())
    assert read_required(quoted.headers["payment-required"]).accepts


async def test_junk_is_paced_by_network_and_nobody_is_asked_about_the_rest(shop, wallet, facilitator) -> None:
    world = shop()
    pace = Pace(1, 5)
    world.rails = (X402(world.office.settling, unverified=Unverified(pace)),)
    world.gate = world._gate()
    (way,) = (await asked_for(world)).accepts

    def junk() -> str:
        content = json.loads(b64decode(wallet.pays(way.as_json())))
        content["payload"]["signature"] = "0x" + "11" * 65
        return b64encode(json.dumps(content).encode()).decode()

    answers = [await world.get(("payment-signature", junk())) for _ in range(30)]
    assert [answer.status for answer in answers] == [402] * 5 + [429] * 25
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers[5:])
    assert len(facilitator.asked) == 5
    assert facilitator.settled == {}
    assert world.origin.asked == []
    elsewhere = await world.get(("payment-signature", junk()), address="198.51.100.7")
    assert elsewhere.status == 402, "another network is not slowed by it"
    for number in range(20):
        header = wallet.pays(way.as_json())
        path = f"/essays/{number}"
        honest = await world.get(("payment-signature", header), path=path, address="203.0.113.200")
        assert honest.status == 200, "whoever pays is not slowed by itself"
