"""Forward-confirmed names: who is confirmed, who is contradicted, and who is only not known."""

from __future__ import annotations

import asyncio

import pytest

from gateway.clock import HandClock
from gateway.evidence import NOTHING, Evidence, Need, Needs
from gateway.problems import Problem, Refusal
from gateway.visitors.host_names import HostNames, Looked, NameFinding, is_cloud, matching
from gateway.visitors.resolver import DnsResolver

GOOGLE = (".googlebot.com", ".google.com")
ADDRESS = "66.249.66.1"


@pytest.fixture
async def host_names(dns_server, clock: HandClock):
    made = HostNames(DnsResolver([dns_server.address]), clock)
    yield made
    await made.close()


async def found(
    host_names: HostNames, address: str = ADDRESS, suffixes: tuple[str, ...] = GOOGLE
) -> NameFinding:
    """What comes of it, the way the path of a request asks."""
    answer = host_names.finding(address, suffixes, NOTHING)
    if isinstance(answer, Needs):
        (need,) = answer.wants
        assert (need.kind, need.key) == ("dns", address)
        answer = host_names.finding(
            address, suffixes, NOTHING.with_facts([(need, await host_names.source(need))])
        )
    assert isinstance(answer, NameFinding)
    return answer


def told(finding: NameFinding) -> tuple[str, tuple[str, ...]]:
    return finding.outcome, finding.reasons


async def test_a_name_that_leads_back_confirms(dns_server, host_names: HostNames) -> None:
    dns_server.names(ADDRESS, "crawl-66-249-66-1.googlebot.com")
    dns_server.leads("crawl-66-249-66-1.googlebot.com", "66.249.66.9", ADDRESS)
    assert told(await found(host_names)) == ("confirmed", ("rdns_ok",))
    assert len(dns_server.asked) == 2


async def test_ipv6_and_mapped_ipv4(dns_server, host_names: HostNames) -> None:
    dns_server.names("2001:4860:4801:10::1", "six.googlebot.com")
    dns_server.leads("six.googlebot.com", "2001:4860:4801:10::1")
    assert (await found(host_names, "2001:4860:4801:10::1")).outcome == "confirmed"
    dns_server.names(ADDRESS, "four.googlebot.com")
    dns_server.leads("four.googlebot.com", ADDRESS)
    assert (await found(host_names, f"::ffff:{ADDRESS}")).outcome == "confirmed"


async def test_one_good_name_of_several_is_enough(dns_server, host_names: HostNames) -> None:
    dns_server.names(ADDRESS, "other.example", "geo.googlebot.com")
    dns_server.leads("geo.googlebot.com", ADDRESS)
    assert (await found(host_names)).name == "geo.googlebot.com"
    assert len(dns_server.asked) == 2


@pytest.mark.parametrize(
    "name",
    [
        "evilgooglebot.com",
        "googlebot.com.evil.example",
        "googlebot.com",
        "host.example",
        "1.66.249.66.bc.googleusercontent.com",
    ],
)
async def test_another_name_contradicts(dns_server, host_names: HostNames, name: str) -> None:
    dns_server.names(ADDRESS, name)
    dns_server.leads(name, ADDRESS)
    assert told(await found(host_names)) == ("contradicted", ("rdns_mismatch",))
    assert len(dns_server.asked) == 1


async def test_a_lying_pointer_is_contradicted_by_the_name_itself(dns_server, host_names: HostNames) -> None:
    dns_server.names(ADDRESS, "crawl.googlebot.com")
    dns_server.leads("crawl.googlebot.com", "66.249.66.200")
    assert told(await found(host_names)) == ("contradicted", ("rdns_mismatch",))
    dns_server.names("66.249.66.2", "nowhere.googlebot.com")
    assert told(await found(host_names, "66.249.66.2")) == ("contradicted", ("rdns_mismatch",))


@pytest.mark.parametrize("mood", ["silent", "servfail", "nonsense"])
@pytest.mark.parametrize("which", ["PTR", "A"])
async def test_dns_that_fails_proves_nothing(
    dns_server, host_names: HostNames, mood: str, which: str
) -> None:
    dns_server.names(ADDRESS, "crawl.googlebot.com")
    dns_server.leads("crawl.googlebot.com", ADDRESS)
    dns_server.moods[next(key for key in dns_server.records if key[1] == which)] = mood
    assert told(await found(host_names)) == ("unknown", ("rdns_unknown",))


async def test_no_name_is_no_other_name(host_names: HostNames) -> None:
    assert told(await found(host_names)) == ("unknown", ("rdns_unknown",))


@pytest.mark.parametrize("name", [r"evil\.googlebot.com", r"a\000b.googlebot.com", r"a\@b.googlebot.com"])
async def test_a_name_that_is_none_does_not_match(dns_server, host_names: HostNames, name: str) -> None:
    dns_server.names(ADDRESS, name)
    assert (await found(host_names)).outcome == "unknown"


async def test_a_clouds_own_name_never_confirms(dns_server, host_names: HostNames) -> None:
    name = "ec2-3-1-2-3.us-east-2.compute.amazonaws.com"
    dns_server.names(ADDRESS, name)
    dns_server.leads(name, ADDRESS)
    assert host_names.finding(ADDRESS, (".us-east-2.compute.amazonaws.com",), NOTHING) is None
    both = (".us-east-2.compute.amazonaws.com", ".crawl.example")
    assert (await found(host_names, suffixes=both)).outcome == "contradicted"


@pytest.mark.parametrize(
    ("name", "cloud"),
    [
        (".bc.googleusercontent.com", True),
        ("x.cloudapp.azure.com", True),
        (".googlebot.com", False),
        (".search.msn.com", False),
        (".crawl.amazonbot.amazon", False),
        ("myamazonaws.com", False),
    ],
)
def test_clouds(name: str, cloud: bool) -> None:
    assert is_cloud(name) is cloud


def test_a_suffix_without_its_dot_matches_nothing() -> None:
    assert matching(["evilgooglebot.com", "x.googlebot.com"], ["googlebot.com"]) == ""


@pytest.mark.parametrize(("address", "suffixes"), [(ADDRESS, ()), ("", GOOGLE), ("nonsense", GOOGLE)])
async def test_nothing_to_check(
    dns_server, host_names: HostNames, address: str, suffixes: tuple[str, ...]
) -> None:
    assert host_names.finding(address, suffixes, NOTHING) is None
    assert dns_server.asked == []


async def test_whatever_came_is_an_answer(host_names: HostNames) -> None:
    gone = Evidence({("dns", ADDRESS): Refusal(Problem.REQUEST_TIMEOUT, "The client left.")})
    finding = host_names.finding(ADDRESS, GOOGLE, gone)
    assert isinstance(finding, NameFinding)
    assert told(finding) == ("unknown", ("rdns_unknown",))


@pytest.mark.parametrize(
    ("leads", "mood", "seconds"), [(ADDRESS, "", 3600), ("66.249.66.9", "", 600), (ADDRESS, "servfail", 60)]
)
async def test_answers_hold_for_a_while(
    dns_server, host_names: HostNames, clock: HandClock, leads: str, mood: str, seconds: float
) -> None:
    dns_server.names(ADDRESS, "crawl.googlebot.com")
    dns_server.leads("crawl.googlebot.com", leads)
    dns_server.moods["crawl.googlebot.com.", "A"] = mood
    first = await found(host_names)
    clock.advance(seconds - 1)
    assert host_names.finding(ADDRESS, GOOGLE, NOTHING) == first
    clock.advance(2)
    assert isinstance(host_names.finding(ADDRESS, GOOGLE, NOTHING), Needs)


async def test_another_claim_is_another_question(dns_server, host_names: HostNames) -> None:
    dns_server.names(ADDRESS, "crawl.googlebot.com")
    dns_server.leads("crawl.googlebot.com", ADDRESS)
    assert (await found(host_names)).outcome == "confirmed"
    assert (await found(host_names, suffixes=(".search.msn.com",))).outcome == "contradicted"
    assert (await found(host_names)).outcome == "confirmed"


async def test_all_who_ask_at_once_ask_once(dns_server, host_names: HostNames) -> None:
    dns_server.names(ADDRESS, "crawl.googlebot.com")
    dns_server.leads("crawl.googlebot.com", ADDRESS)
    need = Need("dns", ADDRESS, GOOGLE)
    looked = await asyncio.gather(*(host_names.source(need) for _ in range(50)))
    assert {each.finding.outcome for each in looked} == {"confirmed"}
    assert len(dns_server.asked) == 2


async def test_one_who_leaves_does_not_end_it_for_the_others(dns_server, host_names: HostNames) -> None:
    dns_server.names(ADDRESS, "crawl.googlebot.com")
    dns_server.leads("crawl.googlebot.com", ADDRESS)
    need = Need("dns", ADDRESS, GOOGLE)
    leaving, staying = (asyncio.create_task(host_names.source(need)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).finding.outcome == "confirmed"
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_no_more_than_so_many_look_ups_at_once(
    dns_server, host_names: HostNames, clock: HandClock
) -> None:
    needs = [Need("dns", f"66.249.{n}.1", GOOGLE) for n in range(100)]
    looked = await asyncio.gather(*map(host_names.source, needs))
    assert len(dns_server.asked) == 60
    busy = [each for each in looked if each.finding.why == "too many look-ups at once"]
    assert len(busy) == 40
    assert all(told(each.finding) == ("unknown", ("rdns_unknown",)) for each in busy)
    clock.advance(1)
    more = await asyncio.gather(*map(host_names.source, needs[60:]))
    assert sum(each.finding.why != "too many look-ups at once" for each in more) == 20


async def test_what_is_remembered_is_bounded(dns_server, clock: HandClock) -> None:
    class Quick:
        """DNS that knows nobody; a real one would make this slow, and says no more."""

        async def names(self, address: str) -> tuple[str, ...]:
            return ()

        async def addresses(self, name: str, version: int) -> tuple[str, ...]:
            return ()

    host_names = HostNames(Quick(), clock)
    for n in range(5000):
        clock.advance(0.06)
        assert isinstance(await host_names.source(Need("dns", f"66.{n >> 8}.{n & 255}.1", GOOGLE)), Looked)
    held = sum(
        isinstance(host_names.finding(f"66.{n >> 8}.{n & 255}.1", GOOGLE, NOTHING), NameFinding)
        for n in range(5000)
    )
    assert 0 < held <= 4096
    assert isinstance(host_names.finding("66.0.0.1", GOOGLE, NOTHING), Needs)
