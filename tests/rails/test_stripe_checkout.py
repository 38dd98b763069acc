from __future__ import annotations

import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.egress import Posted, Unfetched
from gateway.money import Money
from gateway.rails.stripe_checkout import (
    Checkout,
    NoPage,
    Page,
    PaidBack,
    PaidIn,
    amount_of,
    read_event,
    smallest_units,
    verifier,
)
from gateway.rails.topups import TopUp

TOPUP = TopUp("top_1", "le_1", Money(25_000_000, "USD"), 1_795_000_000)
SESSION = {
    "id": "cs_test_a1", "object": "checkout.session", "amount_total": 2500, "currency": "usd", "mode": "payment",
    "client_reference_id": "top_1", "payment_status": "unpaid", "url": "https://checkout.stripe.com/c/pay/cs_test_a1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(25_000_000, "USD"), 2500), (Money(10_000, "USD"), 1), (Money(5_000, "USD"), None),
        (Money(25_000_000, "JPY"), 25), (Money(500_000, "JPY"), None), (Money(1_230_000, "KWD"), 1230),
        (Money(1_234_000, "KWD"), None), (Money(0, "USD"), None), (Money(-10_000, "USD"), None),
    ],
)  # fmt: skip
def test_amounts_cross_in_the_smallest_unit_or_not_at_all(amount, units) -> None:
    assert smallest_units(amount) == units
    if units is not None:
        assert amount_of(units, amount.currency.lower()) == amount


@pytest.mark.parametrize(
    ("units", "currency"),
    [
        (2500.0, "usd"),
        ("2500", "usd"),
        (True, "usd"),
        (0, "usd"),
        (-1, "usd"),
        (2500, None),
        (2500, "us"),
        (2500, "u5d"),
        (10**18, "usd"),
    ],
)
def test_what_is_no_amount(units, currency) -> None:
    assert amount_of(units, currency) is None


class Stripe:
    """Answers as told; *asked* is what came."""

    def __init__(self, answer) -> None:
        self.answer, self.asked = answer, []

    async def post(self, url, body, *, media_type, headers, limit, seconds):
        self.asked.append(
            (url, {name: value for name, (value,) in parse_qs(body.decode()).items()}, headers, media_type)
        )
        return self.answer


async def page(answer):
    stripe = Stripe(answer)
    found = await Checkout(stripe.post, "https://api.stripe.com/", "sk_test_1").page(
        TOPUP, back="https://journal.example/.licet/", what="Prepaid credit"
    )
    return found, stripe


async def test_a_page_is_asked_for_under_the_top_ups_own_key() -> None:
    found, stripe = await page(Posted(200, json.dumps(SESSION).encode()))
    assert found == Page("cs_test_a1", SESSION["url"])
    ((url, form, headers, media_type),) = stripe.asked
    assert (url, media_type) == (
        "https://api.stripe.com/v1/checkout/sessions",
        "application/x-www-form-urlencoded",
    )
    assert headers == {"Authorization": "Bearer sk_test_1", "Idempotency-Key": "top_1"}
    assert form["line_items[0][price_data][unit_amount]"] == "2500"
    assert (form["client_reference_id"], form["mode"]) == ("top_1", "payment")


@pytest.mark.parametrize(
    "answer",
    [
        Unfetched("timeout", "more than 15 s"), Posted(500, b""), Posted(200, b"<html>"), Posted(200, b"[]"),
        Posted(402, b'{"error":{"message":"no"}}'), Posted(200, b"{}"),
        *(Posted(200, json.dumps({**SESSION, **lie}).encode()) for lie in (
            {"amount_total": 2400}, {"currency": "eur"}, {"client_reference_id": "top_2"}, {"url": "javascript:alert(1)"},
            {"url": None}, {"id": 7}, {"url": "https://a.example/\r\nSet-Cookie: a=b"},
        )),
    ],
)  # fmt: skip
async def test_one_that_is_down_or_lies_gives_no_page(answer) -> None:
    found, _ = await page(answer)
    assert isinstance(found, NoPage)
    assert "sk_test_1" not in found.why


def event(kind, **about):
    return {"id": "evt_1", "object": "event", "type": kind, "data": {"object": about}}


COMPLETED = {**SESSION, "payment_status": "paid", "status": "complete", "payment_intent": "pi_1"}
REFUND = {
    "id": "re_1",
    "object": "refund",
    "amount": 500,
    "currency": "usd",
    "payment_intent": "pi_1",
    "status": "succeeded",
}


@pytest.mark.parametrize(
    ("told", "means"),
    [
        (event("checkout.session.completed", **COMPLETED), PaidIn("top_1", TOPUP.amount, "pi_1")),
        (event("checkout.session.async_payment_succeeded", **COMPLETED), PaidIn("top_1", TOPUP.amount, "pi_1")),
        (event("checkout.session.completed", **{**COMPLETED, "payment_status": "unpaid"}), None),
        (event("checkout.session.completed", **{**COMPLETED, "mode": "setup"}), None),
        (event("checkout.session.completed", **{**COMPLETED, "payment_intent": None}), None),
        (event("checkout.session.completed", **{**COMPLETED, "amount_total": None}), None),
        (event("checkout.session.expired", **COMPLETED), None),
        (event("refund.created", **REFUND), PaidBack("re_1", Money(5_000_000, "USD"), "pi_1")),
        (event("charge.refund.updated", **REFUND), PaidBack("re_1", Money(5_000_000, "USD"), "pi_1")),
        (event("refund.created", **{**REFUND, "status": "pending"}), None),
        (event("refund.updated", **{**REFUND, "status": "failed"}), None),
        (event("payment_intent.succeeded", id="pi_1"), None),
        ({"type": "refund.created"}, None), ({"type": "refund.created", "data": []}, None), ({}, None),
    ],
)  # fmt: skip
def test_what_an_event_means(told, means) -> None:
    assert read_event(told) == (() if means is None else (means,))


DISPUTE = {**REFUND, "id": "dp_1", "object": "dispute", "charge": "ch_1", "status": "needs_response"}
TOOK = PaidBack("dp_1", Money(5_000_000, "USD"), "pi_1")


@pytest.mark.parametrize(
    ("kind", "status", "means"),
    [
        ("created", "needs_response", (TOOK,)),
        ("funds_withdrawn", "under_review", (TOOK,)),
        ("closed", "lost", (TOOK,)),
        ("closed", "won", (TOOK, PaidBack("dp_1:won", TOOK.amount, "pi_1"))),
        ("created", "warning_needs_response", ()),
        ("closed", "warning_closed", ()),
        ("closed", "charge_refunded", ()),
        ("closed", "succeeded", ()),
    ],
)
def test_what_a_dispute_means(kind, status, means) -> None:
    assert read_event(event(f"charge.dispute.{kind}", **{**DISPUTE, "status": status})) == means
    assert read_event(event(f"charge.dispute.{kind}", **{**DISPUTE, "status": status, "id": "re_1"})) == ()
    assert [each.restores for each in means] == [False, True][: len(means)]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=5,
)


@given(
    st.sampled_from(
        ["checkout.session.completed", "refund.created", "charge.dispute.closed", "charge.refunded"]
    ),
    st.sampled_from([*sorted(COMPLETED | REFUND), "refunds"]),
    _JSON,
)
def test_what_stripe_does_not_document_is_no_money(kind, member, value) -> None:
    found = read_event(event(kind, **{**COMPLETED, **REFUND, member: value}))
    assert all(each.amount.micros > 0 for each in found)
    assert read_event({"type": kind, "data": value}) == read_event({"type": value, "data": value}) == ()


def signature(body: bytes, secret: str, at: int) -> str:
    mac = hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


def test_signatures_are_checked_by_stripes_own_library() -> None:
    pytest.importorskip("stripe", reason="PyPI stripe is absent (make .make/dev)")
    verify, now = verifier("whsec_1"), int(time.time())
    body = json.dumps(event("checkout.session.completed", **COMPLETED)).encode()
    verify(body, signature(body, "whsec_1", now))
    for wrong in (
        signature(body, "whsec_2", now), signature(body + b" ", "whsec_1", now), signature(body, "whsec_1", now - 3600),
        "", "t=1", f"v1={'0' * 64}", signature(body, "whsec_1", now).replace("v1", "v0"), "t=x,v1=y", "\x00",
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"\S"):
            verify(body, wrong)
    for nonsense in (b"\xff not json", b"[]", b"1", b"null", b'"a"'):
        with pytest.raises(ValueError, match=r"\S"):
            verify(nonsense, signature(nonsense, "whsec_1", now))
