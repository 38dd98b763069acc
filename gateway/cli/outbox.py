"""`licet outbox`: who is told of what happened, and what came of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, table, tell, with_data

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.config import Config
    from gateway.outbox.endpoints import Delivery, Endpoint

app = typer.Typer(
    help="""Who is told of what happened, and what came of it.

    Every change of a negotiation is an event. It goes, signed (Standard Webhooks),
    to the endpoints that licensees registered at the desk and to your own, which
    you write into licet.toml:

    \b
    [[webhooks]]
    url = "https://hooks.journal.example/licet"
    types = ["negotiation.referred", "endpoint.*"]

    Each endpoint hears its events in order. What fails is tried again for three
    days; then the endpoint is switched off, and an event says so.
    """,
    no_args_is_help=True,
)
Id = Annotated[str, typer.Argument(metavar="ID", help="The endpoint, such as we_…; `list` shows them.")]
_SHOWN = 50


@app.command("list")
def list_(data: Data = DATA, as_json: AsJson = False) -> None:
    """List every endpoint: whose it is and how far behind.

    Waiting counts the events that it has not been told yet; why says what went
    wrong at the last attempt. A mailbox that letters go to is an endpoint too.
    """

    async def act(books: Books) -> list[dict[str, Any]]:
        from gateway.store.sqlite.endpoints import SqliteEndpoints

        store = SqliteEndpoints(books.database)
        return [await _row(books, each) for each in await store.all()]

    rows = with_books(data, act)
    if as_json:
        emit(rows)
        return
    shown = [
        (
            row["id"], row["licensee"] or "you", row["url"], row["state"], row["waiting"],
            moment(row["next_at"]) if row["failing"] else "-", row["why"],
        )
        for row in rows
    ]  # fmt: skip
    table(("endpoint", "of", "url", "state", "waiting", "tried again", "why"), shown)
    if not rows:
        tell("nobody yet: write [[webhooks]] into licet.toml; licensees register at /.licet/webhooks")


@app.command()
def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="An endpoint (we_…) or an event (ev_…).")],
    secret: Annotated[
        bool, typer.Option("--secret", help="Show with what an endpoint of your own verifies signatures.")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Show an endpoint's deliveries, or who heard of an event.

    The secret of a licensee's endpoint is shown to that licensee alone, when it is made.
    """

    async def act(books: Books) -> dict[str, Any]:
        from gateway.store.sqlite.endpoints import SqliteEndpoints

        store = SqliteEndpoints(books.database)
        if id.startswith("ev_"):
            return await _event(books, id)
        found = await _found(books, id)
        last = await store.deliveries(_SHOWN, endpoint=id)
        told = {**await _row(books, found), "deliveries": [_delivery(each) for each in last]}
        if secret:
            told["secret"] = _secret(found, data)
        return told

    told = with_books(data, act)
    if as_json:
        emit(told)
        return
    deliveries = told.pop("deliveries")
    for name, value in told.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name:<10} {shown}".rstrip())
    rows = [
        (moment(each["at"]), each["endpoint"], each["event"], each["type"], each["tries"], each["status"] or "-",
         "told" if each["told"] else each["why"])
        for each in deliveries
    ]  # fmt: skip
    if rows:
        print()
        table(("time", "endpoint", "event", "type", "tries", "status", "outcome"), rows)


@app.command()
def retry(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Try an endpoint again now, and switch it on if it is off.

    It goes on with the first event that it was not told. A running gateway does
    it within a second.
    """

    async def act(books: Books) -> dict[str, Any]:
        from gateway.store.sqlite.endpoints import SqliteEndpoints

        before = await _found(books, id)
        await SqliteEndpoints(books.database).hurry(before.id)
        return await _row(books, await _found(books, id))

    row = with_books(data, act)
    if as_json:
        emit(row)
        return
    print(f"{row['id']}  {row['state']}  {row['waiting']} waiting")
    if row["state"] == "unproven":
        tell("its owner has not sent the challenge back yet; until then it is told nothing")


@app.command("test")
def ping(id: Id, data: Data = DATA, as_json: AsJson = False) -> None:
    """Send one signed ping to an endpoint and say what came back.

    It is sent from this machine, to the URL that `list` shows. Exit 1 if it was
    not received. Nothing that waits is touched.
    """
    config = _config(data)

    async def act(books: Books) -> dict[str, Any]:
        from gateway.app.post_room import secrets_of, webhooks_of
        from gateway.outbox.courier import Said

        found = await _found(books, id)
        if found.url.startswith("mailto:"):
            raise stop("a mailbox has no ping; `licet doctor` says whether mail is set up")
        outcome = await webhooks_of(config, secrets_of(config), books.clock).ping(found)
        received = outcome.said is Said.TOLD
        return {
            "id": found.id,
            "url": found.url,
            "received": received,
            "status": outcome.status,
            "why": outcome.why,
        }

    told = with_books(data, act)
    if as_json:
        emit(told)
    else:
        print(f"{told['url']}  {'received' if told['received'] else told['why']}")
    if not told["received"]:
        raise typer.Exit(1)


async def _found(books: Books, id: str) -> Endpoint:
    from gateway.store.sqlite.endpoints import SqliteEndpoints

    found = await SqliteEndpoints(books.database).get(id)
    if found is None:
        raise stop(f"there is no endpoint {id}; `licet outbox list` shows them", code=1)
    return found


async def _row(books: Books, endpoint: Endpoint) -> dict[str, Any]:
    from gateway.store.sqlite.endpoints import SqliteEndpoints
    from gateway.store.sqlite.events import SqliteEvents

    events = await SqliteEvents(books.database).after(endpoint.after, 1000, endpoint.about)
    last = await SqliteEndpoints(books.database).deliveries(1, endpoint=endpoint.id)
    return {
        "id": endpoint.id,
        "licensee": endpoint.licensee,
        "site": endpoint.site,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "state": str(endpoint.reach),
        "waiting": sum(endpoint.wants(each.event.type) for each in events),
        "failing": bool(endpoint.tries) or str(endpoint.reach) == "off",
        "tries": endpoint.tries,
        "next_at": endpoint.next_at,
        "last_at": last[0].at if last else 0,
        "why": endpoint.why,
    }


async def _event(books: Books, id: str) -> dict[str, Any]:
    from gateway.store.sqlite.endpoints import SqliteEndpoints
    from gateway.store.sqlite.events import SqliteEvents

    events = SqliteEvents(books.database)
    nth = await events.place(id)
    if nth is None:
        raise stop(f"there is no event {id}, or it is not kept any more", code=1)
    (found,) = await events.after(nth - 1, 1)
    told = await SqliteEndpoints(books.database).deliveries(_SHOWN, event=id)
    return {
        "id": id,
        "type": found.event.type,
        "at": found.event.at,
        "site": found.event.site,
        "licensee": found.event.licensee,
        "subject": found.event.subject,
        "body": dict(found.event.body),
        "deliveries": [_delivery(each) for each in told],
    }


def _delivery(each: Delivery) -> dict[str, Any]:
    return {
        "at": each.at,
        "endpoint": each.endpoint,
        "event": each.event,
        "type": each.type,
        "tries": each.tries,
        "status": each.status,
        "told": each.done,
        "why": each.why,
        "answer": each.answer,
    }


def _secret(endpoint: Endpoint, data: Path) -> str:
    from gateway.app.post_room import secrets_of

    if endpoint.licensee or endpoint.url.startswith("mailto:"):
        raise stop(
            "only an endpoint of your own has a secret to show; a licensee has another one made at the desk"
        )
    return secrets_of(_config(data)).secret(endpoint.id, endpoint.generation)


def _config(data: Path) -> Config:
    from gateway.app.stores import has_store
    from gateway.config import read_config

    if not has_store(data):
        raise stop(f"{data} is no data folder of licet; {with_data('licet serve', data)} makes one")
    return read_config(data, environ=os.environ)
