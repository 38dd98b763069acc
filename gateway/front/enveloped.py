"""A page inside a JSON document, as TollBit's clients fetch it: ``GET /.licet/tollbit/dev/v2/content/HOST/PATH``.

The page is asked for on the one path of every request (`front.exchange`), by
the client's own address and name and the token it shows in ``Tollbit-Token``, so
it is admitted, charged and recorded as it would be at its own address. What is
given for it is put into the document; a refusal is given as it is, as a problem
(RFC 9457), which those clients read.

The body is the site's own, in the form that the client asks for where the site
has that form: nothing is converted here. The document is a
``GetContentResponse`` of their Developer API v2, whose ``header``, ``footer``
and ``metadata`` stay empty: what those would hold stands in the page.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Final

import orjson

from gateway.ask import Ask
from gateway.front.answer import Answer
from gateway.paths import Ambiguous, canonical
from gateway.problems import Problem, Refusal

_PREFIX: Final = "/.licet/tollbit/dev/v2/content/"
_TOKEN, _ACCEPT = "tollbit-token", "tollbit-accept-content"
#: What is said anew for the page, or was said to this address alone.
_REPLACED: Final = frozenset(
    {"authorization", "tollbit-token", "tollbit-accept-content", "tollbitkey", "accept", "accept-encoding", "range",
     "if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range"}
)  # fmt: skip
#: Python's names of the charsets in which pages are written (WHATWG Encoding, section 4.2). Others of Python's turn
#: octets into what is no Unicode text.
_CHARSETS: Final = re.compile(
    r"utf-8|utf-16(-[bl]e)?|iso8859-[0-9]+|cp[0-9]+|koi8-[ru]|mac-cyrillic|shift_jis|euc_(jp|kr)|gb(2312|k|18030)|big5"
)
_BEGIN: Final = b'{"content":{"header":"","footer":"","body":"'
_END: Final = b'"},"metadata":{}}'


def page_inside(ask: Ask) -> Ask | Refusal | None:
    """The ask for the page that *ask* wants in an envelope; None where it wants none."""
    if not ask.path.startswith(_PREFIX) or ask.method != "GET":
        return None
    host, slash, rest = ask.target.partition("?")[0].removeprefix(_PREFIX).partition("/")
    if rest == "catalog/list":
        return None
    target = f"/{rest}" if slash else "/"
    path = canonical(target)
    if isinstance(path, Ambiguous):
        return Refusal(Problem.AMBIGUOUS_PATH, f"Of this path, {path.why}.")
    if host.lower() != ask.origin.partition("://")[2] or path.startswith("/.licet/"):
        return Refusal(Problem.TARGET_INVALID, f"That is no page of {ask.origin}.")
    headers = [(name, value) for name, value in ask.headers if name not in _REPLACED]
    headers.append(("accept", f"{ask.header(_ACCEPT) or 'text/html'}, application/problem+json, */*;q=0.1"))
    headers.append(("accept-encoding", "identity"))
    if ask.has(_TOKEN):
        headers.append(("authorization", f"License {ask.header(_TOKEN)}"))
    return replace(ask, target=target, path=path, query="", headers=tuple(headers))


def in_envelope(answer: Answer) -> Answer:
    """*answer* inside the document, if it is the page; a refusal, a redirect or nothing new stays as it is."""
    if answer.status != 200:
        return answer
    fields = _fields(answer.head) if answer.head else list(answer.headers)
    kept = [(name, value) for name, value in fields if name.lower().startswith("licet-")]
    headers = (
        ("Content-Type", "application/json"),
        ("Cache-Control", "private, no-store"),
        ("X-Content-Type-Options", "nosniff"),
        *kept,
    )
    charset = _charset(next((value for name, value in fields if name.lower() == "content-type"), ""))
    if answer.chunks is None:
        text = codecs.decode(answer.whole, charset, "replace")
        return Answer(200, "OK", headers, whole=_BEGIN + _escaped(text) + _END)
    return Answer(200, "OK", headers, chunks=_enclosed(answer.chunks, charset))


async def _enclosed(chunks: AsyncIterator[bytes], charset: str) -> AsyncGenerator[bytes, None]:
    """The document around *chunks*, which are read to their end or closed."""
    decoder = codecs.getincrementaldecoder(charset)("replace")
    try:
        yield _BEGIN
        async for chunk in chunks:
            yield _escaped(decoder.decode(chunk))
        yield _escaped(decoder.decode(b"", final=True)) + _END
    finally:
        aclose = getattr(chunks, "aclose", None)
        if aclose is not None:
            await aclose()


def _escaped(text: str) -> bytes:
    return orjson.dumps(text)[1:-1]


def _fields(head: bytes) -> list[tuple[str, str]]:
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")[1:]
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def _charset(content_type: str) -> str:
    """The charset that is told, if it is one of pages; else UTF-8."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset":
            try:
                found = codecs.lookup(value.strip("\"' "))
            except (LookupError, ValueError):
                continue
            if _CHARSETS.fullmatch(found.name):
                return found.name
    return "utf-8"
