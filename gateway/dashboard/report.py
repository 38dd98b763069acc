"""The log as one page to keep or send: what AI took, who, how proven, and what it would have cost.

The page has its style inside, runs nothing, and asks nobody for anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from gateway import bundled
from gateway.dashboard import pages
from gateway.dashboard.filters import Decision, LogFilter, rfc3339
from gateway.dashboard.queries import AccessLog, Counted, CrawlerRow, Overview, WorkRow


@dataclass(frozen=True, slots=True)
class Report:
    """What was read for one page. *past* says that it is of ingested logs, where nothing was ever enforced."""

    filter: LogFilter
    made_us: int
    past: bool
    overview: Overview
    crawlers: tuple[CrawlerRow, ...]
    works: tuple[WorkRow, ...]
    paths: tuple[Counted, ...]

    @property
    def proofs(self) -> Mapping[str, int]:
        """How many fetches by how well the visitor's name was proven, most first."""
        found: Counter[str] = Counter()
        for row in self.crawlers:
            for identity, number in row.identities.items():
                # A visitor without a name has none to prove, as one has whose name nobody vouches for.
                found[identity or "none"] += number
        return dict(found.most_common())

    @property
    def span(self) -> tuple[int, int]:
        """From when to when the fetches are, in microseconds; the filter's ends where it has them."""
        first = min((at for row in self.crawlers for at, _ in row.steps), default=self.made_us)
        newest = max((row.newest_us for row in self.crawlers), default=self.made_us) + 1
        return self.filter.from_us or first, self.filter.to_us or (newest if self.past else self.made_us)

    def as_json(self) -> dict[str, Any]:
        """The same figures for machines."""
        return {
            "past": self.past,
            "from": rfc3339(self.span[0]),
            "to": rfc3339(self.span[1]),
            "fetches": self.overview.fetches,
            "ai_fetches": self.overview.ai_fetches,
            "licensed": self.overview.licensed,
            "people": self.overview.people,
            "charged": _monies(self.overview.charged),
            "would_cost": _monies(self.overview.quoted),
            "decisions": {str(word): self.overview.decisions[word] for word in Decision},
            "proofs": dict(self.proofs),
            "crawlers": [
                {
                    "crawler": row.name,
                    "operator": row.operator,
                    "class": row.visitor_class,
                    "fetches": row.fetches,
                    "identities": dict(row.identities),
                    "charged": _monies(row.charged),
                    "bytes": row.bytes_sent,
                    "newest": rfc3339(row.newest_us),
                }
                for row in self.crawlers
            ],
            "works": [
                {"site": row.site, "work": row.work, "fetches": row.fetches, "bytes": row.bytes_sent}
                for row in self.works
            ],
            "paths": [{"path": item.value, "fetches": item.count} for item in self.paths],
            "paths_among": self.overview.paths_among,
        }


async def gather(log: AccessLog, filter: LogFilter, *, made_us: int, past: bool) -> Report:
    """Ask *log* for everything that the page about *filter* shows."""
    return Report(
        filter,
        made_us,
        past,
        await log.overview(filter),
        await log.crawlers(filter),
        await log.works(filter),
        await log.paths(filter),
    )


def report_page(report: Report) -> str:
    """The whole page as HTML."""
    made = pages.environment()
    filters = made.pop("filters")
    environment = jinja2.Environment(**made)  # noqa: S701 - `pages.environment` has autoescape on
    environment.filters.update(filters)
    environment.globals.update(MEANINGS=pages.MEANINGS, PERIODS=pages.PERIODS, Decision=Decision)
    step_us = report.filter.step_us
    return environment.get_template("report.html").render(
        style=Markup(bundled.static("dashboard.css").read_text("utf-8")),  # noqa: S704 - our own file
        report=report,
        overview=report.overview,
        view=None,
        chart=pages.chart(report.overview, step_us, report.span),
        step=pages.step_word(step_us),
        crawlers=[(row, pages.spark(row.steps, report.span, step_us)) for row in report.crawlers],
    )


def _monies(amounts: tuple[Any, ...]) -> dict[str, str]:
    return {each.currency: each.amount for each in amounts}
