"""The acts of a creator who takes back: see whom it concerns, issue, lift; each kept with what it tells others.

What decides is pure (`withdrawal`, `removal`); here the ports are asked in order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import uuid_utils

from gateway.event import Event, event
from gateway.licenses.license import License, Licensee
from gateway.licenses.register import LicenseRegister
from gateway.licenses.removal import Removal, concerned, lifted, reminded, told
from gateway.licenses.withdrawal import Withdrawal, readmitted
from gateway.licenses.withdrawal_effects import Effect, effects
from gateway.licenses.withdrawals import Withdrawals
from gateway.paths import Ambiguous, PathScope, canonical

Owned = tuple[tuple[str, tuple[PathScope, ...]], ...]
#: Removals that one round of reminders looks at.
_ROUND: Final = 500


def withdrawal_id(now_us: int) -> str:
    """A new opaque id; they sort by time."""
    return f"wd_{uuid_utils.uuid7(nanoseconds=now_us * 1000).hex}"


class TakingBack:
    """Issues and lifts withdrawals of the sites of one gateway."""

    def __init__(self, store: Withdrawals, register: LicenseRegister) -> None:
        """Keep in *store*, and find who holds a license in *register*."""
        self.store, self._register = store, register

    async def located(self, withdrawal: Withdrawal) -> Withdrawal:
        """The same with the paths at which its digests were delivered, as far as the journal is folded."""
        if not withdrawal.digests:
            return withdrawal
        copies = await self.store.copies(withdrawal.site, withdrawal.digests)
        found = [PathScope(each.path) for each in copies if _is_scope(each.path)]
        return replace(withdrawal, paths=tuple(dict.fromkeys((*withdrawal.paths, *found))))

    async def concerned(self, withdrawal: Withdrawal, owned: Owned, now: int) -> tuple[Removal, ...]:
        """What each licensee would be told of it at *now*; *owned* are the paths of the policy's works."""
        if withdrawal.hold:
            return ()
        copies = await self.store.copies(withdrawal.site)
        licenses: list[License] = []
        for licensee in await self._register.licensees():
            licenses += await self._register.licenses_of(licensee.id)
        return concerned(withdrawal, copies, licenses, owned, now)

    async def effects(self, withdrawal: Withdrawal, owned: Owned, now: int) -> tuple[Effect, ...]:
        """What it would do to each license that runs at *now* and is not revoked."""
        revoked = (await self._register.revocations()).licenses
        licenses: list[License] = []
        for licensee in await self._register.licensees():
            licenses += await self._register.licenses_of(licensee.id)
        return effects(withdrawal, (each for each in licenses if each.id not in revoked), owned, now)

    async def holders(self, now: int) -> tuple[Licensee, ...]:
        """The licensees that hold a license which has not ended at *now*."""
        return tuple(
            [
                each
                for each in await self._register.licensees()
                if any(now < held.ends_at for held in await self._register.licenses_of(each.id))
            ]
        )

    async def names(self) -> dict[str, str]:
        """What each licensee is called, by id."""
        return {each.id: each.name for each in await self._register.licensees()}

    async def issue(self, withdrawal: Withdrawal, owned: Owned, now: int) -> tuple[Removal, ...]:
        """Keep it, with a notice to everybody whom it concerns; gives the notices. Raises `ValueError` for an id twice."""
        removals = await self.concerned(withdrawal, owned, now)
        events = [_own("withdrawal.issued", withdrawal, now), *(told(each, withdrawal) for each in removals)]
        if not await self.store.issue(withdrawal, removals, events=events):
            raise ValueError(f"there is another withdrawal {withdrawal.id}")
        return removals

    async def lift(self, id: str, by: str, now: int) -> Withdrawal | None:
        """Readmit what the withdrawal *id* took back; None where it is not in force."""
        before = await self.store.get(id)
        after = readmitted(before, now) if before else None
        if after is None:
            return None
        removals = [lifted(each, by, now) for each in await self.store.removals(id)]
        type = "withdrawal.hold_lifted" if after.hold else "withdrawal.readmitted"
        events = [_own(type, after, now), *(told(each, after) for each in removals)]
        return after if await self.store.lift(after, removals, events=events) else None

    async def remind(self, now: int) -> int:
        """Tell everybody whose plan is soon or over due, once each; gives how many were told."""
        count = 0
        for before in await self.store.waiting(_ROUND):
            after = reminded(before, now)
            withdrawal = await self.store.get(before.withdrawal) if after is not before else None
            if withdrawal is not None:
                count += await self.store.change(after, events=[told(after, withdrawal)])
        return count

    async def hold(self, cause: str, wanted: Withdrawal | None, now: int, *, by: str, site: str) -> None:
        """Have exactly *wanted*, a hold of *site* for this *cause*, in force, or none; nothing where it is so already."""
        standing = [
            each
            for each in await self.store.in_force(now)
            if each.hold and (each.cause, each.site) == (cause, site)
        ]
        if wanted is not None and not any(_same(each, wanted) for each in standing):
            await self.store.issue(wanted)
        # Lifted after another is in force: no moment is without one.
        for each in standing:
            if wanted is None or not _same(each, wanted):
                await self.lift(each.id, by, now)


def _own(type: str, withdrawal: Withdrawal, now: int) -> Event:
    """What the operator is told: no name of a licensee, and no reason that is private."""
    body: dict[str, object] = {
        "withdrawal": withdrawal.id,
        "uses": sorted(withdrawal.uses),
        "since": withdrawal.since,
        "works": list(withdrawal.works),
        "bundle": withdrawal.bundle,
        "readmitted_at": withdrawal.readmitted_at,
    }
    return event(type, at=now, site=withdrawal.site, subject=withdrawal.id, nth="owner", body=body)


def _same(one: Withdrawal, other: Withdrawal) -> bool:
    return (one.works, one.paths, one.uses) == (other.works, other.paths, other.uses)


def _is_scope(path: str) -> bool:
    """Whether a path of the journal has one reading and no star, so that it is a scope of its own."""
    return "*" not in path and not isinstance(canonical(path), Ambiguous)
