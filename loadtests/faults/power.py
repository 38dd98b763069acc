"""Power cuts: a file system in memory that forgets, at a chosen moment, whatever nobody synced.

python -m loadtests.faults.power --target shop --cuts 60

`kill -9` cannot tell `synchronous=FULL` from `NORMAL`, since what was handed to
the kernel outlives the process; this can. It is mounted by FUSE (PyPI mfusepy,
`/dev/fuse`, `fusermount3`). Every file has what was written and what was synced,
every directory its names and those that were synced. At the k-th change the
power goes: what remains is written to the backing folder, and the file system is
gone under whoever uses it.

====== ==================================================================
mode   what remains
====== ==================================================================
synced what was synced, and nothing else
names  of names everything, of octets what was synced
some   by chance: of each directory the one or the other, of each file the
       synced octets with pages of what was written over them, and a piece
       of what was appended
====== ==================================================================
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import itertools
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gateway.provenance.append_file import Disk
from gateway.store.sqlite import database as engine
from loadtests.faults import kills
from loadtests.faults.kills import drain, forked
from loadtests.faults.shop import Said, Shop
from loadtests.faults.verdict import judge

MODES: Final = ("synced", "names", "some")
#: Configurations that lose what was acknowledged, each by the target that shows it.
BROKEN: Final = {"normal": "ledger", "off": "ledger", "no fdatasync": "shop"}
_PAGE: Final = 4096
_PATIENCE: Final = 20.0


def missing() -> str:
    """Why there can be no power cut on this machine, or ""."""
    try:
        import mfusepy  # noqa: F401
    except (ImportError, OSError) as error:
        return f"PyPI mfusepy or libfuse is absent: {error}"
    if shutil.which("fusermount3") is None:
        return "fusermount3 is absent (Debian: fuse3)"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse cannot be opened"
    return ""


@dataclass(eq=False)
class _Node:
    """A file or a directory, as it is and as it was synced."""

    mode: int
    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    names: dict[str, _Node] = field(default_factory=dict)
    kept: dict[str, _Node] = field(default_factory=dict)
    time: int = field(default_factory=time.time_ns)


def _loaded(path: Path) -> _Node:
    """What lies at *path*, all of it synced."""
    node = _Node(path.stat().st_mode)
    if path.is_dir():
        node.names = {each.name: _loaded(each) for each in path.iterdir()}
        node.kept = dict(node.names)
    else:
        node.synced = path.read_bytes()
        node.data = bytearray(node.synced)
    return node


def _remains(node: _Node, path: Path, mode: str, dice: random.Random) -> None:
    """Write what remains of *node* to *path*."""
    if not stat.S_ISDIR(node.mode):
        path.write_bytes(_octets(node, dice) if mode == "some" else node.synced)
    else:
        path.mkdir()
        now = mode == "names" or (mode == "some" and dice.random() < 0.5)
        for name, each in (node.names if now else node.kept).items():
            _remains(each, path / name, mode, dice)
    path.chmod(stat.S_IMODE(node.mode))


def _octets(node: _Node, dice: random.Random) -> bytes:
    """The synced octets, some pages of them as they are now, and a piece of what was appended since."""
    found, now = bytearray(node.synced), bytes(node.data)
    for at in range(0, min(len(found), len(now)), _PAGE):
        if dice.random() < 0.5:
            end = min(at + _PAGE, len(found), len(now))
            found[at:end] = now[at:end]
    if len(now) > len(found):
        found += now[len(found) : dice.randrange(len(found), len(now) + 1)]
    return bytes(found)


class _Operations:
    """What the kernel asks. It counts the changes, and dies at the *cut*-th."""

    use_ns = True

    def __init__(self, backing: Path, cut: int, mode: str, seed: int) -> None:
        self.root, self._backing = _loaded(backing), backing
        self._cut, self._mode, self._dice = cut, mode, random.Random(seed)
        self._open: dict[int, _Node] = {}
        self._numbers = itertools.count(1)
        self._changes = 0

    def _change(self) -> None:
        """Count a change that is about to be made; the power goes before the one that is one too many."""
        self._changes += 1
        if self._changes <= self._cut:
            return
        shutil.rmtree(self._backing)
        _remains(self.root, self._backing, self._mode, self._dice)
        os._exit(0)

    def _node(self, path: str, fh: int | None = None) -> _Node:
        if fh is not None and fh in self._open:
            return self._open[fh]
        node = self.root
        for name in filter(None, path.split("/")):
            if name not in node.names:
                raise OSError(errno.ENOENT, path)
            node = node.names[name]
        return node

    def _parent(self, path: str) -> tuple[_Node, str]:
        folder, _, name = path.rpartition("/")
        return self._node(folder), name

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        node = self._node(path, fh)
        return {
            "st_mode": node.mode, "st_size": len(node.data), "st_nlink": 1, "st_uid": os.getuid(), "st_gid": os.getgid(),
            "st_mtime": node.time, "st_ctime": node.time, "st_atime": node.time,
        }  # fmt: skip

    def readdir(self, path: str, _fh: int) -> list[str]:
        return [".", "..", *self._node(path).names]

    def open(self, path: str, flags: int) -> int:
        node = self._node(path)
        if flags & os.O_TRUNC:
            self._change()
            node.data.clear()
        return self._handle(node)

    def create(self, path: str, mode: int, _fi: Any = None) -> int:
        self._change()
        folder, name = self._parent(path)
        folder.names[name] = made = _Node(stat.S_IFREG | stat.S_IMODE(mode))
        return self._handle(made)

    def _handle(self, node: _Node) -> int:
        number = next(self._numbers)
        self._open[number] = node
        return number

    def opendir(self, path: str) -> int:
        return self._handle(self._node(path))

    def release(self, _path: str, fh: int) -> int:
        self._open.pop(fh, None)
        return 0

    releasedir = release

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return bytes(self._node(path, fh).data[offset : offset + size])

    def write(self, path: str, octets: bytes, offset: int, fh: int) -> int:
        self._change()
        node = self._node(path, fh)
        if offset > len(node.data):
            node.data += bytes(offset - len(node.data))
        node.data[offset : offset + len(octets)] = octets
        node.time = time.time_ns()
        return len(octets)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        self._change()
        node = self._node(path, fh)
        del node.data[length:]
        node.data += bytes(length - len(node.data))

    def fsync(self, path: str, _datasync: int, fh: int) -> int:
        self._change()
        node = self._node(path, fh)
        node.synced = bytes(node.data)
        return 0

    def fsyncdir(self, path: str, _datasync: int, fh: int) -> int:
        self._change()
        node = self._node(path, fh)
        node.kept = dict(node.names)
        return 0

    def mkdir(self, path: str, mode: int) -> None:
        self._change()
        folder, name = self._parent(path)
        folder.names[name] = _Node(stat.S_IFDIR | stat.S_IMODE(mode))

    def unlink(self, path: str) -> None:
        self._change()
        folder, name = self._parent(path)
        del folder.names[name]

    def rmdir(self, path: str) -> None:
        if self._node(path).names:
            raise OSError(errno.ENOTEMPTY, path)
        self.unlink(path)

    def rename(self, old: str, new: str, _flags: int = 0) -> None:
        self._change()
        (source, name), (target, its) = self._parent(old), self._parent(new)
        target.names[its] = source.names.pop(name)

    def chmod(self, path: str, mode: int) -> None:
        node = self._node(path)
        node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)

    def chown(self, path: str, _uid: int, _gid: int) -> None:
        self._node(path)

    def utimens(self, path: str, _times: Any = None) -> None:
        self._node(path)

    def statfs(self, _path: str) -> dict[str, int]:
        return {
            "f_bsize": _PAGE,
            "f_frsize": _PAGE,
            "f_blocks": 1 << 20,
            "f_bfree": 1 << 20,
            "f_bavail": 1 << 20,
        }


def _serve(backing: Path, mount: Path, cut: int, mode: str, seed: int) -> None:
    import mfusepy

    class Served(_Operations, mfusepy.Operations):  # type: ignore[misc]
        pass

    mfusepy.FUSE(
        Served(backing, cut, mode, seed), str(mount), foreground=True, nothreads=True, hard_remove=True
    )


@contextlib.contextmanager
def mounted(backing: Path, mount: Path, cut: int, mode: str, seed: int) -> Iterator[int]:
    """Mount *backing* at *mount* until the power goes, or the block ends; gives the server's process id."""
    mount.mkdir(exist_ok=True)
    server, pipe = forked(lambda _tell: _serve(backing, mount, cut, mode, seed))
    until = time.monotonic() + _PATIENCE
    while not os.path.ismount(mount) and time.monotonic() < until:
        time.sleep(0.002)
    try:
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
        os.close(pipe)
        subprocess.run(["fusermount3", "-uzq", str(mount)], check=False)


class _Unsynced(Disk):
    def sync(self, descriptor: int) -> None:
        """Say that it is done."""


async def _shop(data: Path, round: int, said: Said, *, disk: Disk | None = None) -> None:
    shop = await Shop.open(data, said, round=round, disk=disk)
    while True:
        await shop.sell(2)
        await shop.fold()
        if reason := await shop.publish():
            raise OSError(reason)


def _life(target: str, broken: str) -> kills.Life:
    """What runs on the file system; *broken* is a configuration of `BROKEN`, or ""."""
    if broken in {"normal", "off"}:
        keep = engine._keep_everything  # noqa: SLF001 - the configuration that is to be broken

        def less(writer: Any, busy_ms: int) -> None:
            keep(writer, busy_ms)
            writer.pragma("synchronous", broken)

        engine._keep_everything = less  # noqa: SLF001
    if target == "ledger":
        return kills.LIVES["ledger"][1]
    disk = _Unsynced() if broken == "no fdatasync" else None
    return lambda data, turn, said: _shop(data, turn, said, disk=disk)


def first_starts(folder: Path, seed: int, *, mode: str = "synced", step: int = 1) -> dict[str, Any]:
    """Cut the power at every *step*-th change of a gateway's very first start; the next one needs no operator."""
    wrong, cut, acknowledged = list[str](), 0, 0
    for at in itertools.count(1, step):
        backing, mount, said = folder / f"backing-{at}", folder / "mount", Said()
        backing.mkdir()
        with mounted(backing, mount, at, mode, seed + at) as server:
            pid, pipe = forked(lambda tell, mount=mount: asyncio.run(_first(mount / "data", Said(tell=tell))))
            broke = drain(pipe, said)
            os.waitpid(pid, 0)
            gone = _ended(server, 1.0)
        if not gone:
            wrong += broke
            break  # there are no more changes than this
        cut += 1
        acknowledged += len(said.entries)
        if (backing / "data").exists():
            wrong += [f"at {at}: {each}" for each in _judged(_started, backing, folder / "looked at", said)]
        elif said.entries:
            wrong.append(f"at {at}: the folder is gone")
        shutil.rmtree(backing)
    return {"target": "first start", "mode": mode, "cuts": cut, "acknowledged": acknowledged, "wrong": wrong}


def _ended(pid: int, seconds: float) -> bool:
    """Whether that child ends within *seconds*; it is not waited for yet."""
    until = time.monotonic() + seconds
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


async def _first(data: Path, said: Said) -> None:
    shop = await Shop.open(data, said)
    await shop.pay_in()
    await shop.sell(2)
    await shop.fold()
    await shop.publish()
    await shop.close()


async def _started(data: Path, said: Said) -> list[str]:
    found = await judge(data, said, sell=0)
    return [] if found.clean else [str(found)]


def cuts(
    target: str, number: int, folder: Path, seed: int, *, mode: str = "synced", broken: str = ""
) -> dict[str, Any]:
    """Cut the power *number* times under *target*; the counts, and what is wrong. One data folder through all."""
    begin, _, verdict = kills.LIVES["ledger" if target == "ledger" else "keeper"]
    backing, mount, said = folder / "backing", folder / "mount", Said()
    backing.mkdir()
    dice, wrong, silent = random.Random(seed), list[str](), 0
    pid, pipe = forked(lambda tell: asyncio.run(begin(backing / "data", 0, Said(tell=tell))))
    wrong += drain(pipe, said)
    os.waitpid(pid, 0)
    for turn in range(1, number + 1):
        before = len(said.entries)
        with mounted(
            backing, mount, dice.randrange(1, 260 + 8 * turn), mode, dice.randrange(1 << 30)
        ) as server:
            pid, pipe = forked(lambda tell, turn=turn: _used(mount / "data", turn, tell, target, broken))
            os.waitid(os.P_PID, server, os.WEXITED | os.WNOWAIT)
            time.sleep(0.01)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            drain(pipe, said)
            os.waitpid(pid, 0)
        silent += len(said.entries) == before
        if turn % 10 == 0 or turn == number or broken:
            wrong += _judged(verdict, backing, folder / "looked at", said)
        if wrong:
            break
    return {
        "target": target, "mode": mode, "broken": broken, "seed": seed, "cuts": turn, "acknowledged": len(said.entries),
        "heads": len(said.heads), "cut before a word": silent, "wrong": wrong,
    }  # fmt: skip


def _used(data: Path, turn: int, tell: Callable[[str], None], target: str, broken: str) -> None:
    asyncio.run(_life(target, broken)(data, turn, Said(tell=tell)))


def _judged(verdict: Any, backing: Path, copy: Path, said: Said) -> list[str]:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(backing / "data", copy)

    def look(tell: Callable[[str], None]) -> None:
        for sentence in asyncio.run(verdict(copy, said)):
            tell(f"broke {sentence}")

    pid, pipe = forked(look)
    wrong = drain(pipe, Said())
    os.waitpid(pid, 0)
    return wrong


def main() -> None:
    """Print the counts as JSON; exit 1 where anything is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", choices=("shop", "ledger", "first start"), default="shop")
    parser.add_argument("--cuts", type=int, default=40)
    parser.add_argument("--step", type=int, default=1, help="of a first start: every how many changes")
    parser.add_argument("--mode", choices=MODES, default="synced")
    parser.add_argument("--broken", choices=sorted(BROKEN), default="")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    chosen = parser.parse_args()
    if why := missing():
        sys.exit(f"no power can be cut here: {why}")
    with tempfile.TemporaryDirectory(prefix="licet-power-") as folder:
        if chosen.target == "first start":
            found = first_starts(Path(folder), chosen.seed, mode=chosen.mode, step=chosen.step)
        else:
            found = cuts(
                chosen.target, chosen.cuts, Path(folder), chosen.seed, mode=chosen.mode, broken=chosen.broken
            )
    print(json.dumps(found))
    sys.exit(bool(found["wrong"]))


if __name__ == "__main__":
    main()
