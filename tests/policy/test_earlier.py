"""Earlier policies: met for a week after they were replaced, across a restart, and nothing else."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.licenses.bundle import manifest, write_manifest
from gateway.policy.bundles import manifest_file, manifest_sold
from gateway.policy.earlier import EarlierPolicies
from gateway.policy.reading import read_policy
from gateway.terms.publishing import USUAL, Publishing
from tests.policy.test_bundles import POLICY as OVER_A_BUNDLE
from tests.policy.test_bundles import items

SITE = 'stance = "open"\n[site]\nname = "{name}"\nhosts = ["one.example"]\norigin = "http://127.0.0.1:8000"\n'
WEEK = USUAL.license_days * 86_400


@pytest.fixture
def policy(tmp_path):
    """`policy("name")`: the site's only file says that name from now on; returns it as read."""

    def write(name):
        file = tmp_path / "sites" / "one.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(SITE.format(name=name))
        return read_policy(file)

    return write


def names(earlier, now):
    return [each.site.name for each in earlier.of_site("one", now)]


def test_what_is_in_force_is_not_earlier_and_what_was_lapses_one_by_one(policy):
    earlier = EarlierPolicies()
    earlier.see([policy("first")], 0)
    assert names(earlier, 10) == []
    earlier.see([policy("first")], 100)
    earlier.see([policy("second")], 200)
    earlier.see([policy("third")], 300)
    assert names(earlier, 300) == ["second", "first"]
    assert names(earlier, 200 + WEEK) == ["second"]
    assert names(earlier, 300 + WEEK) == []
    assert earlier.of_site("two", 300) == ()


def test_a_license_is_met_for_as_long_as_it_said_that_it_may_be_kept(policy):
    earlier = EarlierPolicies()
    first = policy("first")
    earlier.see([replace(first, publishing=Publishing(license_days=2), digest="sha-256:other")], 0)
    earlier.see([policy("second")], 100)
    assert names(earlier, 100 + 2 * 86_400 - 1) == ["first"]
    assert names(earlier, 100 + 2 * 86_400) == []


def test_a_policy_that_returns_is_in_force_and_not_earlier(policy):
    earlier = EarlierPolicies()
    for at, name in enumerate(("first", "second", "first")):
        earlier.see([policy(name)], at)
    assert names(earlier, 3) == ["second"]


def test_a_restart_forgets_nothing_even_where_the_file_was_edited_meanwhile(policy, tmp_path):
    folder = tmp_path / "earlier"
    before = EarlierPolicies(folder)
    before.see([policy("first")], 0)
    before.see([policy("second")], 10)
    after = EarlierPolicies(folder)
    after.see([policy("third")], 20)
    assert names(after, 20) == ["second", "first"]
    assert names(after, 10 + WEEK) == ["second"]
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


def test_copies_of_what_lapsed_are_removed_and_sixteen_are_kept(policy, tmp_path):
    folder = tmp_path / "earlier"
    earlier = EarlierPolicies(folder)
    for at in range(30):
        earlier.see([policy(f"name {at}")], at)
    assert len(names(earlier, 30)) == 15
    assert len(list(folder.glob("*.toml"))) == 16
    earlier.see([policy("last")], 40 + WEEK)
    assert len(list(folder.glob("*.toml"))) == 2


@pytest.mark.parametrize(
    "index",
    [b"", b"{}", b"[1]", b'[{"site":"one"}]', b"\xff", b'[{"site":"one","digest":"x/../../y","until":1}]'],
)
def test_a_damaged_index_is_no_earlier_policy(policy, tmp_path, index):
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "index.json").write_bytes(index)
    assert names(EarlierPolicies(tmp_path / "earlier"), 0) == []


def test_a_copy_that_was_changed_is_not_believed(policy, tmp_path):
    folder = tmp_path / "earlier"
    earlier = EarlierPolicies(folder)
    earlier.see([policy("first")], 0)
    earlier.see([policy("second")], 1)
    first = next(row["digest"] for row in json.loads((folder / "index.json").read_text()) if row["until"])
    (copy,) = (file for file in folder.glob("*.toml") if first.partition(":")[2] in file.name)
    copy.write_text(SITE.format(name="cheaper"))
    assert names(EarlierPolicies(folder), 1) == []


def test_a_folder_that_cannot_be_written_costs_the_copies_alone(policy, tmp_path, caplog):
    (tmp_path / "earlier").write_text("a file in the way")
    earlier = EarlierPolicies(tmp_path / "earlier")
    earlier.see([policy("first")], 0)
    earlier.see([policy("second")], 1)
    assert names(earlier, 1) == ["first"]
    assert "earlier offers cannot be kept" in caplog.text


def test_a_policy_without_a_file_is_remembered_all_the_same(policy, tmp_path):
    earlier = EarlierPolicies(tmp_path / "earlier")
    first = policy("first")
    os.unlink(first.file)
    earlier.see([first], 0)
    earlier.see([policy("second")], 1)
    assert names(earlier, 1) == ["first"]


def test_a_policy_over_a_bundle_is_remembered_over_a_restart_with_its_own_manifest(tmp_path):
    file, folder = tmp_path / "sites" / "journal.toml", tmp_path / "earlier"
    at = manifest_file(file, "launch")
    at.parent.mkdir(parents=True)
    seen, earlier = [], EarlierPolicies(folder)
    for nth, paths in enumerate((("/essays/a",), ("/essays/a", "/essays/b"), ("/essays/b",))):
        made = manifest("launch", "journal", nth, items(*paths))
        at.write_text(write_manifest(made))
        file.write_text(OVER_A_BUNDLE.format(rights="own", more=""))
        seen.append((read_policy(file), made))
        earlier.see([seen[-1][0]], 100 * nth)
    at.unlink()
    again = EarlierPolicies(folder)
    found = again.of_site("journal", 300)
    assert [each.digest for each in found] == [policy.digest for policy, _ in reversed(seen[:2])]
    for policy, (_, made) in zip(found, reversed(seen[:2]), strict=True):
        (offer,) = policy.offers
        assert offer.terms.scope.bundle == made.bundle
        assert manifest_sold(Path(policy.file), made.bundle) == made
    again.see([found[0]], 300 + 20 * WEEK)
    kept = {each.name for each in folder.iterdir()}
    assert len(kept) == 5, "what lapsed is gone with its manifests"
