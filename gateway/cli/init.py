"""`licet init`: a first policy for a site."""

from __future__ import annotations

import asyncio
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell, with_data
from gateway.folders import make_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gateway.policy.first_policy import FirstPolicy, Question


def init(
    upstream: Annotated[
        str, typer.Option(metavar="URL", help="Your own server, such as http://localhost:8000.")
    ] = "",
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A host name of the site, * for any; may be given again."),
    ] = None,
    rights: Annotated[
        str, typer.Option(metavar="WORD", help="Whether its works are yours: own, cleared or unsure.")
    ] = "",
    stance: Annotated[str, typer.Option(metavar="NAME", help="A shipped stance to start from.")] = "",
    prices: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help='What a fetch costs: for an answer, for training: "0.004 0.02 USD".'
        ),
    ] = "",
    mode: Annotated[
        str, typer.Option(metavar="WORD", help="How much binds: observe, offer or enforce.")
    ] = "",
    data: Data = DATA,
    example: Annotated[bool, typer.Option("--example", help="Print the annotated example and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a first policy for your site.

    Six questions, the same as on the dashboard's page Setup. What is not given
    as an option is asked for; with --upstream and --host nothing is asked, and
    the rest is as it is by default: mode observe, which changes nothing for
    anybody.

    \b
    Stances:
      open                       everything is free for everybody
      search-free-training-paid  search is free, AI companies pay
      everything-licensed        every AI crawler and every search engine needs a license
      research-free              search and research are free, AI companies pay
      closed                     no AI crawler, at any price
    """  # fmt: skip
    from gateway.bundled import policies
    from gateway.policy.first_policy import first_policy
    from gateway.policy.reading import stances

    if example:
        print(policies("example-site.toml").read_text(encoding="utf-8"), end="")
        return
    if stance and stance not in stances():
        raise stop(f"there is no stance {stance!r}; there are {', '.join(stances())}")
    given = {
        "origin": upstream, "hosts": " ".join(host or ()), "rights": rights, "stance": stance,
        "prices": prices, "mode": mode,
    }  # fmt: skip
    try:
        told = given if upstream and host else _asked(given)
    except typer.Abort:
        tell("")
        raise stop("nobody answered; say --upstream URL --host NAME") from None
    made = first_policy(told)
    if isinstance(made, dict):
        raise stop("; ".join(f"{_OPTIONS[name]} ({name}): {why}" for name, why in made.items()))
    file = data / "sites" / made.name
    if file.exists():
        raise stop(f"{file} is there already; edit it, or remove it first")
    make_folder(data)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(made.text, encoding="utf-8")
    _told(made, file, told["stance"], data, as_json=as_json)


def _told(made: FirstPolicy, file: Path, stance: str, data: Path, *, as_json: bool) -> None:
    """Say what was written, and what comes next."""
    chosen = stance or "search-free-training-paid"
    if as_json:
        emit({"file": str(file), "site": made.site, "stance": chosen, "mode": str(made.mode)})
        return
    watching = ", only watching" if made.mode == "observe" else ""
    tell(f"wrote {file}: {chosen}{watching} (mode {made.mode})")
    tell("")
    steps = [
        (with_data(command, data), why)
        for command, why in (
            ("licet policy check", "after every change"),
            ("licet policy explain / --as GPTBot", "what the rules say to it, and why"),
            ("licet serve", "one that runs with --upstream is stopped first"),
        )
    ]
    wide = max(len(command) for command, _ in steps)
    for command, why in steps:
        tell(f"  {command:<{wide}}  {why}")
    tell("")
    tell('Then set mode = "offer" or "enforce" in it; a running gateway takes up changes by itself.')


#: By the name of a question, the option that answers it.
_OPTIONS = {"origin": "--upstream", "hosts": "--host"} | {
    name: f"--{name}" for name in ("rights", "stance", "prices", "mode")
}


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    """The answers: what was *given*, and for the rest what somebody types."""
    from gateway.policy.first_policy import QUESTIONS

    told = dict(given)
    for each in QUESTIONS:
        if not told[each.name]:
            told |= _typed(each)
        if each.name == "origin":
            _look(told["origin"])
    return told


def _typed(question: Question) -> dict[str, str]:
    """What somebody types, asked for again until it can be used: nothing that was answered before is lost."""
    from gateway.policy.first_policy import first_policy

    tell(f"\n{question.ask}")
    tell(f"  {question.why}")
    for answer, means in question.choices:
        tell(f"    {answer:<26} {means}")
    while True:
        asked = [(each.name, each.label, each.default) for each in question.parts]
        # A prompt writes a blank to stdout, which is for data.
        with redirect_stdout(sys.stderr):
            typed = {
                name: str(typer.prompt(label, default=default, err=True))
                for name, label, default in asked or [(question.name, question.name, question.default)]
            }
        made = first_policy(typed)
        if not isinstance(made, dict) or question.name not in made:
            return typed
        tell(f"  not taken: {made[question.name]}")


def _look(origin: str) -> None:
    """Say whether the server answers; it need not yet."""
    from gateway.origin.first_look import first_look

    found = asyncio.run(first_look(origin))
    tell(f"  {found.fact}" + (f" -> {found.step}" if found.step else ""))
