"""The cookies of the pages: strict, unreadable for scripts, and of this one host where there is TLS (RFC 6265bis, 4.1.3.2)."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from gateway.dashboard import guards

SESSION_COOKIE: Final = "licet_session"
FORM_COOKIE: Final = "licet_form"


def cookie(request: web.Request, name: str) -> str:
    """The value of cookie *name*, with or without its prefix; "" where there is none."""
    value = request.cookies.get(f"__Host-{name}") or request.cookies.get(name, "")
    # What we set is ASCII; anything else is nobody's cookie.
    return value if value.isascii() else ""


def set_cookie(
    request: web.Request, answer: web.StreamResponse, name: str, value: str, *, samesite: str = "Strict"
) -> None:
    """Have the browser keep *value* until it is closed."""
    secure = guards.is_https(request)
    answer.set_cookie(
        f"__Host-{name}" if secure else name,
        value,
        path="/",
        httponly=True,
        samesite=samesite,
        secure=secure or None,
    )


def end_cookie(request: web.Request, answer: web.StreamResponse, name: str) -> None:
    """Have the browser forget it."""
    secure = guards.is_https(request)
    answer.del_cookie(
        f"__Host-{name}" if secure else name,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=secure or None,
    )
