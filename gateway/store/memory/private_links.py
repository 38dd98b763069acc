"""`licenses.private_links.PrivateLinks` in memory."""

from __future__ import annotations

from dataclasses import replace

from gateway.licenses.negotiations import Negotiations
from gateway.licenses.private_links import BY_MAIL, PrivateLink


class MemoryPrivateLinks:
    """Pages by the id of their negotiation, which has to be in *negotiations*."""

    def __init__(self, negotiations: Negotiations) -> None:
        """Start empty."""
        self._negotiations = negotiations
        self._found: dict[str, PrivateLink] = {}

    async def add(self, link: PrivateLink) -> bool:
        """Keep a new one; see the port."""
        there = await self._negotiations.get(link.negotiation)
        if there is None or link.negotiation in self._found or await self.by_link(link.link):
            return False
        self._found[link.negotiation] = link
        return True

    async def by_link(self, link: str) -> PrivateLink | None:
        """The one whose link has that SHA-256."""
        return next((each for each in self._found.values() if each.link == link), None)

    async def of(self, negotiation: str) -> PrivateLink | None:
        """The one of that negotiation."""
        return self._found.get(negotiation)

    async def mailed(self, negotiation: str, mail: str, until: int) -> bool:
        """Keep what was mailed; see the port."""
        if negotiation not in self._found:
            return False
        self._found[negotiation] = replace(self._found[negotiation], mail=mail, mail_until=until)
        return True

    async def answered(self, mail: str, at: int) -> PrivateLink | None:
        """Take the token in a mail; see the port."""
        found = next((each for each in self._found.values() if mail and each.mail == mail), None)
        if found is None or at >= found.mail_until:
            return None
        self._found[found.negotiation] = replace(found, mail="", mail_until=0)
        return await self.verify(found.negotiation, BY_MAIL, at)

    async def verify(self, negotiation: str, by: str, at: int) -> PrivateLink | None:
        """Keep that somebody is known behind it; see the port."""
        found = self._found.get(negotiation)
        if found is not None and not found.verified:
            found = self._found[negotiation] = replace(found, verified_at=at, verified_by=by)
        return found
