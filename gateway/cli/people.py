"""`licet dashboard people`: who may sign in to the dashboard, and as what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.dashboard.people import People, Person, Unfit
    from gateway.dashboard.people_file import PeopleFile

app = typer.Typer(
    help="""People who may sign in to the dashboard, and their roles.

    \b
    owner     everything, floors included
    operator  decides day to day; sees client addresses
    viewer    reads; sees no address and no floor
    auditor   reads evidence alone
    A running gateway knows of every change at once.
    """,
    no_args_is_help=True,
)
Who = Annotated[
    str, typer.Argument(metavar="NAME", help="A sign-in name, or an id such as pe_…; see the list.")
]
_Role = Annotated[str, typer.Argument(metavar="ROLE", help="owner, operator, viewer or auditor.")]


@app.command()
def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What they sign in with: letters, digits, . _ @ + -")
    ],
    role: _Role,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Invite somebody and print the link.

    The link works once, for 72 hours; whoever opens it chooses the password.
    It is shown this once.

    \b
    licet dashboard people add ada viewer
    """
    from gateway.clock import SystemClock
    from gateway.dashboard.people import INVITATION_US, Unfit, invited, with_link
    from gateway.dashboard.people_file import Access
    from gateway.dashboard.sessions import Sessions, fresh_id

    now, token, wanted = SystemClock().now_us(), Sessions.fresh_name(), _role(role)

    def act(access: Access) -> tuple[Access, Person | Unfit]:
        person = invited(access.people, fresh_id("pe_", now), name, wanted, now)
        if isinstance(person, Unfit):
            return access, person
        person = with_link(person, token, now + INVITATION_US)
        return access.with_people(access.people.with_one(person)), person

    made = people_file(data).change(act)
    if isinstance(made, Unfit):
        raise stop(made.sentence, 1)
    _linked(data, made, token, as_json=as_json)


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List everybody who may sign in.

    With role and state; no password is shown, because none is kept.
    """
    from gateway.clock import SystemClock

    now = SystemClock().now_us()
    rows = [
        {
            "id": each.id, "name": each.name, "role": str(each.role), "since": each.made_us // 1_000_000,
            "state": "disabled" if each.disabled_us else "can sign in" if each.password
            else "invited" if now < each.link_until_us else "invitation expired",
        }
        for each in people_file(data).read().people.all
    ]  # fmt: skip
    if as_json:
        emit(rows)
        return
    table(
        ("person", "name", "role", "state", "since"),
        [(row["id"], row["name"], row["role"], row["state"], moment(int(row["since"]))) for row in rows],
    )


@app.command()
def role(who: Who, role: _Role, data: Data = DATA, as_json: AsJson = False) -> None:
    """Give somebody another role.

    It counts from their next request on. The last owner who can sign in stays one.
    """
    from gateway.dashboard.people import in_role

    wanted = _role(role)
    _change(data, who, lambda people, person: in_role(people, person, wanted), as_json=as_json)


@app.command()
def disable(who: Who, data: Data = DATA, as_json: AsJson = False) -> None:
    """Lock somebody out, keys included.

    Sessions end with their next request. `licet dashboard people enable` undoes it.
    """
    from gateway.clock import SystemClock
    from gateway.dashboard.people import disabled

    now = SystemClock().now_us()
    _change(data, who, lambda people, person: disabled(people, person, now), as_json=as_json)


@app.command()
def enable(who: Who, data: Data = DATA, as_json: AsJson = False) -> None:
    """Let somebody in again who was locked out.

    The password of before holds, and keys that have not expired run again.
    """
    from gateway.dashboard.people import enabled

    _change(data, who, lambda _people, person: enabled(person), as_json=as_json)


@app.command()
def remove(who: Who, data: Data = DATA, as_json: AsJson = False) -> None:
    """Remove somebody; what they did stays in the log.

    The log of administration holds an id and no name, so nothing of the person
    is left but that; saved views go too.
    """
    from gateway.dashboard.people import Unfit, removed

    people = people_file(data).read().people
    person = people.found(who)
    # First, so that with a store that is down nobody goes and leaves them.
    if person is not None and not isinstance(removed(people, person), Unfit):
        _forget_views(data, person.id)
    _change(data, who, removed, as_json=as_json)


@app.command()
def reset(who: Who, data: Data = DATA, as_json: AsJson = False) -> None:
    """Print a link with which somebody sets a new password.

    It works once, for 72 hours. The password of now holds until it is used.
    """
    from gateway.clock import SystemClock
    from gateway.dashboard.people import INVITATION_US, Unfit, with_link
    from gateway.dashboard.people_file import Access
    from gateway.dashboard.sessions import Sessions

    until, token = SystemClock().now_us() + INVITATION_US, Sessions.fresh_name()

    def act(access: Access) -> tuple[Access, Person | Unfit]:
        person = access.people.found(who)
        if person is None or person.disabled_us:
            return access, Unfit(
                f"nobody called {who} may sign in; `licet dashboard people list` shows who may"
            )
        person = with_link(person, token, until)
        return access.with_people(access.people.with_one(person)), person

    made = people_file(data).change(act)
    if isinstance(made, Unfit):
        raise stop(made.sentence, 1)
    _linked(data, made, token, as_json=as_json)


def _change(
    data: Path, who: str, change: Callable[[People, Person], Person | People | Unfit], *, as_json: bool
) -> None:
    from gateway.dashboard.people import People, Unfit
    from gateway.dashboard.people_file import Access

    def act(access: Access) -> tuple[Access, Person | Unfit]:
        person = access.people.found(who)
        if person is None:
            return access, Unfit(
                f"there is nobody called {who}; `licet dashboard people list` shows everybody"
            )
        found = change(access.people, person)
        if isinstance(found, Unfit):
            return access, found
        if isinstance(found, People):
            return access.with_people(found), person
        return access.with_people(access.people.with_one(found)), found

    done = people_file(data).change(act)
    if isinstance(done, Unfit):
        raise stop(done.sentence, 1)
    if as_json:
        emit(_told(done))
    else:
        tell(f"{done.name}: done")


def _forget_views(data: Path, person: str) -> None:
    import asyncio

    from gateway.app.stores import has_store, open_store
    from gateway.store.sqlite.saved_views import SqliteSavedViews

    async def forget() -> None:
        database = await open_store(data)
        try:
            await SqliteSavedViews(database).forget(person)
        finally:
            await database.close()

    if has_store(data):
        asyncio.run(forget())


def _told(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "role": str(person.role),
        "disabled": bool(person.disabled_us),
    }


def _linked(data: Path, person: Person, token: str, *, as_json: bool) -> None:
    from gateway.cli.dashboard import address

    link = f"{address(data)[0]}/sign-in?token={token}"
    if as_json:
        emit({**_told(person), "sign_in": link})
        return
    typer.echo(link)
    tell(f"For {person.name}: it is shown this once, works once and for 72 hours.")


def people_file(data: Path) -> PeopleFile:
    """The file of people of a data folder."""
    from gateway.dashboard.people_file import PeopleFile

    if not data.is_dir():
        raise stop(f"{data} is no data folder of licet; `licet serve --upstream …` makes one")
    return PeopleFile(data / "operator.json")


def _role(word: str) -> Any:
    from gateway.dashboard.permissions import Role

    if word not in set(Role):
        raise stop(f"a role is one of {', '.join(Role)}, not {word!r}")
    return Role(word)
