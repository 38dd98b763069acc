"""What a site's own server is asked."""

from __future__ import annotations

import pytest
from aiohttp import web

from gateway.app.checkup.own_server import caches, clocks, own_server
from gateway.origin.small import SmallAnswer
from gateway.policy.reading import default_policy

NOON = 1_793_491_200.4


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("Sun, 01 Nov 2026 00:00:00 GMT", ""),
        ("Sun, 01 Nov 2026 00:00:06 GMT", ""),
        ("Sun, 01 Nov 2026 00:01:00 GMT", "60 s ahead of"),
        ("Sat, 31 Oct 2026 23:50:00 GMT", "600 s behind"),
        ("", ""),
        ("yesterday", ""),
        ("Sun, 01 Nov 99999999 00:00:00 GMT", ""),
    ],
)
def test_a_clock_that_differs_is_told(date, said):
    found = clocks("journal", date, NOON)
    assert bool(found) is bool(said)
    assert all(said in each.fact for each in found)


@pytest.mark.parametrize(
    ("control", "behind", "states"),
    [
        ("", True, []),
        ("max-age=60", True, []),
        ("public, max-age=60", True, ["warn"]),
        ("public, max-age=60", False, ["ok"]),
        ("s-maxage=60", True, ["warn"]),
        ("public, no-store", True, []),
        ("private, s-maxage=1", True, []),
    ],
)
def test_a_cache_in_front_that_may_keep_a_priced_page_is_told(control, behind, states):
    home = SmallAnswer(200, "text/html", b"", (("Cache-Control", control),) if control else ())
    policy = default_policy("http://127.0.0.1:1")
    assert [each.state for each in caches(policy, home, behind=behind)] == states
    assert caches(default_policy("http://127.0.0.1:1", stance="open"), home, behind=behind) == []


@pytest.fixture
async def server():
    """A server that answers what it is told to, by the scheme that it believes in."""
    told = {"loop": False}

    async def answer(request: web.Request) -> web.Response:
        if told["loop"]:
            raise web.HTTPMovedPermanently(f"https://{request.host}{request.path}")
        return web.Response(text="<h1>Tides</h1>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", told
    await runner.cleanup()


async def test_a_server_that_redirects_https_for_ever_is_bad(server):
    url, told = server
    policy = default_policy(url, hosts=("localhost",))
    assert [each.what for each in await own_server(policy, None) if each.state != "ok"] == []
    told["loop"] = True
    found = await own_server(policy, None)
    assert [each.state for each in found] == ["bad"]
    assert "without end" in found[0].fact
