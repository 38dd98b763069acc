"""Forwarding headers are believed as far as trusted proxies wrote them, no farther."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.problems import ConfigurationError
from gateway.visitors.client_address import ClientAddress, TrustedProxies, resolve

TRUSTED = TrustedProxies.read(["loopback", "10.0.0.0/8"])
Headers = list[tuple[str, str]]


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("203.0.113.9", [("x-forwarded-for", "8.8.8.8")], "203.0.113.9"),
        ("203.0.113.9", [("forwarded", "for=8.8.8.8")], "203.0.113.9"),
        ("203.0.113.9", [("x-real-ip", "8.8.8.8")], "203.0.113.9"),
        ("10.0.0.1", [("x-real-ip", "8.8.8.8")], "10.0.0.1"),
        ("10.0.0.1", [("x_forwarded_for", "8.8.8.8")], "10.0.0.1"),
        ("10.0.0.1", [("cf-connecting-ip", "8.8.8.8")], "10.0.0.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [("x-forwarded-for", "8.8.8.8")], "8.8.8.8"),
        ("10.0.0.1", [("X-Forwarded-For", "8.8.8.8")], "8.8.8.8"),
        ("::ffff:10.0.0.1", [("x-forwarded-for", "8.8.8.8")], "8.8.8.8"),
        ("10.0.0.1", [("x-forwarded-for", "66.249.66.1, 8.8.8.8")], "8.8.8.8"),
        ("10.0.0.1", [("x-forwarded-for", "66.249.66.1, 8.8.8.8, 10.0.0.2")], "8.8.8.8"),
        ("10.0.0.1", [("x-forwarded-for", "66.249.66.1"), ("x-forwarded-for", "8.8.8.8")], "8.8.8.8"),
        ("10.0.0.1", [("x-forwarded-for", "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
        ("10.0.0.1", [("x-forwarded-for", "8.8.8.8, unknown")], "10.0.0.1"),
        ("10.0.0.1", [("x-forwarded-for", "8.8.8.8, unknown, 10.0.0.2")], "10.0.0.2"),
        ("10.0.0.1", [("x-forwarded-for", "")], "10.0.0.1"),
        ("10.0.0.1", [("x-forwarded-for", ",,,")], "10.0.0.1"),
        ("10.0.0.1", [("x-forwarded-for", "8.8.8.8:4711")], "8.8.8.8"),
        ("10.0.0.1", [("x-forwarded-for", "[2001:db8::7]:4711")], "2001:db8::7"),
        ("10.0.0.1", [("x-forwarded-for", "2001:db8::7")], "2001:db8::7"),
        ("10.0.0.1", [("x-forwarded-for", "::ffff:8.8.8.8")], "8.8.8.8"),
        ("127.0.0.1", [("forwarded", "for=8.8.8.8;proto=https;host=a.example")], "8.8.8.8"),
        ("127.0.0.1", [("forwarded", 'For="[2001:db8::7]:4711"')], "2001:db8::7"),
        ("127.0.0.1", [("forwarded", "for=66.249.66.1, for=8.8.8.8, for=10.0.0.2")], "8.8.8.8"),
        ("127.0.0.1", [("forwarded", "for=66.249.66.1"), ("forwarded", "for=8.8.8.8")], "8.8.8.8"),
        ("127.0.0.1", [("forwarded", "for=8.8.8.8, for=_hidden")], "127.0.0.1"),
        ("127.0.0.1", [("forwarded", "for=8.8.8.8, proto=https")], "127.0.0.1"),
        ("127.0.0.1", [("forwarded", "for=66.249.66.1;for=8.8.8.8")], "66.249.66.1"),
        ("127.0.0.1", [("forwarded", 'for="66.249.66.1, for=8.8.8.8')], "8.8.8.8"),
        ("127.0.0.1", [("forwarded", 'for=66.249.66.1, for=", for="[2001:db8::7]"')], "127.0.0.1"),
        ("127.0.0.1", [("forwarded", "garbage")], "127.0.0.1"),
        ("", [("x-forwarded-for", "8.8.8.8")], ""),
        ("unix", [("x-forwarded-for", "8.8.8.8")], "unix"),
    ],
)
def test_whose_address_is_believed(peer: str, headers: Headers, address: str) -> None:
    assert resolve(peer, headers, TRUSTED).address == address


@pytest.mark.parametrize(
    ("forwarded", "x_forwarded", "address"),
    [
        ("8.8.8.8", "8.8.8.8", "8.8.8.8"),
        ("66.249.66.1", "8.8.8.8", "10.0.0.1"),
        ("8.8.8.8", "66.249.66.1", "10.0.0.1"),
    ],
)
def test_two_kinds_that_disagree_are_both_a_clients_word(
    forwarded: str, x_forwarded: str, address: str
) -> None:
    headers = [("forwarded", f"for={forwarded};proto=https"), ("x-forwarded-for", x_forwarded)]
    assert resolve("10.0.0.1", headers, TRUSTED).address == address


def test_nobody_is_trusted_by_default() -> None:
    headers = [("x-forwarded-for", "8.8.8.8"), ("x-forwarded-proto", "https"), ("cf-ipcountry", "DE")]
    assert resolve("127.0.0.1", headers, TrustedProxies(), "cf-ipcountry") == ClientAddress("127.0.0.1")


@pytest.mark.parametrize(
    ("headers", "scheme", "host"),
    [
        ([("x-forwarded-proto", "https"), ("x-forwarded-host", "A.example:8443")], "https", "a.example:8443"),
        ([("x-forwarded-proto", "https, http")], "http", ""),
        ([("x-forwarded-proto", "gopher"), ("x-forwarded-host", "a b")], "", ""),
        ([("forwarded", 'for=8.8.8.8;proto=HTTPS;host="a.example"')], "https", "a.example"),
        ([("forwarded", "for=1.1.1.1;proto=http;host=evil.example, for=8.8.8.8;proto=https;host=a.example")], "https", "a.example"),
    ],
)  # fmt: skip
def test_scheme_and_host_come_from_trusted_peers_only(headers: Headers, scheme: str, host: str) -> None:
    trusted = resolve("10.0.0.1", headers, TRUSTED)
    assert (trusted.scheme, trusted.host) == (scheme, host)
    stranger = resolve("203.0.113.9", headers, TRUSTED)
    assert (stranger.scheme, stranger.host) == ("", "")


@pytest.mark.parametrize(
    ("values", "country"),
    [
        (["DE"], "DE"),
        (["de"], ""),
        (["DEU"], ""),
        (["T1"], ""),
        (["XX"], ""),
        ([""], ""),
        (["DE", "US"], ""),
        (["DÉ"], ""),
    ],
)
def test_the_country_of_a_trusted_peer(values: list[str], country: str) -> None:
    headers = [("cf-ipcountry", value) for value in values]
    told = resolve("10.0.0.1", headers, TRUSTED, "CF-IPCountry")
    assert (told.country, told.country_basis) == (country, "header" if country else "")
    assert resolve("203.0.113.9", headers, TRUSTED, "cf-ipcountry").country == ""
    assert resolve("10.0.0.1", headers, TRUSTED).country == ""


@given(
    st.text(max_size=40) | st.just("10.0.0.1"),
    st.lists(
        st.tuples(
            st.sampled_from(["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "geo"])
            | st.text(),
            st.text() | st.text(alphabet='for=",;\\[]:. 0123456789'),
        )
    ),
)
def test_no_header_raises(peer: str, headers: Headers) -> None:
    told = resolve(peer, headers, TRUSTED, "geo")
    assert told.scheme in {"", "http", "https"}
    assert told.country == "" or (len(told.country) == 2 and told.country.isupper())


@given(st.text(alphabet='for=",;\\[]:. 0123456789', max_size=1500))
def test_what_a_client_wrote_never_outweighs_the_proxy(junk: str) -> None:
    """The proxy appends the true address; nothing to its left may replace it by an address of choice."""
    for headers in ([("x-forwarded-for", f"{junk}, 8.8.8.8")], [("forwarded", f"{junk}, for=8.8.8.8")]):
        assert resolve("10.0.0.1", headers, TRUSTED).address in {"8.8.8.8", "10.0.0.1"}


@pytest.mark.parametrize("texts", [["everybody"], ["0.0.0.0/0"], ["::/0"], ["10.0.0.1/8"], [""], ["a", "b"]])
def test_wrong_proxies_are_all_told(texts: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TrustedProxies.read(texts)
    assert len(caught.value.mistakes) == len(texts)


def test_named_sets_and_single_addresses() -> None:
    proxies = TrustedProxies.read(["private", "198.51.100.7"])
    for peer in ("192.168.1.1", "172.31.0.1", "fd00::1", "198.51.100.7"):
        assert resolve(peer, [("x-forwarded-for", "8.8.8.8")], proxies).address == "8.8.8.8"
    assert resolve("198.51.100.8", [("x-forwarded-for", "8.8.8.8")], proxies).address == "198.51.100.8"
