"""Puts the value memo of a site together: what the stores hold, and what the creator entered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from gateway.licenses.traffic import TrafficBook
from gateway.licenses.value_memo import MOST_DEALS, Figures, Memo
from gateway.visitors.visitor import Crawler

#: Rows of each list that are read; a page shows fewer and sums up the rest.
_MOST = 500


async def memo_of(
    book: TrafficBook,
    crawler: Callable[[str], Crawler | None],
    *,
    site: str,
    name: str,
    days: tuple[int, int],
    now: int,
    entered: Figures,
    with_deals: bool = True,
) -> Memo:
    """The memo of *site* over *days* (first second, first after), made at *now*; raises `StoreUnavailable`."""
    traffic = await book.traffic(site, *days, _MOST)
    deals = await book.deals(site, MOST_DEALS) if with_deals else ()
    purposes = {each.crawler: known.purposes for each in traffic.crawlers if (known := crawler(each.crawler))}
    return Memo(name, datetime.fromtimestamp(now, UTC).date(), traffic, purposes, entered, deals)
