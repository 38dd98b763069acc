"""What the site's own proxy asks and is told, where it delivers itself: the dialects of forward-auth. Pure.

A proxy that stays in front of a site asks, for each request, whether it may
pass that on. It says who it is by a secret, and what was asked of it by header
lines that it must set itself, whatever the client sent under those names:

========= ================================== ==================================
dialect   of                                 says what was asked in
========= ================================== ==================================
nginx     ``auth_request``                   ``X-Original-Method``, ``-URI``,
                                             ``X-Forwarded-Host``, ``-Proto``
forward   Caddy ``forward_auth``, Traefik    ``X-Forwarded-Method``, ``-Uri``,
          ``ForwardAuth``                    ``-Host``, ``-Proto``
envoy     ``ext_authz`` over HTTP            its own method, host, and the path
                                             behind ``/auth/envoy``;
                                             ``X-Forwarded-Proto``
haproxy   SPOE (`front.spop`)                its message: method, target, lines;
                                             ``X-Forwarded-Proto``
========= ================================== ==================================

``X-Forwarded-For`` comes in each, with the client's address as its last element
that is no trusted proxy. Every other line is the client's and is judged as
such. A line that is missing or said twice is the proxy's fault and is never
served for free: 502, and 403 for whoever does not know the secret.

A 2xx says: pass it on, with the lines of `PASSED` in place of what the client
sent under these names; every one is always there, because a proxy keeps the
client's own where one is missing (Caddy, GHSA-7r4p-vjf4-gxv4). ``Authorization``
is among them: a license token is not the site's to see.

nginx makes 500 of anything but 2xx, 401 and 403, so in its dialect 401 means:
hand the whole request over to the public listener, which answers it (402, a
payment by the fetch, a control file, the desk). HAProxy is told variables, and
none means the same. In the others a refusal is told
as it is, and control files and the desk are routed to the public listener
without asking.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.admission.admit import Grant
from gateway.ask import Ask, HeaderFields
from gateway.front.answer import Answer, Judged
from gateway.front.header_block import HeaderBlock, header_block
from gateway.problems import Problem, Refusal

#: The field in which a proxy shows the secret.
CALLER: Final = "licet-caller"
#: What a proxy copies from a 2xx onto the request that it passes on.
PASSED: Final = (
    "Licet-Decision", "Licet-Crawler", "Licet-Identity", "Licet-License", "Licet-Record", "Licet-Policy",
    "Authorization",
)  # fmt: skip
#: Seconds for which the decision about a person may be kept, by a proxy that tells clients apart.
PERSON_SECONDS: Final = 10
#: Where each dialect is asked.
PREFIX: Final = "/auth/"

_FORWARDED: Final = ("x-forwarded-host", "x-forwarded-proto")
#: What only proxies say, and no client is judged by.
_WRAPPING: Final = frozenset(
    {
        CALLER, "host", "connection", "content-length", "transfer-encoding", "expect", "upgrade", "x-original-method",
        "x-original-uri", "x-forwarded-method", "x-forwarded-uri", "x-forwarded-host", "x-forwarded-proto",
        "x-forwarded-for", "x-forwarded-port", "x-forwarded-server", "x-real-ip", "forwarded", "x-envoy-internal",
        "x-envoy-expected-rq-timeout-ms", "x-envoy-external-address", "x-request-id",
    }
)  # fmt: skip
_METHOD: Final = re.compile(r"[A-Z][A-Z-]{0,31}", re.ASCII)
_FIRST_LINE: Final = re.compile(r"[!-~]+", re.ASCII)
#: One of these comes with nearly every request, and none of them with Envoy's defaults.
_USUAL: Final = ("user-agent", "accept", "accept-encoding")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of proxy asks: the fields with *method* and *target*, "" where it speaks for itself.

    *hands_over*: what may not pass is sent to the public listener whole.
    """

    name: str
    method: str = ""
    target: str = ""
    once: tuple[str, ...] = _FORWARDED
    hands_over: bool = False


DIALECTS: Final = (
    Dialect("nginx", "x-original-method", "x-original-uri", hands_over=True),
    Dialect("forward", "x-forwarded-method", "x-forwarded-uri"),
    Dialect("envoy", once=("x-forwarded-proto",)),
)
#: Asked in frames, not at a path.
HAPROXY: Final = Dialect("haproxy", once=("x-forwarded-proto",), hands_over=True)


class Asked(NamedTuple):
    """What was asked of the proxy: *block* are the client's own header lines, and the host."""

    dialect: Dialect
    method: str
    target: str
    block: HeaderBlock
    scheme: str


def secret_text(secret: bytes) -> str:
    """*secret* as it stands in a proxy's configuration."""
    return urlsafe_b64encode(secret).decode("ascii").rstrip("=")


def knows(fields: HeaderFields, secret: str) -> bool:
    """Whether whoever sent *fields* knows *secret*, said once; takes as long whatever was sent."""
    said = [value for name, value in fields if name == CALLER]
    shown = (said[0] if said else "").encode("utf-8", "surrogateescape")
    return hmac.compare_digest(shown, secret.encode("ascii")) and len(said) == 1


def dialect_of(target: str) -> tuple[Dialect, str] | None:
    """The dialect that *target* is for, and what stands behind its name; None for no such place.

    >>> found = dialect_of("/auth/envoy/a/b?c")
    >>> found[0].name, found[1]
    ('envoy', '/a/b?c')
    """
    for dialect in DIALECTS:
        place = PREFIX + dialect.name
        rest = target.removeprefix(place)
        if rest == target:
            continue
        if dialect.target:
            return (dialect, "") if rest[:1] in {"", "?"} else None
        return (dialect, rest) if rest[:1] == "/" else None
    return None


def asked(dialect: Dialect, method: str, rest: str, fields: HeaderFields) -> Asked | Refusal:
    """What the proxy was asked, told in *fields*, or what it does not say. The client's own faults are not looked for.

    *method* and *rest* are what the proxy's own request says for itself.
    """
    told: dict[str, str] = {}
    for name in (dialect.method, dialect.target, *dialect.once):
        if not name:
            continue
        values = [value for key, value in fields if key == name]
        if len(values) != 1 or not values[0]:
            often = "not" if not values or not values[0] else "more than once"
            return _incomplete(f"{name} was {often} said.")
        told[name] = values[0]
    if "x-forwarded-for" not in fields.first:
        return _incomplete("x-forwarded-for was not said.")
    if not any(name in fields.first for name in _USUAL):
        return _incomplete("none of the client's own header lines came along.")
    method = told.get(dialect.method, method)
    target = told.get(dialect.target, rest)
    host = told.get("x-forwarded-host", fields.first.get("host", ""))
    scheme = told["x-forwarded-proto"].lower()
    if not _METHOD.fullmatch(method) or scheme not in {"http", "https"} or "," in host:
        return _incomplete("the method, the scheme or the host is none.")
    if not target.startswith("/") or not _FIRST_LINE.fullmatch(target) or "#" in target:
        return _incomplete("what was asked for is no path.")
    lines = [
        f"host: {host}\r\n",
        *(f"{name}: {value}\r\n" for name, value in fields if name not in _WRAPPING),
    ]
    block = header_block("".join(lines).encode("utf-8", "surrogateescape"))
    return Asked(dialect, method, target, block, scheme)


def _incomplete(what: str) -> Refusal:
    return Refusal(Problem.PROXY_INCOMPLETE, f"The proxy forwards too little, or the wrong: {what}")


def misrouted() -> Refusal:
    """What is said of a path that only the public listener can answer."""
    return Refusal(
        Problem.PROXY_INCOMPLETE, "This path is the gateway's own: route it to the public listener."
    )


def passing(asked: Asked, ask: Ask, judged: Judged) -> Answer:
    """The 200 by which the proxy passes *ask* on."""
    visitor, verdict = judged.visitor, judged.verdict
    ours = judged.credential_at >= 0
    authorization = "" if ours else ask.header("authorization")
    licensed = isinstance(verdict, Grant) and verdict.charge is not None
    values = (
        _decision(judged, licensed=licensed),
        visitor.crawler.name if visitor.crawler else "",
        str(visitor.identity),
        judged.claims.license if judged.claims is not None and licensed else "",
        "" if visitor.is_person else ask.id,
        judged.policy.digest,
        authorization,
    )
    headers = list(zip(PASSED, values, strict=True))
    if asked.dialect.hands_over:
        # nginx reads one name for what it sends on and what it was asked with; HAProxy is told as it is.
        headers[-1] = ("Licet-Authorization", authorization)
    elif not asked.dialect.target:
        headers[-1] = ("X-Envoy-Auth-Headers-To-Remove", "authorization,dpop" if ours else CALLER)
    kept = visitor.is_person and not authorization and not ours
    headers.append(("Cache-Control", f"max-age={PERSON_SECONDS}" if kept else "no-store"))
    headers.append(("Content-Length", "0"))
    return Answer(200, "OK", tuple(headers))


def handed_over() -> Answer:
    """The 401 by which nginx hands a request over to the public listener."""
    headers = (("Licet-Decision", "handed-over"), ("Cache-Control", "no-store"), ("Content-Length", "0"))
    return Answer(401, "Unauthorized", headers)


def variables_of(answer: Answer) -> tuple[tuple[str, str], ...]:
    """*answer* as HAProxy's variables: ``decision``, ``crawler`` and so on; none where it does not pass."""
    if answer.status != 200:
        return ()
    known = ((name.partition("-"), value) for name, value in answer.headers)
    return tuple((name[2].lower(), value) for name, value in known if name[0] == "Licet")


def _decision(judged: Judged, *, licensed: bool) -> str:
    if judged.visitor.is_person:
        return "person"
    if licensed:
        return "licensed"
    if isinstance(judged.verdict, Grant):
        return "open" if judged.verdict.would is not None else "free"
    return "control-file"
