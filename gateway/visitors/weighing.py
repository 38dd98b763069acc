"""From everything found to one `Visitor`: the table of who somebody is and how sure that is.

Tried from the top; the first row that holds decides. *Confidence* is ours: how
far the row can be relied on, from 0 to 1.

================================================ ============================== ==========
found                                            class, identity                confidence
================================================ ============================== ==========
a good signature of a crawler of the catalog     the crawler's, verified        0.99
a claim, and the address is in its list          the claim's, verified          0.97, 0.85 if old
a claim, and the address has its name            the claim's, verified          0.97
a claim, and its operator's key says no          the claim's, spoofed           0.95
a claim, in none of its lists, all of them       the claim's, spoofed           0.95
complete, fresh, and far from the address
a claim that DNS alone can prove, and DNS says   the claim's, spoofed           0.90
another name
a claim that could be checked and was not        the claim's, unverifiable      0.70; 0.85 and 0.50
                                                                                with its system
a claim that nothing could prove                 the claim's, claimed           0.80
a good signature of somebody else                automation, verified           0.80
a signature that proves nothing                  automation, none               0.75
the words of a program that says what it is      the kind's, claimed            0.75, 0.90 if plain
the words of one that does not, no User-Agent    automation, none               0.75, 0.90 if plain
a browser in the network of AI crawlers          ai, none                       0.85, 0.60 if old
a browser contradicted twice by its headers      automation, none               0.80, 0.90 with conduct
anything else                                    unproven, none                 0.60, less by doubts
================================================ ============================== ==========

*A signature* is looked at before the User-Agent, because agents drive people's
browsers. Where it is good and the User-Agent names somebody else, the signature
wins: a key is harder to come by than a name (``claim_contradicted``). A failed
one is no forgery by itself, a proxy may have changed what it covers; it is one
only over a claim of the key's own operator that nothing else proves.

*A doubt* (one contradiction, what the network did, whose machines they are)
never makes anybody a machine; it lowers the confidence that there is no evidence.
``unproven`` is what it says, and not "a person".

*An operator's network behind a browser*: what its crawlers do with content is
taken for what is done, and a page that a person asked for besides, so that
saying less never buys more. A list that search engines share says nothing.

Pure: no I/O, no clock, no raise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from gateway.uses import AI_USES, Use
from gateway.visitors.catalog import CatalogEntry, Reading
from gateway.visitors.visitor import PERSON, Crawler, Identity, Method, Visitor, VisitorClass

_SIGNED, _PROVEN, _PROVEN_OLD = 0.99, 0.97, 0.85
_CONTRADICTED, _CONTRADICTED_DNS = 0.95, 0.90
_CLAIMED, _UNCHECKED, _NEAR_HOME, _FAR_FROM_HOME = 0.80, 0.70, 0.85, 0.50
_STRANGER, _WORDS, _PLAIN_WORDS = 0.80, 0.75, 0.90
_UNDECLARED, _UNDECLARED_OLD = 0.85, 0.60
_HEADERS, _HEADERS_AND_CONDUCT = 0.80, 0.90
_NO_EVIDENCE, _DOUBT, _LEAST = 0.60, 0.15, 0.20
#: A request that contradicts its browser this often is no browser's.
STRIKES: Final = 2
#: Structural signs that hardly anything but a program shows.
_PLAIN: Final = frozenset({"ua_library", "headless_declared", "ua_robots_token"})


class Signed(Protocol):
    """What a signature shows (`visitors.signatures.SignatureFinding`)."""

    @property
    def outcome(self) -> Literal["verified", "invalid", "unverified"]:
        """Whether it is good, contradicts itself or its key, or cannot be judged."""
        ...

    @property
    def agent(self) -> str:
        """The signer it names, or ""."""
        ...

    @property
    def reasons(self) -> tuple[str, ...]:
        """Stable codes, in the order found."""
        ...

    @property
    def contradicts(self) -> bool:
        """Whether the signer's own fresh key says that the request is not the signer's."""
        ...


class Named(Protocol):
    """What DNS says of an address and a claim (`visitors.host_names.NameFinding`)."""

    @property
    def outcome(self) -> Literal["confirmed", "contradicted", "unknown"]:
        """Whether the address has a name of the operator's that leads back to it."""
        ...

    @property
    def reasons(self) -> tuple[str, ...]:
        """Stable codes, in the order found."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """What the operator's own lists say of a claim's address.

    ``in`` one of them; ``out`` of all, where that means something; ``unknown``
    where it does not. *old* says that the copy is not fresh.
    """

    outcome: Literal["in", "out", "unknown"]
    reasons: tuple[str, ...]
    old: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """An operator's network in which somebody without a claim was met.

    *entries* are the crawlers that its list verifies where all of them are AI
    crawlers, else empty: then nothing follows. *old* as in `Listed`.
    """

    operator: str
    entries: tuple[CatalogEntry, ...]
    reasons: tuple[str, ...]
    old: bool = False


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything found about one request; what was not looked for or not found is None or empty.

    Attributes:
        said: what the User-Agent says.
        signature: what its signature shows, and *signer*, the crawlers of the
            catalog whose key directory that is.
        listed: the claim's own lists.
        named: the claim's DNS suffixes.
        home: ``asn_match`` or ``asn_mismatch``.
        surroundings: whose network it is, where nobody is claimed.
        contradictions: codes of `visitors.contradictions`, and how many
            *strikes* they are.
        conduct: what its network did (`visitors.conduct`).
    """

    said: Reading
    signature: Signed | None = None
    signer: tuple[CatalogEntry, ...] = ()
    listed: Listed | None = None
    named: Named | None = None
    home: tuple[str, ...] = ()
    surroundings: Surroundings | None = None
    contradictions: tuple[str, ...] = ()
    strikes: int = 0
    conduct: tuple[str, ...] = ()


def weigh(found: Findings) -> Visitor:
    """The visitor that *found* makes; the module's docstring is the contract."""
    if found.signature is not None and found.signature.outcome == "verified" and found.signer:
        return _signed(found, found.signature)
    entry = found.said.entry
    if entry is None and found.signer:
        # Who signs names himself by the directory, whatever the User-Agent says.
        return _claimed(found, found.signer[0])
    if entry is not None:
        return _claimed(found, entry)
    return _unnamed(found)


def _signed(found: Findings, signature: Signed) -> Visitor:
    claim = found.said.entry
    entry = claim if claim in found.signer else found.signer[0]
    assert entry is not None
    reasons = (*signature.reasons, *found.said.reasons)
    if claim is not None and claim.crawler.operator != entry.crawler.operator:
        reasons = (*reasons, f"claim_contradicted:{claim.name}")
    reasons = (*reasons, *found.conduct)
    return Visitor(
        entry.crawler.visitor_class, entry.crawler, Identity.VERIFIED, Method.SIGNATURE, reasons, _SIGNED
    )


def _claimed(found: Findings, entry: CatalogEntry) -> Visitor:
    identity, method, confidence = _proof(found, entry)
    reasons = (
        *(found.signature.reasons if found.signature else ()),
        *found.said.reasons,
        *(found.listed.reasons if found.listed else ()),
        *(found.named.reasons if found.named else ()),
        *found.home,
        *_unused(found, entry),
        *found.conduct,
    )
    return Visitor(entry.crawler.visitor_class, entry.crawler, identity, method, reasons, confidence)


def _unused(found: Findings, entry: CatalogEntry) -> tuple[str, ...]:
    """Which proof that the operator offers is missing here."""
    recipe = entry.recipe
    if recipe.signature and found.signature is None and found.listed is None and found.named is None:
        return ("sig_missing",)
    if recipe and not (found.signature or found.listed or found.named or found.home):
        return ("recipe_unchecked",)
    return ()


def _proof(found: Findings, entry: CatalogEntry) -> tuple[Identity, Method, float]:
    recipe, listed, named = entry.recipe, found.listed, found.named
    if listed is not None and listed.outcome == "in":
        return Identity.VERIFIED, Method.NETWORK, _PROVEN_OLD if listed.old else _PROVEN
    if named is not None and named.outcome == "confirmed":
        return Identity.VERIFIED, Method.DNS, _PROVEN
    if found.signature is not None and found.signature.contradicts and entry in found.signer:
        return Identity.SPOOFED, Method.SIGNATURE, _CONTRADICTED
    if listed is not None and listed.outcome == "out":
        return Identity.SPOOFED, Method.NETWORK, _CONTRADICTED
    only_dns = bool(recipe.dns) and not (recipe.networks or recipe.signature)
    if named is not None and named.outcome == "contradicted" and only_dns:
        return Identity.SPOOFED, Method.DNS, _CONTRADICTED_DNS
    if not recipe:
        return Identity.CLAIMED, Method.NONE, _CLAIMED
    if "asn_match" in found.home:
        return Identity.UNVERIFIABLE, Method.NONE, _NEAR_HOME
    if "asn_mismatch" in found.home:
        return Identity.UNVERIFIABLE, Method.NONE, _FAR_FROM_HOME
    return Identity.UNVERIFIABLE, Method.NONE, _UNCHECKED


def _unnamed(found: Findings) -> Visitor:
    said = found.said
    if found.signature is not None and said.crawler is None:
        return _stranger(found, found.signature)
    if said.visitor_class is not VisitorClass.UNPROVEN:
        plain = said.crawler is None and any(each.partition(":")[0] in _PLAIN for each in said.reasons)
        return Visitor(
            said.visitor_class,
            said.crawler,
            Identity.CLAIMED if said.declared else Identity.NONE,
            reasons=(*_signature_reasons(found), *said.reasons, *found.conduct),
            confidence=_PLAIN_WORDS if plain else _WORDS,
        )
    if found.surroundings is not None and found.surroundings.entries:
        return _undeclared(found, found.surroundings)
    return _browser(found)


def _signature_reasons(found: Findings) -> tuple[str, ...]:
    return found.signature.reasons if found.signature else ()


def _stranger(found: Findings, signature: Signed) -> Visitor:
    """Whoever signs, and is not in the catalog: no browser does, and anybody can publish keys."""
    reasons = (*signature.reasons, *found.said.reasons, *found.conduct)
    if signature.outcome != "verified":
        return Visitor(VisitorClass.AUTOMATION, reasons=reasons, confidence=_WORDS)
    host = signature.agent.removeprefix("https://")
    crawler = Crawler(host, host, (), AI_USES, VisitorClass.AUTOMATION, verifiable=True)
    return Visitor(VisitorClass.AUTOMATION, crawler, Identity.VERIFIED, Method.SIGNATURE, reasons, _STRANGER)


def _undeclared(found: Findings, around: Surroundings) -> Visitor:
    crawlers = [entry.crawler for entry in around.entries]
    purposes = dict.fromkeys(("user-action", *(each for crawler in crawlers for each in crawler.purposes)))
    uses = frozenset({Use.AI_INPUT}).union(*(crawler.uses for crawler in crawlers))
    crawler = Crawler(around.operator, around.operator, tuple(purposes), uses, VisitorClass.AI)
    reasons = (*found.said.reasons, *around.reasons, *found.contradictions, *found.conduct)
    confidence = _UNDECLARED_OLD if around.old else _UNDECLARED
    return Visitor(VisitorClass.AI, crawler, Identity.NONE, Method.NETWORK, reasons, confidence)


def _browser(found: Findings) -> Visitor:
    if found.strikes >= STRIKES:
        return Visitor(
            VisitorClass.AUTOMATION,
            reasons=(*found.said.reasons, "header_contradictions", *found.contradictions, *found.conduct),
            confidence=_HEADERS_AND_CONDUCT if found.conduct else _HEADERS,
        )
    around = found.surroundings.reasons if found.surroundings else ()
    reasons = (*found.said.reasons, *around, *found.contradictions, *found.conduct)
    if not reasons:
        return PERSON
    doubts = ("ua_no_engine" in reasons) + bool(around) + found.strikes + len(found.conduct)
    return replace(PERSON, reasons=reasons, confidence=max(_LEAST, round(_NO_EVIDENCE - doubts * _DOUBT, 2)))
