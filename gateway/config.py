"""How this process runs: ``licet.toml``, the environment, flags. What a site wants is its policy's.

Precedence: flag, then environment, then file, then default. Every key of
``[section] key`` is also ``LICET_SECTION_KEY``. All mistakes are reported at
once, each with its file (or the environment) and key.

A data folder holds everything that is written::

    DATA/            0700
      licet.toml     this file, if there is one
      sites/*.toml   one policy a site
      licet.db       books, licenses, folded journal
      journal/       the append-only files
      keys/          private keys, 0600, and the secret of nonces
      evidence/      documents that licensees handed in, by their SHA-256
      feeds/         the last good copy of each operator's address list
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.folders import Folders
from gateway.problems import ConfigurationError, Mistake

#: A host name in lower case, or a wildcard of one label.
_HOST_NAME = r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Section):
    """Where crawlers and people are served: the only public listener.

    *proxy_protocol*: connections of trusted proxies begin with a PROXY header.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8402, ge=0, le=65535)
    proxy_protocol: bool = False


class TlsHost(_Section):
    """A certificate for some names: exact ones, or wildcards of one label such as ``*.journal.example``."""

    names: tuple[Annotated[str, Field(pattern=_HOST_NAME)], ...] = Field(min_length=1)
    certificate: str = ""
    key: str = ""


class Tls(_Section):
    """The default certificate and those of names; paths are relative to the data folder.

    Without any the listener speaks plain HTTP.
    """

    certificate: str = ""
    key: str = ""
    minimum: Literal["1.2", "1.3"] = "1.2"
    hosts: tuple[TlsHost, ...] = ()

    @property
    def on(self) -> bool:
        """Whether the listener speaks TLS."""
        return bool(self.certificate or self.key or self.hosts)


class Dashboard(_Section):
    """Where the operator signs in; loopback unless told otherwise."""

    host: str = "127.0.0.1"
    port: int = Field(default=8403, ge=0, le=65535)
    hosts: tuple[str, ...] = ()
    enabled: bool = True


class Store(_Section):
    """What is kept back on the disk for paid records, in megabytes, and for how long details stay.

    After *cut_days* a detail is cut to the network that it came from, after
    *detail_days* it is erased; with 0 *cut_days* nothing is cut before.
    """

    reserve_mb: int = Field(default=64, ge=0, le=1_000_000)
    detail_days: int = Field(default=30, ge=0, le=3650)
    cut_days: int = Field(default=0, ge=0, le=3650)


class Retention(_Section):
    """For how many months what is evidence is kept; 0 for good (`licenses.retention`).

    *looks_months*: what auditors looked at, from the day of each look.
    """

    looks_months: int = Field(default=0, ge=0, le=1200)


class Trust(_Section):
    """Which peers' forwarding headers are believed, and what says where an address is.

    *country_header* is a header in which those peers name the country. *country_database*
    and *asn_database* are MMDB files, relative to the data folder (`visitors.territory`);
    the header goes before the file. *header_order*: nothing in front (a CDN, a
    proxy) reorders headers, so that their order is evidence.
    """

    proxies: tuple[str, ...] = ()
    country_header: str = ""
    country_database: str = ""
    asn_database: str = ""
    header_order: bool = False


class Signatures(_Section):
    """Whose signed requests (Web Bot Auth) are believed, and which key directories are fetched.

    Attributes:
        longest: seconds that a signature may live.
        skew: seconds that two clocks may differ.
        directories: ``any``, or ``signed``: only keys that signed their own directory.
        strangers: whether the directory of an agent that the catalog does not know is fetched.
        pinned: ``URL=FILE``: the JWK Set of that agent, relative to the data
            folder; it is never fetched then.
        exempt: ``HOST:PORT`` of directories that may be on a private network.
        authorities: a PEM file of further authorities that directories may be certified by.
        test_keys: accept the keys of RFC 9421, whose private side everybody has.
        identity: the https origin of the site in whose name directories are
            fetched; "" takes the first site that has a name.
    """

    longest: int = Field(default=86_400, ge=1, le=10**10)
    skew: int = Field(default=5, ge=0, le=300)
    directories: Literal["any", "signed"] = "any"
    strangers: bool = True
    pinned: tuple[Annotated[str, Field(pattern=r"^https://[^=]+=.+$")], ...] = ()
    exempt: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.:-]+:[0-9]{1,5}$")], ...] = ()
    authorities: str = ""
    test_keys: bool = False
    identity: str = Field(default="", pattern=r"^(https://[a-z0-9.:-]+)?$")


class Payments(_Section):
    """Whom this gateway may ask to move money: ``HOST:PORT`` that may be on a private network, and need not speak TLS."""

    exempt: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.:-]+:[0-9]{1,5}$")], ...] = ()


class Stripe(_Section):
    """Where licensees may pay credit in: the creator's own account at Stripe.

    *secret_key_file* and *webhook_secret_file* hold one line each, relative to the data folder, readable by
    their owner alone. Without a key nothing is paid in. *account* says whose it is, where the operator is
    somebody else than the creator. *api* is Stripe's own.
    """

    secret_key_file: str = ""
    webhook_secret_file: str = ""
    account: Literal["creator", "operator"] = "creator"
    api: str = Field(default="https://api.stripe.com", pattern=r"^https?://[a-z0-9.:\[\]-]+$")


class OutboxRules(_Section):
    """Where licensees may have events sent besides public hosts on port 443, and for how long events are kept.

    *exempt* are ``HOST:PORT`` that may be on a private network and have any port.
    """

    exempt: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.:-]+:[0-9]{1,5}$")], ...] = ()
    keep_days: int = Field(default=90, ge=4, le=3650)


class OwnWebhook(_Section):
    """An endpoint of the operator's own, one table each: it hears of everything, or of the *types* named.

    *types* are such as ``negotiation.offered`` or ``negotiation.*``. With
    *private* its host may be on a private network, have any port and speak plain http.
    """

    url: str = Field(pattern=r"^https?://.+$")
    types: tuple[str, ...] = ()
    private: bool = False


class OwnWitness(_Section):
    """A witness of the public log, one table each: where it is asked (C2SP tlog-witness), and its key.

    *vkey* is the one of its cosignatures (type 4). With *private* its host may be
    on a private network, have any port and speak plain http.
    """

    url: str = Field(pattern=r"^https?://.+$")
    vkey: str
    private: bool = False


class WitnessRules(_Section):
    """How many witnesses have to have seen a head, 0 for all of them, and after how many seconds they are asked again."""

    quorum: int = Field(default=0, ge=0, le=64)
    seconds: int = Field(default=60, ge=1, le=86_400)


class Email(_Section):
    """The mail server that letters go out by; without a *host* none do.

    *sender* is whom they are from, *operator* who hears of what waits for a
    person. With *licensees* the contact of an approved licensee is written to.
    Whoever negotiates in a browser proves a mailbox by it.
    *password_file* holds one line, relative to the data folder, readable by its
    owner alone. *security* is ``starttls`` (port 587), ``tls`` (465), or ``none``
    for a server on this machine. *authorities* is a PEM file of further
    authorities that may have certified the server.
    """

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password_file: str = ""
    sender: str = ""
    operator: str = ""
    licensees: bool = False
    authorities: str = ""


class Feeds(_Section):
    """Whether the lists that operators of crawlers publish are fetched by themselves, and after how many hours again."""

    update: bool = True
    hours: int = Field(default=24, ge=1, le=168)


class Dns(_Section):
    """Whether DNS is asked who an address is that claims a crawler's name, and which servers are asked.

    *servers* are ``ADDRESS`` or ``ADDRESS:PORT``; without any the machine's own.
    """

    check: bool = True
    servers: tuple[str, ...] = ()


class OriginTimes(_Section):
    """How long the creator's server may take, in seconds, and whether a PROXY header tells it the client's address.

    With one, each request gets a connection of its own.
    """

    connect: float = Field(default=3.0, gt=0, le=60)
    first_byte: float = Field(default=30.0, gt=0, le=600)
    idle: float = Field(default=30.0, gt=0, le=600)
    proxy_protocol: Literal["off", "v1", "v2"] = "off"


class ClientRules(_Section):
    """How clients come to the desk.

    *initial_access_token* is what they register with, "" where anybody may
    register. With *dpop_nonces* every DPoP proof must hold a nonce of ours, at
    the desk and for pages; without it those of clients that bind all their tokens do.
    """

    initial_access_token: str = Field(default="", max_length=1024, repr=False)
    dpop_nonces: bool = False


class Pacing(_Section):
    """How many fetches a second one license may make, and how many at once; 0 is no limit.

    *refusals_per_second* is how many unpaid refusals of one network, crawler and
    reason are recorded one by one; what is above it is counted. 0 records every one.
    *network_per_second* is the pace, with *network_burst* at once, above which
    unlicensed automata of one network are noted as too fast; nobody is refused for
    it. 0 notes nothing.
    """

    license_per_second: float = Field(default=100.0, ge=0, le=1_000_000)
    license_burst: int = Field(default=200, ge=1, le=1_000_000)
    refusals_per_second: int = Field(default=10, ge=0, le=1_000_000)
    network_per_second: float = Field(default=2.0, ge=0, le=1_000_000)
    network_burst: int = Field(default=120, ge=1, le=1_000_000)


class People(_Section):
    """Whether people are counted, as totals without anything about them."""

    counted: bool = True


class Workers(_Section):
    """How many processes serve the front."""

    count: int = Field(default=1, ge=1, le=64)


class _File(_Section):
    listen: Listen = Listen()
    tls: Tls = Tls()
    dashboard: Dashboard = Dashboard()
    store: Store = Store()
    retention: Retention = Retention()
    trust: Trust = Trust()
    signatures: Signatures = Signatures()
    payments: Payments = Payments()
    stripe: Stripe = Stripe()
    outbox: OutboxRules = OutboxRules()
    webhooks: tuple[OwnWebhook, ...] = ()
    witnesses: tuple[OwnWitness, ...] = ()
    witnessing: WitnessRules = WitnessRules()
    email: Email = Email()
    feeds: Feeds = Feeds()
    dns: Dns = Dns()
    clients: ClientRules = ClientRules()
    origin: OriginTimes = OriginTimes()
    pacing: Pacing = Pacing()
    people: People = People()
    workers: Workers = Workers()


#: What has keys of its own; tables of which there are several stand in the file alone.
_SECTIONS = frozenset(_File.model_fields) - {"webhooks", "witnesses"}


@dataclass(frozen=True, slots=True)
class Config(Folders):
    """The settings of one process, checked. *folder* is the data folder."""

    listen: Listen = field(default_factory=Listen)
    tls: Tls = field(default_factory=Tls)
    dashboard: Dashboard = field(default_factory=Dashboard)
    store: Store = field(default_factory=Store)
    retention: Retention = field(default_factory=Retention)
    trust: Trust = field(default_factory=Trust)
    signatures: Signatures = field(default_factory=Signatures)
    payments: Payments = field(default_factory=Payments)
    stripe: Stripe = field(default_factory=Stripe)
    outbox: OutboxRules = field(default_factory=OutboxRules)
    webhooks: tuple[OwnWebhook, ...] = ()
    witnesses: tuple[OwnWitness, ...] = ()
    witnessing: WitnessRules = field(default_factory=WitnessRules)
    email: Email = field(default_factory=Email)
    feeds: Feeds = field(default_factory=Feeds)
    dns: Dns = field(default_factory=Dns)
    clients: ClientRules = field(default_factory=ClientRules)
    origin: OriginTimes = field(default_factory=OriginTimes)
    pacing: Pacing = field(default_factory=Pacing)
    people: People = field(default_factory=People)
    workers: Workers = field(default_factory=Workers)


def read_config(
    folder: Path, *, environ: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Config:
    """Read the settings of *folder*; raise `ConfigurationError` with every mistake.

    *flags* has keys such as ``listen.port``; a value of None is a flag not given.
    """
    path = folder / "licet.toml"
    values = _from_file(path)
    sources: dict[str, str] = {}
    for name, text in (environ or {}).items():
        section, _, key = name.removeprefix("LICET_").lower().partition("_")
        if name.startswith("LICET_") and key and section in _SECTIONS:
            _table(values, section)[key] = _from_environment(section, key, text)
            sources[f"{section}.{key}"] = f"environment {name}"
    for dotted, value in (flags or {}).items():
        if value is not None:
            section, _, key = dotted.partition(".")
            _table(values, section)[key] = value
            option = dotted.removeprefix("listen.").removesuffix(".count")
            sources[dotted] = "--" + option.replace(".", "-").replace("_", "-")
    try:
        read = _File.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError([_mistake(item, path, sources) for item in error.errors()]) from None
    return Config(
        folder,
        listen=read.listen,
        tls=read.tls,
        dashboard=read.dashboard,
        store=read.store,
        retention=read.retention,
        trust=read.trust,
        signatures=read.signatures,
        payments=read.payments,
        stripe=read.stripe,
        outbox=read.outbox,
        webhooks=read.webhooks,
        witnesses=read.witnesses,
        witnessing=read.witnessing,
        email=read.email,
        feeds=read.feeds,
        dns=read.dns,
        clients=read.clients,
        origin=read.origin,
        pacing=read.pacing,
        people=read.people,
        workers=read.workers,
    )


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Mistake(str(path), "", f"cannot be read: {error}")]) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([Mistake(str(path), "", f"is not TOML: {error}")]) from None


def _table(values: dict[str, Any], section: str) -> dict[str, Any]:
    """The table of *section* to write into; a copy to no effect where the file has something else there."""
    table = values.setdefault(section, {})
    return table if isinstance(table, dict) else {}


def _from_environment(section: str, key: str, text: str) -> object:
    known = _File.model_fields[section].annotation
    assert isinstance(known, type)
    assert issubclass(known, BaseModel)
    wanted = known.model_fields.get(key)
    if wanted is not None and get_origin(wanted.annotation) is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _mistake(item: Any, path: Path, sources: Mapping[str, str]) -> Mistake:
    key = ".".join(str(part) for part in item["loc"])
    place = next((sources[known] for known in sources if key.startswith(known)), str(path))
    if item["type"] == "extra_forbidden":
        return Mistake(place, key, "is no setting that licet knows")
    got = item.get("input")
    return Mistake(
        place, key, str(item["msg"]).lower(), repr(got) if isinstance(got, str | int | float | bool) else ""
    )
