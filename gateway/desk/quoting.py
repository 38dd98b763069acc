"""What a page costs a crawler, and why: the rule, the offers, the precedence. Pure.

A quote is the answer of the very functions that judge a request, asked ahead of
it: `policy.ruling.rule` for a crawler that is who it says it is, and
`licenses.pricing.cheapest`. What a quote cannot know is who will ask: it holds for
a crawler that proves its name, from the country that was named.

============= ==============================================================
outcome       means
============= ==============================================================
``free``      served without a license
``license``   served under a license at *price*, which one offer alone gives
``uncovered`` for sale, but no single offer covers all that this crawler does
``refused``   not served at any price
============= ==============================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.ask import Ask
from gateway.licenses.pricing import cheapest
from gateway.policy.explain import age_told
from gateway.policy.rule_words import numbered
from gateway.policy.rules import Policy, Ruling, Verdict
from gateway.policy.ruling import rule, sellable
from gateway.terms.ages import reached
from gateway.terms.license_terms import Offer
from gateway.uses import AI_USES, Uses, covers
from gateway.visitors.visitor import Crawler, Identity, Visitor, VisitorClass


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one page.

    *path* is canonical. *crawler* is None for one that no catalog knows, and
    *uses* None for what the crawler is known for. *rendition* "" is the form
    that the path delivers. *country* is ISO 3166-1 alpha-2, or "" for unknown.
    """

    path: str
    crawler: Crawler | None = None
    uses: Uses | None = None
    rendition: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """The answer. *offers* sell the form asked for, *chosen* is quoted, *steps* say how it came about."""

    question: Question
    ruling: Ruling
    outcome: str
    uses: Uses
    rendition: str
    offers: tuple[Offer, ...]
    chosen: Offer | None
    steps: tuple[str, ...]


def quote(policy: Policy, question: Question, now_us: int = 0) -> Quote:
    """Answer *question* by *policy*, for a page as old as it is at *now_us*, microseconds since the epoch."""
    visitor = _visitor(question)
    uses = _uses(question)
    ask = Ask("", now_us, policy.site.id, "", "GET", question.path, question.path, country=question.country)
    ruling = rule(policy, visitor, ask, uses)
    offers = _offers(policy, question, ruling)
    chosen = cheapest(offers, uses)
    outcome = _outcome(ruling, chosen, uses)
    rendition = question.rendition or ruling.rendition
    steps = tuple(_steps(policy, question, ruling, offers, chosen, uses))
    return Quote(question, ruling, outcome, uses, rendition, offers, chosen, steps)


def _visitor(question: Question) -> Visitor:
    crawler = question.crawler
    if crawler is None:  # as whoever shows a token and no name that is known
        return Visitor(VisitorClass.AI)
    return Visitor(
        crawler.visitor_class, crawler, Identity.VERIFIED if crawler.verifiable else Identity.CLAIMED
    )


def _uses(question: Question) -> Uses:
    """As `admission.entitlement.uses_under` a license: what is asked for, and all the crawler is known for."""
    known = question.crawler.uses if question.crawler else frozenset()
    if question.uses is None:
        return known if question.crawler else AI_USES
    return question.uses | known


def _offers(policy: Policy, question: Question, ruling: Ruling) -> tuple[Offer, ...]:
    """The offers that sell the form asked for, under the rule that decided."""
    if ruling.verdict is not Verdict.LICENSE or question.rendition in {"", ruling.rendition}:
        return ruling.offers
    work = policy.work_of(question.path)
    named = next((each.offers for each in policy.rules if each.key == ruling.rule), tuple(policy.by_offer))
    if work is None:
        return ()
    found = sellable(policy, named, work, question.rendition)
    return tuple(
        replace(offer, step=reached(offer.terms.compensation.by_age, ruling.days))
        for offer in found
        if offer.terms.scope.covers(question.path)
    )


def _outcome(ruling: Ruling, chosen: Offer | None, uses: Uses) -> str:
    if ruling.verdict is Verdict.SERVE:
        return "free"
    if chosen is None:
        return "refused"
    return "license" if covers(chosen.uses, uses) else "uncovered"


def _steps(
    policy: Policy,
    question: Question,
    ruling: Ruling,
    offers: tuple[Offer, ...],
    chosen: Offer | None,
    uses: Uses,
) -> Iterator[str]:
    where = f"the {ruling.rendition} of the work {ruling.work}" if ruling.work else "in no work"
    yield f"{question.path} is {where}."
    who = question.crawler.name if question.crawler else "a crawler that no catalog knows"
    yield f"For {who}, the uses are {', '.join(sorted(uses)) or 'none'}."
    keys = [each.key for each in policy.rules]
    passed = [numbered(key) for key in keys[: keys.index(ruling.rule)]] if ruling.rule in keys else []
    yield "Rules are tried from the top and the first that matches decides: " + (
        f"{', '.join(passed)} {'does' if len(passed) == 1 else 'do'} not match; {ruling.why}."
        if passed
        else f"{ruling.why}."
    )
    if ruling.verdict is not Verdict.LICENSE:
        return
    form = question.rendition or ruling.rendition
    if chosen is None:
        yield f"No offer of that rule sells the {form}."
        return
    yield f"Of the offers that the rule names, {', '.join(each.id for each in offers)} sell the {form}."
    covering = [each.id for each in offers if covers(each.uses, uses)]
    if not covering:
        yield "None of them alone covers all of these uses, so a license of one is not enough for this crawler."
        return
    yield (
        f"{', '.join(covering)} {'covers' if len(covering) == 1 else 'cover'} all of these uses; the one that asks "
        f"least a fetch is quoted, of equals the one listed first: {chosen.id} at {chosen.price}."
    )
    if told := age_told(ruling, chosen):
        yield f"Its price depends on the age of the page: {told}."
