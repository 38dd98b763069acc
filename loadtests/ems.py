"""How long a large file takes to be encrypted and opened again (RSL's EMS), and in how much memory.

    python -m loadtests.ems --gib 10                    # through a pipe: touches no disk
    python -m loadtests.ems --gib 10 --folder /big      # by a file, as `licet ems` does it; needs the room

Two processes of their own, so that each one's memory is its own. What comes out
is compared by its digest with what went in; a difference ends with status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, cast

from gateway.keys.ems import ContentKey, decrypt, encrypt

GIB = 1024**3
_BLOCK = hashlib.shake_128(b"licet").digest(1024 * 1024)


class Made(io.RawIOBase):
    """*octets* octets that need no disk, and their digest."""

    def __init__(self, octets: int) -> None:
        """Give so many."""
        self.left, self.digest = octets, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next ones."""
        part = _BLOCK[: min(size if size >= 0 else len(_BLOCK), len(_BLOCK), self.left)]
        self.left -= len(part)
        self.digest.update(part)
        return part


class Digested(io.RawIOBase):
    """Takes octets for their digest alone."""

    def __init__(self) -> None:
        """Start with none."""
        self.digest = hashlib.sha256()

    def write(self, octets: object) -> int:
        """Count them."""
        self.digest.update(cast("bytes", octets))
        return len(cast("bytes", octets))


def one_side(side: str, octets: int, key: ContentKey, place: str) -> dict[str, object]:
    """Encrypt to, or decrypt from, *place*, where "" is the standard stream; returns the figures."""
    began = time.monotonic()
    if side == "encrypt":
        source = Made(octets)
        with Path(place).open("wb") if place else os.fdopen(1, "wb") as target:
            count = encrypt(cast("BinaryIO", source), target, key)
        digest = source.digest
    else:
        sink = Digested()
        with Path(place).open("rb") if place else os.fdopen(0, "rb") as encrypted:
            count = decrypt(encrypted, cast("BinaryIO", sink), key)
        digest = sink.digest
    return {
        "side": side,
        "octets": count,
        "sha256": digest.hexdigest(),
        "seconds": round(time.monotonic() - began, 1),
        "most_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def both(octets: int, folder: Path | None) -> list[dict[str, object]]:
    """Run both sides in processes of their own: at once through a pipe, or one after the other by a file in *folder*."""
    key = json.dumps(ContentKey.new().as_jwk())

    def run(side: str, place: str, **streams: object) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "loadtests.ems",
            "--side",
            side,
            "--octets",
            str(octets),
            "--place",
            place,
        ]
        env = {**os.environ, "LICET_EMS_KEY": key}
        return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, **streams)  # type: ignore[call-overload,no-any-return]

    if folder is None:
        first = run("encrypt", "", stdout=subprocess.PIPE)
        second = run("decrypt", "", stdin=first.stdout)
        said = [second.communicate()[1], first.communicate()[1]][::-1]
    else:
        with tempfile.TemporaryDirectory(dir=folder) as beside:
            place = str(Path(beside) / "file.enc")
            said = [run(side, place).communicate()[1] for side in ("encrypt", "decrypt")]
    return [json.loads(each.splitlines()[-1]) for each in said]


def main() -> int:
    """Print the figures of both sides; 1 where what came out is not what went in."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gib", type=float, default=10.0, help="size of the file; 10")
    parser.add_argument("--folder", type=Path, help="go by a file in this folder, which is removed")
    for name in ("--side", "--octets", "--place"):
        parser.add_argument(name, default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        key = ContentKey.read(json.loads(os.environ["LICET_EMS_KEY"]))
        print(json.dumps(one_side(given.side, int(given.octets), key, given.place)), file=sys.stderr)
        return 0
    octets = int(given.gib * GIB)
    found = both(octets, given.folder)
    for each in found:
        speed = octets / 1e6 / max(float(str(each["seconds"])), 0.1)
        print(
            f"{each['side']}: {each['seconds']} s, {speed:.0f} MB/s, at most {each['most_memory_mb']} MB of memory"
        )
    same = found[0]["sha256"] == found[1]["sha256"] and {each["octets"] for each in found} == {octets}
    print("what came out is what went in" if same else "WHAT CAME OUT IS NOT WHAT WENT IN")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
