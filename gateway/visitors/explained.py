"""Why somebody is who we take him for: each piece of evidence, its weight, and what would have changed it.

`explain` reads the same findings that `identify` weighed. What would have
changed the answer is not guessed: the findings are changed one at a time and
weighed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from gateway.ask import Ask, HeaderFields, make_ask
from gateway.evidence import NOTHING, Needs
from gateway.problems import Problem, Refusal
from gateway.visitors import naming
from gateway.visitors.catalog import CatalogEntry, Reading
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import parse_address
from gateway.visitors.reasons import Bears, known, sentence
from gateway.visitors.visitor import Visitor, VisitorClass
from gateway.visitors.weighing import STRIKES, Findings, Listed, weigh


@dataclass(frozen=True, slots=True)
class Piece:
    """One reason: its code, what it says to people, the question it bears on, and its weight there."""

    reason: str
    sentence: str
    bears: Bears
    weight: float

    @property
    def shown_weight(self) -> str:
        """The weight with its sign, or a dash for a remark."""
        return f"{self.weight:+.2f}" if self.weight else "\u2013"


@dataclass(frozen=True, slots=True)
class Change:
    """What would have been: *if_* it were so, the visitor would be *then*."""

    if_: str
    then: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A visitor, the evidence in the order found, and what would have changed the answer."""

    visitor: Visitor
    pieces: tuple[Piece, ...]
    changes: tuple[Change, ...]

    @property
    def told(self) -> str:
        """The visitor in words (`visitors.naming`)."""
        return naming.of(self.visitor)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON: the verdict's seven members, then why."""
        return {
            **verdict(self.visitor),
            "told": self.told,
            "method": self.visitor.method.value,
            "evidence": [
                {"reason": each.reason, "says": each.sentence, "on": each.bears.value, "weight": each.weight}
                for each in self.pieces
            ],
            "would_change": [{"if": each.if_, "then": each.then} for each in self.changes],
        }

    def lines(self) -> tuple[str, ...]:
        """The same for a reader: the answer first, then why."""
        visitor = self.visitor
        who = f" of {visitor.operator}" if visitor.operator and visitor.operator != visitor.name else ""
        named = f"name        {visitor.name}{who}"
        wide = max((len(each.reason) for each in self.pieces), default=0)
        return (
            self.told,
            f"class       {visitor.visitor_class.value}",
            *(
                (named, f"purposes    {', '.join(visitor.crawler.purposes) or '-'}")
                if visitor.crawler
                else ()
            ),
            f"identity    {visitor.identity.value}, by {visitor.method.value}",
            f"confidence  {visitor.confidence:.2f}",
            "evidence" if self.pieces else "evidence    none",
            *(
                f"  {each.shown_weight:>5}  {each.reason.ljust(wide)}  {each.sentence}"
                for each in self.pieces
            ),
            *(("what would have changed it",) if self.changes else ()),
            *(f"  {each.if_}: {each.then}" for each in self.changes),
        )


def verdict(visitor: Visitor) -> dict[str, Any]:
    """A visitor as programs read it: seven members, in this order."""
    crawler = visitor.crawler
    return {
        "class": visitor.visitor_class.value,
        "name": crawler.name if crawler else "",
        "operator": crawler.operator if crawler else "",
        "purposes": crawler.purposes if crawler else (),
        "identity": visitor.identity.value,
        "confidence": visitor.confidence,
        "reasons": visitor.reasons,
    }


#: Headers that say nothing about what a client sends by itself.
_OURS = frozenset({"user-agent", "host"})


def imagined(
    user_agent: str | None,
    address: str,
    headers: Iterable[tuple[str, str]] = (),
    *,
    origin: str,
    method: str = "GET",
    target: str = "/",
    at: int,
) -> tuple[Ask, bool]:
    """The ask of a request that somebody tells of, and whether its headers are told.

    *headers* hold every header that was sent, or none, because nobody captured
    them: only where there is more than a User-Agent does a missing one mean
    anything. *user_agent* is added where they lack one; None sends none. *at*
    is seconds since the epoch.
    """
    fields = [(name.lower(), value.strip()) for name, value in headers]
    told = any(name not in _OURS for name, _ in fields)
    if user_agent is not None and not any(name == "user-agent" for name, _ in fields):
        fields.insert(0, ("user-agent", user_agent.strip()))
    parsed = parse_address(address)
    where = address if parsed is None else str(parsed)
    path, _, query = target.partition("?")
    ask = make_ask(
        id="",
        asked_at_us=at * 1_000_000,
        site="",
        origin=origin,
        method=method,
        target=target,
        path=path,
        ambiguity="",
        query=query,
        headers=HeaderFields(fields),
        peer=where,
        address=where,
        country="",
        country_basis="",
    )
    return ask, told


def explain(found: Findings) -> Explanation:
    """Explain the visitor that *found* makes."""
    visitor = weigh(found)
    return Explanation(visitor, tuple(map(_piece, visitor.reasons)), tuple(_changes(found, visitor)))


def at_hand(identifier: Identifier, ask: Ask) -> Findings:
    """What *identifier* finds of *ask* without fetching anything."""
    evidence = NOTHING
    found = identifier.findings(ask, evidence)
    while isinstance(found, Needs):
        left = Refusal(Problem.ORIGIN_UNREACHABLE, "It was not looked up.")
        evidence = evidence.with_facts((need, left) for need in found.wants)
        found = identifier.findings(ask, evidence)
    return found


def _piece(reason: str) -> Piece:
    entry = known(reason)
    return Piece(
        reason,
        sentence(reason),
        entry.bears if entry else Bears.NOTHING,
        entry.weight if entry else 0.0,
    )


def _changes(found: Findings, visitor: Visitor) -> Iterator[Change]:
    for if_, changed in _otherwise(found):
        then = weigh(changed)
        if (then.visitor_class, then.identity, then.name) != (
            visitor.visitor_class,
            visitor.identity,
            visitor.name,
        ):
            who = f"{then.name}, " if then.name else ""
            yield Change(if_, f"{who}class {then.visitor_class.value}, identity {then.identity.value}")


def _otherwise(found: Findings) -> Iterator[tuple[str, Findings]]:
    """The same findings, each time with one thing that could have been otherwise."""
    entry = found.said.entry or (found.signer[0] if found.signer else None)
    if found.signature is not None:
        yield "without its signature", replace(found, signature=None, signer=())
    if entry is not None:
        yield from _proofs(found, entry)
    if found.said.entry is not None or found.said.visitor_class is not VisitorClass.UNPROVEN:
        browser = Reading(VisitorClass.UNPROVEN)
        yield (
            "with a browser\u2019s User-Agent",
            replace(found, said=browser, listed=None, named=None, home=()),
        )
    if found.surroundings is not None and found.surroundings.entries:
        where = f"from an address outside the network of {found.surroundings.operator}"
        yield where, replace(found, surroundings=None)
    if found.strikes >= STRIKES:
        yield "with the headers that its browser sends", replace(found, contradictions=(), strikes=0)
    elif found.said.entry is None and found.said.visitor_class is VisitorClass.UNPROVEN:
        more = "with headers that contradict its browser twice"
        yield more, replace(found, contradictions=(*found.contradictions, "no_accept"), strikes=STRIKES)


def _proofs(found: Findings, entry: CatalogEntry) -> Iterator[tuple[str, Findings]]:
    recipe, listed = entry.recipe, found.listed
    if recipe.networks:
        lists = " or ".join(recipe.networks)
        if listed is None or listed.outcome != "in":
            there = Listed("in", (f"ip_in:{recipe.networks[0]}",))
            yield f"from an address in the published list {lists}", replace(found, listed=there)
        if listed is not None and listed.outcome != "out":
            away = Listed("out", tuple(f"ip_not_in:{name}" for name in recipe.networks))
            said = f"from an address far from the list {lists}, by a fresh and complete copy"
            yield said, replace(found, listed=away, named=None)
    if recipe.dns and (found.named is None or found.named.outcome != "confirmed"):
        named = _Confirmed()
        ending = " or ".join(recipe.dns)
        yield f"from an address whose name ends in {ending} and leads back", replace(found, named=named)
    if recipe.signature and (found.signature is None or found.signature.outcome != "verified"):
        signed = _Good(recipe.signature)
        yield f"signed with a key of {recipe.signature}", replace(found, signature=signed, signer=(entry,))


@dataclass(frozen=True, slots=True)
class _Confirmed:
    outcome: Any = "confirmed"
    reasons: tuple[str, ...] = ("rdns_ok",)


@dataclass(frozen=True, slots=True)
class _Good:
    agent: str
    outcome: Any = "verified"
    reasons: tuple[str, ...] = ("sig_valid",)
    contradicts: bool = False
