"""Warranties, disclaimers, contacts, proofs and reports: said where the policy says them, in closed words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.terms.license_terms import Liability
from gateway.terms.publishing import Publishing
from gateway.terms.rsl import NAMESPACE, parse_rsl, render_rsl
from gateway.terms.rsl_license import license_of
from gateway.terms.rsl_words import DISCLAIMERS, WARRANTIES


def told(make, *, publishing=None, warranties=("ownership",), contact="rights@journal.example"):
    offer = make.offer(per_fetch="1", path="/")
    offer = replace(offer, terms=replace(offer.terms, liability=Liability(warranties=warranties)))
    terms = make.published(make.scope("/", offers=[offer]), contact=contact)
    document = parse_rsl(render_rsl(replace(terms, publishing=publishing or Publishing())))
    assert document.breaches == ()
    (license,) = document.contents[0].licenses
    return license


def test_warranties_are_those_of_the_closed_vocabulary(make):
    asked = Publishing(warranties=True)
    said = dict(
        told(make, publishing=asked, warranties=("ownership", "no-malware", "the sun will shine")).legal
    )
    assert said == {"warranty": "no-malware ownership", "contact": "rights@journal.example"}
    assert "warranty" not in dict(told(make, publishing=asked, warranties=("the sun will shine",)).legal)


def test_what_a_contract_warrants_is_no_statement_to_the_public_unless_the_creator_says_so(make):
    for warranties in (("ownership",), ("ownership", "no-malware")):
        assert "warranty" not in dict(told(make, warranties=warranties).legal)


def test_what_the_policy_says_is_said_and_nothing_else(make):
    chosen = Publishing(
        disclaimers=("as-is", "no-liability"), attest=True, proofs=("https://r.example/1", "urn:isbn:1")
    )
    said = dict(told(make, publishing=chosen, contact="").legal)
    assert said == {
        "disclaimer": "as-is no-liability",
        "attestation": "true",
        "proof": "https://r.example/1 urn:isbn:1",
    }


def test_a_report_is_asked_for_on_request_alone(make):
    assert told(make).reporting == set()
    assert told(make, publishing=Publishing(reporting_profile="urn:r:1")).reporting == {"urn:r:1"}


def test_a_license_with_a_report_can_be_bought_as_it_is_published(make):
    """A duty more than the offer's own terms say is still within the offer; one less than another's is not."""
    license = told(make, publishing=Publishing(reporting_profile="urn:r:1"))
    offered = license_of(make.offer(per_fetch="1", path="/"))
    assert license.within(offered) and not offered.within(license)


@pytest.mark.parametrize(
    ("element", "section"),
    [
        ('<legal type="license">x</legal>', "3.13"),
        ('<legal type="attestation">yes</legal>', "3.13"),
        ('<legal type="contact">a@x.example, b@x.example</legal>', "3.13"),
        ('<legal type="proof">see me</legal>', "3.13"),
        ('<legal type="warranty">ownership luck</legal>', "App. A"),
        ('<legal type="disclaimer"/>', "App. A"),
        ('<legal type="disclaimer">as-is</legal><legal type="disclaimer">as-is</legal>', "3.13"),
        ('<reporting type="gossip" profile="urn:x:1"/>', "3.12"),
        ('<reporting type="audit"/>', "3.12"),
        ('<reporting type="audit" profile="urn:x:1" endpoint="http://a.example/"/>', "3.12"),
    ],
)
def test_each_breach_is_told_with_its_section(element, section):
    octets = f'<rsl xmlns="{NAMESPACE}"><content url="/"><license><permits type="usage">all</permits><payment type="free"/>{element}</license></content></rsl>'
    document = parse_rsl(octets.encode())
    assert [each.section for each in document.breaches] == [section]
    assert document.contents[0].licenses[0].uses, "none of it withholds what is granted"


def test_the_vocabularies_are_those_of_the_appendix():
    assert len(WARRANTIES) == 5 and len(DISCLAIMERS) == 4
