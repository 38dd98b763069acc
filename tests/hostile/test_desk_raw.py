"""Requests to the desk as octets: forms, JSON and logins that no HTTP library would send, none of which may break it.

``LICET_FUZZ_DESK_RAW`` is how many are drawn (400 if unset).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

DRAWN = int(os.environ.get("LICET_FUZZ_DESK_RAW", "400"))
PATHS = ("/.licet/token", "/.licet/introspect", "/.licet/revoke", "/.licet/key", "/.licet/register")
FORM, JSON = b"application/x-www-form-urlencoded", b"application/json"


@pytest.fixture(scope="module")
def desk(tmp_path_factory, live_desk):
    opened = live_desk.LiveDesk(tmp_path_factory.mktemp("desk"))
    yield opened
    opened.close()


def exchange(desk, head, body):
    """Send one request as it stands; returns status and body of the answer, or None where there is none."""
    with socket.create_connection((desk.host, desk.port), timeout=20) as sock:
        sock.sendall(head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
        # Whoever refuses a body need not read it.
        with contextlib.suppress(OSError):
            sock.sendall(body)
        answer = http.client.HTTPResponse(sock)
        try:
            answer.begin()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None


def posted(desk, path, body, media=FORM, login=None, query=b""):
    shown = desk.login.encode() if login is None else login
    head = b"POST %b%b HTTP/1.1\r\nHost: %b\r\nContent-Type: %b\r\nAuthorization: %b\r\n" % (
        path.encode(), query, desk.host.encode(), media, shown,
    )  # fmt: skip
    return exchange(desk, head, body)


names = st.sampled_from(
    [b"token", b"resource", b"grant_type", b"license", b"license_type", b"authorization_details", b"scope", b"kid",
     b"client_id", b"client_secret", b"client_name", b"contacts", b"client_assertion", b"token_type_hint", b""]
)  # fmt: skip
odd = st.sampled_from(
    [b"%", b"%0", b"%zz", b"%00", b"\0", b"%ff", b"\xff", b"+", b"=", b";", b"%26", b"%3D", b"\r\n", b"%0d%0a", b"\xef\xbb\xbf",
     b"%ED%A0%80", b"[" * 3000, b"{" * 3000, b'{"a":' * 2000, b"<a>" * 3000, b"<!DOCTYPE a>", b"1" * 4500, b"a" * 30_000]
)  # fmt: skip
sound = st.sampled_from(
    [b"client_credentials", b"rsl", b"/essays/", b"%2Fessays%2F", b"ai-train", b"TOKEN", b"application%2Frsl%2Bxml", b"tides",
     b"%5B%7B%22type%22%3A%22content_license%22%2C%22offer%22%3A%22training%22%7D%5D"]
)  # fmt: skip
values = st.lists(st.one_of(sound, odd, st.binary(max_size=12)), max_size=3).map(b"".join)
forms = st.lists(st.tuples(names, st.sampled_from([b"=", b"", b"=="]), values), max_size=6).map(
    lambda fields: b"&".join(b"".join(field) for field in fields)
)
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.just("TOKEN"))
json_texts = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)


@st.composite
def objects(draw):
    import json

    members = draw(st.lists(st.tuples(names.map(bytes.decode), json_texts), max_size=5))
    told = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members)
    return f"{{{told}}}".encode("utf-8", "surrogatepass")


logins = st.one_of(st.none(), st.binary(max_size=30).map(lambda octets: octets.translate(None, b"\r\n\0")))
bodies = st.one_of(
    st.tuples(forms, st.just(FORM)),
    st.tuples(objects(), st.just(JSON)),
    st.tuples(st.binary(max_size=200), st.sampled_from([FORM, JSON, b"text/plain", b"", b"a" * 500])),
)


@settings(
    max_examples=DRAWN,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(st.sampled_from(PATHS), bodies, logins)
@example("/.licet/token", (b"grant_type=client_credentials&resource=/essays/&resource=/essays/", FORM), None)
@example("/.licet/token", (b"grant_type=client_credentials&grant_type=client_credentials", FORM), None)
@example("/.licet/introspect", (b'{"token":"TOKEN","token":"TOKEN"}', JSON), None)
@example("/.licet/introspect", (b"token=TOKEN&resource=%ff", FORM), None)
@example("/.licet/key", (b"token=TOKEN&resource=/essays/archive.enc\0", FORM), None)
@example("/.licet/register", (b'{"client_name":"\\u0000"}', JSON), None)
@example("/.licet/register", (b"[" * 60_000, JSON), None)
@example("/.licet/token", (b"a=" + b"x" * 70_000, FORM), None)
def test_no_octets_break_the_desk(desk, path, sent, login):
    body, media = sent
    found = posted(desk, path, body.replace(b"TOKEN", desk.token.encode()), media, login)
    assert found is not None
    status, answer = found
    assert status < 500, (status, answer[:200])
    assert desk.faults == []
    assert desk.secret not in answer


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "query", [b"?", b"?token=x", b"?" + b"a=b&" * 1000, b"?%ff", b"?a=%00", b"?=&&=", b"?client_secret=x"]
)
def test_a_query_says_nothing_and_breaks_nothing(desk, path, query):
    with_query, without = (posted(desk, path, b"a=b", query=each) for each in (query, b""))
    assert with_query == without
    assert with_query[0] < 500


@pytest.mark.parametrize("path", [*PATHS, "/.licet/account", "/.licet/", "/.licet/openapi.json"])
@pytest.mark.parametrize(
    "method", [b"GET", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"BREW", b"CONNECT"]
)
def test_another_method_is_told_what_is_allowed(desk, path, method):
    head = b"%b %b HTTP/1.1\r\nHost: %b\r\nAuthorization: %b\r\n" % (
        method, path.encode(), desk.host.encode(), desk.login.encode(),
    )  # fmt: skip
    found = exchange(desk, head, b"")
    assert found is not None
    assert found[0] in {200, 204, 400, 404, 405}
    assert desk.faults == []


def test_after_all_this_it_still_sells(desk):
    status, answer = posted(desk, "/.licet/token", b"grant_type=client_credentials&resource=/essays/")
    assert status == 200
    assert b"access_token" in answer
