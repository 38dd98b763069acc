"""Every parameter missing, doubled, oversized, of another type or encoding: an OAuth error, and never a 5xx."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission.pace import Pace
from gateway.desk.assertions import ASSERTION_TYPE
from gateway.desk.pacing import DeskPace

GOOD = {
    "/.licet/token": {
        "grant_type": "client_credentials", "scope": "ai-input", "resource": "/gift/", "cnf": "{}",
        "authorization_details": '[{"type":"content_license","offer":"gift"}]',
    },
    "/.licet/introspect": {"token": "x", "token_type_hint": "access_token", "resource": "/gift/"},
    "/.licet/revoke": {"token": "x", "token_type_hint": "access_token"},
}  # fmt: skip
LOGIN = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
FORM = "application/x-www-form-urlencoded"
#: What OAuth says with which status; everything else is a problem of HTTP.
OAUTH = {400, 401}


@pytest.fixture
async def unpaced(world):
    """A desk at which nobody is too fast."""
    never = Pace(1_000_000, 1_000_000)
    world.pace = DeskPace(register=never, failures=never, client=never)
    await world.reopen()
    return world


async def judged(world, path, body, made=None, media=FORM, headers=()):
    """Post *body*; returns the status of an answer that has a shape of ours."""
    answer = await world.post(path, made, body, headers={"Content-Type": media, **dict(headers)})
    assert answer.status < 500, (path, body[:200], await answer.text())
    if answer.status in OAUTH:
        told = await answer.json(content_type=None)
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.content_type == "application/json":
            assert told["error"], told
            assert all(" " <= char <= "~" and char not in '"\\' for char in told["error_description"])
        else:
            assert told["code"]
    return answer.status


def bent(name, value):
    """Bodies in which the parameter *name* is not as it should be, without the others."""
    yield f"{name}={quote(value)}&{name}={quote(value)}"
    yield f"{name}={'x' * 5000}"
    yield f"{name}=%FF%FE"
    yield f"{name}=%00"
    yield f"{name}=%ED%A0%80"
    yield f"{name}=%E2%80%AE&{name}[]=1"
    yield f"{name}={quote('é' * 300)}"
    yield f"{name}={quote('[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]')}"
    yield f"{name}={quote(json.dumps([{'type': 'content_license', 'budget': {'micros': 10**40}}]))}"
    yield f"{name}="
    yield name


@pytest.mark.parametrize("path", GOOD)
async def test_each_parameter_bent_in_each_way(unpaced, path):
    made = await unpaced.licensee()
    for name, value in {**GOOD[path], **dict.fromkeys(LOGIN, "x")}.items():
        rest = {key: each for key, each in GOOD[path].items() if key not in {name, "cnf"}}
        for bend in bent(name, value):
            for login in (made, None):
                await judged(unpaced, path, f"{urlencode(rest)}&{bend}", login)


@pytest.mark.parametrize("path", GOOD)
async def test_bodies_that_are_none(unpaced, path):
    made = await unpaced.licensee()
    for body in (
        b"",
        b"\xff\xfe",
        b"&" * 500,
        b"=" * 500,
        b"a" * 70_000,
        b"%",
        b"a=%zz",
        b"\x00=\x00",
        b"a=1&" * 65,
    ):
        for media in (FORM, "application/json", "text/plain", "multipart/form-data; boundary=x", "x"):
            await judged(unpaced, path, body, made, media)


@pytest.mark.parametrize("header", ["DPoP", "Authorization"])
async def test_headers_that_are_nothing(unpaced, header):
    made = await unpaced.licensee()
    values = (
        "",
        " ",
        "x",
        "a.b.c",
        "DPoP",
        "Basic é",
        "Bearer \t",
        "e30.e30.AAAA",
        "x" * 6000,
        "Basic Og==",
        "Basic " + "=" * 90,
    )
    for value in values:
        for path, form in GOOD.items():
            login = made if header == "DPoP" else None
            sent = {key: each for key, each in form.items() if key != "cnf"}
            await judged(unpaced, path, urlencode(sent), login, headers={header: value}.items())


async def test_an_assertion_bent_in_each_way(unpaced, proving):
    holder = proving.Holder()
    for text in (
        "",
        "x",
        "..",
        "e30.e30.AA",
        "e30." * 3,
        "x" * 9000,
        holder.login("cl_\x00", "a", 0),
        holder.login("é" * 99, 5, -1),
        holder.signed({"alg": "ES256"}, b"[]"),
        holder.signed({"alg": []}, b"{}"),
        holder.signed({"alg": "ES256"}, b"\xff"),
    ):
        form = {
            "client_assertion": text,
            "client_assertion_type": ASSERTION_TYPE,
            "grant_type": "client_credentials",
        }
        assert await judged(unpaced, "/.licet/token", urlencode(form)) == 401


@given(
    body=st.dictionaries(
        st.sampled_from(["client_name", "client_uri", "contacts", "jwks", "jwks_uri", "scope", "software_id", "software_statement", "grant_types", "token_endpoint_auth_method", "dpop_bound_access_tokens", "authorization_details_types"]),
        st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["keys", "kty", "crv", "x", "y", "n", "e", "kid", "alg"]), inner, max_size=4), max_leaves=8),
    )
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_registrations_of_any_shape(body):
    from gateway.desk.client_metadata import Metadata, read_metadata
    from gateway.problems import Refusal

    for more in (
        {},
        {"client_name": "A"},
        {"client_name": "A", "token_endpoint_auth_method": "private_key_jwt"},
    ):
        assert isinstance(read_metadata(body | more), Metadata | Refusal)


async def test_management_of_any_shape(unpaced):
    made = await (await unpaced.post("/.licet/register", json={"client_name": "A"})).json()
    path = made["registration_client_uri"].removeprefix(unpaced.origin)
    for token in (made["registration_access_token"], "x"):
        for body in (
            b"",
            b"[]",
            b"{",
            b"\xff",
            b'{"client_id":1}',
            b'{"a":1,"a":2}',
            b"[" * 5000,
            b'{"client_name":1e999}',
            b"a" * 70_000,
        ):
            for method in ("GET", "PUT", "DELETE") if token == "x" else ("PUT",):
                headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
                async with unpaced.http.request(
                    method, unpaced.origin + path, data=body, headers=headers
                ) as answer:
                    assert 400 <= answer.status < 500, (method, body)
    async with unpaced.http.get(
        unpaced.origin + path, headers={"Authorization": f"Bearer {made['registration_access_token']}"}
    ) as answer:
        assert answer.status == 200, "and the client is as it was"
