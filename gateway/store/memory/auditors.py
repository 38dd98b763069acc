"""`licenses.auditors.Auditors` in memory."""

from __future__ import annotations

from dataclasses import replace

from gateway.licenses.auditors import Auditor, Look


class MemoryAuditors:
    """Auditors by id, and their looks in order."""

    def __init__(self) -> None:
        """Start empty."""
        self._found: dict[str, Auditor] = {}
        self._looks: list[Look] = []

    async def add(self, auditor: Auditor) -> bool:
        """Keep a new one; see the port."""
        if auditor.id in self._found or await self.by_secret(auditor.secret_sha256):
            return False
        self._found[auditor.id] = auditor
        return True

    async def by_secret(self, sha256: str) -> Auditor | None:
        """The one whose secret has that hash."""
        return next((each for each in self._found.values() if each.secret_sha256 == sha256), None)

    async def all(self) -> tuple[Auditor, ...]:
        """Every one, the latest first."""
        return tuple(sorted(self._found.values(), key=lambda each: (each.made_at, each.id), reverse=True))

    async def revoke(self, id: str, at: int) -> bool:
        """End an access; see the port."""
        found = self._found.get(id)
        if found is None or found.revoked_at:
            return False
        self._found[id] = replace(found, revoked_at=at)
        return True

    async def looked(self, look: Look) -> None:
        """Keep that an auditor looked."""
        last = self._looks[-1].nth if self._looks else 0
        self._looks.append(replace(look, nth=last + 1))

    async def looks(self, auditor: str, most: int, before: int = 0) -> tuple[Look, ...]:
        """The latest looks first; see the port."""
        found = (each for each in reversed(self._looks) if not before or each.nth < before)
        return tuple(each for each in found if auditor in {"", each.auditor})[:most]

    async def forget_looks(self, before: int) -> int:
        """Forget looks from before second *before*."""
        kept = [each for each in self._looks if each.at >= before]
        gone, self._looks = len(self._looks) - len(kept), kept
        return gone
