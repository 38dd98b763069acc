"""What a draft would change, as tables of its own address."""

from __future__ import annotations

import json
import os
import re

import pytest

from gateway.dashboard.policy_shelf import digest_of


@pytest.fixture
async def desk(start, filled, files):
    board = await start(filled, policies=files)
    await board.set_password()
    return board


async def rows(desk, path):
    return json.loads((await desk.get(path)).text)["rows"]


async def test_the_tables_of_a_change_hold_what_its_page_shows(desk, files):
    (policy,) = files.policies
    text = files.text(policy)
    changed = text + '\n[[rules]]\nthen = "refuse"\n'
    form = {"form": await desk.form("/policies/journal"), "base": digest_of(text), "text": changed}
    page = (await desk.post("/policies/journal/check", form)).text
    links = re.findall(r'href="(/policies/journal/impact(?:/crawlers)?\.json\?draft=[0-9a-f]{64})"', page)
    assert len(links) == 2
    verdicts, crawlers = await rows(desk, links[0]), await rows(desk, links[1])
    visits = int(re.search(r"([0-9,]+) fetches by machines", page)[1].replace(",", ""))
    assert sum(row["now"] for row in verdicts) == sum(row["then"] for row in verdicts) == visits > 0
    assert sum(row["difference"] for row in verdicts) == 0
    assert {row["would_be"]: row["then"] for row in verdicts}["refused"] == visits
    assert ("Googlebot", "served free", "refused", 24) in {tuple(row.values()) for row in crawlers}
    assert files.text(policy) == text
    # A version that was in force is asked in the same way.
    assert files.versions(policy)
    same = await rows(desk, f"/policies/journal/impact.json?draft={digest_of(text)}")
    assert all(row["difference"] == 0 for row in same)


async def test_what_was_never_tried_is_not_there(desk):
    for draft in ("", "0" * 64, "../x", "a" * 63, "%2e" * 8):
        assert (await desk.get(f"/policies/journal/impact.csv?draft={draft}")).status == 404
    assert (await desk.get(f"/policies/other/impact.csv?draft={'0' * 64}")).status == 404
    desk.become("viewer")
    assert (await desk.get(f"/policies/journal/impact.csv?draft={'0' * 64}")).status == 403


def test_only_the_last_drafts_are_kept_and_only_their_owner_reads_them(files, tmp_path):
    (policy,) = files.policies
    kept = []
    for nth in range(25):
        kept.append(files.keep_draft(policy, f"# {nth}\n"))
        os.utime(tmp_path / "policy-versions" / "journal" / "drafts" / f"{kept[-1]}.toml", ns=(nth, nth))
    found = [files.draft("journal", each) for each in kept]
    assert found == [None] * 5 + [f"# {nth}\n" for nth in range(5, 25)]
    folder = tmp_path / "policy-versions" / "journal" / "drafts"
    assert {each.stat().st_mode & 0o077 for each in (folder, *folder.iterdir())} == {0}
