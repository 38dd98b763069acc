"""Everything that reads well in a policy but looks wrong: in its rules, and in how it is told to crawlers. Pure."""

from __future__ import annotations

from gateway.policy.lint import Advice, lint
from gateway.policy.lint_telling import lint_telling
from gateway.policy.published import publish
from gateway.policy.rules import Policy
from gateway.visitors.catalog import Catalog


def advice_for(policy: Policy, catalog: Catalog) -> tuple[Advice, ...]:
    """What there is to say about *policy*, by the names of *catalog*; it changes nothing."""
    entries = catalog.crawlers
    crawlers = [entry.crawler for entry in entries]
    terms = publish(
        policy,
        policy.site.public or "https://site.invalid",
        {entry.name: (entry.crawler, entry.tokens) for entry in entries},
        robots_only=frozenset(entry.name for entry in entries if entry.robots_only),
    )
    names = frozenset(crawler.name for crawler in crawlers)
    return (*lint(policy, names, crawlers), *lint_telling(policy, terms))
