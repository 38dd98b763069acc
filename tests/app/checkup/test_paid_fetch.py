"""The fetch that pays, with a real gateway and a real server."""

from __future__ import annotations

import pytest
from aiohttp import web

from gateway.app.checkup.paid_fetch import paid_fetch, paid_fetches
from gateway.policy.reading import default_policy


@pytest.fixture
async def server():
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<h1>Tides</h1>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_page_is_bought_and_fetched_from_end_to_end(server):
    found = await paid_fetch(default_policy(server, hosts=("journal.example",)), "off")
    assert found.state == "ok", found
    assert "/ cost 0." in found.fact
    assert "402, token, 200, record and book agree" in found.fact


@pytest.mark.parametrize("stance", ["open", "closed"])
async def test_what_is_not_for_sale_is_not_tried(server, stance):
    found = await paid_fetch(default_policy(server, stance=stance), "off")
    assert (found.state, "is for sale" in found.fact) == ("ok", True)


async def test_a_server_that_is_down_has_nothing_for_sale():
    found = await paid_fetch(default_policy("http://127.0.0.1:9"), "off")
    assert "nothing that its server answers with 200" in found.fact


async def test_without_a_policy_there_is_nothing_to_buy(tmp_path):
    (found,) = await paid_fetches(tmp_path, {})
    assert (found.state, found.step) == ("warn", "licet init writes one")
