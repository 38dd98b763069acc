"""Asking DNS against a real server on loopback, which may be late, cut answers short, or lie."""

from __future__ import annotations

import socket

import dns.resolver
import pytest

from gateway.problems import ConfigurationError
from gateway.visitors.host_names import NoAnswer
from gateway.visitors.resolver import DnsResolver


def asking(dns_server) -> DnsResolver:
    return DnsResolver([dns_server.address])


async def test_names_and_addresses(dns_server) -> None:
    dns_server.names("66.249.66.1", "Crawl-66-249-66-1.GoogleBot.com", "other.example")
    dns_server.names("2001:4860:4801:10::1", "six.googlebot.com")
    dns_server.leads("six.googlebot.com", "2001:4860:4801:0010::1", "66.249.66.1")
    ask = asking(dns_server)
    assert set(await ask.names("66.249.66.1")) == {"crawl-66-249-66-1.googlebot.com", "other.example"}
    assert await ask.names("2001:4860:4801:10::1") == ("six.googlebot.com",)
    assert await ask.addresses("six.googlebot.com", 6) == ("2001:4860:4801:10::1",)
    assert await ask.addresses("six.googlebot.com", 4) == ("66.249.66.1",)


async def test_no_name_and_no_record_are_answers(dns_server) -> None:
    dns_server.leads("four.example", "66.249.66.1")
    ask = asking(dns_server)
    assert await ask.names("66.249.66.2") == ()
    assert await ask.addresses("four.example", 6) == ()


async def test_an_answer_that_was_cut_short_is_fetched_whole(dns_server) -> None:
    names = [f"a-rather-long-name-number-{n}.of.many.example" for n in range(60)]
    dns_server.names("66.249.66.1", *names)
    key = next(iter(dns_server.records))
    dns_server.moods[key] = "cut"
    assert set(await asking(dns_server).names("66.249.66.1")) == set(names)
    assert [over for *_, over in dns_server.asked] == ["udp", "tcp"]


@pytest.mark.parametrize(
    "mood", ["silent", "servfail", "refused", "cut for ever", "nonsense", "other question", "referral"]
)
async def test_what_is_no_answer_is_told_as_none(dns_server, mood: str) -> None:
    dns_server.names("66.249.66.1", "crawl.googlebot.com")
    dns_server.moods[next(iter(dns_server.records))] = mood
    with pytest.raises(NoAnswer):
        await asking(dns_server).names("66.249.66.1")


async def test_nobody_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer):
            await DnsResolver([f"127.0.0.1:{taken.getsockname()[1]}"]).addresses("a.example", 4)


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "a..example", ".".join(["abcdefgh"] * 40)])
async def test_a_name_that_cannot_be_asked_for(dns_server, name: str) -> None:
    with pytest.raises(NoAnswer):
        await asking(dns_server).addresses(name, 4)
    assert dns_server.asked == []


async def test_what_is_no_address_is_not_asked_for(dns_server) -> None:
    with pytest.raises(NoAnswer):
        await asking(dns_server).names("crawl.example")
    assert dns_server.asked == []


@pytest.mark.parametrize(
    ("server", "address", "port"),
    [
        ("192.0.2.53", "192.0.2.53", 53),
        ("192.0.2.53:5353", "192.0.2.53", 5353),
        ("2001:db8::53", "2001:db8::53", 53),
        ("[2001:db8::53]", "2001:db8::53", 53),
        ("[2001:db8::53]:5353", "2001:db8::53", 5353),
    ],
)
def test_servers_that_are_understood(server: str, address: str, port: int) -> None:
    (asked,) = DnsResolver([server])._resolver.nameservers
    assert (asked.address, asked.port) == (address, port)


@pytest.mark.parametrize(
    "server",
    [
        "dns.example",
        "192.0.2.53:",
        "192.0.2.53:0",
        "192.0.2.53:65536",
        "192.0.2.53:x",
        "[::1",
        "https://dns/",
    ],
)
def test_servers_that_are_not(server: str) -> None:
    with pytest.raises(ConfigurationError, match=r"dns\.servers"):
        DnsResolver([server])


def test_the_machines_own_servers_are_the_default() -> None:
    try:
        configured = dns.resolver.Resolver().nameservers
    except dns.resolver.NoResolverConfiguration:
        configured = []
    assert list(map(str, DnsResolver()._resolver.nameservers)) == list(map(str, configured))
