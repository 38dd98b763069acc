"""What one of several machines does for all, and when it does not; the whole of it is tests/journeys/test_machines.py."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.app.checkup.machines import found
from gateway.app.machines import alone, machines_of, seen, settings_digest, while_leading
from gateway.config import Config
from gateway.keys.sealed import new_key
from gateway.settings import Listen, Pacing, Store, Trust
from gateway.store.postgres.places import Place
from gateway.store.sqlite.database import Database


async def test_what_one_does_for_all_is_done_by_who_leads():
    kept, done = SimpleNamespace(leads=False), []

    async def act() -> None:
        done.append(1)

    for name in ("dues", "look"):
        await alone(name, act, lambda: kept)()
    assert len(done) == 1
    kept.leads = True
    await alone("dues", act, lambda: kept)()
    assert len(done) == 2


async def test_what_runs_on_begins_and_ends_with_the_lead():
    kept, begun, ended = SimpleNamespace(leads=True), asyncio.Event(), asyncio.Event()

    async def run() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(while_leading(lambda: kept, run))
    async with asyncio.timeout(10):
        await begun.wait()
        begun.clear()
        kept.leads = False
        await ended.wait()
        ended.clear()
        kept.leads = True
        await begun.wait()
        task.cancel()
        await ended.wait()
    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_what_breaks_begins_again():
    kept, times = SimpleNamespace(leads=True), asyncio.Queue()

    async def run() -> None:
        times.put_nowait(1)
        raise OSError("broke")

    task = asyncio.create_task(while_leading(lambda: kept, run))
    async with asyncio.timeout(10):
        began = [await times.get(), await times.get()]
    assert began == [1, 1]
    task.cancel()
    [ended] = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError)


async def test_a_folder_of_its_own_has_no_others(tmp_path):
    database = await Database.open(tmp_path / "licet.db")
    config = Config(tmp_path)
    one = machines_of(config, database, database)
    await one.settle()
    await one.look(None, None)  # nothing is asked of anybody
    await one.close_lost()
    await database.close()
    assert await seen(tmp_path) == []


def test_the_digest_of_settings_is_of_what_must_be_the_same():
    key = new_key()
    plain = Config(Path("/a"), store=Store(shared_key=key))
    same = Config(Path("/b"), store=Store(shared_key=key, reserve_mb=1), listen=Listen(port=1))
    assert settings_digest(plain) == settings_digest(same)
    assert settings_digest(plain) != settings_digest(
        Config(Path("/a"), store=plain.store, pacing=Pacing(license_burst=7))
    )
    assert settings_digest(plain) != settings_digest(Config(Path("/a"), store=Store(shared_key=new_key())))


def place(name: str, *, silent: int = 1, settings: str = "s", version: str = "1") -> Place:
    return Place(name, f"{name}.example", version, settings, 0, 0, silent * 1_000_000, 0)


SHARED = Config(Path("/data"), store=Store(shared_key=new_key()), trust=Trust(proxies=("loopback",)))


@pytest.mark.parametrize(
    ("config", "places", "ahead", "states", "words"),
    [
        (SHARED, [place("a"), place("b")], 0.1, {"ok"}, "2 machines on this database; keys and policies are the same"),
        (Config(Path("/data")), [place("a")], 0.0, {"ok"}, "licet store share"),
        (Config(Path("/data")), [place("a"), place("b")], 0.0, {"ok", "bad", "warn"}, "no store.shared_key"),
        (SHARED, [place("a"), place("b", silent=90)], 0.0, {"ok", "warn"}, "for 90 s"),
        (SHARED, [place("a"), place("b", silent=90)], 0.0, {"ok", "warn"}, "60 minutes after its last word"),
        (SHARED, [place("a"), place("b", settings="t")], 0.0, {"ok", "warn"}, "other settings"),
        (SHARED, [place("a"), place("b", version="2")], 0.0, {"ok", "warn"}, "runs licet 2, this machine 1"),
        (SHARED, [place("a"), place("b", silent=8 * 86_400)], 0.0, {"ok"}, "1 machine on"),
        (SHARED, [place("a")], 5.0, {"ok", "warn"}, "5 s ahead of"),
        (SHARED, [place("a")], -90.0, {"ok", "bad"}, "90 s behind"),
    ],
)  # fmt: skip
def test_doctor_names_what_is_missing(config, places, ahead, states, words):
    told = found(config, "a", places, ahead)
    assert {each.state for each in told} == states
    assert words in "\n".join(f"{each.fact} {each.step}" for each in told)
