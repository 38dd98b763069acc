"""A private PostgreSQL: a cluster in a temporary folder, on a Unix socket there, synced to disk, gone with the tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Who owns the cluster where the tests are root, which PostgreSQL refuses to be.
_OWNERS = ("postgres", "nobody")


class Missing(Exception):
    """There is no PostgreSQL here, or nobody that it would run as."""


def programs() -> Path:
    """The folder with ``initdb`` and ``postgres``: Debian's newest, or that of PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))
    for folder in reversed(debian):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    found = shutil.which("initdb")
    if found is None:
        raise Missing("no PostgreSQL server is installed (Debian: apt install postgresql)")
    return Path(found).resolve().parent


class Cluster:
    """One server. `start` and `stop` may follow each other; `url` names a database on it."""

    def __init__(
        self, folder: Path, settings: tuple[str, ...] = (), before: tuple[str, ...] = (), of: str = ""
    ) -> None:
        """Make the cluster in *folder*, which is to be empty.

        *settings* are further options of the server, *before* is the command that it is started by. With *of*, the
        connection string of a server that runs, it is a standby that follows that one.
        """
        self._settings, self._before = settings, before
        self.folder, self._bin = folder, programs()
        self._as: list[str] = []
        if os.geteuid() == 0:
            owner = next((name for name in _OWNERS if _known(name)), None)
            if owner is None:
                raise Missing("root may not run PostgreSQL, and there is no other user here")
            os.chown(folder, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
            self._as = [f"--reuid={owner}", f"--regid={pwd.getpwnam(owner).pw_gid}", "--clear-groups"]
        self._server: subprocess.Popen[bytes] | None = None
        if of:
            self._run("pg_basebackup", "-D", self._data, "-d", of, "-R", "-X", "stream", "-c", "fast", "-N")
            return
        self._run(
            "initdb", "-D", self._data, "-U", "licet", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
        )

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    @property
    def pid(self) -> int:
        """The process id of the server, whose children serve; only of one that runs."""
        assert self._server is not None
        return self._server.pid

    def url(self, database: str = "postgres") -> str:
        """Where *database* is."""
        return f"postgresql://licet@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start it and wait until it answers. It ends with this process, also where that is killed."""
        # In this order, since a new user forgets what is to be sent when its parent ends.
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
            [*self._before, "setpriv", *self._as, "--pdeathsig", "INT", str(self._bin / "postgres"), "-D", self._data,
             "-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}", "-c", "max_connections=80",
             "-c", "shared_buffers=64MB", "-c", "logging_collector=off", "-c", "autovacuum_naptime=10min", *self._settings],
            stdout=subprocess.DEVNULL, stderr=log, cwd="/",
          )  # fmt: skip
        # It has answered once when this is there.
        ready = self.folder / "data" / "postmaster.pid"
        while self._server.poll() is None:
            with contextlib.suppress(OSError):
                if ready.read_text().rstrip().endswith(("ready", "standby")):
                    return
            threading.Event().wait(0.02)
        raise Missing(f"the server did not start: {(self.folder / 'log').read_text()[-500:]}")

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End it: by default at once, as a crash would, so that it recovers from its log when it starts."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(30)
            self._server = None

    def kill(self) -> None:
        """End every process of it at once, as a loss of power does: nothing is written or sent any more."""
        assert self._server is not None
        children = subprocess.run(
            ["pgrep", "-P", str(self._server.pid)], capture_output=True, text=True, check=False
        )
        for pid in (self._server.pid, *map(int, children.stdout.split())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._server.wait(30)
        self._server = None
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def promote(self) -> None:
        """Make a standby the primary, and wait until it may be written."""
        self._run("pg_ctl", "promote", "-D", self._data, "-w", "-t", "30")

    def ask(self, sql: str, database: str = "postgres") -> Any:
        """The first value of what *sql* finds, in a session of its own."""

        async def work() -> Any:
            import asyncpg

            connection = await asyncpg.connect(self.url(database), timeout=10)
            try:
                return await connection.fetchval(sql)
            finally:
                connection.terminate()

        return apart(work())

    def wait_for_standby(self, *, synchronous: bool) -> None:
        """Wait until a standby streams; with *synchronous* no commit is answered from then on that it does not have."""
        if synchronous:
            self.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
            self.ask("SELECT pg_reload_conf()")
        state = "'sync'" if synchronous else "'async'"
        sql = f"SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = {state}"
        while not self.ask(sql):
            threading.Event().wait(0.02)

    def make(self, database: str) -> str:
        """Make an empty *database*, and return its URL."""

        async def work() -> None:
            import asyncpg

            connection = await asyncpg.connect(self.url())
            await connection.execute(f'CREATE DATABASE "{database}"')
            await connection.close()

        apart(work())
        return self.url(database)

    def _run(self, program: str, *args: str) -> None:
        done = subprocess.run(
            ["setpriv", *self._as, str(self._bin / program), *args], capture_output=True, check=False, cwd="/"
        )
        if done.returncode:
            raise Missing(f"{program}: {done.stderr.decode(errors='replace')[-500:]}")


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def apart(work: Any) -> Any:
    """What *work* comes to, run on a loop of another thread: this one may have a loop that runs."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(asyncio.run(work))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


@contextlib.contextmanager
def serving(*settings: str) -> Iterator[Cluster]:
    """A cluster that runs, with *settings* such as ``-c fsync=off``; raises `Missing`."""
    folder = Path(tempfile.mkdtemp(prefix="licet-postgres-"))
    try:
        cluster = Cluster(folder, settings)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def pair(*settings: str, synchronous: bool = True) -> Iterator[tuple[Cluster, Cluster]]:
    """A primary and a standby that follows it, both running; raises `Missing`."""
    folder = Path(tempfile.mkdtemp(prefix="licet-standby-"))
    with serving(*settings) as primary:
        try:
            standby = Cluster(folder, settings, of=f"host={primary.folder} user=licet")
            standby.start()
            try:
                primary.wait_for_standby(synchronous=synchronous)
                yield primary, standby
            finally:
                standby.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
