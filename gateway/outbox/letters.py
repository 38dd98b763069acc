"""What people are written about events: plain text, from the event alone. Pure.

A letter says what happened, to what, and where to go on; no terms, no prices, no
reasons. It is a notice, never the act itself: whoever gets none loses nothing
but the notice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.event import Event
from gateway.licenses.contract import NOTICE


class Reader(StrEnum):
    """Who is written to; the value is the URL of the endpoint that stands for them."""

    OPERATOR = "mailto:operator"
    LICENSEE = "mailto:licensees"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter: a *subject* of one line, and its *text*."""

    subject: str
    text: str


#: By reader and type: the subject, what happened, and what can be done about it. {subject} and {site} are the event's.
_WORDS: Final[Mapping[Reader, Mapping[str, tuple[str, str, str]]]] = {
    Reader.OPERATOR: {
        "negotiation.referred": (
            "A deal waits for you: {subject}",
            "A buyer made a proposal that your policy keeps for a person.",
            "Look at it: licet deals show {subject}",
        ),
        "negotiation.agreed": (
            "A deal was agreed: {subject}",
            "A buyer accepted your terms, and a license was made of them.",
            "Look at it: licet deals show {subject}",
        ),
        "duty.overdue": (
            "A duty is overdue: {subject}",
            "A licensee has not done in time what its license asks for.",
            "Your dashboard shows which duty of whom it is.",
        ),
        "duty.delivered": (
            "Something was handed in: {subject}",
            "A licensee has handed in what its license asks for.",
            "Your dashboard shows it; accept it, or turn it back.",
        ),
        "license.suspended": (
            "A license was suspended: {subject}",
            "What it asks for is so late that it opens nothing for now, as it says itself.",
            "It holds again as soon as that is handed in; your dashboard shows what.",
        ),
        "objection.received": (
            "Somebody objects to a page: {subject}",
            "A person sent the public form about a page of yours.",
            "Read who and why, and decide: licet objections show {subject}",
        ),
        "consent.declined": (
            "An author declines: {subject}",
            "An author of a work does not consent to a use of it; it is not sold for that use any more.",
            "See who was asked, and what may be sold: licet authors list",
        ),
        "withdrawal.overdue": (
            "A plan after a withdrawal is overdue: {subject}",
            "A licensee has not said in time what it will do about what you withdrew.",
            "See which one: licet withdraw show {subject}",
        ),
        "withdrawal.acknowledged": (
            "A withdrawal was acknowledged: {subject}",
            "A licensee confirmed that it has read the notice of withdrawal.",
            "Your dashboard shows what it has promised, and until when.",
        ),
        "topup.disputed": (
            "A payment is disputed: {subject}",
            "The bank of a licensee took back what it had paid in; its credit is less by as much.",
            "Answer the dispute at your payment provider. Nothing is sold on a balance below zero.",
        ),
        "endpoint.disabled": (
            "A webhook endpoint was switched off: {subject}",
            "Events could not be sent there for days, or it said that nobody is there any more.",
            "Once it works again: licet outbox retry {subject}",
        ),
    },
    Reader.LICENSEE: {
        "negotiation.offered": (
            "Terms are on the table: {subject}",
            "The creator's side answered your proposal with terms that you can accept.",
            "Nothing binds you before you accept them.",
        ),
        "negotiation.agreed": (
            "Agreed: {subject}",
            "You accepted the terms, and a license was made of them.",
            "Read the contract, and confirm it; tokens may be had from then on.",
        ),
        "duty.due_soon": (
            "A duty of your license falls due: {subject}",
            "Something that your license asks for is to be handed in soon.",
            "Hand it in before its deadline.",
        ),
        "duty.rejected": (
            "What you handed in was turned back: {subject}",
            "The creator did not accept it as it is.",
            "Read why, and hand it in again.",
        ),
        "license.suspended": (
            "A license is suspended: {subject}",
            "No token of it opens anything for now.",
            "Read for which cause; once that is gone, tokens work again.",
        ),
        "topup.refunded": (
            "Credit was paid back: {subject}",
            "What you had paid in, or a part of it, was paid back to you; your credit is less by as much.",
            "Your statement shows it.",
        ),
        "topup.disputed": (
            "A payment of yours is disputed: {subject}",
            "Your bank took back what you had paid in; your credit is less by as much.",
            "Where your balance is below zero, pay credit in before you fetch again.",
        ),
        "audit.requested": (
            "An audit was asked for: {subject}",
            "The creator asks for an audit that your license provides for.",
            "Read what is to be done next, and until when.",
        ),
        "duty.overdue": (
            "A duty of your license is overdue: {subject}",
            "Something that your license asks for was due, and has not arrived.",
            "Where the license says so, tokens rest until it has.",
        ),
        "withdrawal.issued": (
            "Works were withdrawn: {subject}",
            "The creator has withdrawn works that your license covers.",
            "Acknowledge the notice, and say what you will do about it.",
        ),
        "withdrawal.overdue": (
            "Your plan after a withdrawal is overdue: {subject}",
            "The time in which your license asks for a plan is over.",
            "Say what you will do about the works that were withdrawn.",
        ),
    },
}


def letter_types(reader: Reader) -> tuple[str, ...]:
    """The types of events about which *reader* is written to."""
    return tuple(_WORDS[reader])


def letter_of(event: Event, reader: Reader, url: str = "") -> Letter | None:
    """What *reader* is written about *event*, or None. *url* is where to read more, "" for nowhere."""
    words = _WORDS[reader].get(event.type)
    if words is None:
        return None
    subject, happened, then = (
        each.format(subject=_plain(event.subject), site=_plain(event.site)) for each in words
    )
    lines = [happened, "", f"What: {_plain(event.subject)}", f"Site: {_plain(event.site) or 'all'}"]
    if reader is Reader.OPERATOR and event.licensee:
        lines.append(f"Licensee: {_plain(event.licensee)}")
    lines += [f"Read more: {url}"] if url else []
    lines += ["", then]
    if event.type.startswith("negotiation."):
        lines += ["", NOTICE]
    lines += ["", f"Licet wrote this by itself. Its number is {event.id}."]
    return Letter(subject, "\n".join(lines) + "\n")


def _plain(text: str) -> str:
    """*text* as one line, whatever it holds."""
    return "".join(char if char.isprintable() else "?" for char in text)[:200]
