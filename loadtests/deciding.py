"""What a decision costs in CPU: `gateway.front.exchange.judge` on a gate of shipped parts and a store in memory.

A token seen for the first time costs a signature; every later decision with it
costs a look-up. No socket, no origin, no record.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.admission.admit import Grant
from gateway.admission.credentials import Credentials
from gateway.admission.pace import Pace
from gateway.admission.till import Till
from gateway.ask import Ask
from gateway.billing.postings import prepaid
from gateway.clock import HandClock
from gateway.evidence import NOTHING, Evidence, Needs
from gateway.front.answer import Judged
from gateway.front.exchange import Gate, judge
from gateway.front.notices import SiteNotices
from gateway.keys.key_ring import KeyRing
from gateway.licenses.revocations import RevocationFeed, Revocations
from gateway.money import Money
from gateway.origin.forwarding import HttpOrigin, OriginLimits
from gateway.origin.small import fetch_small
from gateway.paths import PathScope
from gateway.policy.published import publish
from gateway.policy.reading import read_policy_text
from gateway.policy.rules import Policy
from gateway.problems import Problem, Refusal
from gateway.provenance.journal import Journal
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.tables import Tables
from gateway.terms.license_terms import Territory
from gateway.tokens.claims import Budget, Claims
from gateway.tokens.minting import mint
from gateway.tokens.verification import Verifier
from gateway.uses import Use
from gateway.visitors.catalog import Catalog
from gateway.visitors.identify import Identifier
from gateway.visitors.networks import Networks
from loadtests.serving import A_MICRO_UNIT, CRAWLER, PERSON, POLICY

_SITE = "http://127.0.0.1:8402"
_TOKENS, _CALLS, _SERIES = 200, 2000, 5


class _Nobody:
    def count(self, ask: Ask, status: int) -> None: ...


@dataclass
class Bench:
    """A gate, the policy it judges by, and what makes tokens for it."""

    gate: Gate
    policy: Policy
    keys: KeyRing
    clock: HandClock

    @classmethod
    def open(cls, folder: Path) -> Bench:
        """Build it in *folder*, on a running loop."""
        clock = HandClock()
        text = POLICY.format(site="bench", price=A_MICRO_UNIT, origin="http://127.0.0.1:8000")
        policy = read_policy_text(text, "bench.toml")
        keys = KeyRing.create(folder / "keys", clock=clock)
        tables = Tables()
        tables.balances[prepaid("le_bench"), "USD"] = 10**15
        journal = Journal.open(folder / "journal", "front", clock=clock, reserve_bytes=0)
        till = Till(MemorySpendBook(tables), journal.writer, Pace(0, 1))
        feed = RevocationFeed()
        feed.renew(Revocations(), clock.monotonic())

        def published(policy: Policy, origin: str):
            return publish(policy, origin, {})

        gate = Gate(
            policy_of=lambda _: policy,
            identify=Identifier(Catalog.shipped(), Networks.shipped()).identify,
            notices=SiteNotices(published, fetch_small, clock),
            credentials=Credentials(Verifier(lambda: keys.public), feed, clock),
            till=till,
            origin=HttpOrigin(OriginLimits()),
            journal=journal,
            people=_Nobody(),
            published=published,
            sources={"lease": till.lease},
            clock=clock,
        )
        return cls(gate, policy, keys, clock)

    async def close(self) -> None:
        """Close what `open` opened."""
        await self.gate.journal.close()
        await self.gate.origin.close()

    def ask(self, agent: str, token: str = "") -> Ask:
        """A request for a page."""
        headers = [("host", _SITE[7:]), ("user-agent", agent), ("accept", "*/*")]
        headers += [("authorization", f"License {token}")] if token else []
        return Ask(
            id="01920000-0000-7000-8000-000000000001", asked_at_us=self.clock.now_us(), site="bench", origin=_SITE,
            method="GET", target="/essays/tides", path="/essays/tides", headers=tuple(headers),
            peer="192.0.2.7", address="192.0.2.7",
        )  # fmt: skip

    def token(self, number: int) -> str:
        """A token that was never seen before."""
        now = self.clock.now_us() // 1_000_000
        claims = Claims(
            issuer=f"{_SITE}/.licet", audience=_SITE, client="cl_bench", token_id=f"token-{number}",
            issued_at=now, not_before=now, expires_at=now + 3600, license="lic_bench", licensee="le_bench",
            scopes=(PathScope("/"),), renditions=("page",), uses=frozenset({Use.AI_TRAIN}),
            territory=Territory(), crawlers=frozenset(), budget=Budget(), price=Money(1, "USD"),
            terms="sha-256:terms", policy=self.policy.digest,
        )  # fmt: skip
        return mint(claims, self.keys.current)

    async def evidence(self, ask: Ask) -> Evidence:
        """Everything that deciding *ask* needs, fetched as the exchange fetches it."""
        evidence = NOTHING
        while isinstance(found := judge(self.policy, ask, evidence, self.gate), Needs):
            values = [await self.gate.sources[need.kind](need) for need in found.wants]
            evidence = evidence.with_facts(zip(found.wants, values, strict=True))
        return evidence


def _micros(acts: Iterable[Callable[[], object]]) -> float:
    acts = list(acts)
    began = time.thread_time_ns()
    for act in acts:
        act()
    return (time.thread_time_ns() - began) / len(acts) / 1000


async def _measured(folder: Path) -> list[dict[str, Any]]:
    bench = Bench.open(folder)
    rows = []
    try:
        licensed = bench.ask(CRAWLER, bench.token(0))
        cases = {
            "warm, a person": (bench.ask(PERSON), NOTHING, None),
            "warm, a crawler without a license": (bench.ask(CRAWLER), NOTHING, Problem.LICENSE_REQUIRED),
            "warm, a license with its lease": (licensed, await bench.evidence(licensed), None),
        }
        for name, (ask, evidence, refused) in cases.items():
            found = judge(bench.policy, ask, evidence, bench.gate)
            assert isinstance(found, Judged)
            assert isinstance(found.verdict, Refusal) == (refused is not None), found.verdict
            assert refused is None or found.verdict.problem is refused
            assert refused or isinstance(found.verdict, Grant)

            def act(ask: Ask = ask, evidence: Evidence = evidence) -> object:
                return judge(bench.policy, ask, evidence, bench.gate)

            series = [_micros([act] * _CALLS) for _ in range(_SERIES)]
            rows.append({"decision": name, "cpu_us": statistics.median(series), "cpu_us_least": min(series)})
        series = []
        for number in range(_SERIES):
            asks = [bench.ask(CRAWLER, bench.token(1 + number * _TOKENS + each)) for each in range(_TOKENS)]
            calls = [lambda ask=ask: judge(bench.policy, ask, NOTHING, bench.gate) for ask in asks]
            series.append(_micros(calls))
        rows.append(
            {
                "decision": "first sight of a token",
                "cpu_us": statistics.median(series),
                "cpu_us_least": min(series),
            }
        )
    finally:
        with suppress(Exception):
            await bench.close()
    return rows


def deciding() -> list[dict[str, Any]]:
    """CPU microseconds of each kind of decision: median and least of several series."""
    with tempfile.TemporaryDirectory(prefix="licet-deciding-") as folder:
        return asyncio.run(_measured(Path(folder)))


if __name__ == "__main__":
    for each in deciding():
        print(f"{each['decision']:<36} {each['cpu_us']:8.1f} us  least {each['cpu_us_least']:.1f}")
