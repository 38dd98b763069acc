"""Where a token opens content: the places it names, or the items of the bundle it names by its manifest. Pure.

A token has no room for thousands of paths, so one for the whole of a bundle
holds the hash of the manifest. Whoever judges a fetch has the manifests of its
site at hand, each as the set of its items (`Contents`): membership is looked up,
never fetched. A hash that is not among them opens nothing. As everywhere, an
item opens its own address and what lies below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.licenses.bundle import Manifest
from gateway.paths import PathScope, narrowest
from gateway.tokens.claims import Claims


@dataclass(frozen=True)
class Contents:
    """The items of every manifest of one site, *by_manifest*, its hash, as paths that end in no slash."""

    by_manifest: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False, repr=False)


NO_BUNDLES: Final = Contents()


def contents_of(made: Manifest) -> frozenset[str]:
    """The items of one manifest."""
    return frozenset(each.path.rstrip("/") for each in made.items)


def opened_by(claims: Claims, path: str, contents: Contents) -> PathScope | None:
    """The narrowest scope of *claims* that canonical *path* is in, or None."""
    if not claims.bundle:
        return narrowest(path, claims.scopes, claims.excluded)
    items, stem = contents.by_manifest.get(claims.bundle, frozenset()), path.rstrip("/")
    # No item lies below another, so the first that is met is the only one.
    while stem:
        if stem in items:
            return PathScope(stem)
        stem = stem.rpartition("/")[0]
    return None
