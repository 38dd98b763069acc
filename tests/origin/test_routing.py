"""Origin URLs: what is one, what is none, and that a target is put behind it octet for octet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.origin.routing import Upstream, UpstreamError, read_upstream


@pytest.mark.parametrize(
    ("url", "read", "authority"),
    [
        ("http://127.0.0.1:8000", Upstream("http", "127.0.0.1", 8000), "127.0.0.1:8000"),
        ("http://Origin.example/", Upstream("http", "origin.example", 80), "origin.example"),
        ("https://origin.example", Upstream("https", "origin.example", 443), "origin.example"),
        ("https://origin.example:443", Upstream("https", "origin.example", 443), "origin.example"),
        ("http://[::1]:81/a/b/", Upstream("http", "::1", 81, "/a/b"), "[::1]:81"),
        ("http://web_1:8000", Upstream("http", "web_1", 8000), "web_1:8000"),
        ("unix:/run/site.sock", Upstream("unix", "/run/site.sock", 0), "localhost"),
    ],
)
def test_what_is_an_origin(url, read, authority):
    assert read_upstream(url) == read
    assert read.authority == authority


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8000", "ftp://a", "http://", "http://u:p@a", "http://a?b", "http://a#b", "http://a:0", "http://a:65536",
     "http://a b", "http://a\r\nX: y", "http://[::g]", "http://" + "a" * 64, "http://a..b", "http://\xe9", "unix:run/x", "unix:", "unix:/a b", "unix:/" + "a" * 107],
)  # fmt: skip
def test_what_is_none(url):
    with pytest.raises(UpstreamError):
        read_upstream(url)


@given(st.text(max_size=40))
def test_nothing_else_is_raised(text):
    for url in (text, "http://" + text):
        try:
            read = read_upstream(url)
        except UpstreamError:
            continue
        assert read_upstream(f"{read.scheme}://{read.authority}{read.base}") == read


def test_targets():
    plain, based = read_upstream("http://a"), read_upstream("http://a/b/")
    assert plain.target("//x?") == "//x?"
    assert based.target("/x/../y?z") == "/b/x/../y?z"
    assert based.target("*") == "*"
