"""What a caller sent, read strictly: form, JSON object, HTTP Basic. Every failure is a refusal.

- A form (``application/x-www-form-urlencoded``) names nothing twice, except
  what may repeat; an empty value is absent (RFC 6749, section 3.2).
- A JSON object names no member twice (RFC 7493).
- Basic holds a form-encoded id and secret (RFC 6749, section 2.3.1).

Nothing here raises on any bytes.
"""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from aiohttp import ClientPayloadError, web

from gateway.keys.strict_json import Malformed, read_object
from gateway.problems import Problem, Refusal

LARGEST_BODY: Final = 64 * 1024
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
_BODY_SECONDS: Final = 15.0
#: Where what was read of a body rests on its request, for whoever judges a signature over it.
_BODY: Final = web.RequestKey("body", bytes)
_MOST_FIELDS: Final = 64
_LONGEST_CREDENTIAL: Final = 1024


async def read_body(
    request: web.BaseRequest, media_types: tuple[str, ...], *, largest: int = LARGEST_BODY
) -> bytes | Refusal:
    """Return the whole body of *request*, at most *largest* bytes in one of *media_types*.

    Refuses with `UNSUPPORTED_MEDIA`, `TOO_LARGE` or `REQUEST_TIMEOUT` (15
    seconds) as soon as that is known, without reading on; a body that breaks
    off or is wrongly framed is `BAD_REQUEST`.
    """
    if request.content_type not in media_types or request.headers.get("Content-Encoding"):
        return Refusal(Problem.UNSUPPORTED_MEDIA, f"Send {' or '.join(media_types)}, not compressed.")
    too_large = Refusal(Problem.TOO_LARGE, f"At most {largest} bytes are read here.")
    if (request.content_length or 0) > largest:
        return too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > largest:
                    return too_large
    except TimeoutError:
        return Refusal(Problem.REQUEST_TIMEOUT, "The body did not arrive in time.")
    except (ClientPayloadError, web.HTTPException, ConnectionError) as error:
        return Refusal(Problem.BAD_REQUEST, "The body is not complete.", private=repr(error))
    request[_BODY] = bytes(body)
    return bytes(body)


def body_of(request: web.BaseRequest) -> bytes | None:
    """The body of *request* as `read_body` read it; b"" where it has none, None where it was not read."""
    if _BODY in request:
        return request[_BODY]
    return None if request.body_exists else b""


def read_form(
    body: bytes, *, repeatable: frozenset[str] = frozenset()
) -> dict[str, tuple[str, ...]] | Refusal:
    """Read a form into the values of each name; names without a value are left out."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        return Refusal(
            Problem.FORM_INVALID, f"The body is not a form of at most {_MOST_FIELDS} fields in UTF-8."
        )
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if name in found and name not in repeatable:
            return Refusal(Problem.FORM_INVALID, "A parameter stands there twice.")
        found[name] = (*found.get(name, ()), value)
    return {name: kept for name, values in found.items() if (kept := tuple(filter(None, values)))}


def read_json(body: bytes, problem: Problem) -> Mapping[str, object] | Refusal:
    """Read one JSON object without a member twice, or refuse it as *problem*."""
    try:
        return read_object(body)
    except Malformed as error:
        return Refusal(problem, f"The body is not one JSON object: {error}.")


@dataclass(frozen=True, slots=True)
class Login:
    """An id and a secret as they were shown. The repr hides the secret."""

    client: str
    secret: str = field(repr=False)


async def read_members(request: web.BaseRequest) -> Mapping[str, object] | Refusal:
    """Read the members of a form, each once, or of one JSON object: whatever *request* says it is."""
    body = await read_body(request, (FORM, JSON))
    if isinstance(body, Refusal):
        return body
    if request.content_type != FORM:
        return read_json(body, Problem.PROPOSAL_INVALID)
    form = read_form(body)
    return form if isinstance(form, Refusal) else {name: each[0] for name, each in form.items()}


def read_basic(header: str) -> Login | None:
    """Read the value of ``Authorization: Basic …`` (RFC 7617); None for anything else."""
    scheme, _, rest = header.strip(" \t").partition(" ")
    rest = rest.strip(" \t")
    if scheme.lower() != "basic" or len(rest) > _LONGEST_CREDENTIAL:
        return None
    try:
        client, colon, secret = b64decode(rest, validate=True).decode("utf-8").partition(":")
        client, secret = (unquote_plus(part, errors="strict") for part in (client, secret))
    except (binascii.Error, ValueError):
        return None
    return Login(client, secret) if colon and client.isprintable() else None
