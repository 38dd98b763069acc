"""Reading what a reconciliation compares, and having one made every night in a process of its own.

The nightly one is the command `licet reconcile`: what it reads is large, and a
gateway that serves must not wait for it. Its answer rests in `reconciled.json`
of the data folder, so that it outlives a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from gateway.billing.account_book import AccountBook
from gateway.billing.account_statements import AccountStatement, account_statement
from gateway.billing.comparisons import Around, Comparison, months_of, reconciled
from gateway.billing.document_book import DocumentBook
from gateway.billing.ledger import Ledger
from gateway.billing.paper_comparisons import Papers, on_paper
from gateway.billing.payout_book import PayoutBook
from gateway.billing.statements import Period, Statement, StatementDisagrees
from gateway.clock import Clock
from gateway.rails.settlements import Settlements
from gateway.rails.topups import TopUps

log = structlog.get_logger("licet")
#: Seconds between two looks whether it is time.
LOOK_SECONDS: Final = 300.0
#: From this hour of the day (UTC) on the night's reconciliation is made.
HOUR: Final = 3
_MOST: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Desks:
    """Where papers and payouts are kept; *test* says that the books are of test mode."""

    accounts: AccountBook
    documents: DocumentBook
    payouts: PayoutBook
    test: bool = False


async def compared(
    ledger: Ledger,
    settlements: Settlements,
    topups: TopUps,
    receipts: Mapping[str, int] | None = None,
    desks: Desks | None = None,
) -> tuple[Comparison, ...]:
    """Every comparison of the books with themselves and with what is around them, and of papers where there are *desks*.

    Rails and papers are read before the books, and statements after them: a credit is
    never older than what it comes from, and a document never older than its entries.
    """
    papers = await _kept(desks) if desks is not None else None
    payments, paid_in = await settlements.payments(_MOST), await topups.everything()
    books = await ledger.reckoned(receipts or ())
    bills, disagreeing = list[Statement](), list[tuple[str, str]]()
    for licensee, month in months_of(books):
        try:
            bills.append(await ledger.statement(licensee, licensee, Period.parse(month)))
        except StatementDisagrees as error:
            disagreeing.append((licensee, f"{month}: {error}."))
    found = reconciled(books, Around(bills, disagreeing, payments, paid_in, receipts))
    if desks is None or papers is None:
        return found
    return (*found, *on_paper(books, replace(papers, remade=await _remade(desks, papers.frozen))))


async def _kept(desks: Desks) -> Papers:
    documents = await desks.documents.of("", _MOST)
    payouts, frozen = await desks.payouts.all(_MOST), await desks.accounts.frozen()
    return Papers(frozen, {}, documents, payouts, desks.test)


async def _remade(
    desks: Desks, months: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], AccountStatement | str]:
    found: dict[tuple[str, str], AccountStatement | str] = {}
    for licensee, month in months:
        period = Period.parse(month)
        try:
            extract = await desks.accounts.extract(licensee, period)
            found[licensee, month] = account_statement(licensee, "", period, extract)
        except StatementDisagrees as error:
            found[licensee, month] = str(error)
    return found


@dataclass(frozen=True, slots=True)
class Night:
    """What one reconciliation found. *at* is in whole seconds; *said* is a sentence without its end."""

    at: int
    good: bool
    said: str


async def by_command(folder: Path) -> bytes:
    """What `licet reconcile --json` prints of the data folder *folder*; killed where nobody waits for it any more."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "reconcile", "--data", str(folder), "--json",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with contextlib.suppress(OSError):
            # Whoever fetches a page goes first.
            os.setpriority(os.PRIO_PROCESS, process.pid, 10)
        found, _ = await process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    return found


class Nightly:
    """Has a reconciliation made once a night, keeps what it found, and says it."""

    def __init__(
        self, folder: Path, clock: Clock, make: Callable[[Path], Awaitable[bytes]] = by_command
    ) -> None:
        """Of the data folder *folder*; *make* gives the JSON of one."""
        self._folder, self._clock, self._make = folder, clock, make
        self._file = folder / "reconciled.json"
        self.last = _read(self._file)

    async def act(self) -> None:
        """Make it if this night's was not made yet."""
        now = self._clock.now_us() // 1_000_000
        if self.last is not None and self.last.at >= _newest_night(now):
            return
        self.last = _night(await self._make(self._folder), now)
        (log.info if self.last.good else log.error)("the books were reconciled", found=self.last.said)
        await asyncio.to_thread(self._keep, self.last)

    def told(self) -> str:
        """What the overview says, "" before there is anything to say."""
        if self.last is None:
            return ""
        return f"{datetime.fromtimestamp(self.last.at, UTC):%d %b %Y %H:%M} UTC: {self.last.said}"

    def _keep(self, night: Night) -> None:
        beside = self._file.with_suffix(".new")
        beside.write_bytes(orjson.dumps({"at": night.at, "good": night.good, "said": night.said}))
        beside.replace(self._file)


def _newest_night(now: int) -> int:
    """The second from which on the newest night's reconciliation is due."""
    midnight = now - now % 86_400
    due = midnight + HOUR * 3600
    return due if now >= due else due - 86_400


def _night(found: bytes, now: int) -> Night:
    try:
        told: Any = orjson.loads(found)
        lines = told["comparisons"]
        wrong = [line["name"] for line in lines if not line["ok"]]
        faults = sum(len(line["faults"]) for line in lines)
        good = told["good"] is True and not wrong
        if not lines or good is bool(wrong):
            raise TypeError("it compares nothing, or contradicts itself")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Night(now, good=False, said="the books could not be reconciled; run licet reconcile")
    if good:
        return Night(now, good=True, said=f"the books agree in all {len(lines)} comparisons")
    return Night(
        now,
        good=False,
        said=f"the books do not agree, {faults} faults in {', '.join(wrong)}; run licet reconcile",
    )


def _read(file: Path) -> Night | None:
    try:
        told: Any = orjson.loads(file.read_bytes())
        at, good, said = told["at"], told["good"], told["said"]
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if type(at) is not int or type(good) is not bool or not isinstance(said, str):
        return None
    return Night(at, good, said)
