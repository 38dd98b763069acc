"""Which hosts and origins are ours. `test_routes` holds that every page asks."""

from __future__ import annotations

import json

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from gateway.dashboard.guards import allowed_hosts, host_name, is_same_origin, set_headers, trouble_page
from gateway.problems import StoreUnavailable


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8403", "localhost"),
        ("127.0.0.1:8403", "127.0.0.1"),
        ("[::1]", "::1"),
        ("[::1]:8403", "::1"),
        ("localhost:", "localhost"),
        ("localhost:99999", ""),
        ("localhost:x", ""),
        ("[::1", ""),
        ("a@localhost", ""),
        ("localhost/x", ""),
        ("localhost?", ""),
        ("localhost, evil.example", ""),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(host, name):
    assert host_name(host) == name


def test_any_address_is_no_name_of_ours():
    allowed = allowed_hosts(("0.0.0.0", "::", "", "Dash.Example", "[fd00::1]"))
    assert allowed == {"localhost", "127.0.0.1", "::1", "dash.example", "fd00::1"}


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://dash.example"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": ""}, False),
        ({"Origin": "http://dash.example"}, True),
        ({"Origin": "https://DASH.example"}, True),
        ({"Origin": "ftp://dash.example"}, False),
        ({"Origin": "http://dash.example:81"}, False),
        ({"Origin": "http://dash.example.evil"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
def test_whether_a_changing_request_began_here(headers, ours):
    assert is_same_origin(headers | {"Host": "dash.example"}) is ours


SECRET = "the floor is 286.6095"


async def broken(request: web.Request) -> web.StreamResponse:
    raise RuntimeError(SECRET)


async def cut_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b"half of it")
    raise StoreUnavailable(SECRET) if request.path == "/cut/store" else RuntimeError(SECRET)


@pytest.fixture
async def client(aiohttp_client):
    """An application whose pages break, behind the guard; the page of trouble itself breaks at /twice."""

    def trouble(request, status, heading, sentence):
        if request.path == "/twice":
            raise RuntimeError(SECRET)
        return web.Response(status=status, text=f"<h1>{heading}</h1>{sentence}", content_type="text/html")

    app = web.Application(middlewares=[trouble_page(trouble)])
    app.on_response_prepare.append(set_headers)
    for path in ("/page", "/twice", "/table.json", "/table.csv", "/api/v1/page"):
        app.router.add_route("*", path, broken)
    for path in ("/cut/store", "/cut/bug"):
        app.router.add_get(path, cut_off)
    return await aiohttp_client(app)


@pytest.mark.parametrize(
    ("method", "path", "accept", "media_type"),
    [
        ("GET", "/page", "text/html", "text/html"),
        ("POST", "/page", "text/html", "text/html"),
        ("GET", "/twice", "text/html", "text/html"),
        ("GET", "/table.csv", "*/*", "text/html"),
        ("GET", "/table.json", "text/html", "application/problem+json"),
        ("GET", "/page", "application/json", "application/problem+json"),
        ("POST", "/api/v1/page", "*/*", "application/problem+json"),
    ],
)
async def test_what_breaks_is_a_page_with_its_id_and_one_traceback_and_nothing_else_of_it(
    client, method, path, accept, media_type
):
    with capture_logs() as logs:
        answer = await client.request(method, path, headers={"Accept": accept})
        said = await answer.text()
    assert (answer.status, answer.content_type) == (500, media_type)
    assert SECRET not in said
    assert "RuntimeError" not in said
    assert "This page broke" in said
    assert ("Whether what you sent was done is not known" in said) is (method == "POST")
    told = [each for each in logs if each["event"] == "a page broke"]
    assert [(each["path"], each["exc_info"]) for each in told] == [(path, True)]
    assert told[0]["request"] in said
    assert len(logs) == (2 if path == "/twice" else 1)
    if media_type == "application/problem+json":
        assert json.loads(said)["request"] == told[0]["request"]


@pytest.mark.parametrize("path", ["/cut/store", "/cut/bug"])
async def test_what_breaks_when_half_of_it_is_sent_is_cut_off_and_no_second_answer_follows(client, path):
    answer = await client.get(path)
    assert answer.status == 200
    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.read()
