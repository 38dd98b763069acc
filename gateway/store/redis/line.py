"""The line of one process to Redis: what a turn of the event loop asks is one pipeline, and nobody is kept waiting.

`send` never waits. While a pipeline is on its way the next one gathers, so that a
busy process sends fewer and longer ones. An answer is None where there is none:
Redis is away, took longer than it may, or was asked too much at once. A line that
is away answers so at once, and tries again by itself until a write is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import structlog
from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.store.redis.address import RedisAt
from gateway.store.redis.scripts import ABLE, PROBE, Script

log = structlog.get_logger("licet")

#: What Redis, the network or the time that it took can do to a pipeline.
FAILURES: Final = (exceptions.RedisError, OSError, TimeoutError)
#: Acts that may wait to be sent; above that the oldest are for nobody.
_BACKLOG: Final = 10_000
#: Seconds between two tries to reach a server that is away, and between two looks at one that nobody asks.
_PAUSE: Final = 0.5
_LOOK: Final = 1.0
#: A connection may take so many times what an answer may.
_CONNECTING: Final = 4

_FORBIDDEN: Final = (
    "it does not let this user do all that is needed: +@read +@write +@scripting +@pubsub +@connection +time"
)
#: What a sentence of the server means that has these words somewhere.
_SENSES: Final = {
    "READONLY": "it is a replica that takes no writes",
    "OOM command not allowed": "it is full",
    "can't run this command": _FORBIDDEN,
    "no permissions to": _FORBIDDEN,
}

Heard = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class RedisRules:
    """Where Redis is, what it is entered by, how its keys begin, and how many seconds it may take to answer.

    *authorities* is a PEM file of those that certified it, "" for the machine's own.
    """

    at: RedisAt
    password: str = field(default="", repr=False)
    authorities: str = ""
    name: str = "licet"
    seconds: float = 0.25


class _Act(NamedTuple):
    script: Script
    key: str
    given: tuple[str | int, ...]
    heard: Heard


class RedisLine:
    """Sends for one process, on its event loop, for as long as `run` runs.

    *up* says whether a write was taken lately, *reason* why not.
    """

    def __init__(self, rules: RedisRules) -> None:
        """Prepare; nothing is opened before `run`."""
        self.rules = rules
        self.up, self.reason = False, "it was not asked yet"
        #: Set with the first answer of the server, whatever it is.
        self.known = asyncio.Event()
        self._acts: list[_Act] = []
        self._wake = asyncio.Event()
        self._client: Redis | RedisCluster | None = None
        self._times_up = 0

    def key(self, tag: str, rest: str = "") -> str:
        """The key under the hash tag *tag*."""
        return f"{self.rules.name}:{{{tag}}}{rest}"

    def send(self, script: Script, key: str, given: Sequence[str | int], heard: Heard) -> None:
        """Have *script* run on *key* with this turn's others; *heard* is called with its answer, or with None."""
        if not self.up or len(self._acts) >= _BACKLOG:
            heard(None)
            return
        self._acts.append(_Act(script, key, tuple(given), heard))
        self._wake.set()

    async def ask(self, script: Script, key: str, given: Sequence[str | int]) -> Any:
        """As `send`, and wait for the answer."""
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def heard(answer: Any) -> None:
            if not waiting.done():
                waiting.set_result(answer)

        self.send(script, key, given, heard)
        return await waiting

    async def run(self) -> None:
        """Keep the line up until canceled."""
        try:
            while True:
                try:
                    await self._open()
                    self._is_up()
                    await self._serve()
                except FAILURES as error:
                    self._is_away(error)
                await self._close()
                heed_cancel()
                await asyncio.sleep(_PAUSE)
        finally:
            self.up = False
            self._let_go()
            await self._close()

    @contextlib.asynccontextmanager
    async def rings(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        """What is published on *channel*, over a connection of its own; raises one of `FAILURES`."""
        client = await self._made(waiting=True)
        heard: Any = client.pubsub()
        try:
            await heard.subscribe(channel)
            yield self._rung(heard)
        finally:
            with contextlib.suppress(*FAILURES):
                await heard.aclose()
                await client.aclose()

    async def told(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the server says of itself (INFO) and its settings, {} where they are hidden; raises one of `FAILURES`."""
        client: Any = self._plain(self.rules.at.nodes[0] if self.rules.at.nodes else None)
        try:
            async with asyncio.timeout(self.rules.seconds * _CONNECTING):
                known: dict[str, Any] = await client.info()
                try:
                    settings: dict[str, Any] = await client.config_get("*")
                except exceptions.ResponseError:
                    settings = {}
        finally:
            with contextlib.suppress(*FAILURES):
                await client.aclose()
        return known, settings

    async def probe(self) -> None:
        """Have a write taken; raises one of `FAILURES` where it is not."""
        assert self._client is not None
        async with asyncio.timeout(self.rules.seconds):
            await self._client.execute_command("EVAL", PROBE.text, 1, self.key("probe"))

    async def _able(self) -> None:
        """Have everything done once that this process will ask for; raises one of `FAILURES` where something is not."""
        assert self._client is not None
        async with asyncio.timeout(self.rules.seconds):
            key, channel = self.key("able"), self.key("able", ":bell")
            await self._client.execute_command("EVAL", ABLE.text, 1, key, channel)
            await self._client.execute_command("EVALSHA", ABLE.sha, 1, key, channel)

    async def _rung(self, heard: Any) -> AsyncIterator[str]:
        times_up = self._times_up
        while True:
            heed_cancel()
            message = await heard.get_message(ignore_subscribe_messages=True, timeout=_LOOK)
            if message is not None:
                yield str(message["data"])
            # A connection that only listens does not notice that nobody speaks any more.
            if not self.up or self._times_up != times_up:
                raise exceptions.ConnectionError("the line was down")

    async def _open(self) -> None:
        async with asyncio.timeout(self.rules.seconds * _CONNECTING * 2):
            self._client = await self._made()
        await self._able()

    async def _made(self, *, waiting: bool = False) -> Redis | RedisCluster:
        """A client for what is there: one server, or a cluster."""
        first = self._plain(self.rules.at.nodes[0] if self.rules.at.nodes else None, waiting=waiting)
        for node in self.rules.at.nodes[1:]:
            try:
                await first.ping()
                break
            except FAILURES:
                await first.aclose()
                first = self._plain(node, waiting=waiting)
        try:
            known = await first.info("cluster")
        except exceptions.ResponseError:
            known = {}  # a user who may not ask is let into no cluster's whole
        except BaseException:
            await first.aclose()
            raise
        if not known.get("cluster_enabled") or waiting:
            return first
        await first.aclose()
        nodes = [ClusterNode(host, port) for host, port in self.rules.at.nodes]
        # A slot that has moved is looked for once more; then the line is made anew.
        terms = self._terms() | {"retry": Retry(NoBackoff(), 1)}
        cluster = RedisCluster(startup_nodes=nodes, **terms)
        try:
            return await cluster.initialize()
        except BaseException:
            await _ended(cluster)
            raise

    def _plain(self, node: tuple[str, int] | None, *, waiting: bool = False) -> Redis:
        terms = self._terms()
        if waiting:
            terms["socket_timeout"] = None
        if node is None:
            terms = {name: each for name, each in terms.items() if not name.startswith("ssl")}
            return Redis(unix_socket_path=self.rules.at.path, db=self.rules.at.database, **terms)
        return Redis(host=node[0], port=node[1], db=self.rules.at.database, **terms)

    def _terms(self) -> dict[str, Any]:
        """How any connection is made. Nothing is tried again below this line: a batch that was cut off is let go."""
        rules = self.rules
        terms: dict[str, Any] = {
            "username": rules.at.user or None,
            "password": rules.password or None,
            "socket_timeout": rules.seconds,
            "socket_connect_timeout": rules.seconds * _CONNECTING,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "decode_responses": True,
            "client_name": "licet",
        }
        if rules.at.tls:
            terms |= {
                "ssl": True,
                "ssl_cert_reqs": "required",
                "ssl_check_hostname": True,
                "ssl_min_version": ssl.TLSVersion.TLSv1_2,
                "ssl_ca_certs": rules.authorities or None,
            }
        return terms

    async def _serve(self) -> None:
        """Send what gathers; look from time to time whether a server that nobody asks still takes a write."""
        while True:
            heed_cancel()
            try:
                async with asyncio.timeout(_LOOK):
                    await self._wake.wait()
            except TimeoutError:
                await self.probe()
                continue
            self._wake.clear()
            acts, self._acts = self._acts, []
            await self._sent(acts)

    async def _sent(self, acts: list[_Act]) -> None:
        answers: list[Any] = [None] * len(acts)
        failure: Exception | None = None
        try:
            async with asyncio.timeout(self.rules.seconds):
                answers = await self._piped("EVALSHA", [(act.script.sha, act) for act in acts])
                lost = [at for at, each in enumerate(answers) if isinstance(each, exceptions.NoScriptError)]
                if lost:
                    again = await self._piped("EVAL", [(acts[at].script.text, acts[at]) for at in lost])
                    for at, answer in zip(lost, again, strict=True):
                        answers[at] = answer
            failure = next((each for each in answers if isinstance(each, Exception)), None)
        finally:
            for act, answer in zip(acts, answers, strict=True):
                act.heard(None if isinstance(answer, Exception) else answer)
        if failure is not None:
            raise failure

    async def _piped(self, how: str, acts: list[tuple[str, _Act]]) -> list[Any]:
        assert self._client is not None
        pipe = (
            self._client.pipeline(transaction=False)
            if isinstance(self._client, Redis)
            else self._client.pipeline()
        )
        for said, act in acts:
            pipe.execute_command(how, said, 1, act.key, *act.given)
        return await pipe.execute(raise_on_error=False)

    def _is_up(self) -> None:
        self.up = True
        self._times_up += 1
        log.info("redis is there", at=str(self.rules.at))
        self.reason = ""
        self.known.set()

    def _is_away(self, error: Exception) -> None:
        reason = told_of(error)
        if self.up or reason != self.reason:
            log.warning("redis is away; each process goes on by itself", at=str(self.rules.at), reason=reason)
        self.up, self.reason = False, reason
        self.known.set()
        self._let_go()

    def _let_go(self) -> None:
        acts, self._acts = self._acts, []
        self._wake.clear()
        for act in acts:
            act.heard(None)

    async def _close(self) -> None:
        if self._client is not None:
            # Kept until then: who is canceled meanwhile closes it at the end.
            await _ended(self._client)
            self._client = None


async def _ended(client: Redis | RedisCluster) -> None:
    """Close every connection of *client*: one of a cluster that has lost a node thinks that it is closed, and is not."""
    with contextlib.suppress(*FAILURES):
        await client.aclose()
    if isinstance(client, RedisCluster):
        for nodes in ("nodes_cache", "startup_nodes"):
            with contextlib.suppress(*FAILURES):
                await client.nodes_manager.aclose(nodes)


def heed_cancel() -> None:
    """Raise `asyncio.CancelledError` where this task was canceled and nobody noticed.

    The client writes within `asyncio.wait_for`, which up to Python 3.11 forgets a
    cancellation that comes as the write ends.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def told_of(error: Exception) -> str:
    """What is told of *error*: never an address or a password, which some clients' sentences hold."""
    # A server that refuses the first words of a connection is told as a connection that failed.
    inner = error.__cause__
    match inner if isinstance(inner, exceptions.AuthenticationError) else error:
        case exceptions.AuthenticationError() | exceptions.AuthorizationError():
            return "it does not take the user's name or password"
        case exceptions.ReadOnlyError():
            return "it is a replica that takes no writes"
        case exceptions.OutOfMemoryError():
            return "it is full"
        case exceptions.BusyLoadingError():
            return "it is still loading"
        case TimeoutError() | exceptions.TimeoutError():
            return "it took too long"
        case exceptions.ResponseError():
            # The server's own sentence about a command; it begins with a word such as NOAUTH or CLUSTERDOWN, and up to
            # Redis 6.2 what a script met stands somewhere within it.
            said = str(error)
            return next((sense for sign, sense in _SENSES.items() if sign in said), said[:200])
        case exceptions.ConnectionError() | OSError():
            return "it does not answer"
    return type(error).__name__
