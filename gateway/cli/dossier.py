"""`licet dossier`: what one operator's crawlers did, to write to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.licensee import with_books
from gateway.cli.memo import Period, gathered
from gateway.cli.say import DATA, AsJson, Data, counted, stop, tell
from gateway.cli.sites import Html, Pdf, Site, chosen, hand_out

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.dossier import Dossier
    from gateway.licenses.traffic import Fetched
    from gateway.policy.rules import Policy

#: Fetches that are read; of more, the newest.
_MOST = 100_000


def dossier(
    who: Annotated[
        str,
        typer.Argument(
            metavar="CRAWLER|OPERATOR", help="A crawler such as GPTBot, or a company such as OpenAI."
        ),
    ],
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="An access log to read instead of the journal."),
    ] = None,
    site: Site = "",
    period: Period = "30d",
    memo: Annotated[
        bool, typer.Option("--memo/--no-memo", help="Whether the value memo stands at its end.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option("--text", metavar="FILE", help="Write a text file, to edit and to send.")
    ] = None,
    html: Html = None,
    pdf: Pdf = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Gather what a crawler did here, with a letter about it.

    What was fetched and when, how far the sender is proven, the terms that were
    in force, what it would have cost, the value memo and a draft of the letter.
    From the journal, or with --log from an access log that another server wrote
    (combined or common format; all of it, priced by the policy of today).
    Addresses are told as networks. Nothing is ever sent: edit the text yourself.
    Exit 1 where nothing by that name was found.

    \b
    licet dossier OpenAI --period 2026-11 --text letter.txt --pdf dossier.pdf
    licet dossier GPTBot --log access.log
    """
    policy = chosen(data, site)
    operator, crawlers = _meant(who)
    if log is not None:
        made = _from_log(log, policy, data, operator, crawlers)
    else:
        made = with_books(
            data, lambda books: from_journal(books, policy, data, operator, crawlers, period, memo)
        )
    if not made.fetches:
        raise stop(f"nothing by {', '.join(crawlers)} was found", 1)
    writing = made.writing()
    if out is not None:
        from gateway.cli.sites import write_private
        from gateway.licenses.written import plain_text

        write_private(out, plain_text(writing).encode())
        if not as_json and html is None and pdf is None:
            return
    hand_out(writing, made.as_json(), html=html, pdf=pdf, as_json=as_json)


def _meant(who: str) -> tuple[str, tuple[str, ...]]:
    """The company and the names of its crawlers in the catalog; an unknown name is looked for as it stands."""
    from gateway.dashboard.valuing import meant
    from gateway.visitors.catalog import Catalog

    found = meant(Catalog.shipped(), who)
    if found is None:
        tell(f"the catalog knows no crawler and no company {who!r}; it is looked for as it stands")
        return "", (who,)
    return found


async def from_journal(
    books: Books,
    policy: Policy,
    data: Path,
    operator: str,
    crawlers: tuple[str, ...],
    period: str,
    with_memo: bool,
) -> Dossier:
    from gateway.cli.memo import entered_of
    from gateway.dashboard.valuing import dossier_of
    from gateway.licenses.days import NotDays, read_days
    from gateway.store.sqlite.terms_versions import SqliteTermsVersions
    from gateway.store.sqlite.traffic import SqliteTraffic

    try:
        days = read_days(period, books.now)
    except NotDays as error:
        raise stop(f"--period: {error}") from None
    memo = await gathered(books, policy, period, entered_of(data, policy)) if with_memo else None
    history = await SqliteTermsVersions(books.database).history(policy.site.id, 1000)
    return await dossier_of(
        SqliteTraffic(books.database),
        policy,
        [(each.name, each.at) for each in history],
        operator=operator,
        crawlers=crawlers,
        days=days,
        now=books.now,
        memo=memo,
        most=_MOST,
    )


def _from_log(log: Path, policy: Policy, data: Path, operator: str, crawlers: tuple[str, ...]) -> Dossier:
    from datetime import UTC, datetime

    from gateway.clock import SystemClock
    from gateway.dashboard.valuing import creator_of
    from gateway.licenses.dossier import Dossier

    fetches, more = _ingested(log, policy, data, frozenset(crawlers))
    return Dossier(
        operator,
        crawlers,
        policy.site.id,
        policy.site.name,
        datetime.fromtimestamp(SystemClock().now_us() // 1_000_000, UTC).date(),
        log.name,
        "the policy of today",
        tuple(sorted(fetches, key=lambda each: each.time_us)),
        whole=not more,
        creator=creator_of(policy),
    )


def _ingested(
    log: Path, policy: Policy, data: Path, crawlers: Collection[str]
) -> tuple[deque[Fetched], bool]:
    """What *crawlers* fetched by *log*, as `licet who` reads it, and whether older ones were left out."""
    import os

    from gateway.app.explaining import Explaining
    from gateway.cli.access_log import LONGEST, read_line
    from gateway.clock import SystemClock
    from gateway.config import read_config
    from gateway.policy.quoting import logged
    from gateway.visitors.explained import imagined

    explaining = Explaining(read_config(data, environ=os.environ), SystemClock())
    found: deque[Fetched] = deque(maxlen=_MOST)
    read = unread = seen = 0
    with log.open("rb") as lines:
        for line in lines:
            hit = read_line(line[: LONGEST * 4].decode("utf-8", "replace"))
            if hit is None:
                unread += bool(line.strip())
                continue
            read += 1
            if hit.user_agent is None:
                continue
            ask, _ = imagined(
                hit.user_agent or None, hit.address, origin="https://site.example",
                method=hit.method or "GET", target=hit.target or "/", at=hit.at,
            )  # fmt: skip
            visitor = explaining.visitor(ask, told=False)
            if visitor.name in crawlers:
                seen += 1
                found.append(logged(policy, visitor, ask, hit.status, hit.sent))
    if unread:
        tell(counted(unread, "line is", "lines are") + " in no format that is known here")
    if not read:
        raise stop(f"{log} holds no line of an access log", 1)
    return found, seen > len(found)
