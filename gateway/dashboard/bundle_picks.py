"""Bundles that are withdrawn by name: what is in each, out of the manifests beside the policies.

A bundle is withdrawn as what is in it, so ``bundle:NAME`` stands for the paths of
its newest manifest. One that is named alone, or beside works and paths, gives the
withdrawal its name; several give it their paths.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from gateway.licenses.bundle import Manifest
from gateway.policy.bundles import manifests_beside
from gateway.policy.rules import Policy

MARK: Final = "bundle:"
#: Paths that one withdrawal may name by bundles; more are a work, and better withdrawn as one.
MOST: Final = 5_000


async def newest_of(policies: Iterable[Policy]) -> dict[str, dict[str, Manifest]]:
    """The newest manifest of each bundle, by site and name."""
    found: dict[str, dict[str, Manifest]] = {}
    for policy in policies:
        if not policy.file:
            continue
        made = await asyncio.to_thread(manifests_beside, Path(policy.file), policy.site.id)
        found[policy.site.id] = {each.name: each for each in sorted(made, key=lambda each: each.made_at)}
    return found


def named(words: Sequence[str], manifests: Mapping[str, Manifest]) -> tuple[str, ...] | str:
    """*words* with the paths of each bundle that they name; a sentence where they are too many.

    A bundle of which nothing is known here stays a word by itself.
    """
    bundles = [word for word in words if word.startswith(MARK)]
    known = [manifests[name] for word in bundles if (name := word.removeprefix(MARK)) in manifests]
    paths = [item.path for each in known for item in each.items]
    if len(paths) > MOST:
        return f"these bundles hold {len(paths)} pages; withdraw the works that they are of"
    several = len(bundles) > 1
    kept = [
        word for word in words if not (several and word.removeprefix(MARK) in manifests and word in bundles)
    ]
    return tuple(dict.fromkeys((*kept, *paths)))
