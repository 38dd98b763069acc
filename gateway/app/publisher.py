"""What all formats say for a policy, made once for each policy and origin."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from gateway.policy.published import publish
from gateway.policy.rules import Policy
from gateway.terms.license_terms import PublishedTerms
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Crawler

#: What RFC 9309, section 2.2.1, allows as a product token in robots.txt.
_ROBOTS_TOKEN: Final = re.compile(r"[A-Za-z_-]+")
#: How many texts of published terms are kept.
_MOST: Final = 256


class Publisher:
    """Publishes policies to the crawlers of a catalog; bounded, because hosts may be forged."""

    def __init__(self, catalog: Catalog) -> None:
        """Speak to the crawlers of *catalog*, and to newcomers."""
        self._tokens = _robots_tokens(catalog)
        self._robots_only = frozenset(entry.name for entry in catalog.crawlers if entry.robots_only)
        self._made: dict[tuple[str, str], PublishedTerms] = {}
        self._anywhere: dict[str, PublishedTerms] = {}

    def __call__(self, policy: Policy, origin: str) -> PublishedTerms:
        """What is said for *policy* at *origin*."""
        key = (policy.edition, origin)
        terms = self._made.get(key)
        if terms is None:
            # An origin is but told: whoever makes up host names must not have it all worked out again.
            said = self._anywhere.get(policy.edition)
            if said is None:
                if len(self._anywhere) >= _MOST:
                    self._anywhere.clear()
                said = publish(policy, "", self._tokens, robots_only=self._robots_only)
                self._anywhere[policy.edition] = said
            if len(self._made) >= _MOST:
                self._made.clear()
            terms = self._made[key] = replace(said, origin=origin)
        return terms


def _robots_tokens(catalog: Catalog) -> dict[str, tuple[Crawler, tuple[str, ...]]]:
    """Each crawler by its name, with those of its tokens that robots.txt can hold."""
    return {
        entry.name: (entry.crawler, tuple(filter(_ROBOTS_TOKEN.fullmatch, entry.tokens)))
        for entry in catalog.crawlers
    }
