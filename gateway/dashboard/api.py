"""The REST API of the pages: the same addresses under ``/api/v1``, JSON in both directions, a key with each request.

What a page shows it gives as one JSON object, and what a form sends it takes as
one: the page itself answers, so there is nothing that one can do and the other
cannot, and one table says who may (`permissions`). Exports and papers come as
they are. A refusal is problem details (RFC 9457). Cookies count for nothing
here, so no page of another site can cause a request that does.

==========================  ==================================================
``/api/v1/…``               the page ``/…``; ``/api/v1/`` is the overview
``/api/openapi.json``       what there is (OpenAPI 3.1); needs no key
==========================  ==================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson
from aiohttp import web

from gateway.clock import Clock
from gateway.dashboard.admin_api import described
from gateway.dashboard.api_keys import ApiKey
from gateway.dashboard.gatekeeping import FIELDS, Gatekeeper, signed_of
from gateway.dashboard.guards import NotAllowed
from gateway.dashboard.in_json import in_json
from gateway.dashboard.people_file import Access, PeopleFile
from gateway.dashboard.permissions import Permission
from gateway.dashboard.sessions import Signed
from gateway.problems import ConfigurationError, StoreUnavailable

PREFIX: Final = "/api/v1"
#: A use is written down at most once in so many microseconds.
_USED_US: Final = 60_000_000
_ASKED: Final = web.RequestKey("licet.api", bool)


def asked_by_program(request: web.Request) -> bool:
    """Whether *request* came by the API, so that its answer is JSON."""
    return _ASKED in request


class Api:
    """Answers ``/api/``."""

    def __init__(self, file: PeopleFile, gate: Gatekeeper, clock: Clock) -> None:
        """Let programs in by the keys of *file*, through *gate*."""
        self._file, self._gate, self._clock = file, gate, clock

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add its addresses to *router*, last: it knows then which pages there are."""
        document = orjson.dumps(described(router))

        async def openapi(_request: web.Request) -> web.StreamResponse:
            return web.Response(body=document, content_type="application/json")

        router.add_get("/api/openapi.json", openapi)
        router.add_route("*", f"{PREFIX}{{tail:(/.*)?}}", self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._asked(request)
        except web.HTTPRedirection as moved:
            return _json({"done": True, "see": f"{PREFIX}{moved.headers['Location']}"})
        except web.HTTPException as refusal:
            detail = refusal.sentence if isinstance(refusal, NotAllowed) else refusal.text or ""
            return problem(refusal.status, refusal.reason, detail, refusal.headers.get("Allow", ""))
        except (StoreUnavailable, ConfigurationError) as error:
            return problem(503, "The log cannot be read at the moment", str(error))

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        signed = self._signed(request.headers.get("Authorization", ""))
        if signed is None:
            answer = problem(401, "A key is needed", "Send Authorization: Bearer with a key that runs.")
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        target = request.path_qs.removeprefix(PREFIX) or "/"
        inner = request.clone(rel_url=target if target.startswith("/") else f"/{target}")
        match = await request.app.router.resolve(inner)
        if match.http_exception is not None:
            raise match.http_exception
        resource = match.route.resource
        if resource is None or resource.canonical.startswith(
            ("/api/", "/static", "/sign-", "/live/", "/healthz")
        ):
            raise web.HTTPNotFound
        match.add_app(request.app)
        # As aiohttp's own middleware for paths does: a page reads what its own address holds.
        inner._match_info = match  # noqa: SLF001
        inner[_ASKED] = True
        if request.method == "POST":
            inner[FIELDS] = await _fields(request)
        return await self._gate.let_in(inner, signed, match.handler)

    def _signed(self, authorization: str) -> Signed | None:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret.isascii():
            return None
        sha256, now = hashlib.sha256(secret.strip().encode()).hexdigest(), self._clock.now_us()
        access = self._file.read()
        key = next((each for each in access.keys if each.secret_sha256 == sha256), None)
        person = access.people.of_id(key.person) if key else None
        scopes = key.allows(person, now) if key else frozenset()
        if key is None or person is None or not scopes:
            return None
        if now - key.used_us > _USED_US:
            self._file.change(lambda access: (_used(access, key, now), None))
        return Signed(person, "key", key.id, scopes)


def page_json(request: web.Request, context: Mapping[str, object], status: int) -> web.Response:
    """What a page was going to show, as JSON; floors only for who may see them."""
    signed = signed_of(request)
    floors = signed is not None and signed.may(Permission.FLOOR_SEE)
    found = in_json(context, floors=floors)
    if status >= 400:
        return problem(status, web.Response(status=status).reason, "", "", found)
    return _json(found, status)


def problem(
    status: int, title: str, detail: str, allow: str = "", given: Mapping[str, Any] | None = None
) -> web.Response:
    """Problem details (RFC 9457)."""
    told = {"type": "about:blank", "status": status, "title": title, "detail": detail}
    if given is not None:
        told["given"] = given
    headers = {"Allow": allow} if allow else {}
    return web.Response(
        status=status, body=orjson.dumps(told), headers=headers, content_type="application/problem+json"
    )


def _json(value: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(value), content_type="application/json")


def _used(access: Access, key: ApiKey, now_us: int) -> Access:
    standing = access.key(key.id)
    return access if standing is None else access.with_key(replace(standing, used_us=now_us))


async def _fields(request: web.Request) -> dict[str, str]:
    """The JSON object of texts that a program sends in place of a form; none is an empty one."""
    # Longer than the application takes, it raises 413.
    body = await request.read()
    if not body:
        return {}
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="The body is a JSON object: Content-Type application/json.")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise web.HTTPBadRequest(text="The body is not JSON.") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise web.HTTPBadRequest(text="The body is one JSON object whose values are texts, as a form's are.")
    return found
