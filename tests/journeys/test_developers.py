"""The portal's commands, run to the letter as they are printed, against a gateway in test mode."""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import sys

import pytest

POLICY = """
otherwise = "serve"
[site]
id = "journal"
hosts = ["127.0.0.1", "localhost"]
origin = "{origin}"
mode = "{mode}"
currency = "USD"
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
works = ["essays"]
price = {{ per_fetch = "0.005" }}
[[rules]]
when = {{ class = ["ai", "automation"] }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""
PAGE = {"Accept": "text/html"}


async def run(folder, *command, text=""):
    env = {**os.environ, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=env, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate(text.encode())
    assert process.returncode == 0, err.decode()
    return out.decode()


async def blocks(one):
    """The code blocks of the portal, as a reader copies them."""
    async with one.http.get(f"{one.front}/.licet/developers", headers=PAGE) as answer:
        page = await answer.text()
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
    return page, [
        html.unescape(each) for each in re.findall(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)
    ]


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is missing: apt-get install curl")
async def test_the_commands_fetch_a_page_as_they_are_printed(world, tmp_path):
    one = await world(policy=POLICY, settings='[billing]\nmode = "test"\n')
    one.origin.files["/essays/PAGE"] = b"the tides come in"
    _, (shell, program) = await blocks(one)
    refused = await one.get("/essays/PAGE", "MyCrawler/1.0 (+https://crawler.example)")
    assert refused.status == 402
    assert await run(tmp_path, "bash", "-eu", "-c", shell) == "the tides come in"
    assert (tmp_path / "client.json").exists()
    assert (await run(tmp_path, sys.executable, "-", text=program)).strip() == "the tides come in"
    paid = [each for each in await one.records() if each["outcome"] == "licensed"]
    assert len(paid) == 2


async def test_for_real_money_there_is_no_sandbox_and_the_page_says_so(world):
    one = await world(policy=POLICY)
    page, (shell, _) = await blocks(one)
    assert "/register --json" in shell
    assert "waits until the owner approves or funds it" in page
    async with one.http.post(f"{one.front}/.licet/developers/sandbox") as answer:
        assert answer.status == 404
