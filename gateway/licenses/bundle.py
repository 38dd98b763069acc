"""A bundle: many works sold as one, frozen by a manifest. What is in it, what was fetched of it, what one of it is worth.

A manifest names every item by its path (a license opens that address and what lies
below it, so no item may lie below another), with a content id, the SHA-256 and the
size of the octets that the creator's server gave when it was made, and the state
of its rights then. Its hash (RFC 8785, SHA-256) stands in the terms of whoever
buys it (`terms.license_terms.Bundle`), so what was sold cannot change. An item
whose rights or people are unsure cannot be in one.

=============== ===========================================================
ingestion       the share of the items that a licensee fetched whole under its
                license, by the journal alone; met at the share that the terms
                name, all of them by default. Octets that differ from the manifest's count, and
                are told: the creator changed them
credit          what a withdrawal gives back: the price of the bundle by the
                item, rounded once
=============== ===========================================================

Pure; `read_manifest` raises nothing but `ManifestError`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from gateway.canonical import canonical_digest
from gateway.event import Event, event
from gateway.licenses.license import License
from gateway.money import Money
from gateway.paths import Ambiguous, canonical
from gateway.terms.sold_bundle import WHOLE, Bundle

FORMAT: Final = 1
#: Items of one bundle: its license names every path. A token names those that are fetched by it.
MOST_ITEMS: Final = 2000
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
TYPES: Final = ("milestone.ingestion",)
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RIGHTS: Final = {"own", "cleared"}
_PEOPLE: Final = {"none", "consented"}


class ManifestError(ValueError):
    """It is no manifest; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Item:
    """One work of a bundle. *size* is in octets, *sha256* in hex; *work* and *rendition* are the policy's names."""

    path: str
    work: str
    rendition: str
    sha256: str
    size: int
    rights: str
    people: str

    @property
    def id(self) -> str:
        """Its content id: the same as long as its work and its path are."""
        return f"{self.work}:{self.path}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in the bundle *name* of a site, frozen at second *made_at*; items by path, each once."""

    name: str
    site: str
    made_at: int
    items: tuple[Item, ...]

    def as_json(self) -> dict[str, object]:
        """What is hashed, and shown to whoever thinks of buying it."""
        return {
            "format": FORMAT,
            "name": self.name,
            "site": self.site,
            "made_at": self.made_at,
            "items": [{"id": each.id, **asdict(each)} for each in self.items],
        }

    @property
    def hash(self) -> str:
        """The manifest hash, ``sha-256:`` and hex."""
        return canonical_digest(self.as_json())

    @property
    def size(self) -> int:
        """Octets in all."""
        return sum(each.size for each in self.items)

    @property
    def bundle(self) -> Bundle:
        """How terms name it."""
        return Bundle(self.name, self.hash, len(self.items))


def manifest(name: str, site: str, made_at: int, items: Iterable[Item]) -> Manifest:
    """Freeze *items*; raise `ManifestError` for what cannot be sold as one."""
    found = tuple(sorted(items, key=lambda each: each.path))
    if not NAME.fullmatch(name):
        raise ManifestError("a bundle has a short name in small letters, such as launch-2026")
    if not found:
        raise ManifestError("nothing is in it")
    if len(found) > MOST_ITEMS:
        raise ManifestError(f"it has {len(found)} items; make bundles of at most {MOST_ITEMS}")
    if len({each.path.rstrip("/") for each in found}) < len(found):
        raise ManifestError("an item is in it twice")
    stems = {each.path.rstrip("/") for each in found}
    for each in found:
        parts = each.path.rstrip("/").split("/")
        above = next((stem for at in range(1, len(parts)) if (stem := "/".join(parts[:at])) in stems), None)
        if above is not None:
            raise ManifestError(
                f"{above or '/'} is above {each.path}: a license for it opens what is below, so leave it out"
            )
    for each in found:
        if (
            isinstance(canonical(each.path), Ambiguous)
            or canonical(each.path) != each.path
            or "*" in each.path
        ):
            raise ManifestError(f"{each.path!r} is no plain path")
        if each.path == "/":
            raise ManifestError("a license for / opens the whole site, so leave it out")
        if each.rights not in _RIGHTS or each.people not in _PEOPLE:
            raise ManifestError(f"{each.path} is not for sale: rights {each.rights}, people {each.people}")
        if not _SHA256.fullmatch(each.sha256) or each.size < 0:
            raise ManifestError(f"{each.path} has no digest and size")
    return Manifest(name, site, made_at, found)


def write_manifest(made: Manifest) -> str:
    """The file of a manifest, its hash included."""
    told = {**made.as_json(), "hash": made.hash}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode() + "\n"


def read_manifest(text: str | bytes) -> Manifest:
    """The manifest of that file; raise `ManifestError` where it is none, or was changed since it was made."""
    try:
        found = orjson.loads(text)
        items = [Item(**{name: each[name] for name in Item.__dataclass_fields__}) for each in found["items"]]
        ordered = all(isinstance(each.size, int) for each in items) and isinstance(found["made_at"], int)
        texts = [found["name"], found["site"], *(getattr(each, name) for each in items for name in _TEXTS)]
        if not ordered or not all(isinstance(each, str) for each in texts):
            raise ManifestError("a member is of another type")
        made = manifest(found["name"], found["site"], found["made_at"], items)
        told = found["hash"]
    except (KeyError, TypeError, IndexError, AttributeError, orjson.JSONDecodeError) as error:
        raise ManifestError("it is no manifest of a bundle") from error
    if told != made.hash:
        raise ManifestError("it was changed after it was made: its hash is another")
    return made


_TEXTS: Final = ("path", "work", "rendition", "sha256", "rights", "people")


@dataclass(frozen=True, slots=True)
class Fetched:
    """One item as the journal has it: a path that was fetched whole under a license, and the digest of its octets."""

    path: str
    sha256: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a bundle was fetched. *share* is in millionths; *missing* and *changed* are paths in order."""

    fetched: int
    items: int
    share: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]

    def met(self, threshold: int = WHOLE) -> bool:
        """Whether at least *threshold*, in millionths, was fetched."""
        return self.share >= threshold


def progress(made: Manifest, fetched: Iterable[Fetched]) -> Progress:
    """What of the manifest *made* was *fetched*; what is not in it counts for nothing, and nothing counts twice.

    The share is rounded down: all of it is said of all of it alone.
    """
    heard: dict[str, set[str]] = {}
    for each in fetched:
        heard.setdefault(each.path, set()).add(each.sha256)
    there = [item for item in made.items if item.path in heard]
    return Progress(
        len(there),
        len(made.items),
        len(there) * WHOLE // len(made.items),
        tuple(item.path for item in made.items if item.path not in heard),
        tuple(item.path for item in there if item.sha256 not in heard[item.path]),
    )


def credit_for_withdrawn(made: Manifest, price: Money, withdrawn: Collection[str]) -> Money:
    """What the buyer of a bundle for *price* is owed back when the items at the paths *withdrawn* leave it.

    By the item, rounded once, half away from zero; never more than the price,
    and the price itself when nothing is left.
    """
    gone = sum(item.path in withdrawn for item in made.items)
    return price.times(gone, len(made.items))


def ingested(license: License, made: Progress, manifest_hash: str, at: int) -> Event:
    """The event that the holder of *license* fetched what it bought; told once for each license and manifest."""
    facts: Mapping[str, object] = {
        "license": license.id,
        "manifest": manifest_hash,
        "items": made.items,
        "fetched": made.fetched,
        "changed": len(made.changed),
        "path": f"/.licet/licenses/{license.id}",
    }
    return event(
        TYPES[0],
        at=at,
        site=license.site,
        subject=license.id,
        licensee=license.licensee,
        nth=manifest_hash,
        body=facts,
    )
