"""The books compared, one line for each pair of things that have to say the same. Pure.

`checked` looks at the books alone, `reconciled` holds them against everything
around them: the journal's files, the statements, the receipts, the rails. A
comparison has faults, which nothing explains, or differences with their reason,
such as a payment that settled a moment ago; only faults make it wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.billing.postings import CLEARING, may_owe, prepaid
from gateway.billing.reconcile import Books, Fault, Reckoning, reckoned, reconcile
from gateway.billing.statements import Statement
from gateway.money import Money
from gateway.provenance.record import BookEntry
from gateway.rails.settlements import Payment, State
from gateway.rails.topups import TopUp

#: Who enters the credits of a payment provider's pages.
_STRIPE: Final = "stripe"
_KNOWN: Final = re.compile(
    r"bank:(clearing|paid-out)|fees:payouts|tax:payable|rounding:invoices|loss:written-off|licensee:.+:(prepaid|owed)|creator:.*:earned|escrow:.+:(provider|agent):.+|milestone:.+|author:.+:.+", re.DOTALL
)  # fmt: skip
_DERIVED: Final = frozenset({"unposted", "posted-twice", "posting-differs", "no-such-entry", "moves-nothing"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One line: *left* and *right* say what was compared, *explained* what differs and why it may."""

    name: str
    left: str
    right: str
    faults: tuple[Fault, ...] = ()
    explained: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing differs without a reason."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class Around:
    """What lies around the books, as of about the same moment.

    Attributes:
        statements: of each licensee for each month with an entry; read after the books.
        disagreeing: licensees and months for which the books gave no statement, and why.
        payments: those of rails that settle on the spot, whole.
        topups: those that a payment provider was asked for, whole.
        receipts: record ids and what a client was told it was charged, in micro-units; None where none is at hand.
    """

    statements: Sequence[Statement] = ()
    disagreeing: Sequence[tuple[str, str]] = ()
    payments: Sequence[Payment] = ()
    topups: Sequence[TopUp] = ()
    receipts: Mapping[str, int] | None = None


def checked(books: Books | Reckoning) -> tuple[Comparison, ...]:
    """The invariants of *books*: postings follow from entries, sums are zero, nobody owes who may not."""
    books = reckoned(books)
    found, balances = reconcile(books).faults, books.kept.balances
    kept: Counter[str] = Counter()
    for _, money in balances:
        kept[money.currency] += money.micros
    accounts = {account for account, _ in books.sums} | {account for account, _ in balances}
    return (
        Comparison(
            "derivation",
            f"{books.entries} entries about money",
            f"{books.postings} postings",
            tuple(fault for fault in found if fault.code in _DERIVED),
        ),
        Comparison("sums", "debits", f"credits in {len(kept)} currencies", tuple(_unbalanced(kept))),
        Comparison(
            "balances", f"{len(balances)} balances kept", "sums of postings", _of(found, "balance-differs")
        ),
        _accounts(books.sums, books.paid_out, len(accounts)),
        Comparison(
            "spending",
            f"{len(books.kept.spent)} licenses' spending",
            "their fetches",
            _of(found, "spend-differs"),
        ),
        Comparison(
            "credit", "credit set aside or used", "credit and limits", _of(found, "overdrawn", "oversold")
        ),
    )


def reconciled(books: Books | Reckoning, around: Around) -> tuple[Comparison, ...]:
    """*books* against themselves and against what is *around* them; a reckoning has looked for its receipts."""
    books = reckoned(books, around.receipts or ())
    return (
        *checked(books),
        _charged(books),
        _statements(books, around),
        _receipts(books, around.receipts),
        _settled(books, around.payments),
        _topped_up(books, around.topups),
        _by_hand(books, around),
    )


def months_of(books: Books | Reckoning) -> tuple[tuple[str, str], ...]:
    """Licensee and month (UTC) of every entry about money: which statements there have to be."""
    return tuple(sorted(reckoned(books).months))


def _of(faults: Iterable[Fault], *codes: str) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults if fault.code in codes)


def _unbalanced(kept: Mapping[str, int]) -> Iterable[Fault]:
    for currency, micros in sorted(kept.items()):
        if micros:
            yield Fault(
                "unbalanced", currency, f"The balances in {currency} are {micros} micro-units in all."
            )


def _accounts(
    sums: Mapping[tuple[str, str], int], paid_out: Mapping[tuple[str, str], int], count: int
) -> Comparison:
    """Each account by its name, and whether it may stand where it does.

    That of a creator or an author stands below zero where what was earned was undone, or cost a
    fee, after it was paid out: the next that is earned covers it.
    """
    faults, explained = list[Fault](), list[str]()
    for (account, currency), micros in sorted(sums.items()):
        if not _KNOWN.fullmatch(account):
            faults.append(Fault("unknown-account", account, f"{account} is no account of these books."))
        elif micros > 0 and account == CLEARING:
            why = f"More {currency} was paid back than was ever paid in."
            faults.append(Fault("below-zero", account, why))
        elif micros < 0 and not may_owe(account) and not account.startswith("licensee:"):
            start = _authors_of(account)
            group = [
                each
                for each in sums
                if each[1] == currency and start is not None and each[0].startswith(start)
            ]
            divided = micros + sum(sums[each] for each in group)
            gone = sum(paid_out.get(each, 0) for each in ((account, currency), *group))
            said = f"{account} stands {-micros} micro-units of {currency} below zero"
            if divided + gone < 0:
                faults.append(Fault("below-zero", account, f"{said}."))
            elif divided < 0:
                explained.append(f"{said}: it was paid out before it was undone, or before its fee was known")
    return Comparison("accounts", f"{count} accounts", "what each may be", tuple(faults), tuple(explained))


def _authors_of(account: str) -> str | None:
    """How the accounts of the authors of a creator's *account* begin: what was undone since it was divided is taken back with the next."""
    if not account.startswith("creator:"):
        return None
    return f"author:{account.removeprefix('creator:').removesuffix(':earned')}:"


def _charged(books: Reckoning) -> Comparison:
    """The sum of what records say, without the rule that made the postings, against those postings."""
    said, posted = books.said, books.posted
    faults = [
        Fault("charged-differs", currency, f"Records say {said[currency]} micro-units, postings {posted[currency]}.")
        for currency in sorted(said.keys() | posted.keys())
        if said[currency] != posted[currency]
    ]  # fmt: skip
    return Comparison("journal", f"records charged {_told(said)}", f"ledger {_told(posted)}", tuple(faults))


def _statements(books: Reckoning, around: Around) -> Comparison:
    faults = [Fault("no-statement", licensee, why) for licensee, why in around.disagreeing]
    explained = list[str]()
    seen = {(each.licensee, each.period.name) for each in around.statements} | {
        (licensee, why.partition(":")[0]) for licensee, why in around.disagreeing
    }
    for bill in around.statements:
        if bill.last_seq > books.last_seq:
            explained.append(f"{bill.licensee} {bill.period.name}: entries came in during the look")
            continue
        faults += _statement(bill, books)
    faults += [
        Fault("no-statement", licensee, f"{month}: there are entries and no statement was made.")
        for licensee, month in months_of(books)
        if (licensee, month) not in seen
    ]
    return Comparison(
        "statements", f"{len(around.statements)} statements", "ledger", tuple(faults), tuple(explained)
    )


def _statement(bill: Statement, books: Reckoning) -> Iterable[Fault]:
    account, month, who = prepaid(bill.licensee), bill.period.name, bill.licensee
    for total in bill.totals:
        effects = books.effects.get((account, total.opening.currency), Counter[str]())
        before = sum(micros for when, micros in effects.items() if when < month)
        after = before + effects[month]
        if (total.opening.micros, total.closing.micros) != (before, after):
            why = f"{month}: it goes from {total.opening} to {total.closing}, the ledger from {before} to {after} micro-units."
            yield Fault("statement-differs", who, why)
    counted = sum(line.fetches for line in bill.charges)
    if counted != books.fetched[who, month]:
        yield Fault(
            "statement-differs",
            who,
            f"{month}: it counts {counted} fetches, not {books.fetched[who, month]}.",
        )


def _receipts(books: Reckoning, receipts: Mapping[str, int] | None) -> Comparison:
    if receipts is None:
        return Comparison(
            "receipts", "no receipts at hand", "records", explained=("none were given to compare",)
        )
    faults = _of(reconcile(books, receipts=receipts).faults, "receipt-differs", "not-in-journal")
    return Comparison("receipts", f"{len(receipts)} receipts", "records", faults)


def _credits(books: Reckoning, *by: str) -> dict[str, BookEntry]:
    return {each.id: each for each in books.book if each.kind_of == "credit" and each.by in by}


def _settled(books: Reckoning, payments: Sequence[Payment]) -> Comparison:
    """Each payment that another party moved against the one credit it makes."""
    rails = {each.rail for each in payments} | {"x402"}
    credits, faults, explained = _credits(books, *rails), list[Fault](), list[str]()
    count = len(credits)
    for each in payments:
        credit = credits.pop(each.id, None)
        if each.state is State.SETTLED:
            if credit is None and each.booked:
                faults.append(
                    Fault("credit-missing", each.id, f"{each.amount} settled; no credit stands for it.")
                )
            elif credit is None:
                explained.append(f"{each.id}: {each.amount} settled, its credit is not entered yet")
            elif (credit.licensee, _amount(credit)) != (each.licensee, each.amount):
                said = f"{each.amount} of {each.licensee} settled, the credit is {_amount(credit)} of {credit.licensee}."
                faults.append(Fault("credit-differs", each.id, said))
        elif credit is not None:
            faults.append(Fault("credit-unsettled", each.id, f"It is {each.state} and was credited."))
        elif each.state is State.PENDING:
            explained.append(f"{each.id}: {each.amount} is pending; nobody knows yet what came of it")
    faults += [Fault("credit-unknown", id, "No payment stands behind this credit.") for id in sorted(credits)]
    return Comparison(
        "payments",
        f"{len(payments)} payments on the spot",
        f"{count} credits",
        tuple(faults),
        tuple(explained),
    )


def _topped_up(books: Reckoning, topups: Sequence[TopUp]) -> Comparison:
    """Each top-up that the provider said was paid against its credit."""
    credits, faults, explained = _credits(books, _STRIPE), list[Fault](), list[str]()
    count, paid = len(credits), 0
    for each in topups:
        credit = credits.pop(each.id, None)
        paid += bool(each.paid_by)
        if credit is None and each.paid_by:
            faults.append(
                Fault("credit-missing", each.id, f"{each.amount} was paid in; no credit stands for it.")
            )
        elif credit is not None and (credit.licensee, _amount(credit)) != (each.licensee, each.amount):
            said = f"{each.amount} of {each.licensee} was paid in, the credit is {_amount(credit)} of {credit.licensee}."
            faults.append(Fault("credit-differs", each.id, said))
        elif credit is not None and not each.paid_by:
            # The credit is entered first; a crash between the two leaves this until the provider says it again.
            explained.append(f"{each.id}: credited, and not yet noted as paid")
    faults += [Fault("credit-unknown", id, "No top-up stands behind this credit.") for id in sorted(credits)]
    return Comparison("top-ups", f"{paid} paid top-ups", f"{count} credits", tuple(faults), tuple(explained))


def _by_hand(books: Reckoning, around: Around) -> Comparison:
    """Credits that no rail tells of: whoever entered them answers for them."""
    rails = {_STRIPE, "x402", *(each.rail for each in around.payments)}
    sums: dict[str, Counter[str]] = {}
    for entry in books.book:
        if entry.kind_of == "credit" and entry.by not in rails:
            sums.setdefault(entry.by or "nobody named", Counter())[entry.currency] += entry.amount_micros
    explained = tuple(f"{_told(sums[by])} entered by {by}: no rail tells of it" for by in sorted(sums))
    return Comparison("by hand", "credits entered by people", "their word", explained=explained)


def _amount(entry: BookEntry) -> Money:
    return Money(entry.amount_micros, entry.currency)


def _told(sums: Mapping[str, int]) -> str:
    return ", ".join(str(Money(micros, currency)) for currency, micros in sorted(sums.items())) or "nothing"
