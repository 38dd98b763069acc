"""What this gateway keeps about whom, and for how long: ``/.licet/privacy``, made of the settings in force. Pure but for the answer.

No sentence of it is written by hand for one site: each follows from a setting,
so a page cannot promise what the settings do not do. What is kept for good is
said as plainly as what is kept for a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from aiohttp import web

from gateway.desk.call import About, Call, Group, read_at
from gateway.desk.metadata import PREFIX
from gateway.desk.replies import json_reply, page
from gateway.languages import later, tr, trn
from gateway.paper import link, reached, table
from gateway.policy.rules import Mode

PRIVACY: Final = f"{PREFIX}/privacy"
_ABOUT: Final = About(
    "What is kept about people and crawlers, for how long, and whom to ask.",
    gives={"application/json": {"type": "object", "required": ["people", "crawlers", "contact"]}, "text/html": {}},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recorded:
    """The settings that this page is made of.

    Attributes:
        counted: whether people are counted, as totals.
        detail_days: days until a crawler's detail is erased; 0 is as soon as it can be.
        cut_days: days until it is cut to its network; 0 is never before it is erased.
        report_days: days for which a report of somebody who was refused is kept.
        looks_months: months for which it is kept what auditors looked at; 0 for good.
        access_log: whether the operator has requests of crawlers written to a log file as well.
    """

    counted: bool
    detail_days: int
    cut_days: int
    report_days: int
    looks_months: int
    access_log: bool


class PrivacyDesk:
    """Tells what is kept."""

    def __init__(self, recorded: Recorded) -> None:
        """Tell of a gateway whose settings are *recorded*."""
        self._recorded = recorded

    def group(self) -> Group:
        """Its address."""
        return {PRIVACY: read_at(self._answer, _ABOUT)}

    async def _answer(self, call: Call) -> web.StreamResponse:
        site = call.policy.site
        observing = site.mode is Mode.OBSERVE
        if not call.wants_page:
            return json_reply(privacy_document(self._recorded, site.contact), headers={"Vary": "Accept"})
        name = site.name or site.id
        body = privacy_body(self._recorded, name, site.contact, observing=observing)
        return page(tr("What is recorded here"), body, max_age=300)


def about_people(recorded: Recorded) -> tuple[tuple[str, str, str], ...]:
    """What is kept about people: what, for how long, why. Already in the language that is spoken."""
    rows = [
        (
            tr("Your visit"),
            tr("not at all"),
            tr("People read here without being recorded: no address, no identifier, no cookie, no line in a log of ours."),
        )
    ]  # fmt: skip
    if recorded.counted:
        rows.append((
            tr("How many people read, by hour and part of the site"), tr("for good"),
            tr("They are totals: how many, with which status, from which site they came. Nothing in them is about anybody."),
        ))  # fmt: skip
    rows.append((
        tr("A report that you were refused by mistake: what you typed, the page, and your network without its last part"),
        _days(recorded.report_days), tr("The owner lets everybody in who was refused for the same reason."),
    ))  # fmt: skip
    rows.append((
        tr("An objection that you make: your name, how to reach you, your reason"), tr("until the owner erases it"),
        tr("To answer you. It stands apart from everything else."),
    ))  # fmt: skip
    rows.append((
        tr("The mail address by which you negotiate"), tr("for good"), tr("Who agreed is part of the contract."),
    ))  # fmt: skip
    return tuple(rows)


def about_crawlers(recorded: Recorded) -> tuple[tuple[str, str, str], ...]:
    """What is kept about crawlers and whoever runs them; as `about_people`."""
    cut = (
        tr("whole for {cut}, then its network alone; erased after {days}").format(
            cut=_days(recorded.cut_days), days=_days(recorded.detail_days)
        )
        if 0 < recorded.cut_days < recorded.detail_days
        else tr("erased after {days}").format(days=_days(recorded.detail_days))
    )
    rows = [
        (
            tr("That a fetch happened: when, which page, which crawler, what was decided, what it cost"), tr("for good"),
            tr("Bills and receipts follow from it. It names no address."),
        ),
        (
            tr("Address, User-Agent, Referer, query and header evidence of a fetch"), cut,
            tr("To tell forged crawlers from real ones. No bill rests on it."),
        ),
        (
            tr("Licenses, contracts, negotiations, reports and invoices"), tr("for good"),
            tr("What was agreed and what is owed can be checked by both sides."),
        ),
        (
            tr("What auditors looked at"),
            _months(recorded.looks_months) if recorded.looks_months else tr("for good"),
            tr("Who saw what is evidence."),
        ),
    ]  # fmt: skip
    if recorded.access_log:
        rows.append((
            tr("A line in a log file for each recorded request of a crawler, with its address"),
            tr("as long as the operator keeps that file"), tr("The operator set it up so."),
        ))  # fmt: skip
    return tuple(rows)


def privacy_body(recorded: Recorded, name: str, contact: str, *, observing: bool = False) -> str:
    """The body of the page for the site called *name*."""
    columns = (tr("What"), tr("How long"), tr("Why"))
    lead = tr("{site} has a gate that meets AI crawlers. This page is made of its settings, as they are now.")
    mode = f"<p>{tr('At the moment it only watches: nobody is refused.')}</p>\n" if observing else ""
    ask = (
        tr("Write to {contact}.").format(contact=reached(contact))
        if contact
        else escape(tr("The owner of this site names no address here; look for it on the site itself."))
    )
    objections = link(f"{PREFIX}/objections", tr("object to a page being licensed"))
    person = link(f"{PREFIX}/person", tr("tell that you were refused by mistake"))
    return (
        f"<p>{escape(lead.format(site=name))}</p>\n{mode}"
        f"<h2>{tr('About people')}</h2>\n{table(tr('What is kept about people'), columns, about_people(recorded), cards=True)}"
        f"<p>{tr('These pages set no cookie, keep nothing in your browser, run no script, and ask no other site for anything.')}</p>\n"
        f"<h2>{tr('About crawlers')}</h2>\n{table(tr('What is kept about crawlers'), columns, about_crawlers(recorded), cards=True)}"
        f"<h2>{tr('Whom to ask')}</h2>\n<p>{ask}</p>\n"
        f"<p>{tr('You can also {objections} or {person}.').format(objections=objections, person=person)}</p>\n"
    )


def privacy_document(recorded: Recorded, contact: str) -> Mapping[str, object]:
    """The same for programs, in English numbers and words of the settings."""
    return {
        "people": {"recorded": False, "totals": recorded.counted, "cookies": False, "report_days": recorded.report_days},
        "crawlers": {
            "detail_days": recorded.detail_days, "cut_days": recorded.cut_days or None,
            "looks_months": recorded.looks_months or None, "records": "for good", "access_log": recorded.access_log,
        },
        "contact": contact or None,
    }  # fmt: skip


_TODAY: Final = later("as soon as the timer of the hour runs")


def _days(number: int) -> str:
    return trn("{days} day", "{days} days", number).format(days=number) if number else tr(_TODAY)


def _months(number: int) -> str:
    return trn("{months} month", "{months} months", number).format(months=number)
