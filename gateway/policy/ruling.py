"""What does the policy say to this ask? One pure function: `rule`.

It is asked after the visitor was identified and before any token is looked at.
Rules are tried from the top and the first that matches decides:

=================== =========================================================
in this order       ruling
=================== =========================================================
withdrawn           refused to an automaton for a use it is withdrawn for,
                    whatever rules and free paths say; rule ``withdrawn``
a free path         served to everyone; rule ``free``
the honeypot        passed to the site, where nothing is; rule ``honeypot``
the first match     serve, refuse, or license on the offers that it names
no match            rule ``default``: a visitor that wants anything but
                    search, or is of class ``ai``, is refused, because a use
                    nobody set means no; everybody else is served
=================== =========================================================

*Matching.* Every key that a rule gives must match. ``use`` matches a visitor
all of whose uses are listed. ``purpose`` matches a crawler all of whose
purposes are listed when the rule serves, and any of whose purposes is listed
when it does not: a crawler that does two things is not served for the better
one. An unknown country is in no list.

*License.* Only offers that sell this form of this work are kept. Without any,
the page is not for sale: refused. On a page that is in no work,
`Policy.otherwise` decides; rule ``otherwise``.

*Free for whom?* Whoever is exposed as an imitator is refused instead of served.
A crawler whose company publishes a way to check it is served only when it was
checked; where our evidence is stale, `Policy.unverifiable` decides (rule
``unverifiable``), and a bare claim is refused.

*People* are never refused, and never sent to a till, by class, use, name or
proof. Only a rule that names none of these (``when = { path = "/draft/" }``,
or no ``when`` at all) refuses them too.

*Ambiguous paths* (`Ask.path` is "") are in no work and match no scope. People
are judged by the rest of the rules, so in practice served. For anybody else a
rule that would sell is a refusal, and so is one that would sell or refuse on a
path, and anything where some path is withdrawn for the use: whoever hides the
path does not get past it.

*Sold out.* Where only some uses of an offer are withdrawn on a path, or its sale
is held, nothing on that offer is sold there any more; a license that is held goes on for the rest.

*How old?* Of a page that needs a license the date in its path is read
(`policy.dating`), and each offer is at the price of that age (`terms.ages`) at the
moment of the ask.

No I/O, no clock, and no exception on any visitor and any ask.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from types import MappingProxyType
from typing import Final

from gateway.ask import Ask
from gateway.languages import Phrase, later
from gateway.policy.dating import UNDATED, dated_by_path
from gateway.policy.digest import spelled_match
from gateway.policy.rule_words import numbered
from gateway.policy.rules import Match, Policy, Rule, Ruling, Verdict, Work
from gateway.problems import Problem
from gateway.terms.ages import days_old, reached
from gateway.terms.license_terms import Offer
from gateway.uses import Use, Uses, covers
from gateway.visitors.visitor import Identity, Visitor, VisitorClass

_SEARCH_ONLY: Uses = frozenset({Use.SEARCH})
#: What a rule can look at, by its key in a policy file.
_KEYS: Final = MappingProxyType(
    {
        "crawler": later("crawler {words}"), "operator": later("operator {words}"),
        "purpose": later("purpose {words}"), "class": later("class {words}"), "proof": later("proof {words}"),
        "use": later("use {words}"), "work": later("work {words}"), "path": later("path {words}"),
        "country": later("country {words}"),
    }
)  # fmt: skip


def rule(policy: Policy, visitor: Visitor, ask: Ask, uses: Uses) -> Ruling:
    """Say what *policy* means for *visitor*, who asks *ask* and does *uses* with what is fetched.

    *uses* is the effective use: the token's where one was shown, else
    `Visitor.uses`. The module's docstring is the contract.
    """
    ruling = _ruled(policy, visitor, ask, uses)
    if ruling.verdict is not Verdict.LICENSE:
        return ruling
    if policy.dated:
        ruling = _dated(policy, ruling, ask)
    if policy.streamed and (work := policy.work_of(ask.path)) and (stream := work.stream_of(ask.path)):
        ruling = replace(ruling, stream=stream)
    return ruling


def _dated(policy: Policy, ruling: Ruling, ask: Ask) -> Ruling:
    """*ruling* with the age of the page, and its offers at the price of that age."""
    dating = next((work.dating for work in policy.works if work.id == ruling.work), UNDATED)
    published_at = dated_by_path(dating, ask.path)
    days = days_old(published_at, ask.asked_at)
    offers = tuple(
        replace(offer, step=reached(offer.terms.compensation.by_age, days)) for offer in ruling.offers
    )
    return replace(ruling, offers=offers, published_at=published_at, days=days, dated_by=dating.field)


def _ruled(policy: Policy, visitor: Visitor, ask: Ask, uses: Uses) -> Ruling:
    path = ask.path
    if policy.withdrawn and not visitor.is_person and (stopped := _stopped(policy, path, uses)):
        return stopped
    if path and any(scope.covers(path) for scope in policy.free_paths):
        return _ruling(policy, Verdict.SERVE, "free", Phrase("the path is free for everyone"), None, "")
    if path and path == policy.site.honeypot:
        return _ruling(policy, Verdict.SERVE, "honeypot", Phrase("nothing is behind this path"), None, "")
    work = policy.work_of(path) if path else None
    rendition = work.rendition_of(path) if work else ""
    for each in policy.rules:
        if not matches_visitor(each, visitor, uses) or not matches_country(each.when, ask.country):
            continue
        if path:
            if matches_place(each.when, path, work):
                return settle(policy, each, visitor, work, rendition, path)
        elif not (each.when.works or each.when.paths):
            return settle(policy, each, visitor, None, "", "")
        elif each.verdict is not Verdict.SERVE and not visitor.is_person:
            return _ambiguous(policy, each)
    return unmatched(policy, visitor, uses, work, rendition)


def _stopped(policy: Policy, path: str, uses: Uses) -> Ruling | None:
    """The refusal of what is withdrawn for *uses* on *path*, "" if that is ambiguous; None where nothing is."""
    if not path:
        if not policy.withdrawn.anywhere(uses):
            return None
        why = Phrase("some path is withdrawn for this use, and the path has more than one reading")
        return _refused(policy, "withdrawn", why, None, "", Problem.AMBIGUOUS_PATH)
    work = policy.work_of(path)
    found = policy.withdrawn.stopping(path, work.id if work else "", uses)
    if found is None:
        return None
    why = Phrase("withdrawn by the owner for {uses}", uses=", ".join(sorted(found.uses)))
    rendition = work.rendition_of(path) if work else ""
    return replace(_refused(policy, "withdrawn", why, work, rendition, Problem.WITHDRAWN), withdrawal=found)


def matches_visitor(each: Rule, visitor: Visitor, uses: Uses) -> bool:
    """Whether rule *each* is about *visitor*, wherever and from wherever it asks."""
    when = each.when
    if visitor.is_person and each.verdict is not Verdict.SERVE and names_visitors(when):
        return False
    crawler = visitor.crawler
    if when.classes and visitor.visitor_class not in when.classes:
        return False
    if when.proofs and visitor.identity not in when.proofs:
        return False
    if when.uses and not covers(when.uses, uses):
        return False
    if not (when.crawlers or when.operators or when.purposes):
        return True
    if crawler is None:
        return False
    if when.crawlers and crawler.name.lower() not in when.crawlers:
        return False
    if when.operators and crawler.operator.lower() not in when.operators:
        return False
    if not when.purposes:
        return True
    if each.verdict is Verdict.SERVE:
        return bool(crawler.purposes) and when.purposes.issuperset(crawler.purposes)
    return not when.purposes.isdisjoint(crawler.purposes)


def names_visitors(when: Match) -> bool:
    """Whether *when* picks visitors by who they are or what they do, and not only by place."""
    return bool(when.crawlers or when.operators or when.purposes or when.classes or when.proofs or when.uses)


def matches_country(when: Match, country: str) -> bool:
    """Whether *country* ("" if unknown) is one that *when* speaks of."""
    return not when.countries or country in when.countries


def matches_place(when: Match, path: str, work: Work | None) -> bool:
    """Whether canonical *path*, which belongs to *work*, is one that *when* speaks of."""
    if when.works and (work is None or work.id not in when.works):
        return False
    return not when.paths or any(scope.covers(path) for scope in when.paths)


def sellable(policy: Policy, names: tuple[str, ...], work: Work, rendition: str) -> tuple[Offer, ...]:
    """The offers among *names* that sell this form of *work*; none where it is not for sale."""
    if not work.for_sale:
        return ()
    found = (policy.by_offer.get(name) for name in names)
    return tuple(
        offer
        for offer in found
        if offer is not None
        and work.id in offer.terms.scope.works
        and rendition in offer.terms.scope.renditions
    )


def settle(
    policy: Policy, each: Rule, visitor: Visitor, work: Work | None, rendition: str, path: str
) -> Ruling:
    """The ruling once *each* is known to be the first rule that matches; *path* "" is ambiguous."""
    why = reason(each)
    if each.verdict is Verdict.REFUSE:
        return _refused(policy, each.key, why, work, rendition)
    if each.verdict is Verdict.LICENSE and not visitor.is_person:
        return _licensed(policy, each, why, visitor, work, rendition, path)
    return _free(policy, each.key, why, visitor, work, rendition, path)


def unmatched(policy: Policy, visitor: Visitor, uses: Uses, work: Work | None, rendition: str) -> Ruling:
    """The ruling where no rule matches: a use nobody set means no."""
    if not visitor.is_person and (uses - _SEARCH_ONLY or visitor.visitor_class is VisitorClass.AI):
        why = Phrase("no rule speaks of this visitor, and a use that nobody set means no")
        return _refused(policy, "default", why, work, rendition)
    return _free(policy, "default", Phrase("no rule speaks of this visitor"), visitor, work, rendition, "/")


def reason(each: Rule) -> Phrase:
    """A public clause that says what *each* matches: ``rule 3 matches class ai``."""
    rule, keys = numbered(each.key), spelled_match(each.when)
    if not keys:
        return Phrase("{rule} matches everyone", rule=rule)
    what = reduce(
        lambda one, more: Phrase("{one}, {more}", one=one, more=more),
        (Phrase(_KEYS[key], words=_few(words)) for key, words in keys.items()),
    )
    return Phrase("{rule} matches {what}", rule=rule, what=what)


def _few(words: list[str]) -> str:
    if len(words) > 6:
        return Phrase("{one} or {count} more", one=_few(words[:5]), count=len(words) - 5)
    return reduce(lambda more, one: Phrase("{one} or {more}", one=one, more=more), reversed(words))


def _licensed(
    policy: Policy, each: Rule, why: str, visitor: Visitor, work: Work | None, rendition: str, path: str
) -> Ruling:
    if not path:
        return _ambiguous(policy, each)
    if work is None:
        if policy.otherwise is Verdict.SERVE:
            why = Phrase("{why}; the page is in no work, and otherwise = serve", why=why)
            return _free(policy, "otherwise", why, visitor, None, "", path)
        why = Phrase("{why}; the page is in no work, and otherwise = refuse", why=why)
        return _refused(policy, "otherwise", why, None, "")
    offers = _offers(policy, each.offers, work, rendition, path)
    if not offers and (held := _held(policy, each.offers, work, rendition, path)):
        # Why it is held is told to nobody but the owner.
        uses = frozenset(use for offer in held for use in offer.uses)
        for_now = policy.withdrawn.holding(path, work.id, uses)
        if for_now:
            why = Phrase("{why}, but {work} is not sold here at the moment", why=why, work=work.id)
        else:
            why = Phrase("{why}, but {work} is not sold here any more", why=why, work=work.id)
        return replace(
            _ruling(policy, Verdict.LICENSE, each.key, why, work, rendition, offers=held), closed=True
        )
    if not offers:
        if work.for_sale:
            form = Phrase("the {rendition} of {work}", rendition=rendition, work=work.id)
            why = Phrase("{why}, but {work} is not for sale", why=why, work=form)
        else:
            why = Phrase("{why}, but {work} is not for sale", why=why, work=work.id)
        return _refused(policy, each.key, why, work, rendition)
    return _ruling(policy, Verdict.LICENSE, each.key, why, work, rendition, offers=offers)


def _offers(
    policy: Policy, names: tuple[str, ...], work: Work, rendition: str, path: str
) -> tuple[Offer, ...]:
    offers = sellable(policy, names, work, rendition)
    return tuple(offer for offer in offers if offer.terms.scope.covers(path))


def _held(policy: Policy, names: tuple[str, ...], work: Work, rendition: str, path: str) -> tuple[Offer, ...]:
    """The offers, for the uses that are left, on which this form of *work* was sold before it was withdrawn or held."""
    found = (policy.withdrawn.before.get(name) for name in names) if policy.withdrawn else ()
    if not work.for_sale:
        return ()
    left = (
        policy.withdrawn.narrowed(offer, path, work.id)
        for offer in found
        if offer is not None
        and work.id in offer.terms.scope.works
        and rendition in offer.terms.scope.renditions
        and offer.terms.scope.covers(path)
    )
    return tuple(offer for offer in left if offer is not None)


def _free(
    policy: Policy, key: str, why: str, visitor: Visitor, work: Work | None, rendition: str, path: str
) -> Ruling:
    crawler, identity = visitor.crawler, visitor.identity
    if visitor.is_person:
        return _ruling(policy, Verdict.SERVE, key, why, work, rendition)
    if identity is Identity.SPOOFED:
        why = Phrase("{why}, but the evidence contradicts the claim", why=why)
        return _refused(policy, key, why, work, rendition, Problem.IDENTITY_NOT_PROVEN)
    if crawler is None or not crawler.verifiable or identity is Identity.VERIFIED:
        return _ruling(policy, Verdict.SERVE, key, why, work, rendition)
    if identity is not Identity.UNVERIFIABLE:
        why = Phrase("{why}, but {crawler} can be checked and was not", why=why, crawler=crawler.name)
        return _refused(policy, key, why, work, rendition, Problem.IDENTITY_NOT_PROVEN)
    if policy.unverifiable is Verdict.SERVE:
        return _ruling(policy, Verdict.SERVE, key, why, work, rendition)
    why = Phrase(
        "{why}, but the claim cannot be checked now, and unverifiable = {word}",
        why=why, word=policy.unverifiable.value,
    )  # fmt: skip
    if policy.unverifiable is Verdict.LICENSE and work is not None and path:
        offers = _offers(policy, tuple(policy.by_offer), work, rendition, path)
        if offers:
            return _ruling(policy, Verdict.LICENSE, "unverifiable", why, work, rendition, offers=offers)
    return _refused(policy, "unverifiable", why, work, rendition, Problem.IDENTITY_NOT_PROVEN)


def _ambiguous(policy: Policy, each: Rule) -> Ruling:
    why = Phrase("{rule} depends on the path, which has more than one reading", rule=numbered(each.key))
    return _refused(policy, each.key, why, None, "", Problem.AMBIGUOUS_PATH)


def _refused(
    policy: Policy,
    key: str,
    why: str,
    work: Work | None,
    rendition: str,
    problem: Problem = Problem.REFUSED_BY_OWNER,
) -> Ruling:
    return _ruling(policy, Verdict.REFUSE, key, why, work, rendition, problem=problem.code)


def _ruling(
    policy: Policy,
    verdict: Verdict,
    key: str,
    why: str,
    work: Work | None,
    rendition: str,
    *,
    offers: tuple[Offer, ...] = (),
    problem: str = "",
) -> Ruling:
    return Ruling(
        verdict=verdict,
        rule=key,
        why=why,
        policy=policy.digest,
        mode=policy.site.mode,
        offers=offers,
        work=work.id if work else "",
        rendition=rendition,
        problem=problem,
        territory=policy.site.territory,
        withdrawn=policy.withdrawn,
        bundles=policy.bundles,
    )
