"""What a form of these pages sends, read and carried over a new sign-in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.dashboard.carried import NOTHING, Held

#: Before the name of a field that is carried over a sign-in.
HELD: Final = "held:"
#: Where the form that is carried was going to.
HELD_PATH: Final = "held-path"


async def fields_of(request: web.Request) -> dict[str, str]:
    """The fields of a form; a body that is none, in whatever way, is a 400."""
    try:
        form = await request.post()
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
        "".join(fields.values()).encode()
    except (ValueError, LookupError, HttpProcessingError):
        raise web.HTTPBadRequest(text="This is not a form.") from None
    return fields


async def several_of(request: web.Request, name: str) -> tuple[str, ...]:
    """Every value of the field *name* of a form that `fields_of` read."""
    return tuple(value for value in (await request.post()).getall(name, ()) if isinstance(value, str))


def held_pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The fields that a form carries for another one, without their mark.

    >>> held_pairs([("password", "x"), ("held:said", "late"), ("held-path", "/licenses/1/suspend")])
    [('said', 'late')]
    """
    return [(name.removeprefix(HELD), value) for name, value in pairs if name.startswith(HELD)]


async def held_of(request: web.Request) -> Held:
    """The form that the form of *request* carries; raises `HTTPBadRequest` as `fields_of` does."""
    path = held_path(await fields_of(request))
    pairs = [(key, value) for key, value in (await request.post()).items() if isinstance(value, str)]
    return (path, held_pairs(pairs)) if path else NOTHING


def held_path(fields: Mapping[str, str]) -> str:
    """Where a carried form was going to: an address of these pages, or "" for anything else."""
    path = fields.get(HELD_PATH, "")
    ours = path.startswith("/") and not path.startswith(("//", "/\\", "/sign-")) and path.isprintable()
    return path if ours else ""
