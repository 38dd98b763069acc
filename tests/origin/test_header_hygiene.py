"""Which fields cross, as pure functions; the same over sockets is in `tests/hostile`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ask import Ask
from gateway.origin.header_hygiene import asked_protocol, hops, request_headers, response_headers


def ask(*headers, origin="https://a.example", address="192.0.2.7"):
    return Ask(
        "", 0, "a", origin, "GET", "/", "/", headers=(("host", "a.example"), *headers), address=address
    )


OURS = [
    ("cdn-loop", "licet"),
    ("forwarded", 'for=192.0.2.7;host="a.example";proto=https'),
    ("x-forwarded-for", "192.0.2.7"),
    ("x-real-ip", "192.0.2.7"),
    ("x-forwarded-host", "a.example"),
    ("x-forwarded-proto", "https"),
]


def test_order_and_multiplicity_are_kept():
    told = [("cookie", "a=1"), ("accept", "x"), ("cookie", "b=2"), ("x-odd", "\udce9")]
    assert request_headers(ask(*told)) == [("host", "a.example"), *told, *OURS]


def test_addresses_of_the_other_kind_are_quoted():
    named = dict(request_headers(ask(address="2001:db8::1", origin="http://[::1]:8402")))
    assert named["forwarded"] == 'for="[2001:db8::1]";host="[::1]:8402";proto=http'
    assert named["x-forwarded-for"] == "2001:db8::1"
    assert "for=" not in dict(request_headers(ask(address="")))["forwarded"]


def test_only_our_credential_is_taken_off():
    mine, theirs = ("authorization", "License x"), ("authorization", "Basic y")
    assert request_headers(ask(mine), ours=1) == [("host", "a.example"), *OURS]
    assert theirs in request_headers(ask(theirs))
    assert request_headers(ask(("x-a", "1"), mine), ours=2)[1] == ("x-a", "1")


def test_the_proof_of_a_key_goes_with_the_credential_it_is_for():
    proof = ("dpop", "x.y.z")
    assert proof not in request_headers(ask(("authorization", "DPoP x"), proof), ours=1)
    assert proof in request_headers(ask(("authorization", "DPoP theirs"), proof))


def test_what_connection_names_is_dropped_but_host_and_length():
    told = ask(("connection", "close, X-A ,host,content-length"), ("x-a", "1"), ("content-length", "5"))
    assert request_headers(told) == [("host", "a.example"), ("content-length", "5"), *OURS]
    assert request_headers(ask(("connection", "x-forwarded-for, via, forwarded")))[1:] == OURS


def test_earlier_proxies_stay_in_via():
    assert ("cdn-loop", "a, b;c=d, licet") in request_headers(ask(("cdn-loop", "a"), ("cdn-loop", "b;c=d")))


@pytest.mark.parametrize(
    ("values", "times"),
    [
        ((), 0),
        (("licet",), 1),
        (("licet, Licet", "licet;x=y"), 3),
        (("licet2", "1.1 licet", ""), 0),
    ],
)
def test_hops_are_counted_by_name(values, times):
    assert hops(ask(*[("cdn-loop", value) for value in values])) == times


@pytest.mark.parametrize(
    ("headers", "protocol"),
    [
        ([("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")], "websocket"),
        ([("connection", "upgrade"), ("upgrade", "IRC/6.9")], "IRC/6.9"),
        ([("connection", "upgrade"), ("upgrade", "websocket"), ("content-length", "0")], "websocket"),
        ([("upgrade", "websocket")], ""),
        ([("connection", "upgrade")], ""),
        ([("connection", "upgrade"), ("upgrade", "h2c")], ""),
        ([("connection", "upgrade"), ("upgrade", "H2/1")], ""),
        ([("connection", "upgrade"), ("upgrade", "websocket, h2c")], ""),
        ([("connection", "upgrade"), ("upgrade", "a"), ("upgrade", "b")], ""),
        ([("connection", "upgrade"), ("upgrade", "a b")], ""),
        ([("connection", "upgrade"), ("upgrade", "websocket"), ("content-length", "5")], ""),
        ([("connection", "upgrade"), ("upgrade", "websocket"), ("transfer-encoding", "chunked")], ""),
    ],
)
def test_which_protocol_is_asked_for(headers, protocol):
    assert asked_protocol(ask(*headers)) == protocol


def test_a_protocol_is_offered_only_when_asked_to():
    told = ask(("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "k"))
    assert "upgrade" not in dict(request_headers(told))
    offered = request_headers(told, upgrade="websocket")
    assert offered[-2:] == [("connection", "upgrade"), ("upgrade", "websocket")]
    assert ("sec-websocket-key", "k") in offered


def test_a_missing_host_is_filled_in():
    bare = Ask("", 0, "a", "http://a", "GET", "/", "/")
    assert request_headers(bare, host="b:8000")[0] == ("host", "b:8000")
    assert request_headers(ask(), host="b:8000")[0] == ("host", "a.example")


def test_an_answer_keeps_everything_but_the_hop():
    raw = [("Set-Cookie", "a"), ("Connection", "X-Hop, Content-Length"), ("x-hop", "1"), ("SET-cookie", "b"),
           ("Content-Length", "5"), ("Transfer-Encoding", "chunked"), ("Trailer", "x"), ("Upgrade", "h2")]  # fmt: skip
    assert response_headers(raw) == (("Set-Cookie", "a"), ("SET-cookie", "b"), ("Content-Length", "5"))
    assert ("Upgrade", "h2") in response_headers(raw, switching=True)


_NAMES = st.sampled_from(
    ["accept", "connection", "host", "te", "x-forwarded-for", "X_Real_IP", "x-a", "upgrade", "cdn-loop", "proxy", "cf-x-ip"]
) | st.text("abcx-_", min_size=1, max_size=8)  # fmt: skip


@given(st.lists(st.tuples(_NAMES, st.text("abcx-, ", max_size=12)), max_size=12))
def test_nothing_makes_it_raise_and_nothing_of_the_hop_passes(headers):
    out = request_headers(ask(*[(name.lower(), value) for name, value in headers]))
    names = [name for name, _ in out]
    for name in (
        "x-forwarded-for",
        "x-real-ip",
        "forwarded",
        "cdn-loop",
        "x-forwarded-proto",
        "x-forwarded-host",
    ):
        assert names.count(name) == 1
    assert not {"connection", "te", "upgrade", "proxy", "cf-x-ip"} & set(names)
    assert not any("_" in name for name in names)
    assert "host" in names
