"""How entries that credit a withdrawn work of a bundle are named: what was credited is found by its name alone. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from gateway.canonical import canonical_bytes
from gateway.licenses.license import License


def credit_id(license: License, manifest: str, path: str, milestone: str = "") -> str:
    """The id of the entry that credits the holder of *license* for the item at *path*, of what waits for *milestone*."""
    named = canonical_bytes([license.id, manifest, path, *filter(None, [milestone])])
    return "bc_" + hashlib.sha256(named).hexdigest()[:32]


def credit_ids(license: License, manifest: str, path: str) -> tuple[str, ...]:
    """The ids of all entries that credit it in the first term, one for each part of the fee."""
    milestones = (each.name for each in license.terms.compensation.milestones)
    return tuple(credit_id(license, manifest, path, name) for name in ("", *milestones))


def credited_paths(license: License, milestone: str, there: Collection[str]) -> tuple[str, ...]:
    """The paths of the bundle of *license* whose part of *milestone* is credited by an entry whose id is *there*."""
    bundle = license.terms.scope.bundle
    if bundle is None:
        return ()
    paths = (scope.pattern for scope in license.terms.scope.paths)
    return tuple(path for path in paths if credit_id(license, bundle.manifest, path, milestone) in there)
