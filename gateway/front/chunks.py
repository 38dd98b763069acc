"""The pieces of a body, written as they come. Apart from what is compiled to C (`pyproject.toml`)."""

from __future__ import annotations

from gateway.front.answer import Answer
from gateway.front.connection import ClientConnection
from gateway.front.request import Request
from gateway.front.wire import Framing, answer_head, write_whole


async def write_answer(
    connection: ClientConnection, request: Request, answer: Answer, *, close: bool
) -> None:
    """Write *answer* to *request*, whatever becomes of the client, and let go of it.

    The chunks are read to their end or closed. *close* ends the connection
    after this answer, as `Answer.close` does, and an unread request body.

    Raises:
        ConnectionError: the client is gone, or has taken nothing for too long.
        ValueError: the answer cannot be written, or was not as long as announced.
    """
    if answer.chunks is None:
        write_whole(connection, request, answer, close=close)
        return
    close = close or answer.close or not request.keep_alive or request.unread
    try:
        head, framing = answer_head(answer, request, close=close)
        request.begun = True
        try:
            await _write_chunks(connection, answer, head, framing)
        except BaseException:
            # A head alone would look like an empty body to a client that reads to the end.
            connection.abort()
            raise
    finally:
        await let_go(answer)
    if framing.close:
        connection.close(unread=request.unread)


async def let_go(answer: Answer) -> None:
    """Close the chunks of *answer*, so that whoever makes them learns that nobody reads on."""
    aclose = getattr(answer.chunks, "aclose", None)
    if aclose is not None:
        await aclose()


async def _write_chunks(connection: ClientConnection, answer: Answer, head: bytes, framing: Framing) -> None:
    """Write *head* and the chunks of *answer* as *framing* says, each once the client has taken those before."""
    sent = 0
    connection.write(head)
    assert answer.chunks is not None
    async for chunk in answer.chunks:
        if not chunk or framing.bodiless:
            continue
        sent += len(chunk)
        if 0 <= framing.length < sent:
            break
        connection.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if framing.chunked else chunk)
        if connection.full:
            await connection.writable()
    if framing.length not in {-1, sent} and not framing.bodiless:
        raise ValueError(f"a body of {framing.length} octets was announced, not of {sent}")
    if framing.chunked:
        connection.write(b"0\r\n\r\n")
    if connection.full:
        await connection.writable()
