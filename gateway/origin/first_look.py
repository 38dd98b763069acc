"""Does the creator's own server answer? One question before a gateway is put in front of it."""

from __future__ import annotations

from gateway.finding import Finding
from gateway.origin.small import fetch_small
from gateway.problems import Refusal

#: Seconds for an answer, so that whoever fills in a form does not wait for a server that is not there.
SECONDS = 3.0


async def first_look(origin: str) -> Finding:
    """Whether the server at *origin* answers, and is no gateway itself; never raises."""
    home = await fetch_small(origin, "/", seconds=SECONDS)
    if isinstance(home, Refusal):
        why = home.private.removeprefix(f"{origin}: ") or home.detail
        return Finding("origin", "warn", f"{origin} does not answer: {why}", "start your server, or correct the address")  # fmt: skip
    if "application/problem+json" in home.content_type:
        step = "name your own server, not Licet"
        return Finding("origin", "warn", f"{origin} answers like a gateway", step)
    if home.status >= 400:
        step = "if that is meant, go on; else look at its log, or correct the address"
        return Finding("origin", "warn", f"{origin} answers {home.status}", step)
    return Finding("origin", "ok", f"{origin} answers {home.status}")
