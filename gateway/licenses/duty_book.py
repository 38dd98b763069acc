"""What licensees and creators do about duties: each act kept whole, with everything that comes of it.

The desk, the commands, the dashboard and the office's timer act through this and
through nothing else. An act is made on the version of a duty that its maker
read; one made on another version changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from gateway.licenses.duties import Duties
from gateway.licenses.duty_events import DELIVERED, duty_event, judged_event
from gateway.licenses.evidence_shelf import EvidenceShelf
from gateway.licenses.ingestion import Ingestion
from gateway.licenses.license import License
from gateway.licenses.obligations import (
    LONGEST_WHY,
    Evidence,
    Kind,
    Obligation,
    State,
    Stated,
    accepted,
    delivered,
    excused,
    late_sentence,
    rejected,
    reminder,
    schedule,
    suspends,
    too_early,
)
from gateway.licenses.output_review import Vetoed, vetoed
from gateway.licenses.rates import NONE, KnownRates, Rates
from gateway.licenses.register import LicenseRegister
from gateway.licenses.report_doubts import doubts
from gateway.licenses.transparency import (
    ReportedAmount,
    TransparencyReport,
    outside,
    reported_amounts,
)
from gateway.problems import Problem, Refusal

#: Seconds before a deadline from which something may be said about it.
_AHEAD: Final = 14 * 86_400
#: How many duties that wait are looked at in one round.
_MOST: Final = 50_000


@dataclass(frozen=True, slots=True)
class Judged:
    """What a report makes due, content in it that the license does not cover, and what does not fit the journal."""

    amounts: tuple[ReportedAmount, ...] = ()
    outside: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DutyBook:
    """The ports that acts on duties need, and the acts. Each raises `StoreUnavailable`."""

    duties: Duties
    register: LicenseRegister
    shelf: EvidenceShelf
    known_rates: KnownRates | None = None
    ingestion: Ingestion | None = None

    async def rates(self) -> Rates:
        """What other currencies are worth."""
        return await self.known_rates.rates() if self.known_rates else NONE

    async def judged(self, report: TransparencyReport, license: License) -> Judged:
        """What *report* of *license* makes due, and what in it is to be asked about."""
        fetched = await self.ingestion.fetched(license.id) if self.ingestion else None
        return Judged(
            reported_amounts(report, license.terms, await self.rates()),
            outside(report, license.terms),
            doubts(report, fetched) if fetched is not None else (),
        )

    async def hand_in(
        self,
        before: Obligation,
        version: str,
        octets: bytes,
        evidence: Evidence,
        now: int,
        *,
        report: TransparencyReport | None = None,
    ) -> Obligation | Refusal:
        """Keep *octets*, of which *evidence* tells, as what *before* asks for; a report brings further duties.

        The same document again is the same act, whatever *version* it was made on.
        """
        license = await self.register.license(before.license)
        assert license is not None, "a foreign key holds it"
        if version != before.version:
            return _heard(before, evidence)
        early = too_early(before, now)
        if early is not None:
            return early
        after = delivered(before, evidence, now)
        if isinstance(after, Refusal) or after is before:
            return after
        # A row never names a document that is not there.
        await self.shelf.keep(octets)
        stated = Stated(
            releases=report.releases if report else (),
            insured_until=(evidence.holds_until,) if evidence.holds_until else (),
        )
        brought = [
            each for each in schedule(license, stated) if each.kind in {Kind.MODEL_CARD, Kind.INSURANCE}
        ]
        told = duty_event(after, DELIVERED, now)
        kept = await self.duties.put(
            before.version, after, at=now, report=report, also=brought, events=[told]
        )
        return after if kept else _heard(await self.duties.get(before.id) or before, evidence)

    async def accept(self, id: str, now: int, *, version: str = "") -> Obligation | Refusal:
        """Accept what was handed in."""
        found = await self._found(id, version)
        return found if isinstance(found, Refusal) else await self._kept(found, accepted(found), now)

    async def reject(self, id: str, why: str, now: int, *, version: str = "") -> Obligation | Refusal:
        """Turn back what was handed in, because *why*; samples of output are vetoed instead."""
        found = await self._found(id, version, why)
        if isinstance(found, Refusal):
            return found
        if found.kind is Kind.OUTPUT_SAMPLES:
            return Refusal(Problem.DUTY_OVER, "Samples of output are vetoed, and the veto names which.")
        return await self._kept(found, rejected(found, why.strip(), now), now)

    async def excuse(self, id: str, why: str, now: int, *, version: str = "") -> Obligation | Refusal:
        """Waive a duty, because *why*; a license that it suspended holds again."""
        found = await self._found(id, version, why)
        return (
            found if isinstance(found, Refusal) else await self._kept(found, excused(found, why.strip()), now)
        )

    async def veto(
        self, id: str, samples: Sequence[int], why: str, now: int, *, version: str = ""
    ) -> Obligation | Refusal:
        """Object to *samples* of what was handed in, by number from 1; the licensee has to answer."""
        found = await self._found(id, version, why)
        if isinstance(found, Refusal):
            return found
        license = await self.register.license(found.license)
        assert license is not None, "a foreign key holds it"
        handed_over = await self._samples(found)
        veto = vetoed(found, license, samples, why, now, handed_over=handed_over)
        if not isinstance(veto, Vetoed):
            return veto
        return await self._kept(found, veto.samples, now, also=[veto.answer])

    async def remind_and_suspend(self, now: int) -> int:
        """Say what is to be said at *now* about duties that wait, and suspend what one of them suspends.

        How many licenses were suspended. Doing it again changes nothing more.
        """
        waiting = await self.duties.unmet(now + _AHEAD, _MOST)
        reached = [(duty, reminder(duty, now)) for duty in waiting]
        said = [
            duty_event(duty, each.type, now, stage=each.stage) for duty, each in reached if each is not None
        ]
        # A reminder before what it warns of: whoever hands in on hearing of the suspension is reminded no more.
        if said:
            await self.duties.tell(said)
        suspended = 0
        for duty in waiting:
            if suspends(duty, now) and not await self._is_cause(duty):
                suspended += await self.duties.suspend(duty, late_sentence(duty), now)
        return suspended

    async def _is_cause(self, duty: Obligation) -> bool:
        standing = await self.register.suspensions(duty.license)
        return any(each.cause == duty.id and each.stands for each in standing)

    async def _found(self, id: str, version: str, why: str | None = None) -> Obligation | Refusal:
        found = await self.duties.get(id)
        if found is None:
            return Refusal(Problem.NOT_FOUND, "There is no duty of that id.")
        if version and version != found.version:
            return outdated(found)
        fit = why is None or (
            why.strip() and len(why) <= LONGEST_WHY and why.replace("\n", " ").isprintable()
        )
        return found if fit else Refusal(
            Problem.DOCUMENT_INVALID, f"A reason is a text of at most {LONGEST_WHY} characters."
        )  # fmt: skip

    async def _kept(
        self, before: Obligation, after: Obligation | Refusal, now: int, *, also: Sequence[Obligation] = ()
    ) -> Obligation | Refusal:
        if isinstance(after, Refusal):
            return after
        told = judged_event(after, now)
        kept = await self.duties.put(before.version, after, at=now, also=also, events=[told])
        return after if kept else outdated(await self.duties.get(before.id) or before)

    async def _samples(self, duty: Obligation) -> int:
        octets = await self.shelf.read(duty.evidence[-1].sha256) if duty.evidence else None
        if octets is None:
            return 0
        found = orjson.loads(octets)
        return len(found.get("samples", ())) if isinstance(found, dict) else 0


def _heard(found: Obligation, evidence: Evidence) -> Obligation | Refusal:
    """*found*, where *evidence* is what it was met by already; else that it changed."""
    came = found.state is State.DELIVERED and found.evidence[-1].sha256 == evidence.sha256
    return found if came else outdated(found)


def outdated(found: Obligation) -> Refusal:
    """The refusal of an act on another version than *found*'s; it tells the one that stands."""
    return Refusal(
        Problem.VERSION_OUTDATED,
        f"The duty is {found.state} by now.",
        facts=(("version", found.version), ("state", str(found.state))),
    )
