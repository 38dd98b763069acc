"""What a license makes due in a period, part by part, and by when: from its terms, the journal and the reports. Pure.

==================== ======================== ============================ ======================
part                 falls into the period of counted from                 due
==================== ======================== ============================ ======================
upfront              the start of the term    the terms                    N business days after
subscription         the start of each of its the terms                    N business days after
                     own periods (in advance)
per_fetch            the fetch                `charged_micros` of records  N business days after
per_item             the first delivery of a  path and rendition           the end of the period
                     path and rendition
per_megabyte         the fetch                `bytes_sent` / 1,000,000
per_thousand_tokens  the fetch                a count given from outside
revenue_share,       the end of the reporting the report that counts       `REPORT_DAYS` after the
inferences           period                   (`reported_amounts`)         end, if free the next
                                                                           business day
guarantee            the end of each of its   what all parts come to in    with the last payment
                     own periods              that period of its own       of its period
==================== ======================== ============================ ======================

N is 10 unless the agreement says otherwise, as the contract's clause on price
does. Volume tiers are steps of the price in a token, so `charged_micros` holds
them already. Only fetches that owed something under the unit rule
(`admission.owed`) count as delivered. A last period of a subscription or a
guarantee that the end of the term cuts short counts whole.

What cannot be computed, because a report or a count is missing, is named
(`Missing`) and never taken for zero. Each part is rounded once in a period, as
`Money.times` does.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from gateway.billing.business_days import WEEKDAYS, Calendar, business_days_after, on_or_after
from gateway.canonical import canonical_bytes
from gateway.licenses.duties import KeptReport
from gateway.licenses.license import License
from gateway.licenses.obligations import DAY, REPORT_DAYS, Kind, periods, schedule
from gateway.licenses.transparency import reported_amounts
from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry

#: Business days from a trigger to the payment, where nothing else was agreed.
PAYMENT_DAYS: Final = 10
_MEGABYTE: Final = 1_000_000


class Part(StrEnum):
    """A part of a price that can fall due."""

    UPFRONT = "upfront"
    SUBSCRIPTION = "subscription"
    PER_FETCH = "per_fetch"
    PER_ITEM = "per_item"
    PER_MEGABYTE = "per_megabyte"
    PER_THOUSAND_TOKENS = "per_thousand_tokens"
    REVENUE_SHARE = "revenue_share"
    INFERENCES = "inferences"
    GUARANTEE = "guarantee"


@dataclass(frozen=True, slots=True)
class Payment:
    """How soon is paid: *days* business days of *calendar* after the trigger."""

    days: int = PAYMENT_DAYS
    calendar: Calendar = WEEKDAYS


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one license.

    Attributes:
        entries: the journal's entries, in its order; those of other licenses are passed over.
        reports: those that the creator accepted, oldest first; of several for one duty the last counts.
        tokens: tokens delivered by a record, by its id; None where nobody counts them.
    """

    entries: Sequence[JournalEntry] = ()
    reports: Sequence[KeptReport] = ()
    tokens: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """One part that is due. Times are whole seconds.

    Attributes:
        id: follows from license, part and what it is about: computed again it is the same.
        begins, ends: the period it is counted in, the end not in it.
        amount: what it comes to, of which *taken* left the prepaid credit already.
        basis: what it was computed from, as a sentence.
        trigger_at: from when the days of payment are counted.
        due_on: the last day on which payment is in time, in the calendar of the agreement.
        certain: whether the holidays up to that day are known.
    """

    id: str
    license: str
    part: Part
    begins: int
    ends: int
    amount: Money
    taken: Money
    basis: str
    trigger_at: int
    due_on: date
    certain: bool

    @property
    def open(self) -> Money:
        """What is still to be paid."""
        return self.amount - self.taken


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that cannot be computed for a period, because *why*. *overdue_at*: when that is late, 0 for never."""

    license: str
    part: Part
    begins: int
    ends: int
    why: str
    overdue_at: int = 0


@dataclass(frozen=True, slots=True)
class Dues:
    """Everything due under one license in one period, and what could not be computed."""

    items: tuple[Due, ...]
    missing: tuple[Missing, ...]

    def total(self, currency: str) -> Money:
        """What the items come to; all are in the *currency* of the license."""
        return sum((each.amount for each in self.items), Money(0, currency))


def dues_of(license: License, facts: Facts, begins: int, ends: int, payment: Payment = Payment()) -> Dues:
    """What falls due under *license* from second *begins* to before *ends*, by *facts*; zero parts are left out.

    Periods that follow on each other share nothing and leave nothing out.
    """
    return _Reckoning(license, facts, payment).of(begins, ends)


class _Reckoning:
    """One license with its facts, sorted once."""

    def __init__(self, license: License, facts: Facts, payment: Payment) -> None:
        self._license, self._price, self._payment = license, license.terms.compensation, payment
        self._nothing = Money(0, self._price.currency)
        mine = [each for each in facts.entries if getattr(each, "license", "") == license.id]
        self._undone = _undone(facts.entries)
        self._fetched = [each for each in mine if isinstance(each, FetchRecord) and _delivered(each)]
        # Several workers write the journal: its order is not the order of time.
        self._first: dict[tuple[str, str], int] = {}
        for each in self._fetched:
            item = (each.path, each.rendition)
            self._first[item] = min(self._first.get(item, _second(each)), _second(each))
        self._fees = sum(
            each.amount_micros - self._undone[each.id]
            for each in mine
            if isinstance(each, BookEntry) and each.kind_of == "fee"
        )
        self._tokens = facts.tokens
        # Of several reports for one duty the last one counts.
        self._reports = {
            (kept.report.period.begins, kept.report.period.ends): kept
            for kept in facts.reports
            if kept.license == license.id
        }

    def of(self, begins: int, ends: int) -> Dues:
        items, missing = list[Due](), list[Missing]()
        for found in (*self._parts(begins, ends), *self._guarantees(begins, ends)):
            if isinstance(found, Missing):
                missing.append(found)
            elif found.amount:
                items.append(found)
        return Dues(tuple(items), tuple(missing))

    def _parts(self, begins: int, ends: int) -> Iterator[Due | Missing]:
        yield from self._at_signing(begins, ends)
        yield from self._delivered(begins, ends)
        yield from self._reported(begins, ends)

    def _at_signing(self, begins: int, ends: int) -> Iterator[Due]:
        """The fee at signing pays the upfront part first, then the first period of a subscription."""
        price, license, left = self._price, self._license, Money(self._fees, self._price.currency)
        if price.upfront is not None:
            taken = min(left, price.upfront)
            left -= taken
            if begins <= license.starts_at < ends:
                period = (license.starts_at, license.ends_at)
                yield self._due(Part.UPFRONT, period, price.upfront, "at signing", period[0], taken=taken)
        if price.subscription is not None:
            for period in periods(license.starts_at, license.ends_at, price.subscription_months):
                taken = min(left, price.subscription)
                left -= taken
                if begins <= period[0] < ends:
                    basis = f"the period from {_day(period[0])}, in advance"
                    yield self._due(
                        Part.SUBSCRIPTION, period, price.subscription, basis, period[0], taken=taken
                    )

    def _delivered(self, begins: int, ends: int) -> Iterator[Due | Missing]:
        price, period, last = self._price, (begins, ends), ends - 1
        fetched = [each for each in self._fetched if begins <= _second(each) < ends]
        charged = Money(sum(each.charged_micros - self._undone[each.id] for each in fetched), price.currency)
        yield self._due(Part.PER_FETCH, period, charged, f"{len(fetched)} fetches", last, taken=charged)
        if price.per_item is not None:
            items = sum(begins <= first < ends for first in self._first.values())
            basis = f"{items} items at {price.per_item}"
            yield self._due(Part.PER_ITEM, period, price.per_item.times(items), basis, last)
        if price.per_megabyte is not None:
            octets = sum(each.bytes_sent for each in fetched)
            basis = f"{octets} bytes at {price.per_megabyte} for 1,000,000"
            amount = price.per_megabyte.times(octets, _MEGABYTE)
            yield self._due(Part.PER_MEGABYTE, period, amount, basis, last)
        if price.per_thousand_tokens is not None:
            yield self._by_tokens(fetched, period, price.per_thousand_tokens)

    def _by_tokens(
        self, fetched: Iterable[FetchRecord], period: tuple[int, int], price: Money
    ) -> Due | Missing:
        counted = self._tokens or {}
        uncounted = [each.id for each in fetched if each.id not in counted]
        if uncounted:
            why = f"nobody counted the tokens of {len(uncounted)} deliveries, such as {uncounted[0]}"
            return Missing(self._license.id, Part.PER_THOUSAND_TOKENS, *period, why)
        count = sum(counted[each.id] for each in fetched)
        basis = f"{count} tokens at {price} for 1,000"
        return self._due(Part.PER_THOUSAND_TOKENS, period, price.times(count, 1000), basis, period[1] - 1)

    def _reported(self, begins: int, ends: int) -> Iterator[Due | Missing]:
        price = self._price
        parts = [Part.REVENUE_SHARE] if price.revenue_share_bp else []
        parts += [Part.INFERENCES] if price.per_inference is not None else []
        for period in _report_periods(self._license) if parts else ():
            if not begins <= period[1] - 1 < ends:
                continue
            late_at = period[1] + REPORT_DAYS * DAY
            kept = self._reports.get(period)
            if kept is None:
                why = f"no report for {_day(period[0])} to {_day(period[1])} was accepted"
                for part in parts:
                    yield Missing(self._license.id, part, *period, why, late_at)
                continue
            calendar = self._payment.calendar
            due_on = on_or_after(calendar.day_of(late_at - 1), calendar)
            for told in reported_amounts(kept.report, self._license.terms):
                trigger = min(kept.at, late_at)
                yield self._due(Part(told.part), period, told.amount, told.basis, trigger, due_on=due_on)

    def _guarantees(self, begins: int, ends: int) -> Iterator[Due | Missing]:
        price, license = self._price, self._license
        least = price.minimum_guarantee
        if least is None:
            return
        for period in periods(license.starts_at, license.ends_at, price.minimum_guarantee_months):
            if not begins <= period[1] - 1 < ends:
                continue
            found = tuple(self._parts(*period))
            if any(isinstance(each, Missing) for each in found):
                yield Missing(license.id, Part.GUARANTEE, *period, "a part of its period is not known yet")
                continue
            dues = [each for each in found if isinstance(each, Due) and each.amount]
            owed = sum((each.amount for each in dues), self._nothing)
            basis = f"at least {least}; the parts come to {owed}"
            after = business_days_after(period[1] - 1, self._payment.days, self._payment.calendar)
            last = max((after, *(each.due_on for each in dues)))
            yield self._due(
                Part.GUARANTEE, period, max(least - owed, self._nothing), basis, period[1] - 1, due_on=last
            )

    def _due(
        self,
        part: Part,
        period: tuple[int, int],
        amount: Money,
        basis: str,
        trigger_at: int,
        *,
        taken: Money | None = None,
        due_on: date | None = None,
    ) -> Due:
        calendar, days = self._payment.calendar, self._payment.days
        day = due_on or business_days_after(trigger_at, days, calendar)
        named = hashlib.sha256(canonical_bytes([self._license.id, str(part), *period])).hexdigest()
        return Due(
            f"due_{named[:32]}", self._license.id, part, *period, amount, taken or self._nothing, basis,
            trigger_at, day, calendar.knows(day),
        )  # fmt: skip


def _delivered(record: FetchRecord) -> bool:
    return record.is_paid and record.charge_reason == "fetch"


def _second(record: FetchRecord) -> int:
    return record.time_us // 1_000_000


def _undone(entries: Iterable[JournalEntry]) -> Counter[str]:
    """What reversals took back, by the id of what they undo."""
    found: Counter[str] = Counter()
    for each in entries:
        if isinstance(each, BookEntry) and each.kind_of == "reversal":
            found[each.reference] += each.amount_micros
    return found


def _report_periods(license: License) -> tuple[tuple[int, int], ...]:
    """The periods whose reports are owed; quarters, as the clause on shares counts, where no report was agreed."""
    owed = tuple((each.begins, each.ends) for each in schedule(license) if each.kind is Kind.REPORT)
    return owed or periods(license.starts_at, license.ends_at, 3)


def _day(at: int) -> str:
    return WEEKDAYS.day_of(at).isoformat()
