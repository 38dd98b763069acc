"""Whether the creator's own server answers."""

from __future__ import annotations

import pytest
from aiohttp import web

from gateway.origin.first_look import first_look


@pytest.mark.parametrize(
    ("status", "media", "state", "said"),
    [
        (200, "text/html", "ok", "answers 200"),
        (500, "text/html", "warn", "answers 500"),
        (402, "application/problem+json", "warn", "like a gateway"),
    ],
)
async def test_what_it_answers_is_told(status, media, state, said):
    async def page(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=b"x", headers={"Content-Type": media})

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        found = await first_look(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
    assert (found.state, said in found.fact) == (state, True)


@pytest.mark.parametrize("origin", ["http://127.0.0.1:9", "ftp://x", "", "http://[::1"])
async def test_one_that_does_not_is_no_error(origin):
    found = await first_look(origin)
    assert found.state == "warn"
    assert found.step
