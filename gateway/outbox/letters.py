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
from gateway.visitors.person_reports import REPORTED


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
        "milestone.met": (
            "A milestone is met: {subject}",
            "What a part of a fee waited for has happened. The licensee may object for seven days.",
            "See it: licet milestones list",
        ),
        "milestone.reversed": (
            "A release was taken back: {subject}",
            "What was released to you for a milestone, or a part of it, is the licensee's again.",
            "See it: licet milestones list",
        ),
        "milestone.disputed": (
            "A milestone is disputed: {subject}",
            "One side objects; nothing of its money moves until that is settled.",
            "Settle it as both agree: licet milestones settle",
        ),
        "duty.delivered": (
            "Something was handed in: {subject}",
            "A licensee has handed in what its license asks for.",
            "Your dashboard shows it; accept it, or turn it back.",
        ),
        "license.issued": (
            "A license was made: {subject}",
            "A buyer holds a license of yours; what was due at signing is in the books.",
            "Look at it: licet licenses show {subject}",
        ),
        "license.renewed": (
            "A license was renewed: {subject}",
            "Another term was agreed on; it begins when the one before ends.",
            "Look at it: licet licenses show {subject}",
        ),
        "license.amended": (
            "A license was amended: {subject}",
            "Other terms are in force, under the same number; older tokens open nothing any more.",
            "Look at it: licet licenses show {subject}",
        ),
        "license.resumed": (
            "A license holds again: {subject}",
            "A cause for which it was suspended is gone; where no other stands, its tokens work again.",
            "Look at it: licet licenses show {subject}",
        ),
        "license.expired": (
            "A license ended: {subject}",
            "Its term is over and nothing follows: all rights went back to you.",
            "Its contract and its records stay: licet licenses show {subject}",
        ),
        "license.revoked": (
            "A license was revoked: {subject}",
            "It was ended before its term; its tokens open nothing any more.",
            "Its contract and its records stay: licet licenses show {subject}",
        ),
        "milestone.ingestion": (
            "A bundle was taken in: {subject}",
            "By the journal of fetches the licensee has fetched what counts as all of its bundle.",
            "See what of it: licet bundle progress {subject}",
        ),
        "license.suspended": (
            "A license was suspended: {subject}",
            "What it asks for, or a bill for it, is so late that it opens nothing for now, as it says itself.",
            "It holds again as soon as that is handed in, or paid; your dashboard shows what.",
        ),
        "objection.received": (
            "Somebody objects to a page: {subject}",
            "A person sent the public form about a page of yours.",
            "Read who and why, and decide: licet objections show {subject}",
        ),
        REPORTED: (
            "Somebody was taken for a machine: {subject}",
            "A person was refused a page and says that it was a mistake. You are written about this once an hour at most.",
            "Read it on the dashboard's page People refused, where one click lets them in.",
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
        "claim.accepted": (
            "A claim was accepted: {subject}",
            "A licensee accepts the costs that you claimed, and owes them.",
            "What it has to pay stands in its account: licet statement",
        ),
        "claim.disputed": (
            "A claim is disputed: {subject}",
            "A licensee objects to costs that you claimed, and says why. Nothing of them is owed.",
            "Read why, and answer or withdraw it: licet claims list",
        ),
        "dispute.opened": (
            "A line of an invoice is disputed: {subject}",
            "A licensee says that a line is wrong, and why; the sum is outside dunning until you answer.",
            "Read it and decide: licet disputes show {subject}",
        ),
        "dispute.overdue": (
            "A dispute waits for your answer: {subject}",
            "The day by which you were to answer it has passed.",
            "Decide: licet disputes show {subject}",
        ),
        "invoice.overdue": (
            "An invoice is overdue: {subject}",
            "A licensee has not paid it in time, and a reminder went out before.",
            "See how it stands: licet invoices show {subject}",
        ),
        "topup.disputed": (
            "A payment is disputed: {subject}",
            "The bank of a licensee took back what it had paid in; its credit is less by as much.",
            "Answer the dispute at your payment provider. Nothing is sold on a balance below zero.",
        ),
        "crawler.ignored": (
            "A crawler came for what you refuse it: {subject}",
            "It fetched, or tried to, what your rules and robots.txt refuse it.",
            "Your dashboard shows when, what, and whether it got anything: Crawlers.",
        ),
        "crawler.spoofed": (
            "Somebody uses the name of {subject}",
            "It calls itself that crawler, and comes from where that crawler never comes from.",
            "Your dashboard shows what it asked for, and that it was turned away: Access log.",
        ),
        "crawler.newcomer": (
            "A crawler that nobody knows yet: {subject}",
            "A name came by that the catalog does not know.",
            "See what it does, and make a rule for it: Access log, and Policies.",
        ),
        "budget.low": (
            "The budget of a license is nearly spent: {subject}",
            "Most of what may be spent or fetched under it is gone.",
            "Its holder may want another one: licet licenses show {subject}",
        ),
        "list.stale": (
            "Lists of addresses are too old: {subject}",
            "Whether a crawler comes from where its company says cannot be told by them any more.",
            "See which ones, and why they were not fetched: licet crawlers list",
        ),
        "disk.low": (
            "A disk is nearly full: {subject}",
            "Where nothing can be written, crawlers are refused; people are served.",
            "Make room, or lower how long things are kept: licet doctor",
        ),
        "endpoint.disabled": (
            "A webhook endpoint was switched off: {subject}",
            "Events could not be sent there for days, or it said that nobody is there any more.",
            "Once it works again: licet outbox retry {subject}",
        ),
    },
    Reader.LICENSEE: {
        "budget.low": (
            "The budget of your license is nearly spent: {subject}",
            "Most of what you may spend or fetch under it is gone.",
            "Agree on another one before your crawler is answered 402.",
        ),
        "milestone.met": (
            "A milestone is met: {subject}",
            "What a part of your fee waited for has happened. You may object for seven days, and say why.",
            "See it, and approve or object: GET /.licet/milestones of the site",
        ),
        "milestone.reversed": (
            "Part of your fee comes back: {subject}",
            "Something that was released for a milestone was taken back, such as for a work that was withdrawn.",
            "See it on your account: GET /.licet/account of the site",
        ),
        "milestone.disputed": (
            "A milestone is disputed: {subject}",
            "One side objects; nothing of its money moves until that is settled.",
            "See where it stands: GET /.licet/milestones of the site",
        ),
        "invoice.issued": (
            "A new invoice: {subject}",
            "What your account came to in a month was billed.",
            "Read it, and dispute a line that is wrong while there is time.",
        ),
        "invoice.credited": (
            "A credit note: {subject}",
            "A part of an invoice was credited.",
            "Read it beside the invoice.",
        ),
        "invoice.due": (
            "An invoice is due: {subject}",
            "Today is the last day on which it is paid in time.",
            "Pay it, or dispute the line that is wrong.",
        ),
        "invoice.reminded": (
            "A reminder of an invoice: {subject}",
            "It was due some days ago, and something of it is open.",
            "Pay it, or dispute the line that is wrong.",
        ),
        "invoice.overdue": (
            "An invoice is overdue: {subject}",
            "It was due long ago, and something of it is open.",
            "Pay it, or answer.",
        ),
        "invoice.suspended": (
            "An invoice is so late that a license is suspended: {subject}",
            "Your license says that it opens nothing while a bill is this late.",
            "Pay it; the license holds again then.",
        ),
        "dispute.accepted": (
            "Your dispute was accepted: {subject}",
            "A credit note takes the sum off the line.",
            "Read it beside the invoice.",
        ),
        "dispute.rejected": (
            "Your dispute was answered: {subject}",
            "The line stands as it is.",
            "Read the answer; the sum is to be paid.",
        ),
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
        "license.issued": (
            "Your license: {subject}",
            "A license was made for you; what was due at signing is on your statement.",
            "Tokens of it may be had as its agreement says.",
        ),
        "license.renewed": (
            "Your license was renewed: {subject}",
            "Another term was agreed on; it begins when the one before ends.",
            "Ask for new tokens once it has begun.",
        ),
        "license.amended": (
            "Your license was amended: {subject}",
            "Other terms are in force, under the same number.",
            "Older tokens open nothing any more; ask for new ones.",
        ),
        "license.expiring": (
            "Your license ends soon: {subject}",
            "It ends within 30 days, or more than half of a short term is over.",
            "Propose a renewal if you want to go on.",
        ),
        "license.resumed": (
            "Your license holds again: {subject}",
            "A cause for which it was suspended is gone.",
            "Where no other cause stands, the tokens that you have work again.",
        ),
        "license.expired": (
            "Your license ended: {subject}",
            "Its term is over and nothing follows: all rights went back to the creator.",
            "What the agreement asks for after its end is still to be done.",
        ),
        "license.revoked": (
            "Your license was revoked: {subject}",
            "The creator ended it before its term; its tokens open nothing any more.",
            "What the agreement asks for after its end is still to be done.",
        ),
        "milestone.ingestion": (
            "Your bundle is taken in: {subject}",
            "By the creator's journal you have fetched what counts as all of it.",
            "What is due on that milestone is due from now on.",
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
        "claim.filed": (
            "Costs are claimed: {subject}",
            "The creator claims costs under your license, and names the evidence for them. Nothing is owed before you accept.",
            "Read the amount and why, and accept or dispute it.",
        ),
        "claim.withdrawn": (
            "Costs are claimed no more: {subject}",
            "The creator withdrew a claim of costs under your license.",
            "Nothing is to be done.",
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
    if words is None or event.body.get("first_in_hour") is False:
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
