"""Puts memo and dossier of a site together: what the stores hold, and what the creator entered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from gateway.licenses.contract import Party
from gateway.licenses.dossier import Dossier, InForce
from gateway.licenses.traffic import TrafficBook
from gateway.licenses.value_memo import MOST_DEALS, Figures, Memo
from gateway.policy.rules import Policy
from gateway.visitors.catalog import Catalog
from gateway.visitors.visitor import Crawler

#: Rows of each list that are read; a page shows fewer and sums up the rest.
_MOST = 500
#: Rows of a table that is whole.
_EVERY = 100_000


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
    whole: bool = False,
) -> Memo:
    """The memo of *site* over *days* (first second, first after), made at *now*; raises `StoreUnavailable`.

    With *whole* its tables have every row, and not those alone that a page has room for.
    """
    traffic = await book.traffic(site, *days, _EVERY if whole else _MOST)
    deals = await book.deals(site, _EVERY if whole else MOST_DEALS) if with_deals else ()
    purposes = {each.crawler: known.purposes for each in traffic.crawlers if (known := crawler(each.crawler))}
    return Memo(name, datetime.fromtimestamp(now, UTC).date(), traffic, purposes, entered, deals)


async def dossier_of(
    book: TrafficBook,
    policy: Policy,
    history: Sequence[tuple[str, int]],
    *,
    operator: str,
    crawlers: tuple[str, ...],
    days: tuple[int, int],
    now: int,
    memo: Memo | None,
    most: int,
) -> Dossier:
    """What *crawlers* did on the site of *policy* over *days*, from the journal.

    *history* are the versions of its terms as (name, second since when), newest
    first. Raises `StoreUnavailable`.
    """
    fetches = await book.fetches(policy.site.id, crawlers, *days, most)
    return Dossier(
        operator,
        crawlers,
        policy.site.id,
        policy.site.name,
        datetime.fromtimestamp(now, UTC).date(),
        "journal",
        "the prices that were quoted at the time",
        fetches,
        whole=len(fetches) < most,
        terms=in_force(history, days, f"{policy.site.public}/.licet/terms"),
        creator=creator_of(policy),
        memo=memo,
    )


def meant(catalog: Catalog, name: str) -> tuple[str, tuple[str, ...]] | None:
    """The company and its crawlers that *name* means: one crawler, or a company with all of its own; else None."""
    known = catalog.crawler(name)
    if known is not None:
        return known.operator, (known.name,)
    wanted = name.strip().lower()
    own = [each.crawler for each in catalog.crawlers if each.crawler.operator.lower() == wanted]
    return (own[0].operator, tuple(each.name for each in own)) if own else None


def in_force(history: Sequence[tuple[str, int]], days: tuple[int, int], base: str) -> tuple[InForce, ...]:
    """The versions of *history*, newest first, that were in force at some time of *days*; oldest first.

    *base* is the address below which they can be read.
    """
    found: list[InForce] = []
    until = 0
    for name, since in history:
        if since < days[1] and (not until or until > days[0]):
            found.append(InForce(name, since, until, f"{base}/{name}"))
        until = since
    return tuple(reversed(found))


def creator_of(policy: Policy) -> Party:
    """Who signs for the site: its creator in contracts, else the site's name."""
    named = policy.signing.creator
    return named if named.name else Party(name=policy.site.name)
