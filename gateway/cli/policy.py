"""`licet init` and `licet policy`: write a policy, check it, ask it what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, stop, tell
from gateway.problems import ConfigurationError, Mistake

if TYPE_CHECKING:
    from gateway.ask import Ask
    from gateway.policy.rules import Policy
    from gateway.visitors.catalog import Catalog
    from gateway.visitors.visitor import Visitor

app = typer.Typer(
    help="What your rules say: check a file, explain a request, find what looks wrong.", no_args_is_help=True
)

_START = """\
# The policy of one site. Every key is explained in the annotated example that
# `licet init --example` prints. After a change: licet policy check {file}

stance = "{stance}"        # the shipped rules to start from; say below what differs

[site]
hosts    = [{hosts}]
origin   = "{upstream}"    # your own server, as this machine reaches it
mode     = "{mode}"        # observe: only watch. offer: publish terms. enforce: the rules bind.
currency = "USD"

[[works]]
id     = "everything"
paths  = ["/"]
rights = "{rights}"        # own | cleared | unsure. What is unsure is never for sale.
people = "{people}"        # persons shown in it: none | consented | unsure
"""


def init(
    upstream: Annotated[str, typer.Option(help="Your own server, such as http://localhost:8000.")] = "",
    host: Annotated[
        list[str] | None, typer.Option(help="A host name of the site; may be given again.")
    ] = None,
    stance: Annotated[
        str, typer.Option(help="A shipped stance to start from.")
    ] = "search-free-training-paid",
    data: Data = DATA,
    example: Annotated[bool, typer.Option("--example", help="Print the annotated example and stop.")] = False,
) -> None:
    """Write a first policy for your site, in observe mode, and say how to go on.

    Stances: open, search-free-training-paid, everything-licensed,
    research-free, closed.
    """
    from gateway.bundled import policies
    from gateway.policy.reading import read_policy_text, stances

    if example:
        print(policies("example-site.toml").read_text(encoding="utf-8"), end="")
        return
    if stance not in stances():
        raise stop(f"there is no stance {stance!r}; there are {', '.join(stances())}")
    upstream = upstream or typer.prompt(
        "Where does your own server listen", default="http://localhost:8000", err=True
    )
    hosts = host or [typer.prompt("Host name of the site (* for any)", default="*", err=True)]
    name = "site" if hosts[0] == "*" else hosts[0]
    file = data / "sites" / f"{name}.toml"
    if file.exists():
        raise stop(f"{file} is there already; edit it, or remove it first")
    text = _START.format(
        file=file,
        stance=stance,
        hosts=", ".join(f'"{each}"' for each in hosts),
        upstream=upstream,
        mode="observe",
        rights="own",
        people="none",
    )
    read_policy_text(text, str(file))
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    tell(f"wrote {file}: {stance}, only watching (mode observe)")
    tell(f"next:  licet policy check {file}")
    tell(f"       licet serve --data {data}")
    tell(f'       then set mode = "offer" or "enforce" in {file}; a running gateway takes it up by itself')


def _files(path: Path | None, data: Path) -> list[Path]:
    if path is not None and path.is_file():
        return [path]
    folder = path or data / "sites"
    found = sorted(folder.glob("*.toml"))
    if not found:
        raise stop(f"no policy file in {folder}; `licet init` writes one")
    return found


@app.command()
def check(
    path: Annotated[
        Path | None, typer.Argument(help="A policy file or a folder of them; default: the data folder's.")
    ] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Read policies and report every mistake at once, with file and key. Exit 1 if there is one."""
    from gateway.policy.reading import read_policy

    mistakes: list[Mistake] = []
    good: list[Policy] = []
    for file in _files(path, data):
        try:
            good.append(read_policy(file))
        except ConfigurationError as error:
            mistakes.extend(error.mistakes)
    if as_json:
        emit(
            {
                "ok": not mistakes,
                "policies": [
                    {"site": each.site.id, "file": each.file, "digest": each.digest} for each in good
                ],
                "mistakes": [
                    {"file": each.file, "key": each.key, "expected": each.expected, "got": each.got}
                    for each in mistakes
                ],
            }
        )
    else:
        for each in good:
            print(f"{each.file}: good; site {each.site.id}, mode {each.site.mode}, {each.digest}")
            _advise(each)
        for mistake in mistakes:
            tell(str(mistake))
    raise typer.Exit(1 if mistakes else 0)


def _advise(policy: Policy) -> None:
    from gateway.policy.lint import lint
    from gateway.visitors.catalog import Catalog

    for advice in lint(policy, _names(Catalog.shipped())):
        tell(f"{policy.file}: {advice.key}: {advice.sentence}")


def _names(catalog: Catalog) -> frozenset[str]:
    return frozenset(entry.name for entry in catalog.crawlers)


@app.command()
def lint(
    path: Annotated[Path | None, typer.Argument(help="A policy file or a folder of them.")] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Say what reads well but looks wrong: rules that never match, prices nobody meets. Exit 1 if anything does."""
    from gateway.policy.lint import lint as find
    from gateway.policy.reading import read_policy
    from gateway.visitors.catalog import Catalog

    names = _names(Catalog.shipped())
    found = [
        (policy.file, advice)
        for policy in map(read_policy, _files(path, data))
        for advice in find(policy, names)
    ]
    if as_json:
        emit([{"file": file, "key": advice.key, "sentence": advice.sentence} for file, advice in found])
    else:
        for file, advice in found:
            print(f"{file}: {advice.key}: {advice.sentence}")
    raise typer.Exit(1 if found else 0)


@app.command()
def explain(
    url: Annotated[str, typer.Argument(help="A URL or a path of the site.")],
    as_: Annotated[
        str, typer.Option("--as", help="A crawler of the catalog, such as GPTBot, or a whole User-Agent.")
    ] = "",
    use: Annotated[
        list[str] | None, typer.Option(help="Ask as if the visitor did this; may be given again.")
    ] = None,
    country: Annotated[str, typer.Option(help="Where the request comes from, such as DE.")] = "",
    proof: Annotated[str, typer.Option(help="How well its identity is proven.")] = "verified",
    policy: Annotated[Path | None, typer.Option(help="A policy file; default: the data folder's.")] = None,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Print what the policy says to one request, which rule said it, and why.

    The same call the gateway makes. Without --as it asks for a person.
    """
    from gateway.policy.explain import explanation
    from gateway.policy.reading import read_policy
    from gateway.policy.ruling import rule
    from gateway.uses import Use

    try:
        uses = frozenset(Use(each) for each in use or ())
    except ValueError:
        raise stop(f"a use is one of {', '.join(Use)}") from None
    parts = urlsplit(
        url if "://" in url else f"http://site.invalid{url if url.startswith('/') else '/' + url}"
    )
    found = None
    for each in map(read_policy, _files(policy, data)):
        if found is None or parts.hostname in each.site.hosts:
            found = each
    assert found is not None
    visitor = _visitor(as_, proof)
    ask = _ask(found, parts.path or "/", parts.query, as_, country)
    ruling = rule(found, visitor, ask, uses or visitor.uses)
    told = explanation(ruling, visitor, ask, uses or visitor.uses)
    if as_json:
        emit(told.as_json())
    else:
        print("\n".join(told.lines()))


def _visitor(name: str, proof: str) -> Visitor:
    from dataclasses import replace

    from gateway.visitors.catalog import Catalog
    from gateway.visitors.visitor import PERSON, Identity, Method, Visitor

    if not name:
        return PERSON
    catalog = Catalog.shipped()
    entry = catalog.by_name(name) or catalog.match(name)
    if entry is None:
        raise stop(
            f"no crawler of the catalog is called {name!r}; `licet policy explain --help` says what --as takes"
        )
    try:
        identity = Identity(proof)
    except ValueError:
        raise stop(f"--proof is one of {', '.join(Identity)}") from None
    method = Method.NETWORK if identity is Identity.VERIFIED else Method.NONE
    return replace(Visitor(entry.crawler.visitor_class, entry.crawler), identity=identity, method=method)


def _ask(policy: Policy, path: str, query: str, agent: str, country: str) -> Ask:
    from gateway.ask import Ask
    from gateway.paths import Ambiguous, canonical

    plain = canonical(path)
    return Ask(
        id="explain",
        asked_at_us=0,
        site=policy.site.id,
        origin=policy.site.public,
        method="GET",
        target=path + (f"?{query}" if query else ""),
        path="" if isinstance(plain, Ambiguous) else plain,
        ambiguity=plain.why if isinstance(plain, Ambiguous) else "",
        query=query,
        headers=(("user-agent", agent),),
        country=country.upper(),
    )
