"""`licet policy`: check the rules, ask them what they say."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell
from gateway.problems import ConfigurationError

if TYPE_CHECKING:
    from gateway.policy.rules import Policy
    from gateway.visitors.visitor import Visitor

app = typer.Typer(help="What your rules say: check, explain, lint them.", no_args_is_help=True)

Files = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]", help="A policy file, or a folder of them; else those of the data folder."
    ),
]


def _files(path: Path | None, data: Path) -> list[Path]:
    if path is not None and path.is_file():
        return [path]
    folder = path or data / "sites"
    if path is not None and not folder.is_dir():
        raise stop(f"there is no {path}")
    found = sorted(folder.glob("*.toml"))
    if not found:
        raise stop(f"no policy file in {folder}; `licet init` writes one")
    return found


@app.command()
def check(path: Files = None, data: Data = DATA, as_json: AsJson = False) -> None:
    """Report every mistake at once, with file and key.

    Exit 1 if there is one. What is no mistake but looks wrong is told too
    (`licet policy lint`), and changes nothing about the exit code.
    """
    from gateway.policy.reload import read_all

    good, mistakes = read_all(_files(path, data))
    if as_json:
        emit(
            {
                "ok": not mistakes,
                "policies": [
                    {
                        "site": each.site.id,
                        "file": each.file,
                        "mode": str(each.site.mode),
                        "digest": each.digest,
                    }
                    for each in good
                ],
                "mistakes": [
                    {"file": each.file, "key": each.key, "expected": each.expected, "got": each.got}
                    for each in mistakes
                ],
                "advice": [row for each in good for row in _rows(each)],
            }
        )
        raise typer.Exit(1 if mistakes else 0)
    for each in good:
        print(f"{each.file}: good; site {each.site.id}, mode {each.site.mode}, {each.digest}")
        for row in _rows(each):
            tell(f"{row['file']}: {row['key']}: {row['sentence']}")
    for mistake in mistakes:
        print(mistake)
    raise typer.Exit(1 if mistakes else 0)


def _rows(policy: Policy) -> list[dict[str, str]]:
    from gateway.policy.advice import advice_for
    from gateway.visitors.catalog import Catalog

    return [
        {"file": policy.file, "key": advice.key, "sentence": advice.sentence}
        for advice in advice_for(policy, Catalog.shipped())
    ]


@app.command()
def lint(path: Files = None, data: Data = DATA, as_json: AsJson = False) -> None:
    """Say what reads well but looks wrong.

    Rules that can never match, crawlers nobody knows, places where other
    people's words may stand inside what is for sale, archives, feed readers,
    previews, monitors and search engines that a rule stops, terms that are told
    so that readers take them for something else. Exit 1 if anything does.
    """
    from gateway.policy.reload import read_all

    good, mistakes = read_all(_files(path, data))
    if mistakes:
        raise ConfigurationError(mistakes)
    found = [row for each in good for row in _rows(each)]
    if as_json:
        emit(found)
    else:
        for row in found:
            print(f"{row['file']}: {row['key']}: {row['sentence']}")
        if not found:
            tell("nothing looks wrong")
    raise typer.Exit(1 if found else 0)


@app.command()
def explain(
    url: Annotated[str, typer.Argument(metavar="URL", help="A URL of the site, or a path such as /essays/.")],
    as_: Annotated[
        str,
        typer.Option(
            "--as", metavar="NAME", help="A crawler of the catalog, such as GPTBot, or a whole User-Agent."
        ),
    ] = "",
    use: Annotated[
        list[str] | None,
        typer.Option(metavar="USE", help="Ask as if the visitor did this; may be given again."),
    ] = None,
    country: Annotated[
        str, typer.Option(metavar="CODE", help="Where the request comes from, such as DE.")
    ] = "",
    proof: Annotated[
        str,
        typer.Option(metavar="HOW", help="How far its identity is proven: verified, claimed, spoofed, …"),
    ] = "verified",
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A policy file; else those of the data folder.")
    ] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Print what the rules say to one request, and why.

    It is the same decision the gateway makes. Without --as it asks for a
    person. Without a policy file it tells what `licet serve --upstream` goes by.

    \b
    licet policy explain /essays/ --as GPTBot --use ai-train --country DE
    """
    from gateway.clock import SystemClock
    from gateway.policy.explain import explanation
    from gateway.policy.imagined import imagined_ask
    from gateway.policy.ruling import rule
    from gateway.uses import Use

    try:
        uses = frozenset(Use(each) for each in use or ())
    except ValueError:
        raise stop(f"--use is one of {', '.join(Use)}") from None
    host, path, query = parts_of(url)
    found = policy_of(host, policy, data)
    visitor = visitor_of(as_, proof)
    ask = imagined_ask(found, path, query, as_, country_of(country), at_us=SystemClock().now_us())
    ruling = rule(found, visitor, ask, uses or visitor.uses)
    told = explanation(ruling, visitor, ask, uses or visitor.uses, found)
    if as_json:
        emit(told.as_json())
    else:
        print("\n".join(told.lines()))


def parts_of(url: str) -> tuple[str, str, str]:
    """Host ("" for a bare path), path and query of what was typed."""
    if "://" not in url:
        path, _, query = url.partition("#")[0].partition("?")
        return "", path if path.startswith("/") else f"/{path}", query
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.path or "/", parts.query
    except ValueError as error:
        raise stop(f"{url!r} is no URL: {error}") from None


def policy_of(host: str, file: Path | None, data: Path) -> Policy:
    from gateway.policy.reading import default_policy
    from gateway.policy.reload import PolicyShelf

    if file is None and not any((data / "sites").glob("*.toml")):
        tell(f"no policy file in {data / 'sites'}: these are the rules of `licet serve --upstream …`")
        return default_policy("http://localhost:8000")
    shelf = PolicyShelf(_files(file, data))
    if host:
        found = shelf.of_host(host)
        if found is None:
            known = ", ".join(name for each in shelf.policies for name in each.site.hosts)
            raise stop(f"no site here has the host {host}; there are {known}")
        return found
    if len(shelf.policies) > 1:
        tell(f"of several sites this is {shelf.policies[0].site.id}; a whole URL names another")
    return shelf.policies[0]


def country_of(code: str) -> str:
    from gateway.terms.countries import meant, region

    if not code:
        return ""
    known = region(code)
    if known is None or known == "EU":
        better = meant(code)
        raise stop(f"--country is one of ISO 3166-1, such as {better or 'DE'}, not {code!r}")
    return known


def visitor_of(name: str, proof: str) -> Visitor:
    from gateway.policy.imagined import imagined_visitor
    from gateway.visitors.catalog import Catalog
    from gateway.visitors.visitor import Identity

    try:
        identity = Identity(proof)
    except ValueError:
        raise stop(f"--proof is one of {', '.join(Identity)}") from None
    visitor = imagined_visitor(Catalog.shipped(), name, identity)
    if visitor is None:
        raise stop(f"no crawler of the catalog is called {name!r}; --as also takes a whole User-Agent")
    return visitor


@app.command()
def honeypot(
    path: Annotated[
        str,
        typer.Argument(metavar="[PATH]", help="The site's honeypot, if it has one; else a new one is made."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a path that only automata find.

    It prints what to write into the policy and into your pages. A fetch is weight against a visitor that shows other evidence, and
    nothing else: nobody is refused for it alone, and people are not noted.

    \b
    licet policy honeypot
    """
    from gateway.policy.words import honeypot_trouble

    if path and (trouble := honeypot_trouble(path)):
        raise stop(trouble)
    path = path or "/" + "".join(secrets.choice("bcdfghjkmnpqrstvwxz23456789") for _ in range(15)) + "7"
    snippet = f'<script type="ignore"><a href="{path}">{path.strip("/")}</a></script>'
    if as_json:
        emit({"path": path, "snippet": snippet})
        return
    print("In the policy of the site:")
    print(f'\n[site]\nhoneypot = "{path}"\n')
    print(
        "In your pages, anywhere. Browsers, screen readers and keyboards pass it over; robots.txt closes it:"
    )
    print(f"\n{snippet}")


@app.command()
def history(
    site: Annotated[
        str, typer.Argument(metavar="SITE", help="Its id, as `licet policy check --json` says it.")
    ],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """List each time the policy of a site was put in force.

    When, through what, by whom, and the id of its record in the journal. With
    --json the words that were read, and what stood for each use of each work.

    \b
    licet policy history journal
    licet journal prove ID        what proves that the record was there
    """
    from gateway.app.consent_recording import recorded
    from gateway.folders import Folders
    from gateway.policy.words import SITE_ID

    if not SITE_ID.fullmatch(site):
        raise stop(f"{site!r} is no site's id, such as journal")
    found = tuple(reversed(recorded(Folders(data).policy_versions, site)))
    rows = [
        {
            "id": each.note.id,
            "at": each.note.time_us // 1_000_000,
            "through": each.note.through,
            "by": each.who,
            "policy": each.note.policy,
            "before": each.note.before,
            "text": each.note.text,
            "words": list(each.note.words),
            "cells": list(each.note.cells),
        }
        for each in found
    ]
    if as_json:
        emit(rows)
    elif not rows:
        tell(f"No policy of {site} was put in force here yet; a running gateway records each time.")
    else:
        table(
            ("in force from", "through", "by", "policy", "record"),
            [
                (
                    moment(each.note.time_us // 1_000_000),
                    each.note.through,
                    each.who or "-",
                    each.note.policy[8:20],
                    each.note.id,
                )
                for each in found
            ],
        )
