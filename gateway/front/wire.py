"""Every octet that is written to a client: the head of an answer, how its body is framed, and the body.

Nothing is added to an answer's headers but framing, not even a Date. A body
that breaks off ends in a reset, so that no client can take the part for the
whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gateway.front.answer import Answer
from gateway.front.connection import ClientConnection
from gateway.front.request import Request
from gateway.front.responses import refused
from gateway.problems import Refusal

_BODILESS = frozenset({204, 304})
_END, _LAST = b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"
_FRAMING = {"upgrade": "upgrade", "content-length": "length"}
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "trailer"})


def refused_early(refusal: Refusal) -> Answer:
    """The answer to a request that never became an ask; it ends the connection."""
    answer = refused(refusal, None, None, None)
    answer.close = True
    return answer


def broken_answer() -> Answer:
    """What is said when something of ours broke; the log says what."""
    body = b'{"type":"about:blank","title":"Internal Server Error","status":500}'
    headers = (
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    )
    return Answer(500, "Internal Server Error", headers, whole=body, close=True)


def write_whole(connection: ClientConnection, request: Request, answer: Answer, *, close: bool) -> None:
    """Write an *answer* whose body is at hand, as `chunks.write_answer` does."""
    close = close or answer.close or not request.keep_alive or request.unread
    body = answer.whole
    if (
        answer.length == len(body)
        and answer.head
        and request.method != "HEAD"
        and answer.status not in _BODILESS
    ):
        request.begun = True
        connection.transport.write(answer.head + (_LAST if close else _END) + body)
    else:
        head, framing = answer_head(answer, request, close=close)
        close = framing.close
        request.begun = True
        try:
            _write_body(connection, body, head, framing)
        except BaseException:
            connection.abort()
            raise
    if close:
        connection.close(unread=request.unread or request.unreadable is not None)


def answer_head(answer: Answer, request: Request, *, close: bool) -> tuple[bytes, Framing]:
    """`passed_head` or `head_of`, whichever is for *answer*."""
    make = passed_head if answer.head else head_of
    return make(answer, request.method, close=close, chunkable=request.version == (1, 1))


@dataclass(slots=True)
class Framing:
    """How the end of the body is told: *length* octets, chunks, the end of the connection, or no body."""

    close: bool
    length: int = -1
    chunked: bool = False
    bodiless: bool = False


def _write_body(connection: ClientConnection, body: bytes, head: bytes, framing: Framing) -> None:
    if framing.bodiless:
        connection.write(head)
        return
    if framing.length not in {-1, len(body)}:
        connection.write(head)
        raise ValueError(f"a body of {framing.length} octets was announced, not of {len(body)}")
    if framing.chunked:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    connection.write(head + body if len(body) < 65536 else head)
    if len(body) >= 65536:
        connection.write(body)


def passed_head(answer: Answer, method: str, *, close: bool, chunkable: bool) -> tuple[bytes, Framing]:
    """`head_of` for an answer that keeps its origin's own lines."""
    framing = Framing(close, bodiless=method == "HEAD" or answer.status in {204, 304})
    head = answer.head
    if answer.length >= 0 and answer.status != 204:
        framing.length = answer.length
    elif not framing.bodiless:
        lines: list[str] = []
        _frame(answer, framing, lines, chunkable=chunkable)
        head = b"\r\n".join([head, *(line.encode("ascii") for line in lines)])
    return head + (_LAST if framing.close else _END), framing


def head_of(answer: Answer, method: str, *, close: bool, chunkable: bool) -> tuple[bytes, Framing]:
    """The head of *answer* to a request of *method*, and how its body is framed.

    A length that is announced is kept; otherwise the body is sent in chunks
    where the client understands them (*chunkable*), and up to the connection's
    end where it does not. Raises `ValueError` on a line break in a header.
    """
    status = answer.status
    lines = [f"HTTP/1.1 {status} {answer.reason}"]
    length = -1
    framing = Framing(close, bodiless=method == "HEAD" or status < 200 or status in {204, 304})
    for name, value in answer.headers:
        kind = _kind(name)
        if kind:
            if kind == "hop" or (kind == "upgrade" and status != 101):
                continue
            if kind == "length":
                if status < 200 or status == 204:
                    continue
                if length < 0:
                    length = int(value)
        lines.append(f"{name}: {value}")
    if length >= 0:
        framing.length = length
    elif not framing.bodiless:
        _frame(answer, framing, lines, chunkable=chunkable)
    if status == 101:
        lines.append("Connection: Upgrade")
    elif framing.close:
        lines.append("Connection: close")
    count = len(lines) + 1
    lines += ["", ""]
    text = "\r\n".join(lines)
    if text.count("\n") != count or text.count("\r") != count or "\0" in text:
        raise ValueError("a header of an answer holds a line break")
    return text.encode("utf-8", "surrogateescape"), framing


@lru_cache(maxsize=2048)
def _kind(name: str) -> str:
    """What a field of this name is to the framing: ``hop``, ``upgrade``, ``length``, or nothing."""
    lower = name.lower()
    return "hop" if lower in _HOP_BY_HOP else _FRAMING.get(lower, "")


def _frame(answer: Answer, framing: Framing, lines: list[str], *, chunkable: bool) -> None:
    """Say how long the body is where its headers do not."""
    if answer.chunks is None and not answer.unmeasured:
        lines.append(f"Content-Length: {len(answer.whole)}")
        framing.length = len(answer.whole)
    elif chunkable:
        lines.append("Transfer-Encoding: chunked")
        framing.chunked = True
    else:
        framing.close = True
