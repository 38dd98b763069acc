"""What may the published formats say? The projection of a policy that all of them render.

A ruling is about one visitor and one path; robots.txt, RSL and their like speak
to everybody about whole parts of a site. `publish` says only what the rules say
to every crawler it could be read by, in any country:

========= ====================================================================
free      a crawler that does nothing but what is said free here, and is who
          it says it is, is ruled `SERVE` on every path of the scope
offers    sell every path of the scope; a crawler that does nothing but what
          the offer covers can buy it, or is served, on each of them, from
          every country of the offer's territory
refused   a robots.txt stance; its crawlers are ruled `REFUSE` on every path of
          the scope, except on `Policy.free_paths`
========= ====================================================================

"Every crawler" is each one of the catalog and newcomers of every use that
nobody has met. Two exceptions keep one crawler from silencing what holds for
all others: whom a robots.txt stance already refuses on a scope is not asked
about it again, and a rule that picks a crawler by its name or company may give
it other offers, of which it is told in its own answers. Free paths grant no
use: they are served, but nobody has set what may be done with them.

Pure. Where a pattern with stars overlaps another scope, both say only what holds
on either side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from gateway.paths import PathScope
from gateway.policy.bundles import bundles_sold
from gateway.policy.newcomers import newcomers_of
from gateway.policy.rules import Policy, Rule, Verdict, Work
from gateway.policy.ruling import matches_country, matches_visitor, sellable, unmatched
from gateway.terms.license_terms import (
    PAGE,
    WORLDWIDE,
    Offer,
    PublishedScope,
    PublishedTerms,
    RobotsStance,
    Territory,
)
from gateway.uses import Use, Uses, closure
from gateway.visitors.visitor import Crawler, Identity, Visitor


def publish(
    policy: Policy,
    origin: str,
    catalog_tokens: Mapping[str, tuple[Crawler, tuple[str, ...]]],
    *,
    robots_only: Collection[str] = (),
) -> PublishedTerms:
    """What every format says for *policy* at the public *origin*.

    *catalog_tokens* maps a crawler's name to the crawler and the product tokens
    that robots.txt uses for it. *robots_only* names those that never come
    themselves (``Google-Extended``): they cannot buy, so what is for sale is
    closed to them.
    Each scope has one path; narrower scopes come before wider ones, ``/`` last.
    """
    crawlers = _grouped(policy, catalog_tokens, frozenset(robots_only))
    newcomers = tuple(_Reader(_honest(each), each.uses) for each in newcomers_of(policy))
    nodes = _nodes(policy)
    for crawler in crawlers:
        crawler.refused = _refused(policy, nodes, crawler)
    said: dict[PathScope, PublishedScope] = {}
    for node in reversed(nodes):
        scope = _scope(policy, node, (*crawlers, *newcomers))
        if not _repeats(node, scope, said):
            said[node.scope] = scope
    return PublishedTerms(
        origin=origin,
        name=policy.site.name,
        contact=policy.site.contact,
        digest=policy.digest,
        currency=policy.site.currency,
        scopes=tuple(reversed(said.values())),
        robots=_stances(crawlers),
        honeypot=policy.site.honeypot,
        publishing=policy.publishing,
        x402=policy.payments.x402 is not None or policy.payments.x402_credit,
        bundles=bundles_sold(policy),
    )


def publish_to(policy: Policy, crawler: Crawler) -> tuple[PublishedScope, ...]:
    """What holds for *crawler* alone, when it is what it says, in the order of `PublishedTerms.scopes`.

    *free* are all its uses where it is served everywhere in the scope, else
    none; *offers* are those that it can buy there and that cover all its uses.
    """
    reader = _Reader(_honest(crawler), crawler.uses)
    countries = _countries(policy)
    said: list[PublishedScope] = []
    for node in _nodes(policy):
        works = {work.id if work else "" for work, _ in node.places}
        served = all(
            verdict is Verdict.SERVE
            for country in countries
            for verdict, _ in _verdicts(policy, node, reader, country)
        )
        said.append(
            PublishedScope(
                paths=(node.scope,),
                work=works.pop() if len(works) == 1 else "",
                free=crawler.uses if served else frozenset(),
                offers=tuple(offer for offer in policy.offers if _on_offer(policy, node, offer, (reader,))),
            )
        )
    return tuple(said)


@dataclass(eq=False)
class _Reader:
    """A crawler that may read what is published, or several that no rule tells apart."""

    visitor: Visitor
    uses: Uses
    tokens: tuple[str, ...] = ()
    named: bool = False
    silent: bool = False
    buys: bool = True
    refused: tuple[PathScope, ...] = ()
    verdicts: dict[tuple[int, str], frozenset[tuple[Verdict, tuple[Offer, ...]]]] = field(
        default_factory=dict
    )

    def knows(self, scope: PathScope) -> bool:
        """Whether robots.txt already tells it to stay away from *scope*."""
        return not self.silent and any(scope.within(refused) for refused in self.refused)


@dataclass(frozen=True, eq=False)
class _Node:
    """One scope less the narrower ones inside: where a ruling does not depend on the path.

    *places* are the works and renditions that its paths may belong to; *paths*
    says of each rule whether its path condition holds here: True, False, or
    None where it holds for some paths only.
    """

    scope: PathScope
    places: tuple[tuple[Work | None, str], ...]
    paths: tuple[bool | None, ...]
    crossed: bool


def _grouped(
    policy: Policy,
    catalog_tokens: Mapping[str, tuple[Crawler, tuple[str, ...]]],
    robots_only: frozenset[str],
) -> tuple[_Reader, ...]:
    names = frozenset[str]().union(*(each.when.crawlers for each in policy.rules))
    operators = frozenset[str]().union(*(each.when.operators for each in policy.rules))
    groups: dict[tuple[object, ...], _Reader] = {}
    for crawler, tokens in catalog_tokens.values():
        name, operator = crawler.name.lower(), crawler.operator.lower()
        key = (
            name if name in names else "",
            operator if operator in operators else "",
            crawler.purposes,
            crawler.uses,
            crawler.visitor_class,
            crawler.verifiable,
            crawler.name in robots_only,
        )
        group = groups.get(key)
        if group is None:
            group = groups[key] = _Reader(
                _honest(crawler),
                crawler.uses,
                named=bool(key[0] or key[1]),
                buys=crawler.name not in robots_only,
            )
        group.tokens += tokens
        group.silent = group.silent or not tokens
    return tuple(groups.values())


def _honest(crawler: Crawler) -> Visitor:
    """*crawler* as it is seen when it is what it says."""
    identity = Identity.VERIFIED if crawler.verifiable else Identity.CLAIMED
    return Visitor(crawler.visitor_class, crawler, identity)


def _nodes(policy: Policy) -> tuple[_Node, ...]:
    """Every scope that the policy speaks of, narrower before wider."""
    found: dict[str, PathScope] = {"": PathScope("/")}
    for scope in (
        *(scope for work in policy.works for scope in work.paths),
        *(scope for work in policy.works for each in work.renditions for scope in each.paths),
        *(scope for each in policy.rules for scope in each.when.paths),
        *policy.withdrawn.places,
    ):
        found.setdefault(scope.pattern.rstrip("/"), scope)
    scopes = sorted(
        found.values(), key=lambda scope: (-scope.precision, "*" not in scope.pattern, scope.pattern)
    )
    return tuple(
        _Node(
            scope,
            _places(policy, scope),
            tuple(_any(_holds(scope, path) for path in each.when.paths) for each in policy.rules),
            any(_holds(scope, other) is None for other in scopes),
        )
        for scope in scopes
    )


def _holds(node: PathScope, scope: PathScope) -> bool | None:
    """Whether the paths of *node*, less those in narrower scopes, are in *scope*; None: some may be."""
    if node.within(scope):
        return True
    if scope.within(node) or _apart(node, scope):
        return False
    return None


def _apart(one: PathScope, other: PathScope) -> bool:
    """Whether no path is surely in both."""
    starts = [_start(one), _start(other)]
    if not (starts[0].startswith(starts[1]) or starts[1].startswith(starts[0])):
        return True
    if "*" not in one.pattern and "*" not in other.pattern:
        return not (one.within(other) or other.within(one))
    if "*" not in one.pattern or "*" not in other.pattern:
        return False
    ends = [one.pattern.rsplit("*", 1)[1], other.pattern.rsplit("*", 1)[1]]
    return not (ends[0].endswith(ends[1]) or ends[1].endswith(ends[0]))


def _start(scope: PathScope) -> str:
    return scope.pattern.split("*", 1)[0] if "*" in scope.pattern else scope.pattern.rstrip("/")


def _any(answers: Iterable[bool | None]) -> bool | None:
    """True if one is, None if one may be, else False; without any there is no condition, so True."""
    listed = list(answers)
    if not listed or True in listed:
        return True
    return None if None in listed else False


def _places(policy: Policy, node: PathScope) -> tuple[tuple[Work | None, str], ...]:
    best: tuple[int, Work] | None = None
    possible: list[Work | None] = []
    for work in policy.works:
        for scope in work.paths:
            held = _holds(node, scope)
            if held is None:
                possible.append(work)
            elif held and (best is None or scope.precision > best[0]):
                best = (scope.precision, work)
    possible.append(best[1] if best else None)
    return tuple((work, form) for work in dict.fromkeys(possible) for form in _renditions(work, node))


def _renditions(work: Work | None, node: PathScope) -> tuple[str, ...]:
    forms: list[str] = []
    for rendition in work.renditions if work else ():
        held = _any(_holds(node, scope) for scope in rendition.paths) if rendition.paths else False
        if held is not False:
            forms.append(rendition.name)
        if held:
            return tuple(forms)
    return (*forms, PAGE if work else "")


def _verdicts(
    policy: Policy, node: _Node, reader: _Reader, country: str
) -> frozenset[tuple[Verdict, tuple[Offer, ...]]]:
    """Everything that a path of *node* may be ruled for *reader* in *country*."""
    key = (id(node), country)
    if key not in reader.verdicts:
        reader.verdicts[key] = frozenset(
            outcome
            for work, form in node.places
            for outcome in _outcomes(policy, node, reader, country, work, form)
        )
    return reader.verdicts[key]


def _outcomes(
    policy: Policy, node: _Node, reader: _Reader, country: str, work: Work | None, form: str
) -> Iterable[tuple[Verdict, tuple[Offer, ...]]]:
    for gone in policy.withdrawn.each:
        held = _any(_holds(node.scope, scope) for scope in gone.paths) if gone.paths else False
        here = True if work and work.id in gone.works else held
        if here is not False and not gone.hold and not gone.licensee and gone.stops(reader.uses):
            yield Verdict.REFUSE, ()
            if here:
                return
    for each, held in zip(policy.rules, node.paths, strict=True):
        if held is False or (each.when.works and (work is None or work.id not in each.when.works)):
            continue
        if matches_country(each.when, country) and matches_visitor(each, reader.visitor, reader.uses):
            yield _outcome(policy, each, work, form)
            if held:
                return
    yield unmatched(policy, reader.visitor, reader.uses, work, form).verdict, ()


def _outcome(policy: Policy, each: Rule, work: Work | None, form: str) -> tuple[Verdict, tuple[Offer, ...]]:
    if each.verdict is not Verdict.LICENSE:
        return each.verdict, ()
    if work is None:
        return policy.otherwise or Verdict.REFUSE, ()
    # A bundle is some pages of a work: it is told by itself, never as what the whole work is offered on.
    offers = tuple(
        offer for offer in sellable(policy, each.offers, work, form) if offer.terms.scope.bundle is None
    )
    return (Verdict.LICENSE, offers) if offers else (Verdict.REFUSE, ())


def _countries(policy: Policy, territory: Territory = WORLDWIDE) -> tuple[str, ...]:
    """One country of *territory* for each set that the rules tell apart; "" for all they do not name."""
    named = frozenset[str]().union(*(each.when.countries for each in policy.rules))
    found: dict[tuple[bool, ...], str] = {}
    for country in ("", *sorted(named | territory.countries)):
        if territory.covers(country):
            found.setdefault(tuple(country in each.when.countries for each in policy.rules), country)
    return tuple(found.values())


def _refused(policy: Policy, nodes: tuple[_Node, ...], reader: _Reader) -> tuple[PathScope, ...]:
    """The widest scopes that are refused to *reader* wholly and everywhere."""
    countries = _countries(policy)
    open_ = {Verdict.SERVE, Verdict.LICENSE} if reader.buys else {Verdict.SERVE}
    closed = [
        node.scope
        for node in nodes
        if not any(
            verdict in open_
            for country in countries
            for verdict, _ in _verdicts(policy, node, reader, country)
        )
    ]
    whole = [
        scope for scope in closed if all(node.scope in closed for node in nodes if node.scope.within(scope))
    ]
    return tuple(
        scope for scope in whole if not any(scope != other and scope.within(other) for other in whole)
    )


def _scope(policy: Policy, node: _Node, readers: tuple[_Reader, ...]) -> PublishedScope:
    asked = tuple(reader for reader in readers if reader.uses and not reader.knows(node.scope))
    works = {work.id if work else "" for work, _ in node.places}
    return PublishedScope(
        paths=(node.scope,),
        work=works.pop() if len(works) == 1 else "",
        free=_free(policy, node, asked),
        offers=tuple(offer for offer in policy.offers if _on_offer(policy, node, offer, asked)),
        encrypted=bool(node.places) and all(work is not None and work.encrypted for work, _ in node.places),
    )


def _free(policy: Policy, node: _Node, readers: tuple[_Reader, ...]) -> Uses:
    """The uses, taken together, that cost nobody anything here; the first in `Use` win over later ones."""
    free: Uses = frozenset()
    countries = _countries(policy)
    for use in Use:
        wider = closure(free | {use})
        if all(
            verdict is Verdict.SERVE
            for reader in readers
            if reader.uses <= wider and not reader.uses <= closure(free)
            for country in countries
            for verdict, _ in _verdicts(policy, node, reader, country)
        ):
            free |= {use}
    return free


def _on_offer(policy: Policy, node: _Node, offer: Offer, readers: tuple[_Reader, ...]) -> bool:
    if offer.terms.scope.bundle is not None:
        return False
    if not offer.terms.scope.includes(node.scope) and policy.withdrawn:
        return False
    if not all(work and offer in sellable(policy, (offer.id,), work, form) for work, form in node.places):
        return False
    countries = _countries(policy, offer.terms.territory.at_fetch)
    sold = False
    for reader in readers:
        if reader.named or not reader.uses <= closure(offer.uses):
            continue
        for country in countries:
            for verdict, offers in _verdicts(policy, node, reader, country):
                if verdict is Verdict.REFUSE or (verdict is Verdict.LICENSE and offer not in offers):
                    return False
                sold = sold or verdict is Verdict.LICENSE
    return sold


def _repeats(node: _Node, scope: PublishedScope, said: Mapping[PathScope, PublishedScope]) -> bool:
    """Whether a wider scope already says exactly this of *node*."""
    around = [wider for path, wider in said.items() if node.scope.within(path)]
    if node.crossed or not around:
        return False
    nearest = around[-1]
    return (nearest.work, nearest.free, nearest.offers) == (scope.work, scope.free, scope.offers)


def _stances(readers: tuple[_Reader, ...]) -> tuple[RobotsStance, ...]:
    tokens: dict[tuple[PathScope, ...], list[str]] = {}
    for reader in readers:
        if reader.refused and reader.tokens:
            tokens.setdefault(reader.refused, []).extend(reader.tokens)
    return tuple(
        RobotsStance(tuple(sorted(set(names), key=str.lower)), refused) for refused, names in tokens.items()
    )
