"""Feeds: every form in the wild, and what is refused with rule, fact and next step."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.visitors.feeds import LONGEST, MOST, Feed, FeedFault, change_of, read_feed, surprise

TWO = (ip_network("66.249.64.0/27"), ip_network("2001:4860:4801:10::/64"))


@pytest.mark.parametrize(
    "text",
    [
        '{"creationTime": "2026-09-02", "prefixes": [{"ipv6Prefix": "2001:4860:4801:10::/64"}, {"ipv4Prefix": "66.249.64.0/27"}]}',
        '{"prefixes": ["66.249.64.0/27", "2001:4860:4801:10::/64", "66.249.64.0/27"]}',
        '["66.249.64.0/27", "2001:4860:4801:10::/64"]',
        '[{"ip_prefix": "66.249.64.0/27"}, {"ipv6_prefix": "2001:4860:4801:10::/64"}]',
        '{"prefixes": [{"ipv4Prefix": "66.249.64.0/27", "ipv6Prefix": "2001:4860:4801:10::/64", "scope": "x"}]}',
        "# crawlers\n66.249.64.0/27   # one\r\n\r\n2001:4860:4801:10::/64\n",
        "\ufeff66.249.64.0/27\n2001:4860:4801:10::/64",
    ],
)
def test_every_form_says_the_same(text: str) -> None:
    feed = read_feed(text.encode())
    assert isinstance(feed, Feed)
    assert feed.prefixes == TWO


def test_a_single_address_is_a_prefix_and_the_date_is_read() -> None:
    feed = read_feed(b'{"creationTime": "2026-09-02T00:00:00", "ips": [{"ip_address": "66.249.64.1"}]}')
    assert feed == Feed((ip_network("66.249.64.1/32"),), 1_788_307_200)
    assert read_feed(b'{"creationTime": "soon", "ips": ["66.249.64.1"]}') == Feed(
        (ip_network("66.249.64.1/32"),)
    )


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "no-prefixes"),
        (b"{}", "no-prefixes"),
        (b"[]", "no-prefixes"),
        (b'{"prefixes": {}}', "no-prefixes"),
        (b"# only words\n", "no-prefixes"),
        (b"\xff\xfe6", "unreadable"),
        (b'{"prefixes": [{"ipv4Prefix": "66.249.64.0/27"}', "unreadable"),
        (b"<!doctype html><title>404</title>", "unreadable"),
        (b"[" * 100_000, "unreadable"),
        (b'["66.249.64.1/27"]', "entry"),
        (b'["66.249.64.0/27", 5]', "entry"),
        (b'["66.249.64.0/27", null]', "entry"),
        (b'[["66.249.64.0/27"]]', "entry"),
        (b'[{"cidr": "66.249.64.0/27"}]', "entry"),
        (b'["66.249.64.0/33"]', "entry"),
        (b"66.249.64.0/27, 66.249.65.0/27", "entry"),
        (b'["10.0.0.0/24"]', "special"),
        (b'["192.168.0.0/16"]', "special"),
        (b'["127.0.0.1"]', "special"),
        (b'["100.64.0.0/24"]', "special"),
        (b'["169.254.169.254"]', "special"),
        (b'["192.0.2.0/24"]', "special"),
        (b'["203.0.0.0/16"]', "special"),
        (b'["224.0.0.1"]', "special"),
        (b'["240.0.0.0/24"]', "special"),
        (b'["0.0.0.0/0"]', "special"),
        (b'["::/0"]', "special"),
        (b'["::1"]', "special"),
        (b'["::ffff:66.249.64.1"]', "special"),
        (b'["64:ff9b::42f9:4001"]', "special"),
        (b'["fc00::/24"]', "special"),
        (b'["fe80::/64"]', "special"),
        (b'["fec0::/48"]', "special"),
        (b'["2001:db8::/32"]', "special"),
        (b'["3fff::/32"]', "special"),
        (b'["2002:42f9::/32"]', "special"),
        (b'["66.0.0.0/11"]', "too-wide"),
        (b'["2600::/23"]', "too-wide"),
        (b"66.249.64.0/27\n" * (MOST + 1), "too-many"),
        (b'["66.249.64.0/27"]' + b" " * LONGEST, "too-long"),
    ],
)
def test_a_feed_is_refused_whole(octets: bytes, code: str) -> None:
    fault = read_feed(octets)
    assert isinstance(fault, FeedFault)
    assert fault.code == code
    assert fault.rule
    assert fault.fact
    assert fault.next_step
    assert not fault.arguable


@pytest.mark.parametrize("text", ["66.0.0.0/12", "2600::/24", "192.0.3.0/24", "8.8.8.8"])
def test_what_is_just_allowed(text: str) -> None:
    assert isinstance(read_feed(text.encode()), Feed)


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_nothing_raises(octets: bytes) -> None:
    assert isinstance(read_feed(octets), Feed | FeedFault)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["prefixes", "ipv4Prefix", "ip", "creationTime", "date", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_document_raises(document: object) -> None:
    assert isinstance(read_feed(json.dumps(document).encode()), Feed | FeedFault)


def many(count: int) -> Feed:
    return Feed(tuple(ip_network(f"66.249.{n}.0/24") for n in range(count)))


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (10, 10, ""), (10, 5, ""), (10, 4, "shrunk"), (10, 15, ""), (10, 16, "grown"), (2, 1, ""), (1, 2, "grown"),
        (0, 9, ""),
    ],
)  # fmt: skip
def test_more_than_half_at_once_waits_for_a_person(before: int, after: int, code: str) -> None:
    feed = many(after)
    fault = surprise(change_of(many(before).prefixes, feed), feed, "googlebot")
    assert (fault.code if fault else "") == code
    if fault:
        assert fault.arguable
        assert f"{before} became {after}" in str(fault)
        assert "--accept googlebot" in fault.next_step


def test_many_wide_prefixes_together_are_too_wide() -> None:
    feed = Feed((ip_network("66.0.0.0/12"), ip_network("68.0.0.0/32")))
    fault = surprise(change_of(feed.prefixes, feed), feed, "x")
    assert fault is not None
    assert fault.code == "covers"
    one = Feed((ip_network("66.0.0.0/12"),))
    assert surprise(change_of(one.prefixes, one), one, "x") is None


def test_the_difference_is_told(shared_data: Path) -> None:
    april, september = (
        read_feed((shared_data / "ip_ranges" / name).read_bytes())
        for name in ("fc_openai-chatgpt-user.json", "acv_openai-chatgpt-user.json")
    )
    assert isinstance(april, Feed)
    assert isinstance(september, Feed)
    change = change_of(april.prefixes, september)
    assert (change.before, change.after, change.kept) == (240, 204, 121)
    assert surprise(change, september, "openai-chatgpt-user") is None
    assert (len(change.added), len(change.removed)) == (83, 119)
    assert not change_of(april.prefixes, april)


def test_real_feeds_are_read(shared_data: Path) -> None:
    files = sorted((shared_data / "ip_ranges").glob("vb_*.json"))
    assert files
    refused = {
        file.name: found.code
        for file in files
        if isinstance(found := read_feed(file.read_bytes()), FeedFault)
    }
    assert refused == {}
