"""What is kept, for how long, and why: one table, made of the settings and of what was agreed. Pure.

What is evidence of a deal (records, proofs, contracts, reports, terms, bills,
looks of auditors) is kept at least for as long as somebody may still audit it:
a shorter setting is a mistake, named with its file and key. What is about
people is kept as shortly as the settings say, and no deal makes that longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.licenses.offers import months_after
from gateway.problems import Mistake

FOR_GOOD: Final = "for good"


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of thing: for how long, why, by which setting ("" where none changes it), and whether it is about people."""

    what: str
    how_long: str
    why: str
    key: str = ""
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Days:
    """The settings that the table is made of. 0 *looks_months* and *rows_months* is for good, 0 *cut_days* is never."""

    detail_days: int
    cut_days: int
    events_days: int
    looks_months: int
    report_days: int = 90
    rows_months: int = 0


@dataclass(frozen=True, slots=True)
class AuditWindow:
    """Of one license: it ends at second *ends_at*, and an audit may look back *months* from the day it is asked for."""

    license: str
    ends_at: int
    months: int


def longest(windows: Iterable[AuditWindow], now: int) -> AuditWindow | None:
    """Of the audits that can still be asked for at second *now*, the one that looks back furthest."""
    live = [each for each in windows if each.months and months_after(each.ends_at, each.months) > now]
    return max(live, key=lambda each: (each.months, each.ends_at, each.license), default=None)


def rows_months(months: int, windows: Iterable[AuditWindow], now: int) -> int:
    """For how many whole months rows stay in the database, where the setting says *months*; 0 is for good.

    Never shorter than the longest audit that can still be asked for looks back.
    """
    window = longest(windows, now)
    return max(months, window.months if window else 0) if months else 0


def rows_before(months: int, now: int) -> int:
    """The second that begins the month *months* before the one of *now*, in UTC: rows of every month before may leave.

    >>> rows_before(13, 1_795_000_000)  # in November 2026
    1759276800
    """
    at = datetime.fromtimestamp(now, UTC)
    return months_after(int(datetime(at.year, at.month, 1, tzinfo=UTC).timestamp()), -months)


def mistakes(days: Days, windows: Iterable[AuditWindow], now: int, file: str) -> tuple[Mistake, ...]:
    """What in the settings of *file* would forget what an audit may still ask for, or makes no sense."""
    found = []
    window = longest(windows, now)
    if window is not None and 0 < days.looks_months < window.months:
        found.append(
            Mistake(
                file,
                "retention.looks_months",
                f"is shorter than the {window.months} months that an audit of the license {window.license} may look back;"
                " make it as long, or 0 for good",
                str(days.looks_months),
            )
        )
    if days.cut_days and days.cut_days >= days.detail_days:
        found.append(
            Mistake(
                file, "store.cut_days", f"is not before store.detail_days ({days.detail_days}), when all of it is erased",
                str(days.cut_days),
            )
        )  # fmt: skip
    return tuple(found)


def table(days: Days, windows: Iterable[AuditWindow], now: int) -> tuple[Kept, ...]:
    """Everything that is kept, what is about people first."""
    windows = tuple(windows)
    window = longest(windows, now)
    audits = (
        f"an audit may look back {window.months} months (license {window.license})"
        if window
        else "no audit can be asked for now"
    )
    cut = f"{_days(days.cut_days)} whole, then its network alone, " if days.cut_days else ""
    rows = rows_months(days.rows_months, windows, now)
    looks = FOR_GOOD if not days.looks_months else f"{days.looks_months} months"
    return (
        Kept(
            "address, User-Agent, Referer, query and header evidence of a crawler's fetch",
            f"{cut}{'' if cut else 'whole '}until {_days(days.detail_days)} old; then erased, with its salt",
            "to tell forged crawlers; no bill and no proof rests on it",
            "store.cut_days, store.detail_days" if days.cut_days else "store.detail_days",
            personal=True,
        ),
        Kept("people who read a page", "not at all", "they are counted as totals, without anything about them", "people.counted", personal=True),
        Kept("reports of people who were refused, each with its network", _days(days.report_days), "to let in who was refused for the same reason", "people.report_days", personal=True),
        Kept("who objected, and why", "until `licet objections erase`", "to answer them", personal=True),
        Kept("mail addresses of private negotiation pages", FOR_GOOD, "who signed is part of the contract", personal=True),
        Kept("auditors and what they looked at", looks, f"who saw what is evidence; {audits}", "retention.looks_months", personal=True),
        Kept("events and deliveries of the outbox", f"{_days(days.events_days)}", "copies: what they tell of stands elsewhere", "outbox.keep_days"),
        Kept("records of fetches and book entries, with the salt that opens each leaf", FOR_GOOD, f"bills and receipts follow from them; {audits}"),
        Kept(
            "rows in the database of fetches without a licensee",
            f"{rows} months, then in the journal's packed files alone" if rows else FOR_GOOD,
            f"the disk of the database stays small; totals count them for good; {audits}",
            "retention.rows_months",
        ),
        Kept("the public log", FOR_GOOD, "whoever has seen a head holds this gateway to it"),
        Kept("licenses, contracts, transcripts, usage reports and their documents", FOR_GOOD, f"what was agreed and said; {audits}"),
        Kept("published terms, each version", FOR_GOOD, "records name them by their hash"),
        Kept("totals of people by hour", FOR_GOOD, "nothing in them is about anybody"),
    )  # fmt: skip


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"
