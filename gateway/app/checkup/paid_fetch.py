"""One paid fetch from end to end, in test mode: a gateway of its own, a licensee of its own, money that nobody owes.

Everything is as in the gateway that runs but three things: the data folder is a
new one that is thrown away, loopback stands for the crawler's published
network, and the rules bind whatever the mode. The page comes from the site's
own server.
"""

from __future__ import annotations

import asyncio
import base64
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateway.finding import Finding
from gateway.problems import ConfigurationError, Refusal

if TYPE_CHECKING:
    import aiohttp

    from gateway.app.licet import Licet
    from gateway.policy.rules import Policy
    from gateway.terms.license_terms import Offer

WHAT: Final = "paid fetch"
_COUNTRY: Final = "X-Licet-Check-Country"
_SETTINGS: Final = f"""\
[listen]
port = 0
[dashboard]
enabled = false
[store]
reserve_mb = 0
[trust]
proxies = ["loopback"]
country_header = "{_COUNTRY}"
[feeds]
update = false
[dns]
check = false
"""
_AGENT: Final = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.3; +https://openai.com/gptbot"
)
_CREDIT: Final = 10**13
_SECONDS: Final = 20.0


class _Wrong(Exception):
    """What was not as it should be, and what to do."""

    def __init__(self, fact: str, step: str) -> None:
        super().__init__(fact)
        self.fact, self.step = fact, step


@dataclass(frozen=True, slots=True)
class _Page:
    """What is fetched: a path with a price, the offer that covers it, and what the crawler does with it."""

    path: str
    offer: Offer
    uses: list[str]
    country: str


async def paid_fetches(data: Path, environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """Buy and fetch one page of each site in *data*; nothing there is changed."""
    from gateway.app.checkup.in_force import in_force
    from gateway.config import read_config

    policies, _ = await in_force(data)
    if not policies:
        return (Finding(WHAT, "warn", "no policy, so nothing to buy", "licet init writes one"),)
    try:
        proxied = read_config(data, environ=environ).origin.proxy_protocol
    except ConfigurationError:
        proxied = "off"
    return tuple([await paid_fetch(policy, proxied) for policy in policies])


async def paid_fetch(policy: Policy, proxied: str) -> Finding:
    """Buy and fetch one page of the site of *policy*; *proxied* as `origin.small.fetch_small` has it."""
    site = policy.site.id
    try:
        page = await _for_sale(policy, proxied)
        if page is None:
            fact = f"{site}: nothing that its server answers with 200 is for sale to a crawler that trains"
            return Finding(WHAT, "ok", fact, "not tried; a rule that says license makes something for sale")
        async with asyncio.timeout(_SECONDS):
            return Finding(WHAT, "ok", await _bought(policy, page))
    except _Wrong as wrong:
        return Finding(WHAT, "bad", f"{site}: {wrong.fact}", wrong.step)
    except ConfigurationError as error:
        return Finding(WHAT, "bad", f"{site}: {error}", "no gateway could be started for the test")
    except (TimeoutError, OSError) as error:
        why = str(error) or f"more than {_SECONDS:g} s"
        return Finding(WHAT, "bad", f"{site}: the fetch did not end: {why}", "look at the origin")


async def _for_sale(policy: Policy, proxied: str) -> _Page | None:
    from gateway.app.checkup.ways_around import reader, reader_ruling
    from gateway.origin.small import fetch_small
    from gateway.terms.european_union import EU

    shown = [scope.pattern for work in policy.works for scope in work.paths if "*" not in scope.pattern]
    for path in dict.fromkeys(("/", *shown)):
        ruling = reader_ruling(policy, path)
        for offer in (each for each in ruling.offers if reader().uses <= each.uses):
            answer = await fetch_small(policy.site.origin, path, proxied=proxied)
            if isinstance(answer, Refusal) or answer.status != 200:
                break
            regions = sorted(offer.terms.territory.at_fetch.regions or ())
            country = next((min(EU) if each == "EU" else each for each in regions), "")
            return _Page(path, offer, sorted(map(str, reader().uses)), country)
    return None


async def _bought(policy: Policy, page: _Page) -> str:
    import aiohttp

    from gateway.app.licet import Licet
    from gateway.config import read_config
    from gateway.policy.rules import Mode, Payments
    from gateway.visitors.networks import Networks

    tried = replace(
        policy,
        site=replace(policy.site, hosts=("*",), mode=Mode.ENFORCE, public=""),
        payments=Payments(),
    )
    networks = Networks.shipped().with_prefixes("openai-gptbot", ("127.0.0.0/8", "::1/128"))
    with tempfile.TemporaryDirectory(prefix="licet-check-") as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir(mode=0o700)
        (folder / "licet.toml").write_text(_SETTINGS, encoding="utf-8")
        licet = Licet(read_config(folder), policies=lambda: (tried,), networks=networks)
        addresses = await licet.start()
        try:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
                return await _played(licet, http, addresses.front, tried, page)
        finally:
            await licet.stop(1.0)


async def _played(licet: Licet, http: aiohttp.ClientSession, front: str, policy: Policy, page: _Page) -> str:
    sent = {"User-Agent": _AGENT, **({_COUNTRY: page.country} if page.country else {})}
    async with http.get(front + page.path, headers=sent) as answer:
        kept = answer.headers.get("Cache-Control", "")
        if answer.status not in {401, 402}:
            step = "licet policy explain shows which rule said so"
            raise _Wrong(f"{page.path} was answered {answer.status} and not 402 without a license", step)
        if "no-store" not in kept or "Vary" not in answer.headers:
            raise _Wrong(f"the {answer.status} may be kept by caches ({kept or 'no Cache-Control'})", "report this")  # fmt: skip
    token = await _token(licet, http, front, page)
    async with http.get(front + page.path, headers={**sent, "Authorization": f"License {token}"}) as answer:
        await answer.read()
        record, status = answer.headers.get("Licet-Record", ""), answer.status
        if status != 200:
            raise _Wrong(
                f"{page.path} was answered {status} with a license", "licet policy explain shows why"
            )
    await licet.journal.flush()
    await licet.keeper.catch_up()
    row = await licet.access_log.row(record)
    if row is None:
        raise _Wrong("the fetch is in no record", "report this")
    from gateway.money import Money

    charged = Money(row.charged_micros, row.currency or policy.site.currency)
    return (
        f"{policy.site.id}: {page.path} cost {charged} by the offer {page.offer.id}: "
        "402, token, 200, record and book agree; nothing of it is in your books"
    )


async def _token(licet: Licet, http: aiohttp.ClientSession, front: str, page: _Page) -> str:
    import uuid_utils

    from gateway.licenses.enrollment import enroll
    from gateway.licenses.license import Standing
    from gateway.provenance.record import BookEntry

    now_us = licet.clock.now_us()
    made = enroll("Doctor", now=now_us // 1_000_000, standing=Standing.ACTIVE)
    await licet.register.add_licensee(made.licensee, made.client)
    await licet.journal.keep(
        BookEntry(
            id=str(uuid_utils.uuid7()), time_us=now_us, kind_of="credit", site="", licensee=made.licensee.id,
            amount_micros=_CREDIT, currency=page.offer.price.currency, memo="test mode", by="doctor",
        )
    )  # fmt: skip
    await licet.keeper.catch_up()
    form = {
        "grant_type": "client_credentials",
        "resource": front + page.path,
        "authorization_details": json.dumps([{"type": "content_license", "privileges": page.uses}]),
    }
    pair = base64.b64encode(f"{made.client.id}:{made.secret}".encode()).decode()
    login = {"Authorization": f"Basic {pair}"}
    async with http.post(f"{front}/.licet/token", data=form, headers=login) as answer:
        told: dict[str, Any] = await answer.json(content_type=None)
        if answer.status != 200:
            why = told.get("error_description") or told.get("detail") or answer.status
            raise _Wrong(
                f"no token for {page.path} ({', '.join(page.uses)}): {why}", "see the offer in the policy"
            )
    return str(told["access_token"])
