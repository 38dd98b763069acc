import json

import pytest

from gateway.terms.odrl_words import ODRL_CONTEXT, TDM_CONTEXT
from gateway.terms.tdm_policy import TdmPolicy, read_tdm_policy, tdm_policy, tdm_terms
from gateway.terms.tdmrep import MINING
from gateway.uses import Use, closure


def test_the_document_has_the_shape_that_tdmrep_asks_for(make):
    offer = make.offer("training", (Use.AI_TRAIN,), "/", per_fetch="0.02")
    made = tdm_policy(make.published(make.scope("/", {Use.SEARCH}, [offer])))
    assert made == {
        "@context": [ODRL_CONTEXT, TDM_CONTEXT],
        "@type": "Offer",
        "profile": "http://www.w3.org/ns/tdmrep",
        "uid": "https://journal.example/.well-known/licenses/tdm.jsonld",
        "assigner": {
            "uid": "https://journal.example/#creator",
            "vcard:fn": "The Journal",
            "vcard:hasURL": "https://journal.example/.licet/",
            "vcard:hasEmail": "mailto:rights@journal.example",
        },
        "permission": [
            {"action": "tdm:mine", "duty": [{"action": "obtainConsent"}, {"action": "compensate"}]}
        ],
    }


def test_payment_alone_is_asked_where_all_mining_is_free_or_for_sale(make):
    everything = make.offer("everything", MINING, "/", per_fetch="0.02")
    sold = make.published(make.scope("/a/", MINING), make.scope("/", (), [everything]))
    assert tdm_terms(sold) == TdmPolicy(pay=True, consent=False)
    half = make.published(make.scope("/a/"), make.scope("/", (), [everything]))
    assert tdm_terms(half) == TdmPolicy(pay=True, consent=True)
    assert tdm_terms(make.published(make.scope("/"))) == TdmPolicy(pay=False, consent=True)
    assert tdm_terms(make.published(make.scope("/", Use))) == TdmPolicy(pay=False, consent=False)


def test_it_comes_back_and_never_says_less_than_any_part_of_the_site(policies_generated):
    for case in policies_generated.cases(200):
        read = read_tdm_policy(json.loads(json.dumps(tdm_policy(case.terms))))
        assert read == tdm_terms(case.terms)
        for scope in case.terms.scopes:
            if closure(scope.free) >= MINING:
                continue
            assert read.consent or (read.pay and closure(scope.free | scope.for_sale) >= MINING), case.name


@pytest.mark.parametrize(
    "changed",
    [
        {"permission": [{"action": "tdm:mine", "duty": [{"action": "dance"}]}]},
        {"permission": [{"action": "tdm:mine", "duty": "compensate"}]},
        {"permission": {"action": "tdm:mine", "constraint": {"leftOperand": "purpose"}}},
        {"prohibition": []},
    ],
)
def test_what_is_not_understood_needs_consent(make, changed):
    made = {**tdm_policy(make.published(make.scope("/", Use))), **changed}
    assert read_tdm_policy(made).consent


@pytest.mark.parametrize(
    "changed",
    [{"profile": "urn:other"}, {"@type": "Set"}, {"permission": []}, {"permission": [{"action": "use"}]}],
)
def test_another_document_is_no_tdm_policy(make, changed):
    made = {**tdm_policy(make.published(make.scope("/", Use))), **changed}
    assert read_tdm_policy(made) is None
    assert read_tdm_policy([made]) is None
