"""`licenses.lives.Lives` in memory, on the licenses of a register in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.event import Event
from gateway.licenses.exclusivity import Conflict
from gateway.licenses.license import License
from gateway.licenses.life import cut, follows, warned_from
from gateway.licenses.life_events import expired, expiring
from gateway.store.memory.register import MemoryRegister


class MemoryLives:
    """Every version of every license, and how it ends."""

    def __init__(self, register: MemoryRegister) -> None:
        """Keep versions beside the licenses of *register*."""
        self._register = register
        self._agreements: dict[str, tuple[str, int]] = {}

    async def versions(self, license_id: str) -> tuple[License, ...]:
        """Every version of a license, in order."""
        return tuple(self._register.versions_of(license_id))

    async def put_version(
        self, new: License, agreement: str, *, events: Sequence[Event] = ()
    ) -> License | Conflict | None:
        """Keep *new* as the next version of its license; see the port."""
        made = await self.made_by(agreement)
        if made is not None:
            return made
        register = self._register
        versions = register.versions_of(new.id)
        if not versions or not follows(versions[-1], new) or register.is_revoked(new.id):
            return None
        taken = register.conflict_with(new)
        if taken is not None:
            return taken
        last = cut(versions[-1], new)
        if last != versions[-1]:
            register.change_version(last)
            register.ended[last.id, last.version] = new.starts_at
            register.amendments.add((new.id, new.version))
        register.later.setdefault(new.id, []).append(new)
        self._agreements[agreement] = (new.id, new.version)
        register.happened.keep(events)
        return new

    async def made_by(self, agreement: str) -> License | None:
        """The version that *agreement* made."""
        id, version = self._agreements.get(agreement, ("", 0))
        return next((each for each in self._register.versions_of(id) if each.version == version), None)

    async def expire(self, now: int, most: int) -> tuple[License, ...]:
        """End what ran out by *now*; see the port."""
        found = [each for each in self._running() if each.ends_at <= now][:most]
        for each in found:
            self._register.ended[each.id, each.version] = max(now, 1)
            if self._is_last(each) and not self._register.is_revoked(each.id):
                self._register.happened.keep([expired(each, now)])
        return tuple(found)

    async def warn(self, now: int, most: int) -> tuple[License, ...]:
        """Mark what ends soon; see the port."""
        found = [
            each
            for each in self._running()
            if warned_from(each) <= now < each.ends_at
            and (each.id, each.version) not in self._register.warned
            and self._is_last(each)
            and not self._register.is_revoked(each.id)
        ][:most]
        self._register.warned.update((each.id, each.version) for each in found)
        self._register.happened.keep(expiring(each, now) for each in found)
        return tuple(found)

    def _running(self) -> list[License]:
        every = self._register.every_version()
        running = [each for each in every if (each.id, each.version) not in self._register.ended]
        return sorted(running, key=lambda each: (each.ends_at, each.id))

    def _is_last(self, license: License) -> bool:
        return self._register.versions_of(license.id)[-1].version == license.version
