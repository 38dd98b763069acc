"""`licet listen`: events as they happen, to this terminal or to a program that is being written."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.licensee import with_books
from gateway.cli.say import DATA, AsJson, Data, emit, moment, stop, tell, with_data

if TYPE_CHECKING:
    from gateway.cli.books import Books
    from gateway.config import Config
    from gateway.outbox.endpoints import Endpoint
    from gateway.outbox.events import Happening
    from gateway.outbox.webhooks import Webhooks

#: The id of what listens here; its secret follows from it, and stays the same.
LISTENER = "we_listen"
_AT_ONCE = 100
_PAUSE = 0.25


def listen(
    forward_to: Annotated[
        str,
        typer.Option("--forward-to", metavar="URL", help="POST each event there, signed, such as http://localhost:9000/hook."),
    ] = "",
    types: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="TYPE", help="Only this type, or such as crawler.*; may be given again."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Begin with everything that is kept, and not with what comes now.")
    ] = False,
    count: Annotated[int, typer.Option(metavar="N", min=0, help="Stop after N events; 0 goes on.")] = 0,
    print_secret: Annotated[
        bool, typer.Option("--print-secret", help="Print with what signatures are verified, and stop.")
    ] = False,
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Show events as they happen, and forward them.

    Beside a running gateway or without one. What is forwarded is what a webhook
    endpoint would get: the same body, signed by Standard Webhooks with a secret
    of this command. Nothing is kept of it, and no endpoint misses anything.
    What fails is said, and not tried again. Ctrl-C ends it.

    \b
    licet listen --forward-to http://localhost:9000/hook --type "crawler.*"
    """
    from gateway.config import read_config
    from gateway.outbox.endpoints import is_filter

    if not (data / "licet.db").is_file():
        raise stop(f"{data} is no data folder of licet; {with_data('licet serve', data)} makes one")
    wrong = [each for each in types or () if not is_filter(each)]
    if wrong:
        raise stop(f"--type is such as negotiation.offered or negotiation.*, not {wrong[0]!r}")
    config = read_config(data, environ=os.environ)
    if print_secret:
        from gateway.app.post_room import secrets_of

        print(secrets_of(config).secret(LISTENER, 1))
        return
    way = _way(config, forward_to) if forward_to else None
    tell(f"listening; {'each event goes to ' + forward_to if forward_to else 'Ctrl-C ends it'}")

    async def act(books: Books) -> None:
        await _listened(books, way, forward_to, tuple(types or ()), count, every=every, as_json=as_json)

    with_books(data, act)


def _way(config: Config, url: str) -> Webhooks:
    """The way out to *url* and to nowhere else."""
    from gateway import __version__
    from gateway.app.post_room import place_of, secrets_of
    from gateway.clock import SystemClock
    from gateway.egress import Egress
    from gateway.outbox.webhooks import Webhooks

    place = place_of(url)
    if place is None or not url.startswith(("http://", "https://")):
        raise stop(
            f"--forward-to is a URL with a host in lower case, such as http://localhost:9000/, not {url!r}"
        )
    egress = Egress(exempt=[place], agent=f"licet/{__version__}", plain=True)
    return Webhooks(secrets_of(config), SystemClock(), strangers=egress, own=egress)


async def _listened(
    books: Books, way: Webhooks | None, url: str, types: tuple[str, ...], count: int, *, every: bool, as_json: bool
) -> None:  # fmt: skip
    import asyncio

    from gateway.outbox.endpoints import Endpoint, Reach
    from gateway.store.sqlite.events import SqliteEvents

    events = SqliteEvents(books.database)
    endpoint = Endpoint(LISTENER, "", "", "", url, types, books.now, Reach.ON)
    after = 0 if every else await events.last()
    heard = 0
    while True:
        found = await events.after(after, _AT_ONCE)
        for each in found:
            after = each.nth
            if not endpoint.wants(each.event.type):
                continue
            await _told(endpoint, each, way, as_json=as_json)
            heard += 1
            if count and heard >= count:
                return
        if not found:
            await asyncio.sleep(_PAUSE)


async def _told(endpoint: Endpoint, happening: Happening, way: Webhooks | None, *, as_json: bool) -> None:
    from gateway.outbox.courier import Said
    from gateway.outbox.webhook import document

    outcome = await way.tell(endpoint, happening) if way is not None else None
    event = happening.event
    if as_json:
        sent = (
            {"received": outcome.said is Said.TOLD, "status": outcome.status, "why": outcome.why}
            if outcome
            else {}
        )
        emit({"id": event.id, **document(event), **({"forwarded": sent} if outcome else {})})
        return
    came = "" if outcome is None else f"  -> {outcome.status or outcome.why}"
    print(f"{moment(event.at)}  {event.type:<24} {event.subject}{came}", flush=True)
