"""`licet bundle`: freeze many works by a manifest, to sell them as one; look after what was sold."""

from __future__ import annotations

import asyncio
import io
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, counted, emit, moment, stop, table, tell
from gateway.cli.withdraw import acts_of, policy_of

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.bundle import Item, Manifest
    from gateway.licenses.license import License
    from gateway.origin.gathering import Content
    from gateway.policy.rules import Policy
    from gateway.problems import Refusal

app = typer.Typer(
    help="""Bundles: many works frozen by a manifest, sold as one.

    \b
    licet bundle make launch --paths /essays/ --since 2026-01-01
    licet bundle make launch --list files.txt

    then, in the policy of the site:

    \b
    [offers.launch]
    uses = ["ai-train"]
    bundle = "launch"
    ingestion = "90 %"          # all of it, if left out
    price = { upfront = "900" }

    The manifest names every item with the SHA-256 and the size of what your
    server sends for it, and the state of its rights. Its hash stands in the terms
    and in the contract, so what was sold cannot change.
    """,
    no_args_is_help=True,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The bundle, such as launch.")]
Site = Annotated[str, typer.Option("--site", metavar="ID", help="The site, where there are several.")]
#: Requests to the creator's own server at one time.
_AT_ONCE = 8


@app.command()
def make(
    name: Name,
    paths: Annotated[
        list[str] | None,
        typer.Option("--paths", metavar="PATH", help="A path and what is below it; may be given again."),
    ] = None,
    rendition: Annotated[
        str, typer.Option(metavar="NAME", help="Only this form, such as page or transcript.")
    ] = "",
    since: Annotated[str, typer.Option(metavar="DATE", help="Only what changed on that day or later.")] = "",
    until: Annotated[str, typer.Option(metavar="DATE", help="Only what changed on that day or before.")] = "",
    listed: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="Paths or URLs, one a line; - reads them.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Make it anew; what was sold before stays as it was.")
    ] = False,
    site: Site = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Make a bundle, and freeze it by a manifest.

    Give a filter, which chooses from the sitemap of your server, or a list. Every
    item is read once from your server. Pages whose rights or people are unsure are
    left out of a filter, and refused in a list.
    """
    from gateway.licenses.bundle import NAME, ManifestError, manifest, write_manifest
    from gateway.policy.bundles import earlier_file, manifest_file

    if (listed is None) == (not paths):
        raise stop("say what is in it: --paths, or --list")
    if not NAME.fullmatch(name):
        raise stop("a bundle has a short name in small letters, such as launch-2026")
    policy = policy_of(data, site)
    wanted, left_out = asyncio.run(
        _wanted(policy, data, tuple(paths or ()), (since, until), rendition, listed)
    )
    file = manifest_file(Path(policy.file), name)
    if file.exists() and not again:
        raise stop(
            f"there is a bundle {name}; --again makes another, and keeps this one for who bought it", 1
        )
    items = asyncio.run(_frozen(policy, data, wanted))

    try:
        made = manifest(name, policy.site.id, int(time.time()), items)
    except ManifestError as error:
        raise stop(f"no bundle was made: {error}", 1) from None
    file.parent.mkdir(exist_ok=True)
    if file.exists():
        before = _read(file)
        file.rename(earlier_file(Path(policy.file), before))
    fresh = file.with_suffix(".new")
    fresh.write_text(write_manifest(made), encoding="utf-8")
    fresh.rename(file)
    told = {**_summary(made), "file": str(file), "left_out": left_out}
    if as_json:
        emit(told)
        return
    print(f"{name}  {counted(told['items'], 'item')}, {counted(made.size, 'octet')}, {made.hash}")
    if left_out:
        tell(
            f"{counted(len(left_out), 'page')} left out: {', '.join(left_out[:5])} (rights or people unsure)"
        )
    tell(f'Sell it by an offer with bundle = "{name}" in {policy.file}.')


@app.command("list")
def list_(site: Site = "", data: Data = DATA, as_json: AsJson = False) -> None:
    """List the bundles that were made.

    With the number of items, the octets in all, the hash of the manifest and the
    offers of the policy that sell it.
    """
    policy = policy_of(data, site)
    rows = []
    for file in sorted((Path(policy.file).parent / "bundles").glob("*.json")):
        made = _read(file)
        if made.site == policy.site.id:
            offers = [
                each.id for each in policy.offers if (sold := each.terms.scope.bundle) and sold.manifest == made.hash
            ]  # fmt: skip
            rows.append({**_summary(made), "offers": offers})
    if as_json:
        emit(rows)
        return
    shown = [
        (row["name"], row["items"], row["size"], moment(row["made_at"]), ", ".join(row["offers"]) or "-", row["hash"])
        for row in rows
    ]  # fmt: skip
    table(("bundle", "items", "octets", "made", "offers", "manifest"), shown)


@app.command()
def show(name: Name, site: Site = "", data: Data = DATA, as_json: AsJson = False) -> None:
    """Show one bundle: every item of its manifest.

    With path, work, form, size, digest and the state of its rights. Buyers read
    the same at /.licet/bundles/NAME while it is on offer.
    """
    made = _found(policy_of(data, site), name)
    if as_json:
        emit({**made.as_json(), "hash": made.hash})
        return
    print(f"{made.name}  {counted(len(made.items), 'item')}, made {moment(made.made_at)}, {made.hash}\n")
    rows = [
        (each.path, each.work, each.rendition, each.size, each.rights, each.people, each.sha256[:16] + "…")
        for each in made.items
    ]
    table(("item", "work", "form", "octets", "rights", "people", "sha-256"), rows)


@app.command()
def verify(name: Name, site: Site = "", data: Data = DATA, as_json: AsJson = False) -> None:
    """Compare a bundle with what your server sends now.

    Says which items changed and which are gone, and ends with 1 where there are
    any. The manifest stays what it is; `licet bundle make --again` makes another.
    """
    from gateway.problems import Refusal

    policy = policy_of(data, site)
    made = _found(policy, name)
    found = asyncio.run(_read_all(policy, data, [each.path for each in made.items]))
    changed = [
        each.path
        for each in made.items
        if not isinstance(now := found[each.path], Refusal) and now.sha256 != each.sha256
    ]
    gone = [each.path for each in made.items if isinstance(found[each.path], Refusal)]
    same = len(made.items) - len(changed) - len(gone)
    if as_json:
        emit({"name": name, "hash": made.hash, "same": same, "changed": changed, "gone": gone})
    else:
        print(f"{name}  {same} of {counted(len(made.items), 'item')} as the manifest has them")
        for word, items in (("changed", changed), ("gone", gone)):
            for path in items:
                print(f"{word:<8} {path}")
    if changed or gone:
        raise typer.Exit(1)


@app.command()
def progress(
    license: Annotated[str, typer.Argument(metavar="LICENSE", help="The license, such as li_….")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Show what a licensee fetched of its bundle.

    By the journal alone: what was delivered whole under that license. What the
    agreement counts as all of it meets the milestone, which is told as milestone.ingestion. Names what is
    missing, and the credit for works that were withdrawn since: a running gateway
    books it within seconds, as a correction on the statement.
    """

    async def act(books: Books) -> dict[str, Any]:
        found = await books.register.license(license)
        if found is None or found.terms.scope.bundle is None:
            raise stop(f"{license} is no license over a bundle; `licet licenses list` shows them", 1)
        return await _told(books, found, policy_of(data, found.site))

    told = with_books(data, act)
    if as_json:
        emit(told)
        return
    print(f"{license}  {told['fetched']} of {counted(told['items'], 'item')} of {told['bundle']} fetched")
    print("milestone  met" if told["met"] else "milestone  not met")
    for word in ("missing", "changed", "withdrawn"):
        for path in told[word][:20]:
            print(f"{word:<9}  {path}")
    if told["withdrawn"]:
        booked = len(told["credited"])
        print(
            f"credit     {told['credit']} for what was withdrawn, {counted(booked, 'work')} of it in the books"
        )


async def _told(books: Books, license: License, policy: Policy) -> dict[str, Any]:
    from gateway.billing.bundle_credits import credit_of, withdrawn_from
    from gateway.billing.credit_ids import credit_ids
    from gateway.licenses.bundle import progress as counted_up
    from gateway.policy.bundles import manifest_sold
    from gateway.store.sqlite.ingestion import SqliteIngestion

    bundle = license.terms.scope.bundle
    assert bundle is not None
    made = manifest_sold(Path(policy.file), bundle)
    if made is None:
        raise stop(f"the manifest {bundle.manifest} is gone from beside the policy", 1)
    got = counted_up(made, await SqliteIngestion(books.database).fetched(license.id))
    standing = [each for each in await acts_of(books).store.all(10_000) if each.in_force(books.now)]
    gone = withdrawn_from(license, made, standing)
    credited = [
        each.path
        for each in made.items
        if [id for id in credit_ids(license, made.hash, each.path) if await books.ledger.has_entry(id)]
    ]
    return {
        "license": license.id,
        "bundle": bundle.name,
        "manifest": bundle.manifest,
        "items": got.items,
        "fetched": got.fetched,
        "share": got.share / 1_000_000,
        "needed": bundle.ingestion / 1_000_000,
        "met": got.met(bundle.ingestion),
        "missing": list(got.missing),
        "changed": list(got.changed),
        "withdrawn": list(gone),
        "credited": credited,
        "credit": str(credit_of(license, made, gone)),
    }


async def _wanted(
    policy: Policy,
    data: Path,
    paths: tuple[str, ...],
    days: tuple[str, str],
    rendition: str,
    listed: Path | None,
) -> tuple[list[str], list[str]]:
    """The paths of the bundle to be, and those left out because they are not for sale."""
    from gateway.origin.gathering import path_of

    if listed is not None:
        return _listed(policy, listed, rendition), []
    scopes = [path_of(each, _public(policy)) for each in paths]
    if not all(scopes):
        raise stop(f"--paths is a path of the site, such as /essays/, not {paths[scopes.index('')]}")
    from gateway.paths import PathScope
    from gateway.problems import Refusal

    for day in filter(None, days):
        _is_day(day)
    async with _gathering(policy, data) as server:
        pages = await server.pages()
    if isinstance(pages, Refusal):
        raise stop(f"the sitemap of your server cannot be read ({pages.private}); give a --list", 1)
    since, until = days
    chosen = [
        each.path
        for each in pages
        if any(PathScope(scope).covers(each.path) for scope in scopes)
        and (not since or each.changed >= since)
        and (not until or "" < each.changed <= until)
        and rendition in {"", _form(policy, each.path)}
    ]
    sold = [path for path in chosen if (work := policy.work_of(path)) and work.for_sale]
    if not sold:
        raise stop("the sitemap names no page of a work for sale that the filter lets through", 1)
    return sold, [path for path in chosen if path not in set(sold)]


def _listed(policy: Policy, listed: Path, rendition: str) -> list[str]:
    from gateway.origin.gathering import path_of

    try:
        text = sys.stdin.read() if str(listed) == "-" else listed.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise stop(f"{listed} cannot be read: {error}") from None
    found = list[str]()
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        path = path_of(line, _public(policy))
        if not path:
            raise stop(f"{listed}, line {at}: {line.strip()!r} is no plain address of {_public(policy)}")
        work = policy.work_of(path)
        if work is None or not work.for_sale:
            raise stop(f'{listed}, line {at}: {path} is in no work for sale; its rights must not be "unsure"')
        if rendition in {"", _form(policy, path)}:
            found.append(path)
    return list(dict.fromkeys(found))


async def _frozen(policy: Policy, data: Path, paths: list[str]) -> list[Item]:
    from gateway.licenses.bundle import Item
    from gateway.problems import Refusal

    found, items = await _read_all(policy, data, paths), list[Item]()
    for path in paths:
        work, content = policy.work_of(path), found[path]
        if isinstance(content, Refusal):
            raise stop(f"no bundle was made: {path} cannot be read ({content.private or content.detail})", 1)
        assert work is not None
        items.append(
            Item(path, work.id, _form(policy, path), content.sha256, content.size, work.rights, work.people)
        )
    return items


async def _read_all(policy: Policy, data: Path, paths: list[str]) -> dict[str, Content | Refusal]:
    """What the server sends for each of *paths*, with a bar for whoever sits there."""
    found = dict[str, Any]()
    turns = asyncio.Semaphore(_AT_ONCE)
    file = sys.stderr if sys.stderr.isatty() else io.StringIO()
    with typer.progressbar(length=len(paths), label="reading", file=file) as bar:
        async with _gathering(policy, data) as server:

            async def one(path: str) -> None:
                async with turns:
                    found[path] = await server.content(path)
                bar.update(1)

            async with asyncio.TaskGroup() as group:
                for path in paths:
                    group.create_task(one(path))
    return found


def _gathering(policy: Policy, data: Path) -> Any:
    import os

    from gateway.config import read_config
    from gateway.origin.gathering import Gathering

    proxied = "off"
    if (data / "licet.toml").is_file():
        proxied = read_config(data, environ=os.environ).origin.proxy_protocol
    return Gathering(policy.site.origin, _public(policy), proxied=proxied)


def _public(policy: Policy) -> str:
    return policy.site.public or f"https://{policy.site.hosts[0]}"


def _form(policy: Policy, path: str) -> str:
    work = policy.work_of(path)
    return work.rendition_of(path) if work else ""


def _is_day(text: str) -> None:
    from datetime import date

    try:
        date.fromisoformat(text)
    except ValueError:
        raise stop(f"{text!r} is no day such as 2026-01-31") from None


def _found(policy: Policy, name: str) -> Manifest:
    from gateway.licenses.bundle import NAME
    from gateway.policy.bundles import manifest_file

    file = manifest_file(Path(policy.file), name)
    if not NAME.fullmatch(name) or not file.is_file():
        raise stop(f"there is no bundle {name!r}; `licet bundle list` shows them", 1)
    return _read(file)


def _read(file: Path) -> Manifest:
    from gateway.licenses.bundle import ManifestError, read_manifest

    try:
        return read_manifest(file.read_bytes())
    except (OSError, ManifestError) as error:
        raise stop(f"{file}: {error}", 1) from None


def _summary(made: Manifest) -> dict[str, Any]:
    return {
        "name": made.name,
        "site": made.site,
        "items": len(made.items),
        "size": made.size,
        "made_at": made.made_at,
        "hash": made.hash,
    }
