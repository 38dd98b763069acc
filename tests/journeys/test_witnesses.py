"""A head that others saw: a gateway asks a witness, and whoever verifies the log can ask for its word."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.provenance.checkpoint import read_head, split_note
from gateway.provenance.cosignature import WitnessKey, cosign, read_add_request

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.3; +https://openai.com/gptbot)"
KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
OWN = WitnessKey("witness.example/w1", KEY.public_key())


@pytest.fixture
async def witness():
    """One that cosigns whatever it is shown, and says what it saw; its own rules are tested elsewhere."""
    seen = []

    async def answer(request):
        old, _, note = read_add_request(await request.read())
        size = seen[-1] if seen else 0
        if old != size:
            return web.Response(status=409, body=f"{size}\n".encode(), content_type="text/x.tlog.size")
        head = read_head(split_note(note)[0])
        seen.append(head.size)
        return web.Response(text=cosign(head, OWN.name, KEY, int(time.time())))

    server = RawTestServer(answer)
    await server.start_server()
    yield f"http://{server.host}:{server.port}"
    await server.close()


async def test_a_witnessed_head_is_served_and_asked_for(world, licet, witness):
    table = (
        f'[[witnesses]]\nurl = "{witness}"\nvkey = "{OWN.vkey}"\nprivate = true\n[witnessing]\nseconds = 1\n'
    )
    one = await world(settings=table)
    await one.get("/essays/tides", GPTBOT)
    note = ""
    async with asyncio.timeout(20):
        while OWN.name not in note:
            await asyncio.sleep(0.1)
            answer = await one.get("/.licet/log/witnessed")
            note = await answer.text() if answer.status == 200 else ""
    key = (await (await one.get("/.licet/log/key")).text()).strip()
    ask = ("journal", "verify", f"{one.front}/.licet/log", "--key", key)
    assert "good: the log holds" in (await licet(*ask, "--witness", OWN.vkey)).out
    stranger = WitnessKey("other.example/w", Ed25519PrivateKey.generate().public_key()).vkey
    told = (await licet(*ask, "--witness", OWN.vkey, "--witness", stranger, code=1)).out
    assert "the witnessed head is not believed: 1 of its 2 witnesses have seen it, and 2 are wanted" in told
    both = (*ask, "--witness", OWN.vkey, "--witness", stranger, "--quorum", 1)
    assert "good: the log holds" in (await licet(*both)).out
    assert "--witness: " in (await licet(*ask, "--witness", key, code=2)).err
    assert "is no quorum" in (await licet(*ask, "--witness", OWN.vkey, "--quorum", 2, code=2)).err
