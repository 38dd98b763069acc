"""The servers that hold one database: which of them is written, and how none that was left behind is.

A URL may name several: one is the primary, and the others follow it until one of
them is promoted. A promotion begins a new *timeline*, so of two servers that
could both be written the one on the later timeline is right, and the other is
an old primary that came back. What protects from it:

- all hosts are asked before one is chosen, and again every few seconds by whoever
  is connected: a later timeline elsewhere ends every connection to the earlier;
- each data folder keeps the last timeline that it wrote to (`Seen`), and refuses
  an earlier one of the same server, also where that is the only host that answers;
- with a synchronous standby an old primary that is cut off answers no commit.

Without one, two sides of a cut could both go on, each with machines that cannot
see the other: nothing here can know, and `licet doctor` says so.

Where a server does not tell its timeline (some that only speak PostgreSQL's
protocol), the first that may be written is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import asyncpg

from gateway.store.postgres.faults import GONE, Unfit

_CONNECT_SECONDS: Final = 5.0
#: Where there are other hosts, none is waited for longer than this: one that was cut off answers nothing at all.
_HOST_SECONDS: Final = 2.5
_STATEMENT_SECONDS: Final = 60.0
_SESSION: Final = {
    "application_name": "licet",
    "search_path": "licet",
    "jit": "off",
    "synchronous_commit": "on",
    "lock_timeout": "20s",
    # A machine that is cut off in the middle of an act must not keep all others waiting for what it holds.
    "idle_in_transaction_session_timeout": "4s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
_STANDING: Final = (
    "SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', pg_backend_pid(),"
    " current_setting('search_path')"
)
#: The timeline is the beginning of the name of the file that is written now; a control file would tell it late.
_HISTORY: Final = (
    "SELECT system_identifier::text, pg_walfile_name(pg_current_wal_lsn()) FROM pg_control_system()"
)
_POOLED: Final = "a connection pooler stands in between, which licet's locks and settings do not pass: name the server itself"
_FOLLOWS: Final = (
    "the server is a standby, which follows another one and cannot be written:"
    " name its primary, or every host: postgresql://a,b/licet"
)
_READ_ONLY: Final = "the server lets nothing be written (default_transaction_read_only = on)"
_APART: Final = (
    "its hosts are not of one database: each may be written, and they were not made from one another"
)


@dataclass(frozen=True, slots=True)
class History:
    """What a server goes on writing: *system* is made once by initdb, *timeline* is another after each promotion.

    *system* is "" where the server does not tell.
    """

    system: str = ""
    timeline: int = 0

    def before(self, other: History) -> bool:
        """Whether this is what *other* left behind."""
        return self.system != "" and self.system == other.system and self.timeline < other.timeline


class Seen:
    """The last history that a data folder wrote to, in a file of it; without one it is remembered as long as this."""

    def __init__(self, file: Path | None = None) -> None:
        """Keep it in *file*."""
        self._file = file
        self._last = History()

    @property
    def last(self) -> History:
        """The last one, whichever process of the folder wrote it down; a file that cannot be read tells nothing."""
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                told = json.loads(self._file.read_text("utf-8"))
                found = History(str(told["system"]), int(told["timeline"]))
                if not found.before(self._last):
                    self._last = found
        return self._last

    def take(self, history: History) -> None:
        """Go on from *history*. Where the file cannot be written, this process alone remembers it."""
        if not history.system or history == self.last:
            return
        self._last = history
        if self._file is not None:
            fresh = self._file.with_name(f".{self._file.name}.{os.getpid()}")
            with contextlib.suppress(OSError):
                fresh.write_text(json.dumps({"system": history.system, "timeline": history.timeline}) + "\n")
                fresh.chmod(0o600)
                fresh.replace(self._file)


@dataclass(frozen=True, slots=True)
class _Reached:
    """A server that answered; *why* is why it cannot be used, or ""."""

    url: str
    connection: asyncpg.Connection
    history: History
    why: str


class Hosts:
    """The way to the server that is to be written."""

    def __init__(self, url: str, place: str = "", seen: Seen | None = None) -> None:
        """Reach what *url* names, for the data folder called *place*, which has *seen* a history."""
        self._urls, self._place = each_host(url), place
        self._seen = seen or Seen()
        self._chosen, self._now = "", History()
        self._histories: weakref.WeakKeyDictionary[asyncpg.Connection, History] = weakref.WeakKeyDictionary()

    @property
    def several(self) -> bool:
        """Whether another server may take over."""
        return len(self._urls) > 1

    def history_of(self, connection: asyncpg.Connection) -> History:
        """What the server behind *connection* was writing when it was made."""
        return self._histories.get(connection, History())

    async def connect(self) -> asyncpg.Connection:
        """A connection to the server that is to be written, set up for licet's statements.

        Raises `Unfit` where those that answer are not to be written, or what asyncpg raises where none does.
        """
        reached = await self._known() or await self._best()
        self._chosen, self._now = reached.url, reached.history
        self._seen.take(reached.history)
        self._histories[reached.connection] = reached.history
        return reached.connection

    async def outlived(self) -> bool:
        """Whether a later timeline than that of the last connection is written on another host.

        Then the next connection is to that one. Asks none where there is no other.
        """
        now = self._now
        if not now.before(self._seen.last):
            others = [url for url in self._urls if url != self._chosen]
            asked = await asyncio.gather(*map(self._reach, others), return_exceptions=True)
            answered = [each for each in asked if isinstance(each, _Reached)]
            for each in answered:
                each.connection.terminate()
            if not any(not each.why and now.before(each.history) for each in answered):
                return False
        self._chosen = ""
        return True

    async def _known(self) -> _Reached | None:
        """The host that was chosen last, where there are several and it is still what it was."""
        if not (self.several and self._chosen):
            return None
        try:
            reached = await self._reach(self._chosen)
        except (asyncpg.PostgresError, *GONE):
            return None
        if not reached.why and reached.history == self._seen.last:
            return reached
        reached.connection.terminate()
        return None

    async def _best(self) -> _Reached:
        """Of all hosts, the one that may be written and is on the latest timeline."""
        asked = await asyncio.gather(*(self._reach(url) for url in self._urls), return_exceptions=True)
        answered = [each for each in asked if isinstance(each, _Reached)]
        fit = [each for each in answered if not each.why]
        best = max(fit, key=lambda each: each.history.timeline, default=None)
        apart = len({each.history.system for each in fit}) > 1
        for each in answered:
            if each is not best or apart:
                each.connection.terminate()
        if apart:
            raise Unfit(_APART)
        if best is not None:
            return best
        for each in answered:
            raise Unfit(each.why)
        for failed in asked:
            if isinstance(failed, BaseException):
                raise failed
        raise AssertionError("a URL has a host")

    async def _reach(self, url: str) -> _Reached:
        connection: asyncpg.Connection = await asyncpg.connect(
            url,
            timeout=_HOST_SECONDS if self.several else _CONNECT_SECONDS,
            command_timeout=_STATEMENT_SECONDS,
            statement_cache_size=0,
            server_settings={**_SESSION, "licet.place": self._place},
        )
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                _heard(connection)
                # A sum of whole numbers is one.
                await connection.set_type_codec(
                    "numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text"
                )
                follows, read_only, process, path = await connection.fetchrow(_STANDING)
                pooled = process != connection.get_server_pid() or path != _SESSION["search_path"]
                why = _POOLED if pooled else _FOLLOWS if follows else _READ_ONLY if read_only else ""
                history = History() if why else await _history(connection)
        except BaseException:
            connection.terminate()
            raise
        last = self._seen.last
        if history.before(last):
            why = (
                f"the server is an old primary, on timeline {history.timeline} where timeline {last.timeline} was"
                " written since: make it a standby of the new one (pg_rewind, pg_basebackup)"
            )
        return _Reached(url, connection, history, why)


def each_host(url: str) -> tuple[str, ...]:
    """One URL for each host that *url* names; which of them is to be written is found out by asking.

    >>> each_host("postgresql://licet@a,b:5433/books?target_session_attrs=read-write")
    ('postgresql://licet@a/books', 'postgresql://licet@b:5433/books')
    >>> each_host("postgresql://licet@/books?host=/run/a,/run/b&port=5432,5433&sslmode=require")
    ('postgresql://licet@/books?sslmode=require&host=/run/a&port=5432', 'postgresql://licet@/books?sslmode=require&host=/run/b&port=5433')
    >>> each_host("postgresql:///books")
    ('postgresql:///books',)
    """
    parts = urlsplit(url)
    user, at, listed = parts.netloc.rpartition("@")
    named = dict(parse_qsl(parts.query, keep_blank_values=True))
    named.pop("target_session_attrs", None)
    if listed:
        return tuple(_url(parts, f"{user}{at}{host}", named) for host in listed.split(","))
    if "host" not in named:
        return (_url(parts, parts.netloc, named),)
    hosts, ports = named.pop("host").split(","), named.pop("port", "").split(",")
    if len(ports) not in {1, len(hosts)}:
        raise ValueError("as many ports as hosts, or one")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    return tuple(
        _url(parts, parts.netloc, {**named, "host": host} | ({"port": port} if port else {}))
        for host, port in zip(hosts, ports, strict=True)
    )


def _url(parts: SplitResult, netloc: str, named: Mapping[str, str]) -> str:
    query = f"?{urlencode(named, safe='/')}" if named else ""
    return f"{parts.scheme}://{netloc}{parts.path}{query}"


async def _history(connection: asyncpg.Connection) -> History:
    try:
        system, file = await connection.fetchrow(_HISTORY)
    except asyncpg.PostgresError:
        # Not every server that speaks the protocol has files of a log, or shows them.
        return History()
    return History(str(system), int(str(file)[:8], 16))


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _heard(connection: asyncpg.Connection) -> None:
    """Have a server that is not heard from noticed within seconds, also while nothing but its answer is waited for.

    A line that was cut for longer than the server holds it is otherwise found out only by the statement's own timeout.
    """
    line: Any = connection._transport.get_extra_info("socket")  # noqa: SLF001 - asyncpg shows its socket nowhere else
    if line is None or line.family == socket.AF_UNIX:
        return
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", 2),
        ("TCP_KEEPINTVL", 2),
        ("TCP_KEEPCNT", 4),
        ("TCP_USER_TIMEOUT", 10_000),
    ):
        if hasattr(socket, option):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
