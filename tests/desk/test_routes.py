"""The URL table: what is ours, what each address answers, and how it says no."""

from __future__ import annotations

import json

import pytest

from gateway.desk.problem_members import members_of
from gateway.problems import PROBLEMS

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
ALGORITHMS = ["ES256", "EdDSA", "PS256", "RS256"]


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/.licet", True),
        ("/.licet/", True),
        ("/.licet/token", True),
        ("/.licet/nowhere/at/all", True),
        ("/.licetx", False),
        ("/.licet.html", False),
        ("/a/.licet/token", False),
        ("/.well-known/oauth-authorization-server/.licet", True),
        ("/.well-known/oauth-authorization-server", False),
        ("/.well-known/oauth-authorization-server/.licet/x", False),
        ("/.well-known/oauth-protected-resource", True),
        ("/.well-known/oauth-protected-resource/essays", False),
        ("/.well-known/jwks.json", False),
        ("/", False),
    ],
)
async def test_only_its_own_paths_are_the_desk_s(world, path, ours):
    assert world.desk.owns(path) is ours


async def test_server_metadata_is_exact(world):
    answer = await world.get("/.well-known/oauth-authorization-server/.licet")
    issuer = f"{world.origin}/.licet"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.content_type == "application/json"
    assert await answer.json() == {
        "issuer": issuer,
        "token_endpoint": f"{issuer}/token",
        "jwks_uri": f"{issuer}/jwks.json",
        "registration_endpoint": f"{issuer}/register",
        "introspection_endpoint": f"{issuer}/introspect",
        "revocation_endpoint": f"{issuer}/revoke",
        "negotiation_endpoint": f"{issuer}/negotiations",
        "events_endpoint": f"{issuer}/events",
        "webhooks_endpoint": f"{issuer}/webhooks",
        "scopes_supported": ["ai-index", "ai-input", "ai-train"],
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        **{
            f"{name}_endpoint_auth_methods_supported": [*METHODS, "web-bot-auth"]
            for name in ("token", "introspection", "revocation")
        },
        **{
            f"{name}_endpoint_auth_signing_alg_values_supported": ALGORITHMS
            for name in ("token", "introspection", "revocation")
        },
        "dpop_signing_alg_values_supported": ALGORITHMS,
        "authorization_details_types_metadata_endpoint": f"{issuer}/authorization-details-types",
        "authorization_details_types_supported": ["content_license"],
        "service_documentation": f"{issuer}/",
        "op_policy_uri": f"{world.origin}/license.xml",
    }


async def test_resource_metadata_names_the_audience_and_the_issuer_of_the_tokens(world):
    found = await (await world.get("/.well-known/oauth-protected-resource")).json()
    assert found["resource"] == world.origin
    assert found["authorization_servers"] == [f"{world.origin}/.licet"]
    assert found["bearer_methods_supported"] == ["header"]
    assert found["authorization_details_types_supported"] == ["content_license"]
    assert found["dpop_signing_alg_values_supported"] == ALGORITHMS
    assert found["dpop_bound_access_tokens_required"] is False


async def test_every_endpoint_of_the_metadata_is_there(world):
    metadata = await (await world.get("/.well-known/oauth-authorization-server/.licet")).json()
    for name in ("token", "registration", "introspection", "revocation"):
        url = metadata[f"{name}_endpoint"]
        async with world.http.post(url) as answer:
            assert answer.status in {401, 415}, name
    async with world.http.get(metadata["jwks_uri"]) as answer:
        assert await answer.json() == world.keys.public.jwks()
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert not any("d" in key for key in (await answer.json())["keys"])


async def test_the_index_speaks_to_programs_and_to_people(world):
    told = await world.get("/.licet/")
    found = await told.json()
    assert told.headers["Vary"] == "Accept"
    assert found["token_endpoint"] == f"{world.origin}/.licet/token"
    assert len(found["how_to_buy"]) == 3
    assert [offer["id"] for offer in found["offers"]] == ["training", "answers", "archive", "gift"]
    page = await world.get("/.licet/", headers={"Accept": "text/html,*/*;q=0.8"})
    text = await page.text()
    assert page.content_type == "text/html"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "The &lt;Journal&gt;" in text
    assert "<Journal>" not in text
    assert "0.02 USD a fetch" in text
    assert "500 USD at signing" in text
    assert "curl " in text
    assert await (await world.get("/.licet")).json() == found


async def test_offers_are_published_whole(world):
    found = (await (await world.get("/.licet/offers")).json())["offers"]
    training = found[0]
    offer = world.policy.by_offer["training"]
    assert training["terms"] == offer.terms.as_json()
    assert training["terms_hash"] == offer.terms.hash
    assert training["price"] == {"amount": "0.02", "currency": "USD", "micros": 20_000, "per": "fetch"}
    assert training["max_fetches"] == 1000
    assert training["territory"] == ["EU", "US"]
    assert found[2]["due_at_signing"] == {"amount": "500", "currency": "USD", "micros": 500_000_000}
    assert "unsold" not in {offer["id"] for offer in found}


@pytest.mark.parametrize("code", sorted(PROBLEMS))
async def test_every_problem_has_a_page(world, code):
    problem = PROBLEMS[code]
    told = await world.get(f"/.licet/problems/{code}")
    assert (await told.json()) == {
        "code": code,
        "status": problem.status,
        "title": problem.title,
        "next_step": problem.next_step,
        "members": members_of(problem),
    }
    page = await world.get(f"/.licet/problems/{code}", headers={"Accept": "text/html"})
    assert problem.code in await page.text()


@pytest.mark.parametrize(
    "path",
    [
        "/.licet/nowhere",
        "/.licet/problems/nowhere",
        "/.licet/problems/",
        "/.licet/token/",
        "/.licet/offer/training",
    ],
)
async def test_unknown_addresses_are_a_problem(world, path):
    for method in ("GET", "POST", "DELETE"):
        async with world.http.request(method, world.origin + path) as answer:
            assert answer.status == 404
            assert answer.content_type == "application/problem+json"
            assert (await answer.json(content_type=None))["code"] == "not-found"
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/.licet/offers", "GET, HEAD, OPTIONS"),
        ("DELETE", "/.licet/", "GET, HEAD, OPTIONS"),
        ("GET", "/.licet/token", "POST, OPTIONS"),
        ("HEAD", "/.licet/register", "POST, OPTIONS"),
        ("PUT", "/.licet/problems/not-found", "GET, HEAD, OPTIONS"),
        ("POST", "/.well-known/oauth-protected-resource", "GET, HEAD, OPTIONS"),
    ],
)
async def test_wrong_methods_name_the_right_ones(world, method, path, allow):
    async with world.http.request(method, world.origin + path) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == allow
    async with world.http.options(world.origin + path) as answer:
        assert answer.status == 204
        assert answer.headers["Allow"] == allow


async def test_head_says_what_get_says_without_the_body(world):
    got = await world.get("/.licet/offers")
    async with world.http.head(f"{world.origin}/.licet/offers") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == got.headers["Content-Length"]
        assert await answer.read() == b""


@pytest.mark.parametrize(
    "path", ["/.licet/%2e%2e/token", "/.licet//token", "/.licet/token%2f", "/.licet/a;b"]
)
async def test_a_path_with_two_readings_is_refused(world, path):
    from yarl import URL

    async with world.http.get(URL(world.origin + path, encoded=True)) as answer:
        assert answer.status == 400
        assert (await answer.json(content_type=None))["code"] == "ambiguous-path"


async def test_an_encoded_letter_is_the_letter(world):
    from yarl import URL

    async with world.http.get(URL(f"{world.origin}/.licet/%6Fffers", encoded=True)) as answer:
        assert answer.status == 200


async def test_every_answer_forbids_sniffing_and_what_is_private_is_never_stored(world):
    made = await world.licensee()
    answers = {
        "index": await world.get("/.licet/"),
        "missing": await world.get("/.licet/nowhere"),
        "token": await world.post(
            "/.licet/token", made, {"grant_type": "client_credentials", "resource": "/essays/"}
        ),
        "register": await world.post("/.licet/register", json={"client_name": "A"}),
        "account": await world.get("/.licet/account"),
        "revoke": await world.post("/.licet/revoke", made, {"token": "x"}),
        "introspect": await world.post("/.licet/introspect", made, {"token": "x"}),
    }
    assert [answers[name].status for name in ("token", "register", "account", "revoke")] == [
        200,
        201,
        401,
        200,
    ]
    for name, answer in answers.items():
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
        if name != "index":
            assert answer.headers["Cache-Control"] == "no-store", name


async def test_a_store_that_is_down_is_a_503_in_the_caller_s_language(world):
    made = await world.licensee()
    world.register.down = True
    answer = await world.post("/.licet/token", made, {"grant_type": "client_credentials"})
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert (await answer.json())["error"] == "server_error"
    assert (await world.get("/.licet/offers")).status == 200


async def test_the_body_is_bounded_and_of_the_type_that_is_read(world):
    made = await world.licensee()
    big = {"grant_type": "client_credentials", "license": "x" * 70_000}
    answer = await world.post("/.licet/token", made, big)
    assert answer.status == 413
    assert answer.headers["Connection"] == "close"

    async def endless():
        for _ in range(100):
            yield b"a" * 1000

    answer = await world.post(
        "/.licet/register", data=endless(), headers={"Content-Type": "application/json"}
    )
    assert answer.status == 413
    answer = await world.post(
        "/.licet/token", made, json.dumps({}), headers={"Content-Type": "application/json"}
    )
    assert answer.status == 415
    answer = await world.post(
        "/.licet/register",
        data=b"x",
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )
    assert answer.status in {400, 415}
    answer = await world.post("/.licet/register", data={"client_name": "form"})
    assert answer.status == 415


async def test_problem_bodies_carry_rule_fact_and_next_step(world):
    body = await (await world.get("/.licet/account")).json(content_type=None)
    assert body["type"] == f"{world.origin}/.licet/problems/client-unknown"
    assert body["status"] == 401
    assert body["title"]
    assert body["detail"]
    assert body["next_step"]
