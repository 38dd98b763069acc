"""What `licet doctor` says of the outbox: endpoints that fail, and whether letters go out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.problems import ConfigurationError, StoreUnavailable
from gateway.spoken import counted, with_data

if TYPE_CHECKING:
    from gateway.config import Config

#: What was looked at, a state (``ok``, ``warn``, ``bad``), the fact, and what to do about it.
Told = tuple[str, str, str, str]


async def outbox(config: Config, data: Path) -> list[Told]:
    """Everything about webhooks and letters."""
    return [*await _endpoints(config, data), *_mail(config)]


async def _endpoints(config: Config, data: Path) -> list[Told]:
    from gateway.app.post_room import own_endpoints
    from gateway.app.stores import has_store, open_store
    from gateway.outbox.endpoints import Reach
    from gateway.store.sqlite.endpoints import SqliteEndpoints

    try:
        own_endpoints(config, 0)
    except ConfigurationError as error:
        return [("webhooks", "bad", str(mistake), "") for mistake in error.mistakes]
    if not has_store(data):
        return []
    try:
        database = await open_store(data)
    except ConfigurationError:
        return []  # told elsewhere
    try:
        found = await SqliteEndpoints(database).all()
    except StoreUnavailable:
        return []  # told elsewhere
    finally:
        await database.close()
    look = with_data("licet outbox list", data)
    wrong = [each for each in found if each.reach is Reach.OFF or each.tries]
    told: list[Told] = []
    for each in wrong:
        whose = f"of {each.licensee}" if each.licensee else "of your own"
        fact = f"{each.id} {whose}, {each.url}: {each.why or 'fails'}"
        state = "switched off; " if each.reach is Reach.OFF else ""
        told.append(("webhooks", "warn", f"{state}{fact}", f"{look}, then outbox retry {each.id}"))
    on = [each for each in found if each.reach is Reach.ON and each not in wrong]
    if on:
        told.append(("webhooks", "ok", counted(len(on), "endpoint") + " told without fault", ""))
    return told


def _mail(config: Config) -> list[Told]:
    from gateway.app.post_room import mail_of

    try:
        mail = mail_of(config)
    except ConfigurationError as error:
        return [("e-mail", "bad", str(mistake), "") for mistake in error.mistakes]
    if mail is None:
        step = "set host, sender and operator under [email], if people are to be written to"
        return [("e-mail", "ok", "nobody is written to: no mail server is set", step)]
    email = config.email
    whom = [*([email.operator] if email.operator else []), *(["licensees"] if email.licensees else [])]
    whom.append("who negotiates in a browser")
    return [("e-mail", "ok", f"{' and '.join(whom)} by {email.host}:{email.port}, {email.security}", "")]
