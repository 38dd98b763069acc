"""What each use may do with each form of each work: a policy as a grid of *free, paid, ask me, no*. Pure.

A row is a `Place`, one form of one work; a column is a use. A cell is the grid's
own where the file says it in the shape that `consent_text` writes: for each
place, in this order, at most one rule that serves, one that asks for a license,
one that refuses what was said to be no, and always one that refuses the rest.
Everything else in a file was written by hand or comes from its stance; there a
cell shows what the rules say to a crawler that has this use and no other.

========= ====================================================================
cell      a crawler that has this use and no other is …
========= ====================================================================
free      served
paid      asked for a license, which machines sell
ask me    asked for a license, and a person decides on each
no        refused, because the file says so
not set   refused, because the file does not speak of it: an unset cell means no
by hand   asked for a license whose price is no single amount (`Found.locked`),
          or met by rules that tell crawlers of one use apart
========= ====================================================================

The grid speaks to whoever fetches for a use. Of programs that nobody knows every
AI use is presumed; where the rules serve them, the grid goes on to do so by a
rule of its own before the others (`programs_rule`). People are never refused by
use. Rules that pick by name, company, proof, country or a part of a work, and
stand before everything else, go on before the grid (`exceptions`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from gateway.money import Money
from gateway.policy.imagined import imagined_ask
from gateway.policy.newcomers import newcomers_of
from gateway.policy.rules import Match, Policy, Rule, Ruling, Verdict, Work
from gateway.policy.ruling import rule
from gateway.terms.license_terms import PAGE, WORLDWIDE, Exclusivity, Offer
from gateway.uses import Use, Uses, covers
from gateway.visitors.visitor import Identity, Visitor, VisitorClass

#: The parts of a price of which the grid writes one.
UNITS: Final[Mapping[str, str]] = {
    "per_fetch": "for each fetch",
    "per_megabyte": "for each megabyte",
    "per_thousand_tokens": "for each thousand tokens",
    "per_item": "for each item",
    "per_inference": "for each answer that used it",
    "upfront": "once, at the start",
    "subscription": "each month",
}
USUAL_UNIT: Final = "per_fetch"
_VISITOR_KEYS: Final = frozenset({"crawlers", "operators", "proofs", "countries"})


class Consent(StrEnum):
    """What a cell can be set to."""

    FREE = "free"
    PAID = "paid"
    ASK = "ask"
    NO = "no"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A row: one form of one work."""

    work: str
    rendition: str = PAGE


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell is set to. *amount*, in the site's currency, and *unit* are of `PAID`, and where talks begin of `ASK`."""

    consent: Consent
    amount: str = ""
    unit: str = USUAL_UNIT

    @property
    def priced(self) -> bool:
        """Whether it has a price."""
        return self.consent in {Consent.PAID, Consent.ASK}


Choices = Mapping[tuple[Place, Use], Cell]


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in a cell.

    Attributes:
        cell: what the grid could say of it, or None where it is not set or by hand.
        ours: whether the grid itself says so.
        mixed: whether crawlers of this use are told different things.
        locked: why the grid cannot change it, as a clause, or "".
        key: what in the file decides it, spelled as mistakes spell it, or "".
        offers: the offers on which it is sold.
    """

    cell: Cell | None = None
    ours: bool = False
    mixed: bool = False
    locked: str = ""
    key: str = ""
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """A policy as a grid. *exceptions* are the keys of the rules that go before it."""

    places: tuple[Place, ...]
    cells: Mapping[tuple[Place, Use], Found]
    exceptions: tuple[str, ...] = ()

    def chosen(self) -> dict[tuple[Place, Use], Cell]:
        """What the grid itself says: what a form of it shows as ticked."""
        return {key: found.cell for key, found in self.cells.items() if found.ours and found.cell}


def places_of(policy: Policy) -> tuple[Place, ...]:
    """The rows of *policy*: each work's pages, and then each of its other forms."""
    return tuple(
        Place(work.id, name)
        for work in policy.works
        for name in (PAGE, *(rendition.name for rendition in work.renditions))
    )


def grid_of(policy: Policy, raw: Mapping[str, Any], stance: Mapping[str, Any]) -> Grid:
    """The grid of *policy*, which was read from *raw* on the tables of *stance* ({} where there is none)."""
    places = places_of(policy)
    reader = Reader(policy, raw, stance)
    cells: dict[tuple[Place, Use], Found] = {}
    for work in policy.works:
        blocks = blocks_of(policy, work)
        for place in (each for each in places if each.work == work.id):
            block = blocks.get(place)
            for use in Use:
                said = reader.said(work, place, use)
                cells[place, use] = reader.of_block(block, place, use, said) if block else said
    return Grid(places, cells, tuple(each.key for each in policy.rules[: leading(policy)]))


@dataclass(frozen=True, slots=True)
class Block:
    """What the grid says of one place: the rules from *start* to *stop*, and the uses of each."""

    start: int
    stop: int
    free: Uses
    sold: Uses
    refused: Uses
    spoken: Uses
    offers: tuple[str, ...]


def blocks_of(policy: Policy, work: Work) -> dict[Place, Block]:
    """What the grid says of each place of *work*, where the rules have exactly its shape."""
    found: dict[Place, Block] = {}
    at = 0
    rules = policy.rules
    while at < len(rules):
        place = _place_of(rules[at], work)
        if place is None or place in found:
            at += 1
            continue
        stop = at
        while stop < len(rules) and _place_of(rules[stop], work) == place:
            stop += 1
        block = _block(rules, at, stop)
        if block:
            found[place] = block
        at = stop
    return found


def programs_rule(policy: Policy, work: Work, blocks: Mapping[Place, Block]) -> int | None:
    """Where the grid serves programs that nobody knows, of *work*: the rule directly before its *blocks*; None if it does not."""
    at = min((block.start for block in blocks.values()), default=0) - 1
    if at < 0:
        return None
    when = policy.rules[at].when
    plain = when == Match(
        classes=frozenset({VisitorClass.AUTOMATION}), proofs=when.proofs, works=frozenset({work.id})
    )
    return at if plain and policy.rules[at].verdict is Verdict.SERVE else None


def programs_served(policy: Policy, work: Work) -> tuple[Identity, ...]:
    """By which proofs of their names programs that nobody knows are served all of *work*."""
    places = [Place(work.id), *(Place(work.id, form.name) for form in work.renditions)]
    paths = [path for place in places for path in paths_of(work, place)]
    found = []
    for proof in (Identity.NONE, Identity.CLAIMED):
        visitor = Visitor(VisitorClass.AUTOMATION, None, proof)
        said = [rule(policy, visitor, imagined_ask(policy, path, "", "", ""), visitor.uses) for path in paths]
        if said and all(each.verdict is Verdict.SERVE for each in said):
            found.append(proof)
    return tuple(found)


def leading(policy: Policy) -> int:
    """How many rules go before the grid: those at the top that pick by name, company, proof, country or a part of a work."""
    whole = {
        frozenset(scopes)
        for work in policy.works
        for scopes in (work.paths, *(each.paths for each in work.renditions))
    }
    for at, each in enumerate(policy.rules):
        named = any(getattr(each.when, name) for name in _VISITOR_KEYS)
        if not named and not (each.when.paths and frozenset(each.when.paths) not in whole):
            return at
    return len(policy.rules)


def price_cell(offer: Offer) -> Cell | None:
    """*offer* as a cell, or None where its price is no single amount, or other levers limit who can buy."""
    price = offer.terms.compensation
    parts = {
        field.name: part
        for field in fields(price)
        if isinstance(part := getattr(price, field.name), Money) and part
    }
    plain = (
        len(parts) == 1
        and set(parts) <= set(UNITS)
        and not (price.tiers or price.by_age or price.milestones or price.revenue_share_bp)
        and price.subscription_months == 1
        and offer.terms.exclusivity == Exclusivity()
        and offer.terms.territory == WORLDWIDE
        and offer.terms.scope.bundle is None
    )
    if not plain:
        return None
    unit, money = next(iter(parts.items()))
    return Cell(Consent.ASK if offer.by_person else Consent.PAID, money.amount, unit)


def own_offer(offer: Offer, place: Place) -> bool:
    """Whether *offer* is about *place* alone, as the grid writes it."""
    scope = offer.terms.scope
    return scope.bundle is None and scope.works == (place.work,) and scope.renditions == (place.rendition,)


def _place_of(each: Rule, work: Work) -> Place | None:
    """The place that a rule in the grid's shape is about, or None."""
    when = each.when
    others = any((when.crawlers, when.operators, when.purposes, when.classes, when.proofs, when.countries))
    if others or when.works != {work.id} or not when.uses:
        return None
    if not when.paths:
        return Place(work.id)
    return next(
        (Place(work.id, form.name) for form in work.renditions if set(form.paths) == set(when.paths)), None
    )


def _block(rules: tuple[Rule, ...], start: int, stop: int) -> Block | None:
    given = list(rules[start:stop])
    free = sold = refused = frozenset[Use]()
    offers: tuple[str, ...] = ()
    if given and given[0].verdict is Verdict.SERVE:
        free = given.pop(0).when.uses
    if given and given[0].verdict is Verdict.LICENSE:
        sold, offers = given[0].when.uses, given[0].offers
        given.pop(0)
        if not free <= sold:
            return None
    if not given or len(given) > 2 or any(each.verdict is not Verdict.REFUSE for each in given):
        return None
    spoken = given[-1].when.uses
    if len(given) == 2:
        refused = given[0].when.uses
    if not (free | sold | refused) <= spoken or refused & (free | sold):
        return None
    return Block(start, stop, free, sold - free, refused, spoken, offers)


class Reader:
    """What the rules of a policy say to crawlers of one use."""

    def __init__(self, policy: Policy, raw: Mapping[str, Any], stance: Mapping[str, Any]) -> None:
        """Read *policy*, which was read from *raw* on the tables of *stance*."""
        self._policy, self._own_offers = policy, raw.get("offers", {})
        known = stance.get("rules", [])
        listed = raw.get("rules", known)
        #: The rules that were written by hand, and not taken from the stance.
        self._by_hand = frozenset(f"rules[{at}]" for at, each in enumerate(listed) if each not in known)
        self._newcomers = tuple(
            Visitor(each.visitor_class, each, Identity.VERIFIED if each.verifiable else Identity.CLAIMED)
            for each in newcomers_of(policy)
        )
        self._single = {use: [each for each in self._newcomers if each.uses == {use}] for use in Use}

    def said(self, work: Work, place: Place, use: Use) -> Found:
        """What the rules say to crawlers of *use* alone, wherever they stand in the file."""
        every = list(self._rulings(work, place, self._single[use]))
        outcomes = {(_outcome(each, use), _sold_on(each, use)) for each in every}
        key = next(
            (each.rule for each in every if each.rule in self._by_hand), every[0].rule if every else ""
        )
        if len(outcomes) != 1:
            locked = "it depends on who asks, and where" if key in self._by_hand else ""
            return Found(mixed=True, locked=locked, key=key)
        outcome, offers = outcomes.pop()
        if outcome is None:
            return Found(key=key)
        if outcome is not Consent.PAID:
            return Found(Cell(outcome), key=key)
        cells = [price_cell(self._policy.by_offer[name]) for name in offers]
        cheapest = next((cell for cell in cells if cell), None)
        # What only comes with a wider use is nobody's price.
        by_hand = [
            name
            for name, cell in zip(offers, cells, strict=True)
            if cell is None and name in self._own_offers and use in self._policy.by_offer[name].uses
        ]
        if by_hand:
            what = "a price that is no single amount, or another condition"
            return Found(locked=f"it is sold with {what}", key=f"offers.{by_hand[0]}", offers=offers)
        return Found(cheapest, key=f"offers.{offers[0]}", offers=offers)

    def of_block(self, block: Block, place: Place, use: Use, said: Found) -> Found:
        """What the grid says in *block*; *said* is what the rules come to."""
        key = f"rules[{block.start}]"
        if use not in block.spoken:
            return said
        if use in block.free:
            return Found(Cell(Consent.FREE), ours=True, key=key)
        if use in block.refused:
            return Found(Cell(Consent.NO), ours=True, key=key)
        if use not in block.sold:
            # Not set, unless a wider use brings it along.
            return (
                said
                if said.offers or said.cell == Cell(Consent.FREE)
                else Found(key=f"rules[{block.stop - 1}]")
            )
        offers = [self._policy.by_offer[name] for name in block.offers if name in self._policy.by_offer]
        for offer in offers:
            cell = price_cell(offer)
            if cell and own_offer(offer, place) and offer.uses - block.free == {use}:
                return Found(cell, ours=True, key=f"offers.{offer.id}", offers=(offer.id,))
        return said

    def sellers(self, work: Work, place: Place, use: Use) -> Iterator[Offer]:
        """The offers on which some crawler that does *use*, and whatever else, can get it on *place*."""
        for ruling in self._rulings(work, place, [each for each in self._newcomers if use in each.uses]):
            yield from (offer for offer in ruling.offers if covers(offer.uses, frozenset({use})))

    def _rulings(self, work: Work, place: Place, visitors: Iterable[Visitor]) -> Iterator[Ruling]:
        asks = [imagined_ask(self._policy, path, "", "", "") for path in paths_of(work, place)]
        for visitor in visitors:
            for ask in asks:
                yield rule(self._policy, visitor, ask, visitor.uses)


def paths_of(work: Work, place: Place) -> tuple[str, ...]:
    """A path of each scope of *place* that no scope inside it claims; none where all of them are claimed."""
    scopes = work.paths
    if place.rendition != PAGE:
        scopes = next((each.paths for each in work.renditions if each.name == place.rendition), ())
    made = (scope.pattern.replace("*", "any-page") for scope in scopes)
    named = tuple(f"{path}any-page" if path.endswith("/") else path for path in made)
    return tuple(path for path in named if work.rendition_of(path) == place.rendition)


def _outcome(ruling: Ruling, use: Use) -> Consent | None:
    if ruling.verdict is Verdict.SERVE:
        return Consent.FREE
    if ruling.verdict is Verdict.LICENSE and _sold_on(ruling, use):
        return Consent.PAID
    return None if ruling.rule == "default" else Consent.NO


def _sold_on(ruling: Ruling, use: Use) -> tuple[str, ...]:
    """The offers that sell *use*, the narrowest first."""
    selling = (offer for offer in ruling.offers if covers(offer.uses, frozenset({use})))
    return tuple(offer.id for offer in sorted(selling, key=lambda offer: len(offer.uses)))
