"""A quarter in the life of three licensees, from a seed: a data folder that `licet` reads, and what it must come to.

====== ==================================================================
Pages  prepaid: by the fetch and by the megabyte, which it pays late and bears
       interest for
Bundle a fee in escrow for two milestones, by the item, a minimum guarantee
Answer by the answer and a share of revenue, partly reported in euros
====== ==================================================================

One author is paid a part of what it has while the quarter goes on, which costs a
fee; another everything at the end, in whole cents; a third said nobody where to.

Days pass by a clock that is set; journal, stores and the office's rounds are the
real ones. What was agreed and what happened is written to `facts.json` first;
`loadtests.quarter_sums`, which imports nothing of the gateway, adds that up, and
`check` holds its sums against the books, to the micro-unit.

python -m loadtests.quarter make FOLDER [--seed 1] [--fetches 2000]
python -m loadtests.quarter check FOLDER
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from gateway.app.bookkeeping import Bookkeeping
from gateway.billing.escrow import Proof
from gateway.billing.paying_out import PayingOut
from gateway.billing.payouts import Paid, planned, read_payee
from gateway.billing.postings import PAID_OUT, PAYOUT_FEES, authored, earned, owed, prepaid
from gateway.clock import HandClock
from gateway.licenses.duties import plan_what_is_not
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.obligations import DAY, Evidence, Kind
from gateway.licenses.offers import months_after
from gateway.licenses.rates import PER
from gateway.licenses.transparency import TransparencyReport
from gateway.money import Money
from gateway.policy.reading import read_policy
from gateway.problems import Refusal
from gateway.provenance.journal import Journal
from gateway.provenance.keeper import Keeper
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.rails.stripe_transfers import NoTransfer, Transfer
from gateway.store.evidence_folder import EvidenceFolder
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.duties import SqliteDuties
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.payout_book import SqlitePayoutBook
from gateway.store.sqlite.register import SqliteRegister
from loadtests import quarter_sums

USD: Final = 1_000_000
START: Final = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp())
END: Final = months_after(START, 3)
LAST: Final = END + 20 * DAY
MONTHS: Final = [[months_after(START, nth), months_after(START, nth + 1)] for nth in range(3)]
#: The tenth of September, at noon.
PAID_AT: Final = START + 71 * DAY + DAY // 2
SITE: Final = "journal"
EUR_IN_USD: Final = "1.085"
AUTHORS: Final = {
    "essays": {"Ada Example": 60, "Bo Example": 40},
    "letters": {"Bo Example": 50, "Cy Example": 50},
}
POLICY: Final = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["journal.example"]
origin = "http://127.0.0.1:8000"
mode = "enforce"
currency = "USD"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
authors = [{ name = "Ada Example", share = "60 %" }, { name = "Bo Example", share = "40 %" }]
[[works]]
id = "letters"
paths = ["/letters/"]
rights = "own"
people = "none"
authors = [{ name = "Bo Example", share = "50 %" }, { name = "Cy Example", share = "50 %" }]
[[works]]
id = "podcast"
paths = ["/podcast/"]
rights = "own"
people = "none"
[offers.pages]
uses = ["ai-input"]
works = ["podcast"]
price = { per_fetch = "0.004", per_megabyte = "0.0125", late_interest = "8 %" }
[offers.bundle]
uses = ["ai-train"]
works = ["essays", "letters"]
[offers.bundle.price]
upfront = "10000"
per_item = "0.5"
minimum_guarantee = "9000"
holder = "agent:Notary Example"
calendar = "target"
milestones = [
  { when = "ingestion", share = "40 %", items = 100 },
  { when = "launch", share = "30 %" },
]
[offers.answer]
uses = ["ai-input"]
works = ["essays"]
price = { per_inference = "0.0001", revenue_share = "3 %" }
[[rules]]
when = { class = "ai" }
then = { license = ["pages", "bundle", "answer"] }
[[rules]]
then = "serve"
"""
_FETCH: Final = FetchRecord(
    id="", time_us=0, duration_us=1500, site=SITE, host="journal.example", method="GET", path="/", visitor_class="ai",
    identity="claimed", identity_method="none", verdict="license", rule="rules[0]", policy="", mode="enforce",
    outcome="licensed", status=200, bytes_sent=0, ended="complete", detail="0" * 64, currency="USD",
)  # fmt: skip


def agreed(seed: int, fetches: int) -> dict[str, Any]:
    """The facts of *seed*: three deals and about *fetches* fetches under each, in the order of time."""
    chance = random.Random(seed)
    blank = {
        "per_fetch": 0, "per_item": 0, "per_megabyte": 0, "per_answer": 0, "share": 0, "upfront": 0, "fee": 0,
        "guarantee": 0, "credit": 0, "milestones": [], "report": None, "interest": 0, "payment_days": 10, "payments": [],
    }  # fmt: skip
    deals: list[dict[str, Any]] = [
        {
            **blank, "licensee": "le_pages", "name": "Pages AI", "offer": "pages", "works": ["podcast"],
            "per_fetch": 4_000, "per_megabyte": 12_500, "credit": fetches * 4_000 + 25 * USD, "interest": 800,
        },
        {
            **blank, "licensee": "le_bundle", "name": "Bundle Labs", "offer": "bundle", "works": ["essays", "letters"],
            "per_item": 500_000, "guarantee": 9_000 * USD, "upfront": 10_000 * USD, "fee": 3_000 * USD,
            "credit": 3_000 * USD,
            "milestones": [
                {"name": "ingestion", "share": 4_000, "released": 100, "waits": False},
                {"name": "launch", "share": 3_000, "released": 50, "waits": False},
            ],
        },
        {
            **blank, "licensee": "le_answer", "name": "Answer GmbH", "offer": "answer", "works": ["essays"],
            "per_answer": 100, "share": 300,
            "report": {
                "usd": chance.randrange(10_000, 90_000) * USD, "eur": chance.randrange(1_000, 9_000) * USD,
                "answers": chance.randrange(10**6, 10**7),
            },
        },
    ]  # fmt: skip
    found: list[dict[str, Any]] = []
    for deal in deals:
        for nth in range(fetches):
            work = chance.choice(deal["works"])
            found.append(
                {
                    "id": f"{deal['offer']}-{nth:06}", "licensee": deal["licensee"], "work": work,
                    "path": f"/{work}/{chance.randrange(fetches // 4 + 120)}",
                    # The first 200 of the bundle come early enough for its milestone.
                    "at": chance.randrange(START, START + 20 * DAY if nth < 400 else END),
                    "bytes": chance.randrange(2_000, 400_000), "paid": chance.random() < 0.9,
                }
            )  # fmt: skip
    # The very first and the very last second of the quarter, and of its months.
    for nth, at in enumerate([START, END - 1, *(at for month in MONTHS for at in (month[0], month[1] - 1))]):
        found[nth]["at"] = at
    found.sort(key=lambda each: (each["at"], each["id"]))
    # Of the first month's megabytes three fifths are paid, on the tenth of September; the rest never.
    octets = sum(
        each["bytes"]
        for each in found
        if each["paid"] and each["licensee"] == "le_pages" and each["at"] < MONTHS[0][1]
    )
    deals[0]["payments"] = [{"at": PAID_AT, "micros": octets * 12_500 // 1_000_000 * 3 // 5}]
    return {
        "seed": seed, "deals": deals, "fetches": found, "months": MONTHS, "authors": AUTHORS, "eur_in_usd": EUR_IN_USD,
        "payouts": [
            {"author": "Ada Example", "micros": 100 * USD, "fee": 250_000},
            {"author": "Bo Example", "micros": 0, "fee": 0},
        ],
    }  # fmt: skip


class Transfers:
    """A provider that moves money, each payout once."""

    def __init__(self) -> None:
        self.made: dict[str, Transfer] = {}

    async def make(self, id: str, amount: Money, account: str, what: str) -> Transfer | NoTransfer:
        """Move it."""
        del account, what
        return self.made.setdefault(id, Transfer(f"tr_{id[3:13]}", Money(0, amount.currency)))

    async def find(self, id: str, amount: Money, account: str) -> Transfer | NoTransfer:
        """What was moved."""
        del amount, account
        return self.made.get(id) or NoTransfer("nothing was moved under that id", sure=True)


class Quarter:
    """The gateway's side of the facts: everything is entered when it happened, and booked by the office's rounds."""

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self.folder, self.facts = folder, facts
        self.clock = HandClock(START * USD)
        self.licenses: dict[str, License] = {}

    async def live(self) -> None:
        """Open, let the days pass, close."""
        await self.open()
        try:
            fetches, nth = self.facts["fetches"], 0
            for day in range(START, LAST, DAY):
                while nth < len(fetches) and fetches[nth]["at"] < day + DAY:
                    self.journal.note(self._record(fetches[nth]))
                    nth += 1
                await self.journal.flush()
                self.clock.wall_us = (day + DAY) * USD - 1
                await self.happens((day - START) // DAY)
                # Twice: what one round wrote is folded for the next.
                for _ in range(2):
                    await self.keeper.catch_up()
                    for _, _, act in self.rounds:
                        await act()
            await self.keeper.catch_up()
            await self._pay_the_rest()
        finally:
            await self.journal.close()
            await self.keeper.catch_up()
            await self.database.close()

    async def open(self) -> None:
        """Make the folder with its policy, licensees, licenses and what they paid in."""
        folder = self.folder
        (folder / "sites").mkdir(parents=True)
        folder.chmod(0o700)
        (folder / "licet.toml").write_text("")
        (folder / "sites" / "journal.toml").write_text(POLICY)
        self.policy = read_policy(folder / "sites" / "journal.toml")
        self.database = await Database.open(folder / "licet.db")
        self.register = SqliteRegister(self.database)
        self.journal = Journal.open(folder / "journal", "office", clock=self.clock, reserve_bytes=0)
        self.keeper = Keeper(folder / "journal", SqliteFolding(self.database))
        keeping = Bookkeeping(folder / "journal", self.database, self.journal, self.clock, lambda: None)
        self.milestones = keeping.milestones
        self.duties = keeping.duties(
            SqliteDuties(self.database), self.register, EvidenceFolder(folder / "evidence")
        )
        self.paying = PayingOut(SqlitePayoutBook(self.database), self._write, self.clock.now_us)
        self.rounds = keeping.rounds(self.duties.duties.tell, self.register, lambda: (self.policy,))
        for deal in self.facts["deals"]:
            await self._sign(deal)

    async def happens(self, day: int) -> None:
        """What people do on a day, counted from 0."""
        license = self.licenses["le_bundle"].id
        done: object = None
        if day == 0:
            for name in ("ingestion", "launch"):
                done = await self.milestones.fund(license, name, "operator")
        elif day == 60:
            done = await self.milestones.meet(
                license, "launch", "operator", Proof.OPERATOR, "The model is out."
            )
        elif day == 62:
            done = await self.milestones.dispute(license, "launch", "licensee le_bundle", "A preview alone.")
        elif day == 70:
            done = await self.milestones.settle(license, "launch", "operator", Money(1_500 * USD, "USD"))
        elif day == (PAID_AT - START) // DAY:
            await self._pays()
        elif day == 91:
            await self._rate()
        elif day == 95:
            await self._pay_out()
        elif day == 100:
            done = await self._report()
        assert not isinstance(done, Refusal), done

    async def _sign(self, deal: Mapping[str, Any]) -> None:
        who, offer = deal["licensee"], self.policy.by_offer[deal["offer"]]
        await self.register.add_licensee(
            Licensee(who, deal["name"], Standing.ACTIVE, START), Client(f"cl_{who}", who, "ab" * 32, START)
        )
        license = License(
            f"li_{who}", who, SITE, offer.id, offer.terms, self.policy.digest, START, months_after(START, 12)
        )
        await self.register.grant(license)
        self.licenses[who] = license
        for kind, micros, by in (("credit", deal["credit"], "operator"), ("fee", deal["fee"], "desk")):
            if micros:
                await self.journal.keep(
                    BookEntry(
                        f"{kind}-{who}", START * USD, kind, SITE if kind == "fee" else "", who, micros, "USD",
                        license=license.id if kind == "fee" else "", by=by,
                    )
                )  # fmt: skip

    async def _pays(self) -> None:
        """A licensee pays a part of what it owes, and does not say which."""
        (payment,) = next(deal["payments"] for deal in self.facts["deals"] if deal["licensee"] == "le_pages")
        await self.journal.keep(
            BookEntry("pays", payment["at"] * USD, "payment", "", "le_pages", payment["micros"], "USD", by="operator")
        )  # fmt: skip

    async def _pay_out(self) -> None:
        """One author is paid a part, by a provider that takes a fee."""
        told, rail = self.facts["payouts"][0], Transfers()
        payee = read_payee(told["author"], account="acct_ada")
        one = planned(
            SITE, payee, Money(told["micros"], "USD"), self.clock.now_us() // USD, "1", told["author"]
        )
        await self.paying.plan([one])
        for _ in range(2):
            await self.paying.send(rail)
        assert len(rail.made) == 1
        await self.paying.settle(one.id, Paid.PAID, fee=Money(told["fee"], "USD"))

    async def _pay_the_rest(self) -> None:
        """Another author is paid all that stands on its account; one whose details nobody knows stays owed."""
        await self.paying.book.name_payee(SITE, "Bo Example", read_payee("Bo Example", account="acct_bo"))
        made, left = await self.paying.plan_authors(SITE)
        assert [each.author for each in made] == ["Bo Example"]
        assert {each.owed.author for each in left} == {"Ada Example", "Cy Example"}
        await self.paying.send(Transfers())
        assert (await self.paying.plan_authors(SITE))[0] == ()

    async def _write(self, entries: Sequence[BookEntry]) -> bool:
        for each in entries:
            if not await SqliteLedger(self.database).has_entry(each.id):
                await self.journal.keep(each)
        await self.keeper.catch_up()
        return True

    async def _rate(self) -> None:
        micros = int(EUR_IN_USD.replace(".", "")) * PER * 1_000
        at = END - DAY
        await self.journal.keep(
            BookEntry(
                "rate-1", at * USD, "rate", "", "", micros, "USD", reference="EUR", memo="ECB", by="operator"
            )
        )

    async def _report(self) -> object:
        await plan_what_is_not(self.duties.duties)
        license, now = self.licenses["le_answer"], self.clock.now_us() // USD
        told = next(deal["report"] for deal in self.facts["deals"] if deal["licensee"] == "le_answer")
        duty = next(
            each for each in await self.duties.duties.of_license(license.id) if each.kind is Kind.REPORT
        )
        revenue = [
            {"product": "Answers", "net": {"micros": told[name], "currency": name.upper()}}
            for name in ("usd", "eur")
        ]
        report = TransparencyReport.model_validate({
            "duty": duty.id, "license": license.id, "period": {"begins": duty.begins, "ends": duty.ends}, "datasets": [],
            "models": [{"name": "Answers", "version": "1", "datasets": [], "released_on": "2026-07-01"}],
            "inferences": [{"model": "Answers 1", "count": told["answers"]}], "revenue": revenue,
            "statement": {"by": "Eve Example", "role": "licensing"},
        })  # fmt: skip
        evidence = Evidence(report.sha256, "application/json", len(report.document), now, "report.json")
        handed = await self.duties.hand_in(duty, duty.version, report.document, evidence, now, report=report)
        return handed if isinstance(handed, Refusal) else await self.duties.accept(duty.id, now)

    def _record(self, fetch: Mapping[str, Any]) -> FetchRecord:
        license = self.licenses[fetch["licensee"]]
        price = license.terms.compensation.fetch_price.micros
        return replace(
            _FETCH, id=fetch["id"], time_us=fetch["at"] * USD, path=fetch["path"], work=fetch["work"],
            bytes_sent=fetch["bytes"], licensee=license.licensee, license=license.id, policy=self.policy.digest,
            price_micros=price, charged_micros=price if fetch["paid"] else 0,
            charge_reason="fetch" if fetch["paid"] else "read-before", digest=hashlib.sha256(fetch["path"].encode()).hexdigest(),
        )  # fmt: skip


async def made(folder: Path, seed: int, fetches: int) -> None:
    """Write the facts of *seed*, and live them."""
    facts = agreed(seed, fetches)
    quarter = Quarter(folder, facts)
    folder.mkdir(parents=True)
    (folder / "facts.json").write_text(json.dumps(facts))
    await quarter.live()


async def compared(folder: Path) -> list[tuple[str, int, int]]:
    """Each account with what was added up by hand and what the books hold, in micro-units."""
    facts = json.loads((folder / "facts.json").read_text())
    by_hand = quarter_sums.sums(facts)
    database = await Database.open(folder / "licet.db")
    try:
        balances = (await SqliteLedger(database).books()).balances
    finally:
        await database.close()
    names = {
        "bank:clearing": "bank",
        PAID_OUT: "paid out",
        PAYOUT_FEES: "payout fees",
        earned(SITE): "creator",
    }
    for deal in facts["deals"]:
        names |= {
            prepaid(deal["licensee"]): f"prepaid {deal['licensee']}",
            owed(deal["licensee"]): f"owed {deal['licensee']}",
        }
    for author in {name for shares in facts["authors"].values() for name in shares}:
        names[authored(SITE, author)] = f"author {author}"
    booked = {names.get(account, account): money.micros for account, money in balances if money}
    return [
        (name, by_hand.get(name, 0), booked.get(name, 0)) for name in sorted(by_hand.keys() | booked.keys())
    ]


def main() -> int:
    """Make or check one; 1 where an account differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("act", choices=["make", "check"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fetches", type=int, default=2_000)
    given = parser.parse_args()
    if given.act == "make":
        asyncio.run(made(given.folder, given.seed, given.fetches))
    rows = asyncio.run(compared(given.folder))
    for name, hand, books in rows:
        print(f"{'good ' if hand == books else 'WRONG'}  {name:<22} {hand:>18,}  {books:>18,}")
    return int(any(hand != books for _, hand, books in rows))


if __name__ == "__main__":
    raise SystemExit(main())
