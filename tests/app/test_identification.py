"""The parts behind identifying: copies are taken up while requests go on, and DNS is asked where the settings say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from gateway.app.identification import Identification
from gateway.clock import HandClock
from gateway.config import Config
from gateway.egress import Fetched, Unfetched
from gateway.evidence import NOTHING, Need, Needs
from gateway.problems import ConfigurationError
from gateway.settings import Dns
from gateway.visitors.catalog import Catalog
from gateway.visitors.fetched_lists import FeedFolder, Kept
from gateway.visitors.host_names import Looked
from gateway.visitors.networks import FetchedCopy, Networks

CATALOG = Catalog.shipped()


async def nobody(url: str) -> Fetched | Unfetched:
    raise AssertionError(f"{url} is not fetched here")


def made(tmp_path: Path, clock: HandClock, **dns: object) -> Identification:
    return Identification(Config(tmp_path, dns=Dns(**dns)), clock, CATALOG, nobody)


async def test_a_copy_is_taken_up_by_the_identifier(tmp_path: Path, clock: HandClock) -> None:
    one = made(tmp_path, clock)
    known = Networks.shipped().lists["openai-gptbot"]
    before = one.identifier.networks
    await one.renew()
    assert one.identifier.networks is before
    copy = FetchedCopy(known.name, clock.now_us() // 1_000_000, known.prefixes[1:])
    folder = FeedFolder(tmp_path / "feeds")
    folder.write(Kept(known.name, copy), known.source)
    await one.renew()
    assert one.identifier.networks.lists[known.name].prefixes == known.prefixes[1:]
    (tmp_path / "feeds" / "openai-gptbot.json").write_text("{")
    with structlog.testing.capture_logs() as said:
        await one.renew()
    assert one.identifier.networks.lists[known.name].prefixes == known.prefixes
    assert "openai-gptbot.json" in said[0]["mistake"]
    await one.close()


async def test_dns_is_asked_by_the_source_of_its_kind(tmp_path: Path, clock: HandClock) -> None:
    one = made(tmp_path, clock, servers=("127.0.0.1:1",))
    needs = one.host_names.finding("66.249.66.1", (".googlebot.com",), NOTHING)
    assert isinstance(needs, Needs)
    (need,) = needs.wants
    looked = await one.sources[need.kind](need)
    assert isinstance(looked, Looked)
    assert looked.finding.outcome == "unknown"
    await one.close()


async def test_dns_can_be_left_out(tmp_path: Path, clock: HandClock) -> None:
    one = made(tmp_path, clock, check=False)
    assert one.host_names.finding("66.249.66.1", (".googlebot.com",), NOTHING) is None
    looked = await one.sources["dns"](Need("dns", "66.249.66.1", (".googlebot.com",)))
    assert isinstance(looked, Looked)
    assert looked.finding.outcome == "unknown"
    await one.close()


def test_a_server_that_is_none_is_a_mistake_of_the_settings(tmp_path: Path, clock: HandClock) -> None:
    with pytest.raises(ConfigurationError):
        made(tmp_path, clock, servers=("dns.example",))


def test_given_networks_stand_in_for_the_shipped_ones(tmp_path: Path, clock: HandClock) -> None:
    given = Networks(
        [replace(Networks.shipped().lists["openai-gptbot"], name="openai-gptbot", own=())]
    ).with_prefixes("openai-gptbot", ("127.0.0.0/8",))
    one = Identification(Config(tmp_path), clock, CATALOG, nobody, networks=given)
    assert one.identifier.networks.lists_of("127.0.0.1") == ("openai-gptbot",)
