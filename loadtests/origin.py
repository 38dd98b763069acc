"""A creator's server with dials: page size, slowness, failure. `python -m loadtests.origin --help`."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random

from aiohttp import web


def site(size: int, slow_ms: float, fail_share: float, seed: int = 1) -> web.Application:
    """Every path is a page of *size* bytes of its own; some answers are slow, some fail."""
    dice = random.Random(seed)

    async def page(request: web.Request) -> web.Response:
        if slow_ms:
            await asyncio.sleep(slow_ms / 1000)
        if fail_share and dice.random() < fail_share:
            return web.Response(status=503)
        seed_octets = hashlib.sha256(request.path.encode()).digest()
        body = (seed_octets * (size // 32 + 1))[:size]
        return web.Response(body=body, content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    return app


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--size", type=int, default=2048, help="bytes a page")
    parser.add_argument("--slow-ms", type=float, default=0, help="milliseconds before each answer")
    parser.add_argument("--fail-share", type=float, default=0, help="share of answers that are 503")
    chosen = parser.parse_args()
    web.run_app(
        site(chosen.size, chosen.slow_ms, chosen.fail_share),
        host="127.0.0.1",
        port=chosen.port,
        access_log=None,
        print=None,
    )


if __name__ == "__main__":
    main()
