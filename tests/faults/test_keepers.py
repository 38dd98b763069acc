"""The log's keeper: killed between any two of its steps, met by a second one, and by a folder that was put back."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from pathlib import Path

import pytest

from gateway.app.folder import FolderLock
from gateway.cli.books import open_books
from gateway.problems import ConfigurationError
from gateway.provenance.keeper import KeeperLock
from loadtests.faults.shop import Refused, Said, Shop
from loadtests.faults.table import told
from loadtests.faults.verdict import judge

KILLED, TWO, BACK = "log keeper killed between steps", "two keepers at once", "older state put back"


def image(folder: Path, name: str) -> Path:
    """What `kill -9` leaves at this moment: the files, and nobody who holds a lock on them."""
    return shutil.copytree(folder, folder.with_name(name), symlinks=True)


async def test_a_keeper_killed_between_any_two_steps_is_followed_by_one_that_ends_them(begun, data, said):
    shop = await begun(250)
    await shop.sell(9)
    images = [(image(data, "recorded"), Said(list(said.entries), list(said.heads)))]
    await shop.fold()
    images.append((image(data, "folded"), images[0][1]))
    log = shop.keeping.log
    taken = await shop.keeping.leaves.leaves(log.size, 4096)
    assert (len(taken), log.size) == (9, 251)
    log.append(taken[:5])  # 256: a whole tile and a whole bundle are written, and no head
    images.append((image(data, "tile"), images[0][1]))
    log.append(taken[5:])
    images.append((image(data, "appended"), images[0][1]))
    await shop.publish()
    images.append((image(data, "signed"), Said(list(said.entries), list(said.heads))))
    await shop.close()
    wrong = [str(found) for folder, heard in images if not (found := await judge(folder, heard)).clean]
    told(KILLED, len(images), wrong=len(wrong))
    assert wrong == []


async def test_an_acknowledged_record_that_is_gone_is_noticed(begun, data, said):
    """The control of everything here: the verdict is not clean where the file is."""
    shop = await begun(5)
    await shop.sell(3)
    gone = image(data, "gone")
    await shop.close()
    (segment,) = (gone / "journal").glob("front-*.seg")
    segment.write_bytes(segment.read_bytes()[:-2000])
    found = await judge(gone, said)
    assert found.lost
    assert not found.clean
    told(KILLED, control=f"the file cut: {len(found.lost)} lost, found")


async def test_a_second_keeper_is_turned_away_and_says_why(begun, data, said):
    shop = await begun(3)
    with pytest.raises(Refused, match="another process keeps this journal; stop it first"):
        await Shop.open(data, said, round=1)
    lock = FolderLock(data)
    with pytest.raises(ConfigurationError, match="another gateway runs on this data folder; stop it first"):
        FolderLock(data)
    lock.release()
    await shop.sell(1)
    await shop.close()
    found = await judge(data, said)
    told(TWO, 2, wrong=not found.clean)
    assert found.clean, found


async def test_two_keepers_of_one_log_without_the_lease_fork_it_and_that_is_found(
    begun, data, said, monkeypatch
):
    shop = await begun(3)
    other_folder = image(data, "other")
    shutil.rmtree(other_folder / "log")
    (other_folder / "log").symlink_to(data / "log")
    # A lease is one for all only where all ask for the same: these two hosts have a store each.
    other = await Shop.open(other_folder, Said(), round=1)
    assert await other.publish() == ""
    await shop.sell(2)
    await shop.fold()
    await shop.publish()
    await other.sell(2)
    await other.fold()
    await other.publish()
    await shop.close()
    await other.close()
    found = await judge(data, said, sell=0)
    assert found.forked or "another history" in found.refused
    assert not found.clean
    told(TWO, control="a store each, one log: fork found")
    assert KeeperLock.try_take(data) is not None


async def put_back(data: Path, old: Path, *names: str) -> Path:
    """*data*, but for *names*, which are as they were in *old*."""
    mixed = image(data, "mixed-" + "-".join(name.partition(".")[0] for name in names))
    for name in names:
        for path in [mixed / name, *(mixed / f"{name}{more}" for more in ("-wal", "-shm"))]:
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
        for path in old.glob(f"{name}*"):
            put = shutil.copytree if path.is_dir() else shutil.copy
            put(path, mixed / path.name)
    return mixed


@pytest.mark.parametrize(
    ("sold_since", "why"),
    [(0, "The log's head promises 21 entries and the store holds 11"), (20, "another history was restored")],
)
async def test_an_older_database_and_journal_under_a_newer_head_are_told_from_the_truth(
    begun, data, said, sold_since, why
):
    shop = await begun(10)
    await shop.close()
    old = image(data, "old")
    shop = await Shop.open(data, said, round=1)
    await shop.sell(10)
    await shop.fold()
    await shop.publish()
    await shop.close()
    back = await put_back(data, old, "licet.db", "journal")
    before = (back / "log" / "checkpoint").read_bytes()
    found = await judge(back, said, sell=sold_since)
    assert why in found.refused
    assert "licet restore" in found.refused, "what to do"
    assert (back / "log" / "checkpoint").read_bytes() == before
    assert not found.forked
    told(BACK, 1, refused=1)


async def test_an_older_database_beside_the_newer_journal_is_made_whole_by_it(begun, data, said):
    shop = await begun(10)
    await shop.close()
    old = image(data, "old")
    for round in range(1, 4):
        shop = await Shop.open(data, said, round=round)
        await shop.sell(10)
        await shop.fold()
        await shop.publish()
        await shop.close()
    found = await judge(await put_back(data, old, "licet.db"), said)
    told(BACK, 1, wrong=not found.clean, made_whole=1)
    assert found.clean, found
    assert found.entries == 42


async def test_an_older_journal_under_a_newer_database_is_damage_that_is_told(begun, data, said):
    shop = await begun(10)
    old = image(data, "old")
    await shop.sell(10)
    await shop.fold()
    await shop.close()
    mixed = await put_back(data, old, "journal")
    found = await judge(mixed, said)
    assert "cannot be read from the journal" in found.refused
    assert not found.lost
    # Their octets are gone with the file; what they owed is not.
    async with open_books(mixed) as books:
        posted = await books.ledger.postings(None, 0, 1 << 62)
    assert {each.entry_id for each in posted} >= set(said.entries)
    told(BACK, 1, refused=1)


@pytest.mark.parametrize("count", [256, 300])
async def test_entries_that_were_folded_again_in_another_order_are_another_history(begun, data, said, count):
    """Two writers, whose entries a keeper that begins anew reads file by file."""
    shop = await begun(3)
    await shop.close()
    old = image(data, "old")
    shop = await Shop.open(data, said, round=1)
    other = await second_writer(shop)
    for writer, most in itertools.cycle([(shop, 40), (other, 7)]):
        left = count - 4 - shop.sold - other.sold
        if not left:
            break
        await writer.sell(min(most, left))
        await shop.fold()
    await shop.publish()
    assert said.heads[-1].size == count
    await other.journal.close()
    await shop.close()
    found = await judge(await put_back(data, old, "licet.db"), said)
    assert "another history was restored" in found.refused, found
    assert not found.forked
    assert not found.lost
    told(BACK, 1, refused=1)


async def second_writer(shop: Shop) -> Shop:
    """Another writer beside *shop*, in the same store."""
    from dataclasses import replace

    from gateway.provenance.journal import Journal

    journal = Journal.open(shop.folder / "journal", "other", clock=shop.clock, reserve_bytes=0)
    return replace(shop, journal=journal, round=2, sold=0)


async def test_a_whole_folder_that_was_put_back_is_found_by_whoever_has_a_newer_head(begun, data, said):
    """Nothing on the machine can know: a head that somebody kept does."""
    shop = await begun(10)
    await shop.close()
    back = image(data, "back")
    shop = await Shop.open(data, said, round=1)
    await shop.sell(10)
    await shop.fold()
    await shop.publish()
    await shop.close()
    shorter = await judge(back, said, sell=1)
    assert (shorter.refused, len(shorter.lost)) == ("", 10)
    assert any("the head has 12 leaves, and an earlier one had 21" in each for each in shorter.forked)
    other = await Shop.open(back, Said(), round=3)
    await other.sell(30)
    await other.fold()
    await other.publish()
    await other.close()
    longer = await judge(back, said, sell=1)
    assert longer.forked, "another history of the same length"
    told(BACK, 2, control="whole folder: a newer head that was kept finds it")


async def test_a_restored_backup_says_so_and_begins_another_log(begun, data, said, tmp_path):
    from typer.testing import CliRunner

    from gateway.cli import app

    shop = await begun(10)
    await shop.close()
    run = CliRunner().invoke
    archive = tmp_path / "licet.tar"
    made = await asyncio.to_thread(run, app, ["backup", str(archive), "--data", str(data)])
    assert made.exit_code == 0, made.output
    shop = await Shop.open(data, said, round=1)
    await shop.sell(5)
    await shop.fold()
    await shop.publish()
    await shop.close()
    kept = list(said.heads)
    refused = await asyncio.to_thread(run, app, ["restore", str(archive), "--data", str(data)])
    assert refused.exit_code == 1
    assert "would roll" in refused.output
    done = await asyncio.to_thread(run, app, ["restore", str(archive), "--data", str(data), "--yes"])
    assert done.exit_code == 0, done.output
    assert json.loads((data / "restored.json").read_text())["lost"]["entries"] == 5
    found = await judge(data, Said(said.entries[:11], []))
    assert found.clean, found
    name = (data / "log" / "name").read_text().strip()
    assert name not in {head.origin for head in kept}
    told(BACK, 1, refused=1)
