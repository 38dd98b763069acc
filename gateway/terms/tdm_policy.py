"""The TDM policy of TDMRep (W3C Community Group Final Report, 2024-05-10, "Expressing a TDM Policy"), written and read.

An ODRL 2.2 policy in the profile ``http://www.w3.org/ns/tdmrep``: the document
that ``tdm-policy`` points to. Its only action is ``tdm:mine`` and its duties
have no amount, so it is a pointer: prices, places and single uses stand in the
offers (`terms.odrl`) and in license.xml.

It names no target and so speaks for whatever points to it, which is all that is
reserved. It therefore says what holds on every part of the site where some
mining is reserved: ``compensate`` where something of that is for sale anywhere,
and ``obtainConsent`` unless all mining is free or for sale everywhere. Where
nothing is reserved it has no duty and nothing points to it.

Reading takes an unknown duty or constraint for consent that is needed. Pure;
raises nothing on any input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.terms.license_terms import PublishedTerms
from gateway.terms.odrl_duties import listed
from gateway.terms.odrl_words import ODRL_CONTEXT, TDM_CONTEXT, party, short
from gateway.terms.tdmrep import MINING, POLICY_PATH, reserved
from gateway.uses import closure

#: The profile the document is in.
TDM_PROFILE: Final = "http://www.w3.org/ns/tdmrep"


@dataclass(frozen=True, slots=True)
class TdmPolicy:
    """What has to be done before mining: pay, obtain consent, both, or nothing."""

    pay: bool
    consent: bool


def tdm_terms(terms: PublishedTerms) -> TdmPolicy:
    """What the document for *terms* says."""
    kept = [scope for scope in terms.scopes if reserved(scope)]
    pay = any(closure(scope.for_sale) & closure(MINING) for scope in kept)
    open_ = all(closure(scope.free | scope.for_sale) >= MINING for scope in kept)
    return TdmPolicy(pay=pay, consent=not open_)


def tdm_policy(terms: PublishedTerms) -> dict[str, object]:
    """The document to serve at `tdmrep.POLICY_PATH`."""
    said = tdm_terms(terms)
    wanted = [name for name, asked in (("obtainConsent", said.consent), ("compensate", said.pay)) if asked]
    duty = {"duty": [{"action": name} for name in wanted]} if wanted else {}
    return {
        "@context": [ODRL_CONTEXT, TDM_CONTEXT],
        "@type": "Offer",
        "profile": TDM_PROFILE,
        "uid": terms.origin + POLICY_PATH,
        "assigner": party(terms.origin, terms.name, terms.contact, terms.desk_url),
        "permission": [{"action": "tdm:mine", **duty}],
    }


def read_tdm_policy(document: object) -> TdmPolicy | None:
    """What *document* asks for, or None where it is no TDM policy: then the conditions are unknown."""
    if not isinstance(document, dict) or [short(each) for each in listed(document.get("profile"))] != [
        TDM_PROFILE
    ]:
        return None
    if short(document.get("@type")) != "Offer":
        return None
    found = [each for each in listed(document.get("permission")) if isinstance(each, dict)]
    mined = [each for each in found if [short(word) for word in listed(each.get("action"))] == ["tdm:mine"]]
    if not mined:
        return None
    duties = [duty for each in mined for duty in listed(each.get("duty"))]
    words = {short(duty.get("action")) if isinstance(duty, dict) else "" for duty in duties}
    limited = any(listed(each.get("constraint")) for each in mined) or "prohibition" in document
    return TdmPolicy(
        pay="compensate" in words,
        consent=limited or bool(words - {"compensate"}),
    )
