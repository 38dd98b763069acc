"""What the settings say about signing agents, made into parts: the way out, the pinned keys, the judge."""

from __future__ import annotations

from pathlib import Path

from gateway import __version__
from gateway.clock import Clock
from gateway.config import Config
from gateway.desk.signed_agents import AgentJudge
from gateway.egress import Egress, Fetched, Get, Unfetched
from gateway.licenses.accounts import Accounts
from gateway.policy.rules import Policy
from gateway.problems import ConfigurationError, Mistake
from gateway.visitors.agent_keys import AgentKeys
from gateway.visitors.catalog import Catalog
from gateway.visitors.key_directory import KeyDirectory, read_directory
from gateway.visitors.own_identity import OwnIdentity
from gateway.visitors.signature_agent import SignatureAgent, read_agent
from gateway.visitors.signatures import Signatures


def egress_of(config: Config, clock: Clock, identity: OwnIdentity) -> Egress:
    """The way out that *config* allows, signed by *identity*; raises `ConfigurationError`."""
    settings = config.signatures
    return Egress(
        exempt=settings.exempt,
        authorities=config.folder / settings.authorities if settings.authorities else None,
        agent=f"licet/{__version__}",
        sign=lambda url: identity.request_headers(url, clock.now_us() // 1_000_000),
    )


def signatures_of(config: Config, catalog: Catalog, get: Get, clock: Clock) -> tuple[Signatures, AgentKeys]:
    """The judge of signatures and its keys, fetched by *get*; raises `ConfigurationError` for pinned keys."""
    settings = config.signatures

    def known(agent: SignatureAgent) -> bool:
        return catalog.by_signature(agent.url) is not None

    keys = AgentKeys(
        get,
        clock,
        known=known,
        pinned=_pinned(config),
        signed_only=settings.directories == "signed",
        strangers=settings.strangers,
    )
    judge = Signatures(
        keys, known=known, longest=settings.longest, skew=settings.skew, test_keys=settings.test_keys
    )
    return judge, keys


def agent_judge(config: Config, get: Get, clock: Clock, accounts: Accounts) -> AgentJudge:
    """Who tells the desk's clients by the signature of their requests; raises `ConfigurationError` for pinned keys."""
    catalog = Catalog.shipped()
    judge, keys = signatures_of(config, catalog, get, clock)
    return AgentJudge(judge, keys.fetch, accounts, lambda agent: catalog.by_signature(agent) is not None)


def check_signatures(config: Config) -> None:
    """Read what the settings name; raises `ConfigurationError` where a file of theirs cannot be used."""
    _pinned(config)
    Egress(
        authorities=config.folder / config.signatures.authorities if config.signatures.authorities else None
    )


def own_agent(config: Config, policies: tuple[Policy, ...]) -> str:
    """The origin in whose name this gateway asks others, or "" where no site has a name of its own."""
    if config.signatures.identity:
        return config.signatures.identity
    for policy in policies:
        site = policy.site
        if site.public.startswith("https://"):
            return site.public
        named = [host for host in site.hosts if "*" not in host and "." in host and not host[-1].isdigit()]
        if named:
            return f"https://{named[0]}"
    return ""


def told(answer: Fetched | Unfetched) -> dict[str, object]:
    """*answer* as it crosses a channel."""
    if isinstance(answer, Unfetched):
        return {"why": answer.why, "detail": answer.detail}
    return {"url": answer.url, "headers": answer.headers, "body": answer.body.decode("latin-1")}


def heard(crossed: dict[str, object]) -> Fetched | Unfetched:
    """What `told` said."""
    if "why" in crossed:
        return Unfetched(str(crossed["why"]), str(crossed["detail"]))
    headers = crossed["headers"]
    assert isinstance(headers, list)
    return Fetched(
        str(crossed["url"]),
        tuple((str(name), str(value)) for name, value in headers),
        str(crossed["body"]).encode("latin-1"),
    )


def _pinned(config: Config) -> dict[str, KeyDirectory]:
    found: dict[str, KeyDirectory] = {}
    mistakes: list[Mistake] = []
    for line in config.signatures.pinned:
        url, _, name = line.partition("=")
        agent, file = read_agent(url), config.folder / name
        if isinstance(agent, str):
            mistakes.append(Mistake("signatures.pinned", url, "the https URL of a signature agent"))
            continue
        read = _read(file)
        directory = read_directory(read, agent, pinned=True) if read is not None else None
        if not isinstance(directory, KeyDirectory) or not directory.keys:
            mistakes.append(Mistake(str(file), "", "a JWK Set of public keys"))
        else:
            found[agent.url] = directory
    if mistakes:
        raise ConfigurationError(mistakes)
    return found


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
