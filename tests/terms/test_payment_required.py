import json
import re
import shlex

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.terms.payment_required import (
    absolute,
    challenges,
    crawler_price,
    money_body,
    offer_body,
    plain,
    problem_body,
    quotable,
    sells,
)
from gateway.uses import Use

BASE = "https://journal.example/.licet/problems"
URL = "https://journal.example/essays/tides?page=2"


def body_of(make, problem, *, url=URL, terms=None, **facts):
    cheap = make.offer("answers", per_fetch="0.005")
    dear = make.offer("training", [Use.AI_TRAIN], upfront="500", per_fetch="0.02", revenue_share_bp=350)
    return problem_body(
        Refusal(problem, "The fact.", **facts),
        type_base=BASE,
        offers=(dear, cheap),
        uses=frozenset({Use.AI_INPUT}),
        terms=terms or make.published(),
        request_url=url,
        quoted=cheap,
        instance="urn:uuid:1",
    )


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_has_its_body(make, problem):
    body = json.loads(
        orjson.dumps(body_of(make, problem, retry_after=7, facts=(("due", "5 USD"), ("code", "x"))))
    )
    assert body["type"] == f"{BASE}/{problem.code}"
    assert (body["code"], body["status"]) == (problem.code, problem.status)
    assert (body["title"], body["next_step"], body["detail"]) == (
        problem.title,
        problem.next_step,
        "The fact.",
    )
    assert (body["retry_after"], body["due"], body["instance"]) == (7, "5 USD", "urn:uuid:1")
    assert ("buy" in body) is ("offers" in body) is ("price" in body) is sells(problem)


def test_where_money_changes_nothing_no_seller_is_named():
    selling = {problem for problem in Problem if sells(problem)}
    assert Problem.LICENSE_REQUIRED in selling and Problem.USE_NOT_COVERED in selling
    assert not selling & {Problem.REFUSED_BY_OWNER, Problem.IDENTITY_NOT_PROVEN, Problem.ORIGIN_FAILED}
    assert {problem.status for problem in selling} == {401, 402, 403}


def test_the_402(make):
    body = body_of(make, Problem.LICENSE_REQUIRED)
    assert body["price"] == {
        "amount": "0.005",
        "micros": 5000,
        "currency": "USD",
        "per": "fetch",
        "offer": "answers",
    }
    assert [offer["id"] for offer in body["offers"]] == ["training", "answers"]
    training = body["offers"][0]
    assert training["price_parts"]["upfront"] == {"amount": "500", "micros": 500_000_000, "currency": "USD"}
    assert (training["revenue_share_bp"], training["uses"], training["term_months"]) == (
        350,
        ["ai-train"],
        24,
    )
    assert training["duties"]["report"] == "quarterly"
    assert training["terms"].startswith("sha-256:")
    buy = body["buy"]
    assert buy["token_endpoint"] == "https://journal.example/.licet/token"
    assert buy["license_document"] == "https://journal.example/license.xml"
    register, token, fetch = (shlex.split(line) for line in buy["curl"])
    assert register[1] == "https://journal.example/.licet/register" and json.loads(register[3])
    assert "resource=https://journal.example/essays/tides" in token
    wish = next(word for word in token if word.startswith("authorization_details="))
    assert json.loads(wish.partition("=")[2]) == [{"type": "content_license", "offer": "answers"}]
    assert fetch[-1] == URL


def test_no_site_no_seller(make):
    body = problem_body(
        Refusal(Problem.LICENSE_REQUIRED), type_base="/.licet/problems", offers=(), uses=frozenset(), terms=None,
        request_url="", quoted=None,
    )  # fmt: skip
    assert body["type"] == "/.licet/problems/license-required"
    assert not {"buy", "price", "offers", "instance", "retry_after"} & set(body)


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=30), st.integers(0, 900))
def test_the_recipe_survives_every_url(make, target, name, length):
    url = f"https://journal.example/{target}'; rm -rf / #`x`$(x)\n\ud800" + "x" * length
    body = body_of(make, Problem.LICENSE_REQUIRED, url=url)
    for line, words in zip(body["buy"]["curl"], (4, 10, 4), strict=True):
        assert line.isprintable() and line.isascii()
        assert len(shlex.split(line)) == words
    orjson.dumps(body)


def test_private_words_stay_private(make):
    refusal = Refusal(Problem.CREDIT_SPENT, "Public.", private="secret-floor")
    body = problem_body(
        refusal,
        type_base=BASE,
        offers=(),
        uses=frozenset(),
        terms=make.published(),
        request_url=URL,
        quoted=None,
    )
    assert "secret-floor" not in orjson.dumps(body).decode()


@settings(deadline=None)
@given(st.data())
def test_an_offer_is_told_whole(make, data):
    offers = data.draw(make.offers())
    for offer in offers:
        told = json.loads(orjson.dumps(offer_body(offer)))
        assert set(told["uses"]) == set(offer.uses)
        assert told["price"]["micros"] == offer.price.micros
        assert told["territory"] == offer.terms.territory.as_json()
        price = offer.terms.compensation
        assert sorted(part["micros"] for part in told["price_parts"].values()) == sorted(
            part.micros for part in price.parts()
        )


@pytest.mark.parametrize(
    ("problem", "license_error", "bearer"),
    [
        (Problem.LICENSE_REQUIRED, "invalid_request", True),
        (Problem.TOKEN_REQUIRED, "invalid_request", True),
        (Problem.TOKEN_EXPIRED, "invalid_token", True),
        (Problem.PATH_NOT_COVERED, "insufficient_scope", True),
        (Problem.REFUSED_BY_OWNER, "insufficient_scope", False),
        (Problem.JOURNAL_UNAVAILABLE, "server_error", False),
        (Problem.TOO_FAST, "", False),
        (Problem.ORIGIN_TIMEOUT, "", False),
    ],
)
def test_challenges(make, problem, license_error, bearer):
    found = challenges(Refusal(problem, "The fact."), make.published())
    expected = [f'License error="{license_error}", error_description="The fact."'] if license_error else []
    if bearer:
        metadata = 'resource_metadata="https://journal.example/.well-known/oauth-protected-resource"'
        error = f'error="{license_error}", ' if license_error != "invalid_request" else ""
        expected.append(f"Bearer {error}{metadata}")
        expected += ['DPoP algs="ES256 EdDSA PS256 RS256"'] if problem.status == 401 else []
    assert list(found) == expected


@pytest.mark.parametrize("problem", [problem for problem in Problem if problem.status == 401])
def test_a_401_always_has_a_challenge(make, problem):
    assert challenges(Refusal(problem), make.published())
    assert challenges(Refusal(problem), None)


@settings(deadline=None)
@given(st.text(max_size=400), st.text(max_size=40))
def test_no_text_leaves_its_quotes(make, detail, host):
    terms = make.published(origin=f'https://{host}"\r\nSet-Cookie: x')
    license, bearer = challenges(Refusal(Problem.LICENSE_REQUIRED, detail), terms)
    assert re.fullmatch(r'License error="[a-z_]+", error_description="[ !#-\[\]-~]*"', license)
    assert re.fullmatch(r'Bearer resource_metadata="[!#-\[\]-~]*"', bearer)


@given(st.text())
def test_texts_are_made_safe(text):
    assert quotable(text).isascii()
    assert absolute(text).isascii() and not set(absolute(text)) & set(' "<>\\\r\n\0')
    plain(text).encode()


def test_an_octet_that_was_not_utf8_keeps_its_value():
    assert absolute("https://a.example/caf\udce9/é") == "https://a.example/caf%E9/%C3%A9"


def test_money():
    assert crawler_price(Money(10_000, "USD")) == "USD 0.01"
    assert money_body(Money(10_000, "EUR")) == {"amount": "0.01", "micros": 10_000, "currency": "EUR"}
