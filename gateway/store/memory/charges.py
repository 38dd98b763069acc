"""`billing.charges.Charges` in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.billing.charges import ChargeFilter, ChargeKey, ChargePage, Used, costs, stands_in_account
from gateway.provenance.record import JournalEntry
from gateway.store.memory.tables import Tables


class MemoryCharges:
    """Reads accounts."""

    def __init__(self, tables: Tables) -> None:
        """Read *tables*."""
        self._tables = tables

    async def page(
        self, licensee: str, filter: ChargeFilter, after: ChargeKey | None, most: int
    ) -> ChargePage:
        """At most *most* entries of *licensee*; see the port."""
        self._tables.check()
        found = sorted(
            (
                (each.entry.time_us, each.seq, each.entry)
                for each in self._tables.entries
                if _is_of(each.entry, licensee)
                and each.entry.site in {"", filter.site}
                and filter.since_us <= each.entry.time_us < filter.until_us
                and (not filter.license or getattr(each.entry, "license", "") == filter.license)
                and (not filter.charged or costs(each.entry))
                and (after is None or (each.entry.time_us, each.seq) < (after.time_us, after.seq))
            ),
            key=lambda each: each[:2],
            reverse=True,
        )
        rows = tuple((seq, entry) for _, seq, entry in found[:most])
        more = len(found) > most and bool(rows)
        return ChargePage(rows, ChargeKey(rows[-1][1].time_us, rows[-1][0]) if more else None)

    async def one(self, licensee: str, id: str) -> JournalEntry | None:
        """The entry of that id, if it is of *licensee*."""
        self._tables.check()
        return next(
            (
                each.entry
                for each in self._tables.entries
                if each.entry.id == id and _is_of(each.entry, licensee)
            ),
            None,
        )

    async def used(self, licensee: str) -> Mapping[tuple[str, str], Used]:
        """What was taken and is set aside, by license and currency."""
        self._tables.check()
        mine = {each.entry.license for each in self._tables.entries if _is_of(each.entry, licensee)}  # type: ignore[union-attr]
        found = {
            key: Used(micros, fetches)
            for key, (micros, fetches) in self._tables.spent.items()
            if key[0] in mine
        }
        for purse in self._tables.purses.values():
            if purse.licensee == licensee:
                key = (purse.license, purse.held.currency)
                before = found.get(key, Used())
                found[key] = replace(
                    before,
                    held_micros=before.held_micros + purse.held.micros,
                    held_fetches=before.held_fetches + purse.fetches,
                )
        return found


def _is_of(entry: JournalEntry, licensee: str) -> bool:
    return getattr(entry, "licensee", "") == licensee and stands_in_account(entry)
