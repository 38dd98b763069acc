"""What a worker is told of paid units, whenever its office is killed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.app.calls import PAID
from gateway.app.paid_telling import PaidTelling, Told, units_of_batch
from gateway.billing.paid_units import paid_units
from gateway.provenance.keeper import FoldBatch
from gateway.provenance.segments import SealedEntry
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ledger import SqliteLedger
from loadtests.recording import START_US, paid


class Line:
    """A worker's end: what it knows, of what it heard before its office was killed."""

    def __init__(self) -> None:
        self.units: set[str] = set()
        self.place = self.sent = 0

    def tell(self, name: str, given: object) -> None:
        if name == "place":
            self.place = given
        else:
            self.sent += len(given)
            self.units |= {unit.key for unit in PAID.validate_python(given)}

    async def drained(self) -> None: ...


class Room:
    """Who hears of what is folded, with one worker."""

    def __init__(self, ledger: SqliteLedger, line: Line, *, single: bool = True, fails: bool = False) -> None:
        self.line, self.fails = line, fails
        self.telling = PaidTelling(
            ledger, lambda: ledger.paid_units(START_US // 1_000_000 - 9), lambda: [line], single=single
        )

    async def marked(self) -> None:
        self.telling._marked = float("-inf")  # a second has passed
        await self.telling.mark()

    def tell_paid(self, batch: FoldBatch) -> None:
        if self.fails:
            raise Killed
        self.line.tell("paid", PAID.dump_python(units_of_batch(batch), mode="json"))

    def stored(self) -> None: ...

    def emptied(self) -> None: ...


class Killed(Exception):
    pass


@pytest.fixture
async def database(tmp_path):
    one = await Database.open(tmp_path / "licet.db")
    yield one
    await one.close()


RECORDS = [replace(paid(number).record, path=f"/pages/{number}") for number in range(40)]


def batch(begin: int, end: int) -> FoldBatch:
    sealed = [
        SealedEntry(each, bytes([number]) * 32, each.canonical(), f"w1@{number}")
        for number, each in enumerate(RECORDS)
    ]
    return FoldBatch(tuple(sealed[begin:end]), (), ())


def units(end: int) -> set[str]:
    return {unit.key for unit in paid_units(RECORDS[:end])}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("single", [False, True])
async def test_a_worker_that_outlives_its_office_is_told_the_rest_by_the_next(database, single, fails):
    """Also where the office was killed after it stored a batch and before it told."""
    ledger, line = SqliteLedger(database), Line()
    room = Room(ledger, line, single=single)
    told = Told(SqliteFolding(database), room)
    await told.fold(batch(0, 10))
    await room.telling.welcome(line, 0)
    assert line.units == units(10)
    assert line.place == (10 if single else 0)
    await told.fold(batch(10, 20))
    room.fails = fails
    try:
        await told.fold(batch(20, 30))
    except Killed:
        assert line.units == units(20)
    assert line.place == (20 if single else 0)
    # While nobody told, more was folded.
    await SqliteFolding(database).fold(batch(30, 35))
    line.sent = 0
    await Room(ledger, line, single=single).telling.welcome(line, line.place)
    assert line.units == units(35)
    assert line.place == (35 if single else 0)
    assert (line.sent < len(units(35)) / 2) is single, "one that knows its place is not told all again"


async def test_a_place_is_told_once_a_second_at_most(database):
    line = Line()
    room = Room(SqliteLedger(database), line)
    await room.telling.mark()
    await SqliteFolding(database).fold(batch(0, 10))
    await room.telling.mark()
    assert line.place == 0


async def test_a_place_is_told_to_whoever_was_sent_everything_and_not_between(database):
    """A worker whose office is killed while it welcomes knows its old place."""
    ledger, line = SqliteLedger(database), Line()
    await SqliteFolding(database).fold(batch(0, 10))
    asked, told = asyncio.Event(), asyncio.Event()

    async def all_of_them():
        asked.set()
        await told.wait()
        return await ledger.paid_units(START_US // 1_000_000 - 9)

    telling = PaidTelling(ledger, all_of_them, list, single=True)
    welcome = asyncio.create_task(telling.welcome(line, 0))
    await asked.wait()
    await SqliteFolding(database).fold(batch(10, 20))
    assert line.place == 0
    told.set()
    await welcome
    assert line.units >= units(10)
    assert line.place == 10, "what was folded meanwhile is told by the fold"
