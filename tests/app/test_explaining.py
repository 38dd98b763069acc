"""The parts behind `licet who` and its page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.explaining import Explaining
from gateway.ask import Ask
from gateway.clock import HandClock
from gateway.config import Config
from gateway.settings import Dns
from gateway.visitors.explained import imagined
from gateway.visitors.fetched_lists import FeedFolder, Kept
from gateway.visitors.networks import FetchedCopy, Networks
from gateway.visitors.weighing import weigh

DAY = 1_795_478_400
GPTBOT, YANDEX = "GPTBot/1.2", "YandexBot/3.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(tmp_path, dns=Dns(servers=("127.0.0.1:9",)))


def asked(agent: str, address: str = "203.0.113.9", *headers: tuple[str, str]) -> tuple[Ask, bool]:
    return imagined(agent, address, headers, origin="https://site.example", at=DAY)


def test_both_answers_are_the_same(config: Config, clock: HandClock) -> None:
    one = Explaining(config, clock)
    for agent in (GPTBOT, YANDEX, FIREFOX, "curl/8", ""):
        for headers in ((), (("accept", "*/*"),)):
            ask = asked(agent, "203.0.113.9", *headers)
            assert one(*ask).visitor == one.visitor(*ask)


def test_headers_count_only_where_they_are_told(config: Config, clock: HandClock) -> None:
    one = Explaining(config, clock)
    assert one.visitor(*asked(FIREFOX)).is_person
    assert not one.visitor(*asked(FIREFOX, "203.0.113.9", ("accept", "*/*"))).is_person


def test_a_copy_that_was_fetched_since_is_taken_up(config: Config, clock: HandClock) -> None:
    one = Explaining(config, clock)
    ask = asked(GPTBOT, "66.249.66.1")
    assert one(*ask).visitor.identity.value != "verified"
    known = Networks.shipped().lists["openai-gptbot"]
    prefixes = (*known.prefixes, *Networks.shipped().lists["googlebot"].prefixes)
    FeedFolder(config.copies).write(
        Kept("openai-gptbot", FetchedCopy("openai-gptbot", DAY, prefixes), DAY), known.source
    )
    assert one(*ask).visitor.identity.value == "verified"


def test_given_networks_stand_in_for_the_shipped_ones(config: Config, clock: HandClock) -> None:
    own = Networks.shipped().with_prefixes("openai-gptbot", ("127.0.0.7/32",))
    assert (
        Explaining(config, clock, networks=own).visitor(*asked(GPTBOT, "127.0.0.7")).method.value == "network"
    )


def test_nothing_is_asked_unless_told(config: Config, clock: HandClock) -> None:
    assert Explaining(config, clock)(*asked(YANDEX)).visitor.reasons[-1] == "recipe_unchecked"


async def test_what_was_told_to_fetch_is_fetched(config: Config, clock: HandClock) -> None:
    # The server of these settings does not answer: that too is an answer.
    found = await Explaining(config, clock, fetch=True).fetched(*asked(YANDEX, "5.255.253.1"))
    assert weigh(found).reasons[-1] == "rdns_unknown"
    off = replace(config, dns=Dns(check=False))
    unasked = await Explaining(off, clock, fetch=True).fetched(*asked(YANDEX, "5.255.253.1"))
    assert weigh(unasked).reasons[-1] == "recipe_unchecked"
