"""A connection that speaks another protocol now: octets pass both ways, unread and uncounted.

It begins with the origin's own 101 and never before (RFC 9110, June 2022,
section 7.8), and ends when the origin has ended, when nobody has spoken for too
long, or when the client is gone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

from aiohttp import web

from gateway.front.answer import Answer
from gateway.front.wire import Limits, Written, abort, head_of, let_go, passed_on
from gateway.origin.delivery import Tunnel

_WINDOW = 128 * 1024


async def switch(request: web.BaseRequest, answer: Answer, limits: Limits) -> Written:
    """Send the 101 of *answer* and let octets pass; returns when it is over, and closes the connection.

    Raises what the answer's chunks raise; the client's connection is reset then.
    """
    try:
        return await _switched(request, answer, limits)
    except BaseException:
        abort(request)
        raise
    finally:
        await let_go(answer)


class FromClient:
    """Takes a tunnel's octets from aiohttp, which knows it as a parser."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Pause *transport* while too many octets wait."""
        self._transport = transport
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._ended = False
        self._changed = asyncio.Event()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Hold *data*; never the end, and nothing left over."""
        self._pieces.append(bytes(data))
        self._held += len(data)
        if self._held > _WINDOW and self._transport.is_reading():
            self._transport.pause_reading()
        self._changed.set()
        return False, b""

    def feed_eof(self) -> None:
        """The client sends no more."""
        self._ended = True
        self._changed.set()

    async def piece(self) -> bytes:
        """What the client sent next, or nothing at its end."""
        while not self._pieces:
            if self._ended:
                return b""
            self._changed.clear()
            await self._changed.wait()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        if self._held <= _WINDOW // 2 and not self._transport.is_closing():
            self._transport.resume_reading()
        return piece


async def _switched(request: web.BaseRequest, answer: Answer, limits: Limits) -> Written:
    tunnel, chunks, transport = answer.tunnel, answer.chunks, request.transport
    if tunnel is None or chunks is None:
        raise ValueError("a 101 without a tunnel")
    if transport is None:
        raise ConnectionResetError("the client is gone")
    head, _ = head_of(answer, request.method, close=False, chunkable=False)
    source = FromClient(transport)
    request.protocol.set_parser(cast("Any", source))
    await request.writer.write(head)
    loop = asyncio.get_running_loop()
    upwards: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(limits.tunnel_idle) as deadline:
            upwards = asyncio.create_task(_upwards(source, tunnel, deadline, limits))
            async for chunk in chunks:
                if chunk:
                    deadline.reschedule(loop.time() + limits.tunnel_idle)
                    await passed_on(request, chunk, limits.tunnel_idle)
    except TimeoutError:
        pass
    finally:
        if upwards is not None:
            upwards.cancel()
            await asyncio.gather(upwards, return_exceptions=True)
    return Written()


async def _upwards(source: FromClient, tunnel: Tunnel, deadline: asyncio.Timeout, limits: Limits) -> None:
    loop = asyncio.get_running_loop()
    try:
        while piece := await source.piece():
            deadline.reschedule(loop.time() + limits.tunnel_idle)
            await tunnel.send(piece)
        await tunnel.end()
        deadline.reschedule(loop.time() + limits.tunnel_rest)
    except (TimeoutError, ConnectionError):
        deadline.reschedule(loop.time())
