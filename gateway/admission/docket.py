"""What was ruled for requests that look the same, remembered: `policy.ruling.rule` and `admission.admit.admit`.

Both are pure, so the same policy, visitor, path, country and use give the same
answer, and so does the same license as long as its term lasts, and each for as
many whole days as the page is old; the charge names the record, and is made anew each time. Bounded: a stranger can ask for any
number of paths, and for long ones, which are not remembered.
"""

from __future__ import annotations

from gateway.admission.admit import Grant, acting_for, admit
from gateway.admission.entitlement import in_term, uses_under
from gateway.admission.spending import Charge
from gateway.ask import Ask
from gateway.policy.rules import Policy, Ruling
from gateway.policy.ruling import rule
from gateway.problems import Refusal
from gateway.terms.ages import days_old
from gateway.tokens.claims import Claims
from gateway.visitors.visitor import Visitor

_REMEMBERED = 16_384
#: Characters of the longest path that is.
_LONGEST = 512


class Docket:
    """Rulings of one worker. Policies and visitors are told apart as objects, which it keeps alive."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        """Remember at most *most* rulings of each kind."""
        self._most = most
        self._licensed: dict[
            tuple[int, int, int, str, str, str],
            tuple[Policy, Visitor, Claims, Visitor, Ruling, Grant | Refusal],
        ] = {}
        self._decided: dict[tuple[int, int, str, str], tuple[Policy, Visitor, Ruling, Grant | Refusal]] = {}

    def unlicensed(self, policy: Policy, visitor: Visitor, ask: Ask) -> tuple[Ruling, Grant | Refusal]:
        """The ruling and what `admit` says of it, for an ask that shows no credential of ours."""
        seen = (id(policy), id(visitor), ask.path, ask.country)
        found = self._decided.get(seen)
        if found is not None and _as_old(found[2], ask):
            return found[2], found[3]
        ruling = rule(policy, visitor, ask, visitor.uses)
        verdict = admit(ruling, visitor, ask, None)
        if len(ask.path) <= _LONGEST:
            if len(self._decided) >= self._most:
                self._decided.clear()
            self._decided[seen] = (policy, visitor, ruling, verdict)
        return ruling, verdict

    def licensed(
        self, policy: Policy, visitor: Visitor, ask: Ask, claims: Claims
    ) -> tuple[Visitor, Ruling, Grant | Refusal]:
        """The visitor under its license, the ruling, and what `admit` says of *claims*, which are good."""
        seen = (id(policy), id(visitor), id(claims), ask.origin, ask.path, ask.country)
        found = self._licensed.get(seen) if ask.path and in_term(claims, ask.asked_at) else None
        if found is not None and _as_old(found[4], ask):
            verdict = found[5]
            if isinstance(verdict, Grant) and (charge := verdict.charge) is not None:
                # All of it but the record it is for.
                anew = Charge(
                    ask.id,
                    charge.licensee,
                    charge.license,
                    charge.price,
                    charge.budget,
                    charge.window_seconds,
                    stream=charge.stream,
                )
                verdict = Grant(verdict.uses, claims, anew, verdict.offers, verdict.would, verdict.quote)
            return found[3], found[4], verdict
        acting = acting_for(visitor, claims)
        ruling = rule(policy, acting, ask, uses_under(claims, acting))
        verdict = admit(ruling, acting, ask, claims)
        if 0 < len(ask.path) <= _LONGEST and in_term(claims, ask.asked_at):
            if len(self._licensed) >= self._most:
                self._licensed.clear()
            self._licensed[seen] = (policy, visitor, claims, acting, ruling, verdict)
        return acting, ruling, verdict


def _as_old(ruling: Ruling, ask: Ask) -> bool:
    """Whether the page of *ruling* is as many days old now as it was then."""
    return ruling.published_at is None or days_old(ruling.published_at, ask.asked_at) == ruling.days
