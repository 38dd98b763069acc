"""HAProxy's questions over a real socket: several at once, in any pieces, and nothing for who is not HAProxy."""

from __future__ import annotations

import asyncio

import licet_tests_front_kit as kit
import pytest

from gateway.front.spop import FRAME_BYTES, number

PERSON = "Mozilla/5.0 Firefox/140.0"
CHECK = b"\x0bhealthcheck\x11"


def text(value: bytes) -> bytes:
    return number(len(value)) + value


def framed(octets: bytes) -> bytes:
    return len(octets).to_bytes(4, "big") + octets


def hello(most: int = 16380, more: bytes = b"") -> bytes:
    told = b"\x12supported-versions\x08\x032.0\x0emax-frame-size\x03" + number(most) + more
    return framed(b"\x01\x00\x00\x00\x01\x00\x00" + told)


def notify(
    frame: int, target: str = "/a", *lines: str, agent: str = "GPTBot", secret: str = kit.SAID
) -> bytes:
    said = [f"licet-caller: {secret}", "host: a.example", f"user-agent: {agent}"]
    said += ["x-forwarded-for: 192.0.2.7", "x-forwarded-proto: http", *lines]
    block = "".join(f"{line}\r\n" for line in said).encode() + b"\r\n"
    told = {b"method": b"GET", b"target": target.encode(), b"lines": block}
    pairs = b"".join(text(name) + b"\x08" + text(value) for name, value in told.items())
    return framed(b"\x03\x00\x00\x00\x01\x00" + number(frame) + b"\x05licet\x03" + pairs)


class HAProxy:
    """One connection of its filter; our numbers are below 240 here, so that each is one octet."""

    def __init__(self, reader, writer) -> None:
        self.reader, self.writer = reader, writer

    def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(frames))

    async def frame(self) -> bytes:
        async with asyncio.timeout(kit.PATIENCE):
            length = int.from_bytes(await self.reader.readexactly(4), "big")
            return await self.reader.readexactly(length)

    async def ack(self) -> tuple[int, dict[str, str]]:
        """The question that the next frame answers, and the variables."""
        octets = await self.frame()
        assert octets[:6] == b"\x67\x00\x00\x00\x01\x00", octets
        frame, at, found = octets[6], 7, {}
        while at < len(octets):
            assert octets[at : at + 3] == b"\x01\x03\x02"
            end = at + 4 + octets[at + 3]
            assert octets[end] == 8
            value = octets[end + 2 : end + 2 + octets[end + 1]]
            found[octets[at + 4 : end].decode()] = value.decode()
            at = end + 2 + len(value)
        return frame, found

    async def ended(self, status: int) -> None:
        """It is told why, and nothing after."""
        octets = await self.frame()
        assert octets[:7] == b"\x66\x00\x00\x00\x01\x00\x00"
        assert octets[7:].startswith(b"\x0bstatus-code\x03" + bytes((status,)))
        async with asyncio.timeout(kit.PATIENCE):
            assert await self.reader.read() == b""


@pytest.fixture
async def asking(started, origin):
    return await started(kit.AskedDoor(origin.url))


@pytest.fixture
async def haproxy(asking):
    made = HAProxy(*await asking.connect())
    made.send(hello())
    assert (await made.frame())[:1] == b"\x65"
    return made


async def test_who_may_pass_does_and_is_told_as_what(asking, haproxy, origin):
    haproxy.send(notify(1, agent=PERSON))
    frame, told = await haproxy.ack()
    assert (frame, told["decision"], told["record"], told["authorization"]) == (1, "person", "", "")
    assert asking.people.counted == [("/a", 200)]
    assert not asking.journal.noted
    haproxy.send(notify(2, "/a?b=%2F"))
    frame, told = await haproxy.ack()
    [record] = asking.journal.noted
    assert (frame, told["decision"], told["crawler"], told["record"]) == (2, "free", "GPTBot", record.id)
    assert (record.path, record.ended, record.host) == ("/a", "passed-on", "a.example")
    haproxy.send(notify(3, "/a", "x-pay: 1", "authorization: License secret"))
    frame, told = await haproxy.ack()
    assert (frame, told["decision"]) == (3, "licensed")
    assert "secret" not in str(told)
    [record] = asking.journal.kept
    assert (record.charged_micros, record.charge_reason, record.ended) == (10, "fetch", "passed-on")
    haproxy.send(notify(4, "/a", "authorization: Basic c2l0ZQ==", agent=PERSON))
    assert (await haproxy.ack())[1]["authorization"] == "Basic c2l0ZQ=="
    assert not origin.requests


@pytest.mark.parametrize(
    "asked",
    [
        notify(9, "/closed/x"),
        notify(9, "/.licet/token"),
        notify(9, "/a", "host: b.example"),
        notify(9, "/a", "x-forwarded-proto: http"),
        notify(9, "a"),
        notify(9, "/a", "no line at all\x01"),
        notify(9).replace(b"host: a.example", b"host: b.example"),
        notify(9).replace(b"\x05lines\x08", b"\x05lanes\x08"),
    ],
)
async def test_what_may_not_pass_is_told_nothing_and_left_to_the_public_listener(asking, haproxy, asked):
    haproxy.send(asked)
    assert await haproxy.ack() == (9, {})
    assert not asking.journal.noted
    assert not asking.people.counted


async def test_a_caller_without_the_secret_learns_nothing(asking, haproxy):
    for number_, asked in enumerate(
        (
            notify(1, secret=""),
            notify(2, secret=kit.SAID[:-1]),
            notify(3, "/a", f"licet-caller: {kit.SAID}"),
            notify(4, agent=PERSON, secret="x"),
        ),
        1,
    ):
        haproxy.send(asked)
        assert await haproxy.ack() == (number_, {})
    assert asking.listener.refusals["caller-unknown"] == 4
    assert not asking.people.counted


async def test_many_questions_in_any_pieces_are_answered_each(asking):
    octets = b"".join([hello(), *(notify(frame) for frame in range(1, 200))])
    for size in (1, 7, len(octets)):
        haproxy = HAProxy(*await asking.connect())
        for at in range(0, len(octets), size):
            haproxy.send(octets[at : at + size])
            if size == 7:
                await asyncio.sleep(0)
        assert (await haproxy.frame())[:1] == b"\x65"
        answers = [await haproxy.ack() for _ in range(1, 200)]
        assert [frame for frame, _ in answers] == list(range(1, 200))
        assert {told["decision"] for _, told in answers} == {"free"}
    assert asking.listener.faults == 0


async def test_a_question_that_waits_holds_up_no_other(asking, haproxy):
    kept, go = asking.journal.keep, asyncio.Event()

    async def keep(*entry):
        await go.wait()
        await kept(*entry)

    asking.journal.keep = keep
    # More wait than are decided at one time, so the one that does not is read behind them.
    haproxy.send(notify(1, "/a", "x-pay: 1"), notify(2))
    assert (await haproxy.ack())[0] == 2
    haproxy.send(*(notify(3, "/a", "x-pay: 1") for _ in range(300)), notify(4))
    while sum(map(len, (connection.tunnel._runs for connection in asking.listener.connected))) < 256:
        await asyncio.sleep(0.01)
    go.set()
    answers = [(await haproxy.ack())[0] for _ in range(302)]
    assert sorted(answers) == [1, *[3] * 300, 4]
    assert len(asking.journal.kept) == 301


async def test_nobody_owes_for_what_nobody_hears(asking, haproxy):
    begun, broken = asyncio.Event(), asyncio.Event()

    async def keep(*_):
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            broken.set()
            raise

    asking.journal.keep = keep
    haproxy.send(notify(1, "/a", "x-pay: 1"))
    async with asyncio.timeout(kit.PATIENCE):
        await begun.wait()
        haproxy.writer.transport.abort()
        await broken.wait()
        while asking.listener.connected:
            await asyncio.sleep(0.01)
    assert asking.journal.kept == []


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (hello(100), 9),
        (hello().replace(b"\x032.0", b"\x031.0"), 8),
        ((FRAME_BYTES + 1).to_bytes(4, "big"), 3),
        (framed(b"\x03\x00\x00\x00\x00\x00\x01"), 10),
        (framed(b"\x07" * 9), 4),
        (framed(b"\x02\x00\x00\x00\x01\x00\x00"), 0),
    ],
)
async def test_what_is_no_frame_here_ends_the_connection_and_says_why(asking, sent, status):
    haproxy = HAProxy(*await asking.connect())
    haproxy.send(sent)
    await haproxy.ended(status)
    again = HAProxy(*await asking.connect())
    again.send(hello(), sent)
    await again.frame()
    await again.ended(status)
    assert not asking.journal.noted
    assert not asking.journal.kept


async def test_one_greeting_comes_and_before_every_question(asking, haproxy):
    haproxy.send(hello())
    await haproxy.ended(4)
    rude = HAProxy(*await asking.connect())
    rude.send(notify(1))
    await rude.ended(4)
    assert not asking.journal.noted


async def test_who_only_asks_whether_somebody_is_there_is_answered_and_left(asking):
    haproxy = HAProxy(*await asking.connect())
    haproxy.send(hello(more=CHECK))
    assert (await haproxy.frame())[:1] == b"\x65"
    assert await haproxy.reader.read() == b""


async def test_an_answer_that_haproxy_could_not_take_is_none(asking):
    haproxy = HAProxy(*await asking.connect())
    haproxy.send(hello(400), notify(1, "/a", "authorization: Basic " + "a" * 100, agent=PERSON))
    await haproxy.frame()
    assert (await haproxy.ack())[1]["decision"] == "person"
    haproxy.send(notify(2, "/a", "authorization: Basic " + "a" * 220, agent=PERSON))
    assert await haproxy.ack() == (2, {})


async def test_a_silent_connection_is_closed(started, origin):
    asking = await started(kit.AskedDoor(origin.url, limits=kit.Limits(header=0.05, tunnel_idle=0.05)))
    reader, _ = await asking.connect()
    async with asyncio.timeout(kit.PATIENCE):
        assert await reader.read() == b""
    haproxy = HAProxy(*await asking.connect())
    haproxy.send(hello())
    await haproxy.frame()
    await haproxy.ended(2)
    reader, writer = await asking.connect()
    writer.write_eof()
    async with asyncio.timeout(kit.PATIENCE):
        assert await reader.read() == b""
