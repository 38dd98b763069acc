"""What in a valid policy is probably not meant? Advice, never a refusal.

Each check looks for one thing that people get wrong and says what follows from
it. None of them changes what the policy does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gateway.licenses.contract import large_as_published
from gateway.paths import PathScope
from gateway.policy.dating import UNDATED
from gateway.policy.rules import Match, Policy, Rule, Signing, Verdict, Work
from gateway.policy.ruling import matches_visitor, names_visitors
from gateway.uses import Use, closure
from gateway.visitors.visitor import Crawler, Identity, Visitor, VisitorClass

#: Segments below which other people write, who have agreed to nothing.
_OTHERS = frozenset(
    """
    account accounts comment comments community discussion discussions forum forums guestbook login
    members messages people profile profiles replies reviews signin signup thread threads user users
    """.split()  # noqa: SIM905 - easier to read and to add to
)


#: By purpose: whom a creator seldom means to stop, and what follows where it is done.
_MISSED = {
    "preview": ("link previews", "links to these pages will show neither title nor picture"),
    "feed": ("feed readers", "people who subscribed will see nothing new"),
    "archive": ("archives", "no library will keep these pages"),
    "monitoring": ("monitors", "nobody will be told when the site is down"),
    "accessibility": ("read-aloud and captioning services", "somebody who cannot see or hear is shut out"),
}
_WELCOME = (VisitorClass.SERVICE, VisitorClass.SEARCH_ENGINE)
_CALLED: dict[tuple[str, ...], str] = {
    ("search",): "search engine",
    ("preview",): "link preview",
    ("feed",): "feed reader",
    ("archive",): "archive",
    ("monitoring",): "monitor",
    ("accessibility",): "reading aid",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to look at again: where it stands, and a sentence that says what follows from it."""

    key: str
    sentence: str


def lint(
    policy: Policy, names: Collection[str] | None = None, crawlers: Collection[Crawler] = ()
) -> tuple[Advice, ...]:
    """Everything in *policy* that reads well but looks wrong, in the order of the file.

    *names* are the crawlers of the catalog, in any case of letters; without
    them no crawler's name is doubted. *crawlers* are the same with what is known
    of them; without them no rule on a name or a company is seen to stop a service.
    """
    checks = (
        _nested_works(policy),
        _strangers_in_paid_works(policy),
        _unsold_works(policy),
        _unreached_tiers(policy),
        _undated(policy),
        _free_offers(policy),
        _priced_search(policy),
        _stopped_services(policy),
        _stopped_by_name(policy, crawlers),
        _stopped_strangers(policy),
        _unreached_offers(policy),
        _unreached_rules(policy),
        _people(policy),
        _unknown_names(policy, names),
        _refused_but_sold(policy),
        _countries_outside(policy),
        _unsignable(policy),
        _for_named_parties(policy),
    )
    return tuple(advice for check in checks for advice in check)


def _for_named_parties(policy: Policy) -> Iterator[Advice]:
    """Offers that are too large for a machine alone, in a policy that says nothing of who signs."""
    if policy.signing != Signing():
        return
    for offer in policy.offers:
        if large_as_published(offer.terms):
            yield Advice(
                f"offers.{offer.id}",
                "is sold to named parties alone, after your word, and nothing can be signed before [contract] names "
                "a law and who signs for you; by_machine = true there sells it as published",
            )


def _unsignable(policy: Policy) -> Iterator[Advice]:
    """A contract that was begun to be filled in, and whose blanks keep deals from being signed."""
    signing = policy.signing
    if signing == Signing():
        return
    for member, value in (("law", signing.law), ("language", signing.language)):
        if not value:
            yield Advice(f"contract.{member}", "is empty, so no negotiated deal can be signed")
    empty = [
        word
        for word, value in (
            ("creator", signing.creator.name),
            ("address", signing.creator.address),
            ("signatory", signing.creator.signatory),
            ("authority", signing.creator.authority),
        )
        if not value
    ]
    if empty:
        yield Advice(
            "contract",
            f"says no {', '.join(empty)}, so deals that make a model of the works, shut others out, have no end "
            "or are large cannot be signed",
        )


def _nested_works(policy: Policy) -> Iterator[Advice]:
    for at, work in enumerate(policy.works):
        for other in policy.works:
            inside = [scope for scope in work.paths if any(scope.within(path) for path in other.paths)]
            if other is not work and inside and work.for_sale and other.for_sale:
                yield Advice(
                    f"works[{at}].paths",
                    f'"{inside[0].pattern}" lies inside the work {other.id}: '
                    f"a license for {other.id} names a path that includes it",
                )


def _strangers_in_paid_works(policy: Policy) -> Iterator[Advice]:
    """Comments, forums, profiles: what others wrote, inside what the creator sells."""
    sold = {work for offer in policy.offers for work in offer.terms.scope.works}
    for at, work in enumerate(policy.works):
        if work.id not in sold:
            continue
        for scope in work.paths:
            words = sorted(_OTHERS.intersection(scope.pattern.lower().strip("/").split("/")))
            if words:
                yield Advice(
                    f"works[{at}].paths",
                    f'"{scope.pattern}" looks like a place where other people write or sign in ({words[0]}); '
                    "what they wrote is yours to sell only if they agreed",
                )
        if any(scope.pattern == "/" for scope in work.paths) and not _carved_out(policy):
            yield Advice(
                f"works[{at}].paths",
                "the whole site is for sale, comments, forums, profiles and account pages included if there "
                'are any; list those as a work of their own with people = "unsure"',
            )


def _carved_out(policy: Policy) -> bool:
    return any(not work.for_sale for work in policy.works)


def _unsold_works(policy: Policy) -> Iterator[Advice]:
    if not policy.offers:
        return
    for at, work in enumerate(policy.works):
        if not work.for_sale:
            continue
        scopes = [offer.terms.scope for offer in policy.offers if work.id in offer.terms.scope.works]
        if not scopes:
            yield Advice(f"works[{at}]", f"no offer sells {work.id}; where a license is needed it is refused")
            continue
        for rendition in work.renditions:
            if not any(rendition.name in scope.renditions for scope in scopes):
                yield Advice(
                    f"works[{at}].renditions.{rendition.name}",
                    f"no offer sells the {rendition.name} of {work.id}; name it in the renditions of an offer",
                )


def _unreached_tiers(policy: Policy) -> Iterator[Advice]:
    for offer in policy.offers:
        for at, tier in enumerate(offer.terms.compensation.tiers):
            if 0 < offer.max_fetches <= tier.from_fetches:
                yield Advice(
                    f"offers.{offer.id}.price.tiers[{at}]",
                    f"is never reached: a license ends at {offer.max_fetches} fetches (max_fetches)",
                )


def _undated(policy: Policy) -> Iterator[Advice]:
    for offer in policy.offers:
        for at, work in enumerate(policy.works):
            aged = offer.terms.compensation.by_age and work.id in offer.terms.scope.works
            if aged and work.dating == UNDATED:
                yield Advice(
                    f"works[{at}]",
                    f"does not say how old its pages are (dated, dated_by), so on {offer.id} all of them cost what new ones cost",
                )


def _free_offers(policy: Policy) -> Iterator[Advice]:
    for offer in policy.offers:
        price = offer.terms.compensation
        if price.is_free:
            yield Advice(
                f"offers.{offer.id}.price",
                "costs nothing, so crawlers only need to ask for a token; is that meant?",
            )
        elif not price.per_fetch:
            yield Advice(
                f"offers.{offer.id}.price",
                "has no per_fetch part, so nothing is charged while pages are read; the rest is owed by contract",
            )


def _priced_search(policy: Policy) -> Iterator[Advice]:
    for each in policy.rules:
        when = each.when
        reaches = when.classes and VisitorClass.SEARCH_ENGINE in when.classes
        if each.verdict is Verdict.LICENSE and (
            reaches or "search" in when.purposes or when.uses == {Use.SEARCH}
        ):
            yield Advice(
                each.key, "search engines have to pay here; most will stop listing these pages instead"
            )
        elif each.verdict is Verdict.REFUSE and (reaches or "search" in when.purposes):
            yield Advice(
                each.key, "search engines are refused here; these pages will vanish from their results"
            )


def _stopped_services(policy: Policy) -> Iterator[Advice]:
    """Archives, feed readers, previews, monitors: each stopped on the creator's word alone, and each missed."""
    for each in policy.rules:
        if each.verdict is Verdict.SERVE:
            continue
        purposes = [purpose for purpose in _MISSED if purpose in each.when.purposes]
        if VisitorClass.SERVICE in each.when.classes:
            purposes = [purpose for purpose in _MISSED if not each.when.purposes or purpose in purposes]
        done = "refused" if each.verdict is Verdict.REFUSE else "sent to the till"
        for purpose in purposes:
            who, then = _MISSED[purpose]
            yield Advice(each.key, f"{who} are {done} here; {then}")


def _stopped_by_name(policy: Policy, crawlers: Collection[Crawler]) -> Iterator[Advice]:
    for each in policy.rules:
        when = each.when
        if each.verdict is Verdict.SERVE or not (when.crawlers or when.operators):
            continue
        stopped = [
            crawler
            for crawler in crawlers
            if crawler.visitor_class in _WELCOME
            and matches_visitor(each, Visitor(crawler.visitor_class, crawler, _any_proof(when)), crawler.uses)
        ]
        if stopped:
            named = ", ".join(crawler.name for crawler in stopped[:3])
            if len(stopped) == 1:
                what = _CALLED.get(stopped[0].purposes[:1], "service")
                yield Advice(each.key, f"also stops {named}, which is no AI crawler but a {what}")
            else:
                more = f" and {len(stopped) - 3} more" if len(stopped) > 3 else ""
                yield Advice(
                    each.key,
                    f"also stops {named}{more}: not AI crawlers but search engines or services that people rely on; "
                    'add class = "ai" if that is not meant',
                )


def _any_proof(when: Match) -> Identity:
    return min(when.proofs, default=Identity.VERIFIED)


def _stopped_strangers(policy: Policy) -> Iterator[Advice]:
    for each in policy.rules:
        when = each.when
        strangers = VisitorClass.AUTOMATION in when.classes and (
            not when.proofs or Identity.CLAIMED in when.proofs
        )
        if each.verdict is not Verdict.SERVE and strangers and not when.paths:
            yield Advice(
                each.key,
                "stops every robot that nobody knows by name, and monitors, feed readers and archives are among "
                'them; a rule of its own with class = "automation" and proof = "none" stops those that hide',
            )


def _unreached_offers(policy: Policy) -> Iterator[Advice]:
    named = {name for each in policy.rules for name in each.offers}
    for offer in policy.offers:
        if offer.id not in named and policy.unverifiable is not Verdict.LICENSE:
            yield Advice(f"offers.{offer.id}", "no rule names this offer, so nobody is told of it")


def _says_twice(one: Rule, other: Rule) -> bool:
    """Whether both refuse the very same."""
    return one.when == other.when and one.verdict is other.verdict is Verdict.REFUSE


def _unreached_rules(policy: Policy) -> Iterator[Advice]:
    for at, each in enumerate(policy.rules):
        before = next((other for other in policy.rules[:at] if _swallows(policy, other, each)), None)
        if before is not None and _says_twice(before, each):
            continue  # the grid of consent says no, and no to the rest of which there is none
        if before is not None:
            yield Advice(each.key, f"can never match: {before.key} matches first whatever this one would")
        elif each.when.paths and all(_inside(scope, policy.free_paths) for scope in each.when.paths):
            yield Advice(
                each.key, "can never match: its paths are free_paths, which are served before any rule"
            )
        elif _contradicts_itself(policy, each.when):
            yield Advice(each.key, "can never match: its path is in none of the works that it names")


def _swallows(policy: Policy, first: Rule, later: Rule) -> bool:
    """Whether every ask that *later* matches is matched by *first* as well."""
    one, other = first.when, later.when
    pairs: list[tuple[Collection[object], Collection[object]]] = [
        (one.crawlers, other.crawlers),
        (one.operators, other.operators),
        (one.purposes, other.purposes),
        (one.classes, other.classes),
        (one.proofs, other.proofs),
        (closure(one.uses), other.uses),
        (one.countries, other.countries),
    ]
    if not all(not wide or (narrow and set(narrow) <= set(wide)) for wide, narrow in pairs):
        return False
    if one.purposes and first.verdict is Verdict.SERVE and later.verdict is not Verdict.SERVE:
        return False
    if names_visitors(one) and first.verdict is not Verdict.SERVE and _serves_people(later):
        return False
    return _place_within(policy, other, one)


def _serves_people(each: Rule) -> bool:
    when = each.when
    return (
        each.verdict is Verdict.SERVE
        and not (when.crawlers or when.operators or when.purposes or when.uses)
        and (not when.classes or VisitorClass.UNPROVEN in when.classes)
    )


def _place_within(policy: Policy, narrow: Match, wide: Match) -> bool:
    if wide.works and not (narrow.works and narrow.works <= wide.works):
        return False
    if not wide.paths:
        return True
    reached = narrow.paths or tuple(
        scope for work in policy.works if work.id in narrow.works for scope in work.paths
    )
    return bool(reached) and all(_inside(scope, wide.paths) for scope in reached)


def _inside(scope: PathScope, wider: Collection[PathScope]) -> bool:
    return any(scope.within(path) for path in wider)


def _contradicts_itself(policy: Policy, when: Match) -> bool:
    owned = tuple(scope for work in policy.works if work.id in when.works for scope in work.paths)
    return bool(when.paths and when.works) and not any(
        scope.within(path) or path.within(scope) or "*" in scope.pattern + path.pattern
        for scope in when.paths
        for path in owned
    )


def _people(policy: Policy) -> Iterator[Advice]:
    for each in policy.rules:
        if each.verdict is Verdict.REFUSE and not names_visitors(each.when):
            where = "here" if each.when.paths or each.when.works else "everywhere"
            yield Advice(
                each.key, f"refuses people too, {where}; add a class of visitors if that is not meant"
            )
        elif each.verdict is not Verdict.SERVE and VisitorClass.UNPROVEN in each.when.classes:
            yield Advice(
                each.key, 'class "unproven" are people, and they are never refused or charged by class'
            )


def _unknown_names(policy: Policy, names: Collection[str] | None) -> Iterator[Advice]:
    if names is None:
        return
    known = {name.lower() for name in names}
    for each in policy.rules:
        for name in sorted(each.when.crawlers - known):
            yield Advice(
                f"{each.key}.when.crawler",
                f'no crawler in the catalog is called "{name}", so this matches nobody',
            )


def _refused_but_sold(policy: Policy) -> Iterator[Advice]:
    sold = {work for offer in policy.offers for work in offer.terms.scope.works}
    for each in policy.rules:
        when = each.when
        if each.verdict is not Verdict.REFUSE or (when.classes and VisitorClass.AI not in when.classes):
            continue
        if when.crawlers or when.operators or when.purposes or when.proofs or when.uses or when.countries:
            continue
        for work in policy.works:
            if work.id in sold and _wholly(work, when):
                yield Advice(each.key, f"refuses every AI crawler on {work.id}, which an offer sells")


def _wholly(work: Work, when: Match) -> bool:
    if when.works and work.id not in when.works:
        return False
    return not when.paths or all(_inside(scope, when.paths) for scope in work.paths)


def _countries_outside(policy: Policy) -> Iterator[Advice]:
    refused = frozenset[str]().union(
        *(
            each.when.countries
            for each in policy.rules
            if each.verdict is Verdict.REFUSE and not (each.when.crawlers or each.when.operators)
        )
    )
    for offer in policy.offers:
        territory = offer.terms.territory
        closed = sorted(country for country in refused if territory.covers(country))
        if closed:
            yield Advice(
                f"offers.{offer.id}.territory",
                f"sells a license for {closed[0]}, where a rule refuses crawlers; leave that country out of the territory",
            )
