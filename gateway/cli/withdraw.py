"""`licet withdraw`: take back a work, a path, content or a licensee; see what licensees do about it; readmit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, counted, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.removal import Removal
    from gateway.licenses.taking_back import TakingBack
    from gateway.licenses.withdrawal import Withdrawal
    from gateway.policy.rules import Policy

_MOST = 500
_LONGEST = 500


class _Taking(TyperGroup):
    """`licet withdraw essays` is `licet withdraw issue essays`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["issue", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Taking,
    help="""Take back a work, a path or a licensee; readmit.

    For the uses you name, and content by its digest too.

    \b
    licet withdraw essays --reason "sold elsewhere"     a work of the policy
    licet withdraw /essays/tides --uses ai-train        a path and all below it
    licet withdraw sha-256:9f86d0…                      content, wherever it was delivered
    licet withdraw bundle:launch                        the pages of a bundle's newest manifest
    licet withdraw le_01a2…                             a licensee, with everything
    licet withdraw essays --dry-run                     only say whom it concerns

    A running gateway refuses the withdrawn uses within a second, on every
    worker; search engines go on unless --uses names search. Sales, quotes and
    published terms leave it out. Whoever fetched it for these uses, or holds a
    license over it, is told, and owes a plan within the days of its license.
    Weights that were trained cannot be reached from here: what a license
    promises is exclusion from future training, mitigation and an attestation.
    """,
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The withdrawal, such as wd_…; `licet withdraw list`.")]


@app.command()
def issue(
    named: Annotated[
        list[str],
        typer.Argument(
            metavar="WORK|PATH|BUNDLE|…",
            help="What to take back; several works, paths and bundles at once. Also a digest of content, or a licensee.",
        ),
    ],
    uses: Annotated[
        str, typer.Option(metavar="USE,…", help='For which uses; "all" names search too.')
    ] = "ai-train,ai-input,ai-index,fine-tune,tdm",
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="What licensees are told; public to them.")
    ] = "",
    private: Annotated[
        str, typer.Option(metavar="TEXT", help="A note for yourself; leaves this machine never.")
    ] = "",
    by: Annotated[str, typer.Option(metavar="NAME", help="Who decided.")] = "operator",
    site: Annotated[str, typer.Option(metavar="ID", help="The site, where there are several.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say whom it concerns, and do nothing.")] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Take something back from now on.

    Prints the withdrawal and whom it concerns. The word "issue" may be left out.
    """
    policy = policy_of(data, site, named)
    texts = [line(each, name) for each, name in ((reason, "--reason"), (private, "--private"), (by, "--by"))]

    async def act(books: Books) -> dict[str, Any]:
        acts = acts_of(books)
        one = await acts.located(_made(books, policy, await _whole(policy, named), uses.split(","), texts))
        if one.licensee and await books.register.licensee(one.licensee) is None:
            raise stop(f"there is no licensee {one.licensee}; `licet licensee list` shows them", 1)
        if one.digests and not one.paths:
            raise stop("the journal knows no delivery of that content; name its path", 1)
        from gateway.policy.withdrawing import owned_by

        if dry_run:
            removals = await acts.concerned(one, owned_by(policy), books.now)
        else:
            removals = await acts.issue(one, owned_by(policy), books.now)
        return {**told(one, removals), "dry_run": dry_run}

    done = with_books(data, act)
    if as_json:
        emit(done)
        return
    _print(done)
    if dry_run:
        tell("Nothing was withdrawn.")
    else:
        tell("A running gateway refuses it within a second; the licensees above are told.")


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List what was withdrawn, the latest first.

    Says of each how many licensees acknowledged, planned and attested.
    """

    async def act(books: Books) -> list[dict[str, Any]]:
        store = acts_of(books).store
        return [told(each, await store.removals(each.id)) for each in await store.all(_MOST)]

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (
            row["id"],
            moment(row["since"]),
            row["state"],
            _what(row),
            " ".join(row["uses"]),
            row["progress"],
        )
        for row in rows
    ]
    table(("withdrawal", "since", "state", "what", "uses", "licensees"), shown)


@app.command()
def show(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Show one withdrawal: what, why and for whom.

    With everything that each licensee said about it, and when its plan is due.
    """

    async def act(books: Books) -> dict[str, Any]:
        store = acts_of(books).store
        found = await store.get(id)
        if found is None:
            raise stop(f"there is no withdrawal {id}; `licet withdraw list` shows them", 1)
        return told(found, await store.removals(id))

    done = with_books(data, act)
    if as_json:
        emit(done)
        return
    _print(done)
    for each in done["licensees"]:
        for step in each["steps"]:
            print(f"  {moment(step['at'])}  {each['licensee']}  {step['act']}  {step['text']}".rstrip())


@app.command()
def readmit(
    id: Id,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who decided.")] = "operator",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Lift a withdrawal: the policy alone decides again.

    Licensees are told. Licenses that still run open it again; what they planned
    and attested stays on record.
    """
    who = line(by, "--by")

    async def act(books: Books) -> dict[str, Any]:
        acts = acts_of(books)
        after = await acts.lift(id, who, books.now)
        if after is None:
            raise stop(f"there is no withdrawal {id} in force; `licet withdraw list` shows them", 1)
        return told(after, await acts.store.removals(id))

    done = with_books(data, act)
    if as_json:
        emit(done)
    else:
        _print(done)
        tell("A running gateway opens it again within a second, as far as the policy and licenses go.")


def acts_of(books: Books) -> TakingBack:
    """The acts on the books of a data folder."""
    from gateway.licenses.taking_back import TakingBack
    from gateway.store.sqlite.withdrawals import SqliteWithdrawals

    return TakingBack(SqliteWithdrawals(books.database), books.register)


def policy_of(data: Any, site: str, named: list[str] | None = None) -> Policy:
    """The policy of *site* in the data folder; of the only one where *site* is "", or of the host that is *named*."""
    from urllib.parse import urlsplit

    from gateway.policy.reload import PolicyShelf

    folder = data / "sites"
    if not folder.is_dir():
        raise stop(f"there are no policies in {folder}; `licet init` writes one")
    shelf = PolicyShelf(folder)
    hosts = [urlsplit(each).hostname for each in named or () if each.startswith(("http://", "https://"))]
    if not site and hosts and hosts[0] and (of_host := shelf.of_host(hosts[0])):
        return of_host
    if not site and len(shelf.policies) == 1:
        return shelf.policies[0]
    found = shelf.of_site(site)
    if found is None:
        names = ", ".join(policy.site.id for policy in shelf.policies)
        raise stop(
            f"say --site ID; there are {names}"
            if not site
            else f"there is no site {site!r}; there are {names}"
        )
    return found


def line(text: str, name: str) -> str:
    """*text* as one printable line, or the end of the command that names *name*."""
    plain = " ".join(text.split())
    if not plain.isprintable() or len(plain) > _LONGEST:
        raise stop(f"{name} is one line of printable text, at most {_LONGEST} characters")
    return plain


def told(one: Withdrawal, removals: tuple[Removal, ...]) -> dict[str, Any]:
    """A withdrawal and its removals as JSON, for the owner."""
    state = "readmitted" if one.readmitted_at else "hold" if one.hold else "in force"
    counts: dict[str, int] = {}
    for each in removals:
        counts[str(each.state)] = counts.get(str(each.state), 0) + 1
    what = [
        *one.works,
        *(scope.pattern for scope in one.paths),
        *(f"sha-256:{each[:12]}…" for each in one.digests),
    ]
    return {
        "id": one.id,
        "site": one.site,
        "state": state,
        "what": [
            *what,
            *([f"bundle:{one.bundle}"] if one.bundle else []),
            *([one.licensee] if one.licensee else []),
        ],
        "works": list(one.works),
        "paths": [scope.pattern for scope in one.paths],
        "digests": list(one.digests),
        "bundle": one.bundle,
        "licensee": one.licensee,
        "uses": sorted(one.uses),
        "since": one.since,
        "readmitted_at": one.readmitted_at,
        "by": one.by,
        "reason": one.reason,
        "private": one.private,
        "cause": one.cause,
        "progress": ", ".join(f"{count} {state}" for state, count in counts.items()) or "none",
        "licensees": [
            {
                "licensee": each.licensee,
                "state": str(each.state),
                "plan_due": each.plan_due,
                "fetched": each.fetched,
                "steps": [
                    {"at": step.at, "act": step.act, "by": step.by, "text": step.text} for step in each.steps
                ],
            }
            for each in removals
        ],
    }


async def _whole(policy: Policy, words: list[str]) -> list[str]:
    """*words* with the pages of each bundle that they name, out of its newest manifest."""
    from gateway.dashboard.bundle_picks import named, newest_of

    found = named(words, (await newest_of([policy])).get(policy.site.id, {}))
    if isinstance(found, str):
        raise stop(found)
    return list(found)


def _made(books: Books, policy: Policy, named: list[str], uses: list[str], texts: list[str]) -> Withdrawal:
    from gateway.licenses.taking_back import withdrawal_id
    from gateway.licenses.withdrawal import Withdrawal
    from gateway.policy.withdrawing import read_uses, subjects_of

    subjects = subjects_of(policy, named)
    wanted = read_uses(filter(None, (each.strip() for each in uses)))
    for each in (subjects, wanted):
        if isinstance(each, str):
            raise stop(each)
    assert not isinstance(subjects, str)
    assert not isinstance(wanted, str)
    if not wanted:
        raise stop("--uses names no use")
    if subjects.bundle and not (subjects.paths or subjects.works or subjects.digests):
        raise stop(
            f"no manifest of the bundle {subjects.bundle} lies beside the policy; name what is in it beside it: "
            "its works, paths or digests"
        )
    reason, private, by = texts
    return Withdrawal(
        withdrawal_id(books.clock.now_us()),
        policy.site.id,
        wanted,
        books.now,
        books.now,
        by,
        subjects.works,
        subjects.paths,
        subjects.digests,
        subjects.bundle,
        subjects.licensee,
        reason,
        private,
    )


def _what(row: dict[str, Any]) -> str:
    """What was withdrawn, in one line: of a bundle how many pages it stands for, not each."""
    if not row["bundle"]:
        return " ".join(row["what"])
    pages = [f"({counted(len(row['paths']), 'page')})"] if row["paths"] else []
    return " ".join([*(each for each in row["what"] if each not in row["paths"]), *pages])


def _print(done: dict[str, Any]) -> None:
    print(f"{done['id']}  {done['state']}  {_what(done)}  for {', '.join(done['uses'])}")
    for key in ("reason", "private"):
        if done[key]:
            print(f"{key:<8} {done[key]}")
    if not done["licensees"]:
        print("no licensee fetched it for these uses or holds a license over it")
    for each in done["licensees"]:
        print(
            f"{each['licensee']}  {each['state']}, {counted(each['fetched'], 'piece')} of content fetched, "
            + (f"plan due {moment(each['plan_due'])}" if each["plan_due"] else "no plan owed")
        )
