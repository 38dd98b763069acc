"""Copies in the data folder: what is written is read back, what cannot be used harms nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import orjson
import pytest

from gateway.visitors.fetched_lists import FeedFolder, Kept, LiveNetworks
from gateway.visitors.networks import FetchedCopy, NetworkList, Networks

LIST = NetworkList(
    "new", "New", "https://new.example/ips.json", 1_000_000, True, 30, (ip_network("66.249.64.0/27"),)
)
OTHER = replace(LIST, name="other", prefixes=(ip_network("17.22.237.0/24"),))
COPY = FetchedCopy(
    "new", 2_000_000, (ip_network("52.230.152.0/24"), ip_network("2600:1f28:365:8000::/56")), '"v2"'
)


@pytest.fixture
def folder(tmp_path: Path) -> FeedFolder:
    return FeedFolder(tmp_path / "feeds")


@pytest.fixture
def live(folder: FeedFolder) -> LiveNetworks:
    return LiveNetworks(Networks([LIST, OTHER]), folder)


def test_what_is_written_is_read_back(folder: FeedFolder) -> None:
    kept = Kept("new", COPY, 2_000_100, "failed: it answers 404")
    folder.write(kept, LIST.source)
    assert folder.read([LIST, OTHER]) == ({"new": kept}, ())
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert [entry.name for entry in folder.path.iterdir()] == ["new.json"]


def test_an_empty_or_missing_folder_leaves_the_shipped_lists(live: LiveNetworks) -> None:
    assert live.networks.lists == live.shipped.lists
    assert live.mistakes == ()
    assert not live.refresh()


def test_a_newer_copy_takes_the_place_of_the_shipped_one(folder: FeedFolder, live: LiveNetworks) -> None:
    folder.write(Kept("new", COPY, 2_000_000), LIST.source)
    assert live.refresh()
    assert not live.refresh()
    now = live.networks
    assert now.lists_of("52.230.152.9") == ("new",)
    assert now.lists_of("66.249.64.1") == ()
    assert now.lists_of("17.22.237.1") == ("other",)
    known = now.lists["new"]
    assert (known.checked_at, known.max_age_days, known.fetched) == (2_000_000, 7, True)
    # Whoever was listed until lately is near, so no claim from there is called forged.
    assert now.is_near("new", "66.249.64.1")
    assert live.shipped.lists_of("66.249.64.1") == ("new",)


def test_an_older_copy_does_not(folder: FeedFolder, live: LiveNetworks) -> None:
    folder.write(Kept("new", replace(COPY, fetched_at=999_999), 2_000_000), LIST.source)
    assert live.refresh()
    assert live.networks.lists["new"] == LIST


def test_a_copy_that_goes_gives_way_to_the_shipped_one(folder: FeedFolder, live: LiveNetworks) -> None:
    folder.write(Kept("new", COPY, 2_000_000), LIST.source)
    live.refresh()
    (folder.path / "new.json").unlink()
    assert live.refresh()
    assert live.networks.lists["new"] == LIST


def test_a_copy_of_another_source_is_left_aside(folder: FeedFolder, live: LiveNetworks) -> None:
    folder.write(Kept("new", COPY, 2_000_000), "https://elsewhere.example/")
    live.refresh()
    assert live.networks.lists["new"] == LIST


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"[]",
        b'{"prefixes": ["ten"], "source": "https://new.example/ips.json"}',
        b'{"prefixes": ["10.0.0.0/8"], "source": "https://new.example/ips.json"}',
        b'{"prefixes": ["66.0.0.0/8"], "source": "https://new.example/ips.json"}',
        b'{"fetched_at": -1}',
        b'{"fetched_at": 1e30}',
        b'{"surprise": 1}',
        b'{"prefixes": "66.249.64.0/27"}',
        b" " * 3_000_000,
        b"\xff",
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_harms_nothing(
    folder: FeedFolder, live: LiveNetworks, octets: bytes
) -> None:
    folder.write(Kept("other", replace(COPY, name="other"), 1), OTHER.source)
    (folder.path / "new.json").write_bytes(octets)
    assert live.refresh()
    assert live.networks.lists["new"] == LIST
    assert live.networks.lists_of("52.230.152.9") == ("other",)
    (mistake,) = live.mistakes
    assert mistake.file.endswith("new.json")


def test_a_write_that_fails_leaves_the_last_good_copy(
    folder: FeedFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write(Kept("new", COPY, 1), LIST.source)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.write(Kept("new", None, 2), LIST.source)
    assert folder.read([LIST])[0]["new"].copy == COPY
    assert [entry.name for entry in folder.path.iterdir()] == ["new.json"]


def test_a_file_says_where_it_came_from(folder: FeedFolder) -> None:
    folder.write(Kept("new", COPY, 5), LIST.source)
    written = orjson.loads((folder.path / "new.json").read_bytes())
    assert (written["source"], written["fetched_at"], written["etag"]) == (LIST.source, 2_000_000, '"v2"')
