"""Stripe Checkout, for credit paid in: the page where it is paid, and what Stripe says of it afterwards.

Stripe's API of 2026: ``POST /v1/checkout/sessions`` in the mode ``payment``, and
webhook events signed in ``Stripe-Signature`` (HMAC-SHA256 over time and body,
checked by Stripe's own library, five minutes of tolerance). The money goes to
the account whose key the operator entered; nothing is held here.

========================================== ===================================
event                                      means
========================================== ===================================
``checkout.session.completed``, paid       the credit is paid in
``checkout.session.async_payment_succeeded``  the same, some days later
``refund.created``, ``refund.updated``,    part of it went back, once the
``charge.refund.updated``                  refund has succeeded
``charge.refunded``                        the same, of every refund that is listed
                                           in it (API versions before 2022-11-15)
``charge.dispute.created``, ``.updated``,  the bank took it, unless it only asks
``.funds_withdrawn``                       (``warning_…``)
``charge.dispute.closed``,                 ``lost``: that stands; ``won``: it came
``.funds_reinstated``                      again
========================================== ===================================

What a newer ``charge.refunded`` says is a sum without its parts; the parts are
told by ``refund.created``, which an endpoint has to ask for.

Everything else is heard and means nothing here. Amounts cross in the currency's
smallest unit, of which some currencies have none and some have thousandths. The
Ugandan shilling is not taken: Stripe lists it as having none, and wants it in
hundredths all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import orjson

from gateway.currencies import is_currency
from gateway.egress import Posted, Unfetched
from gateway.money import LARGEST_MICROS, MICROS, Money
from gateway.rails.topups import WON, PaidBack, TopUp

SIGNATURE: Final = "Stripe-Signature"
#: Seconds that the page may take to be made.
SECONDS: Final = 15.0
_LIMIT: Final = 256 * 1024
_NONE: Final = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()  # noqa: SIM905 - as Stripe lists them
)
_TWOFOLD: Final = "UGX"
_THREE: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})


_REFUNDS: Final = frozenset({"refund.created", "refund.updated", "charge.refund.updated"})
#: Ids as Stripe makes them.
_ID: Final = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
#: The states of a dispute in which its money is gone, or came again.
_DISPUTED: Final = frozenset({"needs_response", "under_review", "lost", "won"})


class Post(Protocol):
    """The guarded way out, as `egress.Egress.post` is one."""

    async def __call__(
        self,
        url: str,
        body: bytes,
        *,
        media_type: str,
        headers: dict[str, str],
        limit: int,
        seconds: float,
    ) -> Posted | Unfetched:
        """POST a form, or say why nothing came back."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """Where the licensee pays: the session's id, and its address."""

    session: str
    url: str


@dataclass(frozen=True, slots=True)
class NoPage:
    """There is none; *why* is for the operator."""

    why: str


@dataclass(frozen=True, slots=True)
class PaidIn:
    """Stripe says that the top-up of that id was paid, with *amount*, by its payment *paid_by*."""

    topup: str
    amount: Money
    paid_by: str


def smallest_units(amount: Money) -> int | None:
    """*amount* in the smallest unit of its currency, or None where it is no whole number of them.

    >>> smallest_units(Money(12_340_000, "USD")), smallest_units(Money(5_000, "USD"))
    (1234, None)
    """
    if amount.currency == _TWOFOLD:
        return None
    units, rest = divmod(amount.micros * _per_unit(amount.currency), MICROS)
    thousandths = amount.currency in _THREE and units % 10
    return None if rest or units <= 0 or thousandths else units


def amount_of(units: object, currency: object) -> Money | None:
    """What Stripe writes as an amount; None where it is none."""
    if type(units) is not int or not isinstance(currency, str) or not currency.isascii():
        return None
    code = currency.upper()
    if not is_currency(code) or code == _TWOFOLD or not 0 < units <= LARGEST_MICROS // MICROS:
        return None
    return Money(units * MICROS // _per_unit(code), code)


class Checkout:
    """Asks Stripe for pages. Raises nothing."""

    def __init__(self, post: Post, api: str, key: str) -> None:
        """Ask at *api*, with the secret *key*."""
        self._post, self._api, self._key = post, api.rstrip("/"), key

    async def page(self, topup: TopUp, *, back: str, what: str) -> Page | NoPage:
        """The page on which *topup* is paid; asked for again it is the same. *back* is where its reader returns to."""
        units = smallest_units(topup.amount)
        assert units is not None, "what Stripe cannot write is refused before"
        price = "line_items[0][price_data]"
        form = {
            "mode": "payment",
            "client_reference_id": topup.id,
            "metadata[topup]": topup.id,
            "payment_intent_data[metadata][topup]": topup.id,
            "line_items[0][quantity]": "1",
            f"{price}[currency]": topup.amount.currency.lower(),
            f"{price}[unit_amount]": str(units),
            f"{price}[product_data][name]": what,
            "success_url": back,
            "cancel_url": back,
        }
        answer = await self._post(
            f"{self._api}/v1/checkout/sessions",
            urlencode(form).encode("ascii"),
            media_type="application/x-www-form-urlencoded",
            headers={"Authorization": f"Bearer {self._key}", "Idempotency-Key": topup.id},
            limit=_LIMIT,
            seconds=SECONDS,
        )
        if isinstance(answer, Unfetched):
            return NoPage(f"{answer.why} {answer.detail}".strip())
        return _page(answer, topup)


def read_event(event: dict[str, Any]) -> tuple[PaidIn | PaidBack, ...]:
    """What an event means here, in order; nothing for what is not as Stripe documents it."""
    data = event.get("data")
    about = data.get("object") if isinstance(data, dict) else None
    if not isinstance(about, dict):
        return ()
    kind = event.get("type")
    if isinstance(kind, str) and kind.startswith("charge.dispute."):
        return _disputed(about)
    if kind == "charge.refunded":
        listed = about.get("refunds")
        several = listed.get("data") if isinstance(listed, dict) else None
        told = (
            [_refunded(each) for each in several if isinstance(each, dict)]
            if isinstance(several, list)
            else []
        )
    elif isinstance(kind, str) and kind in _REFUNDS:
        told = [_refunded(about)]
    else:
        paid = _paid_in(kind, about)
        return () if paid is None else (paid,)
    return tuple(each for each in told if each is not None)


def _paid_in(kind: object, about: dict[str, Any]) -> PaidIn | None:
    paid_by = about.get("payment_intent")
    match kind:
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            amount = amount_of(about.get("amount_total"), about.get("currency"))
            topup = about.get("client_reference_id")
            if about.get("payment_status") != "paid" or about.get("mode") != "payment" or amount is None:
                return None
            if isinstance(topup, str) and isinstance(paid_by, str) and paid_by:
                return PaidIn(topup, amount, paid_by)
    return None


def _refunded(about: dict[str, Any]) -> PaidBack | None:
    back = _back(about)
    return back if about.get("status") == "succeeded" and back and not back.is_dispute else None


def _disputed(about: dict[str, Any]) -> tuple[PaidBack, ...]:
    """A dispute takes the money unless the bank only asks; one that is won gives it again."""
    back, status = _back(about), about.get("status")
    if back is None or not back.is_dispute or not isinstance(status, str) or status not in _DISPUTED:
        return ()
    return (back, replace(back, refund=back.refund + WON)) if status == "won" else (back,)


def _back(about: dict[str, Any]) -> PaidBack | None:
    amount, id = amount_of(about.get("amount"), about.get("currency")), about.get("id")
    paid_by = about.get("payment_intent")
    if amount is None or not isinstance(id, str) or not isinstance(paid_by, str) or not paid_by:
        return None
    return PaidBack(id, amount, paid_by) if _ID.fullmatch(id) else None


def verifier(secret: str) -> Callable[[bytes, str], None]:
    """A check of a body against its signature header, by Stripe's own library; it raises `ValueError`.

    Raises `ModuleNotFoundError` where that library is not installed (``licet[stripe]``).
    """
    import stripe

    def verify(body: bytes, signature: str) -> None:
        try:
            stripe.Webhook.construct_event(body, signature, secret)
        except stripe.SignatureVerificationError as error:
            raise ValueError(str(error)) from None
        except (AttributeError, KeyError, RecursionError, TypeError):
            # What is signed and is no event breaks that library in its own ways.
            raise ValueError("the body is no event") from None

    return verify


def _page(answer: Posted, topup: TopUp) -> Page | NoPage:
    try:
        said = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        said = None
    if answer.status != 200 or not isinstance(said, dict):
        error = said.get("error") if isinstance(said, dict) else None
        why = error.get("message") if isinstance(error, dict) else ""
        return NoPage(f"status {answer.status} {str(why)[:200]}".strip())
    session, url = said.get("id"), said.get("url")
    if not (isinstance(session, str) and isinstance(url, str) and url.startswith(("https://", "http://"))):
        return NoPage("a session without an id or address")
    if amount_of(said.get("amount_total"), said.get("currency")) != topup.amount:
        return NoPage("a session over another amount")
    if said.get("client_reference_id") != topup.id or not (
        session.isascii() and url.isascii() and url.isprintable()
    ):
        return NoPage("a session for somebody else")
    return Page(session[:255], url[:2000])


def _per_unit(currency: str) -> int:
    return 1 if currency in _NONE else 1000 if currency in _THREE else 100
