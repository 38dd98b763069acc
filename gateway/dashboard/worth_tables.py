"""The tables of the papers on worth, for other programs: each whole, in every form, its numbers as numbers.

=================================  ============================================
``/memo/crawlers.csv`` …           who fetched; ``works`` what they were given,
                                   ``figures`` what the creator states, ``deals``
                                   and ``comparables`` to compare with
``/calculator/frameworks.csv`` …   what each framework comes to; ``tiers`` what
                                   could be asked for each use
``/dossier/pages.csv`` …           what an operator fetched; ``days``, ``senders``,
                                   ``networks``, and the ``versions`` of the terms
=================================  ============================================

Each is asked as its paper is, and shows who may see that. Amounts stand twice,
exact with their currency and as whole micro-units. A share of a price stands as
a percentage, and its micro-units are millionths of the whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from gateway.dashboard.filters import rfc3339
from gateway.dashboard.table_forms import OWN, Cells, add_table, moment
from gateway.licenses.dossier import Dossier, days, named_pages, networks, proofs
from gateway.licenses.estimating import NAMES
from gateway.licenses.pricing_guide import Estimate, Expected, Guide, estimates, percent, suggestions
from gateway.licenses.value_memo import Comparable, Figure, Memo, month_of, told_of
from gateway.money import Money
from gateway.uses import tier_of

#: Gives what a paper is made of for one query; raises `table_forms.BadQuery`.
Asking = Callable[[Mapping[str, str]], Awaitable[Any]]
#: What the calculator works with.
Priced = tuple[Guide, Expected]

FIGURE_CELLS: Final[Cells] = {
    "about": lambda row: row.about.words if isinstance(row, Figure) else "a deal of others",
    "what": lambda row: row.what,
    "figure": lambda row: row.value if isinstance(row, Figure) else row.price,
    "source": lambda row: row.source,
    "as_of": lambda row: str(row.day),
}
_CRAWLER_CELLS: Final[Cells] = {
    "crawler": lambda row: row[0].crawler,
    "operator": lambda row: row[0].operator,
    "class": lambda row: row[0].visitor_class,
    "purposes": lambda row: ", ".join(row[1]),
    "fetches": lambda row: row[0].fetches,
    "delivered": lambda row: row[0].delivered,
    "licensed": lambda row: row[0].licensed,
    "verified": lambda row: row[0].verified,
    "bytes_sent": lambda row: row[0].bytes_sent,
}
_WORK_CELLS: Final[Cells] = {
    "work": lambda row: row.name,
    "fetches": lambda row: row.fetches,
    "bytes_sent": lambda row: row.bytes_sent,
}
_DEAL_CELLS: Final[Cells] = {
    "signed": month_of,
    "tier": lambda row: tier_of(row.terms.purpose.uses),
    "uses": lambda row: told_of(row)["uses"],
    "price": lambda row: told_of(row)["price"],
    "months": lambda row: row.terms.term.months,
    "exclusive": lambda row: "yes" if row.terms.exclusivity.exclusive else "no",
}
_COMPARABLE_CELLS: Final[Cells] = {
    "what": lambda row: row.what,
    "price": lambda row: row.price,
    "source": lambda row: row.source,
    "as_of": lambda row: str(row.day),
}
_FRAMEWORK_CELLS: Final[Cells] = {
    "framework": lambda row: row.framework.label,
    "formula": lambda row: row.framework.formula,
    "range": lambda row: row.unit,
    "worked": lambda row: row.worked,
    "low": lambda row: _exact(row.low),
    "low_micros": lambda row: _micros(row.low),
    "high": lambda row: _exact(row.high),
    "high_micros": lambda row: _micros(row.high),
    "missing": lambda row: ", ".join(row.missing),
}
_TIER_CELLS: Final[Cells] = {
    "tier": lambda row: row[0].tier,
    "uses": lambda row: row[0].what,
    "part": lambda row: row[1].name,
    "paid": lambda row: row[1].words,
    "ask": lambda row: _exact(row[1].ask),
    "ask_micros": lambda row: _micros(row[1].ask),
    "target": lambda row: _exact(row[1].target),
    "target_micros": lambda row: _micros(row[1].target),
    "floor": lambda row: _exact(row[1].floor),
    "floor_micros": lambda row: _micros(row[1].floor),
    "exclusive": lambda row: _exact(row[1].exclusive),
    "exclusive_micros": lambda row: _micros(row[1].exclusive),
    "missing": lambda row: ", ".join(row[0].missing) if row[1].ask is None else "",
}
_PAGE_CELLS: Final[Cells] = {
    "path": lambda row: row.path,
    "requests": lambda row: row.times,
    "delivered": lambda row: row.delivered,
    "first": lambda row: rfc3339(row.first),
    "last": lambda row: rfc3339(row.last),
    "bytes_sent": lambda row: row.bytes_sent,
}
_DAY_CELLS: Final[Cells] = {
    "day": lambda row: row[0],
    "requests": lambda row: row[1],
    "delivered": lambda row: row[2],
}
_SENDER_CELLS: Final[Cells] = {"sender": lambda row: row[0], "requests": lambda row: row[1]}
_NETWORK_CELLS: Final[Cells] = {"network": lambda row: row[0], "requests": lambda row: row[1]}
_VERSION_CELLS: Final[Cells] = {
    "version": lambda row: row.name,
    "since": lambda row: moment(row.since),
    "until": lambda row: moment(row.until),
    "address": lambda row: row.address,
}


def _crawlers(memo: Memo) -> Iterable[Any]:
    return [(each, memo.purposes.get(each.crawler, ())) for each in memo.traffic.crawlers]


def _works(memo: Memo) -> Iterable[Any]:
    return memo.traffic.wanted


def _figures(memo: Memo) -> Iterable[Figure]:
    return memo.entered.figures


def _deals(memo: Memo) -> Iterable[Any]:
    return memo.deals


def _comparables(memo: Memo) -> Iterable[Comparable]:
    return memo.entered.comparables


def _frameworks(priced: Priced) -> Iterable[Estimate]:
    return estimates(*priced)


def _tiers(priced: Priced) -> Iterable[Any]:
    return [(each, part) for each in suggestions(*priced) for part in each.parts]


def _pages(dossier: Dossier) -> Iterable[Any]:
    return named_pages(dossier.fetches)


def _days(dossier: Dossier) -> Iterable[Any]:
    return days(dossier.fetches)


def _senders(dossier: Dossier) -> Iterable[Any]:
    return proofs(dossier.fetches)


def _networks(dossier: Dossier) -> Iterable[Any]:
    return networks(dossier.fetches)


def _versions(dossier: Dossier) -> Iterable[Any]:
    return dossier.terms


#: By the paper that it stands in and by its `licenses.written.Table.name`, which no two papers share.
TABLES: Final[Mapping[str, Mapping[str, tuple[Cells, Callable[[Any], Iterable[Any]]]]]] = {
    "memo": {
        "crawlers": (_CRAWLER_CELLS, _crawlers),
        "works": (_WORK_CELLS, _works),
        "figures": (FIGURE_CELLS, _figures),
        "deals": (_DEAL_CELLS, _deals),
        "comparables": (_COMPARABLE_CELLS, _comparables),
    },
    "calculator": {"frameworks": (_FRAMEWORK_CELLS, _frameworks), "tiers": (_TIER_CELLS, _tiers)},
    "dossier": {
        "pages": (_PAGE_CELLS, _pages),
        "days": (_DAY_CELLS, _days),
        "senders": (_SENDER_CELLS, _senders),
        "networks": (_NETWORK_CELLS, _networks),
        "versions": (_VERSION_CELLS, _versions),
    },
}
#: What each paper is asked by.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "memo": ("site", "period", "deals"),
    "calculator": ("site", *NAMES),
    "dossier": ("site", "period", "crawler"),
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a table stands: its *path*, to which a form adds its ending, and the *query* of its paper."""

    path: str
    query: str


def addresses(given: Mapping[str, str]) -> dict[str, Address]:
    """The address of each table by its name, for papers that are asked by *given*.

    >>> addresses({"site": "journal", "crawler": "GPTBot"})["crawlers"]
    Address(path='/memo/crawlers', query='site=journal')
    """
    return {
        name: Address(
            f"/{paper}/{name}", urlencode([(key, given[key]) for key in _KEYS[paper] if given.get(key)])
        )
        for paper, tables in TABLES.items()
        for name in tables
    }


def add_tables(router: web.UrlDispatcher, asking: Mapping[str, Asking]) -> None:
    """Answer at every table's address; *asking* says of each paper what it is made of."""
    for paper, tables in TABLES.items():
        for name, (cells, rows) in tables.items():
            add_table(router, f"/{paper}/{name}", cells, _asked(asking[paper], rows))


def _asked(
    asking: Asking, rows: Callable[[Any], Iterable[Any]]
) -> Callable[[web.Request], Awaitable[Iterable[Any]]]:
    async def found(request: web.Request) -> Iterable[Any]:
        return rows(await asking({key: text for key, text in request.query.items() if key not in OWN}))

    return found


def _exact(value: Money | int | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, Money) else percent(value)


def _micros(value: Money | int | None) -> int | None:
    return value.micros if isinstance(value, Money) else value
