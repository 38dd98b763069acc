"""What in the telling of the terms is probably not meant? Advice, never a refusal; `lint` is about the rules.

The formats are made of one text, so none can say more than the policy. What can
go wrong is what a reader makes of them: silence that counts as consent, a no
that hides an offer, a yes that nobody thought of.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.policy.lint import Advice
from gateway.policy.rules import Policy, Verdict
from gateway.terms import tdmrep, x_robots_tag
from gateway.terms.license_terms import PublishedScope, PublishedTerms
from gateway.uses import AI_USES, Use, closure


def lint_telling(policy: Policy, terms: PublishedTerms) -> tuple[Advice, ...]:
    """Everything in how *terms*, the text of *policy*, are told that looks wrong.

    *terms* were published with the crawlers of the catalog, or nothing is
    known of what robots.txt closes to whom.
    """
    checks = (_silent(terms), _no_over_an_offer(terms), _search_in_limbo(terms), _given_away(policy, terms))
    return tuple(advice for check in checks for advice in check)


def _silent(terms: PublishedTerms) -> Iterator[Advice]:
    """Whoever is told nothing may take that for consent: Directive (EU) 2019/790, Article 4(3)."""
    told = terms.publishing
    if not any(tdmrep.reserved(scope) for scope in terms.scopes):
        return
    if not (told.content_usage or told.content_signals or told.tdmrep):
        yield Advice(
            "publish",
            "every preference is off, so a crawler that asks for no license.xml is told of no reservation before "
            "it meets a refusal; leave at least one on",
        )
    elif not told.tdmrep:
        yield Advice(
            "publish.tdmrep",
            "is off while text and data mining is reserved; readers in the EU that look for nothing else take "
            "silence for no reservation",
        )


def _no_over_an_offer(terms: PublishedTerms) -> Iterator[Advice]:
    if not terms.publishing.x_robots_tag:
        return
    for scope in terms.scopes:
        if x_robots_tag.closed(scope) and scope.for_sale & AI_USES:
            yield Advice(
                "publish.x_robots_tag",
                f'says noai on "{_pattern(scope)}", which an offer sells; who obeys it goes away instead of buying',
            )
            return


def _search_in_limbo(terms: PublishedTerms) -> Iterator[Advice]:
    """Neither free nor for sale, and yet not closed: fetched for nothing, and listed by nobody."""
    for scope in terms.scopes:
        if Use.SEARCH in closure(scope.free) or Use.SEARCH in closure(scope.for_sale):
            continue
        closed = any(
            path.within(wide) for path in scope.paths for each in terms.robots for wide in each.refused
        )
        if not closed:
            yield Advice(
                "rules",
                f'search is neither free nor for sale on "{_pattern(scope)}", and robots.txt closes it to no search '
                "engine: they are told search=n and may still come; refuse them, or serve them",
            )


def _given_away(policy: Policy, terms: PublishedTerms) -> Iterator[Advice]:
    """What no work lists and ``otherwise`` serves: told as free for every use."""
    if policy.otherwise is not Verdict.SERVE or not policy.offers:
        return
    for scope in terms.scopes:
        if not scope.work and Use.AI_TRAIN in closure(scope.free):
            yield Advice(
                "otherwise",
                f'"{_pattern(scope)}" is in none of your works and served, so it is told as free to train on '
                '(train-ai=y, tdm-reservation 0 where all mining is free); otherwise = "refuse" keeps it yours',
            )
            return


def _pattern(scope: PublishedScope) -> str:
    return scope.paths[0].pattern if scope.paths else "/"
