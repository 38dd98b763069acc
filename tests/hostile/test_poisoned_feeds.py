"""Whoever controls a feed, or the way to it, gains nothing: no claim proven, none called forged, no memory, no time."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.visitors.feed_updates import Fetched, NotFetched, Outcome, Update, update_feeds
from gateway.visitors.feeds import LONGEST, Feed, FeedFault, read_feed
from gateway.visitors.fetched_lists import FeedFolder, LiveNetworks
from gateway.visitors.networks import Networks

NOW = 1_795_000_000
SHIPPED = Networks.shipped()
GPTBOT = SHIPPED.lists["openai-gptbot"]
HONEST = json.dumps({"prefixes": [{"ipv4Prefix": str(prefix)} for prefix in GPTBOT.prefixes]}).encode()
ATTACKER = "185.220.101.7"


async def fetched(folder: FeedFolder, octets: bytes, *, accept: tuple[str, ...] = ()) -> Update:
    async def fetch(url: str, *, etag: str, limit: int) -> Fetched | NotFetched:
        return Fetched(octets)

    (done,) = [each async for each in update_feeds([GPTBOT], folder, fetch, now=NOW, accept=accept)]
    return done


def poisoned() -> Iterator[tuple[str, bytes]]:
    """Feeds with the attacker in them, or without those who belong there."""
    rows = json.loads(HONEST)["prefixes"]
    yield "everybody", b'["0.0.0.0/0", "::/0"]'
    yield "half of everybody", b'["0.0.0.0/1", "128.0.0.0/1"]'
    yield (
        "everybody in twelves",
        json.dumps([f"{n >> 4}.{(n & 15) << 4}.0.0/12" for n in range(4096)]).encode(),
    )
    yield "the attacker's neighborhood", json.dumps([*rows, {"ipv4Prefix": "185.0.0.0/8"}]).encode()
    yield "nobody", b'{"prefixes": []}'
    yield "one instead of all", json.dumps({"prefixes": [{"ipv4Prefix": f"{ATTACKER}/32"}]}).encode()
    yield (
        "many more",
        json.dumps(
            {"prefixes": [*rows, *({"ipv4Prefix": f"{ATTACKER[:-1]}{n}"} for n in range(99))]}
        ).encode(),
    )
    yield "the machine itself", json.dumps({"prefixes": [*rows, {"ipv4Prefix": "127.0.0.1/32"}]}).encode()
    yield "the cloud's own", json.dumps({"prefixes": [*rows, {"ipv4Prefix": "169.254.169.254/32"}]}).encode()
    yield "a page", b"<html>" + HONEST
    yield "cut short", HONEST[:-9]
    yield "another charset", HONEST.decode().encode("utf-16")
    yield "deep", b'{"prefixes": ' + b"[" * 500_000
    yield "a long number", b'["' + b"9" * 1_000_000 + b'"]'
    yield "a host name", json.dumps([*rows, "crawler.openai.com"]).encode()
    yield "digits of elsewhere", json.dumps([*rows, "٦٦.249.64.0/27"]).encode()
    yield "a mask", json.dumps([*rows, "66.249.64.0/255.255.255.224x"]).encode()


@pytest.mark.parametrize("octets", [pytest.param(octets, id=name) for name, octets in poisoned()])
async def test_a_poisoned_feed_changes_nothing(tmp_path: Path, octets: bytes) -> None:
    folder = FeedFolder(tmp_path / "feeds")
    assert (await fetched(folder, HONEST)).outcome is Outcome.UNCHANGED
    done = await fetched(folder, octets)
    assert done.outcome is Outcome.REFUSED
    assert done.fault is not None
    now = LiveNetworks(SHIPPED, folder).networks
    assert now.lists["openai-gptbot"].prefixes == GPTBOT.prefixes
    assert now.lists_of(ATTACKER) == ()
    assert now.lists_of("127.0.0.1") == ()


@pytest.mark.parametrize("cut", range(0, len(HONEST) - 1, 7))
def test_half_a_feed_is_no_feed(cut: int) -> None:
    assert isinstance(read_feed(HONEST[:cut]), FeedFault)


def test_ten_megabytes_cost_little() -> None:
    octets = b'{"prefixes": [' + b'{"ipv4Prefix": "66.249.64.0/27"},' * 300_000 + b"0]}"
    assert len(octets) > 9 << 20
    tracemalloc.start()
    try:
        fault = read_feed(octets)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(fault, FeedFault)
    assert fault.code == "too-long"
    assert most < 1 << 20


def test_a_feed_just_short_enough_is_bounded_by_its_entries() -> None:
    row = b'{"ipv4Prefix": "66.249.64.0/27"},'
    octets = b'{"prefixes": [' + row * (LONGEST // len(row) - 2) + row[:-1] + b"]}"
    assert len(octets) <= LONGEST
    fault = read_feed(octets)
    assert isinstance(fault, FeedFault)
    assert fault.code == "too-many"


def test_a_person_cannot_accept_poison(tmp_path: Path) -> None:
    for name, octets in poisoned():
        fault = read_feed(octets)
        if isinstance(fault, FeedFault):
            assert not fault.arguable, name


async def test_what_lies_on_the_disk_is_judged_again(tmp_path: Path) -> None:
    """Whoever can write one file of the folder cannot make everybody a crawler."""
    folder = FeedFolder(tmp_path / "feeds")
    await fetched(folder, HONEST)
    file = folder.path / "openai-gptbot.json"
    for prefix in ("0.0.0.0/0", "10.0.0.0/8", "185.0.0.0/8"):
        changed = json.loads(file.read_bytes())
        changed["prefixes"] = [prefix]
        file.write_text(json.dumps(changed))
        live = LiveNetworks(SHIPPED, folder)
        assert live.networks.lists["openai-gptbot"] == GPTBOT
        assert len(live.mistakes) == 1


def test_bent_real_feeds_never_raise(shared_data: Path) -> None:
    octets = (shared_data / "ip_ranges" / "acv_openai-chatgpt-user.json").read_bytes()
    dice = random.Random(4)
    taken = 0
    for _ in range(400):
        bent = bytearray(octets)
        for _ in range(dice.randint(1, 8)):
            bent[dice.randrange(len(bent))] = dice.randrange(256)
        read = read_feed(bytes(bent))
        taken += isinstance(read, Feed)
        assert isinstance(read, Feed | FeedFault)
    assert taken < 400
