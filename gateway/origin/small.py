"""Fetch one small file of a site from the creator's own server, such as its robots.txt."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from gateway import __version__
from gateway.ask import Ask
from gateway.origin.connections import OriginLimits
from gateway.origin.delivery import OriginAborted
from gateway.origin.forwarding import HttpAnswer, HttpOrigin
from gateway.origin.routing import UpstreamError, read_upstream
from gateway.problems import Problem, Refusal

#: What RFC 9309 (September 2022, section 2.5) asks a crawler to read of a robots.txt at least.
SMALL_BYTES = 500 * 1024
#: Why there is no answer where a server sends to itself again and again.
ENDLESS = "it redirects without end"
_REDIRECTS = 5
_SECONDS = 5.0
_MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class SmallAnswer:
    """What the creator's server said: its last status, media type as sent, at most `SMALL_BYTES` of body, its fields."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)

    def field(self, name: str) -> str:
        """The values of the header field *name* (lower case), joined as RFC 9110, section 5.3, joins them."""
        return ", ".join(value for key, value in self.headers if key.lower() == name)


async def fetch_small(
    upstream: str, target: str, *, public: str = "", seconds: float = _SECONDS, proxied: str = "off"
) -> SmallAnswer | Refusal:
    """GET *target* from the server at *upstream* (`policy.rules.Site.origin`), as the site *public* is asked for.

    *public* is the site's public origin, ``https://journal.example``; "" takes
    the server's own name. At most five redirects are followed, none of them
    away from the server: one to the same host in another scheme asks this
    server again. A body beyond `SMALL_BYTES` is cut off there. *proxied* as for
    `HttpOrigin`.

    Returns:
        The answer, whatever its status; or a refusal `ORIGIN_UNREACHABLE`,
        `ORIGIN_FAILED` or `ORIGIN_TIMEOUT` (*seconds* for everything).
    """
    limits = OriginLimits(connect=seconds, first_byte=seconds, idle=seconds)
    try:
        place = read_upstream(upstream)
    except UpstreamError as error:
        return Refusal(Problem.ORIGIN_UNREACHABLE, "The site has no server.", private=str(error))
    origin = HttpOrigin(limits, proxied=proxied)
    try:
        async with asyncio.timeout(seconds):
            return await _followed(
                origin, upstream, target, public or f"{place.scheme}://{place.authority}", place.authority
            )
    except TimeoutError:
        return Refusal(Problem.ORIGIN_TIMEOUT, f"The site's own server took more than {seconds:g} seconds.")
    except OriginAborted as error:
        return _failed(str(error))
    finally:
        await origin.close()


async def _followed(
    origin: HttpOrigin, upstream: str, target: str, public: str, authority: str
) -> SmallAnswer | Refusal:
    for _ in range(_REDIRECTS + 1):
        opened = await origin.open(_plain_ask(target, public), upstream, None, ours=-1, upgrade=False)
        if isinstance(opened, Refusal):
            return opened
        with closing(opened):
            moved = _field(opened, "location") if opened.status in _MOVED else ""
            if not moved:
                return await _read(opened)
            there = urlsplit(urljoin(public + target, moved))
            if there.netloc.lower() not in {urlsplit(public).netloc.lower(), authority}:
                return _failed(f"it redirects to {there.netloc}")
            target = (there.path or "/") + (f"?{there.query}" if there.query else "")
    return _failed(ENDLESS)


async def _read(opened: HttpAnswer) -> SmallAnswer | Refusal:
    if _field(opened, "content-encoding").lower() not in {"", "identity"}:
        return _failed("it compresses what was asked for plainly")
    body = bytearray()
    async with aclosing(opened.body()) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) >= SMALL_BYTES:
                break
    return SmallAnswer(
        opened.status, _field(opened, "content-type"), bytes(body[:SMALL_BYTES]), tuple(opened.headers)
    )


def _plain_ask(target: str, public: str) -> Ask:
    return Ask(
        id="",
        asked_at_us=0,
        site="",
        origin=public,
        method="GET",
        target=target,
        path="",
        headers=(
            ("host", urlsplit(public).netloc),
            ("user-agent", f"licet/{__version__}"),
            ("accept", "*/*"),
            ("accept-encoding", "identity"),
        ),
    )


def _field(opened: HttpAnswer, name: str) -> str:
    return next((value for key, value in opened.headers if key.lower() == name), "")


def _failed(why: str) -> Refusal:
    detail = "The site's own server gave no usable answer."
    return Refusal(Problem.ORIGIN_FAILED, detail, retry_after=60, private=why)
