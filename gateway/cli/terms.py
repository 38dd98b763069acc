"""`licet terms`: what the published formats say, for one page or in the formats of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.policy import country_of, parts_of, policy_of, visitor_of
from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell

if TYPE_CHECKING:
    from gateway.app.told_terms import AskedPage

app = typer.Typer(help="What your published terms say, in every format: show, export.", no_args_is_help=True)
_FORMATS = ("odrl", "tdm", "comp", "croissant", "page")


@app.command()
def show(
    url: Annotated[str, typer.Argument(metavar="URL", help="A URL of the site, or a path such as /essays/.")],
    as_: Annotated[
        str, typer.Option("--as", metavar="NAME", help="A crawler of the catalog, or a whole User-Agent.")
    ] = "GPTBot",
    country: Annotated[
        str, typer.Option(metavar="CODE", help="Where the request comes from, such as DE.")
    ] = "",
    all_: Annotated[bool, typer.Option("--all", help="Print every document whole, too.")] = False,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A policy file; else those of the data folder.")
    ] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Print what every format says of one page to one crawler.

    It is what the gateway would send, made from the policy alone: nothing is
    fetched, and what the site's own server says of itself (its robots.txt, its
    headers) is not in it.

    \b
    licet terms show /essays/ --as GPTBot
    """
    from gateway.app.told_terms import documents, lines, told_of

    found = _page(url, as_, country, policy, data)
    told = told_of(found)
    if all_:
        told["documents"] = documents(found)
    if as_json:
        emit(told)
        return
    if found.policy.site.mode == "observe":
        tell("mode observe: nothing of this is sent; it is what would be")
    print("\n".join(lines(told)))


@app.command()
def export(
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(_FORMATS)}.")
    ],
    offer: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this offer; may be given again.")
    ] = None,
    site: Annotated[str, typer.Option(metavar="URL", help="Which site, where there are several.")] = "/",
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A policy file; else those of the data folder.")
    ] = None,
    data: Data = DATA,
    as_json: AsJson = True,  # noqa: ARG001
) -> None:
    """Print what is on offer as JSON in a format of others.

    odrl: each offer in ODRL 2.2. tdm: the policy that TDM reservations point to.
    comp: packages of IAB CoMP 1.0. croissant: the works as a Croissant 1.1
    dataset, with the offers in it. page: what the license page says in schema.org.

    \b
    licet terms export --format croissant --offer training
    """
    from gateway.app.told_terms import exported, published
    from gateway.terms.odrl import offered

    if format_ not in _FORMATS:
        raise stop(f"--format is one of {', '.join(_FORMATS)}")
    terms = published(policy_of(parts_of(site)[0], policy, data), site)
    names = [each.id for each in offered(terms)]
    unknown = [name for name in offer or () if name not in names]
    if unknown:
        raise stop(f"no published offer is called {unknown[0]!r}; there are {', '.join(names) or 'none'}")
    chosen = [each for each in offered(terms) if not offer or each.id in offer]
    if not chosen and format_ in {"odrl", "comp", "croissant"}:
        raise stop("nothing is on offer to everybody", code=1)
    emit(exported(format_, terms, chosen))


def _page(url: str, name: str, country: str, file: Path | None, data: Path) -> AskedPage:
    from gateway.app.told_terms import asked_page
    from gateway.clock import SystemClock
    from gateway.visitors.visitor import Identity

    host, path, query = parts_of(url)
    policy = policy_of(host, file, data)
    visitor = visitor_of(name, Identity.VERIFIED.value)
    return asked_page(
        policy, visitor, name, f"{path}?{query}" if query else path, country_of(country),
        url=url, at_us=SystemClock().now_us(),
    )  # fmt: skip
