"""`billing.author_shares.Earnings` in memory."""

from __future__ import annotations

from collections import Counter

from gateway.billing.author_shares import Earned
from gateway.billing.postings import earned
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.store.memory.tables import Tables


class MemoryEarnings:
    """Reads the books of *tables*."""

    def __init__(self, tables: Tables) -> None:
        """Read *tables*."""
        self._tables = tables

    async def undivided(self, site: str) -> tuple[int, tuple[Earned, ...]]:
        """The last place in the journal, and what *site* earned since it was divided."""
        self._tables.check()
        account, sums = earned(site), Counter[tuple[str, str, str]]()
        seqs = {each.entry.id: each.seq for each in self._tables.entries}
        entries = {each.entry.id: each.entry for each in self._tables.entries}
        until = dict[str, int]()
        for entry in entries.values():
            if isinstance(entry, BookEntry) and (entry.kind_of, entry.site) == ("share", site):
                until[entry.currency] = max(until.get(entry.currency, 0), int(entry.reference))
        for posting in self._tables.postings:
            if account not in {posting.debit, posting.credit} or posting.code == "share":
                continue
            if seqs[posting.entry_id] <= until.get(posting.amount.currency, 0):
                continue
            source = entries[posting.undoes if posting.code == "reversal" else posting.entry_id]
            work = source.work if isinstance(source, FetchRecord) else ""
            license = source.license if isinstance(source, FetchRecord | BookEntry) else ""
            sums[work, license, posting.amount.currency] += posting.effect_on(account)
        last = max(seqs.values(), default=0)
        return last, tuple(Earned(*key, micros) for key, micros in sorted(sums.items()) if micros)
