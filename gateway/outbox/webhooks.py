"""Telling by webhook, through the one guarded way out: `gateway.egress`.

2xx alone is a success; 410 says that nobody is there any more; a redirect is a
failure and leads nowhere. What the receiver writes beside the status decides nothing;
its beginning is kept for the operator to read, its header fields are not.
"""

from __future__ import annotations

from typing import Final

from gateway.clock import Clock
from gateway.egress import Egress, Unfetched
from gateway.outbox.courier import Outcome, Said
from gateway.outbox.endpoints import Endpoint
from gateway.outbox.events import Happening
from gateway.outbox.webhook import Secrets, message, ping, signed

#: Seconds that a receiver may take.
SECONDS: Final = 10.0


class Webhooks:
    """Tells endpoints whose URL is HTTP's."""

    def __init__(self, secrets: Secrets, clock: Clock, *, strangers: Egress, own: Egress) -> None:
        """Sign by *secrets*; go out by *own* to what the operator named, by *strangers* to everybody else."""
        self._secrets, self._clock = secrets, clock
        self._strangers, self._own = strangers, own

    async def tell(self, endpoint: Endpoint, happening: Happening) -> Outcome:
        """POST the event, signed."""
        return await self._sent(endpoint, happening.event.id, message(happening.event, endpoint.origin))

    async def ping(self, endpoint: Endpoint) -> Outcome:
        """POST the challenge of *endpoint*, signed."""
        id, body = ping(endpoint, self._secrets.challenge(endpoint), self._now())
        return await self._sent(endpoint, id, body)

    async def _sent(self, endpoint: Endpoint, id: str, body: bytes) -> Outcome:
        now = self._now()
        secrets = tuple(self._secrets.secret(endpoint.id, each) for each in endpoint.generations(now))
        way = self._strangers if endpoint.licensee else self._own
        answer = await way.tell(endpoint.url, body, headers=signed(id, body, secrets, now), seconds=SECONDS)
        if isinstance(answer, Unfetched):
            return Outcome(Said.LATER, why=f"{answer.why}: {answer.detail}" if answer.detail else answer.why)
        status, text = answer.status, answer.body.decode("utf-8", "replace").replace("\0", "\ufffd")
        if 200 <= status < 300:
            return Outcome(Said.TOLD, status, answer=text)
        return Outcome(Said.GONE if status == 410 else Said.LATER, status, f"status {status}", text)

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000
