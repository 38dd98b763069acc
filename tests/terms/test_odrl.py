import copy
import json
import warnings
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyshacl import validate
from rdflib import Graph, URIRef

from gateway.paths import PathScope
from gateway.terms.license_terms import WORLDWIDE, Territory
from gateway.terms.odrl import (
    OdrlError,
    odrl_agreement,
    odrl_offer,
    offer_url,
    offered,
    offered_scope,
    read_policy,
)
from gateway.terms.odrl_words import OURS, PLACE, in_full
from gateway.terms.tdm_policy import tdm_policy
from gateway.uses import Use

ODRL = "http://www.w3.org/ns/odrl/2/"
#: rdflib's own reader of JSON-LD uses what rdflib calls old.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")


def carried(document):
    """*document* as it comes out at the other end."""
    return json.loads(json.dumps(document))


def graph_of(document):
    graph = Graph()
    return graph.parse(data=json.dumps(in_full(document)), format="json-ld")


def every_offer(policies_generated, count):
    for case in policies_generated.cases(count):
        for offer in offered(case.terms):
            yield case, offer


def agreement(terms, offer):
    return odrl_agreement(
        terms,
        offer.terms,
        "lic-1",
        offer=offer.id,
        licensee="acme",
        licensee_name='Acme "Labs"',
        issued_at=1_790_000_000,
        starts_at=1_790_000_000,
        ends_at=1_821_536_000,
    )


def test_every_lever_of_every_offer_comes_back(policies_generated):
    seen = 0
    for case, offer in every_offer(policies_generated, 300):
        read = read_policy(carried(odrl_offer(case.terms, offer)))
        assert not isinstance(read, OdrlError), (case.name, read)
        scope = offered_scope(case.terms, offer)
        assert read.terms == replace(offer.terms, scope=scope), case.name
        assert (read.kind, read.uid) == ("Offer", offer_url(case.terms, offer))
        assert (read.hash, read.max_fetches) == (offer.terms.hash, offer.max_fetches)
        seen += 1
    assert seen > 150


def test_what_is_offered_is_what_the_scopes_list(policies_generated):
    for case, offer in every_offer(policies_generated, 300):
        scope = offered_scope(case.terms, offer)
        for path in policies_generated.PATHS:
            held = [each for each in case.terms.scopes if each.paths[0].covers(path)]
            most = max(each.paths[0].precision for each in held)
            # Of two that are as narrow as each other, one with a star, either says only what holds for both.
            listed = any(offer in each.offers for each in held if each.paths[0].precision == most)
            assert listed or not scope.covers(path), (case.name, path)
            plainly = any(each.covers(path) for each in scope.paths)
            closed = any(each.covers(path) for each in scope.excluded)
            assert listed or closed or not plainly, "a reader that lets exclusions win grants no more"
            assert not listed or offer.terms.scope.covers(path), case.name
            if "*" not in "".join(each.pattern for each in (*scope.paths, *scope.excluded)):
                assert scope.covers(path) is listed, (case.name, path)


def test_an_agreement_is_the_offer_with_a_licensee_and_dates(policies_generated):
    case, offer = next(every_offer(policies_generated, 10))
    read = read_policy(carried(agreement(case.terms, offer)))
    assert read.terms == offer.terms
    assert (read.kind, read.uid) == ("Agreement", "https://journal.example/.licet/licenses/lic-1")
    assert read.assignee == "https://journal.example/.licet/licensees/acme"
    assert read.source == offer_url(case.terms, offer)
    assert (read.starts_at, read.ends_at) == (1_790_000_000, 1_821_536_000)


@pytest.fixture(scope="module")
def shapes(root):
    return Graph().parse(root / "tests" / "terms" / "odrl_shapes.ttl")


def conforms(document, shapes):
    """Whether *document* keeps what ODRL asks, by pyshacl, and the report where not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ok, _, report = validate(graph_of(document), shacl_graph=shapes)
    return ok, report


def test_offers_agreements_and_tdm_policies_keep_the_shapes_of_odrl(policies_generated, shapes):
    checked = 0
    for case, offer in every_offer(policies_generated, 24):
        for document in (odrl_offer(case.terms, offer), agreement(case.terms, offer), tdm_policy(case.terms)):
            ok, report = conforms(document, shapes)
            assert ok, (case.name, report)
            checked += 1
    assert checked > 30


def _permission(document):
    return document["permission"][0]


@pytest.mark.parametrize(
    "bend",
    [
        lambda made: made.pop("uid"),
        lambda made: made.pop("assigner"),
        lambda made: made.pop("permission"),
        lambda made: made.update(conflict="licet:mine"),
        lambda made: _permission(made).pop("action"),
        lambda made: _permission(made)["constraint"].append(
            {"leftOperand": "spatial", "operator": "isAnyOf", "rightOperand": "DE"}
        ),
        lambda made: _permission(made)["constraint"].append(
            {"leftOperand": "dateTime", "operator": "lt", "rightOperand": "2027-01-01"}
        ),
        lambda made: _permission(made)["constraint"].append(
            {"leftOperand": "licet:x", "operator": ">=", "rightOperand": "1"}
        ),
        lambda made: _permission(made)["duty"][0]["action"][0]["refinement"][0].update(rightOperand="0.02"),
    ],
)
def test_the_shapes_find_what_is_wrong(policies_generated, shapes, bend):
    case, offer = next(each for each in every_offer(policies_generated, 30) if each[0].terms.scopes[0].offers)
    document = carried(odrl_offer(case.terms, offer))
    assert conforms(document, shapes)[0]
    bend(document)
    assert not conforms(document, shapes)[0]


def test_as_triples_it_says_what_it_says_as_json(make):
    offer = make.offer("training", (Use.AI_TRAIN,), "/", Territory(frozenset({"EU", "US"})), per_fetch="0.02")
    graph = graph_of(odrl_offer(make.published(make.scope("/", (), [offer])), offer))
    (policy,) = graph.subjects(URIRef(ODRL + "profile"))
    (permission,) = graph.objects(policy, URIRef(ODRL + "permission"))
    assert list(graph.objects(permission, URIRef(ODRL + "action"))) == [URIRef(OURS + "ai-train")]
    rights = set(graph.objects(None, URIRef(ODRL + "rightOperand")))
    assert {URIRef(PLACE + "EU"), URIRef(PLACE + "US"), URIRef(OURS + "fetch")} <= rights
    amounts = [str(each) for each in rights if getattr(each, "datatype", None) and "decimal" in each.datatype]
    assert amounts == ["0.02"]
    assert set(graph.objects(None, URIRef(ODRL + "unit"))) == {
        URIRef("http://publications.europa.eu/resource/authority/currency/USD")
    }
    assert not [
        term
        for triple in graph
        for term in triple
        if isinstance(term, URIRef) and str(term).startswith("licet:")
    ]


# Reading never widens


@pytest.fixture
def whole(make):
    offer = make.offer("training", (Use.AI_TRAIN,), "/", Territory(frozenset({"EU"})), per_fetch="0.02")
    return carried(odrl_offer(make.published(make.scope("/", (), [offer])), offer))


def test_one_thing_without_brackets_and_whole_words_are_read_alike(whole):
    other = copy.deepcopy(whole)
    permission = other["permission"] = other["permission"][0]
    permission["action"] = [{"@id": OURS + "ai-train"}]
    permission["constraint"][0]["leftOperand"] = ODRL + "elapsedTime"
    permission["duty"][0]["action"][0]["rdf:value"] = ODRL + "compensate"
    other["conflict"] = {"@id": "odrl:prohibit"}
    assert read_policy(other).terms == read_policy(whole).terms


@pytest.mark.parametrize(
    "bend",
    [
        lambda made: made.update(profile="http://example.org/other"),
        lambda made: made.update(profile=["urn:licet:odrl:1", "http://example.org/other"]),
        lambda made: made.pop("profile"),
        lambda made: made.pop("conflict"),
        lambda made: made.update(conflict="perm"),
        lambda made: made.update({"@type": "Set"}),
        lambda made: made["permission"].append(dict(made["permission"][0])),
        lambda made: made.update(obligation={"action": "delete"}),
        lambda made: made.update(prohibition=["all of it"]),
        lambda made: made.pop("licet:liability"),
        lambda made: _permission(made).update(target="https://journal.example/"),
        lambda made: _permission(made)["constraint"].append(
            {"leftOperand": "industry", "operator": "eq", "rightOperand": "press"}
        ),
        lambda made: _permission(made)["constraint"].append({"or": []}),
        lambda made: _permission(made)["constraint"].pop(0),
        lambda made: _permission(made)["duty"].append({"action": "licet:dance"}),
        lambda made: _permission(made)["duty"][0].update(constraint={"leftOperand": "event"}),
        lambda made: _permission(made)["duty"][0]["action"][0]["refinement"][0].update(rightOperand=0.02),
        lambda made: _permission(made)["duty"][0]["action"][0]["refinement"][0].update(operator="lteq"),
        lambda made: _permission(made)["duty"][0]["action"][0]["refinement"][0].update(unit="dollars"),
        lambda made: _permission(made)["target"]["refinement"].append(
            {"leftOperand": "licet:age", "operator": "lt", "rightOperand": "3"}
        ),
    ],
)
def test_what_is_not_understood_grants_nothing(whole, bend):
    bend(whole)
    assert isinstance(read_policy(whole), OdrlError)


def test_an_unknown_action_and_an_unknown_place_are_left_out(whole):
    _permission(whole)["action"] += ["use", "odrl:transfer", "licet:everything"]
    spatial = _permission(whole)["constraint"][1]
    spatial["rightOperand"] = [{"@id": "https://www.wikidata.org/wiki/Q183"}]
    read = read_policy(whole)
    assert read.terms.purpose.uses == {Use.AI_TRAIN}
    assert read.terms.territory == Territory(frozenset()) != WORLDWIDE


def test_a_prohibition_wins(whole):
    whole["prohibition"] = {"action": "licet:ai-train"}
    assert read_policy(whole).terms.purpose.uses == frozenset()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def _places(value, at=()):
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*at, index))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_document_makes_it_raise_or_grant_more(make, data):
    offer = make.offer("training", (Use.AI_TRAIN,), "/a/", Territory(frozenset({"EU"})), per_fetch="0.02")
    made = carried(odrl_offer(make.published(make.scope("/a/", (), [offer])), offer))
    *way, last = data.draw(st.sampled_from([each for each in _places(made) if each]))
    inner = made
    for step in way:
        inner = inner[step]
    if data.draw(st.booleans()):
        del inner[last]
    else:
        inner[last] = data.draw(json_values)
    read = read_policy(made)
    if isinstance(read, OdrlError):
        return
    assert read.terms.purpose.uses <= {Use.AI_TRAIN}
    assert not read.terms.purpose.resale
    if (*way, last)[:3] != ("permission", 0, "target"):
        assert read.terms.scope.paths == (PathScope("/a/"),)


@given(json_values)
def test_nothing_at_all_makes_it_raise(value):
    assert isinstance(read_policy(value), OdrlError)
