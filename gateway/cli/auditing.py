"""The whole audit of a data folder: files, stored rows, postings and holds, each against the others."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.billing.reconcile import Report
from gateway.provenance.audit import AuditReport


@dataclass(frozen=True, slots=True)
class FullAudit:
    """*journal* compares files and stored rows, *books* records and postings; good only if both are."""

    journal: AuditReport
    books: Report

    @property
    def good(self) -> bool:
        """Whether nothing differs."""
        return self.journal.ok and self.books.ok

    def as_json(self) -> dict[str, Any]:
        """Both reports for machines."""
        return {"good": self.good, "journal": asdict(self.journal), "books": asdict(self.books)}

    def lines(self) -> list[str]:
        """Both reports for people."""
        seen = self.journal
        told = [
            f"journal    {seen.files} files, {seen.entries} entries, {seen.details} details not yet folded or erased",
            f"database   {seen.rows} rows, {max(seen.unfolded, 0)} entries not folded yet",
        ]
        told += [f"torn tail  {tail}" for tail in seen.torn]
        told += [f"WRONG      {fault}" for fault in seen.faults]
        if seen.fault_count > len(seen.faults):
            told.append(f"WRONG      and {seen.fault_count - len(seen.faults)} more")
        books = self.books
        charged = ", ".join(map(str, books.charged)) or "nothing"
        told.append(
            f"books      {books.entries} entries with money, {books.postings} postings, charged {charged}"
        )
        told += [f"WRONG      {fault.code} {fault.subject}: {fault.why}" for fault in books.faults]
        return [*told, "good" if self.good else "NOT GOOD"]


async def full_audit(data: Path) -> FullAudit:
    """Fold what is not folded yet, then compare everything with everything."""
    from gateway.cli.books import open_books
    from gateway.provenance.audit import audit

    async with open_books(data) as books:
        await books.settle("")
        rows, positions, details = await books.sealed()
        return FullAudit(
            audit(data / "journal", rows, positions=positions, details=details), await books.reconcile()
        )
