import json

import pytest
from rdflib import Graph, URIRef

from gateway.terms.odrl_words import (
    ACTIONS,
    ODRL_CONTEXT,
    OURS,
    in_full,
    party,
    profile_document,
    reach,
    region_of,
    short,
)

ODRL = "http://www.w3.org/ns/odrl/2/"


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
def test_every_action_of_the_profile_is_included_in_use():
    graph = Graph().parse(data=json.dumps(in_full(profile_document())), format="json-ld")
    included = URIRef(ODRL + "includedIn")
    for action in ACTIONS:
        above = URIRef(OURS + action.removeprefix("licet:"))
        for _ in range(2):
            above = next(graph.objects(above, included), above)
        assert above == URIRef(ODRL + "use")
    assert len(set(graph.subjects(included))) > len(ACTIONS)


def test_only_contexts_that_are_named_by_an_address_we_know_are_put_in_place():
    made = in_full({"@context": [ODRL_CONTEXT, "https://other.example/ns", {"a": "b"}]})
    assert isinstance(made["@context"][0], dict)
    assert made["@context"][1:] == ["https://other.example/ns", {"a": "b"}]
    assert in_full({"@context": ODRL_CONTEXT})["@context"] == [made["@context"][0]]


def test_words_and_places_that_are_none_are_nothing():
    assert short(["sell"]) == short(None) == short({"@id": 3}) == ""
    assert region_of("urn:licet:iso3166:DE") == "DE"
    assert [region_of(each) for each in ("DE", "urn:licet:iso3166:ZZ", "urn:licet:iso3166:DEU", "")] == [
        ""
    ] * 4


def test_a_contact_is_told_only_as_an_address():
    assert reach("mailto:a@b.example") == "mailto:a@b.example"
    assert reach("https://b.example/a b") == "https://b.example/a%20b"
    assert reach("Ask <us>, please") == reach("") == reach("a@b c") == ""
    assert party("https://b.example", "", "", "https://b.example/.licet")["vcard:fn"] == "b.example"
