"""The PROXY header against its specification's examples, in pieces, and against octets of any kind."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.visitors.proxy_header import LONGEST, ProxyHeader, Unfinished, proxy_header, written

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V4 = bytes([192, 0, 2, 7, 198, 51, 100, 1]) + b"\x01\xbb\x01\xbb"
V6 = IPv6Address("2001:db8::7").packed + IPv6Address("2001:db8::1").packed + b"\x01\xbb\x01\xbb"


def second(command, family, rest, length=None):
    return (
        SIGNATURE
        + bytes([command, family])
        + (len(rest) if length is None else length).to_bytes(2, "big")
        + rest
    )


GOOD = [
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7", False),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255", False),
    (b"PROXY TCP6 2001:DB8::7 2001:db8::1 1 0\r\n", "2001:db8::7", False),
    (b"PROXY TCP6 " + b" ".join([b"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] * 2) + b" 65535 65535\r\n",
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", False),
    (b"PROXY UNKNOWN\r\n", "", False),
    (b"PROXY UNKNOWN ffff::1 anything 1 2\r\n", "", False),
    (second(0x21, 0x11, V4), "192.0.2.7", False),
    (second(0x21, 0x11, V4 + b"\x04\x00\x01a"), "192.0.2.7", False),
    (second(0x21, 0x11, V4 + bytes(4096)), "192.0.2.7", False),
    (second(0x21, 0x21, V6), "2001:db8::7", False),
    (second(0x21, 0x31, bytes(216)), "", False),
    (second(0x21, 0x31, bytes(216 + 4096)), "", False),
    (second(0x21, 0x00, b""), "", False),
    (second(0x21, 0x00, V4), "", False),
    (second(0x21, 0x12, V4), "", False),
    (second(0x20, 0x00, b""), "", True),
    (second(0x20, 0x11, V4), "", True),
    (second(0x20, 0x11, b""), "", True),
]  # fmt: skip

WRONG = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"\r\n\r\nGET",
    b"proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n\r\n",
    b"PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n",
    b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
    b"PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n",
    b"PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY UNKNOWNS\r\n",
    b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
    b"PROXY UNKNOWN " + b"x" * 200,
    second(0x11, 0x11, V4),
    second(0x22, 0x11, V4),
    second(0x21, 0x41, V4),
    second(0x21, 0x13, V4),
    second(0x21, 0x11, V4[:-1]),
    second(0x21, 0x21, V6[:-1]),
    second(0x21, 0x31, bytes(215)),
    second(0x21, 0x11, V4, length=216 + 4097),
    second(0x20, 0x00, b"", length=65535),
]


@pytest.mark.parametrize(("octets", "source", "local"), GOOD)
def test_what_is_right_is_read_and_what_follows_is_left(octets, source, local):
    for rest in (b"", b"GET / HTTP/1.1\r\n\r\n", b"PROXY UNKNOWN\r\n"):
        assert proxy_header(octets + rest) == ProxyHeader(len(octets), source, local)


@pytest.mark.parametrize(("octets", "source", "local"), GOOD)
def test_a_header_that_has_not_arrived_whole_is_awaited(octets, source, local):
    assert {proxy_header(octets[:end]) for end in range(len(octets))} == {Unfinished.MORE}


@pytest.mark.parametrize("octets", WRONG)
def test_what_is_wrong_is_refused(octets):
    assert proxy_header(octets) is Unfinished.WRONG


@given(st.ip_addresses(), st.integers(0, 65535), st.binary(max_size=40))
def test_both_versions_say_the_same(address, port, rest):
    family = address.version
    target = address.packed + port.to_bytes(2, "big") * 2
    first = f"PROXY TCP{family} {address} {address} {port} {port}\r\n".encode()
    assert proxy_header(first + rest) == ProxyHeader(len(first), str(address))
    packed = second(0x21, 0x11 if family == 4 else 0x21, address.packed + target)
    assert proxy_header(packed + rest) == ProxyHeader(len(packed), str(address))


@given(
    st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", SIGNATURE, SIGNATURE + b"\x21\x11"]),
    st.binary(max_size=300) | st.text("0123456789.: \r\nabcdef", max_size=120).map(str.encode),
)
def test_no_octets_raise_and_an_answer_never_changes(begun, octets):
    octets = begun + octets
    settled = None
    for end in range(len(octets) + 1):
        found = proxy_header(octets[:end])
        if settled is not None:
            assert found == settled
        elif found is not Unfinished.MORE:
            settled = found
        if isinstance(found, ProxyHeader):
            assert found.length <= min(end, LONGEST)
    assert settled is not None or len(octets) < LONGEST


@given(st.ip_addresses())
def test_what_is_written_is_read_back(address):
    for version in ("v1", "v2"):
        header = written(version, str(address))
        assert proxy_header(header) == ProxyHeader(len(header), str(address))


@pytest.mark.parametrize("nobody", ["", "unknown", "192.0.2.7:80", "a.example\r\n"])
def test_of_nobody_it_is_said_that_it_is_not_known_who(nobody):
    for version in ("v1", "v2"):
        header = written(version, nobody)
        assert proxy_header(header) == ProxyHeader(len(header), "")


def test_a_scope_is_left_out_whatever_stands_there():
    for version in ("v1", "v2"):
        header = written(version, "fe80::1%eth0\r\nGET")
        assert proxy_header(header) == ProxyHeader(len(header), "fe80::1")
