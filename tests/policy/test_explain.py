import json

import pytest

from gateway.policy.explain import explanation
from gateway.policy.reading import default_policy
from gateway.policy.ruling import rule
from gateway.visitors.visitor import PERSON, Identity


def tell(make, stance, visitor, path="/essays/x", country="DE"):
    policy = default_policy("http://127.0.0.1:8000", stance=stance)
    ask = make.ask(path, country)
    return explanation(rule(policy, visitor, ask, visitor.uses), visitor, ask, visitor.uses, policy)


def test_a_license_is_told_with_its_offers(make):
    told = tell(make, "search-free-training-paid", make.seen(make.GPTBOT))
    lines = told.lines()
    assert lines[0] == "needs a license: rule 5 matches class ai"
    assert "offer    training: ai-train at 0.02 USD per fetch, worldwide" in lines
    assert "visitor  GPTBot of OpenAI (class ai, identity verified)" in lines
    assert "path     /essays/x, the page of site" in lines
    assert "country  DE" in lines
    said = (
        "rule 5: AI crawlers need a license"
        " (answers: 0.004 USD a fetch, training: 0.02 USD a fetch, everything: 0.022 USD a fetch)"
    )
    assert f"decided  {said}" in lines
    assert (told.as_json()["rule"], told.as_json()["rule_words"]) == ("rules[4]", said)
    assert lines[-1].startswith("mode observe")
    plain = told.as_json()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["offers"][1]["per_fetch"] == {"micros": 20_000, "currency": "USD"}
    assert (plain["verdict"], plain["rule"], plain["uses"]) == ("license", "rules[4]", ["ai-train"])


@pytest.mark.parametrize(
    ("who", "stance", "path", "head"),
    [
        ("PERSON", "closed", "/", "served, free of charge: rule 5 matches everyone"),
        ("UNKNOWN", "closed", "/", "refused, at any price: rule 4 matches class automation, proof none (403 refused-by-owner)"),
        ("UNKNOWN", "everything-licensed", "", "refused, at any price: rule 5 depends on the path, which has more than one reading (400 ambiguous-path)"),
    ],
)  # fmt: skip
def test_heads(make, who, stance, path, head):
    told = tell(make, stance, PERSON if who == "PERSON" else make.UNKNOWN, path, "")
    assert told.lines()[0] == head
    assert "country  unknown" in told.lines()
    assert ("ambiguous" in " ".join(told.lines()[1:])) == (path == "")


def test_an_imitator_is_told_why(make):
    head = tell(make, "open", make.seen(make.GOOGLEBOT, Identity.SPOOFED)).lines()[0]
    assert head == (
        "refused, at any price: rule 3 matches everyone, but the evidence contradicts the claim (403 identity-not-proven)"
    )
