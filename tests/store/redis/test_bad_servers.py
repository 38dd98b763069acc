"""Servers that are there and are no use: a replica, one whose user may not do something, one that is busy, one that dies within a script.

What a full, paused, emptied or killed server does stands in `test_line`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket

import pytest
import redis

from gateway.clock import SystemClock
from gateway.store.redis.address import read_address
from gateway.store.redis.copies import RedisCopies
from gateway.store.redis.line import RedisLine, RedisRules
from gateway.store.redis.marks import RedisMarks
from gateway.store.redis.news import RedisNews
from gateway.store.redis.paces import RedisPaces
from gateway.store.redis.scripts import Script

ENGINES = ("redis", "redis6.2", "valkey")
#: All that a user needs, and what of it each part asks for.
COMMANDS = (
    "time", "set", "get", "del", "pexpire", "hset", "hgetall", "hdel", "xadd", "xrange", "xrevrange", "publish",
    "eval", "evalsha",
)  # fmt: skip


@contextlib.asynccontextmanager
async def line_to(url: str, password: str = "", seconds: float = 0.5):
    """A line, once the server has said its first word."""
    line = RedisLine(RedisRules(read_address(url), password, seconds=seconds))
    running = asyncio.create_task(line.run())
    async with asyncio.timeout(20):
        await line.known.wait()
    yield line
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(holds) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


async def goes_on_alone(line: RedisLine) -> None:
    """Everything is answered, and as every process does by itself."""
    assert not line.up
    assert await RedisMarks(line).taken("m", "r", 60) is None
    assert await RedisCopies(line).said("le_1", "here", 1, 5) == {}
    pace = RedisPaces(line, SystemClock()).pace("license", 0.01, 3)
    assert [pace.wait("lic_1", SystemClock().now_us()) > 0 for _ in range(5)] == [False] * 3 + [True] * 2
    news = RedisNews(line)
    news.tell("paid", "lost")
    assert await news.hold("here", "x", 5) == {}


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_replica_that_was_named_for_the_primary(redis_serving, engine) -> None:
    with redis_serving(engine) as server:
        with server.client as client:
            client.execute_command("REPLICAOF", "127.0.0.1", "1")
        async with line_to(server.url) as line:
            await goes_on_alone(line)
            assert line.reason == "it is a replica that takes no writes"


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_user_who_may_not_do_one_thing_is_away_for_good_and_told_so_once(
    redis_serving, capsys, engine
) -> None:
    with redis_serving(engine) as server:
        url = server.url.replace("unix://", "unix://ada@")
        for lacking in COMMANDS:
            with server.client as client:
                allowed = ["+@read", "+@write", "+@pubsub", "+@scripting", "+@connection", "+time", "+info"]
                client.execute_command(
                    "ACL", "SETUSER", "ada", "reset", "on", ">hunter2", "~licet:*", "resetchannels", "&licet:*",
                    *allowed, f"-{lacking}",
                )  # fmt: skip
            capsys.readouterr()
            async with line_to(url, "hunter2") as line:
                await goes_on_alone(line)
                assert line.reason.startswith("it does not let this user do all that is needed"), (
                    lacking,
                    line.reason,
                )
                assert "hunter2" not in line.reason
                with server.client as client:
                    tries = client.info("commandstats").get("cmdstat_eval", {"calls": 0})["calls"]
                    await until(
                        lambda client=client, tries=tries: (
                            lacking == "eval" or client.info("commandstats")["cmdstat_eval"]["calls"] > tries
                        )
                    )
                assert capsys.readouterr().out.count("redis is away") == 1, lacking
                with server.client as client:
                    client.execute_command("ACL", "SETUSER", "ada", f"+{lacking}")
                await until(lambda line=line: line.up)
                assert await RedisMarks(line).taken(f"m {lacking}", "r", 60) is False


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_server_that_somebody_elses_script_keeps_busy(redis_serving, engine) -> None:
    with redis_serving(engine, "--lua-time-limit", "50") as server:
        async with line_to(server.url) as line:
            assert line.up
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
                other.connect(str(server.socket))
                script = "while true do end"
                other.sendall(f"*3\r\n$4\r\nEVAL\r\n${len(script)}\r\n{script}\r\n$1\r\n0\r\n".encode())
                await until(lambda: not line.up)
                await goes_on_alone(line)
                assert line.reason in {"it took too long"} or line.reason.startswith(
                    ("BUSY", "Redis is busy", "Valkey is busy")
                )
                with server.client as client:
                    client.script_kill()
            await until(lambda: line.up)
            assert await RedisMarks(line).taken("m", "r", 60) is False


_HALF = Script("""
redis.call('SET', KEYS[1], 'half')
local until_us = redis.call('TIME')[1] + 30
while tonumber(redis.call('TIME')[1]) < until_us do end
redis.call('SET', KEYS[1], 'whole')
return 1
""")


@pytest.mark.parametrize("engine", ENGINES)
async def test_a_primary_that_dies_within_a_script_leaves_its_replica_whole(redis_serving, engine) -> None:
    """What is asked is answered, nothing stands half at who takes over, and every key there lapses by itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    on_port = ("--port", str(port), "--repl-diskless-sync-delay", "0")
    with redis_serving(engine, *on_port) as first, redis_serving(engine) as second, second.client as heir:
        heir.execute_command("REPLICAOF", "127.0.0.1", port)
        async with line_to(first.url, seconds=5.0) as line:
            marks, copies, news = RedisMarks(line), RedisCopies(line), RedisNews(line)
            await copies.said("le_0", "here", 1, 60)
            await until(lambda: heir.exists(line.key("idle le_0")))
            asked = [copies.said(f"le_{each}", "here", each, 60) for each in range(300)]
            asked += [marks.taken(f"m{each}", "r", 60) for each in range(300)]
            asked += [news.hold(f"place {each}", "x", 60) for each in range(300)]
            tasks = [asyncio.ensure_future(each) for each in asked]
            for each in range(300):
                news.tell("paid", f"{each}")
            half = asyncio.ensure_future(line.ask(_HALF, line.key("half"), ()))
            # One of these is under way when it ends, whatever had its turn before.
            await until(lambda: heir.exists(line.key("mark m1")))
            first.stop(signal.SIGKILL)
            async with asyncio.timeout(30):
                found = await asyncio.gather(*tasks)
                assert await half is None
            assert all(each in (None, False) or isinstance(each, dict) for each in found)
            await until(lambda: not line.up)
        heir.execute_command("REPLICAOF", "NO", "ONE")
        keys = list(heir.scan_iter(count=1000))
        assert line.key("half") not in keys
        assert line.key("mark m1") in keys
        forever = [key for key in keys if heir.pttl(key) < 0]
        assert not forever, forever
        async with line_to(second.url) as line:
            assert line.up
            assert await RedisMarks(line).taken("m1", "another", 60) is True
            with contextlib.suppress(redis.exceptions.ResponseError):
                for _, entry in heir.xrange(line.key("news")):
                    assert set(entry) == {"kind", "body"}
