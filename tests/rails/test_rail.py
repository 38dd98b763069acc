"""The seam: a rail that exists in this file alone is read, told, charged and settled."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence import NOTHING, Need, Needs
from gateway.money import Money
from gateway.policy.rules import Mode
from gateway.problems import Problem, Refusal, StoreUnavailable
from gateway.rails.rail import (
    Asked,
    Challenge,
    Settled,
    Tender,
    Unsettled,
    claims_for,
    sold_by_fetch,
    tendered,
)
from gateway.uses import AI_USES, Use
from gateway.visitors.visitor import Crawler, Visitor, VisitorClass


class Vouchers:
    """A rail that takes vouchers: ``voucher: NAME AMOUNT``; a clerk says whether NAME is good."""

    name = "vouchers"
    reads = ("voucher",)

    def __init__(self) -> None:
        self.sources = {"voucher": self._clerk}
        self.clerk, self.asked, self.committed, self.fails = {"anna"}, [], [], ""
        self.settles = True

    async def _clerk(self, need):
        self.asked.append(need.key)
        return need.key in self.clerk

    def read(self, asked, evidence):
        said = asked.ask.header("voucher")
        if not said or asked.offer is None:
            return None
        name, _, amount = said.partition(" ")
        if not evidence.has("voucher", name):
            return Needs((Need("voucher", name),))
        good = evidence.get("voucher", name)
        if good is not True:
            return good if isinstance(good, Refusal) else Refusal(Problem.PAYMENT_FAILED, "No such voucher.")
        price = asked.offer.price
        most = Money.parse(amount, price.currency) if amount else price
        claims = claims_for(self.name, asked, licensee=f"voucher:{name}", payment=name, most=most)
        return Tender(self.name, claims, price, settles=self.settles, credential_at=0, payload=name)

    def challenge(self, refusal, quote):
        told = {"url": quote.url, "price": str(quote.price), "why": refusal.code}
        return Challenge(encoded=(("VOUCHER-WANTED", json.dumps(told).encode()),), members={"voucher": told})

    async def undelivered(self, tender):
        self.missed = tender

    async def commit(self, tender, due, ask, status):
        self.committed.append((tender.payload, due, status))
        await asyncio.sleep(0)
        if self.fails:
            return Unsettled(Refusal(Problem.CREDIT_SPENT, self.fails), (("VOUCHER-SAID", "no"),))
        return Settled((("VOUCHER-SAID", str(due)),))


CENT = Money(10_000, "USD")
ANNA = ("voucher", "anna")


@pytest.fixture
def shop(world):
    made = world(rails=(Vouchers(),))
    made.rail = made.rails[0]
    return made


async def test_a_402_tells_how_to_pay_and_is_filled_in_for_each_url(shop):
    for path in ("/essays/tides", "/essays/moon?page=2"):
        answer = await shop.get(path=path)
        assert answer.status == 402
        told = json.loads(base64.b64decode(answer.headers["voucher-wanted"]))
        assert told["url"] == f"https://journal.example{path}" and told["price"] == "0.01 USD"
        assert json.loads(answer.body)["voucher"] == told
        assert "Voucher" in answer.headers["vary"].split(", ")


async def test_it_is_settled_between_head_and_body_and_recorded_like_a_licensed_fetch(shop):
    answer = await shop.get(ANNA)
    assert (answer.status, answer.body, answer.headers["voucher-said"]) == (200, b"tides", "0.01 USD")
    assert shop.rail.committed == [("anna", CENT, 200)] and shop.rail.asked == ["anna"]
    record = answer.record
    assert (record.outcome, record.licensee, record.token) == ("licensed", "voucher:anna", "anna")
    assert record.license.startswith("pf_") and record.terms.startswith("sha-256:")
    assert (record.price_micros, record.charged_micros, record.charge_reason) == (10_000, 10_000, "fetch")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["licet-record"] == record.id
    assert shop.origin.asked[-1][1] == 0, "what was paid with does not reach the origin"
    assert not shop.tables.purses, "whose rail moves the money has no purse"


async def test_unchanged_bytes_are_not_paid_for_twice(shop):
    await shop.get(ANNA)
    again = await shop.get(ANNA)
    assert again.headers["voucher-said"] == "0 USD" and again.record.charge_reason == "read-before"
    assert [due for _, due, _ in shop.rail.committed] == [CENT, Money(0, "USD")]


async def test_a_body_that_streams_is_settled_at_the_price_and_recorded_by_its_digest(shop):
    shop.origin.streamed = True
    first, again = await shop.get(ANNA), await shop.get(ANNA)
    assert (first.body, again.body) == (b"tides", b"tides")
    assert [record.charge_reason for record in shop.records] == ["fetch", "read-before"]
    shop.origin.fields["ETag"] = '"1"'
    shop.origin.body = b"other"
    await shop.get(ANNA)
    known = await shop.get(ANNA)
    assert known.headers["voucher-said"] == "0 USD", "the entity tag is known before the body"


@pytest.mark.parametrize(("status", "method"), [(404, "GET"), (304, "GET"), (500, "GET"), (200, "HEAD")])
async def test_what_is_not_delivered_is_not_settled(shop, status, method):
    shop.origin.status = status
    answer = await shop.get(ANNA, method=method)
    assert answer.status == status and shop.rail.committed == []
    assert answer.record.charged_micros == 0


async def test_a_failure_to_settle_is_answered_before_any_octet(shop):
    shop.rail.fails = "The voucher is used up."
    answer = await shop.get(ANNA)
    assert answer.status == 402 and answer.body != b"tides"
    assert answer.headers["voucher-said"] == "no" and "voucher-wanted" in answer.headers
    assert (answer.record.outcome, answer.record.charged_micros) == ("refused", 0)
    assert answer.record.problem == "credit-spent" and answer.record.licensee == "voucher:anna"
    assert shop.origin.closed == 1
    shop.rail.fails = ""
    assert (await shop.get(ANNA)).record.charge_reason == "fetch", "nothing was paid for before"


async def test_mine_and_bad_never_falls_through(shop):
    answer = await shop.get(("voucher", "eve"))
    assert (answer.status, answer.record.outcome) == (403, "refused") and shop.origin.asked == []
    assert answer.headers["crawler-error"] == "PaymentFailed"


async def test_where_it_is_free_nothing_is_paid(shop, told):
    assert (await shop.get(ANNA, path="/about")).status == 200
    shop.visitor = told.PERSON
    assert (await shop.get(ANNA)).status == 200
    assert shop.rail.asked == [] and shop.rail.committed == []


async def test_money_does_not_lift_an_owners_block(shop):
    spider = Crawler("Bytespider", "ByteDance", (), frozenset({Use.AI_TRAIN}), VisitorClass.AI)
    shop.visitor = Visitor(VisitorClass.AI, spider)
    answer = await shop.get(ANNA)
    assert answer.status == 403 and answer.headers["crawler-error"] == "CrawlerForbidden"
    assert "voucher-wanted" not in answer.headers and shop.rail.asked == []


async def test_observing_reads_no_payment(world, told):
    shop = world(told.POLICY.replace("enforce", "observe"), rails=(Vouchers(),))
    answer = await shop.get(ANNA)
    assert answer.status == 200 and shop.rails[0].asked == [] and answer.record.charged_micros == 0


async def test_in_offer_a_payment_is_honored_and_nobody_is_refused(world, told):
    shop = world(told.POLICY.replace("enforce", "offer"), rails=(Vouchers(),))
    assert (await shop.get(ANNA)).record.charged_micros == 10_000
    for headers in ((("voucher", "eve"),), ()):
        answer = await shop.get(*headers)
        assert answer.status == 200 and answer.record.charged_micros == 0
    shop.rails[0].fails = "Used up."
    answer = await shop.get(ANNA, path="/essays/moon")
    assert (answer.status, answer.body, answer.record.would) == (200, b"tides", "credit-spent")
    assert "voucher-said" not in answer.headers


async def test_evidence_that_could_not_be_fetched_is_a_refusal_of_its_own(shop):
    async def broken(need):
        return Refusal(Problem.SPEND_BOOK_UNAVAILABLE, "Away.", retry_after=5)

    shop.gate.sources["voucher"] = broken
    answer = await shop.get(ANNA)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5") and shop.rail.committed == []


async def test_a_rail_with_a_purse_takes_from_it_and_gives_back(shop):
    shop.rail.settles = False
    shop.tables.balances["licensee:voucher:anna:prepaid", "USD"] = 10_000
    shop.rail.fails = "No."
    assert (await shop.get(ANNA)).status == 402
    shop.rail.fails = ""
    assert (await shop.get(ANNA)).status == 200
    spent = await shop.get(ANNA, path="/essays/moon")
    assert spent.status == 402 and spent.headers["crawler-error"] == "PaymentFailed"
    assert shop.paid == 10_000


async def test_a_client_that_leaves_while_it_is_settled_owes_nothing(shop):
    started = asyncio.Event()

    async def slow(tender, due, ask, status):
        started.set()
        await asyncio.Event().wait()

    shop.rail.commit = slow
    asking = asyncio.create_task(shop.get(ANNA))
    await started.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    (record,) = shop.records
    assert (record.ended, record.charged_micros) == ("client-abort", 0) and shop.origin.closed == 1


async def test_a_rail_that_breaks_charges_nothing_and_leaves_a_record(shop):
    async def broken(tender, due, ask, status):
        raise RuntimeError("a defect")

    shop.rail.settles, shop.rail.commit = False, broken
    shop.tables.balances["licensee:voucher:anna:prepaid", "USD"] = 10_000
    with pytest.raises(RuntimeError, match="a defect"):
        await shop.get(ANNA)
    (record,) = shop.records
    assert (record.ended, record.charged_micros) == ("gateway-abort", 0) and shop.origin.closed == 1
    await shop.till.close()
    assert not shop.tables.purses


async def test_what_may_have_been_paid_elsewhere_is_waited_for(shop, monkeypatch):
    async def lost(*_):
        raise StoreUnavailable("another worker was killed")

    monkeypatch.setattr(shop.till, "settled", lost)
    answer = await shop.get(ANNA)
    assert answer.status == 503 and shop.rail.committed == []


def asked_by(shop, visitor):
    ask = shop.ask()
    ruling, _ = shop.gate.docket.unlicensed(shop.policy, visitor, ask)
    return Asked(ask, visitor, shop.policy, ruling, sold_by_fetch(ruling.offers, visitor))


def test_whoever_is_known_for_more_is_quoted_more(shop):
    def price(uses, *, known=True):
        crawler = Crawler("X", "Y", (), uses, VisitorClass.AI) if known else None
        offer = asked_by(shop, Visitor(VisitorClass.AI, crawler)).offer
        return offer.price.micros if offer else None

    assert price(frozenset({Use.AI_INPUT})) == 10_000
    assert price(frozenset({Use.AI_INPUT, Use.AI_TRAIN})) == price(AI_USES) == 50_000
    assert price(AI_USES, known=False) == 50_000, "nobody gets it cheaper by saying less"
    assert price(frozenset({Use.AI_INPUT, Use.SEARCH})) is None, "what no offer covers is not sold"


@given(st.text(max_size=20), st.text(max_size=20))
def test_one_payer_has_one_license_of_the_same_terms(one, other):
    from gateway.policy.reading import default_policy  # a site with no file

    policy = default_policy("http://127.0.0.1:1", mode=Mode.ENFORCE)
    offer = policy.offers[0]
    visitor = Visitor(VisitorClass.AI)

    def license_of(licensee, rail="r", sold=offer):
        from gateway.ask import Ask

        ask = Ask("id", 7_000_000, "site", "https://a.example", "GET", "/", "/")
        asked = Asked(ask, visitor, policy, None, sold)
        return claims_for(rail, asked, licensee=licensee, payment="", most=CENT).license

    assert (license_of(one) == license_of(other)) is (one == other)
    assert license_of(one) != license_of(one, "s")
    assert license_of(one) != license_of(one, sold=policy.offers[1])
    with pytest.raises(ValueError, match="nothing is sold"):
        license_of(one, sold=None)


def test_the_first_rail_with_something_to_say_is_heard(shop):
    class Says:
        def __init__(self, word):
            self.word = word

        def read(self, asked, evidence):
            return self.word

    asked = asked_by(shop, shop.visitor)
    assert tendered((), asked, NOTHING) is None
    assert tendered((Says(None), Says(None)), asked, NOTHING) is None
    refusal = Refusal(Problem.PAYMENT_FAILED)
    assert tendered((Says(None), Says(refusal), Says(1)), asked, NOTHING) is refusal


def test_a_fetch_paid_for_by_a_rail_has_the_window_of_its_offer():
    from gateway.ask import Ask
    from gateway.policy.reading import default_policy

    policy = default_policy("http://127.0.0.1:1", mode=Mode.ENFORCE)
    terms = policy.offers[0].terms
    short = replace(
        policy.offers[0], terms=replace(terms, compensation=replace(terms.compensation, window_hours=6))
    )
    ask = Ask("id", 7_000_000, "site", "https://a.example", "GET", "/", "/")
    asked = Asked(ask, Visitor(VisitorClass.AI), policy, None, short)
    assert claims_for("r", asked, licensee="l", payment="", most=CENT).window_hours == 6
