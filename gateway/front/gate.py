"""Everything that the path of a request is handed, and the two ports that only it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.admission.credentials import Credentials
from gateway.admission.docket import Docket
from gateway.admission.till import Till
from gateway.ask import Ask
from gateway.clock import Clock
from gateway.evidence import Evidence, Needs
from gateway.front.answer import Judged, Notice
from gateway.front.witness import nobody
from gateway.origin.delivery import Origin
from gateway.policy.rules import Policy
from gateway.problems import Refusal
from gateway.provenance.journal import Journal
from gateway.rails.rail import Rail, Source
from gateway.terms.license_terms import PublishedTerms
from gateway.visitors.visitor import Visitor


class Notices(Protocol):
    """Finds the control file an ask is for, without waiting."""

    def find(self, policy: Policy, ask: Ask, evidence: Evidence) -> Notice | Refusal | Needs | None:
        """The file, why it cannot be told, what is needed first, or None: not a control file."""
        ...


class PeopleCount(Protocol):
    """Counts people as totals."""

    def count(self, ask: Ask, status: int) -> None:
        """Count one answer to a person; keeps nothing about who it was."""
        ...


def _new(ask: Ask, evidence: Evidence) -> None:
    """Say that no ask came before."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Everything the path is handed. *sources* fetch evidence by kind; *witness* sees what automata do.

    *replayed* says why an ask that costs money is not served: its signature was used before.
    *rails* are the ways to pay for one fetch, in the order in which they are asked.
    """

    policy_of: Callable[[str], Policy | None]
    identify: Callable[[Ask, Evidence], Visitor | Needs]
    notices: Notices
    credentials: Credentials
    till: Till
    origin: Origin
    journal: Journal
    people: PeopleCount
    published: Callable[[Policy, str], PublishedTerms]
    sources: Mapping[str, Source]
    clock: Clock
    docket: Docket = field(default_factory=Docket)
    witness: Callable[[Ask, Judged], None] = nobody
    replayed: Callable[[Ask, Evidence], Refusal | Needs | None] = _new
    rails: tuple[Rail, ...] = ()
    paying: frozenset[str] = field(default=frozenset(), init=False)

    def __post_init__(self) -> None:
        """Know which headers a request pays with."""
        object.__setattr__(self, "paying", frozenset(name for rail in self.rails for name in rail.reads))
