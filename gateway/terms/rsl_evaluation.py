"""What RSL documents license for one URL, one use and one licensee (RSL 1.0, 2025-12-10, sections 3.1.1, 3.6, 4.9).

The specification leaves open which of several covering scopes decides; two
readings are in use:

=========== =================================================================
RESTRICTIVE a prohibition holds in every scope inside its own, however narrow
            a permission is; a server named by any covering scope must give a
            token; of two scopes that are equally narrow the dearer one holds
LIBERAL     the narrowest scope that mentions a use decides about it
=========== =================================================================

In both, a wider permission fills what a narrower scope is silent about, and a
document that cannot be read licenses nothing. A scope is narrower the more
literal octets its pattern has, anchored before open. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.terms.robots_pattern import encoded, matches
from gateway.terms.rsl import RslContent, RslDocument
from gateway.terms.rsl_license import RslLicense
from gateway.terms.rsl_xml import RslError
from gateway.uses import AI_USES, Use


class Reading(StrEnum):
    """How a prohibition and a narrower permission are read together."""

    RESTRICTIVE = "restrictive"
    LIBERAL = "liberal"


@dataclass(frozen=True, slots=True)
class Licensed:
    """What may be done. *licenses* are alternatives, empty where it is not licensed, for the reason *why*.

    *servers* are the license servers that must give a token first, if any.
    """

    licenses: tuple[RslLicense, ...] = ()
    servers: tuple[str, ...] = ()
    why: str = ""

    @property
    def is_free(self) -> bool:
        """Whether one of the licenses asks for nothing but a credit."""
        return any(_is_free(each) for each in self.licenses)


def evaluate(
    documents: Iterable[RslDocument | RslError],
    path: str,
    use: Use,
    *,
    user: str = "",
    country: str = "",
    profiles: frozenset[str] = frozenset(),
    reading: Reading = Reading.RESTRICTIVE,
) -> Licensed:
    """What all *documents* together license for *path* (with its query) of the site they govern.

    *user* is the licensee's class in RSL's words and *country* where it is
    (ISO 3166-1, upper case); "" is not told, and then only what holds for
    everybody, everywhere does. *profiles* are the reporting profiles that the
    licensee satisfies. *use* is one that RSL has a word for.
    """
    found = tuple(documents)
    if not found or any(isinstance(each, RslError) for each in found):
        return Licensed(why="there is no document, or one that cannot be read")
    asked = encoded(path)
    covering = [
        content
        for document in found
        if isinstance(document, RslDocument)
        for content in document.contents
        if content.pattern and matches(encoded(content.pattern), asked)
    ]
    mentioning = [content for content in covering if _permits(content, use) or _prohibits(content, use)]
    if not mentioning:
        return Licensed(why="no license of a covering scope permits it")
    narrowest = max(map(_weight, mentioning))
    deciding = [content for content in mentioning if _weight(content) == narrowest]
    barring = deciding if reading is Reading.LIBERAL else covering
    if any(_prohibits(content, use) for content in barring):
        return Licensed(why="it is prohibited")
    licenses = [
        applying
        for content in deciding
        if (applying := tuple(each for each in content.licenses if use in each.uses))
    ]
    if reading is Reading.RESTRICTIVE and len(licenses) > 1:
        licenses = [max(licenses, key=_asks)]
    kept = tuple(
        each
        for applying in licenses
        for each in applying
        if _is_for(each, user, country) and each.reporting <= profiles
    )
    if not kept:
        return Licensed(why="it is permitted to others, elsewhere, or on reports that are not made")
    serving = deciding if reading is Reading.LIBERAL else covering
    servers = tuple(dict.fromkeys(content.server for content in serving if content.server))
    return Licensed(kept, servers)


def _weight(content: RslContent) -> tuple[int, bool]:
    pattern = content.pattern
    return len(pattern.removesuffix("$").replace("*", "")), pattern.endswith("$")


def _permits(content: RslContent, use: Use) -> bool:
    return any(use in each.uses for each in content.licenses)


def _prohibits(content: RslContent, use: Use) -> bool:
    words = {str(use), "all", *(("ai-all",) if use in AI_USES else ()), *_DRAFT.get(use, ())}
    return any(words & each.prohibited for each in content.licenses)


_DRAFT = {Use.AI_TRAIN: ("train-ai",)}


def _is_free(license: RslLicense) -> bool:
    return license.payment in {"free", "attribution"}


def _asks(licenses: tuple[RslLicense, ...]) -> tuple[int, int]:
    """How dear the cheapest of *licenses* is; an unknown price is dearer than any."""
    prices = [
        (0, 0) if _is_free(each) else (2, 0) if each.amount is None else (1, each.amount.micros)
        for each in licenses
    ]
    return min(prices)


def _is_for(license: RslLicense, user: str, country: str) -> bool:
    inside = license.territory.covers(country) and (not license.excluded or bool(country))
    return inside and country not in license.excluded and (license.users is None or user in license.users)
