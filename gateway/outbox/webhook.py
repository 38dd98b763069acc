"""One event as a webhook: Standard Webhooks 1.0 (the specification of that name, version 1.0.0).

The body is ``{"type", "timestamp", "data"}``, the same octets at every attempt.
``webhook-id`` is the event's id, ``webhook-timestamp`` the second of the
attempt, and ``webhook-signature`` holds one ``v1`` (HMAC with SHA-256) for each
secret that is valid then, so that a receiver changes over without losing any.

Secrets are nowhere kept: each is derived from the root secret of the data folder
(mode 0600), the endpoint's id and how often it was changed.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from standardwebhooks import Webhook

from gateway.event import Event
from gateway.outbox.endpoints import Endpoint

#: What an endpoint is asked that has yet to show whose it is, and what `licet outbox test` sends.
PING: Final = "endpoint.ping"
PREFIX: Final = "whsec_"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What endpoints' secrets are derived from: at least 32 octets. The repr hides them."""

    root: bytes = field(repr=False)

    def secret(self, endpoint: str, generation: int) -> str:
        """The secret of that generation, as its receiver writes it down: ``whsec_`` and base64 of 32 octets."""
        made = self._derived("secret", endpoint, str(generation))
        return PREFIX + base64.b64encode(made).decode("ascii")

    def challenge(self, endpoint: Endpoint) -> str:
        """What only who reads at the URL of *endpoint* can know."""
        return self._derived("challenge", endpoint.id, endpoint.url).hex()[:32]

    def _derived(self, *about: str) -> bytes:
        return hmac.digest(self.root, "\x1f".join(("licet webhook", *about)).encode(), hashlib.sha256)


def document(event: Event, origin: str = "") -> dict[str, object]:
    """What is told of *event*; with the public *origin* of its site its path becomes a URL too."""
    data: dict[str, object] = {**event.body, "site": event.site, "licensee": event.licensee}
    path = event.body.get("path")
    if origin and isinstance(path, str):
        data["url"] = origin + path
    return {"type": event.type, "timestamp": _time(event.at), "data": data}


def message(event: Event, origin: str = "") -> bytes:
    """The body of the webhook that tells of *event*; see `document`."""
    return orjson.dumps(document(event, origin))


def ping(endpoint: Endpoint, challenge: str, at: int) -> tuple[str, bytes]:
    """The id and the body by which *endpoint* is asked whether its owner reads there."""
    confirm = f"/.licet/webhooks/{endpoint.id}/verification" if endpoint.licensee else ""
    data = {"endpoint": endpoint.id, "challenge": challenge, "confirm": endpoint.origin + confirm}
    told = orjson.dumps({"type": PING, "timestamp": _time(at), "data": data})
    return f"ev_{hashlib.sha256(told).hexdigest()[:32]}", told


def signed(id: str, body: bytes, secrets: tuple[str, ...], now: int) -> Mapping[str, str]:
    """The header fields of *body* as the message *id*, signed at *now* with each of *secrets*."""
    at, text = dt.datetime.fromtimestamp(now, dt.UTC), body.decode("utf-8")
    return {
        "webhook-id": id,
        "webhook-timestamp": str(now),
        "webhook-signature": " ".join(Webhook(each).sign(id, at, text) for each in secrets),
    }


def _time(at: int) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
