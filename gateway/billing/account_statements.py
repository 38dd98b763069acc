"""A licensee's account for a period: everything about its money, and what stands at the end. Pure.

Beside `billing.statements`, which tells the prepaid credit of a month by the
time of its records for an auditor, this is the bill: what is prepaid and what is
owed, fetches, dues, credits, payments, refunds, tax, what others hold for
milestones, and what came late for periods that were closed (`billing.closing`).
What is promised for a milestone and held by nobody is not to be paid before the
milestone is released: it stands among what waits, and counts as due with its release.
A closed one never changes: `account_book.read_account` holds it against its first digest.

Where the entries and the postings disagree there is no statement. Text, CSV,
JSON, page and PDF are made of the same `sheets`. Amounts are exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.billing.closing import Window
from gateway.billing.postings import Booked, Posting, owed, prepaid
from gateway.billing.statements import Period, StatementDisagrees
from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.terms.holding import Holder, HolderError

VERSION: Final = 2
#: What each kind of posting is to the prepaid credit; whatever else corrects.
_PREPAID: Final = {"credit": "credited", "fetch": "charged", "fee": "charged", "payment": "charged"}
#: The same of what is owed.
_OWED: Final = {
    "due": "due", "promise": "due", "release": "due", "tax": "due", "round_up": "due", "payment": "paid",
}  # fmt: skip
#: What an entry does to (prepaid, owed) as it says itself, as a sign.
_SIGNS: Final[Mapping[str, tuple[int, int]]] = {
    "credit": (1, 0), "fee": (-1, 0), "payment": (-1, 1), "due": (0, -1), "promise": (0, -1), "tax": (0, -1),
    "round_up": (0, -1), "round_down": (0, 1), "write_off": (0, 1),
}  # fmt: skip
#: How the accounts of what waits for milestones and nobody holds begin.
_PROMISED: Final = "milestone:"
#: Entries that tell of billing itself and of no money.
_UNTOLD: Final = frozenset({"close", "invoice", "bill", "credit_note"})


@dataclass(frozen=True, slots=True)
class Charged:
    """Fetches under one license of one work for one reason; *late* ones are of a period that was closed."""

    license: str
    work: str
    reason: str
    fetches: int
    amount: Money
    late: bool = False


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One book entry over *amount*: what it did to the prepaid credit and to what is owed (below zero: to be paid).

    *promised* is what it did to what waits for milestones and nobody holds, *source* is the account that a release took the money of a milestone from, "" for everything else.
    """

    entry: str
    time_us: int
    kind: str
    license: str
    memo: str
    reference: str
    amount: Money
    prepaid: Money
    owed: Money
    late: bool = False
    source: str = ""
    promised: int = 0

    @property
    def to_pay(self) -> Money:
        """What it added to what is to be paid; a promise adds nothing before its milestone is released."""
        return Money(-self.owed.micros - self.promised, self.owed.currency)


@dataclass(frozen=True, slots=True)
class Held:
    """What waits for milestones of *license* at the end, and who holds it, in the words of `terms.holding`."""

    license: str
    holder: str
    sentence: str
    amount: Money


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """One currency. ``opening + credited - charged + corrected = closing`` of the prepaid credit, and
    ``to_pay + due - paid - forgiven = left_to_pay`` of what is owed.
    """

    opening: Money
    credited: Money
    charged: Money
    corrected: Money
    closing: Money
    to_pay: Money
    due: Money
    paid: Money
    forgiven: Money
    left_to_pay: Money


@dataclass(frozen=True, slots=True)
class AccountExtract:
    """What a statement is made of, all of one moment.

    Attributes:
        opening: the balances before the period, by ``prepaid`` or ``owed``.
        charges: the fetches of the period, added up.
        booked: its book entries in the journal's order, each with whether it came late.
        postings: theirs.
        posted: what was posted in the period by account, code and currency: the effect in micro-units.
        held: what waits for milestones at the end, by account.
        first_seq, last_seq: the places of its entries, 0 for none.
        closed_seq: where it was closed, 0 while it is open.
    """

    opening: tuple[tuple[str, Money], ...] = ()
    charges: tuple[Charged, ...] = ()
    booked: tuple[tuple[Booked, bool], ...] = ()
    postings: tuple[Posting, ...] = ()
    posted: tuple[tuple[str, str, Money], ...] = ()
    held: tuple[tuple[str, Money], ...] = ()
    first_seq: int = 0
    last_seq: int = 0
    closed_seq: int = 0


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """The account of one licensee in one period. *closed_seq* is 0 while it may still change."""

    licensee: str
    name: str
    period: Period
    totals: tuple[AccountTotal, ...]
    charges: tuple[Charged, ...]
    lines: tuple[AccountLine, ...]
    held: tuple[Held, ...]
    first_seq: int
    last_seq: int
    closed_seq: int

    @property
    def late(self) -> int:
        """How many lines came late for earlier periods."""
        return sum(each.late for each in self.charges) + sum(each.late for each in self.lines)


def account_statement(licensee: str, name: str, period: Period, extract: AccountExtract) -> AccountStatement:
    """Make the statement of *licensee*, called *name*; raises `StatementDisagrees` where entries and postings do."""
    lines = _lines(licensee, extract)
    opening = Counter({(account, money.currency): money.micros for account, money in extract.opening})
    for account, money in extract.held:
        if account.startswith(_PROMISED):
            opening["promised", money.currency] += money.micros
    for line in lines:
        # What waits is known as of the end.
        opening["promised", line.amount.currency] -= line.promised
    used = {line.amount.currency for line in lines if line.prepaid or line.owed or line.promised}
    used |= {line.amount.currency for line in extract.charges} | {money.currency for _, money in extract.held}
    used |= {currency for (_, currency), micros in opening.items() if micros}
    totals = tuple(_total(currency, opening, extract.charges, lines) for currency in sorted(used))
    _check(licensee, extract, lines)
    return AccountStatement(
        licensee, name, period, totals, extract.charges, lines, tuple(map(_held, extract.held)),
        extract.first_seq, extract.last_seq, extract.closed_seq,
    )  # fmt: skip


def added_up(entries: Iterable[Booked], windows: Iterable[Window]) -> tuple[Charged, ...]:
    """The fetches among *entries* that lie in *windows*, added up as a store does it."""
    sums: dict[tuple[bool, str, str, str, str], tuple[int, int]] = {}
    parts = tuple(windows)
    for booked in entries:
        entry = booked.entry
        if not (isinstance(entry, FetchRecord) and entry.is_paid):
            continue
        for window in parts:
            if window.holds(entry.time_us, booked.seq):
                key = (window.late, entry.currency, entry.license, entry.work, entry.charge_reason)
                count, micros = sums.get(key, (0, 0))
                sums[key] = count + 1, micros + entry.charged_micros
    return tuple(
        Charged(license, work, reason, count, Money(micros, currency), late)
        for (late, currency, license, work, reason), (count, micros) in sorted(sums.items())
    )


def _lines(licensee: str, extract: AccountExtract) -> tuple[AccountLine, ...]:
    accounts = (prepaid(licensee), owed(licensee))
    effects: Counter[tuple[str, str]] = Counter()
    sources = {each.entry_id: each.debit for each in extract.postings if each.code == "release"}
    for posting in extract.postings:
        for account in (
            *accounts,
            *(each for each in (posting.debit, posting.credit) if each.startswith(_PROMISED)),
        ):
            effects[posting.entry_id, account if account in accounts else _PROMISED] += posting.effect_on(
                account
            )
    found = []
    for booked, late in extract.booked:
        entry = booked.entry
        if not isinstance(entry, BookEntry) or entry.kind_of in _UNTOLD:
            continue
        moved = tuple(effects[entry.id, account] for account in accounts)
        signs = _SIGNS.get(entry.kind_of)
        said = tuple(sign * entry.amount_micros for sign in signs) if signs else moved
        if moved != said and entry.amount_micros > 0:
            raise StatementDisagrees(f"the entry {entry.id} posted something else than it says")
        found.append(
            AccountLine(
                entry.id, entry.time_us, entry.kind_of, entry.license, entry.memo, entry.reference,
                Money(entry.amount_micros, entry.currency), Money(moved[0], entry.currency),
                Money(moved[1], entry.currency), late, sources.get(entry.id, ""), effects[entry.id, _PROMISED],
            )
        )  # fmt: skip
    return tuple(found)


def _total(
    currency: str,
    opening: Mapping[tuple[str, str], int],
    charges: Iterable[Charged],
    lines: Iterable[AccountLine],
) -> AccountTotal:
    sums: Counter[str] = Counter()
    sums["charged"] = sum(each.amount.micros for each in charges if each.amount.currency == currency)
    for line in lines:
        if line.amount.currency != currency:
            continue
        part = _PREPAID.get(line.kind, "corrected")
        sums[part] += -line.prepaid.micros if part == "charged" else line.prepaid.micros
        part = _OWED.get(line.kind, "forgiven")
        sums[part] += line.to_pay.micros if part == "due" else -line.to_pay.micros
    before = opening.get(("prepaid", currency), 0)
    to_pay = -opening.get(("owed", currency), 0) - opening.get(("promised", currency), 0)
    closing = before + sums["credited"] - sums["charged"] + sums["corrected"]
    left = to_pay + sums["due"] - sums["paid"] - sums["forgiven"]
    return AccountTotal(
        *(
            Money(micros, currency)
            for micros in (
                before, sums["credited"], sums["charged"], sums["corrected"], closing,
                to_pay, sums["due"], sums["paid"], sums["forgiven"], left,
            )
        )
    )  # fmt: skip


def _check(licensee: str, extract: AccountExtract, lines: Iterable[AccountLine]) -> None:
    """The sums of the postings, by account and currency, against those of the lines."""
    posted: Counter[tuple[str, str, bool]] = Counter()
    for account, code, money in extract.posted:
        posted[account, money.currency, code == "fetch"] += money.micros
    for charge in extract.charges:
        posted["prepaid", charge.amount.currency, True] += charge.amount.micros
    for line in lines:
        posted["prepaid", line.amount.currency, False] -= line.prepaid.micros
        posted["owed", line.amount.currency, False] -= line.owed.micros
    for (account, currency, _), micros in sorted(posted.items()):
        if micros:
            raise StatementDisagrees(
                f"what {licensee} has {account} in {currency} is not what the journal says"
            )


def _held(each: tuple[str, Money]) -> Held:
    account, amount = each
    kind, _, rest = account.partition(":")
    license, _, holder = rest.partition(":") if kind == "escrow" else (rest, "", "nobody")
    try:
        sentence = Holder.read(holder).sentence
    except HolderError:
        sentence = "Who holds this money is not known."
    return Held(license, holder, sentence, amount)
