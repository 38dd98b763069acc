"""What Stripe, Lago and OpenMeter are sent: their shapes, ids that follow from the event, and nothing unmapped."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import orjson
import pytest
from pydantic import ValidationError

from gateway.event import event
from gateway.outbox.billing_payloads import Unsendable, sendings
from gateway.outbox.export_settings import ExportSettings

USAGE = event(
    "usage.counted", at=1_795_000_000, site="", subject="lic_1", licensee="le_1", nth="1",
    body={"license": "lic_1", "fetches": 12, "micros": 60_000, "currency": "USD", "day": 1_794_960_000, "path": "/x"},
)  # fmt: skip
INVOICE = event(
    "invoice.issued", at=1_795_000_000, site="", subject="in_1", licensee="le_1",
    body={"document": "in_1", "kind": "invoice", "number": "TP-I000007", "period": "2026-10", "currency": "USD", "total_micros": 2_380_000},
)  # fmt: skip


def settings(kind, **more):
    return ExportSettings.model_validate({"kind": kind, "url": "https://billing.example", **more})


def form(sending):
    return {name: value for name, (value,) in parse_qs(sending.body.decode(), strict_parsing=True).items()}


STRIPE = settings("stripe", customers={"le_1": "cus_1"}, invoices=True)


def test_a_meter_event_of_stripe():
    (one,) = sendings(USAGE, STRIPE)
    assert (one.path, one.media_type) == ("/v1/billing/meter_events", "application/x-www-form-urlencoded")
    assert form(one) == {
        "event_name": "licet_fetches", "payload[stripe_customer_id]": "cus_1", "payload[value]": "12",
        "identifier": USAGE.id, "timestamp": "1795000000",
    }  # fmt: skip
    assert one.headers == {"Idempotency-Key": USAGE.id}
    assert len(USAGE.id) <= 100


def test_a_draft_invoice_of_stripe_and_its_one_item():
    first, second = sendings(INVOICE, STRIPE)
    assert (first.path, second.path, second.takes) == ("/v1/invoices", "/v1/invoiceitems", "invoice")
    assert form(first)["pending_invoice_items_behavior"] == "exclude"
    assert form(first)["auto_advance"] == "false"
    assert (form(second)["amount"], form(second)["currency"]) == ("238", "usd")
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert sendings(INVOICE, STRIPE) == (first, second)


@pytest.mark.parametrize(
    "body",
    [
        {"total_micros": 2_385_000},
        {"currency": "UGX"},
        {"total_micros": 0},
        {"total_micros": "x"},
        {"kind": "credit_note"},
    ],
)
def test_what_stripe_cannot_write_is_not_sent(body):
    assert isinstance(sendings(replace(INVOICE, body={**INVOICE.body, **body}), STRIPE), Unsendable)


def test_an_event_of_lago():
    (one,) = sendings(USAGE, settings("lago", meter="fetches"))
    assert (one.path, one.media_type) == ("/api/v1/events", "application/json")
    assert orjson.loads(one.body) == {
        "event": {
            "transaction_id": USAGE.id, "external_subscription_id": "lic_1", "code": "fetches", "timestamp": 1_795_000_000,
            "properties": {"license": "lic_1", "fetches": 12, "micros": 60_000, "currency": "USD", "day": 1_794_960_000},
        }
    }  # fmt: skip
    (other,) = sendings(USAGE, settings("lago", customers={"lic_1": "sub_9"}))
    assert orjson.loads(other.body)["event"]["external_subscription_id"] == "sub_9"


def test_a_cloud_event_of_openmeter():
    (one,) = sendings(USAGE, settings("openmeter"))
    told = orjson.loads(one.body)
    assert (one.path, one.media_type) == ("/api/v1/events", "application/cloudevents+json")
    assert {name: told[name] for name in ("specversion", "type", "id", "source", "subject", "time")} == {
        "specversion": "1.0", "type": "licet_fetches", "id": USAGE.id, "source": "licet", "subject": "le_1",
        "time": "2026-11-18T11:06:40Z",
    }  # fmt: skip
    assert told["data"]["fetches"] == 12


def test_who_is_no_customer_of_stripe_is_not_told_of_there():
    assert isinstance(sendings(USAGE, settings("stripe")), Unsendable)
    assert isinstance(sendings(INVOICE, settings("stripe")), Unsendable)
    assert isinstance(sendings(INVOICE, settings("lago")), Unsendable)


def test_settings_say_what_is_heard_and_refuse_the_rest():
    assert STRIPE.types == ("usage.counted", "invoice.issued")
    assert settings("stripe").types == settings("openmeter").types == ("usage.counted",)
    assert STRIPE.endpoint_url == "stripe:https://billing.example"
    for wrong in (
        {"url": "ftp://x"},
        {"url": "https://x/path"},
        {"kind": "other"},
        {"meter": "a b"},
        {"more": 1},
    ):
        with pytest.raises(ValidationError):
            ExportSettings.model_validate({"kind": "lago", "url": "https://billing.example", **wrong})
