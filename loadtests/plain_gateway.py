"""The gateway one writes first: an aiohttp server and a `ClientSession`, and no decision at all.

What Licet is held against to see what its own way of forwarding is worth. It
forwards everything; ``/402`` it answers itself.
"""

from __future__ import annotations

import argparse
import asyncio

import aiohttp
from aiohttp import web

from gateway.app.boot import run_loop

_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "proxy-authorization"}


def gateway(upstream: str) -> web.Application:
    """An application that forwards to *upstream*."""

    async def session(app: web.Application):
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        ) as http:
            app[_HTTP] = http
            yield

    async def forward(request: web.Request) -> web.StreamResponse:
        http = request.app[_HTTP]
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await _tunnel(request, http, upstream)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP]
        body = request.content if request.can_read_body else None
        async with http.request(
            request.method, upstream + request.raw_path, headers=headers, data=body, allow_redirects=False
        ) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP]
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            response.headers.extend(kept)
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    async def price(_: web.Request) -> web.Response:
        return web.Response(status=402, text="pay")

    app = web.Application(client_max_size=1 << 40)
    app.cleanup_ctx.append(session)
    app.router.add_get("/402", price)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


_HTTP = web.AppKey("http", aiohttp.ClientSession)


async def _tunnel(request: web.Request, http: aiohttp.ClientSession, upstream: str) -> web.WebSocketResponse:
    near = web.WebSocketResponse()
    await near.prepare(request)
    async with http.ws_connect(upstream + request.raw_path) as far:

        async def pass_on(one, other) -> None:
            async for message in one:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await other.send_str(message.data)
                elif message.type is aiohttp.WSMsgType.BINARY:
                    await other.send_bytes(message.data)
            await other.close()

        await asyncio.gather(pass_on(near, far), pass_on(far, near))
    return near


async def _serve(upstream: str, port: int) -> None:
    runner = web.AppRunner(gateway(upstream), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=8192).start()
    await asyncio.Event().wait()


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    chosen = parser.parse_args()
    run_loop(_serve(chosen.upstream, chosen.port))


if __name__ == "__main__":
    main()
