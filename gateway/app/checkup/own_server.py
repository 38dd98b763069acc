"""A site's own server: whether it answers, what it believes, what caches may keep of it, and who else reaches it."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gateway.finding import Finding

if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.origin.small import SmallAnswer
    from gateway.policy.rules import Policy

#: Seconds by which two clocks may differ before tokens and signatures suffer.
SKEW: Final = 5
_SECONDS: Final = 2.0
#: Names that are reserved and lead nowhere (RFC 6761, February 2013).
_NOBODYS: Final = (".example", ".invalid", ".test")


async def own_server(policy: Policy, config: Config | None) -> list[Finding]:
    """What is found of the server behind the site of *policy*; *config* is None where the settings cannot be read."""
    from gateway.app.checkup.copies import copies
    from gateway.app.checkup.ways_around import leaks
    from gateway.origin.small import fetch_small
    from gateway.problems import Refusal
    from gateway.terms.tdmrep import contradicting_meta

    site, origin = policy.site.id, policy.site.origin
    proxied = config.origin.proxy_protocol if config else "off"
    desk = await fetch_small(origin, "/.licet/jwks.json", proxied=proxied)
    home = await fetch_small(origin, "/", proxied=proxied)
    if isinstance(home, Refusal):
        step = "start your server, or correct origin"
        why = home.private.removeprefix(f"{origin}: ") or home.detail
        return [Finding("origin", "bad", f"{site}: {origin} cannot be reached: {why}", step)]
    keys = not isinstance(desk, Refusal) and desk.status == 200 and desk.body.startswith(b'{"keys"')
    if keys or "application/problem+json" in home.content_type:
        step = "point origin at your own server, not at licet"
        return [Finding("origin", "bad", f"{site}: {origin} answers like a gateway", step)]
    found = [Finding("origin", "ok", f"{site}: {origin} answers {home.status}")]
    if policy.publishing.tdmrep and contradicting_meta(home.body):
        fact = (
            f"{site}: its pages say tdm-reservation 0 in a meta, which some readers believe before any header"
        )
        step = "take that meta out of your pages, or set tdmrep = false under [publish]"
        found.append(Finding("origin", "warn", fact, step))
    found += clocks(site, home.field("date"), time.time())
    found += await _believes(policy, proxied)
    found += caches(policy, home, behind=bool(config and config.trust.proxies))
    found += [Finding(*told) for told in leaks(policy, home.body)]
    found += await copies(policy, home.body, lambda target: fetch_small(origin, target, proxied=proxied))
    return [*found, *await _reached(policy, home)]


def clocks(site: str, date: str, now: float) -> list[Finding]:
    """Whether the server's clock, by the *date* that it answered at *now*, agrees with this machine's."""
    try:
        apart = parsedate_to_datetime(date).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return []
    if abs(apart) <= SKEW + 1:  # a Date has whole seconds
        return []
    which = "ahead of" if apart > 0 else "behind"
    fact = f"{site}: your server's clock is {abs(apart):.0f} s {which} this machine's"
    return [
        Finding("clock", "warn", fact, "have both set by NTP; tokens, signatures and bills go by this one")
    ]


async def _believes(policy: Policy, proxied: str) -> list[Finding]:
    """Whether the server believes X-Forwarded-Proto, or sends https visitors to https without end."""
    from gateway.origin.small import ENDLESS, fetch_small
    from gateway.problems import Refusal

    site = policy.site
    named = next((host for host in site.hosts if "*" not in host), "")
    public = site.public or (f"https://{named}" if named else "")
    if not public.startswith("https://"):
        return []
    home = await fetch_small(site.origin, "/", public=public, proxied=proxied)
    if isinstance(home, Refusal) and home.private == ENDLESS:
        fact = f"{site.id}: your server redirects {public} to itself without end"
        step = "have it believe X-Forwarded-Proto of this machine (WordPress: $_SERVER['HTTPS'] = 'on')"
        return [Finding("https", "bad", fact, step)]
    return []


def caches(policy: Policy, home: SmallAnswer, *, behind: bool) -> list[Finding]:
    """Whether a shared cache may keep pages that have a price; *behind* says that there is a proxy in front."""
    from gateway.app.checkup.ways_around import is_free

    said = home.field("cache-control").lower()
    words = {each.partition("=")[0].strip() for each in said.split(",")}
    shared = words & {"public", "s-maxage"} and not words & {"private", "no-store"}
    if not shared or is_free(policy, "/"):
        return []
    fact = f"{policy.site.id}: your server lets shared caches keep a page that has a price (Cache-Control: {said[:80]})"
    if behind:
        step = "have the cache in front pass crawlers through to Licet, or send private; what it answers itself is neither refused nor paid"
        return [Finding("caches", "warn", fact, step)]
    step = "a CDN in front would answer crawlers itself: have it pass them through, once there is one"
    return [Finding("caches", "ok", fact, step)]


async def _reached(policy: Policy, home: SmallAnswer) -> list[Finding]:
    """Whether the server answers at the public addresses of the site too, on its own port."""
    from gateway.origin.small import fetch_small
    from gateway.problems import Refusal

    origin = urlsplit(policy.site.origin)
    port = origin.port or (443 if origin.scheme == "https" else 80)
    if origin.scheme not in {"http", "https"} or not origin.hostname:
        return []
    names = [host for host in policy.site.hosts if "*" not in host and host != origin.hostname]
    places = {each for name in names for each in await _resolved(name)} - await _resolved(origin.hostname)
    for place in sorted(places):
        if place.startswith("127.") or place == "::1":
            continue
        shown = f"[{place}]" if ":" in place else place
        around = f"{origin.scheme}://{shown}:{port}"
        answer = await fetch_small(around, "/", seconds=_SECONDS)
        if not isinstance(answer, Refusal) and _same(answer, home):
            fact = f"{policy.site.id}: your server answers at {around} too, without Licet"
            step = "bind it to 127.0.0.1, or close that port in the firewall"
            return [Finding("way around", "warn", fact, step)]
    return []


def _same(one: SmallAnswer, other: SmallAnswer) -> bool:
    return (
        one.status == other.status
        and hashlib.sha256(one.body).digest() == hashlib.sha256(other.body).digest()
    )


async def _resolved(name: str) -> set[str]:
    if name.endswith(_NOBODYS):
        return set()
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_SECONDS):
            found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return set()
    return {str(address[0]) for *_, address in found}
