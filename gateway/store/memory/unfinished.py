"""`licenses.unfinished.Unfinished` in memory."""

from __future__ import annotations

from gateway.licenses.unfinished import Purchase


class MemoryUnfinished:
    """Keeps purchases until they are done."""

    def __init__(self) -> None:
        """Begin with none."""
        self._begun: dict[str, Purchase] = {}

    async def begin(self, purchase: Purchase) -> None:
        """Keep *purchase*."""
        self._begun.setdefault(purchase.agreement, purchase)

    async def done(self, agreement: str) -> None:
        """Forget that of *agreement*."""
        self._begun.pop(agreement, None)

    async def all(self) -> tuple[Purchase, ...]:
        """What is not done."""
        return tuple(self._begun[agreement] for agreement in sorted(self._begun))
