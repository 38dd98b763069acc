"""Usage and documents as Stripe, Lago and OpenMeter take them. Pure.

As their documentation has it in 2026: Stripe API, ``POST /v1/billing/meter_events``
(``identifier`` unique for at least 24 hours, ``timestamp`` at most 35 days back),
``/v1/invoices`` and ``/v1/invoiceitems`` with ``Idempotency-Key`` (kept for at
least 24 hours); Lago, ``POST /api/v1/events`` (``transaction_id`` unique in a
subscription); OpenMeter, ``POST /api/v1/events``, CloudEvents 1.0.2 in JSON
(``id`` and ``source`` together are unique).

Every id follows from the event's own, so that whatever is sent twice is the
same thing twice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import orjson

from gateway.event import Event
from gateway.money import Money
from gateway.outbox.export_settings import ExportSettings
from gateway.rails.stripe_checkout import smallest_units

USAGE: Final = "usage.counted"
_FORM: Final = "application/x-www-form-urlencoded"
_SOURCE: Final = "licet"
#: Stripe takes no usage that is older.
STRIPE_DAYS: Final = 35


@dataclass(frozen=True, slots=True)
class Sending:
    """One request: a POST of *body* to *path*. *takes* is a field that gets the id which the request before it was answered."""

    path: str
    body: bytes
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    takes: str = ""


@dataclass(frozen=True, slots=True)
class Unsendable:
    """It is not for that system, or never can be sent; *why* is for the operator."""

    why: str


def sendings(event: Event, settings: ExportSettings) -> tuple[Sending, ...] | Unsendable:
    """What is sent of *event* to the system of *settings*, in this order."""
    customer = _customer(event, settings)
    if settings.kind == "stripe" and not customer:
        return Unsendable(f"{event.licensee} is no customer of Stripe; name it under customers")
    match settings.kind, event.type:
        case "stripe", "usage.counted":
            return (_meter_event(event, settings, customer),)
        case "stripe", "invoice.issued":
            return _stripe_invoice(event, customer)
        case "lago", "usage.counted":
            return (_lago_event(event, settings, customer),)
        case "openmeter", "usage.counted":
            return (_cloud_event(event, settings, customer),)
    return Unsendable("it hears nothing of this")


def _customer(event: Event, settings: ExportSettings) -> str:
    license = str(event.body.get("license", ""))
    named = settings.customers.get(license) or settings.customers.get(event.licensee) or ""
    if named or settings.kind == "stripe":
        return named
    return license if settings.kind == "lago" else event.licensee


def _meter_event(event: Event, settings: ExportSettings, customer: str) -> Sending:
    form = {
        "event_name": settings.meter,
        "payload[stripe_customer_id]": customer,
        "payload[value]": str(event.body["fetches"]),
        "identifier": event.id,
        "timestamp": str(event.at),
    }
    return _stripe("/v1/billing/meter_events", form, event.id)


def _stripe_invoice(event: Event, customer: str) -> tuple[Sending, ...] | Unsendable:
    body = event.body
    total, currency = body["total_micros"], str(body["currency"])
    units = smallest_units(Money(total, currency)) if type(total) is int else None
    if units is None or body["kind"] == "credit_note":
        return Unsendable("its total is no amount that Stripe takes")
    code, id = currency.lower(), event.id
    invoice = {
        "customer": customer, "currency": code, "auto_advance": "false", "pending_invoice_items_behavior": "exclude",
        "collection_method": "send_invoice", "days_until_due": "30", "number": str(body["number"]),
        "metadata[licet_document]": str(body["document"]),
    }  # fmt: skip
    item = {
        "customer": customer, "currency": code, "amount": str(units),
        "description": f"{body['number']} for {body['period']}", "metadata[licet_document]": str(body["document"]),
    }  # fmt: skip
    return (
        _stripe("/v1/invoices", invoice, f"{id}.invoice"),
        _stripe("/v1/invoiceitems", item, f"{id}.item", takes="invoice"),
    )


def _stripe(path: str, form: Mapping[str, str], key: str, takes: str = "") -> Sending:
    return Sending(path, urlencode(form).encode("ascii"), _FORM, {"Idempotency-Key": key}, takes)


def _lago_event(event: Event, settings: ExportSettings, subscription: str) -> Sending:
    told = {
        "transaction_id": event.id,
        "external_subscription_id": subscription,
        "code": settings.meter,
        "timestamp": event.at,
        "properties": _properties(event),
    }
    return Sending("/api/v1/events", orjson.dumps({"event": told}))


def _cloud_event(event: Event, settings: ExportSettings, subject: str) -> Sending:
    told = {
        "specversion": "1.0",
        "type": settings.meter,
        "id": event.id,
        "source": _SOURCE,
        "subject": subject,
        "time": dt.datetime.fromtimestamp(event.at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "datacontenttype": "application/json",
        "data": _properties(event),
    }
    return Sending("/api/v1/events", orjson.dumps(told), "application/cloudevents+json")


def _properties(event: Event) -> dict[str, object]:
    names = ("license", "fetches", "micros", "currency", "day")
    return {name: event.body[name] for name in names}
