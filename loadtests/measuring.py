"""What a proxy costs: CPU, memory and open files of its whole process tree, read from /proc.

CPU is summed over threads from ``schedstat`` (nanoseconds on a CPU). A thread
that exits takes its count with it, so the sum is held against ``stat``, which
keeps what ended threads and children used but counts in ticks of 10 ms: the
larger of the two stands.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
#: Below this share of a CPU a tree is at rest: timers that look around every quarter second go on for ever.
_REST_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds by thread, (process, thread) to seconds, and by process with its ended children."""

    threads: dict[tuple[int, int], float]
    processes: dict[int, float]

    def since(self, before: Spent, only: Iterable[int] | None = None) -> float:
        """CPU seconds from *before* to this, of the whole tree or of the processes in *only*."""
        wanted = None if only is None else set(only)
        fine = sum(
            seconds - before.threads.get(thread, 0.0)
            for thread, seconds in self.threads.items()
            if wanted is None or thread[0] in wanted
        )
        coarse = sum(
            sign * seconds
            for sign, found in ((1, self.processes), (-1, before.processes))
            for process, seconds in found.items()
            if wanted is None or process in wanted
        )
        # Each process is rounded down to a whole tick.
        doubt = _TICK * max(1, len(self.processes))
        return coarse if coarse > fine + doubt else fine


def tree(pid: int) -> list[int]:
    """*pid* and all its living descendants."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                parent = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
    found = [pid]
    for each in found:
        found += children.get(each, ())
    return found


def spent(pid: int) -> Spent:
    """What the tree of *pid* has used since it began."""
    threads: dict[tuple[int, int], float] = {}
    processes: dict[int, float] = {}
    for each in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            processes[each] = sum(map(int, fields[11:15])) * _TICK
            for task in Path(f"/proc/{each}/task").iterdir():
                with contextlib.suppress(OSError):
                    nanoseconds = int((task / "schedstat").read_text().split()[0])
                    threads[each, int(task.name)] = nanoseconds / 1e9
    return Spent(threads, processes)


def workers(pid: int) -> list[int]:
    """The front workers in the tree of *pid*: processes that the system lists as ``licet worker``.

    Empty where the tree does not tell (one process does all, or the names are others).
    """
    found = []
    for each in tree(pid)[1:]:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{each}/comm").read_text() == "licet worker\n":
                found.append(each)
    return found


def rest(pid: int, idle: float = 0.3, patience: float = 20.0) -> bool:
    """Wait until the tree has used next to nothing for *idle* seconds; whether it came to that in time."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before, since = spent(pid), time.monotonic()
        time.sleep(idle)
        if spent(pid).since(before) <= _REST_SHARE * (time.monotonic() - since):
            return True
    return False


def pss_kb(pid: int, only: Iterable[int] | None = None) -> int:
    """Proportional set size in KB: pages that several processes share count once in all."""
    total = 0
    for each in only or tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total


def rss_kb(pid: int) -> int:
    """Resident set size in KB of one process."""
    return _status(pid, "VmRSS:")


def peak_kb(pid: int) -> int:
    """The largest resident set of one process since `reset_peak`, in KB."""
    return _status(pid, "VmHWM:")


def reset_peak(pid: int) -> None:
    """Let `peak_kb` count from now (Linux, proc(5): clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def _status(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    return 0


def open_files(pid: int) -> int:
    """How many file descriptors the tree holds."""
    total = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            total += len(os.listdir(f"/proc/{each}/fd"))
    return total
