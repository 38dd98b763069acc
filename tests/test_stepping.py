from __future__ import annotations

import asyncio

import pytest

from gateway.stepping import Run, Signal, Watch


async def test_what_waits_for_nothing_ends_at_once():
    async def answer():
        return 5

    done = []
    run = Run(done.append)
    run.start(answer())
    assert done == [run]
    assert (run.result, run.error) == (5, None)


async def test_a_signal_continues_it_in_the_same_call():
    signal, seen, done = Signal(), [], []

    async def work():
        for n in range(3):
            await signal
            seen.append(n)
        return "all"

    run = Run(done.append)
    run.start(work())
    assert seen == []
    for n in range(3):
        assert not done
        signal.fire()
        assert seen[-1] == n
    assert run.result == "all"


async def test_a_signal_that_was_fired_before_is_not_waited_for():
    signal = Signal()
    signal.fire()
    signal.fire()

    async def work():
        await signal
        return "at once"

    done = []
    Run(done.append).start(work())
    assert [run.result for run in done] == ["at once"]


async def test_a_task_may_wait_for_a_signal_too():
    signal = Signal()

    async def work():
        await signal
        return "task"

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    signal.fire()
    assert await task == "task"
    late = asyncio.create_task(work())
    await asyncio.sleep(0)
    late.cancel()
    with pytest.raises(asyncio.CancelledError):
        await late
    signal.fire()
    await signal


async def test_futures_tasks_and_gatherings_are_waited_for():
    done = asyncio.Queue()

    async def work():
        first = await asyncio.ensure_future(asyncio.sleep(0, "a"))
        return first, await asyncio.gather(asyncio.sleep(0, "b"), asyncio.sleep(0, "c"))

    Run(done.put_nowait).start(work())
    assert (await done.get()).result == ("a", ["b", "c"])


async def test_what_a_future_raises_is_raised_in_place():
    async def broken():
        raise KeyError("x")

    async def work():
        try:
            await asyncio.ensure_future(broken())
        except KeyError:
            return "caught"

    done = asyncio.Queue()
    Run(done.put_nowait).start(work())
    assert (await done.get()).result == "caught"


async def test_what_it_raises_is_kept():
    async def work():
        raise ValueError("x")

    done = []
    Run(done.append).start(work())
    assert isinstance(done[0].error, ValueError)


@pytest.mark.parametrize("kind", ["signal", "future"])
async def test_cancelling_reaches_it_where_it_waits(kind):
    signal, future, seen = Signal(), asyncio.get_running_loop().create_future(), []
    done = asyncio.Queue()

    async def work():
        try:
            await (signal if kind == "signal" else future)
        finally:
            seen.append("last part")

    run = Run(done.put_nowait)
    run.start(work())
    run.cancel()
    assert isinstance((await done.get()).error, asyncio.CancelledError)
    assert seen == ["last part"]
    signal.fire()
    run.cancel()
    assert done.empty()


async def test_cancelling_from_within_is_noticed_at_the_next_wait():
    done, runs = [], []

    async def work():
        runs[0].cancel()
        await Signal()

    runs.append(Run(done.append))
    runs[0].start(work())
    assert isinstance(done[0].error, asyncio.CancelledError)


async def test_one_run_may_start_another():
    inner, order = Signal(), []

    async def second():
        await inner
        order.append("second")

    async def first():
        Run(lambda _: None).start(second())
        order.append("first")
        inner.fire()
        await asyncio.ensure_future(asyncio.sleep(0))
        order.append("first again")

    done = asyncio.Queue()
    Run(done.put_nowait).start(first())
    await done.get()
    assert order == ["first", "second", "first again"]


async def test_a_watch_calls_what_is_late_and_nothing_else():
    watch, loop, called = Watch(0.001), asyncio.get_running_loop(), asyncio.Queue()

    class One:
        def __init__(self, deadline):
            self.deadline = deadline

        def late(self):
            self.deadline = float("inf")
            called.put_nowait(self)

    soon, never, gone = One(loop.time()), One(float("inf")), One(loop.time())
    for one in (soon, never, gone):
        watch.add(one)
    watch.discard(gone)
    assert await called.get() is soon
    never.deadline = loop.time()
    assert await called.get() is never
    watch.close()
    soon.deadline = loop.time()
    await asyncio.sleep(0.005)
    assert called.empty()


async def test_cancelling_behind_a_future_that_is_done_is_noticed_at_the_next_wait():
    """What it waited for may be a connection: it must have it to let go of it."""
    future, seen = asyncio.get_running_loop().create_future(), []
    done = asyncio.Queue()

    async def work():
        seen.append(await future)
        await Signal()
        seen.append("on")

    run = Run(done.put_nowait)
    run.start(work())
    future.set_result("it")
    run.cancel()
    async with asyncio.timeout(5):
        assert isinstance((await done.get()).error, asyncio.CancelledError)
    assert seen == ["it"]


async def test_cancelling_from_within_reaches_the_task_that_is_waited_for_next():
    done, runs, tasks = asyncio.Queue(), [], []

    async def work():
        runs[0].cancel()
        tasks.append(asyncio.ensure_future(asyncio.Event().wait()))
        await tasks[0]

    runs.append(Run(done.put_nowait))
    runs[0].start(work())
    async with asyncio.timeout(5):
        assert isinstance((await done.get()).error, asyncio.CancelledError)
    assert tasks[0].cancelled()


async def test_a_watch_goes_on_where_one_fails_and_spares_who_was_heard_of_meanwhile():
    watch, called, told = Watch(0.001), asyncio.Queue(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))

    class Late:
        def __init__(self, name):
            self.name, self.deadline = name, 0.0

        def late(self):
            if self.name == "fails":
                self.deadline = float("inf")
                raise ValueError("x")
            # Only one of the two is late: each hears of the other.
            for other in pair:
                other.deadline = float("inf")
            called.put_nowait(self.name)

    pair = [Late("one"), Late("two")]
    for each in (Late("fails"), *pair):
        watch.add(each)
    async with asyncio.timeout(5):
        await called.get()
        while not told:
            await asyncio.sleep(0)
    fourth = Late("four")
    pair = [fourth]
    watch.add(fourth)
    async with asyncio.timeout(5):
        assert await called.get() == "four"
    assert called.empty()
    assert isinstance(told[0], ValueError)
    watch.close()
