"""`licet crawlers`: who is known by name, how a claim is checked, and how old the evidence is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli import feeds
from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop, table, tell, with_data

if TYPE_CHECKING:
    from gateway.visitors.catalog import Catalog, CatalogEntry
    from gateway.visitors.fetched_lists import LiveNetworks
    from gateway.visitors.networks import NetworkList

app = typer.Typer(
    help="""The crawlers known by name: list, show, check, update.

    Operators publish from which addresses their crawlers come. Licet ships a
    copy of each list and fetches newer ones by itself, once a day; what is old
    makes a claim unproven, never forged.
    """,
    no_args_is_help=True,
)
app.command("update")(feeds.update)
#: Days after which somebody should look at a crawler's page again.
_LOOKED_DAYS = 400

Operator = Annotated[str, typer.Option(metavar="NAME", help="Only crawlers of this operator.")]
Purpose = Annotated[
    str,
    typer.Option(metavar="WORD", help="Only crawlers with this purpose, such as training or user-action."),
]
Class = Annotated[
    str, typer.Option("--class", metavar="WORD", help="ai, search-engine, service or automation.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A crawler's name, or one of its product tokens.")]


@app.command("list")
def list_(
    operator: Operator = "", purpose: Purpose = "", class_: Class = "", as_json: AsJson = False
) -> None:
    """List the crawlers, all of them or those that fit.

    "proven by" is how a claim can be checked: network (a published address
    list), dns (the name of the address), signature (Web Bot Auth), asn (only a hint).
    """
    catalog = _catalog()
    known = {
        "--operator": sorted({entry.crawler.operator for entry in catalog.crawlers}, key=str.lower),
        "--purpose": sorted({word for entry in catalog.crawlers for word in entry.crawler.purposes}),
        "--class": sorted({str(entry.crawler.visitor_class) for entry in catalog.crawlers}),
    }
    for option, given in (("--operator", operator), ("--purpose", purpose), ("--class", class_)):
        if given and given.lower() not in map(str.lower, known[option]):
            near = get_close_matches(given, known[option], 3, 0.5) or known[option]
            raise stop(f"{option} {given}: no crawler has that; there is {', '.join(near[:12])}")
    found = [
        entry
        for entry in catalog.crawlers
        if operator.lower() in {"", entry.crawler.operator.lower()}
        and (not purpose or purpose.lower() in entry.crawler.purposes)
        and class_.lower() in {"", str(entry.crawler.visitor_class)}
    ]
    if as_json:
        emit([_as_json(entry) for entry in found])
        return
    table(
        ("crawler", "operator", "class", "purposes", "proven by", "robots.txt"),
        [
            (
                entry.name,
                entry.crawler.operator,
                entry.crawler.visitor_class,
                ", ".join(entry.crawler.purposes) or "-",
                _proof(entry),
                entry.robots,
            )
            for entry in found
        ],
    )
    tell(counted(len(found), "crawler"))


@app.command()
def show(name: Name, data: Data = DATA, as_json: AsJson = False) -> None:
    """Show everything known about one crawler.

    Of each list that proves it: how old the copy is, whether it was fetched or
    shipped, and what a claim is worth today that comes from somewhere else.
    """
    catalog = _catalog()
    entry = catalog.by_name(name)
    if entry is None:
        names = {token.lower(): each.name for each in catalog.crawlers for token in (each.name, *each.tokens)}
        near = dict.fromkeys(names[key] for key in get_close_matches(name.lower(), names, 5, 0.5))
        hint = f"; did you mean {', '.join(near)}?" if near else "; `licet crawlers list` shows all"
        raise stop(f"no crawler is called {name}{hint}", 1)
    live, now = live_networks(data), int(time.time())
    lists = [(list_name, live.networks.get(list_name)) for list_name in entry.recipe.networks]
    if as_json:
        shown = {"name": None} | _as_json(entry)
        shown["lists"] = [_list_json(each, live, now) for _, each in lists if each is not None]
        emit(shown)
        return
    crawler = entry.crawler
    print(entry.name)
    for word, value in (
        ("operator", crawler.operator),
        ("class", crawler.visitor_class),
        ("purposes", ", ".join(crawler.purposes)),
        ("uses", ", ".join(sorted(crawler.uses))),
        ("tokens", ", ".join(entry.tokens) + (" (first product only)" if entry.anchored else "")),
        ("not", ", ".join(entry.not_tokens)),
        ("robots.txt", entry.robots + (" (a token for it alone, never sent)" if entry.robots_only else "")),
        (
            "source",
            f"{entry.source} (looked at {entry.checked})" if entry.source else "none: general knowledge",
        ),
    ):
        if value:
            print(f"  {word:<11} {value}")
    for list_name, each in lists:
        print(f"  {'network':<11} {_told(each, live, now) if each else f'{list_name}: no such list'}")
    for word, value in (
        ("dns", ", ".join("*" + suffix for suffix in entry.recipe.dns)),
        ("signature", entry.recipe.signature),
        ("asn", ", ".join(f"AS{number} (a hint, no proof)" for number in entry.recipe.asn)),
    ):
        if value:
            print(f"  {word:<11} {value}")
    if not entry.recipe:
        print(f"  {'proof':<11} none is published: whoever says this name is believed to claim it, no more")


@app.command()
def check(
    data: Data = DATA,
    strict: Annotated[bool, typer.Option("--strict", help="Let a warning make it exit 1 too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Are the catalog and the lists sound, sourced and young?

    Exit 1 if something is wrong. What is only old or without a source is a
    warning: the gate goes on and believes less.
    """
    from gateway.problems import ConfigurationError

    findings: list[Finding] = []
    try:
        catalog, live = _catalog(), live_networks(data)
    except ConfigurationError as error:
        findings.extend(Finding("bad", each.file, str(each), "mend the file") for each in error.mistakes)
    else:
        findings.extend(_catalog_findings(catalog, live))
        findings.extend(_list_findings(catalog, live, int(time.time()), data))
        tell(
            f"{counted(len(catalog.crawlers), 'crawler')}, {counted(len(live.networks.lists), 'list')} with "
            f"{counted(sum(len(each.prefixes) for each in live.networks.lists.values()), 'prefix', 'prefixes')}"
        )
    if as_json:
        emit([{"state": f.state, "what": f.what, "fact": f.fact, "step": f.step} for f in findings])
    else:
        for each in findings:
            print(f"{each.state:<5} {each.what:<30} {each.fact}")
            if each.step:
                print(f"{'':<36} -> {each.step}")
    wrong = sum(each.state == "bad" for each in findings)
    tell(f"{wrong} wrong, {counted(len(findings) - wrong, 'warning')}")
    raise typer.Exit(1 if wrong or (strict and findings) else 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. *state* is ``bad`` or ``warn``; *step* says what to do about it, or "" for nothing."""

    state: str
    what: str
    fact: str
    step: str = ""


def absence(known: NetworkList, now: int) -> str:
    """What a claim is, at second *now*, that comes from no address of list *known*."""
    if not known.complete:
        return "unproven: the operator does not say that the list is complete"
    if not known.is_fresh(now):
        return f"unproven: after {counted(known.max_age_days, 'day')} a copy proves no absence"
    until = time.strftime("%Y-%m-%d", time.gmtime(known.checked_at + known.max_age_days * 86_400))
    return f"forged until {until}, unless it is near a listed one"


def live_networks(data: Path) -> LiveNetworks:
    """The lists in force for data folder *data*."""
    from gateway.visitors.fetched_lists import FeedFolder, LiveNetworks
    from gateway.visitors.networks import Networks

    return LiveNetworks(Networks.shipped(), FeedFolder(data / "feeds"))


def _catalog() -> Catalog:
    from gateway.visitors.catalog import Catalog

    return Catalog.shipped()


def _proof(entry: CatalogEntry) -> str:
    recipe = entry.recipe
    parts = (
        ("signature", recipe.signature),
        ("network", recipe.networks),
        ("dns", recipe.dns),
        ("asn", recipe.asn),
    )
    return ", ".join(word for word, value in parts if value) or "-"


def _told(known: NetworkList, live: LiveNetworks, now: int) -> str:
    kept = live.kept.get(known.name)
    day = time.strftime("%Y-%m-%d", time.gmtime(known.checked_at))
    origin = "fetched" if known.fetched else "shipped"
    text = (
        f"{known.name}: {counted(len(known.prefixes), 'prefix', 'prefixes')}, {origin}, of {day} "
        f"({counted(known.age_days(now), 'day')} old)\n{'':<14}source: {known.source}"
        f"\n{'':<14}a claim from elsewhere is {absence(known, now)}"
    )
    if known.shared:
        text += f"\n{'':<14}others use these networks as well"
    if kept is not None and kept.trouble:
        text += f"\n{'':<14}last try: {kept.trouble}"
    return text


def _as_json(entry: CatalogEntry) -> dict[str, Any]:
    crawler, recipe = entry.crawler, entry.recipe
    return {
        "name": entry.name,
        "operator": crawler.operator,
        "class": str(crawler.visitor_class),
        "purposes": list(crawler.purposes),
        "uses": sorted(map(str, crawler.uses)),
        "tokens": list(entry.tokens),
        "verify": {
            "networks": list(recipe.networks),
            "dns": list(recipe.dns),
            "signature": recipe.signature,
            "asn": list(recipe.asn),
        },
        "robots": entry.robots,
        "robots_only": entry.robots_only,
        "source": entry.source,
        "checked": entry.checked,
    }


def _list_json(known: NetworkList, live: LiveNetworks, now: int) -> dict[str, Any]:
    kept = live.kept.get(known.name)
    return {
        "name": known.name,
        "operator": known.operator,
        "source": known.source,
        "prefixes": len(known.prefixes),
        "fetched": known.fetched,
        "taken_at": known.checked_at,
        "age_days": known.age_days(now),
        "max_age_days": known.max_age_days,
        "complete": known.complete,
        "fresh": known.is_fresh(now),
        "shared": known.shared,
        "absence": absence(known, now).split(maxsplit=1)[0].rstrip(":"),
        "tried_at": kept.tried_at if kept else 0,
        "trouble": kept.trouble if kept else "",
    }


def _catalog_findings(catalog: Catalog, live: LiveNetworks) -> Iterator[Finding]:
    from datetime import UTC, datetime

    from gateway.visitors.host_names import is_cloud

    unsourced = [entry.name for entry in catalog.crawlers if not entry.source]
    for entry in catalog.crawlers:
        for name in entry.recipe.networks:
            if live.networks.get(name) is None:
                yield Finding(
                    "bad", entry.name, f"names the list {name}, which is not there", "add or rename it"
                )
        for suffix in filter(is_cloud, entry.recipe.dns):
            fact = f"trusts names under *{suffix}, which a cloud gives to whoever rents a machine"
            yield Finding("bad", entry.name, fact, "use a domain of the operator's own")
        if not entry.checked:
            continue
        days = (datetime.now(UTC).date() - datetime.fromisoformat(entry.checked).date()).days
        if days > _LOOKED_DAYS:
            yield Finding("warn", entry.name, f"was looked at {days} days ago", f"read {entry.source}")
    if unsourced:
        fact = f"{counted(len(unsourced), 'crawler')}, general knowledge that nobody looked up: {', '.join(unsourced)}"
        yield Finding("warn", "no source", fact)


def _list_findings(catalog: Catalog, live: LiveNetworks, now: int, data: Path) -> Iterator[Finding]:
    named = {name for entry in catalog.crawlers for name in entry.recipe.networks}
    update = with_data("licet crawlers update", data)
    for mistake in live.mistakes:
        yield Finding("bad", Path(mistake.file).name, str(mistake), f"remove it, then {update}")
    for known in live.networks.lists.values():
        kept = live.kept.get(known.name)
        if known.name not in named:
            yield Finding("warn", known.name, "no crawler of the catalog names this list")
        if kept is not None and kept.trouble:
            yield Finding("warn", known.name, f"last try {kept.trouble}", f"{update} {known.name}")
        if not known.feed:
            fact = (
                f"{known.age_days(now)} days old; its source is a page for people, so it proves presence only"
            )
            yield Finding("warn", known.name, fact, f"read {known.source}")
        elif not known.is_fresh(now):
            fact = f"stale: {known.age_days(now)} days old, absence counts for {known.max_age_days}"
            yield Finding("warn", known.name, fact, f"{update} {known.name}")
