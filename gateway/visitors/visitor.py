"""Who a request comes from, and how well that is proven."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.uses import AI_USES, Uses


class Identity(StrEnum):
    """How far the claim behind a request can be believed.

    NONE: nobody is claimed. CLAIMED: a name, and nothing published to check it
    by. UNVERIFIABLE: it could be checked, but our evidence is stale or absent.
    VERIFIED: the evidence agrees. SPOOFED: fresh, complete evidence contradicts it.
    """

    NONE = "none"
    CLAIMED = "claimed"
    UNVERIFIABLE = "unverifiable"
    VERIFIED = "verified"
    SPOOFED = "spoofed"


class Method(StrEnum):
    """What the identity rests on."""

    NONE = "none"
    NETWORK = "network"
    DNS = "dns"
    SIGNATURE = "signature"


class VisitorClass(StrEnum):
    """What kind of visitor this is, for `when = { class = … }`.

    AI is a crawler with an AI use; SEARCH_ENGINE indexes for people; SERVICE is
    any other declared automaton that must not be stopped by default (previews,
    feeds, monitors, archives); AUTOMATION is an undeclared or unknown one;
    UNPROVEN shows no evidence of automation and is treated as a person.
    """

    AI = "ai"
    SEARCH_ENGINE = "search-engine"
    SERVICE = "service"
    AUTOMATION = "automation"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Crawler:
    """A named automated agent of the catalog.

    Attributes:
        name: its display name and first product token, such as ``GPTBot``.
        operator: the company that runs it, such as ``OpenAI``.
        purposes: words of the catalog: ``training``, ``ai-search`` (an index for
            generated answers), ``user-action``, ``agent``, ``data-seller``,
            ``search`` (a classic index), ``preview``, ``archive``,
            ``monitoring``, ``feed``, ``ads``.
        uses: what those purposes do with content, in our vocabulary.
        visitor_class: the class of its requests.
        verifiable: whether the operator publishes a way to check the claim.
    """

    name: str
    operator: str
    purposes: tuple[str, ...]
    uses: Uses
    visitor_class: VisitorClass
    verifiable: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent one request, once everything known has been weighed.

    *crawler* is the catalog's entry for the claim, or None. *reasons* are
    stable codes (`visitors.reasons`: ``ua_claim:GPTBot``, ``ip_in:…``) in the
    order they were found; with *confidence*, from 0 to 1, they go to the
    record's erasable detail.
    """

    visitor_class: VisitorClass
    crawler: Crawler | None = None
    identity: Identity = Identity.NONE
    method: Method = Method.NONE
    reasons: tuple[str, ...] = field(default=())
    confidence: float = 0.0

    @property
    def is_person(self) -> bool:
        """Whether nothing marks this visitor as automated: served first, never recorded."""
        return self.visitor_class is VisitorClass.UNPROVEN

    @property
    def name(self) -> str:
        """The claimed crawler's name, or ""."""
        return self.crawler.name if self.crawler else ""

    @property
    def operator(self) -> str:
        """The claimed crawler's operator, or ""."""
        return self.crawler.operator if self.crawler else ""

    @property
    def uses(self) -> Uses:
        """What this visitor is taken to do with content.

        The catalog's uses; an automaton nobody knows is taken to want every AI
        use, so that saying less never buys more. People use nothing.
        """
        if self.crawler:
            return self.crawler.uses
        return frozenset() if self.is_person else AI_USES


PERSON = Visitor(VisitorClass.UNPROVEN, confidence=0.6)
