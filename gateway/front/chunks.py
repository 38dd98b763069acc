"""The pieces of a body, written as they come. Apart from what is compiled to C (`pyproject.toml`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.front.answer import Answer
from gateway.front.connection import ClientConnection

if TYPE_CHECKING:
    from gateway.front.wire import Framing


async def write_chunks(connection: ClientConnection, answer: Answer, head: bytes, framing: Framing) -> None:
    """Write *head* and the chunks of *answer* as *framing* says, each once the client has taken those before.

    Raises `ConnectionError` or `ValueError` as `wire.write_answer` does.
    """
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
