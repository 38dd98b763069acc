"""`licet dashboard keys`: what programs may do that ask the dashboard's API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell

if TYPE_CHECKING:
    from gateway.dashboard.api_keys import ApiKey, MadeKey
    from gateway.dashboard.people import Unfit
    from gateway.dashboard.people_file import Access, PeopleFile

app = typer.Typer(
    help="""Keys for programs that do what the dashboard's pages do.

    A key has scopes, such as log.read or deals.change, an end, and a person
    behind it: it never does more than that person may. The API is under
    /api/v1 of the dashboard, its description at /api/openapi.json.
    """,
    no_args_is_help=True,
)


@app.command()
def add(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="What it is for, as you will read it in the list.")
    ],
    scope: Annotated[list[str], typer.Option(metavar="SCOPE", help="What it may do; give it once for each.")],
    of: Annotated[
        str, typer.Option(metavar="PERSON", help="Whose it is; the first owner's if left out.")
    ] = "",
    days: Annotated[int, typer.Option(metavar="N", help="How long it runs, at most 366.")] = 90,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Make a key and print its secret.

    The secret is shown this once and kept as a hash. A running gateway knows
    the key at once.

    \b
    licet dashboard keys add nightly --scope log.read --scope log.export
    """
    from gateway.clock import SystemClock
    from gateway.dashboard.api_keys import made_key
    from gateway.dashboard.people import Unfit
    from gateway.dashboard.sessions import fresh_id

    now = SystemClock().now_us()

    def act(access: Access) -> tuple[Access, MadeKey | Unfit]:
        person = access.people.found(of) if of else access.people.first_owner()
        if person is None or not person.can_sign_in:
            return access, Unfit(f"{of or 'no owner'} cannot sign in, so there is nobody behind the key")
        made = made_key(access.keys, fresh_id("ke_", now), name, person, scope, days, now)
        return (access, made) if isinstance(made, Unfit) else (access.with_key(made.key), made)

    made = _file(data).change(act)
    if isinstance(made, Unfit):
        raise stop(made.sentence, 1)
    if as_json:
        emit({**_told(made.key, _file(data).read(), now), "secret": made.secret})
        return
    print(
        f"key      {made.key.id}\nsecret   {made.secret}\nuntil    {moment(made.key.expires_us // 1_000_000)}"
    )
    tell(
        "The secret is shown this once. curl -H 'Authorization: Bearer SECRET' http://localhost:8403/api/v1/log"
    )


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List keys with their scopes, ends and last uses.

    The latest comes first. Keys that have ended stay in the list, because what
    they did stays in the log of administration.
    """
    from gateway.clock import SystemClock

    access, now = _file(data).read(), SystemClock().now_us()
    rows = [_told(key, access, now) for key in reversed(access.keys)]
    if as_json:
        emit(rows)
        return
    table(
        ("key", "name", "begins with", "of", "scopes", "state", "until", "last used"),
        [
            (
                row["id"], row["name"], row["shown"], row["of"], ",".join(row["scopes"]), row["state"],
                moment(row["expires_at"]), moment(row["used_at"]),
            )
            for row in rows
        ],
    )  # fmt: skip


@app.command()
def revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="The key, such as ke_…; see the list.")],
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """End a key now.

    Its next request is refused, at a running gateway too.
    """
    from gateway.clock import SystemClock
    from gateway.dashboard.api_keys import revoked

    now = SystemClock().now_us()

    def act(access: Access) -> tuple[Access, ApiKey | None]:
        key = access.key(id)
        return (access, None) if key is None else (access.with_key(revoked(key, now)), revoked(key, now))

    done = _file(data).change(act)
    if done is None:
        raise stop(f"there is no key {id}; `licet dashboard keys list` shows them", 1)
    if as_json:
        emit(_told(done, _file(data).read(), now))
    else:
        tell(f"{id} opens nothing any more")


def _told(key: ApiKey, access: Access, now_us: int) -> dict[str, Any]:
    person = access.people.of_id(key.person)
    return {
        "id": key.id, "name": key.name, "shown": key.shown, "of": person.name if person else key.person,
        "scopes": sorted(map(str, key.scopes)), "state": key.state(now_us),
        "expires_at": key.expires_us // 1_000_000, "used_at": key.used_us // 1_000_000,
    }  # fmt: skip


def _file(data: Path) -> PeopleFile:
    from gateway.cli.people import people_file

    return people_file(data)
