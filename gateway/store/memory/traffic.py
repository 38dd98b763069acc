"""`licenses.traffic.TrafficBook` in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from gateway.licenses.traffic import Crawled, Fetched, OwnDeal, Traffic, Wanted
from gateway.money import Money
from gateway.provenance.floods import network_of
from gateway.provenance.record import FetchRecord, FloodNote, Outcome, ShedNote
from gateway.store.memory.folding import MemoryAudience
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.tables import Tables

_SECOND = 1_000_000


class MemoryTraffic:
    """Sums over the entries of *tables*, the totals of *audience* and the licenses of *register*."""

    def __init__(self, tables: Tables, register: MemoryRegister, audience: MemoryAudience) -> None:
        """Read these; write nothing."""
        self._tables, self._register, self._audience = tables, register, audience

    async def traffic(self, site: str, since: int, until: int, most: int) -> Traffic:
        """What was seen of *site*; see the port."""
        self._tables.check()
        crawled: dict[str, list[Fetched]] = {}
        wanted: Counter[str] = Counter()
        sent: Counter[str] = Counter()
        for work, each in self._seen(site, since, until):
            crawled.setdefault(each.crawler, []).append(each)
            if each.delivered:
                wanted[work or each.path] += 1
                sent[work or each.path] += each.bytes_sent
        rows = [_crawled(name, each) for name, each in crawled.items()]
        people = [each for each in await self._audience.totals(since, until) if each.site == site]
        parts: Counter[str] = Counter()
        referring: Counter[str] = Counter()
        for row in people:
            parts[row.group] += row.count
            if row.referring:
                referring[row.referring] += row.count
        return Traffic(
            site,
            since,
            until,
            tuple(sorted(rows, key=lambda row: (-row.fetches, row.crawler))[:most]),
            tuple(Wanted(name, count, sent[name]) for name, count in _first(wanted, most)),
            sum(parts.values()),
            _first(parts, most),
            _first(referring, most),
            sum(
                booked.entry.count
                for booked in self._tables.entries
                if isinstance(booked.entry, ShedNote)
                and since * _SECOND <= booked.entry.time_us < until * _SECOND
            ),
        )

    async def deals(self, site: str, most: int) -> tuple[OwnDeal, ...]:
        """The licenses of *site* that were sold; see the port."""
        revoked = (await self._register.revocations()).licenses
        found = [
            each
            for licensee in await self._register.licensees()
            for each in await self._register.licenses_of(licensee.id)
            if each.site == site and each.id not in revoked and not each.terms.compensation.is_free
        ]
        found.sort(key=lambda each: (each.starts_at, each.id), reverse=True)
        return tuple(OwnDeal(each.starts_at, each.terms) for each in found[:most])

    async def fetches(
        self, site: str, crawlers: Collection[str], since: int, until: int, most: int
    ) -> tuple[Fetched, ...]:
        """What *crawlers* fetched of *site*; see the port."""
        self._tables.check()
        found = [each for _, each in self._seen(site, since, until) if each.crawler in crawlers]
        # Sorting keeps the order of the entries where times are equal.
        found.sort(key=lambda each: each.time_us)
        return tuple(found[-most:])

    def _seen(self, site: str, since: int, until: int) -> Iterator[tuple[str, Fetched]]:
        """Each fetch with the work that it was of."""
        for booked in self._tables.entries:
            entry = booked.entry
            if (
                isinstance(entry, FetchRecord | FloodNote)
                and entry.site == site
                and since * _SECOND <= entry.time_us < until * _SECOND
            ):
                yield getattr(entry, "work", ""), self._fetched(entry)

    def _fetched(self, entry: FetchRecord | FloodNote) -> Fetched:
        sealed = self._tables.details.get(entry.id)
        address = sealed.detail.address if sealed else ""
        network = address if "/" in address else network_of(address)
        evidence = tuple(sealed.detail.evidence) if sealed else ()
        if isinstance(entry, FloodNote):
            return Fetched(
                entry.time_us, "", "", entry.status, 0, entry.crawler, "", entry.visitor_class, "",
                entry.outcome, evidence, network, count=entry.count,
            )  # fmt: skip
        return Fetched(
            entry.time_us, entry.path, entry.method, entry.status, entry.bytes_sent, entry.crawler,
            entry.operator, entry.visitor_class, entry.identity, entry.outcome, evidence, network,
            Money(entry.quote_micros, entry.currency) if entry.quote_micros else None,
            Money(entry.charged_micros, entry.currency) if entry.charged_micros else None,
        )  # fmt: skip


def _crawled(name: str, fetches: Iterable[Fetched]) -> Crawled:
    every = list(fetches)
    return Crawled(
        name,
        max(each.operator for each in every),
        max(each.visitor_class for each in every),
        sum(each.count for each in every),
        sum(each.delivered for each in every),
        sum(each.outcome == Outcome.LICENSED for each in every),
        sum(each.count for each in every if each.identity == "verified"),
        sum(each.bytes_sent for each in every),
    )


def _first(counts: Counter[str], most: int) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most])
