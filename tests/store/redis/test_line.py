"""What a process does when its Redis is dead, slow, read-only, full, empty, without scripts or not to be entered.

Each fault is the real thing, done to a real server; each test says what a person, a
limit and a mark get meanwhile: an answer at once, and the line comes back by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from dataclasses import replace

import pytest
import redis

from gateway.clock import SystemClock
from gateway.store.redis.address import read_address
from gateway.store.redis.line import RedisLine, RedisRules, told_of
from gateway.store.redis.marks import RedisMarks
from gateway.store.redis.news import RedisNews
from gateway.store.redis.paces import RedisPaces
from gateway.store.redis.scripts import CLAIM, PROBE, Script

ENGINES = ("redis", "valkey")


@pytest.fixture(params=ENGINES)
def server(request, redis_serving):
    with redis_serving(request.param) as one:
        yield one


@contextlib.asynccontextmanager
async def lines(server, count: int = 1, **changes):
    """Lines of so many processes, once the server has said its first word to each."""
    rules = replace(RedisRules(read_address(server.url)), **changes)
    made = [RedisLine(rules) for _ in range(count)]
    tasks = [asyncio.create_task(each.run()) for each in made]
    async with asyncio.timeout(20):
        for each in made:
            await each.known.wait()
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


async def goes_on(line: RedisLine) -> None:
    """What is decided while the line is down is decided at once, and as every process does by itself."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await asyncio.sleep(0)
    assert await RedisMarks(line).taken("m", "r", 60) is None
    # Nothing was waited for: the loop has turned a few times, not for as long as a server may take.
    assert turns < 10
    pace = RedisPaces(line, SystemClock()).pace("license", 0.01, 3)
    assert [pace.wait("lic_1", SystemClock().now_us()) > 0 for _ in range(5)] == [False] * 3 + [True] * 2
    news = RedisNews(line)
    news.tell("paid", "lost")
    assert await news.hold("here", "x", 5) == {}
    counting.cancel()


async def test_a_server_that_is_killed_and_comes_back_empty(server) -> None:
    async with lines(server, 2) as (one, other):
        assert await RedisMarks(one).taken("m", "r", 60) is False
        server.stop(signal.SIGKILL)
        await until(lambda: not one.up)
        assert one.reason == "it does not answer"
        await goes_on(one)
        server.start()
        await until(lambda: one.up and other.up)
        assert await RedisMarks(one).taken("m2", "r", 60) is False
        assert await RedisMarks(other).taken("m2", "r2", 60) is True


async def test_what_was_on_its_way_when_it_died_is_answered(server) -> None:
    async with lines(server) as (line,):
        server.signal(signal.SIGSTOP)
        waiting = [asyncio.create_task(RedisMarks(line).taken(f"m{n}", "r", 60)) for n in range(100)]
        await asyncio.sleep(0.02)
        more = [asyncio.create_task(RedisMarks(line).taken(f"n{n}", "r", 60)) for n in range(100)]
        await asyncio.sleep(0)
        server.stop(signal.SIGKILL)
        async with asyncio.timeout(10):
            assert set(await asyncio.gather(*waiting, *more)) == {None}


async def test_a_server_that_is_paused_costs_one_answer_and_comes_back(server) -> None:
    async with lines(server, seconds=0.1) as (line,):
        with server.client as client:
            client.execute_command("CLIENT", "PAUSE", 1500, "ALL")
        assert await RedisMarks(line).taken("m", "r", 60) is None
        await until(lambda: not line.up)
        await goes_on(line)
        assert line.reason == "it took too long"
        await until(lambda: line.up)
        assert await RedisMarks(line).taken("m2", "r", 60) is False


async def test_a_primary_that_becomes_a_replica_takes_no_writes(server) -> None:
    async with lines(server) as (line,):
        with server.client as client:
            client.execute_command("REPLICAOF", "127.0.0.1", "1")
            assert await RedisMarks(line).taken("m", "r", 60) is None
            await until(lambda: not line.up)
            await goes_on(line)
            assert line.reason == "it is a replica that takes no writes"
            client.execute_command("REPLICAOF", "NO", "ONE")
        await until(lambda: line.up)
        assert await RedisMarks(line).taken("m", "r", 60) is False


async def test_a_replica_that_is_promoted_goes_on_with_what_it_had_heard(redis_serving) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    on_port = ("--port", str(port), "--repl-diskless-sync-delay", "0")
    with redis_serving("redis", *on_port) as first, redis_serving("redis") as second:
        async with lines(first) as (line,):
            assert await RedisMarks(line).taken("m", "r", 60) is False
            with second.client as client:
                client.execute_command("REPLICAOF", "127.0.0.1", port)
                await until(lambda: client.exists(line.key("mark m")))
                first.stop(signal.SIGKILL)
                client.execute_command("REPLICAOF", "NO", "ONE")
        async with lines(second) as (line,):
            assert await RedisMarks(line).taken("m", "another", 60) is True
            assert await RedisMarks(line).taken("never heard", "another", 60) is False


async def test_a_server_that_is_full(server) -> None:
    async with lines(server) as (line,):
        with server.client as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", 1)
            assert await RedisMarks(line).taken("m", "r", 60) is None
            await until(lambda: not line.up)
            await goes_on(line)
            assert line.reason == "it is full"
            client.config_set("maxmemory", 0)
        await until(lambda: line.up)
        assert await RedisMarks(line).taken("m", "r", 60) is False


async def test_a_server_that_was_emptied_forgets_and_goes_on(server) -> None:
    async with lines(server, 2) as (one, other):
        heard: list[str] = []

        async def hear(body: str) -> None:
            heard.append(body)

        news, ears = RedisNews(one), RedisNews(other)
        ears.on("paid", hear)
        hearing = asyncio.create_task(ears.run())
        news.tell("paid", "before")
        await until(lambda: heard == ["before"])
        pace = RedisPaces(one, SystemClock()).pace("license", 0.01, 3)
        assert [pace.wait("lic_1", SystemClock().now_us()) for _ in range(3)] == [0, 0, 0]
        assert await RedisMarks(one).taken("m", "r", 60) is False
        with server.client as client:
            client.flushall()
        assert one.up
        assert await RedisMarks(other).taken("m", "r2", 60) is False, "a mark is forgotten with the server"
        assert pace.wait("lic_1", SystemClock().now_us()) > 0, "what a process knows by itself it still knows"
        # A stream that is younger than what was read last begins anew.
        with server.client as client:
            client.xadd(ears._key, {"kind": "paid", "body": "younger"}, id="5-1")
        await until(lambda: heard == ["before", "younger"])
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def test_the_bell_is_heard_again_after_the_server_was_away(server) -> None:
    async with lines(server) as (line,):
        heard: list[str] = []

        async def hear(body: str) -> None:
            heard.append(body)

        news = RedisNews(line)
        news.on("paid", hear)
        hearing = asyncio.create_task(news.run())
        bell = line.key("news", ":bell")

        def listened_to() -> bool:
            with contextlib.suppress(redis.exceptions.RedisError), server.client as client:
                return bool(client.pubsub_numsub(bell)[0][1])
            return False

        await until(listened_to)
        for how in (signal.SIGKILL, signal.SIGSTOP):
            if how is signal.SIGKILL:
                server.stop(how)
                await until(lambda: not line.up)
                server.start()
            else:
                # It hears nothing and closes nothing, as a network that is cut.
                server.signal(how)
                await until(lambda: not line.up)
                server.signal(signal.SIGCONT)
            await until(lambda: line.up and listened_to())
            news.tell("paid", how.name)
            await until(lambda how=how: how.name in heard)
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)


async def test_scripts_that_were_flushed_are_sent_again_with_what_was_asked(server) -> None:
    async with lines(server) as (line,):
        marks = RedisMarks(line)
        assert await marks.taken("m", "r", 60) is False
        with server.client as client:
            client.script_flush()
        found = await asyncio.gather(*(marks.taken(mark, "r2", 60) for mark in ("m", "n", "m", "o")))
        assert found == [True, False, True, False]
        assert line.up


async def test_a_script_that_is_wrong_takes_the_line_down_for_a_moment_and_harms_no_other(server) -> None:
    async with lines(server) as (line,):
        odd = line.ask(Script("return redis.call('NONSENSE')"), line.key("odd"), ())
        good = line.ask(CLAIM, line.key("mark m"), ("r", 1000))
        assert await asyncio.gather(odd, good) == [None, 0]
        await until(lambda: line.up)


async def test_what_a_turn_asks_is_one_pipeline(server) -> None:
    async with lines(server) as (line,):
        with server.client as client:
            await line.ask(PROBE, line.key("probe"), ())
            before = client.info("stats")
            answers = await asyncio.gather(*(line.ask(PROBE, line.key("probe"), ()) for _ in range(500)))
            after = client.info("stats")
        assert answers == [1] * 500
        reads = after["total_reads_processed"] - before["total_reads_processed"]
        # Half a kilobyte each would be read in one piece or a few; 500 reads would be one for each.
        assert reads < 60, reads


async def test_more_than_can_wait_is_for_nobody(server, monkeypatch) -> None:
    monkeypatch.setattr("gateway.store.redis.line._BACKLOG", 100)
    async with lines(server, seconds=2.0) as (line,):
        asked = [asyncio.ensure_future(line.ask(PROBE, line.key("probe"), ())) for _ in range(150)]
        assert await asyncio.gather(*asked) == [1] * 100 + [None] * 50


@pytest.mark.night
async def test_a_cluster_goes_on_when_any_primary_is_killed_and_its_replica_promoted(redis_serving) -> None:
    with redis_serving("cluster") as cluster:
        async with lines(cluster, 2, seconds=1.0) as (one, other):
            marks = [f"m{number}" for number in range(200)]
            assert set(await asyncio.gather(*(RedisMarks(one).taken(each, "r1", 600) for each in marks))) == {
                False
            }
            with cluster.servers[0].client as client:
                assert client.wait(1, 2000) >= 1
            killed = cluster.servers[0]
            killed.stop(signal.SIGKILL)

            async def all_answer() -> bool:
                found = await asyncio.gather(*(RedisMarks(other).taken(each, "r2", 600) for each in marks))
                # Whoever answers knows: nothing of what the replica had heard is lost.
                assert False not in found
                return None not in found

            async with asyncio.timeout(60):
                while not await all_answer():
                    await asyncio.sleep(0.1)


async def test_a_password_is_needed_and_never_told(redis_serving, capsys) -> None:
    with redis_serving("redis") as server:
        with server.client as client:
            client.config_set("requirepass", "hunter2-and-more")
        for wrong in ("", "hunter3-and-more"):
            async with lines(server, password=wrong) as (line,):
                assert not line.up
                assert line.reason == "it does not take the user's name or password"
        async with lines(server, password="hunter2-and-more") as (line,):
            assert line.up
            assert "hunter" not in repr(line.rules)
    assert "hunter" not in capsys.readouterr().out


async def test_a_user_who_may_do_little_may_do_enough(redis_serving) -> None:
    with redis_serving("redis") as server:
        with server.client as client:
            client.acl_setuser(
                "ada", enabled=True, passwords=["+hunter2"], keys=["licet:*"], channels=["licet:*"],
                categories=["+@read", "+@write", "+@pubsub", "+@scripting", "+@connection", "-@dangerous"],
                commands=["+time"],
            )  # fmt: skip
        rules = RedisRules(read_address(server.url.replace("unix://", "unix://ada@")), "hunter2")
        line = RedisLine(rules)
        task = asyncio.create_task(line.run())
        async with asyncio.timeout(20):
            await line.known.wait()
        assert line.up, line.reason
        assert await RedisMarks(line).taken("m", "r", 60) is False
        async with asyncio.timeout(20), line.rings(line.key("news", ":bell")) as bells:
            news = RedisNews(line)
            news.tell("paid", "x")
            assert await anext(bells)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_tls_is_checked_by_authority_and_name(redis_serving, certify, tmp_path) -> None:
    certificate, key = certify("127.0.0.1", folder=tmp_path)
    other, other_key = certify("elsewhere.example", folder=tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with redis_serving("redis") as server, server.client as client:
        url = f"rediss://127.0.0.1:{port}"

        async def is_up(authorities) -> bool:
            line = RedisLine(RedisRules(read_address(url), authorities=str(authorities)))
            task = asyncio.create_task(line.run())
            async with asyncio.timeout(20):
                await line.known.wait()
            task.cancel()
            was = line.up
            await asyncio.gather(task, return_exceptions=True)
            return was

        def show(certificate, key) -> None:
            terms = {
                "cert-file": certificate,
                "key-file": key,
                "ca-cert-file": certificate,
                "auth-clients": "no",
            }
            given = [str(each) for name, value in terms.items() for each in (f"tls-{name}", value)]
            client.execute_command("CONFIG", "SET", *given)

        show(certificate, key)
        client.config_set("tls-port", port)
        assert [await is_up(each) for each in (certificate, other, "")] == [True, False, False]
        show(other, other_key)
        assert not await is_up(other), "it is certified, by another name"


def test_no_sentence_of_a_failure_holds_an_address() -> None:
    for error in (
        redis.exceptions.ConnectionError("Error 111 connecting to secret.example:6379."),
        OSError("secret.example"),
        TimeoutError("secret.example"),
        redis.exceptions.TimeoutError("secret.example"),
        redis.exceptions.RedisError("secret.example"),
        redis.exceptions.AuthenticationError("secret.example"),
    ):
        assert "secret.example" not in told_of(error)
