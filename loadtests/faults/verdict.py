"""What a fault did: the folder opened as the next gateway opens it, and held against what the world was told."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from gateway.billing.comparisons import checked
from gateway.cli.proofs import own_key, reader
from gateway.cli.reconciling import _everything  # the command itself, without its printing
from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.provenance.log_audit import audit_log
from gateway.store.sqlite.ledger import SqliteLedger
from loadtests.faults.shop import CREDIT, LICENSEE, PRICE, Refused, Said, Shop


@dataclass
class Verdict:
    """What is wrong, each as a sentence; *refused* is why the folder is not gone on with, or ""."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    forked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    refused: str = ""
    entries: int = 0

    @property
    def clean(self) -> bool:
        """Whether all is whole: nothing lost, doubled or forked, everything agrees, and business goes on."""
        return not (self.lost or self.doubled or self.forked or self.wrong or self.refused)

    @property
    def honest(self) -> bool:
        """Whether nothing was lost, doubled or forked in silence: all is whole, or it is said that it is not."""
        return not (self.doubled or self.forked) and (self.clean or bool(self.refused))

    def __str__(self) -> str:
        """What is wrong."""
        told = [f"lost {len(self.lost)}: {self.lost[:3]}"] * bool(self.lost)
        told += [f"doubled {self.doubled[:3]}"] * bool(self.doubled)
        told += [f"forked {self.forked[:3]}"] * bool(self.forked)
        told += self.wrong[:5]
        told += [f"refused: {self.refused}"] * bool(self.refused)
        return "; ".join(told) or f"clean, {self.entries} entries"


async def judge(folder: Path, said: Said, *, sell: int = 1, files: bool = True) -> Verdict:
    """Open *folder*, sell on, close it, and compare everything with everything.

    That is `licet reconcile`; without *files* it is its part about the books,
    and the log, as its journal's files take longest.
    """
    found = Verdict()
    told = Said()
    try:
        shop = await Shop.open(folder, told, round=0xFFFF)
    except ConfigurationError as error:
        found.refused = str(error)
    except (StoreUnavailable, Refused) as error:
        found.refused = str(error)
    else:
        try:
            if sell:
                await shop.sell(sell)
                await shop.fold()
            found.refused = "; ".join(
                filter(None, (shop.keeping.reason, await shop.publish(), *shop.keeper.state.damaged))
            )
        except StoreUnavailable as error:
            found.refused = str(error)
        finally:
            await shop.close()
    try:
        await _compare(folder, said, found, files=files)
    except (ConfigurationError, StoreUnavailable) as error:
        found.refused = found.refused or str(error)
    return found


async def _compare(folder: Path, said: Said, found: Verdict, *, files: bool) -> None:
    from gateway.cli.books import open_books

    async with open_books(folder) as books:
        whole = await SqliteLedger(books.database).books()
        left = await books.spend_book.available(LICENSEE, CREDIT.currency)
    ids = Counter(booked.entry.id for booked in whole.entries)
    found.entries = len(ids)
    found.lost = sorted(set(said.entries) - ids.keys())
    posted = Counter(posting.entry_id for posting in whole.postings if posting.code == "fetch")
    found.doubled = sorted(id for id, times in ids.items() if times > 1)
    found.doubled += sorted(id for id, times in posted.items() if times > 1)
    paid_in = CREDIT.micros if "credit-1" in ids else 0
    due = paid_in - PRICE.micros * sum(id.startswith("01900000-") for id in ids)
    if left.micros != due:
        found.wrong.append(f"the balance is {left.micros} micro-units and should be {due}")
    await _look_for_forks(folder, said, found)
    for each in await _everything(folder, None) if files else checked(whole):
        found.wrong += [f"{each.name}: {fault.code} {fault.subject}: {fault.why}" for fault in each.faults]


async def _look_for_forks(folder: Path, said: Said, found: Verdict) -> None:
    """Whether the log's head continues every head that somebody was shown."""
    key = None
    with contextlib.suppress(FileNotFoundError):
        key = own_key(folder)
    if key is None or not said.heads:
        found.forked += ["a head was shown and the log is gone"] if said.heads else []
        return
    mine = [head for head in said.heads if head.origin == key.name]
    report = await audit_log(reader(str(folder / "log")), key, earlier=mine)
    if not report.ok and not found.refused:
        found.forked += report.faults
