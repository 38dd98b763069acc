"""Pay per crawl: which bids hold, what they cost, and what is told."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ask import Ask
from gateway.licenses.license import Client, Licensee, Standing
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.rails.price_headers import EXACT, MAX, read_bid
from gateway.rails.rail import sold_by_fetch
from gateway.uses import AI_USES, Use, covers
from gateway.visitors.visitor import Crawler, Visitor, VisitorClass

DYNAMIC = "[payments]\norigin_prices = true\n"


def most(text):
    return (MAX, f"USD {text}")


def exact(text):
    return (EXACT, f"USD {text}")


async def test_the_price_is_charged_and_never_the_most(world):
    shop = world()
    await shop.enroll(1_000_000)
    answer = await shop.get(most("0.05"))
    assert (answer.status, answer.body) == (200, b"tides")
    assert answer.headers["crawler-charged"] == "USD 0.01"
    record = answer.record
    assert (record.licensee, record.price_micros, record.charged_micros) == ("le_1", 10_000, 10_000)
    assert await shop.book.available("le_1", "USD") < Money(1_000_000, "USD")


async def test_who_names_the_price_is_not_told_what_would_be_paid(world):
    shop = world()
    await shop.enroll(1_000_000)
    await shop.get(("accept", "*/*"), most("0.05"))
    ask, ours = shop.origin.asked[-1]
    assert ask.headers[ours][0] == MAX


async def test_a_quote_names_the_price_and_how_to_bid(world):
    answer = await world().get()
    assert (answer.status, answer.headers["crawler-price"]) == (402, "USD 0.01")
    assert answer.headers["crawler-error"] == "MissingCrawlerPrice"
    assert json.loads(answer.body)["pay_per_crawl"]["send"] == {MAX: "USD 0.01"}


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ([most("0.01"), exact("0.01")], 400, "ConflictingPriceHeaders"),
        ([most("0.01"), most("0.01")], 400, "ConflictingPriceHeaders"),
        ([(MAX, "0.01")], 400, "InvalidCrawlerPriceValue"),
        ([(MAX, "EUR 0.01")], 400, "InvalidCrawlerPriceValue"),
        ([(MAX, "")], 400, "InvalidCrawlerPriceValue"),
        ([(EXACT, "USD x")], 400, "InvalidCrawlerPriceValue"),
        ([exact("0.02")], 402, "InvalidCrawlerExactPrice"),
        ([exact("0.009999")], 402, "InvalidCrawlerExactPrice"),
        ([most("0.009999")], 402, "InvalidCrawlerMaxPrice"),
        ([most("0")], 402, "InvalidCrawlerMaxPrice"),
    ],
)
async def test_what_does_not_buy_is_refused_without_asking_the_origin(world, headers, status, error):
    shop = world()
    await shop.enroll(1_000_000)
    answer = await shop.get(*headers)
    assert (answer.status, answer.headers["crawler-error"]) == (status, error)
    assert shop.origin.asked == [] and shop.paid == 0
    assert ("crawler-price" in answer.headers) is (status == 402)


@pytest.mark.parametrize("bid", [exact("0.01"), exact("0.010"), most("0.01"), most("900000")])
async def test_what_buys(world, bid):
    shop = world()
    await shop.enroll(10_000)
    answer = await shop.get(bid)
    assert (answer.status, answer.headers["crawler-charged"]) == (200, "USD 0.01")


async def test_whoever_pays_signs_and_covers_the_price(world, told):
    shop = world()
    await shop.enroll(1_000_000)
    good = shop.finding
    for finding, error in (
        (None, "StrongAuthRequired"),
        (told.replace(good, outcome="invalid", reasons=("sig_invalid:signature",)), "InvalidSignature"),
        (
            told.replace(good, outcome="unverified", reasons=("sig_unverified:key_unknown",)),
            "InvalidSignature",
        ),
        (
            told.replace(
                good,
                outcome="unverified",
                reasons=("sig_unverified:uncovered_credential", "sig_uncovered:crawler-max-price"),
            ),
            "InvalidSignature",
        ),
    ):
        shop.finding = finding
        answer = await shop.get(most("0.01"))
        assert (answer.status, answer.headers["crawler-error"]) == (400, error)
    assert "crawler-max-price" in json.loads(answer.body)["detail"]
    assert shop.paid == 0 and shop.origin.asked == []


async def test_an_account_in_good_standing_pays(world):
    shop = world()
    unknown = await shop.get(most("0.01"))
    assert (unknown.status, unknown.headers["crawler-error"]) == (403, "PaymentFailed")
    await shop.enroll(1_000_000)
    shop.clock.advance(1)
    assert (await shop.get(most("0.01"))).status == 200
    await shop.register.set_standing("le_1", Standing.SUSPENDED, 1)
    shop.clock.advance(1)
    suspended = await shop.get(most("0.01"))
    assert (suspended.status, suspended.headers["crawler-error"]) == (403, "PaymentFailed")


async def test_one_that_waits_for_approval_does_not_pay(world):
    shop = world()
    await shop.enroll(1_000_000, Standing.QUARANTINED)
    assert (await shop.get(most("0.01"))).status == 403


async def test_an_account_that_has_too_little_is_told_so(world):
    shop = world()
    await shop.enroll(9_999)
    answer = await shop.get(most("0.01"))
    assert (answer.status, answer.headers["crawler-error"]) == (402, "PaymentFailed")
    await shop.accounts.set_limit("le_1", Money(1, "USD"))
    assert (await shop.get(most("0.01"))).status == 200


async def test_books_that_are_away_are_waited_for(world):
    shop = world()
    shop.tables.down = "The disk is full."
    answer = await shop.get(most("0.01"))
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_a_re_read_is_told_to_cost_nothing(world):
    shop = world()
    await shop.enroll(1_000_000)
    await shop.get(most("0.01"))
    again = await shop.get(most("0.01"))
    assert again.headers["crawler-charged"] == "USD 0" and shop.paid == 10_000


@pytest.mark.parametrize(("status", "method"), [(404, "GET"), (304, "GET"), (503, "GET"), (200, "HEAD")])
async def test_what_is_not_delivered_is_not_charged(world, status, method):
    shop = world()
    await shop.enroll(1_000_000)
    shop.origin.status = status
    answer = await shop.get(most("0.01"), method=method)
    assert "crawler-charged" not in answer.headers and shop.paid == 0


@pytest.mark.parametrize("fields", [{}, {"ETag": '"1"'}])
async def test_parts_never_cost_more_than_the_whole(world, fields):
    shop = world()
    await shop.enroll(1_000_000)
    shop.origin.status, shop.origin.fields = 206, fields
    told = []
    for number in range(20):
        shop.origin.body = b"part %d" % number
        told.append((await shop.get(most("0.01"), ("range", f"bytes={number}-"))).headers["crawler-charged"])
    assert told == ["USD 0.01"] + ["USD 0"] * 19 and shop.paid == 10_000


async def test_an_origin_cannot_say_what_was_charged(world):
    shop = world()
    await shop.enroll(1_000_000)
    shop.origin.fields = {"Crawler-Charged": "USD 9", "Crawler-Price": "USD 9"}
    answer = await shop.get(most("0.01"))
    assert answer.headers["crawler-charged"] == "USD 0.01" and "crawler-price" not in answer.headers


async def test_a_policy_can_do_without(world, told):
    shop = world(told.POLICY.replace("[[works]]", "[payments]\nprice_headers = false\n[[works]]", 1))
    await shop.enroll(1_000_000)
    answer = await shop.get(most("0.01"))
    assert answer.status == 402 and "crawler-price" not in answer.headers
    assert "pay_per_crawl" not in json.loads(answer.body)


@pytest.fixture
def dynamic(world, told):
    return world(told.POLICY.replace("[[works]]", f"{DYNAMIC}[[works]]", 1))


@pytest.mark.parametrize(
    ("named", "bid", "status", "charged"),
    [
        ("USD 0.25", most("0.25"), 200, "USD 0.25"),
        ("USD 0.25", exact("0.25"), 200, "USD 0.25"),
        ("USD 0.002", most("0.005"), 200, "USD 0.002"),
        ("USD 0.00", most("0.05"), 200, "USD 0"),
        ("USD 0", exact("0.05"), 200, "USD 0"),
        (None, most("0.05"), 200, "USD 0.01"),
        (None, most("0.009"), 402, "InvalidCrawlerMaxPrice"),
        ("USD 0.25", most("0.24"), 402, "InvalidCrawlerMaxPrice"),
        ("USD 0.25", exact("0.26"), 402, "InvalidCrawlerExactPrice"),
        ("USD 0.25", exact("0.01"), 402, "InvalidCrawlerMaxPrice"),
        ("EUR 0.25", most("0.25"), 502, "InvalidContentPrice"),
        ("cheap", most("0.25"), 502, "InvalidContentPrice"),
    ],
)
async def test_the_origin_names_the_price(dynamic, named, bid, status, charged):
    await dynamic.enroll(1_000_000)
    if named is not None:
        dynamic.origin.fields["Crawler-Price"] = named
    answer = await dynamic.get(bid)
    told = answer.headers.get("crawler-charged") or answer.headers["crawler-error"]
    assert (answer.status, told) == (status, charged)
    if status == 200:
        assert dynamic.paid == Money.read(charged).micros and "crawler-price" not in answer.headers
    else:
        assert dynamic.paid == 0 and answer.body != b"tides"
    if status == 402 and named is not None:
        assert answer.headers["crawler-price"] == named, "quoted again, at the origin's price"
    await dynamic.till.close()
    held = sum(purse.held.micros for purse in dynamic.tables.purses.values())
    assert held == (Money.read(bid[1]).micros if answer.record.charge_reason == "fetch" else 0)


async def test_what_the_origin_gives_away_does_not_pay_for_what_it_sells(dynamic):
    await dynamic.enroll(1_000_000)
    dynamic.origin.fields["Crawler-Price"] = "USD 0"
    free = await dynamic.get(most("0.05"))
    assert (free.record.charge_reason, free.record.charged_micros) == ("free", 0)
    dynamic.origin.fields["Crawler-Price"] = "USD 0.03"
    assert (await dynamic.get(most("0.05"))).record.charged_micros == 30_000


async def test_nobody_is_shown_the_price_between_server_and_gate(dynamic, told):
    dynamic.origin.fields["Crawler-Price"] = "USD 0.25"
    dynamic.visitor = told.PERSON
    assert "crawler-price" not in (await dynamic.get()).headers
    assert "crawler-price" not in (await dynamic.get(path="/about")).headers


bids = st.builds(lambda name, text: ((name, text),), st.sampled_from([MAX, EXACT]), st.text(max_size=40))


@given(bids)
def test_whatever_is_bid_is_an_amount_or_refused(headers):
    found = read_bid(Ask("i", 0, "s", "https://a.example", "GET", "/", "/", headers=headers), "USD")
    if isinstance(found, Refusal):
        assert found.problem in {Problem.PRICE_UNREADABLE, Problem.PRICES_CONFLICT}
    else:
        assert found.amount.currency == "USD" and found.amount.micros >= 0


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_bid_buys_exactly_where_it_covers_the_price(offered, price):
    from gateway.rails.price_headers import _unequal

    for name in (MAX, EXACT):
        ask = Ask("i", 0, "s", "https://a.example", "GET", "/", "/",
                  headers=((name, f"USD {Money(offered, 'USD').amount}"),))  # fmt: skip
        unequal = _unequal(read_bid(ask, "USD"), Money(price, "USD"))
        buys = offered == price if name == EXACT else offered >= price
        assert (unequal is None) is buys
        if unequal is not None:
            assert unequal.price == Money(price, "USD") and unequal.status == 402


amounts = st.integers(0, 60_000)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([MAX, EXACT]), amounts, st.none() | amounts), min_size=1, max_size=8),
    st.integers(0, 100_000),
    st.integers(0, 50_000),
)
def test_nobody_pays_more_than_was_bid_or_asked_nor_owes_more_than_the_limit(
    world, told, bids, credit, limit
):
    async def play():
        shop = world(told.POLICY.replace("[[works]]", f"{DYNAMIC}[[works]]", 1))
        await shop.enroll(credit)
        await shop.accounts.set_limit("le_1", Money(limit, "USD"))
        for number, (name, bid, named) in enumerate(bids):
            price = 10_000 if named is None else named
            shop.origin.fields = (
                {} if named is None else {"Crawler-Price": f"USD {Money(named, 'USD').amount}"}
            )
            shop.origin.body = b"%d" % number
            answer = await shop.get((name, f"USD {Money(bid, 'USD').amount}"), path=f"/essays/{number}")
            charged = answer.record.charged_micros
            assert (answer.status == 200) is (answer.body == b"%d" % number)
            assert charged in {0, price} and charged <= bid
            assert charged == (price if answer.status == 200 else 0)
            if name == EXACT and charged:
                assert charged == bid
            if answer.status == 200:
                said = Money.read(answer.headers["crawler-charged"])
                assert said.micros == charged
            assert shop.paid <= credit + limit

    asyncio.run(play())


@settings(max_examples=100, deadline=None)
@given(
    st.sets(st.sampled_from(sorted(AI_USES | {Use.SEARCH})), min_size=1),
    st.sets(st.sampled_from(sorted(AI_USES))),
)
def test_whoever_does_more_pays_no_less(world, less, more):
    shop = world()
    ask = shop.ask()

    def sold(uses):
        visitor = Visitor(VisitorClass.AI, Crawler("X", "Y", (), frozenset(uses), VisitorClass.AI))
        ruling, _ = shop.gate.docket.unlicensed(shop.policy, visitor, ask)
        return sold_by_fetch(ruling.offers, visitor)

    one, other = sold(less), sold(less | more)
    if other is not None:
        assert one is not None and one.price <= other.price
        assert covers(other.uses, frozenset(less | more)), "and gets all it is known for"


async def test_whoever_leaves_in_the_middle_owes_what_was_settled(dynamic):
    from gateway.front.exchange import exchange

    await dynamic.enroll(1_000_000)
    dynamic.origin.streamed, dynamic.origin.body = True, b"x" * 1000
    dynamic.origin.fields["Crawler-Price"] = "USD 0.03"
    for taken, reason, charged in ((50, "client-left-early", 0), (500, "fetch", 30_000)):
        answer = await exchange(dynamic.ask(most("0.04")), None, dynamic.gate)
        for _ in range(taken):
            await anext(answer.chunks)
        await answer.chunks.aclose()
        record = dynamic.records[-1]
        assert (record.ended, record.charge_reason, record.charged_micros) == (
            "client-abort",
            reason,
            charged,
        )
    await dynamic.till.close()
    assert sum(purse.held.micros for purse in dynamic.tables.purses.values()) == 40_000


async def test_an_account_that_changes_hands_in_the_middle_pays_for_nothing(world):
    made = world()
    await made.enroll(20_000)
    assert (await made.get(most("0.01"), path="/essays/ebb")).status == 200
    other = Licensee("le_2", "Others", Standing.ACTIVE, 0)
    await made.register.add_licensee(other, Client("cl_2", "le_2", "0" * 64, 0))

    async def lease(need):
        made.clock.advance(1)
        assert await made.accounts.tie("https://bot.example", "le_2")
        return await made.till.lease(need)

    made.gate.sources["lease"] = lease
    answer = await made.get(most("0.01"))
    assert (answer.status, made.paid, len(made.origin.asked)) == (503, 10_000, 1)
    await made.till.close()
    # What the first fetch took goes with its record, which nobody folds here.
    assert [purse.held.micros for purse in made.tables.purses.values()] == [10_000]
