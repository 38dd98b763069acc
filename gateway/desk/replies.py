"""How the desk says what it says: JSON, pages, and refusals in the shape of who asked.

An address of a protocol answers a refusal as OAuth does (RFC 6749, section
5.2: ``error``, ``error_description``, ``error_uri``) where the protocol has a
word for it, and everything else as a problem (RFC 9457, July 2023); a price is
not an OAuth error. Whatever holds a secret, a token or somebody's account is
``no-store``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

import orjson
from aiohttp import ClientConnectionError, web

from gateway.languages import spoken, tr
from gateway.paper import CONTENT_SECURITY, FORM_SECURITY, sheet
from gateway.problems import Problem, Refusal

PROBLEM_TYPE: Final = "application/problem+json"
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Server": "licet",
}
#: After these the rest of the body is on its way, and nothing on the connection can be told from it.
_UNREAD: Final = frozenset({408, 413, 415})
#: A form of a page without a referrer has no origin, and could not be told from another site's.
_FORM_HEADERS: Final = {
    "Content-Security-Policy": FORM_SECURITY,
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
#: What pages differ by.
VARY: Final = "Accept, Accept-Language"
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def json_reply(
    body: object, *, status: int = 200, max_age: int = 0, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer *body* as JSON; for *max_age* seconds any cache may keep it, 0 for none."""
    return _json(body, "application/json", status, max_age, headers)


def octets_reply(body: bytes, media_type: str, headers: Mapping[str, str]) -> web.Response:
    """Answer *body* to the octet."""
    return web.Response(body=body, content_type=media_type, headers={**_ALWAYS, **headers})


async def streamed_reply(
    request: web.BaseRequest, media_type: str, pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Answer *pieces* as they come; what cannot be ended well ends the connection, so that it is seen.

    A client that leaves in the middle is no fault, and nothing is raised for it.
    """
    response = web.StreamResponse(headers={**_ALWAYS, **_NO_STORE, "Content-Type": media_type})
    try:
        await response.prepare(request)
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except ClientConnectionError:
        # Pieces are made here, so this is the asker's own connection: nobody is left to be told anything.
        pass
    except BaseException:
        if request.transport is not None:
            request.transport.abort()
        raise
    return response


def page(
    title: str,
    body: str,
    *,
    status: int = 200,
    max_age: int = 0,
    head: str = "",
    headers: Mapping[str, str] | None = None,
    choice: bool = True,
) -> web.Response:
    """Answer a page that runs and loads nothing. *title* is text, *body* and *head* are HTML.

    With *choice* it links to itself in the other languages: not where that address answers forms alone.
    """
    return web.Response(
        body=sheet(title, body, head=head, choice=choice).encode("utf-8"),
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={
            **_ALWAYS,
            **_cached(max_age),
            "Content-Security-Policy": CONTENT_SECURITY,
            "Content-Language": spoken().code,
            "Vary": VARY,
            **(headers or {}),
        },
    )


def form_page(
    title: str,
    body: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    choice: bool = False,
) -> web.Response:
    """Answer a page for one person whose forms go back to where it came from; no search engine keeps it.

    *choice* as for `page`: for a page that was asked for by its address.
    """
    return page(title, body, status=status, headers={**_FORM_HEADERS, **(headers or {})}, choice=choice)


def nothing(status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer without a body."""
    return web.Response(status=status, headers={**_ALWAYS, **_NO_STORE, **(headers or {})})


def problem_reply(refusal: Refusal, origin: str) -> web.Response:
    """Answer *refusal* as a problem; its facts become members of the body."""
    problem = refusal.problem
    body = {
        **dict(refusal.facts),
        "type": f"{origin}/.licet/problems/{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "next_step": problem.next_step,
    }
    if refusal.detail:
        body["detail"] = refusal.detail
    return _json(body, PROBLEM_TYPE, problem.status, 0, _told(refusal))


def broken_reply(request: web.BaseRequest, id: str) -> web.Response:
    """Answer 500 to what something of ours broke: a page, or problem details, with the *id* of the log's traceback."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        step = tr("Load the page again.")
    else:
        step = tr("Whether what you sent was done is not known: look before you send it again.")
    fault = tr("This is a mistake of the site, not yours.")
    told = tr("Whoever runs the site finds what broke under this number: {id}.").format(id=id)
    accepted = request.headers.get("Accept", "").lower()
    if "text/html" in accepted and "json" not in accepted:
        return page(tr("This page broke"), f"<p>{fault} {step} {told}</p>\n", status=500, choice=False)
    body = {
        "type": "about:blank", "title": "Internal Server Error", "status": 500, "detail": f"{fault} {step} {told}",
        "request": id,
    }  # fmt: skip
    return _json(body, PROBLEM_TYPE, 500, 0, None)


def oauth_reply(refusal: Refusal, origin: str) -> web.Response:
    """Answer *refusal* in OAuth's shape where it has a word for it, else as a problem."""
    problem = refusal.problem
    if not problem.oauth_error:
        return problem_reply(refusal, origin)
    said = " ".join(filter(None, (refusal.detail or problem.title + ".", problem.next_step)))
    body = {
        "error_uri": f"{origin}/.licet/problems/{problem.code}",
        **dict(refusal.facts),
        "error": problem.oauth_error,
        "error_description": _described(said),
    }
    return _json(body, "application/json", problem.status, 0, _told(refusal))


def _told(refusal: Refusal) -> dict[str, str]:
    headers: dict[str, str] = {}
    if refusal.retry_after:
        headers["Retry-After"] = str(refusal.retry_after)
    if refusal.problem is Problem.CLIENT_UNKNOWN:
        headers["WWW-Authenticate"] = 'Basic realm="licet", charset="UTF-8"'
    elif refusal.problem is Problem.REGISTRATION_DENIED:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    elif refusal.problem.license_error and refusal.status == 401:
        headers["WWW-Authenticate"] = f'License error="{refusal.problem.license_error}"'
    headers.update(("DPoP-Nonce", value) for name, value in refusal.facts if name == "dpop_nonce")
    return headers


def _described(text: str) -> str:
    # RFC 6749, 5.2: printable ASCII without the quote and the backslash.
    plain = text.replace('"', "'").replace("\\", "/")
    return "".join(char if " " <= char <= "~" else "?" for char in plain)


def _cached(max_age: int) -> dict[str, str]:
    return {"Cache-Control": f"public, max-age={max_age}"} if max_age else _NO_STORE


def _json(
    body: object, media_type: str, status: int, max_age: int, headers: Mapping[str, str] | None
) -> web.Response:
    response = web.Response(
        body=orjson.dumps(body),
        status=status,
        content_type=media_type,
        headers={**_ALWAYS, **_cached(max_age), **(headers or {})},
    )
    if status in _UNREAD:
        response.force_close()
    return response
