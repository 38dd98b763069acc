"""Offers over bundles: the manifest of each, read beside the policy, and the scope that it comes to.

An earlier manifest is kept as ``NAME.HASH.json`` when another is made under its name.

The manifest of the bundle NAME of the policy ``sites/journal.toml`` is
``sites/bundles/NAME.json``, as `licet bundle make` writes it. A manifest that is
missing, changed, of another site, or whose items are not for sale by now is a
mistake of the offer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.licenses.bundle import NAME, Manifest, ManifestError, read_manifest
from gateway.licenses.bundle_paths import Contents, contents_of
from gateway.paths import PathScope
from gateway.policy.rules import Policy, Verdict, Work
from gateway.policy.schema import OfferTable
from gateway.problems import Mistake
from gateway.terms.license_terms import Offer, Scope
from gateway.terms.sold_bundle import Bundle

if TYPE_CHECKING:
    from gateway.policy.tables import Tables

#: Larger than a manifest of the most items with the longest paths.
_LARGEST_BYTES = 16_000_000


def manifest_file(policy_file: Path, name: str) -> Path:
    """Where the manifest of bundle *name* is, for the policy at *policy_file*."""
    return policy_file.parent / "bundles" / f"{name}.json"


def earlier_file(policy_file: Path, made: Manifest) -> Path:
    """Where *made* is kept once another manifest has its name."""
    digest = made.hash.removeprefix("sha-256:")[:16]
    return policy_file.parent / "bundles" / f"{made.name}.{digest}.json"


def manifest_sold(policy_file: Path, sold: Bundle) -> Manifest | None:
    """The manifest that the terms of a license name, the one in force or an earlier one; None where it is gone."""
    digest = sold.manifest.removeprefix("sha-256:")[:16]
    if not NAME.fullmatch(sold.name) or not digest.isalnum():
        return None
    folder = policy_file.parent / "bundles"
    for path in (folder / f"{sold.name}.json", folder / f"{sold.name}.{digest}.json"):
        try:
            made = read_manifest(path.read_bytes())
        except (OSError, ManifestError):
            continue
        if made.hash == sold.manifest:
            return made
    return None


def manifests_beside(policy_file: Path, site: str) -> tuple[Manifest, ...]:
    """The manifests of *site* beside *policy_file*, in force or earlier, by their files' names; what is none is left out."""
    found = list[Manifest]()
    for path in sorted((policy_file.parent / "bundles").glob("*.json")):
        with contextlib.suppress(OSError, ManifestError):
            made = _manifest_at(path)
            if made.site == site:
                found.append(made)
    return tuple(found)


def contents_beside(policy_file: Path, site: str) -> Contents:
    """What is in each bundle of *site* whose manifest stands beside *policy_file*, by its hash."""
    return Contents({made.hash: contents_of(made) for made in manifests_beside(policy_file, site)})


def _manifest_at(path: Path) -> Manifest:
    with path.open("rb") as opened:
        return read_manifest(opened.read(_LARGEST_BYTES))


def bundles_of(
    offers: Mapping[str, OfferTable | None], policy_file: Path, mistakes: list[Mistake]
) -> dict[str, Manifest]:
    """The manifests that *offers* name; what is wrong with one is added to *mistakes*."""
    found: dict[str, Manifest] = {}
    for name, offer in offers.items():
        if offer is None or offer.bundle is None or offer.bundle in found:
            continue
        key = f"offers.{name}.bundle"
        if not NAME.fullmatch(offer.bundle):
            mistakes.append(Mistake(str(policy_file), key, "is no name of a bundle"))
            continue
        path = manifest_file(policy_file, offer.bundle)
        try:
            found[offer.bundle] = _manifest_at(path)
        except OSError as error:
            why = f"{path} cannot be read ({error.strerror or error}); `licet bundle make` writes it before an offer names it"
            mistakes.append(Mistake(str(policy_file), key, why))
        except ManifestError as error:
            mistakes.append(Mistake(str(policy_file), key, f"{path}: {error}"))
    return found


def bundle_scope(tables: Tables, key: str, offer: OfferTable, works: tuple[Work, ...]) -> Scope | None:
    """The scope of an offer over a bundle: its items and no others, as long as each is for sale."""
    made = tables.bundles.get(offer.bundle or "")
    if made is None:
        return None
    before = len(tables.mistakes)
    if offer.works is not None:
        tables.wrong(f"{key}.works", "leave it out: what is in a bundle is said by its manifest")
    if made.name != offer.bundle:
        tables.wrong(f"{key}.bundle", f"the manifest is of the bundle {made.name}")
    if tables.site is not None and tables.site.id and made.site != tables.site.id:
        tables.wrong(f"{key}.bundle", f"the manifest is of the site {made.site}")
    owners = [_owner(item.path, works) for item in made.items]
    unsold = [
        item.path for item, work in zip(made.items, owners, strict=True) if not (work and work.for_sale)
    ]
    if unsold:
        shown = ", ".join(unsold[:3])
        tables.wrong(
            f"{key}.bundle",
            f"{len(unsold)} of its items are in no work that is for sale, such as {shown}; "
            'rights and people must not be "unsure"',
        )
    if offer.ingestion == 0:
        tables.wrong(f"{key}.ingestion", "nothing fetched is nothing taken in", '"0 %"')
    if len(tables.mistakes) > before:
        return None
    names = dict.fromkeys(work.id for work in works if work in owners)
    return Scope(
        works=tuple(names),
        paths=tuple(PathScope(item.path) for item in made.items),
        renditions=tuple(sorted({item.rendition for item in made.items})),
        bundle=made.bundle if offer.ingestion is None else replace(made.bundle, ingestion=offer.ingestion),
    )


def bundles_sold(policy: Policy) -> tuple[Offer, ...]:
    """The offers over bundles that some rule sells, in the policy's order."""
    named = {name for rule in policy.rules if rule.verdict is Verdict.LICENSE for name in rule.offers}
    return tuple(each for each in policy.offers if each.terms.scope.bundle and each.id in named)


def _owner(path: str, works: tuple[Work, ...]) -> Work | None:
    """The work with the narrowest scope that covers *path*, as `Policy.work_of` has it."""
    found = [(scope.precision, work) for work in works for scope in work.paths if scope.covers(path)]
    return max(found, key=lambda each: each[0])[1] if found else None
