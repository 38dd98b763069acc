"""The office's round over everything that is due."""

from __future__ import annotations

from gateway.app.duty_round import DutyRound
from gateway.clock import HandClock
from gateway.licenses.duty_book import DutyBook
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.obligations import DAY
from gateway.store.memory.duties import MemoryDuties
from gateway.store.memory.evidence import MemoryEvidence
from gateway.store.memory.register import MemoryRegister
from gateway.terms.license_terms import Compensation, LicenseTerms, Purpose, Scope


async def test_a_round_plans_every_license_and_suspends_what_is_late():
    clock, register = HandClock(), MemoryRegister()
    now = clock.now_us() // 1_000_000
    await register.add_licensee(
        Licensee("le_1", "Example AI", Standing.ACTIVE, now), Client("cl_1", "le_1", "", now)
    )
    terms = LicenseTerms(Scope((), ()), Purpose(frozenset()), Compensation("USD"))
    for nth in range(250):
        license = License(
            f"li_{nth:03}", "le_1", "journal", f"o{nth}", terms, "p", now, now + (nth + 1) * 86_400 * 100
        )
        await register.grant(license, spent=[f"li_{each:03}" for each in range(nth)])
    duties = MemoryDuties(register)
    book = DutyBook(duties, register, MemoryEvidence())
    act = DutyRound(book, clock).act
    await act()
    assert await duties.unplanned(1) == ()
    first = (await duties.everything(1))[0]
    clock.advance(first.due_at + 30 * DAY - now)
    await act()
    await act()
    late = [each.license for each in await duties.everything(10**6) if each.due_at <= first.due_at]
    assert [license for license, _ in (await register.revocations()).suspended] == sorted(late)
    types = [each.type for each in (kept.event for kept in register.happened.kept())]
    assert types.count("license.suspended") == len(late) > 1
