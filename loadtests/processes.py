"""Processes of a trial: pinned to a CPU, awaited until they listen, ended whatever happens."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

#: The proxies under test have one CPU, everything else of the trial the other.
PROXY_CPU, LOAD_CPU = 0, 1
#: Linux gives connections those from 32768.
_PORTS = range(20_000, 32_000)


class CannotRun(Exception):
    """This one cannot be measured here; the sentence says why."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, outside of those that the system gives to connections.

    So that whoever listens on it can do so again in a later life.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            return port
    raise CannotRun("every port of 127.0.0.1 below those of connections is taken")


def raise_limits() -> int:
    """Allow this process and its children as many open files as may be; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def pinned(command: list[str], cpu: int | None) -> list[str]:
    """*command*, to run on *cpu* alone where there is more than one; None is any."""
    return command if cpu is None or (os.cpu_count() or 1) < 2 else ["taskset", "-c", str(cpu), *command]


@contextlib.contextmanager
def awake() -> Iterator[bool]:
    """Let no core sleep until the context ends, as far as Linux lets us; gives whether it does.

    A core that sleeps is woken by whoever sends to it, and pays for it: over loopback that is the proxy, and only
    one that is slower than its load meets a load that sleeps. Clients elsewhere are woken by their own machines.
    (Linux PM QoS: nothing may take longer than 0 us to wake while the file is open.)
    """
    try:
        latency = open("/dev/cpu_dma_latency", "wb", buffering=0)  # noqa: SIM115 - open for as long as it is to hold
    except OSError:
        yield False
        return
    with latency:
        latency.write(struct.pack("i", 0))
        yield True


@contextlib.contextmanager
def running(
    command: list[str], cpu: int | None, port: int, log: Path, env: dict[str, str] | None = None
) -> Iterator[int]:
    """Run *command* on *cpu* until the context ends; gives its process id once *port* answers.

    Raises `CannotRun` with the end of its *log* if it does not come to listen.
    """
    with log.open("wb") as file:
        process = subprocess.Popen(
            pinned(command, cpu),
            stdout=file,
            stderr=file,
            stdin=subprocess.DEVNULL,
            env=os.environ | (env or {}),
        )
    try:
        _await_port(port, process, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    said = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
    raise CannotRun(f"does not listen: {said[0][:200]}")
