"""Everything sent to the desk missing, doubled, too large, of the wrong type or in the wrong encoding.

Each is a refusal with its code; nothing is a 5xx, and nothing is sold.
"""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from gateway.admission.pace import Pace
from gateway.desk.pacing import DeskPace
from gateway.keys.ems import ContentKey

FORM = "application/x-www-form-urlencoded"
ELEMENT = (
    '<license><permits type="usage">ai-train</permits><permits type="geo">EU US</permits>'
    '<payment type="crawl"><amount currency="USD">0.02</amount></payment></license>'
)
PATH = "/essays/a.enc"


async def good(world):
    """For each address and grant: a form that is granted, by a client that may ask as often as it likes."""
    unhurried = Pace(1e6, 1_000_000)
    world.pace = DeskPace(register=unhurried, failures=unhurried, client=unhurried)
    await world.reopen()
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    token = body["access_token"]
    world.content_keys.keep("journal", PATH, ContentKey.new())
    details = json.dumps([{"type": "content_license", "offer": "answers"}])
    return made, {
        ("/.licet/token", "oauth"): {
            "grant_type": "client_credentials",
            "resource": "/essays/",
            "authorization_details": details,
            "scope": "ai-input ai-index",
        },
        ("/.licet/token", "olp"): {
            "grant_type": "client_credentials",
            "resource": "/essays/",
            "license": ELEMENT,
            "license_type": "application/rsl+xml",
        },
        ("/.licet/introspect", ""): {"token": token, "resource": "/essays/tides"},
        ("/.licet/revoke", ""): {"token": token},
        ("/.licet/key", ""): {"token": token, "resource": PATH, "kid": ""},
    }


async def send(world, path, made, body, media=FORM):
    answer = await world.post(path, made, body, headers={"Content-Type": media, "licet-country": "DE"})
    assert answer.status < 500, (path, body[:200])
    return answer.status, json.loads(await answer.text() or "{}")


async def unsold(world, made):
    """Whether nothing was bought but what `good` bought."""
    return len(await world.licenses(made)) == 1


CASES = [
    ("/.licet/token", "oauth"), ("/.licet/token", "olp"), ("/.licet/introspect", ""), ("/.licet/revoke", ""),
    ("/.licet/key", ""),
]  # fmt: skip
#: What may be missing: nothing else changes whether it is granted.
OPTIONAL = {
    "authorization_details", "scope", "license_type", "kid",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=" ".join)
async def test_a_form_as_it_should_be_is_granted(world, case):
    made, forms = await good(world)
    assert (await send(world, case[0], made, urlencode(forms[case])))[0] == 200


@pytest.mark.parametrize("case", CASES, ids=" ".join)
async def test_each_parameter_missing_or_empty(world, case):
    made, forms = await good(world)
    for name in forms[case]:
        if name in OPTIONAL or (case == ("/.licet/introspect", "") and name == "resource"):
            continue
        if case == ("/.licet/token", "oauth") and name == "resource":
            continue
        if case == ("/.licet/token", "olp") and name == "license":
            continue
        for form in (
            {key: value for key, value in forms[case].items() if key != name},
            {**forms[case], name: ""},
        ):
            status, body = await send(world, case[0], made, urlencode(form))
            assert (status, body["error"]) == (400, "invalid_request"), name
    assert await unsold(world, made)


@pytest.mark.parametrize("case", CASES, ids=" ".join)
async def test_each_parameter_twice(world, case):
    made, forms = await good(world)
    for name, value in forms[case].items():
        if case[0] == "/.licet/token" and name == "resource":
            continue
        for other in (value, value + "x", ""):
            status, body = await send(world, case[0], made, urlencode([*forms[case].items(), (name, other)]))
            assert (status, body["error"]) == (400, "invalid_request"), name
    assert await unsold(world, made)


@pytest.mark.parametrize("case", CASES, ids=" ".join)
async def test_each_parameter_oversized_or_odd(world, case):
    made, forms = await good(world)
    for name in forms[case]:
        for value in (
            "x" * 60_000, "\0", "a\0b", "é\u202e\U0001f600", "-1", "9" * 400, "null", "[]", "{}", "[[[[", "%", "\r\nX: y",
            "../../etc/passwd", "/essays/%00", "' OR 1=1 --", "<", "&amp;",
        ):  # fmt: skip
            status, _ = await send(world, case[0], made, urlencode({**forms[case], name: value}))
            # What cannot be a token says so with 200: unknown is not active (RFC 7662), gone is gone (RFC 7009).
            told = name == "token" and case[0] in {"/.licet/introspect", "/.licet/revoke"}
            asked = name == "resource" and case[0] == "/.licet/introspect"
            assert status in ({200, 400} if told or asked else {400, 401}), (name, value[:20])
    assert await unsold(world, made)


@pytest.mark.parametrize("case", CASES, ids=" ".join)
@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe=\xff", b"token=%ff%fe", b"grant_type=%ED%A0%80", "token=tides".encode("utf-16"), b"&&&===&", b"=",
        b"x" * 65_536, b"a=1&" * 70, b"[]", b"\x00",
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
async def test_a_body_that_is_no_form(world, case, body):
    made, _ = await good(world)
    status, told = await send(world, case[0], made, body)
    assert (status, told["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/.licet/register", *dict(CASES)])
async def test_a_body_that_is_too_large_or_of_another_media_type(world, path):
    made, _ = await good(world)
    media = "application/json" if path == "/.licet/register" else FORM
    assert (await send(world, path, made, b"a" * 65_537, media))[0] == 413
    for other in (
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
        "a/b/c; ;;",
        "\u00e9",
    ):
        assert (await send(world, path, made, b"a=b", other))[0] == 415, other
    answer = await world.post(path, made, b"x", headers={"Content-Type": media, "Content-Encoding": "gzip"})
    assert answer.status == 415


ENTITIES = "".join(f"<!ENTITY {chr(98 + at)} '{f'&{chr(97 + at)};' * 10}'>" for at in range(7))
BOMB = f"<!DOCTYPE lolz [<!ENTITY a 'tides'>{ENTITIES}]><license>&h;</license>"


@pytest.mark.parametrize(
    "license",
    [
        BOMB,
        "<!DOCTYPE license SYSTEM 'file:///etc/passwd'>" + ELEMENT,
        "<!DOCTYPE license [<!ENTITY x SYSTEM 'http://127.0.0.1:1/x'>]><license>&x;</license>",
        "<license>" + "<a>" * 5_000,
        "<a>" * 2_500 + "</a>" * 2_500,
        "<license " + " ".join(f"a{at}='x'" for at in range(2_000)) + "/>",
        '<license xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd"/></license>',
        ELEMENT + ELEMENT,
        ELEMENT[:-5],
        ELEMENT.replace("0.02", "1e-2"),
        ELEMENT.replace("0.02", "NaN"),
        ELEMENT.replace("0.02", "9" * 300),
        ELEMENT.replace("USD", "usd"),
        "\ufeff" * 2 + ELEMENT,
        '<?xml version="1.0" encoding="utf-16"?>' + ELEMENT[:-1],
        ELEMENT.encode("utf-16").decode("latin-1"),
    ],
    ids=lambda text: text[:40].encode("ascii", "replace").decode(),
)
async def test_xml_that_is_a_bomb_or_no_license(world, license):
    made, forms = await good(world)
    form = {**forms["/.licet/token", "olp"], "license": license}
    status, body = await send(world, "/.licet/token", made, urlencode(form))
    assert (status, body["error"]) == (400, "invalid_license")
    assert await unsold(world, made)


NESTED = [
    "[" * 20_000, '{"a":' * 4_000, '[{"type":' + "[" * 100 + "]" * 100 + "}]", "1" * 5_000, "1e999", '"' + "\\ud800" + '"',
    '[{"type":"content_license","budget":{"micros":1.5}}]', '[{"type":"content_license","budget":{"micros":true}}]',
    '[{"type":"content_license","budget":{"fetches":-1}}]', '[{"type":"content_license","offer":null}]',
    '[{"type":"content_license","offer":["answers"]}]', '[{"type":"content_license","locations":"/essays/"}]',
    '[{"type":"content_license","version":1.0}]', '[{"type":"content_license","offer":"answers","offer":"training"}]',
    '[{"type":"content_license"},{"type":"content_license"}]', "[]", "null", '{"type":"content_license"}', "[NaN]",
]  # fmt: skip


@pytest.mark.parametrize("details", NESTED, ids=lambda text: text[:30])
async def test_details_that_are_nested_or_of_another_type(world, details):
    made, forms = await good(world)
    form = {**forms["/.licet/token", "oauth"], "authorization_details": details}
    status, body = await send(world, "/.licet/token", made, urlencode(form))
    assert (status, body["error"]) == (400, "invalid_authorization_details")
    assert await unsold(world, made)


@pytest.mark.parametrize("path", ["/.licet/introspect", "/.licet/key", "/.licet/register"])
@pytest.mark.parametrize(
    "body",
    [
        "[" * 20_000, '{"a":' * 10_000, "", "null", "[]", '"x"', "1e999", '{"token":"a","token":"b"}', "{}", "{", "\ufeff{}",
        '{"token":"\\ud800"}', '{"client_name":"\\ud800"}', '{"client_name":7}', '{"client_name":"' + "x" * 60_000 + '"}',
    ],
    ids=lambda text: text[:24],
)  # fmt: skip
async def test_json_that_is_nested_doubled_or_none(world, path, body):
    made, _ = await good(world)
    status, told = await send(world, path, made, body.encode("utf-8", "surrogatepass"), "application/json")
    assert status == 400
    assert told["error"] in {"invalid_request", "invalid_client_metadata"}


def basic(text):
    return "Basic " + b64encode(text.encode("utf-8", "surrogatepass")).decode()


@pytest.mark.parametrize(
    "login",
    [
        "Basic", "Basic ", "Basic !!!", "Basic Zm9v", basic(":"), basic("a:"), basic(":b"), basic("%ff:%ff"), basic("\0:\0"),
        basic("x" * 700 + ":y"), basic("a:b:c"), basic("%E2%98%83:x"), "basic  Zm9vOmJhcg==", "Bearer x.y.z", "License x",
        "DPoP x", "Digest username=a", "Basic realm=x, Basic y", '"', "sig1=:AAAA:", "=" * 5000, "\u00e9",
    ],
)  # fmt: skip
async def test_a_login_that_is_none_is_refused_at_every_door(world, login):
    _, forms = await good(world)
    for (path, _), form in forms.items():
        answer = await world.post(
            path, None, urlencode(form), headers={"Authorization": login, "Content-Type": FORM}
        )
        assert answer.status == 401
        assert (await answer.json())["error"] == "invalid_client"
    assert (await world.get("/.licet/account", headers={"Authorization": login})).status == 401


async def test_two_logins_are_none(world):
    made, forms = await good(world)
    login = basic(f"{made.client.id}:{made.secret}")
    headers = [("Authorization", login), ("Authorization", login), ("Content-Type", FORM)]
    body = urlencode(forms["/.licet/token", "oauth"])
    async with world.http.post(f"{world.origin}/.licet/token", data=body, headers=headers) as answer:
        assert answer.status == 401
