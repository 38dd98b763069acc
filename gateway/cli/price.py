"""`licet price`: what could be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, stop, tell
from gateway.cli.sites import Html, Pdf, Site, chosen, guide_of, hand_out


def price(
    views: Annotated[
        str, typer.Option(metavar="NUMBER", help="Average views of the works in a period.")
    ] = "",
    all_views: Annotated[
        str, typer.Option(metavar="NUMBER", help="Views of everything that makes the revenue.")
    ] = "",
    revenue: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Advertising or commerce revenue in a period.")
    ] = "",
    files: Annotated[str, typer.Option(metavar="NUMBER", help="Files, such as videos, to be licensed.")] = "",
    minutes: Annotated[str, typer.Option(metavar="NUMBER", help="How long one of them is on average.")] = "",
    inferences: Annotated[
        str, typer.Option(metavar="NUMBER", help="Answers in a period that would use the works.")
    ] = "",
    net_revenue: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Net revenue of the products that would rely on them.")
    ] = "",
    model: Annotated[str, typer.Option(metavar="KIND", help="closed, or open (weights are released).")] = "",
    product: Annotated[str, typer.Option(metavar="KIND", help="free, paid or premium.")] = "",
    exclusive: Annotated[bool, typer.Option("--exclusive", help="Nobody else may have it.")] = False,
    site: Site = "",
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A policy file; else those of the data folder.")
    ] = None,
    html: Html = None,
    pdf: Pdf = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Work out what you could ask for a license.

    Four frameworks and their sum, each with its formula and your figures in it,
    and an ask, a target and a floor for each tier of use. The ranges are starting
    points of a negotiation guide, not market data; `[guide]` in your policy has
    others. What you do not give is not guessed. Floors are yours alone.

    \b
    licet price --files 120 --minutes 12
    licet price --views 40000 --all-views 100000 --revenue 12000 --exclusive
    licet price --inferences 5000000 --model closed --product paid --json
    """
    from gateway.licenses.estimating import as_json as told
    from gateway.licenses.estimating import calculated, policy_lines, read_expected
    from gateway.licenses.pricing_guide import suggestions
    from gateway.licenses.written import plain_text

    found = chosen(data, site, policy)
    guide = guide_of(found)
    given = {
        "views": views, "all_views": all_views, "revenue": revenue, "files": files, "minutes": minutes,
        "inferences": inferences, "net_revenue": net_revenue, "model": model, "product": product,
        "exclusive": "yes" if exclusive else "",
    }  # fmt: skip
    expected, mistakes = read_expected(given, found.site.currency)
    if expected is None:
        for name, sentence in mistakes:
            tell(f"licet: --{name.replace('_', '-')} {sentence}")
        raise stop("nothing was worked out")
    writing = calculated(guide, expected, site=found.site.id)
    text = plain_text(writing)
    for each in suggestions(guide, expected):
        lines = policy_lines(guide, each)
        if lines:
            text += f"\n# In your policy, for an offer of tier {each.tier}:\n{lines}"
    hand_out(
        writing, told(guide, expected, site=found.site.id), html=html, pdf=pdf, as_json=as_json, text=text
    )
