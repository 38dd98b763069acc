"""`billing.account_book.AccountBook` in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gateway.billing.account_statements import AccountExtract, added_up
from gateway.billing.closing import END, Window, late_from, windows
from gateway.billing.postings import owed, prepaid
from gateway.billing.statements import Period
from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.store.memory.tables import Tables


class MemoryAccountBook:
    """Reads the books that the keeper folds, entry by entry."""

    def __init__(self, tables: Tables) -> None:
        """Read *tables*."""
        self._tables = tables
        self._frozen: dict[tuple[str, str], str] = {}
        self._mode = ""

    async def closes(self, licensee: str) -> Mapping[str, int]:
        """The closed periods of *licensee*; see the port."""
        self._tables.check()
        found: dict[str, int] = {}
        for booked in self._tables.entries:
            entry = booked.entry
            if isinstance(entry, BookEntry) and entry.kind_of == "close" and entry.licensee == licensee:
                found.setdefault(entry.reference, booked.seq)
        return found

    async def extract(self, licensee: str, period: Period) -> AccountExtract:
        """What a statement is made of; see the port."""
        closes = await self.closes(licensee)
        parts, later = windows(period, closes), late_from(period, closes)
        mine = [
            each
            for each in self._tables.entries
            if isinstance(each.entry, FetchRecord | BookEntry) and each.entry.licensee == licensee
        ]
        seqs = {each.entry.id: each.seq for each in self._tables.entries}
        posted: Counter[tuple[str, str, str]] = Counter()
        opening: Counter[tuple[str, str]] = Counter()
        held: Counter[tuple[str, str]] = Counter()
        closed = closes.get(period.name, END)
        beyond = [
            *(Window(each.since_us, each.until_us, max(each.after_seq, closed - 1), END) for each in later),
            Window(period.since_us, period.until_us, closed - 1, END),
        ]
        ids = {each.entry.id for each in mine}
        for posting in self._tables.postings:
            time_us, seq, currency = posting.time_us, seqs[posting.entry_id], posting.amount.currency
            inside = any(window.holds(time_us, seq) for window in parts)
            for name, account in (("prepaid", prepaid(licensee)), ("owed", owed(licensee))):
                effect = posting.effect_on(account)
                if account in {posting.debit, posting.credit} and inside:
                    posted[name, posting.code, currency] += effect
                if account in {posting.debit, posting.credit} and time_us < period.since_us:
                    opening[name, currency] += effect * (not any(each.holds(time_us, seq) for each in later))
            if posting.entry_id in ids and time_us < period.until_us:
                for account in (posting.debit, posting.credit):
                    if account.startswith(("escrow:", "milestone:")):
                        gone = any(each.holds(time_us, seq) for each in beyond)
                        held[account, currency] += posting.effect_on(account) * (not gone)
        inside_ = [
            (each, window) for window in parts for each in mine if window.holds(each.entry.time_us, each.seq)
        ]
        books = {each.entry.id for each, _ in inside_ if isinstance(each.entry, BookEntry)}
        return AccountExtract(
            opening=tuple((name, Money(micros, code)) for (name, code), micros in sorted(opening.items())),
            charges=added_up(mine, parts),
            booked=tuple((each, window.late) for each, window in inside_ if each.entry.id in books),
            postings=tuple(each for each in self._tables.postings if each.entry_id in books),
            posted=tuple((name, code, Money(micros, cur)) for (name, code, cur), micros in sorted(posted.items())),
            held=tuple((account, Money(micros, cur)) for (account, cur), micros in sorted(held.items()) if micros),
            first_seq=min((each.seq for each, _ in inside_), default=0),
            last_seq=max((each.seq for each, _ in inside_), default=0),
            closed_seq=closes.get(period.name, 0),
        )  # fmt: skip

    async def freeze(self, licensee: str, period: str, digest: str) -> str:
        """Keep the digest; see the port."""
        return self._frozen.setdefault((licensee, period), digest)

    async def frozen(self) -> Mapping[tuple[str, str], str]:
        """The digests that are kept."""
        return dict(self._frozen)

    async def span(self, licensee: str) -> tuple[int, int] | None:
        """The times of its first and its last entry."""
        times = [
            each.entry.time_us
            for each in self._tables.entries
            if isinstance(each.entry, FetchRecord | BookEntry) and each.entry.licensee == licensee
        ]
        return (min(times), max(times)) if times else None

    async def book_entries(self, licensee: str) -> tuple[BookEntry, ...]:
        """Every book entry of *licensee*."""
        found = (each.entry for each in self._tables.entries)
        return tuple(each for each in found if isinstance(each, BookEntry) and each.licensee == licensee)

    async def mode(self, wanted: str) -> str:
        """The mode of these books; see the port."""
        self._mode = self._mode or wanted
        return self._mode

    async def licensees(self) -> tuple[str, ...]:
        """Everybody with an entry about money."""
        return tuple(
            sorted(
                {
                    each.entry.licensee
                    for each in self._tables.entries
                    if isinstance(each.entry, FetchRecord | BookEntry) and each.entry.is_paid and each.entry.licensee
                }
            )
        )  # fmt: skip
