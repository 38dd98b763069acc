"""`billing.owing.Owing` in memory."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.billing.owing import Held
from gateway.licenses.duties import KeptReport
from gateway.licenses.license import BY_FETCH
from gateway.licenses.obligations import Kind, State
from gateway.licenses.rates import Rates, rates_of
from gateway.provenance.record import BookEntry, FetchRecord, JournalEntry
from gateway.store.memory.duties import MemoryDuties
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.tables import Tables


class MemoryOwing:
    """Reads a register, its duties, and the books of *tables*."""

    def __init__(self, register: MemoryRegister, duties: MemoryDuties, tables: Tables) -> None:
        """Read these."""
        self._register, self._duties, self._tables = register, duties, tables

    async def signs(self) -> Mapping[str, str]:
        """A text by license; see the port."""
        self._tables.check()
        found = dict[str, str]()
        for each in self._register.every_version():
            if not each.id.startswith(BY_FETCH) and each.id not in found:
                held = await self.held(each.id)
                terms = [(one.version, one.ends_at) for one in held.versions]
                reports = [(one.duty, one.report.sha256) for one in held.reports]
                books = sum(
                    isinstance(one.entry, BookEntry) and one.entry.license == each.id
                    for one in self._tables.entries
                )
                found[each.id] = repr(
                    (terms, held.over_at, reports, books, len((await self.rates()).entered))
                )
        return found

    async def with_milestones(self, most: int, behind: str = "") -> tuple[str, ...]:
        """Licenses that have milestones; see the port."""
        self._tables.check()
        found = {
            each.id
            for each in self._register.every_version()
            if each.terms.compensation.milestones and each.id > behind and not each.id.startswith(BY_FETCH)
        }
        return tuple(sorted(found)[:most])

    async def held(self, license_id: str) -> Held:
        """The license of that id."""
        self._tables.check()
        accepted = {
            each.id
            for each in await self._duties.of_license(license_id)
            if (each.kind, each.state) == (Kind.REPORT, State.ACCEPTED)
        }
        reports: tuple[KeptReport, ...] = await self._duties.reports(license_id)
        return Held(
            tuple(self._register.versions_of(license_id)),
            tuple(each for each in reports if each.duty in accepted),
            self._register.revoked_at(license_id),
        )

    async def rates(self) -> Rates:
        """Every rate of a currency."""
        self._tables.check()
        return rates_of(each.entry for each in self._tables.entries)

    async def items(self, license_id: str) -> int:
        """How many different paths or renditions were delivered."""
        delivered = await self.entries(license_id, deliveries=True)
        return len(
            {
                (each.path, each.rendition)
                for each in delivered
                if isinstance(each, FetchRecord) and each.charge_reason == "fetch"
            }
        )

    async def entries(self, license_id: str, *, deliveries: bool) -> tuple[JournalEntry, ...]:
        """What the journal says of it; see the port."""
        self._tables.check()
        holders = {each.licensee for each in self._register.versions_of(license_id)}
        return tuple(
            each.entry
            for each in self._tables.entries
            if (isinstance(each.entry, BookEntry) and each.entry.licensee in holders)
            or (
                deliveries
                and isinstance(each.entry, FetchRecord)
                and each.entry.is_paid
                and each.entry.license == license_id
                and each.entry.licensee in holders
            )
        )
