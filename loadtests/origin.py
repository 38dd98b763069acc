"""A creator's server with dials: page size, slowness, failure. `python -m loadtests.origin --help`."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random

from aiohttp import web

#: How many times the size of a page a large one is.
LARGE = 100
_PIECE = 1 << 16


def page(path: str, size: int, large_share: float = 0) -> bytes:
    """The octets of the page at *path*, always the same: *size* of them, or `LARGE` times as many."""
    seed_octets = hashlib.sha256(path.encode()).digest()
    if seed_octets[0] < large_share * 256:
        size *= LARGE
    return (seed_octets * (size // 32 + 1))[:size]


def site(
    size: int, slow_ms: float = 0, fail_share: float = 0, *, large_share: float = 0, seed: int = 1
) -> web.Application:
    """Every path is a `page` of its own, streamed; some answers are slow, some fail."""
    dice = random.Random(seed)

    async def answer(request: web.Request) -> web.StreamResponse:
        if slow_ms:
            await asyncio.sleep(slow_ms / 1000)
        if fail_share and dice.random() < fail_share:
            return web.Response(status=503)
        body = page(request.path, size, large_share)
        if len(body) <= _PIECE:
            return web.Response(body=body, content_type="text/html")
        response = web.StreamResponse(headers={"Content-Type": "text/html", "Content-Length": str(len(body))})
        await response.prepare(request)
        for at in range(0, len(body), _PIECE):
            await response.write(body[at : at + _PIECE])
        return response

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--size", type=int, default=2048, help="bytes a page")
    parser.add_argument(
        "--large-share", type=float, default=0, help=f"share of pages that are {LARGE} times as large"
    )
    parser.add_argument("--slow-ms", type=float, default=0, help="milliseconds before each answer")
    parser.add_argument("--fail-share", type=float, default=0, help="share of answers that are 503")
    chosen = parser.parse_args()
    web.run_app(
        site(chosen.size, chosen.slow_ms, chosen.fail_share, large_share=chosen.large_share),
        host="127.0.0.1",
        port=chosen.port,
        access_log=None,
        print=None,
    )


if __name__ == "__main__":
    main()
