"""Telling billing systems, as the outbox tells everybody: again until it is heard, and once in effect.

A system's answer decides: 2xx is heard; 409, and Lago's 422, say that it was heard
before; another 4xx that names the request says that it never will be (``licet
outbox list`` shows it); anything else is tried again. What Stripe did not answer
is not sent again once Stripe may have forgotten that it heard it: then somebody
has to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from urllib.parse import urlencode

import orjson

from gateway.clock import Clock
from gateway.egress import Posted, Unfetched
from gateway.outbox.billing_payloads import STRIPE_DAYS, Sending, Unsendable, sendings
from gateway.outbox.courier import Outcome, Said
from gateway.outbox.endpoints import Endpoint
from gateway.outbox.events import Happening
from gateway.outbox.export_settings import ExportSettings

SECONDS: Final = 15.0
_LIMIT: Final = 64 * 1024
#: Seconds for which Stripe remembers an identifier, less an hour.
_REMEMBERED: Final = 23 * 3600
_HEARD_BEFORE: Final[Mapping[str, frozenset[int]]] = {
    "lago": frozenset({409, 422}), "openmeter": frozenset({409}), "stripe": frozenset(),
}  # fmt: skip
_NEVER: Final = frozenset({400, 413, 415, 422})


class Post(Protocol):
    """The guarded way out, as `egress.Egress.post` is one."""

    async def __call__(
        self,
        url: str,
        body: bytes,
        *,
        media_type: str,
        headers: Mapping[str, str],
        limit: int,
        seconds: float,
    ) -> Posted | Unfetched:
        """POST a body, or say why nothing came back."""
        ...


@dataclass(frozen=True, slots=True)
class Export:
    """One billing system: its settings, its key and the way out to it. The repr hides the key."""

    settings: ExportSettings
    post: Post
    key: str = field(default="", repr=False)


class BillingExports:
    """A transport of the outbox: tells the endpoints whose URL begins with the kind of a billing system."""

    def __init__(self, exports: Mapping[str, Export], clock: Clock) -> None:
        """Tell *exports*, by the ids of their endpoints."""
        self._exports, self._clock = exports, clock

    async def tell(self, endpoint: Endpoint, happening: Happening) -> Outcome:
        """Send what *happening* is there."""
        export = self._exports.get(endpoint.id)
        if export is None:
            return Outcome(Said.GONE, why="the settings name no such system any more")
        event, kind = happening.event, export.settings.kind
        wanted = sendings(event, export.settings)
        if isinstance(wanted, Unsendable):
            return Outcome(Said.NEVER, why=wanted.why)
        now = self._clock.now_us() // 1_000_000
        if kind == "stripe" and event.type == "usage.counted" and now > event.at + STRIPE_DAYS * 86_400:
            return Outcome(Said.NEVER, why=f"Stripe takes no usage older than {STRIPE_DAYS} days")
        if kind == "stripe" and endpoint.tries and now > event.at + _REMEMBERED:
            why = "what came of it is not known, and Stripe may have forgotten it: look there, and enter it by hand"
            return Outcome(Said.NEVER, why=why)
        outcome, answered = Outcome(Said.TOLD), ""
        for each in wanted:
            outcome, answered = await self._sent(export, _with(each, answered))
            if outcome.said is not Said.TOLD:
                break
        return outcome

    async def _sent(self, export: Export, sending: Sending) -> tuple[Outcome, str]:
        headers = {**sending.headers, **({"Authorization": f"Bearer {export.key}"} if export.key else {})}
        answer = await export.post(
            export.settings.url + sending.path, sending.body, media_type=sending.media_type, headers=headers,
            limit=_LIMIT, seconds=SECONDS,
        )  # fmt: skip
        if isinstance(answer, Unfetched):
            why = f"{answer.why}: {answer.detail}" if answer.detail else answer.why
            return Outcome(Said.LATER, why=why), ""
        if 200 <= answer.status < 300:
            return Outcome(Said.TOLD, answer.status), _id(answer.body)
        if answer.status in _HEARD_BEFORE[export.settings.kind]:
            return Outcome(Said.TOLD, answer.status, "it was heard before"), ""
        said = Said.NEVER if answer.status in _NEVER else Said.LATER
        return Outcome(said, answer.status, f"status {answer.status}"), ""


def _with(sending: Sending, answered: str) -> Sending:
    """The request with the id that the one before it was answered."""
    if not sending.takes:
        return sending
    return replace(sending, body=sending.body + b"&" + urlencode({sending.takes: answered}).encode("ascii"))


def _id(body: bytes) -> str:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    id = told.get("id") if isinstance(told, dict) else None
    return id if isinstance(id, str) and id.isascii() and id.isprintable() else ""
