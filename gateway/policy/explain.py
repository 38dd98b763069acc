"""Why did the policy say that? A ruling, told to people and to programs.

`explanation` is what ``licet policy explain`` prints. It adds nothing to the
ruling: every line is a fact of the ask, the visitor or the ruling itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.ask import Ask
from gateway.policy.rule_words import rule_words
from gateway.policy.rules import Mode, Policy, Ruling, Site, Verdict
from gateway.policy.usual_levers import told
from gateway.problems import PROBLEMS
from gateway.terms.license_terms import Offer
from gateway.terms.unit import age_body
from gateway.uses import Uses
from gateway.visitors.visitor import Visitor

_SAID = {
    Verdict.SERVE: "served, free of charge",
    Verdict.REFUSE: "refused, at any price",
    Verdict.LICENSE: "needs a license",
}
_BINDS = {
    Mode.OBSERVE: "mode observe: nothing binds; everybody is served, and the record says what would have been",
    Mode.OFFER: "mode offer: nobody is refused; the terms are told, and a token is honored",
    Mode.ENFORCE: "mode enforce: this binds",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One ruling and everything it rested on; *rule* says in words which one made it."""

    ruling: Ruling
    visitor: Visitor
    ask: Ask
    uses: Uses
    site: Site
    rule: str

    def as_json(self) -> dict[str, object]:
        """Plain JSON; names and values as everywhere else in records and answers."""
        ruling, visitor = self.ruling, self.visitor
        return {
            "verdict": ruling.verdict.value,
            "rule": ruling.rule,
            "rule_words": self.rule,
            "why": ruling.why,
            "problem": ruling.problem,
            "mode": ruling.mode.value,
            "policy": ruling.policy,
            "path": self.ask.path,
            "ambiguity": self.ask.ambiguity,
            "work": ruling.work,
            "rendition": ruling.rendition,
            "country": self.ask.country,
            "crawler": visitor.name,
            "operator": visitor.operator,
            "class": visitor.visitor_class.value,
            "identity": visitor.identity.value,
            "uses": sorted(self.uses),
            "days": ruling.days,
            "dated_by": ruling.dated_by,
            "stream": ruling.stream,
            "offers": [
                {
                    "offer": offer.id,
                    "uses": sorted(offer.uses),
                    "per_fetch": {"micros": offer.price.micros, "currency": offer.price.currency},
                    **age_body(offer),
                    "territory": offer.terms.territory.as_json(),
                    "territory_basis": offer.terms.territory.basis.value,
                    "terms": offer.terms.hash,
                    "tier": offer.tier,
                    "levers": list(levers),
                }
                for offer, levers in self._levers()
            ],
        }

    def lines(self) -> tuple[str, ...]:
        """The same for a reader: the answer first, then why, then on what it rested."""
        ruling, ask = self.ruling, self.ask
        head = f"{_SAID[ruling.verdict]}: {ruling.why}"
        if ruling.problem:
            head += f" ({PROBLEMS[ruling.problem].status} {ruling.problem})"
        place = f"path     {ask.path}" if ask.path else f"path     {ask.target}, ambiguous: {ask.ambiguity}"
        if ruling.work:
            place += f", the {ruling.rendition} of {ruling.work}"
        return (
            head,
            *(f"offer    {self._offer(at)}" for at in range(len(ruling.offers))),
            *(f"levers   {offer.id}: {'; '.join(levers)}" for offer, levers in self._levers()),
            *self._places(),
            f"visitor  {self._who()}",
            f"uses     {', '.join(sorted(self.uses)) or 'none'}",
            place,
            *((f"paid as  everything below {ruling.stream}, once",) if ruling.stream else ()),
            f"country  {ask.country or 'unknown'}",
            f"decided  {self.rule}",
            f"policy   {ruling.policy}",
            _BINDS[ruling.mode],
        )

    def _offer(self, at: int) -> str:
        offer = self.ruling.offers[at]
        regions = offer.terms.territory.as_json()
        where = "worldwide" if regions is None else ", ".join(regions)
        by_age = age_told(self.ruling, offer)
        return (
            f"{offer.id}: {', '.join(sorted(offer.uses))} at {offer.price} per fetch, {where}"
            f"{'; ' if by_age else ''}{by_age}"
        )

    def _levers(self) -> tuple[tuple[Offer, tuple[str, ...]], ...]:
        return tuple((offer, told(offer.terms, self.site)) for offer in self.ruling.offers)

    def _places(self) -> tuple[str, ...]:
        """What is checked of the territories on offer, once for each basis."""
        limits = (offer.terms.territory for offer in self.ruling.offers)
        found = dict.fromkeys(each.basis for each in limits if each.regions is not None)
        return tuple(f"places   of the {basis}: {basis.sentence}" for basis in found)

    def _who(self) -> str:
        visitor = self.visitor
        if visitor.is_person:
            return "no evidence of automation; served as a person is"
        if visitor.crawler is None:
            return f"an unknown program (class {visitor.visitor_class})"
        company = f" of {visitor.operator}" if visitor.operator else ""
        return f"{visitor.name}{company} (class {visitor.visitor_class}, identity {visitor.identity})"


def age_told(ruling: Ruling, offer: Offer) -> str:
    """Which price by age *offer* is at under *ruling*, and why, as a clause; "" where it has one price for all."""
    if not offer.terms.compensation.by_age:
        return ""
    if ruling.days is None:
        what = "its path has no date that is known, so it counts as new"
    else:
        what = f"published {ruling.days} day{'' if ruling.days == 1 else 's'} ago by its path"
    held = (
        f"the price from {offer.step.from_days} days on holds"
        if offer.step
        else "the price of new pages holds"
    )
    later = (
        f", unless the site's own server tells an older date in {ruling.dated_by}" if ruling.dated_by else ""
    )
    return f"{what}: {held}{later}"


def explanation(ruling: Ruling, visitor: Visitor, ask: Ask, uses: Uses, policy: Policy) -> Explanation:
    """Tell *ruling*, which `ruling.rule` made by *policy* for *visitor*, *ask* and *uses*."""
    return Explanation(ruling, visitor, ask, uses, policy.site, rule_words(policy, ruling.rule))
