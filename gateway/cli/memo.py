"""`licet memo`: what the works are worth, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, stop
from gateway.cli.sites import Html, Pdf, Site, chosen, hand_out

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.value_memo import Figures, Memo
    from gateway.policy.rules import Policy

Period = Annotated[
    str, typer.Option(metavar="DAYS", help="30d, a month such as 2026-11, or 2026-11-01..2026-11-15 (UTC).")
]


def memo(
    site: Site = "",
    period: Period = "30d",
    figures: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own figures; else figures/SITE.toml of the data folder."),
    ] = None,
    deals: Annotated[
        bool,
        typer.Option("--deals/--no-deals", help="Whether your own licenses stand in it, without buyers."),
    ] = True,
    html: Html = None,
    pdf: Pdf = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Write the value memo of a site, to show to a buyer.

    One page: people as totals, crawlers from the journal, your own licenses
    without who bought them, and what you state yourself, marked as yours with
    its source and date. What is not known is said to be not known.

    Your figures are a TOML file; each needs its source and its date:

    \b
    [[figures]]
    about  = "watch-time"   # views, watch-time, conversion, demographics, case-study, other
    what   = "average time on a film"
    value  = "6 min 12 s"
    source = "our channel's analytics"
    date   = 2026-10-31

    \b
    licet memo --period 2026-11 --pdf memo.pdf
    """
    policy = chosen(data, site)
    made = with_books(
        data, lambda books: gathered(books, policy, period, entered_of(data, policy, figures), deals)
    )
    hand_out(made.writing(), made.as_json(), html=html, pdf=pdf, as_json=as_json)


def entered_of(data: Path, policy: Policy, file: Path | None = None) -> Figures:
    from gateway.dashboard.figure_shelf import FigureShelf, read_file
    from gateway.folders import Folders

    return read_file(file) if file is not None else FigureShelf(Folders(data).figures).read(policy.site.id)


async def gathered(
    books: Books, policy: Policy, period: str, entered: Figures, with_deals: bool = True
) -> Memo:
    from gateway.dashboard.valuing import memo_of
    from gateway.licenses.days import NotDays, read_days
    from gateway.store.sqlite.traffic import SqliteTraffic
    from gateway.visitors.catalog import Catalog

    try:
        days = read_days(period, books.now)
    except NotDays as error:
        raise stop(f"--period: {error}") from None
    return await memo_of(
        SqliteTraffic(books.database),
        Catalog.shipped().crawler,
        site=policy.site.id,
        name=policy.site.name,
        days=days,
        now=books.now,
        entered=entered,
        with_deals=with_deals,
    )
