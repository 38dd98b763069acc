"""The live stream over a real socket: it tells what is new, skips rather than lags, and ends with its session."""

from __future__ import annotations

import asyncio
import itertools
import re


async def test_live_tells_new_fetches_as_rows_and_ends_with_the_session(board, filled, make_fetch, clock):
    newest = int(re.search(r'data-after="(\d+)"', (await board.get("/live")).text)[1])
    url = f"{board.base}/live/events?after={newest}"
    async with board.client.get(url) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        await filled.insert((make_fetch(500, "quoted", clock.now_us(), path="/<b>new</b>"), None))
        event = await read_event(answer)
        assert (event["id"], event["event"]) == (str(newest + 1), "fetch")
        assert event["data"].startswith("<tr ")
        assert "/&lt;b&gt;new&lt;/b&gt;" in event["data"]
        clock.advance(31 * 60)
        assert (await read_event(answer))["event"] == "ended"
        assert await answer.content.read() == b""


async def test_live_skips_rather_than_falls_behind(board, filled, make_fetch, clock):
    await filled.insert(*((make_fetch(number, "free", clock.now_us()), None) for number in range(500, 700)))
    async with board.client.get(f"{board.base}/live/events?after=132") as answer:
        skipped = await read_event(answer)
        assert (skipped["event"], skipped["data"]) == ("skipped", "150")
        told = [(await read_event(answer))["id"] for _ in range(50)]
    assert told == [str(seq) for seq in range(283, 333)]


async def test_live_ends_when_the_dashboard_stops(start, filled):
    board = await start(filled)
    await board.set_password()
    async with board.client.get(f"{board.base}/live/events?after=132") as answer:
        assert answer.status == 200
        async with asyncio.timeout(5):
            await board.stop()
            await answer.content.read()


async def test_live_goes_on_from_the_last_event_and_ignores_what_is_no_number(board):
    headers = {"Last-Event-ID": "130"}
    async with board.client.get(f"{board.base}/live/events?after=x", headers=headers) as answer:
        assert [(await read_event(answer))["id"] for _ in range(2)] == ["131", "132"]


async def read_event(answer):
    """The next event that is not a ping."""
    while True:
        fields: dict[str, str] = {}
        while line := (await answer.content.readline()).decode().rstrip("\r\n"):
            name, _, value = line.partition(": ")
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value
        if "event" in fields:
            return fields


async def test_live_tells_what_its_filter_means_and_looks_through_the_rest_once(
    board, filled, make_fetch, clock
):
    url = f"{board.base}/live/events?after=132&decision=quoted&text=/wanted"
    async with board.client.get(url) as answer:
        await filled.insert(
            (make_fetch(500, "quoted", clock.now_us(), path="/other"), None),
            (make_fetch(501, "free", clock.now_us(), path="/wanted"), None),
            (make_fetch(502, "quoted", clock.now_us(), path="/wanted"), None),
        )
        event = await read_event(answer)
        assert (event["event"], event["id"]) == ("fetch", "135")
        await filled.insert((make_fetch(503, "quoted", clock.now_us(), path="/wanted/too"), None))
        assert (await read_event(answer))["id"] == "136"


async def test_a_filter_that_means_much_skips_too(board, filled, make_fetch, clock):
    rows = (
        (make_fetch(number, "quoted" if number % 2 else "free", clock.now_us()), None)
        for number in range(500, 900)
    )
    await filled.insert(*rows)
    async with board.client.get(f"{board.base}/live/events?after=132&decision=quoted") as answer:
        skipped = await read_event(answer)
        assert (skipped["event"], skipped["data"]) == ("skipped", "50")
        told = [int((await read_event(answer))["id"]) for _ in range(50)]
    assert len(set(told)) == 50
    assert all(first + 2 == second for first, second in itertools.pairwise(told))
    assert told[-1] == 532


async def test_a_filter_that_cannot_be_used_shows_and_tells_nothing(board):
    page = await board.get("/live?decision=maybe")
    assert page.status == 400
    assert "must be one of licensed" in page.text
    assert page.text.count("<tr") == 1
    async with board.client.get(f"{board.base}/live/events?decision=maybe") as answer:
        assert answer.status == 400


async def test_the_page_hands_its_filter_to_the_stream(board):
    page = await board.get("/live?decision=licensed&text=%22%3E%3Cb%3E&refresh=off")
    assert 'data-view="decision=licensed&amp;text=%22%3E%3Cb%3E"' in page.text
    assert 'value="&#34;&gt;&lt;b&gt;"' in page.text
