"""`licenses.duties.Duties` and `licenses.duties.Audits` in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from gateway.event import Event
from gateway.licenses.audit_cases import AuditCase
from gateway.licenses.duties import KeptReport, Part, Tally
from gateway.licenses.license import BY_FETCH, License
from gateway.licenses.obligations import Obligation
from gateway.licenses.output_review import waits_until
from gateway.licenses.transparency import TransparencyReport
from gateway.store.memory.register import MemoryRegister


class MemoryDuties:
    """Duties by id, beside the licenses of a register, whose suspensions they lift."""

    def __init__(self, register: MemoryRegister) -> None:
        """Start empty; licenses, suspensions and events are those of *register*."""
        self._register = register
        self._planned: set[tuple[str, int]] = set()
        self._found: dict[str, Obligation] = {}
        self._reports: dict[tuple[str, str], KeptReport] = {}

    async def unplanned(self, most: int, *, licensee: str = "") -> tuple[License, ...]:
        """Licenses whose duties were not planned; see the port."""
        found = [
            each
            for each in self._register.unrevoked()
            if (each.id, each.version) not in self._planned
            and (each.id, each.version) not in self._register.amendments
            and not each.id.startswith(BY_FETCH)
            and licensee in {"", each.licensee}
        ]
        return tuple(sorted(found, key=lambda each: (each.id, each.version))[:most])

    async def plan(self, license: License, duties: Sequence[Obligation]) -> int:
        """Keep those that are not there yet; how many were kept."""
        self._planned.add((license.id, license.version))
        return self._add(duties)

    def _add(self, duties: Sequence[Obligation]) -> int:
        before = len(self._found)
        for each in duties:
            self._found.setdefault(each.id, each)
        return len(self._found) - before

    async def get(self, id: str) -> Obligation | None:
        """The duty of that id."""
        return self._found.get(id)

    async def of(self, licensee: str, site: str) -> tuple[Obligation, ...]:
        """Every duty of *licensee* on *site*, the earliest deadline first."""
        return tuple(each for each in self._sorted() if (each.licensee, each.site) == (licensee, site))

    async def of_license(self, license: str) -> tuple[Obligation, ...]:
        """Every duty of *license*, the earliest deadline first."""
        return tuple(each for each in self._sorted() if each.license == license)

    async def unmet(self, until: int, most: int) -> tuple[Obligation, ...]:
        """Those still to be handed in by *until*; see the port."""
        standing = {each.id for each in self._register.unrevoked()}
        found = (each for each in self._sorted() if each.unmet and each.deadline <= until)
        return tuple(each for each in found if each.license in standing)[:most]

    async def everything(
        self, most: int, behind: tuple[int, str] | None = None, *, licensee: str = ""
    ) -> tuple[Obligation, ...]:
        """Duties, the earliest deadline first; see the port."""
        found = (each for each in self._whose(licensee) if behind is None or each.place > behind)
        return tuple(islice(found, most))

    async def part(self, part: Part, now: int, most: int, *, licensee: str = "") -> tuple[Obligation, ...]:
        """Those of one part; see the port."""
        found = [each for each in self._whose(licensee) if _part(each, now) is part]
        return tuple((found[::-1] if part is Part.DONE else found)[:most])

    async def tally(
        self, now: int, soon: int, licenses: Collection[str] = (), *, licensee: str = ""
    ) -> Tally:
        """How many there are; see the port."""
        every = self._whose(licensee)
        unmet = [each.deadline for each in every if each.unmet]
        return Tally(
            sum(at <= now for at in unmet),
            sum(now < at <= soon for at in unmet),
            sum(soon < at for at in unmet),
            sum(_part(each, now) is Part.WAITING for each in every),
            len({each.license for each in every} & {*licenses}),
        )

    async def holders(self) -> tuple[str, ...]:
        """The licensees that have a duty."""
        return tuple(sorted({each.licensee for each in self._found.values()}))

    async def put(
        self,
        old_version: str,
        new: Obligation,
        *,
        at: int,
        report: TransparencyReport | None = None,
        also: Sequence[Obligation] = (),
        events: Sequence[Event] = (),
    ) -> bool:
        """Keep *new* if *old_version* stands there, with all that comes of it; see the port."""
        before = self._found.get(new.id)
        if before is None or before.version != old_version:
            return False
        self._found[new.id] = new
        if report is not None:
            self._reports[new.id, report.sha256] = KeptReport(new.id, new.license, at, report)
        self._add(also)
        self._register.happened.keep(events)
        if not new.unmet:
            self._register.lift_cause(new.license, new.id, at)
        return True

    async def suspend(self, duty: Obligation, said: str, at: int) -> bool:
        """Suspend the license of *duty* for it; see the port."""
        before = self._found.get(duty.id)
        if before is None or before.version != duty.version:
            return False
        return self._register.put_cause(duty.license, duty.id, said, at)

    async def tell(self, events: Sequence[Event]) -> None:
        """Keep *events*, each id once."""
        self._register.happened.keep(events)

    async def reports(self, license: str) -> tuple[KeptReport, ...]:
        """The reports of *license*, oldest first."""
        found = [each for each in self._reports.values() if each.license == license]
        return tuple(sorted(found, key=lambda each: (each.at, each.duty, each.report.sha256)))

    def _sorted(self) -> list[Obligation]:
        return sorted(self._found.values(), key=lambda each: each.place)

    def _whose(self, licensee: str) -> list[Obligation]:
        return [each for each in self._sorted() if licensee in {"", each.licensee}]


def _part(duty: Obligation, now: int) -> Part:
    if duty.unmet:
        return Part.UNMET
    return Part.WAITING if waits_until(duty) > now else Part.DONE


class MemoryAudits:
    """Audits by id."""

    def __init__(self, register: MemoryRegister) -> None:
        """Start empty; events go where those of *register* go."""
        self._register = register
        self._found: dict[str, AuditCase] = {}

    async def put(
        self, old_version: str, new: AuditCase, *, seen: int = 0, events: Sequence[Event] = ()
    ) -> bool:
        """Keep *new* if *old_version* stands there, or if it is the next of its license; see the port."""
        before = self._found.get(new.id)
        if (before.version if before else "") != old_version:
            return False
        if before is None and len(await self.of_license(new.license)) != seen:
            return False
        self._found[new.id] = new
        self._register.happened.keep(events)
        return True

    async def get(self, id: str) -> AuditCase | None:
        """The audit of that id."""
        return self._found.get(id)

    async def of(self, licensee: str, site: str) -> tuple[AuditCase, ...]:
        """Every audit of *licensee* on *site*, oldest first."""
        return tuple(each for each in self._sorted() if (each.licensee, each.site) == (licensee, site))

    async def of_license(self, license: str) -> tuple[AuditCase, ...]:
        """Every audit of *license*, oldest first."""
        return tuple(each for each in self._sorted() if each.license == license)

    async def everything(self, most: int) -> tuple[AuditCase, ...]:
        """Audits, the newest first; see the port."""
        return tuple(sorted(self._found.values(), key=lambda each: (-each.requested_at, each.id))[:most])

    async def listed(self, most: int, behind: tuple[int, int, str] | None = None) -> tuple[AuditCase, ...]:
        """Audits that are not over first; see the port."""
        found = [each for each in self._found.values() if behind is None or each.place < behind]
        return tuple(sorted(found, key=lambda each: each.place, reverse=True)[:most])

    def _sorted(self) -> list[AuditCase]:
        return sorted(self._found.values(), key=lambda each: (each.requested_at, each.id))
