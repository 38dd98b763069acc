"""`provenance.keeper.Folding`, `provenance.erasure.Details` and `provenance.audience.AudienceBook` in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from gateway.billing.postings import Booked
from gateway.provenance.audience import AudienceRow
from gateway.provenance.erasure import NO_SALT, Trait, cut, traits
from gateway.provenance.frames import SealedDetail
from gateway.provenance.keeper import FoldBatch
from gateway.provenance.record import FetchDetail
from gateway.provenance.writers import writer_of
from gateway.store.memory.tables import Tables
from gateway.store.purses import EntryConflict, used_by


class MemoryFolding:
    """Takes the keeper's batches."""

    def __init__(self, tables: Tables) -> None:
        """Fold into *tables*."""
        self._tables = tables

    async def positions(self) -> Mapping[str, int]:
        """File name to folded offset, of every file ever seen."""
        self._tables.check()
        return dict(self._tables.positions)

    async def fold(self, batch: FoldBatch) -> int:
        """Take *batch*, all or nothing; `EntryConflict` for a stored id with other content."""
        tables = self._tables
        tables.check()
        fresh: dict[str, bytes] = {}
        for sealed in batch.entries:
            known = tables.canonical.get(sealed.entry.id, fresh.get(sealed.entry.id, sealed.canonical))
            if known != sealed.canonical:
                raise EntryConflict(f"entry {sealed.entry.id} stands in the books with other content")
            fresh[sealed.entry.id] = sealed.canonical
        new = 0
        for sealed in batch.entries:
            entry = sealed.entry
            if entry.id in tables.canonical:
                continue
            new += 1
            tables.canonical[entry.id] = sealed.canonical
            tables.salts[entry.id] = sealed.salt
            tables.entries.append(Booked(len(tables.entries) + 1, entry))
            tables.derive(entry)
            used = used_by(entry)
            if used is not None:
                writer = writer_of(sealed.source)
                tables.lower(writer, used.license, used.currency, used.micros, used.fetches)
        for detail in batch.details:
            tables.details.setdefault(detail.id, detail)
        tables.positions.update(batch.positions)
        return new

    async def purse_writers(self) -> frozenset[str]:
        """The writers that have a purse."""
        self._tables.check()
        return frozenset(writer for writer, *_ in self._tables.purses)

    async def close_purses(self, writers: frozenset[str]) -> None:
        """Return what is left in the purses of *writers*."""
        self._tables.check()
        for key in [key for key in self._tables.purses if key[0] in writers]:
            del self._tables.purses[key]


class MemoryDetails:
    """Reads and forgets details."""

    def __init__(self, tables: Tables) -> None:
        """Work on *tables*."""
        self._tables = tables

    async def detail(self, record_id: str) -> tuple[FetchDetail, bytes] | None:
        """The detail of a record with its salt, or None once it was erased."""
        self._tables.check()
        found = self._tables.details.get(record_id)
        return (found.detail, found.salt) if found else None

    async def forget_before(self, time_us: int) -> int:
        """Forget every detail older than *time_us*; return how many."""
        self._tables.check()
        details = self._tables.details
        gone = [key for key, sealed in details.items() if sealed.time_us < time_us]
        for key in gone:
            del details[key]
        return len(gone)

    async def forget_of(self, trait: Trait, value: str) -> int:
        """Forget every detail whose *trait* is *value*; return how many."""
        self._tables.check()
        details = self._tables.details
        gone = [
            key
            for key, sealed in details.items()
            if value in ({key} if trait is Trait.RECORD else traits(sealed.detail, trait))
        ]
        for key in gone:
            del details[key]
        return len(gone)

    async def cut_before(self, time_us: int) -> int:
        """Cut every detail older than *time_us*; return how many."""
        self._tables.check()
        details = self._tables.details
        gone = [key for key, each in details.items() if each.time_us < time_us and each.salt != NO_SALT]
        for key in gone:
            old = details[key]
            details[key] = SealedDetail(old.id, NO_SALT, old.time_us, cut(old.detail))
        return len(gone)


class MemoryAudience:
    """Adds counts to totals."""

    def __init__(self) -> None:
        """Start with nobody counted."""
        self._totals: Counter[tuple[int, str, str, int, str]] = Counter()

    async def add(self, rows: Iterable[AudienceRow]) -> None:
        """Add every count to its total."""
        for row in rows:
            self._totals[row.hour_at, row.site, row.group, row.status, row.referring] += row.count

    async def totals(self, since: int, until: int) -> tuple[AudienceRow, ...]:
        """The totals of hours that began from *since* to before *until*, whole seconds."""
        return tuple(
            AudienceRow(*key, count) for key, count in sorted(self._totals.items()) if since <= key[0] < until
        )
