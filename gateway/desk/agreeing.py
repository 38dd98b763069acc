"""How a deal is signed: who the parties are, with which words, the document of it, and its seal.

Small deals need no named party; those that `licenses.contract.needs_names`
tells apart need name, address, signatory and authority of both sides, and every
one needs a governing law and a language, which the owner writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gateway.canonical import canonical_bytes, canonical_digest
from gateway.desk.clients import Known
from gateway.desk.metadata import issuer_of
from gateway.desk.negotiation_documents import assent_of
from gateway.keys.jws import sign
from gateway.keys.signing_key import SigningKey
from gateway.licenses.contract import Clause, Deal, Evidence, Party, blanks, contract_of, needs_names
from gateway.licenses.license import License
from gateway.licenses.negotiation import Negotiation, agreed
from gateway.licenses.position import committed
from gateway.money import Money
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.terms.license_terms import LicenseTerms

_LONGEST = 300
_PARTY = frozenset({"name", "address", "signatory", "authority", "contact"})


@dataclass(frozen=True, slots=True)
class Assent:
    """How an offer on the table is accepted: its hash, the words, and who the licensee is."""

    terms_hash: str
    text: str
    party: Mapping[str, str]


def read_party(found: object) -> dict[str, str] | Refusal:
    """The lines by which a licensee is named, those that are empty left out."""
    if not isinstance(found, dict) or found.keys() - _PARTY:
        return _unread("party", f"is not an object of {', '.join(sorted(_PARTY))}")
    for name, value in found.items():
        if not isinstance(value, str) or len(value) > _LONGEST or not value.isprintable():
            return _unread(f"party.{name}", f"is not a line of at most {_LONGEST} characters")
    return {name: value.strip() for name, value in found.items() if value.strip()}


def read_assent(body: Mapping[str, object]) -> Assent | Refusal:
    """Read ``{"terms_hash": …, "assent": …, "party": {…}}``; *party* may be left out."""
    unknown = body.keys() - {"terms_hash", "assent", "party"}
    if unknown:
        return _unread("assent", "stands beside members that are unknown")
    for name in ("terms_hash", "assent"):
        value = body.get(name)
        if not isinstance(value, str) or not value or len(value) > 4 * _LONGEST:
            return _unread(name, "is missing, or no text")
    party = read_party(body.get("party", {}))
    if isinstance(party, Refusal):
        return party
    return Assent(str(body["terms_hash"]), str(body["assent"]), party)


def signed_by(
    assent: Assent, negotiation: Negotiation, known: Known, policy: Policy, origin: str, limit: Money | None
) -> dict[str, object] | Refusal:
    """What is kept of who signed, or what is missing. *limit* is the worth from which parties have to be named."""
    table = negotiation.table
    if table is None or assent.terms_hash != table.hash:
        # The state machine says so, in its own words.
        return {}
    if assent.text != assent_of(negotiation, known.licensee.name, origin):
        return _unread("assent", "is not the text that the negotiation tells, to the letter")
    named = needs_names(table, negotiation.offer.tier, committed(table), limit)
    return _signed(assent.text, negotiation.id, table, known, policy, origin, assent.party, named=named)


def signed_as_published(
    words: str, id: str, terms: LicenseTerms, known: Known, policy: Policy, origin: str, party: Mapping[str, str]
) -> dict[str, object] | Refusal:  # fmt: skip
    """The same of a large deal on a published offer, accepted in *words*.

    Where the policy sells such a deal by machine, what is missing for a document is no refusal: there is none then.
    """
    signed = _signed(words, id, terms, known, policy, origin, party, named=True)
    if isinstance(signed, Refusal) and policy.signing.by_machine:
        return {"client": known.client.id, "key": _key(known), "assent": words, "party": dict(party)}
    return signed


def _signed(
    words: str, id: str, terms: LicenseTerms, known: Known, policy: Policy, origin: str, party: Mapping[str, str],
    *, named: bool,
) -> dict[str, object] | Refusal:  # fmt: skip
    licensee = Party(**{"name": known.licensee.name, "contact": known.licensee.contact, **party})
    if named and "name" not in party:
        licensee = Party(**{**asdict(licensee), "name": ""})
    signing = policy.signing
    creator = signing.creator if signing.creator.name else Party(name=policy.site.name)
    if named:
        creator = signing.creator
    deal = Deal(id, origin, terms, creator, licensee, law=signing.law, language=signing.language)
    missing = blanks(deal, named=named)
    if missing:
        return _incomplete(missing)
    return {
        "creator": asdict(creator),
        "licensee": asdict(licensee),
        "law": signing.law,
        "language": signing.language,
        "assent": words,
        "client": known.client.id,
        "key": _key(known),
        **({"consent": policy.consent} if policy.consent else {}),
    }


def _key(known: Known) -> str:
    return f"{'a signed login' if known.client.signs else 'the secret'} of the client {known.client.id}"


def lacking(negotiation: Negotiation, known: Known, policy: Policy, origin: str) -> tuple[str, ...]:
    """What has to be filled in before what is on the table can be signed, by whom, as far as that is told beforehand.

    A creator's own limit of worth is left out: it is heard of when a deal is above it.
    """
    table = negotiation.table
    if table is None:
        return ()
    named = needs_names(table, negotiation.offer.tier, committed(table), None)
    signing = policy.signing
    # Whoever signs says the name of the licensee anew, so the one that was registered fills no blank.
    licensee = Party() if named else Party(name=known.licensee.name)
    creator = signing.creator if named or signing.creator.name else Party(name=policy.site.name)
    deal = Deal(negotiation.id, origin, table, creator, licensee, law=signing.law, language=signing.language)
    return blanks(deal, named=named)


def proposed_contract(
    negotiation: Negotiation, policy: Policy, name: str, origin: str, clauses: Iterable[Clause]
) -> dict[str, object] | None:
    """The document of what is on the table, headed as proposed; None where nothing is."""
    if negotiation.table is None:
        return None
    signing = policy.signing
    creator = signing.creator if signing.creator.name else Party(name=policy.site.name)
    deal = Deal(
        negotiation.id,
        origin,
        negotiation.table,
        creator,
        Party(name=name),
        products=negotiation.facts.get("products", ""),
        law=signing.law,
        language=signing.language,
        consent=policy.consent,
    )
    return contract_of(deal, clauses).as_json()


def contract_of_license(
    negotiation: Negotiation, license: License, origin: str, clauses: Iterable[Clause], replaces: str = ""
) -> dict[str, object]:
    """The document of the *license* that *negotiation*, which was accepted, came to.

    *replaces* is the hash of the contract of the version before it.
    """
    signed: Mapping[str, Any] = negotiation.signed
    licensee = Party(**signed["licensee"])
    evidence = Evidence(
        by=", ".join(filter(None, (licensee.name, signed["client"]))),
        at=signed["at"],
        key=signed["key"],
        address=signed["address"],
        assent=signed["assent"],
        transcript=negotiation.version,
    )
    deal = Deal(
        license.id,
        origin,
        license.terms,
        Party(**signed["creator"]),
        licensee,
        license.starts_at,
        license.ends_at,
        negotiation.facts.get("products", ""),
        signed["law"],
        signed["language"],
        evidence=evidence,
        version=license.version,
        replaces=replaces,
        consent=signed.get("consent", ""),
    )
    return contract_of(deal, clauses).as_json()


def sealed(
    before: Negotiation,
    license: License,
    origin: str,
    clauses: Iterable[Clause] | None,
    key: SigningKey,
    now: int,
    replaces: str = "",
) -> Negotiation | Refusal:
    """*before*, which was accepted, as the agreement that *license* was made of, signed with *key*.

    The signature is a JWS (RFC 7515, May 2015) by the key that signs tokens, so
    whoever has our keys can check it. Without *clauses* there is no document.
    """
    contract = (
        contract_of_license(before, license, origin, clauses, replaces) if clauses is not None else None
    )
    statement = {
        "iss": issuer_of(origin),
        "license": license.id,
        "licensee": license.licensee,
        "version": license.version,
        "terms_hash": license.terms.hash,
        "contract": canonical_digest(contract) if contract else "",
        "iat": now,
    }
    signature = sign(canonical_bytes(statement), key, "licet-agreement+jws")
    text = canonical_bytes(contract).decode() if contract else ""
    return agreed(before, license.id, now=now, contract=text, signature=signature)


def _unread(member: str, why: str) -> Refusal:
    return Refusal(Problem.PROPOSAL_INVALID, f"Of the message, {member} {why}.", facts=(("member", member),))


def _incomplete(missing: tuple[str, ...]) -> Refusal:
    owners = [each for each in missing if not each.startswith("licensee")]
    yours = [each for each in missing if each.startswith("licensee")]
    said = []
    if owners:
        said.append(f"The owner of this site has not filled in: {', '.join(owners)}")
    if yours:
        said.append(f"You have to name in party: {', '.join(each.partition(': ')[2] for each in yours)}")
    return Refusal(
        Problem.CONTRACT_INCOMPLETE, f"{'. '.join(said)}.", facts=(("missing", ", ".join(missing)),)
    )
