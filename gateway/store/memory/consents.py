"""`licenses.consents.Consents` in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.event import Event
from gateway.licenses.consent import Consent
from gateway.store.memory.events import Happened
from gateway.store.memory.tables import behind


class MemoryConsents:
    """Consents by id."""

    def __init__(self, happened: Happened | None = None) -> None:
        """Start empty; events go to *happened*."""
        self._happened = happened or Happened()
        self._found: dict[str, Consent] = {}

    async def add(self, consent: Consent, *, events: Sequence[Event] = ()) -> bool:
        """Keep that an author is asked; see the port."""
        new = consent.site, consent.work, consent.author
        if consent.id in self._found or any(
            (each.site, each.work, each.author) == new or each.secret_sha256 == consent.secret_sha256
            for each in self._found.values()
        ):
            return False
        self._found[consent.id] = consent
        self._happened.keep(events)
        return True

    async def change(self, consent: Consent, *, events: Sequence[Event] = ()) -> bool:
        """Keep another version; see the port."""
        before = self._found.get(consent.id)
        if before is None or before.version != consent.version - 1:
            return False
        self._found[consent.id] = consent
        self._happened.keep(events)
        return True

    async def remove(self, id: str) -> Consent | None:
        """Ask that author no more."""
        return self._found.pop(id, None)

    async def by_secret(self, digest: str) -> Consent | None:
        """Whose link it is."""
        return next((each for each in self._found.values() if each.secret_sha256 == digest), None)

    async def of_work(self, site: str, work: str) -> tuple[Consent, ...]:
        """Everybody who is asked about a work."""
        found = (each for each in self._found.values() if (each.site, each.work) == (site, work))
        return tuple(sorted(found, key=lambda each: each.id))

    async def all(self, most: int, after: str = "") -> tuple[Consent, ...]:
        """Everybody who is asked, by site and work; see the port."""
        found = sorted(self._found.values(), key=lambda each: (each.site, each.work, each.id))
        return behind(found, after)[:most]
