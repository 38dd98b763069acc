"""What leaves for others, for one data folder: who is told of events, by webhook, feed and e-mail."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from gateway import __version__
from gateway.app.nonce_secret import secret_at
from gateway.app.provider import read_secret
from gateway.clock import Clock
from gateway.config import Config
from gateway.dashboard.hook_pages import Hooks
from gateway.desk.call import Group
from gateway.desk.clients import Clients
from gateway.desk.event_feed import EventFeed
from gateway.desk.once import Once
from gateway.desk.pacing import Limits, own_limit
from gateway.desk.webhooks import WebhookDesk
from gateway.egress import Egress, read_url
from gateway.licenses.license import Standing
from gateway.licenses.register import LicenseRegister
from gateway.outbox.billing_exports import BillingExports, Export
from gateway.outbox.courier import Courier, Transport
from gateway.outbox.endpoints import Endpoint, Reach, is_filter
from gateway.outbox.letters import Reader, letter_types
from gateway.outbox.mail import Letters, Server, SmtpMail, is_mailbox
from gateway.outbox.mailbox_letters import MailboxLetters
from gateway.outbox.usage import MOST
from gateway.outbox.webhook import Secrets
from gateway.outbox.webhooks import Webhooks
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError, Mistake, StoreUnavailable
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.endpoints import SqliteEndpoints
from gateway.store.sqlite.events import SqliteEvents
from gateway.store.sqlite.usage import SqliteUsageCounts

log = structlog.get_logger("licet.outbox")
#: More than the courier has on the way at once, with the pings of the desk.
_AT_ONCE: Final = 64
#: Seconds until a store that is down is tried again.
_PAUSE: Final = 1.0
#: Rows forgotten in one transaction.
_FORGET: Final = 500
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class PostRoom:
    """Tells others for the office.

    *run* is its work, *groups* what the desk answers, *verifying* proves the
    mailboxes of people, None where no mail is set up.
    """

    def __init__(
        self,
        config: Config,
        database: Database,
        register: LicenseRegister,
        clock: Clock,
        policies: Callable[[], tuple[Policy, ...]],
        once: Once | None = None,
        limits: Limits = own_limit,
    ) -> None:
        """Work on *database*, at the pace of *limits*; raises `ConfigurationError` for what the settings say wrongly."""
        self._config, self._register, self._clock, self._policies = config, register, clock, policies
        self.events, self.endpoints = SqliteEvents(database), SqliteEndpoints(database)
        self._own = own_endpoints(config, self._now())
        self._secrets = secrets = secrets_of(config)
        self._webhooks = webhooks = webhooks_of(config, secrets, clock)
        transports: dict[str, Transport] = {"https": webhooks, "http": webhooks}
        mail = mail_of(config)
        self.verifying = MailboxLetters(mail, clock, limits) if mail is not None else None
        if mail is not None:
            transports["mailto"] = Letters(mail, config.email.operator, self._contact, self._origins)
        exports = BillingExports(exports_of(config), clock)
        transports |= {each.kind: exports for each in config.exports}
        self._usage = SqliteUsageCounts(database) if config.exports else None
        self._courier = Courier(self.events, self.endpoints, transports, clock, database.version)

        def hooks(clients: Clients) -> Group:
            return WebhookDesk(
                clients, self.endpoints, self.events, secrets, webhooks.ping, clock, once, limits
            ).group()

        def feed(clients: Clients) -> Group:
            return EventFeed(clients, self.events, database.version).group()

        self.groups: tuple[Callable[[Clients], Group], ...] = (hooks, feed)

    def pages(self) -> Hooks:
        """What the operator's pages work on."""
        return Hooks(
            self.endpoints, self.events, self._webhooks.ping, self._webhooks.tell, self._secrets.secret
        )

    async def open(self) -> None:
        """Have the endpoints of the settings, and no other ones, be the operator's own."""
        wanted = {each.id: each for each in self._own}
        for found in await self.endpoints.of("", ""):
            if found.id not in wanted:
                await self.endpoints.remove(found.id)
            elif found.types != wanted[found.id].types:
                await self.endpoints.filter(found.id, wanted[found.id].types)
        for each in self._own:
            await self.endpoints.add(each, len(self._own) + 1)
            # What happened before there was such an endpoint is not told.
            await self.endpoints.prove(each.id, await self.events.last())

    async def run(self) -> None:
        """Tell until canceled."""
        while True:
            try:
                await self.open()
            except StoreUnavailable as error:
                log.warning("the operator's endpoints are not known yet", reason=str(error))
                await asyncio.sleep(_PAUSE)
            else:
                break
        await self._courier.run()

    async def count_usage(self) -> None:
        """Count what billing systems are to be told of, where the settings name any."""
        if self._usage is not None:
            await self._usage.count(MOST, self._now())

    async def forget(self) -> None:
        """Forget events and deliveries that are older than the settings say."""
        before = self._now() - self._config.outbox.keep_days * 86_400
        while await self.endpoints.forget(before, _FORGET) >= _FORGET:
            pass

    async def _contact(self, licensee: str) -> str:
        """Where a licensee may be written to: an approved one alone, so that nobody has us write to strangers."""
        found = await self._register.licensee(licensee)
        return found.contact if found is not None and found.standing is Standing.ACTIVE else ""

    def _origins(self) -> Mapping[str, str]:
        return {policy.site.id: policy.site.public for policy in self._policies() if policy.site.public}

    def _now(self) -> int:
        return self._clock.now_us() // 1_000_000


def secrets_of(config: Config) -> Secrets:
    """What the secrets of endpoints are derived from; raises `ConfigurationError`."""
    return Secrets(secret_at(config.keys.parent / "webhooks"))


def webhooks_of(config: Config, secrets: Secrets, clock: Clock) -> Webhooks:
    """The ways out to endpoints: what is exempt for the operator is not for anybody else."""
    authorities = config.folder / config.signatures.authorities if config.signatures.authorities else None
    agent = f"licet/{__version__}"
    private = [place for each in config.webhooks if each.private and (place := place_of(each.url))]
    return Webhooks(
        secrets,
        clock,
        strangers=Egress(exempt=config.outbox.exempt, authorities=authorities, agent=agent, at_once=_AT_ONCE),
        own=Egress(exempt=private, authorities=authorities, agent=agent, at_once=_AT_ONCE, plain=True),
    )


def exports_of(config: Config) -> dict[str, Export]:
    """The billing systems of the settings, by the ids of their endpoints; raises `ConfigurationError`."""
    mistakes: list[Mistake] = []
    authorities = config.folder / config.signatures.authorities if config.signatures.authorities else None
    found: dict[str, Export] = {}
    for nth, each in enumerate(config.exports):
        key = f"exports.{nth}"
        secret = (
            read_secret(config.folder, f"{key}.key_file", each.key_file, mistakes) if each.key_file else ""
        )
        if each.url.startswith("http:") and not each.private:
            mistakes.append(
                Mistake(
                    str(config.folder / "licet.toml"),
                    f"{key}.url",
                    "must be https, or private = true",
                    each.url,
                )
            )
        place = place_of(each.url)
        way = Egress(
            exempt=[place] if each.private and place else [],
            authorities=authorities,
            agent=f"licet/{__version__}",
            at_once=_AT_ONCE,
            plain=True,
        )
        found[each.endpoint_id] = Export(each, way.post, secret)
    if len(found) < len(config.exports):
        mistakes.append(Mistake(str(config.folder / "licet.toml"), "exports", "must name each system once"))
    if mistakes:
        raise ConfigurationError(mistakes)
    return found


def own_endpoints(config: Config, now: int) -> tuple[Endpoint, ...]:
    """The operator's own endpoints as the settings have them; raises `ConfigurationError`."""
    mistakes: list[Mistake] = []
    found: list[Endpoint] = []
    place = str(config.folder / "licet.toml")
    for nth, each in enumerate(config.webhooks):
        key = f"webhooks.{nth}"
        if place_of(each.url) is None:
            mistakes.append(Mistake(place, f"{key}.url", "must be a URL with a host in lower case", each.url))
        elif each.url.startswith("http:") and not each.private:
            mistakes.append(Mistake(place, f"{key}.url", "must be https, or private = true", each.url))
        wrong = [type for type in each.types if not is_filter(type)]
        must = "must be such as negotiation.offered or negotiation.*"
        mistakes += [Mistake(place, f"{key}.types", must, type) for type in wrong]
        found.append(
            _own(f"we_{hashlib.sha256(each.url.encode()).hexdigest()[:32]}", each.url, each.types, now)
        )
    if len({each.id for each in found}) < len(found):
        mistakes.append(Mistake(place, "webhooks", "must name each URL once"))
    if mistakes:
        raise ConfigurationError(mistakes)
    if config.email.host and config.email.operator:
        found.append(_own("we_mail_operator", Reader.OPERATOR, letter_types(Reader.OPERATOR), now))
    if config.email.host and config.email.licensees:
        found.append(_own("we_mail_licensees", Reader.LICENSEE, letter_types(Reader.LICENSEE), now))
    found += (_own(each.endpoint_id, each.endpoint_url, each.types, now) for each in config.exports)
    return tuple(found)


def mail_of(config: Config) -> SmtpMail | None:
    """The mail server of the settings, or None where there is none; raises `ConfigurationError`."""
    email = config.email
    if not email.host:
        return None
    mistakes: list[Mistake] = []
    place = str(config.folder / "licet.toml")
    for key, given, needed in (("sender", email.sender, True), ("operator", email.operator, False)):
        if (needed or given) and not is_mailbox(given):
            mistakes.append(
                Mistake(place, f"email.{key}", "must be one address, such as ada@journal.example", given)
            )
    if email.security == "none" and email.host not in _LOOPBACK:
        mistakes.append(
            Mistake(place, "email.security", "must be starttls or tls for another machine", "none")
        )
    password = ""
    if email.username or email.password_file:
        password = read_secret(config.folder, "email.password_file", email.password_file, mistakes)
    authorities = config.folder / email.authorities if email.authorities else None
    if not mistakes:
        try:
            return SmtpMail(
                Server(
                    email.host,
                    email.port,
                    email.security,
                    email.sender,
                    email.username,
                    password,
                    authorities,
                )
            )
        except ModuleNotFoundError:
            mistakes.append(Mistake(place, "email", "needs pip install 'licet[email]'"))
        except (OSError, ssl.SSLError) as error:
            mistakes.append(Mistake(str(authorities), "", "must be certificates in PEM", str(error)))
    raise ConfigurationError(mistakes)


def _own(id: str, url: str, types: tuple[str, ...], now: int) -> Endpoint:
    return Endpoint(id, "", "", "", str(url), types, now, Reach.UNPROVEN)


def place_of(url: str) -> str | None:
    """``HOST:PORT`` of an http or https *url* as the way out reads it, or None."""
    plain = url.startswith("http://")
    found = read_url("https://" + url.removeprefix("http://") if plain else url)
    return f"{found[0]}:{found[1]}" if found else None
