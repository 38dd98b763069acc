"""Two keepers of one public log: one leads, the other takes over, and there is one history."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.clock import SystemClock
from gateway.keys.key_ring import KeyRing
from gateway.keys.key_set import EDDSA
from gateway.provenance.chain import EMPTY, leaf_hash, node_hash
from gateway.provenance.checkpoint import LogKey, read
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.public_log import LogRefused
from gateway.provenance.record import ShedNote
from gateway.store.postgres.database import Postgres
from gateway.store.postgres.folding import PostgresFolding
from gateway.store.postgres.leading import Leadership
from gateway.store.sqlite.leaves import SqliteLeaves

START = 1_795_000_000_000_000


@dataclass
class Keeping:
    """A process that keeps the log, and what it has said."""

    process: asyncio.subprocess.Process
    signed: dict[int, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def listen(self) -> None:
        async for line in self.process.stdout:
            word, *rest = line.decode().split()
            async with self._news:
                self.words.append(line.decode().strip())
                if word == "signed":
                    assert self.signed.setdefault(int(rest[0]), rest[1]) == rest[1]
                self._news.notify_all()

    async def until(self, what) -> None:
        async with asyncio.timeout(40), self._news:
            await self._news.wait_for(lambda: what(self))


@pytest.fixture
async def keepers(emptied, tmp_path):
    """`await keepers(name)`: one more process over the same database, with a folder of its own and the same key."""
    keys = tmp_path / "keys"
    KeyRing.create(keys, EDDSA, clock=SystemClock())
    made: list[tuple[Keeping, asyncio.Task[None]]] = []

    async def start(name: str, silent: float = 10.0) -> Keeping:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "name").write_text("journal.example/.licet/log\n")
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).with_name("log_keeper.py")), emptied.url, str(folder), str(keys), str(silent),
            stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).resolve().parents[3],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        )  # fmt: skip
        one = Keeping(process)
        made.append((one, asyncio.create_task(one.listen())))
        return one

    yield start
    for one, listening in made:
        if one.process.returncode is None:
            one.process.kill()
        await one.process.wait()
        await listening


async def add(emptied, first: int, count: int) -> None:
    entries = [ShedNote(f"n{n}", START + n, 0, 1, "disk") for n in range(first, first + count)]
    sealed = (
        SealedEntry(each, hashlib.sha256(each.id.encode()).digest(), each.canonical(), "x")
        for each in entries
    )
    await PostgresFolding(emptied).fold(FoldBatch(tuple(sealed), (), ()))


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962, as plainly as it can be said."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:middle]), root_of(leaves[middle:]))


async def one_history(emptied, *keepings: Keeping) -> None:
    """Every head that anybody signed is of the entries as the database has them."""
    leaves = list(await SqliteLeaves(emptied).leaves(0, 10_000))
    for keeping in keepings:
        for size, root in keeping.signed.items():
            assert root_of(leaves[:size]).hex() == root, size


async def test_when_the_leader_is_killed_the_other_goes_on_from_what_it_promised(emptied, keepers, tmp_path):
    await add(emptied, 0, 300)
    first = await keepers("first")
    await first.until(lambda one: 300 in one.signed)
    second = await keepers("second")
    await second.until(lambda one: "waits 300" in one.words)
    for n in range(5):
        await add(emptied, 300 + 10 * n, 10)
        await first.until(lambda one, n=n: 310 + 10 * n in one.signed)
    assert not second.signed
    # Who follows publishes what the leader signed, to the octet.
    await second.until(lambda one: "waits 350" in one.words)
    assert (tmp_path / "second" / "checkpoint").read_bytes() == (
        tmp_path / "first" / "checkpoint"
    ).read_bytes()
    first.process.send_signal(signal.SIGKILL)
    await add(emptied, 350, 7)
    await second.until(lambda one: 357 in one.signed)
    # A folder that led before, and comes back behind: it waits, and its old head is of the same history.
    again = await keepers("first")
    await again.until(lambda one: any(word.startswith("waits") for word in one.words))
    second.process.send_signal(signal.SIGKILL)
    await add(emptied, 357, 1)
    await again.until(lambda one: 358 in one.signed)
    await one_history(emptied, first, second, again)
    ring = KeyRing.open(tmp_path / "keys", SystemClock())
    log = LogKey("journal.example/.licet/log", ring.current.key.public_key())
    assert read((tmp_path / "first" / "checkpoint").read_text(), log).size == 358
    assert read((tmp_path / "second" / "checkpoint").read_text(), log).size == 357


async def test_a_leader_that_slept_signs_nothing_when_it_wakes(emptied, keepers):
    await add(emptied, 0, 5)
    first = await keepers("first", silent=3.0)
    await first.until(lambda one: 5 in one.signed)
    second = await keepers("second", silent=3.0)
    await second.until(lambda one: any(word.startswith("waits") for word in one.words))
    first.process.send_signal(signal.SIGSTOP)
    await add(emptied, 5, 5)
    await second.until(lambda one: 10 in one.signed)
    signed = dict(first.signed)
    first.process.send_signal(signal.SIGCONT)
    await first.until(
        lambda one: "follows" in one.words or any(word.startswith("trouble") for word in one.words)
    )
    await add(emptied, 10, 5)
    await second.until(lambda one: 15 in one.signed)
    assert first.signed == signed
    await one_history(emptied, first, second)


def key_of(name: str) -> LogKey:
    return LogKey(
        name, Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()).public_key()
    )


@pytest.fixture
async def two(emptied):
    other = await Postgres.open(emptied.url, lines=2, place="other")
    leaders = Leadership(emptied), Leadership(other)
    yield leaders
    for leader in leaders:
        await leader.close()
    await other.close()


async def test_a_promise_is_kept_only_by_who_leads_and_never_goes_back(two):
    first, second = two
    log = key_of("a")
    assert await first.leads(log)
    assert not await second.leads(log)
    assert await first.promised() == (0, EMPTY)
    assert await first.promise(7, b"\1" * 32)
    assert await first.promise(7, b"\1" * 32)
    assert not await first.promise(7, b"\2" * 32)
    assert not await first.promise(6, b"\1" * 32)
    assert not await second.promise(8, b"\2" * 32)
    # The lock goes, the first does not know it yet: what it believes of itself is held against the epoch.
    epoch = first._epoch
    await first.close()
    first._epoch = epoch
    assert await second.leads(log)
    assert await second.promised() == (7, b"\1" * 32)
    assert not await first.promise(9, b"\3" * 32)
    assert await second.promise(8, b"\2" * 32)
    assert not await first.leads(log)


async def test_a_log_by_another_key_is_refused(two):
    first, second = two
    assert await first.leads(key_of("a"))
    assert await first.promise(1, b"\1" * 32)
    await first.close()
    with pytest.raises(LogRefused, match="keys/log and log/name"):
        await second.leads(key_of("b"))
    assert await second.leads(key_of("a"))


async def test_a_gateway_on_an_older_state_refuses(emptied, tmp_path, two):
    """What was promised is of other entries than those that the store has now."""
    from gateway.app.log_keeping import LogKeeping

    ring = KeyRing.create(tmp_path / "keys", EDDSA, clock=SystemClock())
    first, _ = two
    await add(emptied, 0, 20)
    log = LogKey("journal.example/.licet/log", ring.current.key.public_key())
    assert await first.leads(log)
    assert await first.promise(10, b"\1" * 32)
    keeping = LogKeeping(tmp_path / "log", ring, SqliteLeaves(emptied), "journal.example", first)
    await keeping.sign_news()
    assert "signed other 10 entries" in keeping.reason
    assert keeping.log is None
