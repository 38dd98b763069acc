"""What one record costs in CPU: built, made durable, folded into the books.

Prints microseconds of CPU per record, of all threads of this process, the best
of some rounds. *noted* are unpaid refusals that nobody waits for, written as
they come; *kept* are paid fetches of which 64 wait at a time for the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gateway.admission.admit import Grant
from gateway.admission.owed import Owed
from gateway.admission.spending import Charge
from gateway.ask import Ask
from gateway.clock import SystemClock
from gateway.front.answer import Judged
from gateway.front.remember import Remembered, remember
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.paths import PathScope
from gateway.policy.rules import Mode, Policy, Ruling, Site, Verdict
from gateway.problems import Problem, Refusal
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import Ended
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.folding import SqliteFolding
from gateway.terms.license_terms import Compensation, LicenseTerms, Offer, Purpose, Scope, Territory
from gateway.tokens.claims import Budget, Claims
from gateway.uses import Use
from gateway.visitors.visitor import Crawler, Identity, Method, Visitor, VisitorClass

_PRICE = Money(5_000, "USD")
START_US = 1_795_000_000_000_000
_HASH = "sha-256:" + "7" * 64
_ASK = Ask(
    "", START_US, "journal", "https://journal.example", "GET", "/essays/tides?part=2", "/essays/tides",
    query="part=2", peer="192.0.2.7", address="198.51.100.23", country="DE", country_basis="header",
    headers=(
        ("host", "journal.example"), ("accept", "*/*"), ("accept-encoding", "gzip, br"),
        ("user-agent", "Mozilla/5.0; compatible; GPTBot/1.3; +https://openai.com/gptbot"),
        ("authorization", "License " + "x" * 900),
    ),
)  # fmt: skip
_GPTBOT = Visitor(
    VisitorClass.AI,
    Crawler("GPTBot", "OpenAI", ("training",), frozenset({Use.AI_TRAIN}), VisitorClass.AI, True),
    Identity.VERIFIED, Method.NETWORK, ("ua_claim:GPTBot", "ip_in:198.51.100.0/24"),
)  # fmt: skip
_CLAIMS = Claims(
    issuer="https://journal.example/.licet", audience="https://journal.example", client="cl_1",
    token_id="tok_1", issued_at=1, not_before=1, expires_at=2, license="lic_1", licensee="le_1",
    scopes=(PathScope("/essays/"),), renditions=("page",), uses=frozenset({Use.AI_TRAIN}),
    territory=Territory(None), crawlers=frozenset(), budget=Budget(), price=_PRICE, terms=_HASH, policy=_HASH,
)  # fmt: skip
_OFFER = Offer(
    "training", "journal",
    LicenseTerms(
        Scope(("essays",), (PathScope("/essays/"),)), Purpose(frozenset({Use.AI_TRAIN})),
        Compensation("USD", per_fetch=_PRICE),
    ),
    _HASH,
)  # fmt: skip
_POLICY = Policy(
    Site("journal", ("journal.example",), "http://127.0.0.1:8000", Mode.ENFORCE, "USD"),
    (),
    (_OFFER,),
    (),
    _HASH,
)
_RULING = Ruling(
    Verdict.LICENSE, "rules[1]", "rules[1] matches class ai", _HASH, Mode.ENFORCE, (_OFFER,), "essays", "page"
)
_REFUSED = Judged(_POLICY, _GPTBOT, _RULING, Refusal(Problem.LICENSE_REQUIRED, "Buy."))
_TURNED_AWAY = Delivery(402, 900, "", Ended.REFUSED, 900)
_SENT = Delivery(200, 2048, "8" * 64, Ended.COMPLETE, 2048, "text/html; charset=utf-8", '"v1"')


def _unpaid(number: int) -> Callable[[], Remembered]:
    ask = replace(_ASK, id=f"01900000-0000-7000-8000-{number:012x}", asked_at_us=START_US + number)
    return lambda: remember(ask, _REFUSED, _TURNED_AWAY, ended_us=START_US + number + 900)


def paid(number: int) -> Remembered:
    """The record of paid fetch *number*, built as a front builds it."""
    return _paid(number)()


def _paid(number: int) -> Callable[[], Remembered]:
    id = f"01900000-0000-7000-9000-{number:012x}"
    ask = replace(_ASK, id=id, asked_at_us=START_US + number)
    charge = Charge(id, "le_1", "lic_1", _PRICE, Budget())
    judged = Judged(_POLICY, _GPTBOT, _RULING, Grant(_CLAIMS.uses, _CLAIMS, charge), 4, _CLAIMS)
    due = Owed(_PRICE, "fetch")
    return lambda: remember(ask, judged, _SENT, ended_us=START_US + number + 900, due=due)


async def _noted(journal: Journal, written: list[Remembered]) -> float:
    """Note 8 a turn of the loop, as a busy front does."""
    await journal.flush()
    began = time.process_time()
    for at, each in enumerate(written):
        journal.note(each.record, each.detail, each.detail_salt)
        if at % 8 == 7:
            await asyncio.sleep(0)
    await journal.flush()
    return (time.process_time() - began) / len(written) * 1e6


async def _kept(journal: Journal, written: list[Remembered]) -> float:
    left = iter(written)

    async def client() -> None:
        for each in left:
            await journal.keep(each.record, each.detail, each.detail_salt)

    await journal.flush()
    began = time.process_time()
    await asyncio.gather(*(client() for _ in range(64)))
    return (time.process_time() - began) / len(written) * 1e6


async def _round(folder: Path, count: int, *, paid: bool) -> tuple[float, float, float]:
    ready = [(_paid if paid else _unpaid)(number) for number in range(count)]
    began = time.process_time()
    for make in ready:
        make()
    build = (time.process_time() - began) / count * 1e6
    written = [make() for make in ready]
    gc.collect()
    gc.freeze()  # a front does not hold all its records, so looking through them is not what one costs
    journal = Journal.open(folder / "journal", "w0", clock=SystemClock(), queue_limit=10 * count)
    commit = await (_kept if paid else _noted)(journal, written)
    await journal.close()
    database = await Database.open(folder / "licet.db")
    try:
        began = time.process_time()
        folded = await Keeper(folder / "journal", SqliteFolding(database)).catch_up()
        fold = (time.process_time() - began) / count * 1e6
    finally:
        await database.close()
    if folded != count:
        raise RuntimeError(f"{count} records were written and {folded} folded")
    gc.unfreeze()
    return build, commit, fold


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--count", type=int, default=20_000)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--profile", choices=("noted", "kept"), help="profile one round instead")
    told = words.parse_args()
    if told.profile:
        with tempfile.TemporaryDirectory() as folder, cProfile.Profile() as profile:
            asyncio.run(_round(Path(folder), told.count, paid=told.profile == "kept"))
        profile.print_stats("tottime")
        return
    for name in ("noted", "kept"):
        rounds = []
        for _ in range(told.rounds):
            with tempfile.TemporaryDirectory() as folder:
                rounds.append(asyncio.run(_round(Path(folder), told.count, paid=name == "kept")))
        build, commit, fold = (min(each) for each in zip(*rounds, strict=True))
        print(f"{name:6} build {build:6.2f}  commit {commit:6.2f}  fold {fold:6.2f}  µs CPU a record")


if __name__ == "__main__":
    main()
