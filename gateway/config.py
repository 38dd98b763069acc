"""How this process runs: ``licet.toml``, the environment, flags. What a site wants is its policy's.

Precedence: flag, then environment, then file, then default. Every key of
``[section] key`` is also ``LICET_SECTION_KEY``. All mistakes are reported at
once, each with its file (or the environment) and key.

A data folder holds everything that is written::

    DATA/            0700
      licet.toml     this file, if there is one
      sites/*.toml   one policy a site
      licet.db       books, licenses, folded journal
      journal/       the append-only files, which licet.db points into
      keys/          private keys, 0600, and the secret of nonces
      evidence/      documents that licensees handed in, by their SHA-256
      feeds/         the last good copy of each operator's address list
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from gateway.billing.billing_rules import BillingRules
from gateway.folders import Folders
from gateway.outbox.export_settings import ExportSettings
from gateway.problems import ConfigurationError, Mistake
from gateway.settings import (
    ClientRules,
    Dashboard,
    Dns,
    Email,
    Feeds,
    File,
    Listen,
    Observe,
    Oidc,
    OriginTimes,
    OutboxRules,
    OwnWebhook,
    OwnWitness,
    Pacing,
    Payments,
    People,
    Retention,
    Signatures,
    Store,
    Stripe,
    Tls,
    Trust,
    WitnessRules,
    Workers,
)

#: What has keys of its own; tables of which there are several stand in the file alone.
_SECTIONS = frozenset(File.model_fields) - {"webhooks", "witnesses", "exports"}
#: What may hold a password is not quoted, however wrong it is.
_SECRET = frozenset({"store.database", "store.redis", "store.redis_password", "clients.initial_access_token"})


@dataclass(frozen=True, slots=True)
class Config(Folders):
    """The settings of one process, checked. *folder* is the data folder."""

    listen: Listen = field(default_factory=Listen)
    tls: Tls = field(default_factory=Tls)
    dashboard: Dashboard = field(default_factory=Dashboard)
    oidc: Oidc = field(default_factory=Oidc)
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
    observe: Observe = field(default_factory=Observe)
    workers: Workers = field(default_factory=Workers)
    billing: BillingRules = field(default_factory=BillingRules)
    exports: tuple[ExportSettings, ...] = ()


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
            option = dotted.removeprefix("listen.").removeprefix("store.").removesuffix(".count")
            sources[dotted] = "--" + option.replace(".", "-").replace("_", "-")
    try:
        read = File.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError([_mistake(item, path, sources) for item in error.errors()]) from None
    return Config(
        folder,
        listen=read.listen,
        tls=read.tls,
        dashboard=read.dashboard,
        oidc=read.oidc,
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
        observe=read.observe,
        workers=read.workers,
        billing=read.billing,
        exports=read.exports,
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
    known = File.model_fields[section].annotation
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
    got = "" if key in _SECRET else item.get("input")
    expected = str(item["ctx"]["error"]) if item["type"] == "value_error" else str(item["msg"]).lower()
    return Mistake(
        place, key, expected, repr(got) if got != "" and isinstance(got, str | int | float | bool) else ""
    )
