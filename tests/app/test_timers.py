"""What a process writes of itself, and of what broke in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from gateway.app.timers import every

CODE = """
import asyncio
from gateway.app import timers

timers.log_to_stderr()

async def act():
    secret = "-".join(("lsk", "never", "told"))
    raise RuntimeError("it broke") from ValueError(str(len(secret)))

async def main():
    task = asyncio.create_task(timers.every(0, act))
    while not acted:
        await asyncio.sleep(0)
    task.cancel()

acted = []
exception = timers.log.exception
timers.log = type("Log", (), {"exception": lambda *given, **named: (acted.append(1), exception(*given[1:], **named))})()
asyncio.run(main())
"""


def test_what_broke_is_told_with_its_place_and_without_what_its_variables_hold():
    told = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout == ""
    assert "lsk-never-told" not in told.stderr
    assert "RuntimeError: it broke" in told.stderr
    assert "line 9, in act" in told.stderr
    assert "a timer's act failed and will be tried again" in told.stderr


async def test_a_bell_is_heard_before_the_time_has_come_and_each_ring_once() -> None:
    bell, done = asyncio.Event(), []

    async def act() -> None:
        done.append(len(done))

    running = asyncio.create_task(every(3600, act, bell))
    for expected in ([0], [0, 1]):
        bell.set()
        async with asyncio.timeout(10):
            while done != expected:
                await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        assert done == expected
        assert not bell.is_set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
