"""`licet journal check`: an archive of entries against the public log that holds them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.proofs import Key, own_key, read_key, reader
from gateway.cli.say import DATA, AsJson, Data, counted, emit, stop

if TYPE_CHECKING:
    from gateway.provenance.checkpoint import LogKey
    from gateway.provenance.log_audit import Read
    from gateway.provenance.receipts import Opened

_LISTED = 20


@dataclass
class Checked:
    """How many entries stand in the log as the archive has them, and what does not hold."""

    entries: int = 0
    fault_count: int = 0
    faults: list[str] = field(default_factory=list)

    def fault(self, why: str) -> None:
        """Take down what does not hold."""
        self.fault_count += 1
        if len(self.faults) < _LISTED:
            self.faults.append(why)


def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `licet journal export --format parquet` wrote.")
    ],
    place: Annotated[
        str, typer.Argument(metavar="[LOG]", help="The log's folder or its URL; your own if left out.")
    ] = "",
    key: Key = "",
    data: Data = DATA,
    as_json: AsJson = False,
) -> None:
    """Check an archive of entries against the public log.

    Reads the Parquet file back, each entry to the octet, and holds its leaf
    against the one that stands in the log at its place; the log itself is
    checked first, from its head to its leaves. For outsiders too. Exit 1 where
    anything does not hold; that no entry was left out it cannot show.

    \b
    licet journal check november.parquet https://journal.example/.licet/log --key journal.example/.licet/log+1a2b3c4d+AZ…
    """
    from gateway.provenance.parquet import NoParquet, read_parquet

    log = read_key(key) if place or key else own_key(data)
    if log is None:
        raise stop(f"{data} has no log yet; a running gateway begins it")
    try:
        found = asyncio.run(_against(reader(place or str(data / "log")), log, read_parquet(file)))
    except NoParquet as error:
        raise stop(str(error), 1) from None
    if as_json:
        emit({"good": not found.fault_count, "entries": found.entries, "faults": found.faults})
    else:
        print(f"checked  {counted(found.entries, 'entry', 'entries')} as the log has them")
        for each in found.faults:
            print(f"WRONG    {each}")
        print(
            "good: all of it holds"
            if not found.fault_count
            else f"NOT GOOD: {counted(found.fault_count, 'fault')}"
        )
    raise typer.Exit(1 if found.fault_count else 0)


async def _against(read: Read, log: LogKey, entries: Iterator[Opened]) -> Checked:
    from gateway.provenance.log_audit import audit_log
    from gateway.provenance.tiles import ENTRIES, WIDTH, Tile, read_bundle, width_of

    checked = Checked()
    report = await audit_log(read, log)
    for why in report.faults:
        checked.fault(f"the log: {why}")
    if report.head is None or not report.ok:
        return checked
    size = report.head.size
    known: tuple[int, tuple[bytes, ...]] = (-1, ())
    for opened in entries:
        nth, at = divmod(opened.index, WIDTH)
        if not 0 <= opened.index < size:
            checked.fault(f"entry {opened.index}: the log has {size} entries")
            continue
        if known[0] != nth:
            known = (nth, read_bundle(await read(Tile(ENTRIES, nth, width_of(0, nth, size)).path)))
        if known[1][at] != opened.leaf:
            checked.fault(f"entry {opened.index}: it is not the one in the log")
        else:
            checked.entries += 1
    return checked
