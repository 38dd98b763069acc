"""What was delivered is remembered, and what is owed for it told to the till: each request's last step."""

from __future__ import annotations

from gateway.admission.admit import Grant
from gateway.admission.spending import Charge
from gateway.ask import Ask
from gateway.front.answer import Judged
from gateway.front.gate import Gate
from gateway.front.remember import Remembered, Tally, remember
from gateway.origin.delivery import Delivery, OriginAnswer
from gateway.problems import StoreUnavailable
from gateway.provenance.record import Ended


async def kept(ask: Ask, judged: Judged, gate: Gate, delivery: Delivery) -> None:
    """Remember a whole delivery; under a license return only when the record is durable.

    Raises `StoreUnavailable` where it cannot be made so; then nothing is owed.
    """
    charge = charge_of(judged)
    if charge is not None:
        await gate.till.settled(charge, ask, delivery)
    done = written(ask, judged, gate, delivery)
    if charge is None:
        noted(done, gate)
        return
    try:
        await gate.journal.keep(done.record, done.detail, done.detail_salt)
    except StoreUnavailable:
        if done.record.charge_reason == "fetch":
            gate.till.unpaid(charge, ask, delivery)
        raise


def written(ask: Ask, judged: Judged, gate: Gate, delivery: Delivery) -> Remembered:
    """The record of *delivery*; what it owes is settled with the till."""
    charge = charge_of(judged)
    due = gate.till.owed(charge, ask, delivery) if charge else None
    return remember(ask, judged, delivery, ended_us=gate.clock.now_us(), due=due)


def charge_of(judged: Judged) -> Charge | None:
    """What the request may cost, where it was granted under a license."""
    return judged.verdict.charge if isinstance(judged.verdict, Grant) else None


def noted(done: Remembered, gate: Gate) -> None:
    """Hand *done* to the journal, and wait for nothing."""
    gate.journal.note(done.record, done.detail, done.detail_salt)


def tallied(opened: OriginAnswer, tally: Tally, ended: Ended) -> Delivery:
    """The delivery of what *tally* counted of *opened*."""
    return Delivery(
        opened.status,
        tally.bytes_sent,
        tally.hexdigest(),
        ended,
        tally.length,
        opened.field("content-type"),
        opened.field("etag"),
    )
