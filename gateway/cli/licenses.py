"""`licet licenses`: what you granted, what becomes of it, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.licenses.license import License
    from gateway.licenses.negotiation import Negotiation
    from gateway.licenses.revocations import Revocations
    from gateway.terms.license_terms import Offer

app = typer.Typer(
    help="""What you granted: see it, suspend and resume it, amend it, revoke it.

    A license keeps its id and the address of its contract for life. An amendment
    is a new version of it, which both sides accept; a renewal adds a term; at the
    end all rights revert to you. Nobody can hand a license on.

    Works beside a running gateway, which knows within a second, or without one.
    """,
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The license, such as li_….")]
_LONGEST = 300


@app.command("list")
def list_(
    licensee: Annotated[str, typer.Option(metavar="ID", help="Only those of this licensee.")] = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """List every license, the newest first.

    With who holds it, where it stands, until when, and its price.

    \b
    licet licenses list
    licet licenses list --licensee le_… --json
    """

    async def act(books: Books) -> list[dict[str, Any]]:
        revoked, found = await books.register.revocations(), []
        for holder in await books.register.licensees():
            if licensee in {"", holder.id}:
                ids = {each.id: None for each in await books.register.licenses_of(holder.id)}
                found += [await _told(books, id, holder.name, revoked) for id in ids]
        return sorted(found, key=lambda row: (-row["starts_at"], row["license"]))

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (
            each["license"],
            each["holder"],
            each["state"],
            each["version"],
            moment(each["ends_at"]),
            each["price"],
        )
        for each in rows
    ]
    table(("license", "holder", "state", "version", "ends", "price"), shown)


@app.command()
def show(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Show one license, and every version of it.

    With what it covers, its price and terms, and why it is suspended, if it is.
    """

    async def act(books: Books) -> dict[str, Any]:
        license = await _found(books, id)
        holder = await books.register.licensee(license.licensee)
        revoked = await books.register.revocations()
        return await _told(books, id, holder.name if holder else "", revoked)

    told = with_books(data, act)
    if as_json:
        emit(told)
        return
    for key in ("license", "state", "suspended", "holder", "licensee", "site", "offer", "price"):
        print(f"{key:<10} {told[key]}".rstrip())
    print(f"{'works':<10} {', '.join(told['terms']['scope']['paths'])}")
    print(f"{'uses':<10} {', '.join(told['terms']['purpose']['uses'])}\n")
    rows = [
        (
            each["version"],
            each["state"],
            moment(each["starts_at"]),
            moment(each["ends_at"]),
            each["terms_hash"],
        )
        for each in told["versions"]
    ]
    table(("version", "state", "from", "to", "terms hash"), rows)


@app.command()
def suspend(
    id: Id,
    why: Annotated[
        str, typer.Option(metavar="TEXT", help="What its holder is told.")
    ] = "The creator suspended it.",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Let a license open nothing until you resume it.

    Its tokens are refused within a second and hold again when you resume it. Its
    term goes on, its rights stay with its holder, and duties that suspend it are
    another matter: each cause is lifted by itself.
    """
    from gateway.licenses.suspension import OWNER

    if not why.strip() or not why.isprintable() or len(why) > _LONGEST:
        raise stop(f"--why is one line of at most {_LONGEST} characters")

    async def act(books: Books) -> dict[str, Any]:
        await _alive(books, id)
        if not await books.register.suspend(id, OWNER, why.strip(), books.now):
            raise stop(f"you suspended {id} already; `licet licenses resume {id}` lifts it", code=1)
        return await _state(books, id)

    _say(with_books(data, act), as_json=as_json)


@app.command()
def resume(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Lift your suspension of a license.

    Its tokens hold again within a second; whatever else suspends it stands.
    """
    from gateway.licenses.suspension import OWNER

    async def act(books: Books) -> dict[str, Any]:
        await _found(books, id)
        if not await books.register.resume(id, OWNER, books.now):
            raise stop(f"you did not suspend {id}; `licet licenses show {id}` says what does", code=1)
        return await _state(books, id)

    _say(with_books(data, act), as_json=as_json)


@app.command()
def revoke(
    id: Id,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it: a license that is revoked never holds again.")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """End a license before its end, for good.

    Its tokens are refused within a second, and what it shut out can be sold
    again. Nothing is paid back by this: `licet licensee refund` is. Whether you
    may end it is a question of your contract.
    """
    from gateway.licenses.life_events import revoked

    if not yes:
        raise stop("a license that is revoked never holds again; say --yes, or `licet licenses suspend`")

    async def act(books: Books) -> dict[str, Any]:
        license = await _alive(books, id)
        now = books.now
        await books.register.revoke("license", id, now, events=[revoked(license, now)])
        return await _state(books, id)

    _say(with_books(data, act), as_json=as_json)


@app.command()
def amend(
    id: Id,
    change: Annotated[
        str,
        typer.Option(
            metavar="JSON", help='What is otherwise, as offers spell it: {"audit": {"report": "yearly"}}.'
        ),
    ],
    hours: Annotated[int, typer.Option(min=1, max=8760, help="For how long it stands.")] = 72,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Offer the holder of a license other terms until its end.

    It is a negotiation like any other: nothing changes before the holder accepts.
    Then the new version holds, older tokens are refused within a second, and what
    the new terms owe at signing above the old ones is taken.

    \b
    licet licenses amend li_… --change '{"scope": {"paths": ["/essays/", "/notes/"]}}'
    """
    from gateway.licenses.exclusivity import Conflict
    from gateway.licenses.life import Change, amended
    from gateway.licenses.negotiation import offered
    from gateway.licenses.negotiation_events import events_of
    from gateway.problems import Refusal
    from gateway.store.sqlite.negotiations import SqliteNegotiations

    async def act(books: Books) -> dict[str, Any]:
        license, store = await _found(books, id), SqliteNegotiations(books.database)
        blank = await _opened(books, license, Change.AMENDMENT, _published(data, license.site))
        for each in await store.of(license.licensee, license.site):
            if each.about == id and not each.state.is_over and each.state.value != "AGREED":
                raise stop(
                    f"{each.id} is about this license already; see `licet deals show {each.id}`", code=1
                )
        terms = _changed(license, change)
        new = amended(license, terms, policy=blank.offer.policy, now=books.now)
        if isinstance(new, Refusal):
            raise stop(f"--change: {new.detail}")
        taken = await books.register.in_the_way(new)
        if isinstance(taken, Conflict):
            raise stop(f"a license of somebody else shuts this one out ({taken.license})", code=1)
        after = offered(blank, terms, now=books.now, patience=hours * 3600)
        assert not isinstance(after, Refusal), "nothing was said in it"
        await store.put("", after, events=events_of(blank, after))
        return {"negotiation": after.id, "state": str(after.state), "license": id, "terms_hash": terms.hash}

    made = with_books(data, act)
    if as_json:
        emit(made)
        return
    print(f"{made['negotiation']}  {made['state']}")
    tell("Nothing changes before its holder accepts; it reads the offer the next time it asks.")


def _published(data: Any, site: str) -> tuple[Offer, ...]:
    from gateway.desk.metadata import on_offer
    from gateway.policy.reload import PolicyShelf

    policies = PolicyShelf(data / "sites").policies
    return next((on_offer(each) for each in policies if each.site.id == site), ())


async def _opened(books: Books, license: License, change: Any, offers: tuple[Offer, ...]) -> Negotiation:
    import uuid_utils

    from gateway.desk.changing import Changing
    from gateway.problems import Refusal
    from gateway.store.sqlite.lives import SqliteLives
    from gateway.store.sqlite.negotiations import SqliteNegotiations

    negotiations = SqliteNegotiations(books.database)
    changing = Changing(negotiations, SqliteLives(books.database), books.register)
    source = await negotiations.of_license(license.id)
    opened = await changing.opened(
        license.id,
        change,
        offers,
        id=f"ne_{uuid_utils.uuid7().hex}",
        client=source.client if source else "",
        now=books.now,
    )
    if isinstance(opened, Refusal):
        raise stop(opened.detail, code=1)
    return opened


def _changed(license: License, change: str) -> Any:
    from gateway.keys.strict_json import Malformed, read_object
    from gateway.licenses.proposals import Message, read_message, read_terms
    from gateway.problems import Refusal

    try:
        message = read_message({"proposal": read_object(change.encode("utf-8", "surrogatepass"))})
    except Malformed as error:
        raise stop(f"--change: {error}") from None
    terms = read_terms(message, license.terms) if isinstance(message, Message) else message
    if isinstance(terms, Refusal):
        raise stop(f"--change: {terms.detail}")
    return terms


async def _found(books: Books, id: str) -> License:
    found = await books.register.license(id)
    if found is None:
        raise stop(f"there is no license {id}; `licet licenses list` shows them", code=1)
    return found


async def _alive(books: Books, id: str) -> License:
    from gateway.licenses.life import changeable
    from gateway.problems import Problem, Refusal
    from gateway.store.sqlite.lives import SqliteLives

    license = await _found(books, id)
    revoked = id in (await books.register.revocations()).licenses
    over = changeable(await SqliteLives(books.database).versions(id), books.now, revoked=revoked)
    if isinstance(over, Refusal) and over.problem is Problem.LICENSE_OVER:
        raise stop(over.detail, code=1)
    return license


async def _state(books: Books, id: str) -> dict[str, Any]:
    return await _told(books, id, "", await books.register.revocations())


async def _told(books: Books, id: str, holder: str, revoked: Revocations) -> dict[str, Any]:
    from gateway.desk.license_life import license_document
    from gateway.licenses.contract import price_parts
    from gateway.licenses.life import current
    from gateway.store.sqlite.lives import SqliteLives

    versions = await SqliteLives(books.database).versions(id)
    license = current(versions, books.now)
    assert license is not None, "it was found"
    document = license_document(license, versions, revoked, now=books.now, origin="")
    for addressed in ("links", "notice"):
        del document[addressed]
    for each in document["versions"]:
        del each["url"], each["contract"]
    return {**document, "holder": holder, "price": "; ".join(price_parts(license.terms)) or "nothing"}


def _say(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit(told)
        return
    print(f"{told['license']}  {told['state']}")
    tell("A running gateway knows it within a second.")
