"""Torn writes: a file cut at every offset of its last page or record; the folder recovers or says why it does not.

What was acknowledged and then torn away under us cannot be whole again where no
copy exists; then at most the torn record may be missing, and only as long as no
head was signed over it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from loadtests.faults.shop import Said, Shop
from loadtests.faults.verdict import Verdict, judge

WHAT = (
    "write-ahead log",
    "journal, folded",
    "journal, not folded",
    "tile of hashes",
    "bundle of leaves",
    "signed head",
)


@dataclass
class Torn:
    """What came of all cuts of one file: *wrong* are those that neither recovered nor were refused honestly."""

    what: str
    cuts: int = 0
    whole: int = 0
    refused: int = 0
    last_record_gone: int = 0
    wrong: list[str] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Nothing is wrong yet."""
        self.wrong = self.wrong or []


async def crashed(folder: Path) -> tuple[Path, Said]:
    """A folder as a crash leaves it: entries folded and signed, more recorded and not folded, a log that is not folded in."""
    said = Said()
    data = folder / "data"
    shop = await Shop.open(data, said)
    await shop.pay_in()
    await shop.sell(280)
    await shop.fold()
    await shop.publish()
    await shop.sell(2)
    await shop.fold()
    image = shutil.copytree(data, folder / "image")
    await shop.close()
    return image, said


def last_part(image: Path, what: str) -> tuple[Path, int, int]:
    """The file of *what* in *image*, and from where to where it is cut."""
    if what == "write-ahead log":
        path = image / "licet.db-wal"
        size = path.stat().st_size
        return path, size - (4096 + 24), size
    if what.startswith("journal"):
        (path,) = (image / "journal").glob("front-*.seg")
        octets = path.read_bytes()
        return path, octets.rindex(b'{"entry":{') - 8, len(octets)
    path = {
        "tile of hashes": image / "log" / "tile" / "0" / "001.p" / "25",
        "bundle of leaves": image / "log" / "tile" / "entries" / "001.p" / "25",
        "signed head": image / "log" / "checkpoint",
    }[what]
    size = path.stat().st_size
    return path, max(0, size - 256), size


async def tear(folder: Path, what: str, step: int) -> Torn:
    """Cut the file of *what* at every *step*-th offset of its last part, each in a copy of one crashed folder."""
    image, said = await crashed(folder)
    if what == "journal, not folded":
        image, said = await _unfolded(folder)
    found = Torn(what)
    path, begin, end = last_part(image, what)
    for at in range(begin, end, step):
        copy = shutil.copytree(image, folder / "copy")
        with (copy / path.relative_to(image)).open("r+b") as file:
            file.truncate(at)
        _count(found, at, await judge(copy, said))
        shutil.rmtree(copy)
    return found


async def _unfolded(folder: Path) -> tuple[Path, Said]:
    said = Said()
    shop = await Shop.open(folder / "fresh", said)
    await shop.pay_in()
    await shop.publish()
    await shop.sell(3)
    image = shutil.copytree(folder / "fresh", folder / "unfolded")
    await shop.close()
    return image, said


def _count(found: Torn, at: int, verdict: Verdict) -> None:
    found.cuts += 1
    if verdict.clean:
        found.whole += 1
    elif verdict.refused and verdict.honest and not verdict.lost:
        found.refused += 1
    elif (
        found.what == "journal, not folded"
        and len(verdict.lost) == 1
        and not (verdict.forked or verdict.doubled)
    ):
        # The only copy of it is gone; whoever has its receipt can say so.
        found.last_record_gone += 1
    else:
        found.wrong.append(f"cut at {at}: {verdict}")
