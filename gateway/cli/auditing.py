"""The whole audit of a data folder: files, stored rows, postings and purses, each against the others."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.billing.reconcile import Fault, Report
from gateway.cli.say import counted
from gateway.problems import StoreUnavailable
from gateway.provenance.audit import AuditReport
from gateway.provenance.log_audit import LogReport, audit_log, root_of

if TYPE_CHECKING:
    from gateway.cli.books import Books

_LOOKS = 3


@dataclass(frozen=True, slots=True)
class FullAudit:
    """*journal* compares files and stored rows, *books* records and postings; good only if both
    are. *log* is of the public log, None where there is none yet."""

    journal: AuditReport
    books: Report
    log: LogReport | None = None

    @property
    def good(self) -> bool:
        """Whether nothing differs."""
        return self.journal.ok and self.books.ok and (self.log is None or self.log.ok)

    def as_json(self) -> dict[str, Any]:
        """Both reports for machines."""
        return {
            "good": self.good,
            "journal": asdict(self.journal),
            "books": asdict(self.books),
            "log": None if self.log is None else {"leaves": self.log.leaves, "faults": self.log.faults},
        }

    def lines(self) -> list[str]:
        """Both reports for people."""
        seen, books = self.journal, self.books
        charged = ", ".join(map(str, books.charged)) or "nothing"
        entries = counted(seen.entries, "entry", "entries")
        unfolded = counted(max(seen.unfolded, 0), "entry", "entries")
        money = counted(books.entries, "entry", "entries")
        told = [
            f"journal    {counted(seen.files, 'file')}, {entries}, {counted(seen.details, 'detail')} checked",
            f"database   {counted(seen.rows, 'row')}, {unfolded} not folded yet",
            f"books      {money} about money, {counted(books.postings, 'posting')}, charged {charged}",
        ]
        if self.log is not None:
            told.append(
                f"public log {counted(self.log.leaves, 'leaf', 'leaves')}, {counted(self.log.tiles, 'tile')}"
            )
        told += [
            f"torn tail  {tail.file}: {tail.size - tail.kept} octets that were never acknowledged"
            for tail in seen.torn
        ]
        told += [f"WRONG      {fault}" for fault in seen.faults]
        if seen.fault_count > len(seen.faults):
            told.append(f"WRONG      and {seen.fault_count - len(seen.faults)} more")
        told += [f"WRONG      {fault.code} {fault.subject}: {fault.why}" for fault in books.faults]
        wrong = seen.fault_count + len(books.faults)
        if self.log is not None:
            told += [f"WRONG      public log: {fault}" for fault in self.log.faults]
            wrong += self.log.fault_count
        return [*told, "good: everything agrees" if self.good else f"NOT GOOD: {counted(wrong, 'fault')}"]


async def full_audit(data: Path) -> FullAudit:
    """Fold what is not folded yet, then compare everything with everything.

    Beside a running gateway files end and begin during the look; what seems
    wrong then is looked at again before it is said.
    """
    from gateway.cli.books import open_books

    async with open_books(data) as books:
        for _ in range(_LOOKS):
            alone = await books.fold()
            try:
                seen = await _look(books)
            except FileNotFoundError:
                continue
            if seen.good or alone:
                return seen
            await asyncio.sleep(0.2)
        return await _look(books)


async def _look(books: Books) -> FullAudit:
    journal = await books.audited()
    try:
        return FullAudit(journal, await books.reconcile(), await _log(books))
    except StoreUnavailable as error:
        # Entries that are damaged in the files: those that the books rest on cannot be compared.
        if journal.ok:
            raise
        return FullAudit(journal, Report(0, 0, (), (Fault("unreadable", "books", f"{error}."),)))


async def _log(books: Books) -> LogReport | None:
    """The public log's files, and its leaves against the stored rows."""
    from gateway.cli.proofs import own_key, reader
    from gateway.store.sqlite.leaves import SqliteLeaves

    key, folder = own_key(books.folder), books.folder / "log"
    if key is None or not (folder / "checkpoint").exists():
        return None
    report = await audit_log(reader(str(folder)), key)
    if (
        report.head is not None
        and await root_of(SqliteLeaves(books.database), report.head.size) != report.head.root
    ):
        report.fault("the database's entries are not those that the head signs")
    return report
