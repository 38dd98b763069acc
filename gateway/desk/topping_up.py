"""Credit paid in by the licensee itself: ``POST /.licet/topup``, and what Stripe says at ``/.licet/stripe/webhook``.

A client that may buy asks for an amount and gets the address of a page of
Stripe's; once Stripe says that it was paid, and what it says is what was asked
for, the credit is entered, once. What Stripe pays back, and what a payer's bank
takes back by a dispute, is entered as a reversal of that credit, in whichever
order it tells them, and together never more than was paid in; of a dispute that
is won the money is entered again. What was spent by then is owed: the balance is
below zero, and nothing is sold on it beyond what the operator allows as credit. An event whose signature does not hold, or that speaks of
another amount than the top-up's, enters nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

import orjson
import structlog
from aiohttp import web

from gateway.clock import Clock
from gateway.desk.call import WRITE, About, Call, Group, Route
from gateway.desk.clients import Clients, Known, may_buy
from gateway.desk.entering import entered, first
from gateway.desk.fees import Entered
from gateway.desk.metadata import PREFIX
from gateway.desk.once import KEPT_SECONDS, Once, key_of
from gateway.desk.reading import FORM, JSON, read_body
from gateway.desk.replies import json_reply
from gateway.event import Event
from gateway.money import Money, MoneyError
from gateway.problems import Problem, Refusal
from gateway.provenance.record import BookEntry
from gateway.rails.settling import Keeping
from gateway.rails.stripe_checkout import (
    SIGNATURE,
    Checkout,
    NoPage,
    PaidIn,
    read_event,
    smallest_units,
)
from gateway.rails.topup_events import went_back
from gateway.rails.topups import WON, PaidBack, TopUp, TopUps
from gateway.terms.payment_required import money_body

log = structlog.get_logger("licet.desk")

#: What one top-up may be at most, in major units.
_MOST: Final = 999_999
#: Checks a body against its signature header; raises `ValueError` where it does not hold.
Verify = Callable[[bytes, str], None]
_AMOUNT: Final = {"type": "string", "examples": ["25", "12.50"]}
_CURRENCY: Final = {"type": "string", "pattern": "^[A-Z]{3}$"}
_ASKED: Final = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": _AMOUNT, "currency": _CURRENCY},
}
_TOPUP: Final = About(
    "Pay credit in, on a page of the payment provider",
    takes={FORM: _ASKED, JSON: _ASKED},
    gives={JSON: {"type": "object", "required": ["topup", "url", "amount"]}},
    status=201,
    login=True,
)
_WEBHOOK: Final = About(
    "What the payment provider says, signed by it",
    takes={JSON: {"type": "object"}},
    gives={JSON: {"type": "object"}},
)


class TopUpDesk:
    """Answers the two addresses. One object a process."""

    def __init__(
        self,
        topups: TopUps,
        checkout: Checkout,
        verify: Verify,
        journal: Keeping,
        entered: Entered,
        once: Once,
        clock: Clock,
    ) -> None:
        """Ask *checkout* for pages, believe what *verify* lets pass, enter credits in *journal*."""
        self._topups, self._checkout, self._verify = topups, checkout, verify
        self._journal, self._entered, self._once, self._clock = journal, entered, once, clock
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._kept: set[str] = set()
        self._entering: set[asyncio.Task[None]] = set()

    def group(self, clients: Clients) -> Group:
        """Its addresses, for *clients*."""

        async def topup(call: Call) -> web.Response | Refusal:
            return await self._topup(call, clients)

        return {
            f"{PREFIX}/topup": Route(WRITE, topup, about={"POST": _TOPUP}),
            f"{PREFIX}/stripe/webhook": Route(WRITE, self._webhook, about={"POST": _WEBHOOK}),
        }

    async def _topup(self, call: Call, clients: Clients) -> web.Response | Refusal:
        came = await entered(call, clients, json_too=True)
        if isinstance(came, Refusal):
            return came
        known, form = came
        barred = may_buy(known)
        if barred is not None:
            return barred
        amount = _amount(first(form, "amount"), first(form, "currency") or call.policy.site.currency)
        if isinstance(amount, Refusal):
            return amount
        wanted = {"amount": amount.micros, "currency": amount.currency, "at": call.origin}
        return await self._once.answer(
            call.request, known.client.id, wanted, lambda: self._opened(call, known, amount)
        )

    async def _opened(self, call: Call, known: Known, amount: Money) -> web.Response | Refusal:
        key = key_of(call.request)
        named = f"{known.client.id}\0{key}" if isinstance(key, str) and key else str(uuid.uuid4())
        now = self._now()
        topup = await self._topups.add(TopUp(_id_of(named), known.licensee.id, amount, now))
        if topup.at <= now - KEPT_SECONDS:
            # The key is forgotten by now, so this is another top-up; that one may be paid.
            topup = await self._topups.add(TopUp(_id_of(f"{named}\0{now}"), known.licensee.id, amount, now))
        id = topup.id
        if (topup.licensee, topup.amount) != (known.licensee.id, amount):
            return Refusal(Problem.IDEMPOTENCY_CONFLICT, "The key came with another amount before.")
        name = call.policy.site.name or call.policy.site.id
        page = await self._checkout.page(
            topup, back=f"{call.origin}{PREFIX}/", what=f"Prepaid credit, {name}"
        )
        if isinstance(page, NoPage):
            log.warning("the payment provider gave no page", topup=id, why=page.why)
            return Refusal(
                Problem.PAYMENT_SERVICE_UNAVAILABLE, "The payment provider cannot be asked.", retry_after=10
            )
        await self._topups.opened(id, page.session)
        return json_reply({"topup": id, "url": page.url, "amount": money_body(amount)}, status=201)

    async def _webhook(self, call: Call) -> web.Response | Refusal:
        body = await read_body(call.request, (JSON,))
        if isinstance(body, Refusal):
            return body
        signatures = call.request.headers.getall(SIGNATURE, [])
        try:
            if len(signatures) != 1:
                raise ValueError("one signature is needed")
            self._verify(body, signatures[0])
            event = orjson.loads(body)
        except ValueError as error:
            return Refusal(Problem.FORM_INVALID, "The signature does not hold.", private=str(error))
        id = event.get("id") if isinstance(event, dict) else None
        if not isinstance(id, str) or not 0 < len(id) <= 255:
            return Refusal(Problem.FORM_INVALID, "The event has no id.")
        if await self._topups.heard(id):
            return json_reply({"heard": True})
        happened: list[Event] = []
        for told in read_event(event):
            async with self._lines.setdefault(told.paid_by, asyncio.Lock()):
                wrong = await self._act(told, happened, call.policy.site.id)
            if wrong is not None:
                return wrong
        await self._topups.note(id, self._now(), events=happened)
        return json_reply({"heard": True})

    async def _act(self, told: PaidIn | PaidBack, happened: list[Event], site: str) -> Refusal | None:
        if isinstance(told, PaidIn):
            return await self._paid_in(told, happened, site)
        topup = await self._topups.paid_with(told.paid_by)
        if topup is not None:
            return await self._paid_back(topup, told, happened, site)
        # A page of somebody else on the same account, or one whose payment is told after this.
        await self._topups.went_back(told, self._now())
        return None

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000

    async def _paid_in(self, paid: PaidIn, happened: list[Event], site: str) -> Refusal | None:
        topup = await self._topups.topup(paid.topup)
        if topup is None:
            return None  # a page of somebody else on the same account
        if topup.amount != paid.amount or topup.paid_by not in {"", paid.paid_by}:
            return _lie(f"{paid.amount} by {paid.paid_by} for {topup.id}, which is over {topup.amount}")
        await self._enter(self._credit(topup, paid))
        await self._topups.paid(topup.id, paid.paid_by)
        for back in await self._topups.back_of(paid.paid_by):
            await self._paid_back(topup, back, happened, site)
        return None

    async def _paid_back(
        self, topup: TopUp, back: PaidBack, happened: list[Event], site: str
    ) -> Refusal | None:
        if back.amount.currency != topup.amount.currency or back.amount > topup.amount:
            return _lie(f"{back.amount} back of {topup.id}, which is over {topup.amount}")
        # What came again is what the dispute took, which another may have taken before it.
        taken = await self._topups.take_back(topup.id, back.entry.removesuffix(WON), back.amount)
        if taken < back.amount:
            log.error(
                "more of a top-up went back than was paid in",
                topup=topup.id,
                told=back.refund,
                entered=str(taken),
            )
        if taken:
            await self._enter(self._moved(topup, back, taken))
            happened.append(went_back(topup, back, taken, site=site, at=self._now()))
        return None

    async def _enter(self, entry: BookEntry) -> None:
        """Have the entry of that id in the journal, once, whether or not whoever told of it stays."""
        # A caller that goes away in the middle would not know whether it is there, and the next enter it twice.
        entering = asyncio.create_task(self._entered_once(entry))
        self._entering.add(entering)
        entering.add_done_callback(self._entering.discard)
        await asyncio.shield(entering)

    async def _entered_once(self, entry: BookEntry) -> None:
        async with self._lines.setdefault(entry.id, asyncio.Lock()):
            if entry.id not in self._kept and not await self._entered(entry.id):
                await self._journal.keep(entry)
                self._kept.add(entry.id)

    def _credit(self, topup: TopUp, paid: PaidIn) -> BookEntry:
        return self._entry(topup.id, "credit", topup, paid.amount, paid.paid_by, "paid in by Stripe Checkout")

    def _moved(self, topup: TopUp, back: PaidBack, amount: Money) -> BookEntry:
        if back.restores:
            said = "a dispute was won at Stripe"
            return self._entry(back.entry, "credit", topup, amount, back.entry.removesuffix(WON), said)
        said = "disputed at Stripe" if back.is_dispute else "paid back by Stripe"
        return self._entry(back.entry, "reversal", topup, amount, topup.id, said)

    def _entry(self, id: str, kind: str, topup: TopUp, amount: Money, reference: str, memo: str) -> BookEntry:
        return BookEntry(
            id=id,
            time_us=self._clock.now_us(),
            kind_of=kind,
            site="",
            licensee=topup.licensee,
            amount_micros=amount.micros,
            currency=amount.currency,
            reference=reference,
            memo=memo,
            by="stripe",
        )


def _id_of(named: str) -> str:
    return "top_" + hashlib.sha256(named.encode()).hexdigest()[:32]


def _amount(amount: str, currency: str) -> Money | Refusal:
    try:
        read = Money.parse(amount, currency)
    except MoneyError as error:
        return Refusal(Problem.FORM_INVALID, f"The amount is no money: {error}.")
    if smallest_units(read) is None or read.micros > _MOST * 1_000_000:
        return Refusal(
            Problem.FORM_INVALID,
            f"The amount is a text such as 25.00, in whole smallest units of its currency, up to {_MOST}.",
        )
    return read


def _lie(what: str) -> Refusal:
    log.error("the payment provider speaks of another amount; nothing is entered", said=what)
    return Refusal(Problem.PAYMENT_SERVICE_UNAVAILABLE, "This is not what was asked for.", retry_after=3600)
