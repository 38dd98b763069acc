"""What was ruled for requests that look the same, remembered: `policy.ruling.rule` and `admission.admit.admit`.

Both are pure, so the same policy, visitor, path, country and use give the same
answer; what is charged or refused for a license depends on more and is never
remembered. Bounded: a stranger can ask for any number of paths.
"""

from __future__ import annotations

from gateway.admission.admit import Grant, admit
from gateway.ask import Ask
from gateway.policy.rules import Policy, Ruling
from gateway.policy.ruling import rule
from gateway.problems import Refusal
from gateway.uses import Uses
from gateway.visitors.visitor import Visitor

_REMEMBERED = 16_384
_Seen = tuple[int, int, str, str, Uses]


class Docket:
    """Rulings of one worker. Policies and visitors are told apart as objects, which it keeps alive."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        """Remember at most *most* rulings of each kind."""
        self._most = most
        self._ruled: dict[_Seen, tuple[Policy, Visitor, Ruling]] = {}
        self._decided: dict[tuple[int, int, str, str], tuple[Policy, Visitor, Ruling, Grant | Refusal]] = {}

    def ruling(self, policy: Policy, visitor: Visitor, ask: Ask, uses: Uses) -> Ruling:
        """What `rule` says."""
        # An ambiguous path is in no work and matches no scope: only that it has none counts.
        seen = (id(policy), id(visitor), ask.path, ask.country, uses)
        found = self._ruled.get(seen)
        if found is None:
            if len(self._ruled) >= self._most:
                self._ruled.clear()
            found = self._ruled[seen] = (policy, visitor, rule(policy, visitor, ask, uses))
        return found[2]

    def unlicensed(self, policy: Policy, visitor: Visitor, ask: Ask) -> tuple[Ruling, Grant | Refusal]:
        """The ruling and what `admit` says of it, for an ask that shows no credential of ours."""
        seen = (id(policy), id(visitor), ask.path, ask.country)
        found = self._decided.get(seen)
        if found is None:
            if len(self._decided) >= self._most:
                self._decided.clear()
            ruling = rule(policy, visitor, ask, visitor.uses)
            found = self._decided[seen] = (policy, visitor, ruling, admit(ruling, visitor, ask, None))
        return found[2], found[3]
