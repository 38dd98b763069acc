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
                     own periods              that period of its own, and  of its period
                                              what milestones released
==================== ======================== ============================ ======================

N and its calendar are those of the agreement, 10 weekdays where it names none,
as the contract's clause on price says. Volume tiers are steps of the price in a token, so `charged_micros` holds
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
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Final

from gateway.billing.business_days import WEEKDAYS, Calendar, business_days_after, on_or_after
from gateway.billing.calendars import named
from gateway.billing.spans import Span, spans
from gateway.canonical import canonical_bytes
from gateway.licenses.duties import KeptReport
from gateway.licenses.license import License
from gateway.licenses.obligations import DAY, REPORT_DAYS, Kind, periods, schedule
from gateway.licenses.rates import NONE, Rates
from gateway.licenses.transparency import reported_amounts
from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry
from gateway.terms.compensation import PAYMENT_DAYS
from gateway.terms.license_terms import LicenseTerms

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


def payment_of(terms: LicenseTerms) -> Payment:
    """How soon is paid by *terms*."""
    price = terms.compensation
    return Payment(price.payment_days, named(price.calendar))


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one license.

    Attributes:
        entries: the journal's entries, in its order; those of other licenses are passed over.
        reports: those that the creator accepted, oldest first; of several for one duty the last counts.
        tokens: tokens delivered by a record, by its id; None where nobody counts them.
        rates: what other currencies are worth, for revenue that was reported in them.
    """

    entries: Sequence[JournalEntry] = ()
    reports: Sequence[KeptReport] = ()
    tokens: Mapping[str, int] | None = None
    rates: Rates = NONE


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

    @property
    def id(self) -> str:
        """The id that the due will have."""
        return _id(self.license, self.part, self.begins, self.ends)


@dataclass(frozen=True, slots=True)
class Dues:
    """Everything due under one license in one period, and what could not be computed."""

    items: tuple[Due, ...]
    missing: tuple[Missing, ...]

    def total(self, currency: str) -> Money:
        """What the items come to; all are in the *currency* of the license."""
        return sum((each.amount for each in self.items), Money(0, currency))


def dues_of(license: License, facts: Facts, begins: int, ends: int, payment: Payment | None = None) -> Dues:
    """What falls due under *license* from second *begins* to before *ends*, by *facts*; zero parts are left out.

    Periods that follow on each other share nothing and leave nothing out.
    """
    return dues_of_versions((license,), facts, begins, ends, payment)


def dues_of_versions(
    versions: Sequence[License],
    facts: Facts,
    begins: int,
    ends: int,
    payment: Payment | None = None,
    *,
    over_at: int = 0,
) -> Dues:
    """The same for a license with all its *versions*, that was revoked at second *over_at*, 0 for never.

    Each part is counted on the version in force when it is; see `billing.spans`. A report and a
    guarantee, which are about a period as a whole, are on the version in force at its last second.
    """
    return Reckoning(versions, facts, payment, over_at).of(begins, ends)


class Reckoning:
    """One license with its facts, sorted once: for whoever asks about many periods."""

    def __init__(
        self, versions: Sequence[License], facts: Facts, payment: Payment | None = None, over_at: int = 0
    ) -> None:
        """Of all *versions* of one license; see `dues_of_versions`."""
        self._spans, self._given, self._over_at = spans(versions, over_at), payment, over_at
        self._id = versions[0].id
        mine = [each for each in facts.entries if getattr(each, "license", "") == self._id]
        self._undone = _undone(facts.entries)
        self._fetched = [each for each in mine if isinstance(each, FetchRecord) and _delivered(each)]
        # Several workers write the journal: its order is not the order of time.
        self._first: dict[tuple[str, str], int] = {}
        for each in self._fetched:
            item = (each.path, each.rendition)
            self._first[item] = min(self._first.get(item, _second(each)), _second(each))
        # A fee that was given back was due all the same: giving it back is no reason to ask for it again.
        self._fees = sum(
            each.amount_micros for each in mine if isinstance(each, BookEntry) and each.kind_of == "fee"
        )
        # What a milestone brought counts for the guarantee of the period in which it did.
        self._released = [
            (each.time_us // 1_000_000, each.amount_micros)
            for each in mine
            if isinstance(each, BookEntry) and each.kind_of == "release"
        ]
        self._tokens, self._rates = facts.tokens, facts.rates
        # Of several reports for one duty the last one counts.
        self._reports = {
            (kept.report.period.begins, kept.report.period.ends): kept
            for kept in facts.reports
            if kept.license == self._id
        }
        self._advance = tuple(self._in_advance())

    def _payment(self, span: Span) -> Payment:
        return self._given or payment_of(span.license.terms)

    def of(self, begins: int, ends: int) -> Dues:
        """What falls due from second *begins* to before *ends*; zero parts are left out."""
        items, missing = list[Due](), list[Missing]()
        for found in (*self._parts(begins, ends), *self._guarantees(begins, ends)):
            if isinstance(found, Missing):
                missing.append(found)
            elif found.amount:
                items.append(found)
        return Dues(tuple(items), tuple(missing))

    def _parts(self, begins: int, ends: int) -> Iterator[Due | Missing]:
        yield from (each for each in self._advance if begins <= each.trigger_at < ends)
        for span in self._spans:
            met = span.meets(begins, ends)
            if met is not None:
                yield from self._delivered(span, *met)
        yield from self._reported(begins, ends)

    def _in_advance(self) -> Iterator[Due]:
        """What is due before anything is fetched; fees pay what is owed at signing first, then the rest."""
        found = [each for span in self._spans for each in self._signed(span)]
        found += [each for span in self._spans for each in self._subscribed(span)]
        left = self._fees
        for each in sorted(found, key=lambda one: (not _at_signing(one, self._spans), one.trigger_at)):
            taken = min(left, each.amount.micros)
            left -= taken
            yield replace(each, taken=Money(taken, each.amount.currency))

    def _signed(self, span: Span) -> Iterator[Due]:
        price, period = span.license.terms.compensation, (span.begins, span.ends_at)
        if span.before is None:
            # What waits for milestones is not due by time: see `billing.escrow`.
            yield self._due(span, Part.UPFRONT, period, price.at_signing, "at signing", period[0])
            return
        # As `licenses.life.due` takes it: what the new terms owe at signing above what the old ones did.
        old, amount = span.before.terms.compensation, Money(0, price.currency)
        begun = any(period[0] == span.begins for period in self._subscriptions(span))
        for new_part, old_part in (
            (price.at_signing, old.at_signing),
            *(() if begun else ((price.subscription, old.subscription),)),
        ):
            amount += (new_part or Money(0, price.currency)) - (old_part or Money(0, price.currency))
        if amount.micros > 0:
            yield self._due(
                span, Part.UPFRONT, period, amount, "by the amendment, above what was owed", period[0]
            )

    def _subscriptions(self, span: Span) -> Iterator[tuple[int, int]]:
        price = span.license.terms.compensation
        if price.subscription is not None:
            for period in periods(span.starts_at, span.ends_at, price.subscription_months):
                if span.begins <= period[0] < span.ends:
                    yield period

    def _subscribed(self, span: Span) -> Iterator[Due]:
        for period in self._subscriptions(span):
            amount = span.license.terms.compensation.subscription
            assert amount is not None, "there is a period of it"
            basis = f"the period from {_day(period[0])}, in advance"
            yield self._due(span, Part.SUBSCRIPTION, period, amount, basis, period[0])

    def _delivered(self, span: Span, begins: int, ends: int) -> Iterator[Due | Missing]:
        price, period, last = span.license.terms.compensation, (begins, ends), ends - 1
        fetched = [each for each in self._fetched if begins <= _second(each) < ends]
        charged = Money(sum(each.charged_micros - self._undone[each.id] for each in fetched), price.currency)
        yield replace(
            self._due(span, Part.PER_FETCH, period, charged, f"{len(fetched)} fetches", last), taken=charged
        )
        if price.per_item is not None:
            items = sum(begins <= first < ends for first in self._first.values())
            basis = f"{items} items at {price.per_item}"
            yield self._due(span, Part.PER_ITEM, period, price.per_item.times(items), basis, last)
        if price.per_megabyte is not None:
            octets = sum(each.bytes_sent for each in fetched)
            basis = f"{octets} bytes at {price.per_megabyte} for 1,000,000"
            amount = price.per_megabyte.times(octets, _MEGABYTE)
            yield self._due(span, Part.PER_MEGABYTE, period, amount, basis, last)
        if price.per_thousand_tokens is not None:
            yield self._by_tokens(span, fetched, period, price.per_thousand_tokens)

    def _by_tokens(
        self, span: Span, fetched: Iterable[FetchRecord], period: tuple[int, int], price: Money
    ) -> Due | Missing:
        counted = self._tokens or {}
        uncounted = [each.id for each in fetched if each.id not in counted]
        if uncounted:
            why = f"nobody counted the tokens of {len(uncounted)} deliveries, such as {uncounted[0]}"
            return Missing(self._id, Part.PER_THOUSAND_TOKENS, *period, why)
        count = sum(counted[each.id] for each in fetched)
        basis = f"{count} tokens at {price} for 1,000"
        return self._due(
            span, Part.PER_THOUSAND_TOKENS, period, price.times(count, 1000), basis, period[1] - 1
        )

    def _reported(self, begins: int, ends: int) -> Iterator[Due | Missing]:
        for span in self._spans:
            price = span.license.terms.compensation
            parts = [Part.REVENUE_SHARE] if price.revenue_share_bp else []
            parts += [Part.INFERENCES] if price.per_inference is not None else []
            for period in _report_periods(span.planned) if parts else ():
                if begins <= period[1] - 1 < ends and self._decides(span, period):
                    yield from self._of_report(span, period, parts)

    def _decides(self, span: Span, period: tuple[int, int]) -> bool:
        """Whether *span* was in force at the last second of *period*, or when the license ended in it."""
        last = min(period[1], self._over_at) - 1 if self._over_at else period[1] - 1
        return period[0] <= last and span.begins <= last < span.ends

    def _of_report(
        self, span: Span, period: tuple[int, int], parts: Iterable[Part]
    ) -> Iterator[Due | Missing]:
        late_at = period[1] + REPORT_DAYS * DAY
        kept = self._reports.get(period)
        if kept is None:
            why = f"no report for {_day(period[0])} to {_day(period[1])} was accepted"
            for part in parts:
                yield Missing(self._id, part, *period, why, late_at)
            return
        calendar = self._payment(span).calendar
        due_on = on_or_after(calendar.day_of(late_at - 1), calendar)
        told_of = reported_amounts(kept.report, span.license.terms, self._rates)
        for part in set(parts) - {each.part for each in told_of}:
            yield Missing(self._id, part, *period, "no rate of a currency in the report is recorded")
        for told in told_of:
            trigger = min(kept.at, late_at)
            yield self._due(span, Part(told.part), period, told.amount, told.basis, trigger, due_on=due_on)

    def _guarantees(self, begins: int, ends: int) -> Iterator[Due | Missing]:
        for span in self._spans:
            price = span.license.terms.compensation
            least = price.minimum_guarantee
            if least is None:
                continue
            for period in periods(span.starts_at, span.ends_at, price.minimum_guarantee_months):
                if begins <= period[1] - 1 < ends and span.begins <= period[1] - 1 < span.ends:
                    yield self._guarantee(span, period, least)

    def _guarantee(self, span: Span, period: tuple[int, int], least: Money) -> Due | Missing:
        found, nothing = tuple(self._parts(*period)), Money(0, least.currency)
        if any(isinstance(each, Missing) for each in found):
            return Missing(self._id, Part.GUARANTEE, *period, "a part of its period is not known yet")
        dues = [each for each in found if isinstance(each, Due) and each.amount]
        released = sum(micros for at, micros in self._released if period[0] <= at < period[1])
        owed = sum((each.amount for each in dues), Money(released, least.currency))
        basis = f"at least {least}; the parts come to {owed}"
        payment = self._payment(span)
        after = business_days_after(period[1] - 1, payment.days, payment.calendar)
        last = max((after, *(each.due_on for each in dues)))
        return self._due(
            span, Part.GUARANTEE, period, max(least - owed, nothing), basis, period[1] - 1, due_on=last
        )

    def _due(
        self,
        span: Span,
        part: Part,
        period: tuple[int, int],
        amount: Money,
        basis: str,
        trigger_at: int,
        *,
        due_on: date | None = None,
    ) -> Due:
        payment = self._payment(span)
        calendar, days = payment.calendar, payment.days
        day = due_on or business_days_after(trigger_at, days, calendar)
        return Due(
            _id(self._id, part, *period), self._id, part, *period, amount, Money(0, amount.currency), basis,
            trigger_at, day, calendar.knows(day),
        )  # fmt: skip


def _id(license: str, part: Part, begins: int, ends: int) -> str:
    named = hashlib.sha256(canonical_bytes([license, str(part), begins, ends])).hexdigest()
    return f"due_{named[:32]}"


def _at_signing(due: Due, spans: Iterable[Span]) -> bool:
    """Whether *due* is owed the moment a version is signed, as `licenses.pricing.due_at_signing` counts it."""
    return due.part is Part.UPFRONT or any(
        span.before is None and due.trigger_at == span.begins for span in spans
    )


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
