"""One negotiation, from the first proposal to a license or to nothing: its state, and a transcript nobody can rewrite.

The states are those of the Dataspace Protocol (2025-1, contract negotiation),
with the buyer as its consumer and the creator as its provider:

========== ========================= ===================================
state      reached when              what may come next
========== ========================= ===================================
REQUESTED  the buyer proposes; facts a proposal, the creator's answer, an
           are missing or a person   end
           decides
OFFERED    terms are on the table    acceptance of those terms by their
                                     hash, a proposal, an end
ACCEPTED   the buyer accepted them   the creator's agreement, an end
AGREED     a license was made        the buyer's confirmation of its hash
VERIFIED   the buyer confirmed       its release
FINALIZED  tokens may be had         nothing
TERMINATED either side ended it      nothing
========== ========================= ===================================

A proposal that the creator accepts is put on the table as it is: nobody is
bound before the buyer accepts a hash. Terms on the table stand until
`expires_at`; afterwards a proposal begins anew from there.

The transcript is a chain: each entry holds the hash of the one before (RFC 8785
and SHA-256), so that whoever has the last hash has them all. Pure: every act
gives a new value or a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType

import orjson

from gateway.canonical import canonical_bytes, canonical_digest
from gateway.licenses.bargaining import Accept, Answer, AskFacts, Counter, Person
from gateway.licenses.red_flags import RedFlag
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms, Offer


class State(StrEnum):
    """Where a negotiation stands; the names of the Dataspace Protocol."""

    REQUESTED = "REQUESTED"
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    AGREED = "AGREED"
    VERIFIED = "VERIFIED"
    FINALIZED = "FINALIZED"
    TERMINATED = "TERMINATED"

    @property
    def is_over(self) -> bool:
        """Whether nothing can follow."""
        return self in {State.FINALIZED, State.TERMINATED}


class Side(StrEnum):
    """Who spoke. GATEWAY is the engine in the creator's name, CREATOR a person."""

    BUYER = "buyer"
    GATEWAY = "gateway"
    CREATOR = "creator"


#: What the first entry of a transcript holds in place of a hash.
FIRST = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was said. *body* is canonical JSON, *previous* the hash of the entry before."""

    nth: int
    at: int
    by: Side
    act: str
    body: str
    previous: str

    @property
    def hash(self) -> str:
        """The hash of everything said up to here."""
        return canonical_digest(
            {
                "nth": self.nth,
                "at": self.at,
                "by": str(self.by),
                "act": self.act,
                "body": orjson.loads(self.body),
                "previous": self.previous,
            }
        )


def chained(entries: tuple[Entry, ...]) -> bool:
    """Whether *entries* are a whole transcript, from the first on, and nothing in it was changed."""
    previous = FIRST
    for place, entry in enumerate(entries, 1):
        if entry.nth != place or entry.previous != previous:
            return False
        previous = entry.hash
    return True


@dataclass(frozen=True)
class Negotiation:
    """Everything about one negotiation.

    Attributes:
        offer: the published offer that it is about, as it stood at the start.
        table: what the creator would sign now, or None.
        expires_at: the second from which *table* stands no longer.
        bids: what the buyer proposed, oldest first.
        proposal: the last thing the buyer proposed, also where that was no bid.
        facts: what the buyer stated, by the names of `licenses.position.FACTS`.
        missing: facts that are asked for.
        person: why a person at the creator decides; empty where none has to.
        license: the id of what was agreed, or "".
        why: how it ended, where it did.
        signed: the parties, the law and how it was accepted, as JSON has it; the
            transcript holds a hash of it, so that it can be erased.
        contract: the canonical JSON of the document that was agreed, or "".
        about: the id of the license that it is to change, "" for a new one.
        change: what it is to become of that (`licenses.life.Change`), or "".
    """

    id: str
    offer: Offer
    licensee: str
    client: str
    started_at: int
    state: State = State.REQUESTED
    table: LicenseTerms | None = None
    expires_at: int = 0
    bids: tuple[LicenseTerms, ...] = ()
    proposal: LicenseTerms | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    license: str = ""
    why: str = ""
    signed: Mapping[str, object] = field(default_factory=dict)
    contract: str = ""
    transcript: tuple[Entry, ...] = ()
    about: str = ""
    change: str = ""

    @property
    def version(self) -> str:
        """What changes with every act: the hash of the last entry."""
        return self.transcript[-1].hash if self.transcript else FIRST


def bids_of(negotiations: Iterable[Negotiation], offer: str) -> tuple[LicenseTerms, ...]:
    """Everything that was bid on the offer of that id in *negotiations*, in the order in which it was said.

    A renewal is asked for at the price that the creator names, which is no bid.
    """
    found = []
    for each in negotiations:
        if each.offer.id != offer or each.change == "renewal":
            continue
        # A proposal that was answered with a question was no bid.
        said = [
            entry
            for entry, reply in pairwise(each.transcript)
            if entry.act == "proposal" and reply.act != "question"
        ]
        found += [(entry.at, each.id, entry.nth, bid) for entry, bid in zip(said, each.bids, strict=True)]
    return tuple(bid for *_, bid in sorted(found, key=lambda row: row[:3]))


def agreed_as(negotiations: Iterable[Negotiation], version: int) -> Negotiation | None:
    """The first of *negotiations*, all about one license, in which *version* of it was agreed."""
    for each in negotiations:
        document = orjson.loads(each.contract) if each.contract else {}
        if document.get("version", 1) == version:
            return each
    return None


def proposed(
    before: Negotiation,
    terms: LicenseTerms,
    facts: Mapping[str, str],
    answer: Answer,
    *,
    now: int,
    patience: int,
) -> Negotiation | Refusal:
    """The buyer proposes *terms* and states *facts*; the creator's side gives *answer* to it.

    *patience* is in seconds. Facts stated before stand unless they are stated
    anew. A proposal is answered in any state before `ACCEPTED`.
    """
    if before.state not in {State.REQUESTED, State.OFFERED}:
        return _over(before)
    said = {"terms": terms.as_json(), "terms_hash": terms.hash, "facts": dict(facts), **_reference(before)}
    stated = {**before.facts, **facts}
    now_said = _said(before, Side.BUYER, "proposal", said, now)
    heard = replace(
        now_said, proposal=terms, facts=stated, state=State.REQUESTED, table=None, missing=(), person=()
    )
    if isinstance(answer, AskFacts):
        # Nothing was priced, so it was no bid and costs no round.
        asked = _said(heard, Side.GATEWAY, "question", {"missing": list(answer.missing)}, now)
        return replace(asked, missing=answer.missing)
    heard = replace(heard, bids=(*heard.bids, terms))
    if isinstance(answer, Person):
        body = {"why": list(answer.why), "flags": _flagged(answer.flags)}
        sent = _said(heard, Side.GATEWAY, "referral", body, now)
        return replace(sent, person=answer.why)
    if isinstance(answer, Accept):
        return _tabled(heard, Side.GATEWAY, answer.terms, {}, now=now, patience=patience)
    if isinstance(answer, Counter):
        changes = {str(change.lever): change.why for change in answer.changes}
        flags = _flagged(answer.flags)
        return _tabled(heard, Side.GATEWAY, answer.terms, changes, flags, now=now, patience=patience)
    return _ended(heard, Side.GATEWAY, answer.why, now)


def offered(before: Negotiation, terms: LicenseTerms, *, now: int, patience: int) -> Negotiation | Refusal:
    """A person at the creator puts *terms* on the table: a counter, or the buyer's own as an acceptance."""
    if before.state not in {State.REQUESTED, State.OFFERED}:
        return _over(before)
    return _tabled(replace(before, person=()), Side.CREATOR, terms, {}, now=now, patience=patience)


def as_published(before: Negotiation, terms: LicenseTerms, *, now: int, patience: int) -> Negotiation:
    """The published offer itself opens a negotiation that has not begun: *terms*, which are no wider, are on the table."""
    return _tabled(before, Side.GATEWAY, terms, {}, now=now, patience=patience)


def accepted(
    before: Negotiation,
    terms_hash: str,
    assent: str,
    *,
    now: int,
    signed: Mapping[str, object] = MappingProxyType({}),
) -> Negotiation | Refusal:
    """The buyer accepts what is on the table, named by its hash, with the very words of *assent*."""
    if before.state is not State.OFFERED or before.table is None:
        return _over(before)
    if before.table.hash != terms_hash or now >= before.expires_at:
        stale = now >= before.expires_at
        return Refusal(
            Problem.NEGOTIATION_OUTDATED,
            "The terms on the table have expired." if stale else "The terms on the table have another hash.",
            facts=(("terms_hash", "" if stale else before.table.hash), ("state", str(before.state))),
        )
    body = {"terms_hash": terms_hash, "assent": assent, "signed": canonical_digest(dict(signed))}
    return replace(
        _said(before, Side.BUYER, "acceptance", body, now), state=State.ACCEPTED, signed=dict(signed)
    )


def agreed(
    before: Negotiation, license_id: str, *, now: int, contract: str = "", signature: str = ""
) -> Negotiation | Refusal:
    """The license *license_id* was made of what both sides agreed to.

    *contract* is the document of it, as JSON, and *signature* the gateway's of its hash.
    """
    if before.state is not State.ACCEPTED or before.table is None:
        return _over(before)
    body = {
        "license": license_id,
        "terms_hash": before.table.hash,
        "contract": canonical_digest(orjson.loads(contract)) if contract else "",
        "signature": signature,
    }
    said = _said(before, Side.GATEWAY, "agreement", body, now)
    return replace(said, state=State.AGREED, license=license_id, contract=contract)


def acceptance_of(negotiation: Negotiation, version: str, terms_hash: str) -> bool:
    """Whether *negotiation* was accepted at *version*, and those very terms: an acceptance sent again is the same one."""
    return any(
        entry.act == "acceptance"
        and entry.previous == version
        and orjson.loads(entry.body)["terms_hash"] == terms_hash
        for entry in negotiation.transcript
    )


def verified(before: Negotiation, terms_hash: str, *, now: int) -> Negotiation | Refusal:
    """The buyer confirms that the agreement is what it accepted; what it pays for is released."""
    if before.state is not State.AGREED or before.table is None:
        return _over(before)
    if before.table.hash != terms_hash:
        return Refusal(
            Problem.NEGOTIATION_OUTDATED,
            "The agreement has another hash.",
            facts=(("terms_hash", before.table.hash), ("state", str(before.state))),
        )
    confirmed = replace(
        _said(before, Side.BUYER, "verification", {"terms_hash": terms_hash}, now), state=State.VERIFIED
    )
    released = _said(confirmed, Side.GATEWAY, "finalization", {"license": before.license}, now)
    return replace(released, state=State.FINALIZED)


def terminated(before: Negotiation, by: Side, why: str, *, now: int) -> Negotiation | Refusal:
    """One side ends it before anything was agreed."""
    if before.state not in {State.REQUESTED, State.OFFERED, State.ACCEPTED}:
        return _over(before)
    return _ended(before, by, why, now)


def _over(before: Negotiation) -> Refusal:
    if before.state.is_over:
        return Refusal(
            Problem.NEGOTIATION_OVER, f"It is {before.state}.", facts=(("state", str(before.state)),)
        )
    return Refusal(Problem.NEGOTIATION_WAITS, f"It is {before.state}.", facts=(("state", str(before.state)),))


def _flagged(flags: Iterable[RedFlag]) -> list[dict[str, str]]:
    """Which rules tripped, and on which term; how much each weighs is the creator's own."""
    return [{"rule": flag.name, "lever": str(flag.lever), "term": flag.term} for flag in flags]


def _tabled(
    before: Negotiation,
    by: Side,
    terms: LicenseTerms,
    changes: Mapping[str, str],
    flags: Iterable[Mapping[str, str]] = (),
    *,
    now: int,
    patience: int,
) -> Negotiation:
    body = {
        "terms": terms.as_json(),
        "terms_hash": terms.hash,
        "changes": dict(changes),
        "flags": [dict(flag) for flag in flags],
        "expires_at": now + patience,
        **_reference(before),
    }
    said = _said(before, by, "offer", body, now)
    return replace(said, state=State.OFFERED, table=terms, expires_at=now + patience)


def _reference(negotiation: Negotiation) -> dict[str, str]:
    """What is said with every proposal and offer about a license that exists."""
    return {"about": negotiation.about, "change": negotiation.change} if negotiation.about else {}


def _ended(before: Negotiation, by: Side, why: str, now: int) -> Negotiation:
    said = _said(before, by, "termination", {"why": why}, now)
    return replace(said, state=State.TERMINATED, table=None, person=(), missing=(), why=why)


def _said(before: Negotiation, by: Side, act: str, body: Mapping[str, object], now: int) -> Negotiation:
    nth = len(before.transcript) + 1
    entry = Entry(nth, now, by, act, canonical_bytes(body).decode(), before.version)
    return replace(before, transcript=(*before.transcript, entry))
