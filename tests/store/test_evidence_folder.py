"""The folder of evidence: who may read it, and what happens when it is damaged."""

from __future__ import annotations

import asyncio
import os
import stat

import pytest

from gateway.problems import StoreUnavailable
from gateway.store.evidence_folder import EvidenceFolder


async def test_nobody_else_on_the_machine_reads_it(tmp_path):
    shelf = EvidenceFolder(tmp_path / "evidence")
    old = os.umask(0)
    try:
        sha256 = await shelf.keep(b"secret")
    finally:
        os.umask(old)
    path = tmp_path / "evidence" / sha256[:2] / sha256
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(each.stat().st_mode) for each in (path.parent, path.parent.parent)} == {0o700}


async def test_what_was_changed_is_not_told_and_can_be_kept_again(tmp_path):
    shelf = EvidenceFolder(tmp_path / "evidence")
    sha256 = await shelf.keep(b"one")
    path = tmp_path / "evidence" / sha256[:2] / sha256
    path.write_bytes(b"two")
    with pytest.raises(StoreUnavailable):
        await shelf.read(sha256)
    assert await shelf.keep(b"one") == sha256
    assert await shelf.read(sha256) == b"one"


async def test_many_at_once_leave_one_file(tmp_path):
    shelf = EvidenceFolder(tmp_path / "evidence")
    kept = set(await asyncio.gather(*(shelf.keep(b"same") for _ in range(20))))
    assert len(kept) == 1
    assert len([each for each in (tmp_path / "evidence").rglob("*") if each.is_file()]) == 1


async def test_a_folder_that_cannot_be_written_is_a_store_that_is_down(tmp_path):
    (tmp_path / "evidence").write_text("a file stands there")
    with pytest.raises(StoreUnavailable):
        await EvidenceFolder(tmp_path / "evidence").keep(b"x")
