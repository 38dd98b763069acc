"""Whether a request is one thing to everybody who reads it. Pure.

Refused is what two readers could take apart differently: framing with two
answers, a Host that is no host, a target with a fragment or a control octet
(RFC 9112, June 2022, sections 2.2, 3.2 and 6.1). The parser has been here
before and refuses most of it; this is said again because it must not depend on
which parser that was. A path that is odd but unambiguous as octets is nobody's
business here: people may ask for it, and rights are decided on `paths.canonical`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address

from gateway.problems import Problem, Refusal

TARGET_BYTES = 8 * 1024
FIELD_BYTES = 16 * 1024
FIELDS = 100
FIELDS_BYTES = 64 * 1024
RANGES = 16
#: What `Allow` says beside a 405; nothing else is refused for its name.
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_METHOD = re.compile(r"[A-Z][A-Z-]{0,31}", re.ASCII)
_VERSIONS = frozenset({(1, 0), (1, 1)})
_COMMON = frozenset({"GET", "HEAD", "POST"})
#: A path and query of visible ASCII without a fragment: nearly every target.
_ORIGIN_FORM = re.compile(r"/[!\"$-~]*", re.ASCII)
#: No control octet, no space, nothing outside ASCII; a fragment is told apart below.
_TARGET = re.compile(r"[!-~]+", re.ASCII)
_ABSOLUTE = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://([^/?]*)(.*)", re.ASCII | re.DOTALL)
#: Controls but the tab (RFC 9110, section 5.5).
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)*[a-z0-9_](?:[a-z0-9_-]{0,62})\.?", re.ASCII)
_SIX = re.compile(r"\[([0-9a-f:.]{2,45})\]", re.ASCII)
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
#: Said twice, each of these leaves open which one counts.
_ONCE = ("host", "content-length", "transfer-encoding", "authorization", "user-agent", "expect", "range")


def guard(
    method: str, target: str, version: tuple[int, int], headers: Sequence[tuple[str, str]]
) -> Refusal | None:
    """Say why this request must not be looked at any further, or None.

    *target* and values are text in which every octet above 127 is some
    character above 127; names are in lower case, several lines of one name in
    order. The connection is closed after a refusal.
    """
    return guard_line(method, target, version, dict(reversed(headers)), guard_fields(headers))


def guard_line(
    method: str, target: str, version: tuple[int, int], first: dict[str, str], fields: Refusal | None
) -> Refusal | None:
    """What `guard` says, where *first* values and the refusal of the *fields* are known already."""
    if version not in _VERSIONS:
        return Refusal(Problem.VERSION_NOT_SUPPORTED, "The request line names another version of HTTP.")
    if method in {"CONNECT", "TRACE"}:
        detail = f"{method} is not served here."
        return Refusal(Problem.METHOD_NOT_ALLOWED, detail, facts=(("allow", METHODS),))
    if method not in _COMMON and not _METHOD.fullmatch(method):
        return Refusal(Problem.BAD_REQUEST, "The method is not one that HTTP knows.")
    if len(target) > TARGET_BYTES:
        return Refusal(Problem.URI_TOO_LONG, f"A request target may have {TARGET_BYTES} octets.")
    if fields is not None:
        return fields
    if not _ORIGIN_FORM.fullmatch(target) and (refusal := _target(method, target, first)) is not None:
        return refusal
    if version == (1, 0) and "transfer-encoding" in first:
        return Refusal(Problem.BAD_REQUEST, "HTTP/1.0 has no transfer codings.")
    return None


def guard_fields(headers: Sequence[tuple[str, str]]) -> Refusal | None:
    """What `guard` says of the header fields alone."""
    first = dict(headers)
    if "host" not in first:
        missing: Refusal | None = Refusal(Problem.BAD_REQUEST, "The request names no host.")
    else:
        host = parse_host(first["host"])
        missing = host if isinstance(host, Refusal) else None
    return (
        _sizes(headers)
        or _shapes(headers)
        or (None if len(first) == len(headers) else _said_once(headers))
        or missing
        or _framing(first)
        or _asides(first)
    )


@lru_cache(maxsize=1024)
def parse_host(value: str) -> tuple[str, int | None] | Refusal:
    """Read a Host field: the name in lower case without a trailing dot, and the port or None.

    >>> parse_host("Journal.Example.:8080")
    ('journal.example', 8080)
    >>> parse_host("a@b").problem.code
    'bad-request'
    """
    text = value.lower()
    host, port = text, None
    if (colon := text.rfind(":")) > text.rfind("]"):
        digits = text[colon + 1 :]
        if not re.fullmatch(r"[0-9]{1,5}", digits, re.ASCII) or not 1 <= int(digits) <= 65535:
            return Refusal(Problem.BAD_REQUEST, "The port of the Host header is not a port.")
        host, port = text[:colon], int(digits)
    if len(host) <= 254 and _NAME.fullmatch(host):
        return host.removesuffix("."), port
    if six := _SIX.fullmatch(host):
        try:
            return f"[{IPv6Address(six.group(1)).compressed}]", port
        except ValueError:
            pass
    return Refusal(Problem.BAD_REQUEST, "The Host header does not name a host.")


def origin_form(target: str) -> str:
    """Path and query of *target*, octet for octet: what is left of an absolute form once its host is checked.

    >>> origin_form("http://a.example?q"), origin_form("//a//b")
    ('/?q', '//a//b')
    """
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        return target
    rest = found.group(2)
    return rest if rest.startswith("/") else "/" + rest


def _sizes(headers: Sequence[tuple[str, str]]) -> Refusal | None:
    if len(headers) > FIELDS:
        return Refusal(Problem.HEADERS_TOO_LARGE, f"A request may have {FIELDS} header lines.")
    total = 0
    for name, value in headers:
        total += len(name) + len(value)
    if total > FIELD_BYTES:
        if total > FIELDS_BYTES:
            return Refusal(Problem.HEADERS_TOO_LARGE, f"All header lines may have {FIELDS_BYTES} octets.")
        if any(len(name) + len(value) > FIELD_BYTES for name, value in headers):
            return Refusal(Problem.HEADERS_TOO_LARGE, f"A header line may have {FIELD_BYTES} octets.")
    return None


def _shapes(headers: Sequence[tuple[str, str]]) -> Refusal | None:
    if not all(_is_token(name) for name, _ in headers):
        return Refusal(Problem.BAD_REQUEST, "The name of a header is not a token.")
    if _CONTROL.search("".join([value for _, value in headers])):
        return Refusal(Problem.BAD_REQUEST, "The value of a header holds a control character.")
    return None


@lru_cache(maxsize=2048)
def _is_token(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None


def _said_once(headers: Sequence[tuple[str, str]]) -> Refusal | None:
    names = [name for name, _ in headers]
    for name in _ONCE:
        if names.count(name) > 1:
            return Refusal(Problem.BAD_REQUEST, f"The header {name} may be sent once.")
    return None


def _target(method: str, target: str, first: dict[str, str]) -> Refusal | None:
    if not _TARGET.fullmatch(target):
        return Refusal(Problem.BAD_REQUEST, "The request target holds an octet that must be escaped.")
    if "#" in target:
        return Refusal(Problem.BAD_REQUEST, "A request target has no fragment.")
    if target == "*" and method == "OPTIONS":
        return None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return Refusal(Problem.BAD_REQUEST, "The request target is neither a path nor a URL of this site.")
    authority = parse_host(absolute.group(1))
    if isinstance(authority, Refusal):
        return authority
    if authority != parse_host(first["host"]):
        return Refusal(Problem.UNKNOWN_SITE, "The request target and the Host header name different hosts.")
    return None


def _framing(first: dict[str, str]) -> Refusal | None:
    length = first.get("content-length")
    coding = first.get("transfer-encoding")
    if length is None and coding is None:
        return None
    if length is not None and not _LENGTH.fullmatch(length):
        return Refusal(Problem.BAD_REQUEST, "The Content-Length is not a number of octets.")
    if coding is not None:
        if length is not None:
            return Refusal(Problem.BAD_REQUEST, "Content-Length and Transfer-Encoding contradict each other.")
        if coding.strip().lower() != "chunked":
            return Refusal(Problem.UNSUPPORTED_CODING, "The transfer coding is not chunked.")
    has_body = coding is not None or (length is not None and int(length) > 0)
    if has_body and "upgrade" in first:
        return Refusal(Problem.BAD_REQUEST, "A request that switches protocols has no body.")
    return None


def _asides(first: dict[str, str]) -> Refusal | None:
    expected = first.get("expect")
    if expected is not None and expected.strip().lower() != "100-continue":
        return Refusal(Problem.EXPECTATION_FAILED, "The request expects something else.")
    ranges = first.get("range")
    if ranges is not None and ranges.count(",") >= RANGES:
        return Refusal(Problem.RANGE_NOT_SATISFIABLE, f"More than {RANGES} ranges were asked for.")
    return None
