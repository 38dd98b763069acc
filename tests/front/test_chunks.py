"""Bodies that come in pieces, to their end or not."""

from __future__ import annotations

from gateway.front.answer import Answer


async def test_an_answer_of_another_length_than_announced_is_broken_off(started, kit):
    async def short():
        yield b"ab"

    async def desk(ask, body):
        return Answer(200, "OK", (("Content-Length", ask.header("x-length")),), short())

    door = await started(kit.Door("http://127.0.0.1:1", desk=desk))
    for length in ("1", "3"):
        received = await door.send(kit.get("/.licet/", f"X-Length: {length}"))
        assert b"ab" not in received or length == "3"
    assert (await door.send(kit.get("/.licet/", "X-Length: 2"))).endswith(b"ab")
    assert door.listener.faults == 2


async def test_whoever_makes_the_chunks_learns_that_nobody_reads_on(started, kit):
    class Chunks:
        closed = False

        def __aiter__(self):
            return self

        async def __anext__(self):
            return b"too much"

        async def aclose(self):
            self.closed = True

    chunks = Chunks()

    async def desk(ask, body):
        return Answer(200, "OK", (("Content-Length", "3"),), chunks)

    door = await started(kit.Door("http://127.0.0.1:1", desk=desk))
    await door.send(kit.get("/.licet/"))
    assert chunks.closed
