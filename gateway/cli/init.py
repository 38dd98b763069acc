"""`licet init`: a first policy for a site."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell, with_data
from gateway.folders import make_folder

_START = """\
# The policy of one site. Every key is explained in the annotated example that
# `licet init --example` prints. After a change: licet policy check

stance = {stance}        # the shipped rules to start from; say below what differs

[site]
hosts    = [{hosts}]
origin   = {upstream}    # your own server, as this machine reaches it
mode     = "observe"     # observe: only watch. offer: publish terms. enforce: the rules bind.
currency = "USD"

[[works]]
id     = "everything"
paths  = ["/"]
rights = "own"           # own | cleared | unsure. What is unsure is never for sale.
people = "none"          # persons shown in it: none | consented | unsure
"""


def init(
    upstream: Annotated[
        str, typer.Option(metavar="URL", help="Your own server, such as http://localhost:8000.")
    ] = "",
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A host name of the site, * for any; may be given again."),
    ] = None,
    stance: Annotated[
        str, typer.Option(metavar="NAME", help="A shipped stance to start from.")
    ] = "search-free-training-paid",
    data: Data = DATA,
    example: Annotated[bool, typer.Option("--example", help="Print the annotated example and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a first policy for your site.

    It starts in mode observe, which changes nothing for anybody. What is not
    given as an option is asked for.

    \b
    Stances:
      open                       everything is free for everybody
      search-free-training-paid  search is free, AI companies pay
      everything-licensed        every AI crawler and every search engine needs a license
      research-free              search and research are free, AI companies pay
      closed                     no AI crawler, at any price
    """
    from gateway.bundled import policies
    from gateway.policy.reading import read_policy_text, stances

    if example:
        print(policies("example-site.toml").read_text(encoding="utf-8"), end="")
        return
    if stance not in stances():
        raise stop(f"there is no stance {stance!r}; there are {', '.join(stances())}")
    try:
        upstream = upstream or _asked("Where does your own server listen", "http://localhost:8000")
        hosts = host or [_asked("Host name of the site (* for any)", "*")]
    except typer.Abort:
        tell("")
        raise stop("nobody answered; say --upstream URL --host NAME") from None
    name = "site" if hosts[0] == "*" else hosts[0].replace(":", "-")
    if "/" in name or name.startswith("."):
        raise stop(f"--host is a host name such as journal.example, or *, not {hosts[0]!r}")
    file = data / "sites" / f"{name}.toml"
    if file.exists():
        raise stop(f"{file} is there already; edit it, or remove it first")
    text = _START.format(
        stance=json.dumps(stance),
        hosts=", ".join(map(json.dumps, hosts)),
        upstream=json.dumps(upstream),
    )
    site = read_policy_text(text, str(file)).site
    make_folder(data)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    if as_json:
        emit({"file": str(file), "site": site.id, "stance": stance, "mode": str(site.mode)})
        return
    tell(f"wrote {file}: {stance}, only watching (mode observe)")
    tell("")
    for command, why in (
        ("licet policy check", "after every change"),
        ("licet policy explain / --as GPTBot", "what the rules say to it, and why"),
        ("licet serve", "one that runs with --upstream is stopped first"),
    ):
        tell(f"  {with_data(command, data):<36}  {why}")
    tell("")
    tell('Then set mode = "offer" or "enforce" in it; a running gateway takes up changes by itself.')


def _asked(question: str, default: str) -> str:
    # A prompt writes a blank to stdout, which is for data.
    with redirect_stdout(sys.stderr):
        return str(typer.prompt(question, default=default, err=True))
