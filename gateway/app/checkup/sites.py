"""Each site: its policy, its own server, and what is paid, told and kept for it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.finding import Finding
from gateway.problems import ConfigurationError
from gateway.spoken import with_data

if TYPE_CHECKING:
    from gateway.policy.rules import Policy


async def looked_at(data: Path, environ: Mapping[str, str]) -> list[Finding]:
    """What is found of the sites in *data*, of their servers, and of what is paid and told for them."""
    from gateway.app.checkup.in_force import in_force
    from gateway.app.checkup.outbox import outbox
    from gateway.app.checkup.own_server import own_server
    from gateway.app.checkup.payments import payments
    from gateway.app.checkup.retention import retention
    from gateway.config import read_config

    found: list[Finding] = []
    policies, mistakes = await in_force(data)
    if not any((data / "sites").glob("*.toml")):
        step = f"{with_data('licet init', data)} writes one"
        found.append(Finding("policy", "warn", "no file; only `licet serve --upstream …` can be run", step))
        if not policies:
            return found
    config = None
    with suppress(ConfigurationError):
        config = read_config(data, environ=environ)
    found.extend(Finding("policy", "bad", str(mistake)) for mistake in mistakes)
    for policy in policies:
        found.append(
            Finding("policy", "ok", f"{policy.file}: site {policy.site.id}, mode {policy.site.mode}")
        )
        found += await own_server(policy, config)
        found += _content_keys(policy, data)
    if config is not None:
        found += [Finding(*each) for each in await payments(config, tuple(policies), data)]
        found += [Finding(*each) for each in await outbox(config, data)]
        found += [Finding(*each) for each in await retention(config, data)]
    return found


def _content_keys(policy: Policy, data: Path) -> list[Finding]:
    """Works that the policy calls encrypted, and none of whose files has a key here."""
    from gateway.keys.content_keys import ContentKeys

    locked = [work for work in policy.works if work.encrypted]
    paths = ContentKeys(data / "keys" / "content").paths(policy.site.id) if locked else frozenset()
    return [
        Finding(
            "content keys", "warn",
            f'{policy.site.id}: the work "{work.id}" is encrypted, and there is no key of any file in it',
            "licet ems encrypt makes the files and keeps their keys; or take encrypted out",
        )
        for work in locked
        if not any(scope.covers(path) for scope in work.paths for path in paths)
    ]  # fmt: skip
