"""Bodies that are not at hand at once, on their way from the origin to a client.

Apart from what is compiled to C: a generator here may be closed at any of its steps (`pyproject.toml`).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from gateway.ask import Ask
from gateway.front.answer import Judged
from gateway.front.gate import Gate
from gateway.front.keeping import charge_of, kept, noted, tallied, written
from gateway.front.remember import Tally
from gateway.origin.delivery import ClientAborted, OriginAborted, OriginAnswer
from gateway.problems import StoreUnavailable
from gateway.provenance.record import Ended


async def started(body: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """Step over the empty first chunk, so that closing *body* runs its last part even if nobody reads it."""
    await anext(body)
    return body


async def passed_body(opened: OriginAnswer) -> AsyncGenerator[bytes, None]:
    """A person's body: passed on, neither counted nor held."""
    try:
        yield b""
        async for chunk in opened.body():
            yield chunk
    finally:
        opened.close()


async def recorded_body(
    opened: OriginAnswer, ask: Ask, judged: Judged, gate: Gate
) -> AsyncGenerator[bytes, None]:
    """An automated visitor's body: counted, digested, and remembered however it ends.

    Under a license the last chunk is held back until the record is durable.
    """
    tally = Tally(opened.length)
    paid = charge_of(judged) is not None
    held: bytes | None = None
    ended = Ended.CLIENT
    try:
        yield b""
        async for chunk in opened.body():
            if held is not None:
                yield held
                tally.add(held)
            held = chunk if paid else None
            if not paid:
                yield chunk
                tally.add(chunk)
        if held is not None:
            tally.add(held)
        ended = Ended.COMPLETE
        await kept(ask, judged, gate, tallied(opened, tally, ended))
        if held is not None:
            yield held
    except ClientAborted:
        raise
    except OriginAborted:
        ended = Ended.ORIGIN
        raise
    except StoreUnavailable as error:
        ended = Ended.COMPLETE  # the charge went back; there is no journal to write to
        raise OriginAborted("the fetch could not be recorded") from error
    finally:
        opened.close()
        if ended is not Ended.COMPLETE:
            delivery = tallied(opened, tally, ended)
            noted(written(ask, judged, gate, delivery), gate)
