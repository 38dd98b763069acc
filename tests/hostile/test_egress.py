"""Whatever a client sends: what reaches the origin is the same requests to every reader of HTTP.

Requests that are valid, and nearly valid, are bent (`_Bender`) and sent through
a driver. Each of three independent parsers (llhttp, h11, aiohttp's in Python)
must find the same whole requests in what the origin received: as many as
answers of the origin reached the client, with the same method, target, Host and
body, and headers that an origin may be told; each of them judged before.

``LICET_FUZZ_N`` is how many inputs, ``LICET_FUZZ_SEED`` which. An input that
fails is written to ``corpus/``, whose files are replayed first.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import re
from collections import Counter
from pathlib import Path

import pytest

SEED = int(os.environ.get("LICET_FUZZ_SEED", "20261123"))
N = int(os.environ.get("LICET_FUZZ_N", "100000"))
CORPUS = Path(__file__).parent / "corpus"

NAME = re.compile(rb"[a-z0-9!#$%&'*+.^`|~-]+")
HOP = {
    b"keep-alive", b"te", b"trailer", b"proxy", b"proxy-connection", b"proxy-authorization",
    b"proxy-authenticate", b"http2-settings",
}  # fmt: skip
TOKENS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"\x0b", b"\x7f", b"\x80", b"\xff", b"\xc3\xa9", b"0", b"5",
    b"-1", b"+5", b"0x5", b"ffffffffffffffff", b"chunked", b"identity", b"Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding:", b"Content-Length:", b"\r\n\r\n", b"\r\n ",
    b"Host: b.example\r\n", b"Host:", b"Connection: close\r\n", b"Connection: keep-alive, host\r\n", b"Expect: 100-continue\r\n",
    b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"Connection: content-length\r\n", b"TE: trailers\r\n", b"Trailer: X-A\r\n",
    b"X_A: b\r\n", b"GET", b"HEAD", b"POST", b"OPTIONS", b"CONNECT", b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0", b"http://a.example/",
    b"http://b.example/", b"//", b"/../", b"%2f", b"%00", b"#", b"?", b"*", b"\\", b"@", b"a.example", b"5\r\nhello\r\n",
    b"0\r\n\r\n", b"0\r\nX-A: b\r\n\r\n", b";a=b", b'"', b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n",
]  # fmt: skip
SEEDS = [
    b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nCookie: a=b\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a.example\r\nUser-Agent: GPTBot/1.2\r\nAuthorization: License x\r\n\r\n",
    b"HEAD /x HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"GET /x HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: 8.8.8.8\r\nVia: 1.0 fred\r\nRange: bytes=0-1\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    b"POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-A: b\r\n\r\n",
    b'DELETE /x HTTP/1.1\r\nHost: a.example\r\nIf-Match: "a"\r\nConnection: x-a\r\nX-A: b\r\n\r\n',
]  # fmt: skip
#: Ends a connection that is still in order, so that nobody waits for a deadline.
LAST = b"GET /last HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"


class _Bender:
    """Bends requests, always in the same way for one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.seeds = SEEDS

    def __call__(self) -> bytes:
        dice = self.dice
        octets = bytearray(dice.choice(self.seeds))
        for _ in range(dice.choice((0, 1, 1, 1, 2, 2, 3, 5))):
            at = dice.randrange(len(octets) + 1)
            match dice.randrange(6):
                case 0 | 1:
                    octets[at:at] = dice.choice(TOKENS)
                case 2:
                    if octets:
                        octets[at % len(octets)] ^= 1 << dice.randrange(8)
                case 3:
                    del octets[at : at + dice.choice((1, 1, 1, 2, 4, 8))]
                case 4:
                    lines = bytes(octets).split(b"\r\n")
                    lines.insert(dice.randrange(len(lines)) + 1, dice.choice(lines))
                    octets = bytearray(b"\r\n".join(lines))
                case 5:
                    octets += dice.choice(self.seeds)
        return bytes(octets) + (LAST if dice.random() < 0.9 else b"")


def faults(outcome, recording, loop) -> list[str]:
    """Everything that is wrong with *outcome*; nothing where the property holds."""
    wrong = [*outcome.broke, *([] if outcome.ended else ["the connection was never closed"])]
    wrong += [f"{code} of ours" for code in outcome.statuses if code >= 500 and code not in {501, 505}]
    whole, judged = 0, Counter(outcome.judged)
    for raw in outcome.origin:
        first = recording.llhttp(raw)
        whole += len(first.messages)
        if first.rest not in {"", "part"}:
            wrong.append(first.rest)
        for other in (recording.hyper(raw), recording.python(raw, loop)):
            if other.messages != first.messages:
                wrong.append(f"read in two ways: {first} and {other}")
            elif other.rest not in {"", "part"}:
                wrong.append(other.rest)
        for message in first.messages:
            judged[message.method, message.target] -= 1
            wrong += [f"header {name!r}" for name, _ in message.headers if not _may_be_told(name)]
            switching = (b"connection", b"upgrade") in message.headers
            hop = {name for name, _ in message.headers} & {b"connection", b"upgrade"}
            if hop and not (switching and hop == {b"connection", b"upgrade"}):
                wrong.append(f"header {hop}")
    if whole != outcome.statuses.count(200):
        wrong.append(f"{whole} requests at the origin, {outcome.statuses} at the client")
    if min(judged.values(), default=0) < 0:
        wrong.append(f"the origin was asked for what nobody judged: {judged}")
    return wrong


def _may_be_told(name: bytes) -> bool:
    return bool(NAME.fullmatch(name)) and name not in HOP


async def _failing(driver, recording, inputs) -> tuple[list[tuple[bytes, list[str]]], int]:
    """The inputs that break the property, each with what is wrong, and how many requests were forwarded.

    It stops after five that fail.
    """
    loop = asyncio.get_running_loop()
    failing, forwarded = [], 0
    for octets in inputs:
        outcome = await driver(octets)
        forwarded += outcome.statuses.count(200)
        wrong = faults(outcome, recording, loop)
        if wrong:
            failing.append((octets, wrong))
        if len(failing) >= 5:
            break
    return failing, forwarded


KEPT = sorted(CORPUS.glob("*.http"))


@pytest.mark.parametrize("path", KEPT, ids=[path.stem for path in KEPT])
async def test_what_once_failed(kit, recording, started, memory, path):
    # Many a bent request is never whole, and waits for its deadline.
    soon = await started(recording.SocketDriver(kit, header=0.1, body_idle=0.1))
    for driver in (memory, soon):
        # First with a connection to the origin that must be made, then with a spare one.
        failing, _ = await _failing(driver, recording, [path.read_bytes(), LAST, path.read_bytes()])
        assert failing == []


@pytest.mark.timeout(600)
async def test_every_reader_sees_the_same_requests(memory, recording):
    bend = _Bender(SEED)
    failing, forwarded = await _failing(memory, recording, (bend() for _ in range(N)))
    CORPUS.mkdir(exist_ok=True)
    for octets, _ in failing:
        (CORPUS / f"{hashlib.sha256(octets).hexdigest()[:12]}.http").write_bytes(octets)
    assert failing == [], "\n".join(f"{octets!r}: {wrong}" for octets, wrong in failing)
    # Bent too hard, nothing would reach the origin, and nothing could go wrong there.
    assert forwarded > N // 4


@pytest.mark.parametrize(
    ("origin", "client", "wrong"),
    [
        (b"POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 1, True),
        (b"GET /x HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n", 1, True),
        (b"GET /x HTTP/1.1\r\nhost: a\r\nx_y: a\r\n\r\n", 1, True),
        (b"GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 1, True),
        (b"GET /x HTTP/1.1\r\nhost: a\r\n\r\n" * 2, 1, True),
        (b"GET /y HTTP/1.1\r\nhost: a\r\n\r\n", 1, True),
        (b"GET /x HTTP/1.1\r\nhost: a\r\n\r\nGET /y HT", 1, False),
        (b"GET /x HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", 1, False),
        (b"POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 1, False),
    ],
)  # fmt: skip
async def test_the_property_can_fail(recording, origin, client, wrong):
    judged = ((b"GET", b"/x"), (b"POST", b"/x"))
    outcome = recording.Outcome(recording.OK * client, (origin,), judged=judged)
    assert bool(faults(outcome, recording, asyncio.get_running_loop())) is wrong
