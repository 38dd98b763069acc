"""Bodies and logins, read strictly and without a way to raise."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.desk.reading import Login, read_basic, read_form, read_json
from gateway.problems import Problem, Refusal


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", {}),
        (b"a=1&b=two+words&c=%C3%A9", {"a": ("1",), "b": ("two words",), "c": ("é",)}),
        (b"a=&b=1", {"b": ("1",)}),
        (b"a", {}),
        (b"resource=%2Fa&resource=%2Fb", {"resource": ("/a", "/b")}),
        (b"resource=&resource=%2Fb", {"resource": ("/b",)}),
    ],
)
def test_forms(body, found):
    assert read_form(body, repeatable=frozenset({"resource"})) == found


@pytest.mark.parametrize(
    "body",
    [b"a=1&a=1", b"a=1&a=", b"%61=1&a=2", b"a=%FF", b"\xff", b"&".join(b"%d=1" % n for n in range(65))],
)
def test_forms_with_more_than_one_reading_are_refused(body):
    assert read_form(body).problem is Problem.FORM_INVALID


@given(st.binary(max_size=200))
@example(b"a=%F0%28")
def test_no_bytes_make_a_reader_raise(body):
    form, found = read_form(body), read_json(body, Problem.FORM_INVALID)
    assert isinstance(form, Refusal) or all(value for values in form.values() for value in values)
    assert isinstance(found, Refusal | dict)


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_login_is_read_back_as_it_was_encoded(client, secret):
    from urllib.parse import quote_plus

    header = "Basic " + b64encode(f"{quote_plus(client)}:{quote_plus(secret)}".encode()).decode()
    assert read_basic(header) == (Login(client, secret) if client.isprintable() else None)


@given(st.text(max_size=80))
@example("Basic")
@example("Basic ====")
@example("basic  eDp5")
def test_no_header_makes_the_reader_raise(header):
    found = read_basic(header)
    assert found is None or isinstance(found, Login)
    assert found is None or found.secret == "" or found.secret not in repr(found)


def test_the_scheme_is_of_any_case_and_a_colon_may_stand_in_the_secret():
    assert read_basic("bAsIc " + b64encode(b"a:b:c").decode()) == Login("a", "b:c")


async def test_a_body_that_breaks_off_or_lies_about_its_length_never_hangs_the_desk(world):
    head = (
        f"POST /.licet/register HTTP/1.1\r\nHost: {world.server.host}\r\nContent-Type: application/json\r\n"
    )
    for rest in ("Content-Length: 50\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"):
        reader, writer = await asyncio.open_connection(world.server.host, world.server.port)
        writer.write((head + rest).encode())
        writer.write_eof()
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        assert b" 500 " not in answer.split(b"\r\n")[0]
    assert (await world.get("/.licet/offers")).status == 200
    assert not await world.register.licensees()


NAMES = st.sampled_from(
    [
        "grant_type",
        "resource",
        "scope",
        "authorization_details",
        "license",
        "license_type",
        "token",
        "client_id",
        "x",
    ]
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["client_credentials", "/essays/", "ai-train", "/*", "<license/>", '[{"type":"content_license"}]',
         '[{"type":"content_license","budget":{"fetches":1e3}}]', '[{"type":"content_license","locations":["*"]}]', "\x00", "%00"]
    ),
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    path=st.sampled_from(["token", "introspect", "revoke"]),
    fields=st.lists(st.tuples(NAMES, VALUES), max_size=6),
    sound=st.booleans(),
)
async def test_no_form_makes_a_server_error(world, path, fields, sound):
    made = getattr(world, "made", None)
    if made is None:
        made = world.made = await world.licensee("1000000")
    world.clock.advance(5)
    form = [("grant_type", "client_credentials"), *fields] if sound and path == "token" else fields
    clean = [(name, value) for name, value in form if not any("\ud800" <= char <= "\udfff" for char in value)]
    answer = await world.post(f"/.licet/{path}", made, clean)
    assert answer.status in {200, 400, 402}, await answer.text()
    if answer.status == 400:
        assert (await answer.json(content_type=None))["error"]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=60),
        st.dictionaries(
            st.sampled_from(["client_name", "client_uri", "contacts", "grant_types", "x"]),
            st.one_of(
                st.none(),
                st.integers(),
                st.floats(),
                st.text(max_size=9),
                st.lists(st.text(max_size=5), max_size=3),
            ),
        ).map(lambda found: json.dumps(found).encode()),
    )
)
async def test_no_metadata_makes_a_server_error(world, body):
    world.clock.advance(61)
    answer = await world.post("/.licet/register", data=body, headers={"Content-Type": "application/json"})
    assert answer.status in {201, 400}


async def test_a_body_announced_too_large_is_refused_before_it_arrives(world):
    reader, writer = await asyncio.open_connection(world.server.host, world.server.port)
    writer.write(
        f"POST /.licet/register HTTP/1.1\r\nHost: {world.server.host}\r\n"
        "Content-Type: application/json\r\nContent-Length: 10000000\r\n\r\n".encode()
    )
    async with asyncio.timeout(5):
        line = await reader.readline()
    writer.close()
    assert b" 413 " in line
