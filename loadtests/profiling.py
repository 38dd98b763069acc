"""Where the front's time goes: py-spy on the front worker while it does the three main works."""

from __future__ import annotations

import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from loadtests import targets
from loadtests.comparison import origin
from loadtests.installing import program
from loadtests.measuring import workers
from loadtests.processes import LOAD_CPU, CannotRun, pinned
from loadtests.works import WORKS, ask

_WORKS = ("person", "402", "licensed")
_SYSCALLS = (
    "read", "readv", "recv", "recvfrom", "recvmsg", "write", "writev", "send", "sendto", "sendmsg", "sendfile",
    "epoll_wait", "epoll_pwait", "epoll_ctl", "poll", "select", "accept4", "close", "connect", "socket", "shutdown",
    "setsockopt", "fdatasync", "fsync", "fcntl", "ioctl", "pread64", "pwrite64", "syscall", "open", "open64",
    "futex", "pthread_cond_timedwait", "pthread_cond_wait", "sem_wait", "sem_timedwait", "clock_gettime",
)  # fmt: skip


def _leaf(stack: str) -> str:
    """The innermost frame of one line of py-spy's raw format, without line numbers."""
    frame = stack.rpartition(";")[2]
    name, _, place = frame.partition(" (")
    return f"{name} ({place.split(':')[0].rstrip(')').rpartition('/')[2]})" if place else name


def _is_syscall(leaf: str) -> bool:
    name, _, place = leaf.partition(" (")
    plain = name.removeprefix("__libc_").removeprefix("__GI_").lstrip("_")
    return (
        plain.removesuffix("_nocancel") in _SYSCALLS
        and not place.startswith(("<", "gateway"))
        and ".py" not in place
    )


def summary(raw: str, most: int = 15) -> dict[str, Any]:
    """Self time by function, as shares of all samples, and the share whose innermost frame is a system call.

    Of the main thread, where the loop runs: with native frames py-spy counts waiting threads as if they ran.
    """
    leaves: Counter[str] = Counter()
    for line in raw.splitlines():
        if ": MainThread;" not in line:
            continue
        stack, _, count = line.rpartition(" ")
        leaves[_leaf(stack)] += int(count)
    total = leaves.total() or 1
    return {
        "samples": leaves.total(),
        "syscall_share": sum(count for leaf, count in leaves.items() if _is_syscall(leaf)) / total,
        "self": [[leaf, count / total] for leaf, count in leaves.most_common(most)],
    }


def profile(folder: Path, seconds: int) -> list[dict[str, Any]]:
    """Profile each main work for *seconds*."""
    spy, rows = program("py-spy"), []
    with ExitStack() as stack:
        place = targets.Place(folder, stack.enter_context(origin(folder)))
        licet = targets.start("licet", place, stack)
        pid = (workers(licet.pid) or [licet.pid])[0]
        for number, key in enumerate(_WORKS):
            out = folder / f"{key}.raw"
            command = [
                spy,
                "record",
                "-p",
                str(pid),
                "-f",
                "raw",
                "-o",
                str(out),
                "-d",
                str(seconds),
                "-r",
                "200",
                "--native",
                "--threads",
            ]
            watching = subprocess.Popen(
                pinned(command, LOAD_CPU), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            try:
                ask(licet, WORKS[key], seconds + 1, folder, 1000 + number)
                rows.append({"work": key, **summary(out.read_text() if watching.wait(30) == 0 else "")})
            except (CannotRun, OSError, subprocess.TimeoutExpired) as error:
                rows.append({"work": key, "not_measured": str(error)})
            if watching.returncode:
                assert watching.stderr
                said = watching.stderr.read().decode(errors="replace").strip().splitlines()[-1:]
                rows[-1] = {"work": key, "not_measured": f"py-spy: {' '.join(said)[:200]}"}
    return rows
