"""The tables of one policy file and its stance, on their way to a policy, and every mistake found so far."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.licenses.bundle import Manifest
from gateway.policy.publish_table import PublishTable
from gateway.policy.schema import LooseKeys, OfferTable, RuleTable, SiteTable, WorkTable
from gateway.problems import Mistake


@dataclass
class Tables:
    """What one file and its stance hold, table by table; None where a table is wrong.

    *bundles* are the manifests that offers name, those that could be read.
    *named_works* and *named_offers* are the names that stand in the file, right
    or wrong, so that a mistake inside one is not followed by "nobody knows it".
    """

    file: str
    loose: LooseKeys
    site: SiteTable | None
    works: list[WorkTable | None]
    offers: dict[str, OfferTable | None]
    rules: list[RuleTable | None]
    bundles: Mapping[str, Manifest]
    named_works: frozenset[str]
    publish: PublishTable | None = None
    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, key: str, expected: str, got: str = "") -> None:
        """Remember one mistake in this file."""
        self.mistakes.append(Mistake(self.file, key, expected, got))

    def complains(self, key: str) -> bool:
        """Whether a mistake at or below *key* is known already."""
        return any(re.match(re.escape(key) + r"([.\[]|$)", mistake.key) for mistake in self.mistakes)
