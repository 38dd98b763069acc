"""Bundles withdrawn by name: as what is in them, one or several, and never more than can be said."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from gateway.dashboard.bundle_picks import MOST, named, newest_of
from gateway.licenses.bundle import Item, Manifest
from gateway.licenses.withdrawal import USUAL


def manifest(name, *paths, made_at=1):
    items = tuple(Item(path, "essays", "page", "ab" * 32, 9, "own", "none") for path in sorted(paths))
    return Manifest(name, "journal", made_at, items)


SPRING = manifest("spring", "/essays/moon", "/essays/tides")
FALL = manifest("fall", "/essays/fog", "/essays/moon")
KNOWN = {"spring": SPRING, "fall": FALL}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["bundle:spring"], ("bundle:spring", "/essays/moon", "/essays/tides")),
        (["letters", "bundle:spring"], ("letters", "bundle:spring", "/essays/moon", "/essays/tides")),
        (["bundle:spring", "bundle:fall"], ("/essays/moon", "/essays/tides", "/essays/fog")),
        (["bundle:other"], ("bundle:other",)),
        (["bundle:spring", "bundle:other"], ("bundle:other", "/essays/moon", "/essays/tides")),
        (["/essays/moon"], ("/essays/moon",)),
        ([], ()),
    ],
)
def test_a_bundle_stands_for_what_is_in_it(words, found):
    assert named(words, KNOWN) == found


def test_too_many_pages_are_a_work():
    large = manifest("large", *(f"/essays/{nth}" for nth in range(MOST + 1)))
    assert "withdraw the works" in named(["bundle:large"], {"large": large})


@pytest.fixture
def consents(consents, tmp_path):
    """Of a policy that has manifests beside it."""
    (tmp_path / "bundles").mkdir()
    for each in (SPRING, FALL, manifest("spring", "/essays/old", made_at=0)):
        (tmp_path / "bundles" / f"{each.name}-{each.made_at}.json").write_text(
            json.dumps({**each.as_json(), "hash": each.hash})
        )
    policy = replace(consents.policies()[0], file=str(tmp_path / "journal.toml"))
    return replace(consents, policies=lambda: (policy,))


async def test_the_newest_manifest_of_a_name_counts(consents):
    assert await newest_of(consents.policies()) == {"journal": KNOWN}


async def test_several_bundles_are_ticked_and_withdrawn_in_two_steps(board, consents):
    page = (await board.get("/consent")).text
    assert 'name="pick/bundle:spring" value="yes"> spring <span class="muted">2 pages' in page
    ticks = {f"use-{use}": "yes" for use in USUAL} | {"pick/bundle:spring": "yes", "pick/bundle:fall": "yes"}
    sent = {"form": await board.form("/consent"), "site": "journal", "what": "", **ticks}
    shown = await board.post("/consent/withdraw", sent)
    assert "Withdraw this?" in shown.text
    assert "/essays/fog" in shown.text
    assert 'name="pick/bundle:fall" value="yes" checked' in shown.text
    sure = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown.text.split("sure", 1)[1])
    )
    assert (await board.post("/consent/withdraw", sure)).status == 303
    (one,) = await consents.taking_back.store.all(9)
    assert [each.pattern for each in one.paths] == ["/essays/moon", "/essays/tides", "/essays/fog"]
    assert one.bundle == ""


async def test_one_bundle_gives_its_name_and_an_unknown_one_is_not_lost(board, consents):
    ticks = {f"use-{use}": "yes" for use in USUAL}
    sent = {"form": await board.form("/consent"), "site": "journal", **ticks}
    page = await board.post("/consent/withdraw", {**sent, "what": "bundle:nowhere"})
    assert page.status == 400
    assert "bundle:nowhere\n</textarea>" in page.text
    await board.post("/consent/withdraw", {**sent, "what": "", "pick/bundle:spring": "yes", "sure": "yes"})
    (one,) = await consents.taking_back.store.all(9)
    assert (one.bundle, len(one.paths)) == ("spring", 2)
