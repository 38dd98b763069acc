"""Bodies in pieces, to and from a creator's server. Apart from what is compiled to C (`pyproject.toml`)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable

from gateway.origin.connections import OriginConnection, Reply


async def received(reply: Reply, close: Callable[[], None]) -> AsyncGenerator[bytes, None]:
    """The pieces of *reply* as they arrive; *close* is called at its end, however that comes."""
    try:
        while (piece := await reply.chunk()) is not None:
            yield piece
    finally:
        close()


async def sent(connection: OriginConnection, body: AsyncIterator[bytes], *, chunked: bool) -> None:
    """Send the pieces of *body* on as the server takes them."""
    async for piece in body:
        if connection.closed:
            return
        if not piece:
            continue
        connection.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await connection.drain()
    if chunked:
        connection.write(b"0\r\n\r\n")
