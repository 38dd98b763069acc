"""What the gateway knows of its visitors: their addresses, how they came, and whether they come here at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.finding import Finding
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.spoken import counted

if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.policy.rules import Policy

#: Fetches whose addresses are looked at, the newest ones.
_LATEST: Final = 500
#: From so many fetches on, one address for all of them is no accident.
_ENOUGH: Final = 5
_SECONDS: Final = 3.0


async def looked_at(data: Path, environ: Mapping[str, str]) -> list[Finding]:
    """What is found of addresses, of the scheme that visitors use, and of the sites' public addresses."""
    from gateway.app.checkup.in_force import in_force
    from gateway.config import read_config

    try:
        config = read_config(data, environ=environ)
    except ConfigurationError:
        return []  # told elsewhere
    policies, _ = await in_force(data)
    found = [*await _addresses(config)]
    for policy in policies:
        found += [*_scheme(config, policy), *await _public(config, policy)]
    return found


async def _addresses(config: Config) -> list[Finding]:
    from gateway.app.stores import has_store, open_store
    from gateway.store.sqlite.details import SqliteDetails

    if not has_store(config.folder):
        return []
    try:
        database = await open_store(config)
    except ConfigurationError:
        return []  # told elsewhere
    try:
        latest = await SqliteDetails(database).newest(_LATEST)
        return [client_addresses(latest, config.trust.proxies)]
    except StoreUnavailable:
        return []  # told elsewhere
    finally:
        await database.close()


def client_addresses(latest: Sequence[tuple[str, str]], proxies: Sequence[str]) -> Finding:
    """Whether the addresses of the *latest* fetches, (address, peer) each, are the visitors' own.

    *proxies* are those that are trusted, as the settings name them.
    """
    what = "real address"
    addresses = {address for address, _ in latest}
    told = sum(bool(peer) and peer != address for address, peer in latest)
    many = counted(len(latest), "fetch", "fetches")
    if not latest:
        step = "visit a page as a crawler: the button of the dashboard's Health page, or curl -A GPTBot"
        return Finding(what, "ok", "no automated visitor has come by yet", step)
    if len(addresses) == 1 and len(latest) >= _ENOUGH and not told:
        (only,) = addresses
        fact = f"the newest {many} all came from {only}"
        if proxies:
            step = f"it is no trusted proxy, or it sends no X-Forwarded-For; trusted are {', '.join(proxies)}"
        else:
            step = (
                f'if that is a proxy or a CDN of yours, name it: proxies = ["{_name(only)}"] under [trust]; '
                "else every visitor counts as one"
            )
        return Finding(what, "warn", fact, step)
    if told:
        return Finding(what, "ok", f"{counted(len(addresses), 'address', 'addresses')} in the newest {many}, {told} told by a trusted proxy")  # fmt: skip
    if len(latest) < _ENOUGH:
        return Finding(what, "ok", f"{many} so far, too few to tell visitors from a proxy")
    if all(_private(address) for address in addresses):
        fact = f"the newest {many} came from private addresses alone"
        return Finding(what, "warn", fact, "name your proxy under trust.proxies if visitors come through one")
    fact = (
        f"{counted(len(addresses), 'address', 'addresses')} in the newest {many}, each by its own connection"
    )
    return Finding(what, "ok", fact)


def _name(address: str) -> str:
    with suppress(ValueError):
        if ip_address(address).is_loopback:
            return "loopback"
    return address


def _private(address: str) -> bool:
    try:
        return not ip_address(address).is_global
    except ValueError:
        return False


def _scheme(config: Config, policy: Policy) -> list[Finding]:
    """Whether the front hears that visitors come by https."""
    site = policy.site
    if not site.public.startswith("https://"):
        return []
    if config.tls.on:
        return [Finding("https", "ok", f"{site.id}: visitors' TLS ends here")]
    if config.trust.proxies:
        proxies = ", ".join(config.trust.proxies)
        return [Finding("https", "ok", f"{site.id}: X-Forwarded-Proto is believed of {proxies}")]
    fact = f"{site.id}: {site.public} is https, and this listener hears plain http from a proxy that it does not trust"
    step = "name the proxy under trust.proxies and have it send X-Forwarded-Proto; else your server may redirect for ever"
    return [Finding("https", "warn", fact, step)]


async def _public(config: Config, policy: Policy) -> list[Finding]:
    """Whether the site's public address leads here."""
    from gateway.clock import SystemClock
    from gateway.egress import Egress, Unfetched
    from gateway.keys.key_ring import KeyRing

    site = policy.site
    if not site.public.startswith("https://") or not KeyRing.exists(config.keys):
        return []
    url = f"{site.public}/.licet/jwks.json"
    try:
        ours = KeyRing.open(config.keys, SystemClock()).current.kid
        authorities = config.folder / config.signatures.authorities if config.signatures.authorities else None
        way = Egress(exempt=config.signatures.exempt, authorities=authorities, agent="licet")
    except ConfigurationError:
        return []  # told elsewhere
    answer = await way.get(url, seconds=_SECONDS)
    if isinstance(answer, Unfetched):
        if answer.why in {"status", "redirect"}:
            fact = f"{site.id}: {site.public} is answered by somebody else ({answer.detail or answer.why})"
            step = "visitors go around Licet: have the site's name, or its proxy, lead to this gateway"
            return [Finding("way around", "warn", fact, step)]
        fact = f"{site.id}: {site.public} was not reached from this machine ({answer.why})"
        return [Finding("public", "ok", fact, "look at it from another machine")]
    return [leads_here(site.id, site.public, ours, answer.body)]


def leads_here(site: str, public: str, ours: str, body: bytes) -> Finding:
    """Whether the key set *body* that *public* answered with holds the key *ours*."""
    try:
        keys = {str(each["kid"]) for each in json.loads(body)["keys"]}
    except (ValueError, KeyError, TypeError):
        keys = set()
    if ours not in keys:
        fact = f"{site}: {public} is answered by another server than this gateway"
        step = "visitors go around Licet: have the site's name, or its proxy, lead to this gateway"
        return Finding("way around", "warn", fact, step)
    return Finding("public", "ok", f"{site}: {public} leads to this gateway")
