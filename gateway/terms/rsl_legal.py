"""``<legal>`` and ``<reporting>`` of a license in RSL 1.0 (2025-12-10, sections 3.12 and 3.13), rendered and read.

Warranties are those of the offer that the closed vocabulary has a word for, and
only where the creator wants them stated to everybody (`Publishing.warranties`):
what a contract says by default is no statement to the public. A
report is asked for only where the policy names its profile: a program that does
not know the profile must take the content for not licensed. Pure; raises nothing
on any input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from gateway.terms.license_terms import Offer, PublishedTerms
from gateway.terms.rsl_words import DISCLAIMERS, LEGAL_TYPES, WARRANTIES
from gateway.terms.rsl_xml import Notes, add, children, is_uri

_CLOSED: Final = {"warranty": WARRANTIES, "disclaimer": DISCLAIMERS}


def add_duties(element: etree._Element, offer: Offer, terms: PublishedTerms) -> None:
    """Append what both sides of *offer* answer for."""
    chosen = terms.publishing
    if chosen.reporting_profile and offer.terms.audit.report != "none":
        add(element, "reporting", type="telemetry", profile=chosen.reporting_profile)
    warranties = WARRANTIES.intersection(offer.terms.liability.warranties) if chosen.warranties else ()
    said = {
        "warranty": " ".join(sorted(warranties)),
        "disclaimer": " ".join(sorted(DISCLAIMERS.intersection(chosen.disclaimers))),
        "attestation": "true" if chosen.attest else "",
        "contact": _address(terms.contact),
        "proof": " ".join(chosen.proofs),
    }
    for kind, text in said.items():
        if text:
            add(element, "legal", text, type=kind)


def _address(contact: str) -> str:
    """*contact* where it is one URL or one e-mail address, else ""."""
    bare = contact.removeprefix("mailto:")
    mail = re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", bare)
    return contact if mail or re.fullmatch(r"https?://[^\s<>\"]+", contact) else ""


def read_reporting(element: etree._Element, notes: Notes) -> str:
    """The profile by which to report, "" for one that is not told: it is a duty all the same."""
    profile, endpoint = element.get("profile", ""), element.get("endpoint")
    if element.get("type") not in {"telemetry", "provenance", "audit"}:
        notes.error(element, "3.12", "reporting has type telemetry, provenance or audit")
    if not is_uri(profile):
        notes.error(element, "3.12", "reporting has a profile, an absolute URI")
    if endpoint is not None and not endpoint.startswith("https://"):
        notes.error(element, "3.12", "the endpoint of a report is an https URL")
    return profile


def read_legal(element: etree._Element, notes: Notes) -> Iterator[tuple[str, str]]:
    """Each type with its text."""
    seen: set[str] = set()
    for each in children(element, "legal"):
        kind, text = each.get("type", ""), " ".join((each.text or "").split())
        words = frozenset(text.split())
        if kind not in LEGAL_TYPES:
            notes.error(each, "3.13", f"there is no legal of type {kind[:64]}")
        elif kind in seen:
            notes.error(each, "3.13", f"a license has one legal of type {kind} at most")
        elif kind == "attestation" and text not in {"true", "false"}:
            notes.error(each, "3.13", "an attestation is true or false")
        elif kind == "contact" and not _address(text):
            notes.error(each, "3.13", "a contact is one URL or one e-mail address")
        elif kind == "proof" and not (words and all(map(is_uri, words))):
            notes.error(each, "3.13", "a proof is one or more absolute URIs")
        elif kind in _CLOSED and not (words and words <= _CLOSED[kind]):
            notes.error(
                each, "App. A", f"{' '.join(sorted(words - _CLOSED[kind]))[:64]}: no word for a {kind}"
            )
        seen.add(kind)
        yield kind, text
