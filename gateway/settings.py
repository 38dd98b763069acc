"""The tables of ``licet.toml``: their keys, defaults and what each may hold. `config` reads them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway.billing.billing_rules import BillingRules
from gateway.outbox.export_settings import ExportSettings
from gateway.store.redis.address import EMBEDDED, read_address

#: A host name in lower case, or a wildcard of one label.
_HOST_NAME = r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"

#: ``ADDRESS:PORT``, or nothing.
_ADDRESS = r"^([0-9a-z.-]+:[0-9]{1,5}|\[[0-9a-f:.]+\]:[0-9]{1,5})?$"


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Section):
    """Where crawlers and people are served: the only public listener.

    *proxy_protocol*: connections of trusted proxies begin with a PROXY header.
    *auth* is where the site's own proxy asks what it may pass on (`front.auth`), ``ADDRESS:PORT``; "" nowhere.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8402, ge=0, le=65535)
    proxy_protocol: bool = False
    auth: str = Field(default="", pattern=_ADDRESS)

    @property
    def auth_at(self) -> tuple[str, int]:
        """Host and port of *auth*."""
        return _host_port(self.auth)


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


class Oidc(_Section):
    """An OpenID Connect provider that people may sign in to the dashboard by; without an *issuer* there is none.

    *roles* say who may, by subject or verified e-mail address, and as what. *client_secret_file*
    holds one line, relative to the data folder, readable by its owner alone; without one we are a
    public client. *name* is what its button is called. *exempt* are ``HOST:PORT`` that may be on a
    private network, have any port and speak plain http.
    """

    issuer: str = Field(default="", pattern=r"^(https?://[a-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?)?$")
    client_id: str = Field(default="", max_length=200)
    client_secret_file: str = ""
    name: str = Field(default="your organization", min_length=1, max_length=60)
    roles: dict[str, Literal["owner", "operator", "viewer", "auditor"]] = Field(default_factory=dict)
    exempt: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.:-]+:[0-9]{1,5}$")], ...] = ()


class Store(_Section):
    """Where the books rest, what is kept back on the disk for paid records, in megabytes, and for how long details stay.

    *database* is ``postgresql://USER@HOST/NAME``, or "" for a SQLite file in the data folder; several hosts with
    commas between them are a primary and its standbys, of which the one that may be written is found. A password
    may stand in a file that PGPASSFILE names instead. Machines with the same *database* and *shared_key* have keys and
    policies in common (`licet store share`); what one of them set aside returns *lost_minutes* after it was last heard from.
    After *cut_days* a detail is cut to the network that it came from, after
    *detail_days* it is erased; with 0 *cut_days* nothing is cut before.

    *redis* is where workers and machines share pace, marks and news (`store.redis`): ``redis://HOST:PORT``,
    several with commas between them for a cluster, ``rediss://`` for TLS, ``unix:///PATH``, "embedded" for a
    server of licet's own, or "" for none. *redis_password_file* holds one line, relative to the data folder,
    readable by its owner alone; *redis_password* is for the environment. *redis_authorities* is a PEM file of
    those that certified the server. All gateways of one Redis that belong together say the same *redis_name*.
    An answer that takes longer than *redis_seconds* counts as none.
    """

    database: str = Field(default="", pattern=r"^(postgres(ql)?://.+)?$")
    shared_key: str = Field(default="", pattern=r"^(licet-shared-[A-Za-z0-9_-]{43})?$", repr=False)
    lost_minutes: int = Field(default=60, ge=2, le=1_000_000)
    redis: str = Field(default="", repr=False)
    redis_password: str = Field(default="", max_length=1024, repr=False)
    redis_password_file: str = ""
    redis_authorities: str = ""
    redis_name: str = Field(default="licet", pattern=r"^[a-z0-9][a-z0-9._-]{0,39}$")
    redis_seconds: float = Field(default=0.25, ge=0.01, le=2.0)
    reserve_mb: int = Field(default=64, ge=0, le=1_000_000)
    detail_days: int = Field(default=30, ge=0, le=3650)
    cut_days: int = Field(default=0, ge=0, le=3650)

    @field_validator("redis")
    @classmethod
    def _redis_is_somewhere(cls, text: str) -> str:
        if text not in {"", EMBEDDED}:
            read_address(text)
        return text


class Retention(_Section):
    """For how many months what is evidence is kept; 0 for good (`licenses.retention`).

    *looks_months*: what auditors looked at, from the day of each look. *rows_months*: rows in the database of
    fetches without a licensee, whole months back from the running one, and never shorter than an audit may look
    back; then the journal's packed files alone have them, pages count them and list them no more, and
    `licet journal bring-back` puts them back. 13 is a year and the month to compare it with.
    """

    looks_months: int = Field(default=0, ge=0, le=1200)
    rows_months: int = Field(default=13, ge=0, le=1200)


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
    """Whether people are counted, as totals without anything about them.

    *report_days* is for how long a report of somebody who was taken for a machine is kept.
    """

    counted: bool = True
    report_days: int = Field(default=90, ge=1, le=3650)


class Observe(_Section):
    """Who may watch. *metrics* is where Prometheus reads, ``ADDRESS:PORT``; "" nowhere.

    *access_log* is a file with a line for each request that is recorded, relative to the data folder: none
    of people. *traces* is the URL of an OpenTelemetry collector (OTLP over HTTP).
    """

    metrics: str = Field(default="", pattern=_ADDRESS)
    access_log: str = ""
    access_format: Literal["combined", "json", "ecs", "ocsf"] = "combined"
    traces: str = Field(default="", pattern=r"^(https?://[a-zA-Z0-9.:\[\]/_-]+)?$")

    @property
    def metrics_at(self) -> tuple[str, int]:
        """Host and port of *metrics*."""
        return _host_port(self.metrics)


class Workers(_Section):
    """How many processes serve the front."""

    count: int = Field(default=1, ge=1, le=64)


class File(_Section):
    """All of them: one file."""

    listen: Listen = Listen()
    tls: Tls = Tls()
    dashboard: Dashboard = Dashboard()
    oidc: Oidc = Oidc()
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
    observe: Observe = Observe()
    workers: Workers = Workers()
    billing: BillingRules = BillingRules()
    exports: tuple[ExportSettings, ...] = ()
