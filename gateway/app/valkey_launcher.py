"""Become a server that ends with the process that started it: run by its path, with nothing of licet imported.

``python valkey_launcher.py PARENT PROGRAM ARGUMENT…``: asks the kernel for a SIGTERM
when PARENT's thread ends (prctl(2), PR_SET_PDEATHSIG), which outlives exec, and then
is PROGRAM. A parent that ended before that is noticed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def become(parent: int, command: list[str]) -> None:
    """Be *command*; returns an exit code's worth of nothing only where the parent is gone or there is no prctl."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        return
    os.execv(command[0], command)  # noqa: S606 - the point of it


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
