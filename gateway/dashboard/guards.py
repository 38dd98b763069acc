"""What stands before every page: host names, same origin, headers, and what broke.

The host list stops DNS rebinding: a name that an attacker points at loopback is
not on it. Same origin is told by ``Sec-Fetch-Site`` (Fetch Metadata, W3C draft
2025), or by ``Origin`` (RFC 6454) where a browser does not send it; a changing
request with neither is refused. Form tokens come on top (`sessions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from html import escape
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import orjson
import structlog
import uuid_utils
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from gateway.problems import ConfigurationError, StoreUnavailable

log = structlog.get_logger("licet.dashboard")

#: Renders a page that says what went wrong: request, status, heading, sentence.
Trouble = Callable[[web.Request, int, str, str], web.Response]

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Server": "licet",
    }
)
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: Asked by programs, which bring a key with each request and never a cookie.
API: Final = "/api/"
#: What cannot be answered anew, because its head has left.
_STARTED: Final = web.RequestKey("licet.started", bool)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class NotAllowed(web.HTTPForbidden):
    """The role, or the key, of whoever asks does not include *permission*; "" is what an owner alone may."""

    def __init__(self, permission: str) -> None:
        """Say which it is."""
        super().__init__(reason="Your role does not include this")
        what = f"This takes the permission {permission}." if permission else "An owner alone may do this."
        self.sentence = f"{what} Nothing was done. An owner can give you another role."


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on *response*; what no handler says may be kept is not stored."""
    request[_STARTED] = True
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    if is_https(request):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"


async def set_test_marks(_request: web.Request, response: web.StreamResponse) -> None:
    """Mark an answer of test mode, and the name under which it would be saved, so that nobody takes it for live."""
    response.headers["Licet-Mode"] = "test"
    named = response.headers.get("Content-Disposition", "")
    if 'filename="' in named and 'filename="TEST-' not in named:
        response.headers["Content-Disposition"] = named.replace('filename="', 'filename="TEST-', 1)


def is_https(request: web.Request) -> bool:
    """Whether the browser speaks https to this origin, itself or through a proxy.

    A client that lies here only makes its own cookies unusable.
    """
    return (
        request.secure
        or request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"
        or request.headers.get("Origin", "").startswith("https://")
    )


def allowed_hosts(hosts: Iterable[str]) -> frozenset[str]:
    """The names a request may be for: loopback's and *hosts*, but no "any address" (0.0.0.0, ::)."""
    return _LOOPBACK | {host.strip("[]").lower() for host in hosts if host and not _is_any(host)}


def host_guard(allowed: frozenset[str]) -> Middleware:
    """Refuse with 421 whatever is not for one of *allowed*."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (
            host_name(request.headers.get("Host", "")) not in allowed
            or len(request.headers.getall("Host", [])) != 1
        ):
            return web.Response(
                status=421,
                text="This name is not one of this dashboard's. "
                "The operator lists the names in licet.toml under [dashboard] hosts.\n",
            )
        return await handler(request)

    return guard


@web.middleware
async def same_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse with 403 a changing request that another site may have caused."""
    ours = is_same_origin(request.headers) or request.path.startswith(API)
    if request.method not in _SAFE and not ours:
        return web.Response(status=403, text="This request did not come from a page of this dashboard.\n")
    return await handler(request)


def trouble_page(trouble: Trouble) -> Middleware:
    """Turn what broke into a page by *trouble*; nothing of an exception is shown.

    What nobody expected gets an id, which stands on the page and beside its one traceback in the log. An answer
    that has begun is cut off instead, so that nobody takes it for whole.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPRedirection:
            raise
        except web.HTTPException as refusal:
            told = refusal.sentence if isinstance(refusal, NotAllowed) else _SENTENCES.get(refusal.status, "")
            page = trouble(request, refusal.status, refusal.reason, told)
            if "Allow" in refusal.headers:
                page.headers["Allow"] = refusal.headers["Allow"]
            return page
        except (StoreUnavailable, ConfigurationError) as error:
            if _has_begun(request):
                raise
            log.warning("a page could not be made", path=request.path, reason=str(error))
            return trouble(request, 503, "The log cannot be read at the moment", _SENTENCES[503])
        except Exception:
            if _has_begun(request):
                raise
            id = f"re_{uuid_utils.uuid7().hex}"
            log.exception("a page broke", path=request.path, method=request.method, request=id)
            return _broken(request, id, trouble)

    return guard


def _has_begun(request: web.Request) -> bool:
    return _STARTED in request or request.writer.output_size > 0


def _broken(request: web.Request, id: str, trouble: Trouble) -> web.Response:
    """Say that this page broke, and what to do: to programs as problem details (RFC 9457)."""
    changing = request.method not in _SAFE
    step = _AFTER_CHANGE if changing else _AFTER_LOOK
    sentence = f"{step} The gateway's own log says what broke, beside the request's id: {id}."
    if wants_json(request):
        told = {
            "type": "about:blank", "status": 500, "title": BROKEN, "detail": sentence, "request": id,
        }  # fmt: skip
        return web.Response(status=500, body=orjson.dumps(told), content_type="application/problem+json")
    try:
        return trouble(request, 500, BROKEN, sentence)
    except Exception:
        log.exception("the page that says so broke as well", request=id)
        plain = f"<!doctype html><title>{BROKEN}</title><h1>{BROKEN}</h1><p>{escape(sentence)}</p>"
        return web.Response(status=500, text=plain, content_type="text/html")


def wants_json(request: web.Request) -> bool:
    """Whether *request* is of a program: by the API, for a form in JSON, or by what it accepts."""
    accepted = request.headers.get("Accept", "").lower()
    return (
        request.path.startswith(API)
        or request.path.endswith((".json", ".jsonl"))
        or ("application/json" in accepted and "text/html" not in accepted)
    )


#: The heading of the page of what nobody expected.
BROKEN: Final = "This page broke"
_AFTER_LOOK: Final = "This is a mistake of ours, not yours; the site is still served. Load the page again."
_AFTER_CHANGE: Final = (
    "This is a mistake of ours, not yours; the site is still served. Whether what you sent was done is not known: "
    "look before you send it again."
)


_SENTENCES: Final[Mapping[int, str]] = MappingProxyType(
    {
        404: "There is no such page here, or no such record in the log.",
        403: "The form was too old, or not of this session. Load its page again; nothing was done.",
        405: "This address is not asked in this way.",
        413: "That was more than a form of this dashboard holds.",
        503: "The site is still served. Look at the gateway's own log, then load this page again.",
    }
)


def is_same_origin(headers: Mapping[str, str]) -> bool:
    """Whether a changing request's *headers* show that it began on a page of ours.

    >>> is_same_origin({"Sec-Fetch-Site": "same-origin", "Host": "localhost:8403"})
    True
    >>> is_same_origin({"Origin": "http://elsewhere.example", "Host": "localhost:8403"})
    False
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    scheme, _, authority = headers.get("Origin", "").partition("://")
    return scheme in {"http", "https"} and authority.lower() == headers.get("Host", "").lower()


def host_name(host: str) -> str:
    """The name in a Host header, lower case, without port and brackets; "" for what is none.

    >>> host_name("LOCALHOST:8403"), host_name("[::1]:8403"), host_name("a@b")
    ('localhost', '::1', '')
    """
    if any(sign in host for sign in "@/?#\\ \t,"):
        return ""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return ""
    return parts.hostname or ""


def _is_any(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False
