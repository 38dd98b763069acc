"""What office and workers are forked from: a process that has imported everything they need and opened nothing.

Importing is most of what a start costs, and most of the memory of a process
that has just started. A zygote does it once, and has no thread, no loop and no
file; whoever is forked from it shares its pages and is there in milliseconds.
The supervisor has one, by a socket pair; over it goes, one at a time:

========== ===================================================================
to it      ``{"role": …, "parent": PID}`` and the descriptors to inherit; the
           first is the channel
from it    ``{"pid": …, "descriptors": […]}``, their numbers over there, or
           ``{"errno": …}`` where the machine allows no process
========== ===================================================================

The first zygote is forked from the supervisor itself, before that has a loop
or a thread. Each later one is a fresh interpreter: after an upgrade it has
the new code (`Supervisor.restart`), and one that was killed is replaced.

Who is born becomes a child of the supervisor and not of the zygote: it is
forked twice, and the supervisor adopts orphans at that moment (prctl(2),
PR_SET_CHILD_SUBREAPER). So a zygote may end at any time, and costs nobody.
Where there is no such adoption (not Linux), `Zygote.usable` says so, and each
process imports for itself.

Owns: being forked. Does not own: what is forked (`boot`), nor when.

All that are born have one layout of memory and one seed of hashes; whoever
learned either from one process would know it of the others, until the next
restart.

Invariants: nothing random is drawn, no file opened and no thread started
before a fork; generators of random numbers that were used are seeded again in
the child (`os.register_at_fork`, by those who have them).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import gc
import io
import json
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

_PR_SET_CHILD_SUBREAPER: Final = 36
#: Descriptors that one process may inherit.
_MOST: Final = 8
#: Octets of a process id in a pipe.
_PID: Final = 8
#: Seconds between two looks whether one was adopted.
_LOOK: Final = 0.0005


class Forked:
    """A child of this process that was forked, as `asyncio.subprocess.Process` is one that was executed."""

    def __init__(self, pid: int) -> None:
        """Wait for the child *pid*, in a thread of its own."""
        self.pid = pid
        self.returncode: int | None = None
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int] = self._loop.create_future()
        threading.Thread(target=self._wait, name=f"wait for {pid}", daemon=True).start()

    def kill(self) -> None:
        """End it at once; without effect where it has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end; gives the exit code, negative for a signal, as often as it is asked."""
        return await asyncio.shield(self._ended)

    def _wait(self) -> None:
        try:
            code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:
            code = 255  # somebody else has waited for it
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._has_ended, code)

    def _has_ended(self, code: int) -> None:
        self.returncode = code
        self._ended.set_result(code)


class Zygote:
    """The supervisor's end of one. Use `forked` or `executed`."""

    def __init__(
        self, control: socket.socket, pid: int, process: asyncio.subprocess.Process | None = None
    ) -> None:
        """Speak to the child *pid* by *control*; *process* where it was executed."""
        control.setblocking(False)
        self.pid = pid
        self.lost = False
        self._control, self._process = control, process
        self._one = asyncio.Lock()

    @staticmethod
    def usable() -> bool:
        """Whether this system lets a process adopt orphans."""
        return sys.platform.startswith("linux") and _adopt(adopting=False)

    @classmethod
    def forked(cls) -> Zygote | None:
        """Fork one from this process, which has neither loop nor thread; None where it has, or it is not `usable`."""
        if threading.active_count() > 1 or not cls.usable():
            return None
        # Neither process shall write to what both have, only to look for garbage in it.
        gc.freeze()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed by whoever started this
                stream.flush()
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            _never_back(lambda: _begin(theirs))
        theirs.close()
        return cls(ours, pid)

    @classmethod
    async def executed(cls) -> Zygote:
        """Start one as a new interpreter, with the code that is installed now. Raises `OSError`."""
        ours, theirs = socket.socketpair()
        try:
            process = await executed("zygote", theirs)
        except OSError:
            ours.close()
            raise
        return cls(ours, process.pid, process)

    async def born(self, role: str, descriptors: Sequence[int]) -> tuple[Forked, tuple[int, ...]]:
        """Fork a process that lives as *role* and inherits *descriptors*, the first its channel; and their numbers there.

        Raises `OSError` where the machine allows no process, or this zygote is
        gone, which it is from then on.
        """
        birth = asyncio.ensure_future(self._born(role, descriptors))
        # One that nobody waits for any more finds its channel closed, and ends.
        birth.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(birth)

    async def _born(self, role: str, descriptors: Sequence[int]) -> tuple[Forked, tuple[int, ...]]:
        with contextlib.ExitStack() as keeping:
            # They stay open until they are sent, whoever closes them meanwhile.
            kept = []
            for each in descriptors:
                kept.append(os.dup(each))
                keeping.callback(os.close, kept[-1])
            async with self._one:
                told = await self._asked(role, kept)
        if "errno" in told:
            raise OSError(told["errno"], os.strerror(told["errno"]))
        return Forked(told["pid"]), tuple(told["descriptors"])

    async def _asked(self, role: str, descriptors: list[int]) -> dict[str, Any]:
        octets = b""
        if not self.lost:
            _adopt(adopting=True)
            try:
                asked = json.dumps({"role": role, "parent": os.getpid()}).encode()
                socket.send_fds(self._control, [asked], descriptors)
                octets = await asyncio.get_running_loop().sock_recv(self._control, 4096)
            except OSError:
                octets = b""
            finally:
                _adopt(adopting=False)
        if not octets:
            self.lost = True
            raise OSError(errno.ECHILD, "what processes are forked from has ended")
        told: dict[str, Any] = json.loads(octets)
        return told

    async def close(self) -> None:
        """End it, which has nothing to finish, and wait for that. Once only."""
        self.lost = True
        if self._process is None or self._process.returncode is None:
            # Not by the library: that would take its exit code from whoever waits for it.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        await (self._process or Forked(self.pid)).wait()
        async with self._one:
            self._control.close()


async def executed(
    role: str, theirs: socket.socket, inherited: Sequence[int] = ()
) -> asyncio.subprocess.Process:
    """Start ``python -m gateway.app ROLE DESCRIPTOR``, with *theirs*, which is closed here, and *inherited*.

    Raises `OSError`.
    """
    with theirs:
        # A folder of the same name where we were started must not be taken for the program.
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "gateway.app", role, str(theirs.fileno()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=2,
            env=_environment(),
            pass_fds=(theirs.fileno(), *inherited),
            start_new_session=True,
        )  # fmt: skip


def be_zygote(descriptor: int) -> None:
    """Be one, in a fresh interpreter; *descriptor* is its end of the socket pair. Never returns."""
    _never_back(lambda: _breed(socket.socket(fileno=descriptor)))


def _environment() -> dict[str, str]:
    """Ours, in which the package is found from anywhere, installed or not."""
    place = Path(__file__).resolve().parents[2]
    found = dict(os.environ)
    if place.name not in {"site-packages", "dist-packages"}:
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(place), found.get("PYTHONPATH", ""))))
    return found


def _begin(control: socket.socket) -> None:
    """Become what `Zygote.executed` would have started, then `_breed`."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if not sys.flags.safe_path:
        del sys.path[:1]
    os.environ.update(_environment())
    _breed(control)


def _breed(control: socket.socket) -> None:
    """Import what is needed, then fork whenever the supervisor asks, until it hangs up."""
    gc.disable()
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    from gateway.app.boot import live, name_process, prepare

    name_process("zygote")
    prepare()
    gc.freeze()
    while True:
        octets, descriptors, _, _ = socket.recv_fds(control, 4096, _MOST)
        if not octets:
            return
        for each in descriptors:
            os.set_inheritable(each, False)
        asked = json.loads(octets)
        try:
            child = _orphan()
        except OSError as error:
            control.send(json.dumps({"errno": error.errno}).encode())
        else:
            if child == 0:
                control.close()
                if os.getppid() == asked["parent"]:
                    live(asked["role"], descriptors[0])
                return
            control.send(json.dumps({"pid": child, "descriptors": descriptors}).encode())
        for each in descriptors:
            os.close(each)


def _orphan() -> int:
    """Fork a grandchild that somebody else has adopted by now: its id, or 0 in it. Raises `OSError`."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as told, open(writing, "wb", buffering=0) as telling:  # noqa: PTH123
        between = os.fork()
        if between == 0:
            return _forked_again(telling)
        telling.close()
        # It is adopted before anybody can see that its parent has ended.
        code = os.waitstatus_to_exitcode(os.waitpid(between, 0)[1])
        child = int.from_bytes(told.read(_PID) or b"", "big")
    if not child:
        raise OSError(code if code > 0 else errno.ECHILD, "no process could be forked")
    return child


def _forked_again(telling: io.FileIO) -> int:
    """Return in a child that has lost its parent, which has told the child's id and ended."""
    between = os.getpid()
    try:
        child = os.fork()
    except OSError as error:
        os._exit(error.errno or errno.EAGAIN)
    if child:
        telling.write(child.to_bytes(_PID, "big"))
        os._exit(0)
    os.setsid()
    while os.getppid() == between:
        time.sleep(_LOOK)
    return 0


def _adopt(*, adopting: bool) -> bool:
    """Whether this process could be told to take orphans among its descendants for its children, or not to."""
    try:
        done = ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(adopting), 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return bool(done == 0)


def _never_back(act: Callable[[], None]) -> None:
    """Do *act* and end, whatever comes of it: what called in the process that was forked is not this one's to go on with."""
    code = 1
    try:
        act()
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it is, it is told and ends this process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
