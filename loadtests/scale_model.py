"""What a million sites and 100,000 requests a second need: a model whose inputs were measured here.

python -m loadtests.scale_model                            the tables of SCALING.md
python -m loadtests.scale_model --figures loadtests/results/scaling.json
python -m loadtests.scale_model --sites 20000 --requests 2000 --core-month 12 --egress-gb 0.01

A *cell* is one database with the machines on it and the sites that they serve;
cells have nothing in common, so the whole is as many of them as its tightest
limit asks for. The model says how many, what each is made of, which limit that
is, and what comes to rest where. Prices are the reader's: without them nothing
is costed but amounts. How far the books fall behind on a day with a busy hour is
simulated second by second, as the queue that the keeper works off.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

#: What was measured for the page.
INPUTS: Final = Path(__file__).resolve().parent / "scale_inputs.json"
_DAY: Final = 86_400
_MONTH_DAYS: Final = 30


@dataclass(frozen=True)
class Measured:
    """What one core and one store did here. CPU in microseconds a request, of the gateway's whole process tree."""

    person_us: float
    refused_us: float
    licensed_us: float
    store_us: float
    folded_per_second: float
    leases_per_second: float
    journal_octets: float
    store_octets: float
    kilobytes_per_site: float
    milliseconds_per_site: float

    @classmethod
    def of(cls, figures: dict[str, Any]) -> Measured:
        """Out of what `loadtests.scaling` writes: the gateway on PostgreSQL with one worker."""
        rows = {(row["case"], row["work"]): row for row in figures["rows"]}
        parts = figures["parts"]

        def us(work: str) -> float:
            return float(1e6 / rows["postgres-1", work]["per_cpu_second"])

        return cls(
            us("person"), us("402"), us("licensed-new"), rows["postgres-1", "licensed-new"]["store_microseconds"],
            parts["postgres_folded_per_second"], parts["postgres_leases_per_second"],
            parts["journal_octets_per_record"], parts["postgres_octets_per_record"],
            parts["kilobytes_per_site"], parts["milliseconds_per_site"],
        )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What is to be served, and what the reader's machines are; everything here is an assumption.

    *people*, *refused* and *licensed* are shares of the requests. Of refusals the share *recorded* is written
    one by one, the rest counted. *lease* is how many fetches one lease covers. *busy* is how busy a core or a
    store may be in the mean. *core* is how fast the reader's core is, ours being 1.
    """

    sites: int = 1_000_000
    requests: float = 100_000
    people: float = 0.70
    refused: float = 0.25
    licensed: float = 0.05
    recorded: float = 0.10
    lease: float = 64
    busy: float = 0.5
    core: float = 1.0
    cores: int = 16
    worker_gb: float = 2.0
    start_seconds: float = 120
    page_kb: float = 30
    keep_days: int = 400
    core_month: float = 0.0
    memory_gb_month: float = 0.0
    storage_gb_month: float = 0.0
    egress_gb: float = 0.0


@dataclass(frozen=True)
class Needed:
    """What the model comes to. *walls* are how many cells each limit asks for."""

    records: float
    leases: float
    walls: dict[str, int]
    cells: int
    front_cores: float
    machines: int
    store_cores: float
    memory_gb: float
    stored_gb: float
    journal_gb_day: float
    egress_tb_month: float
    behind_seconds: float
    behind_hours: float

    @property
    def wall(self) -> str:
        """The limit that is met first."""
        return max(self.walls, key=lambda name: self.walls[name])


def needed(measured: Measured, asked: Asked, seed: int = 1) -> Needed:
    """What *asked* needs, by what was *measured*."""
    each = asked.requests / asked.core / 1e6 / asked.busy
    front = each * (
        asked.people * measured.person_us
        + asked.refused * measured.refused_us
        + asked.licensed * measured.licensed_us
    )
    records = asked.requests * (asked.licensed + asked.refused * asked.recorded)
    leases = asked.requests * asked.licensed / asked.lease
    walls = {
        "memory of a worker": asked.sites * measured.kilobytes_per_site / 1e6 / asked.worker_gb,
        "time to start": asked.sites
        * measured.milliseconds_per_site
        / 1e3
        / asked.core
        / asked.start_seconds,
        "records folded": records / (measured.folded_per_second * asked.core * asked.busy),
        "leases": leases / (measured.leases_per_second * asked.core * asked.busy),
    }
    cells_by = {name: max(1, math.ceil(value)) for name, value in walls.items()}
    cells = max(cells_by.values())
    # Two machines at least, so that one may fail; one worker a core.
    machines = cells * max(2, math.ceil(front / cells / asked.cores))
    workers = max(2 * cells, math.ceil(front))
    behind, hours = behind_of(records / cells, measured.folded_per_second * asked.core, seed)
    return Needed(
        records=records,
        leases=leases,
        walls=cells_by,
        cells=cells,
        front_cores=front,
        machines=machines,
        store_cores=asked.requests * asked.licensed * measured.store_us / asked.core / 1e6 / asked.busy,
        memory_gb=workers * (0.08 + asked.sites / cells * measured.kilobytes_per_site / 1e6),
        stored_gb=2 * records * measured.store_octets * _DAY * asked.keep_days / 1e9,
        journal_gb_day=records * measured.journal_octets * _DAY / 1e9,
        egress_tb_month=asked.requests * asked.page_kb * _DAY * _MONTH_DAYS / 1e9,
        behind_seconds=behind,
        behind_hours=hours,
    )


def behind_of(records: float, folded: float, seed: int, *, peak: float = 3.0) -> tuple[float, float]:
    """How far a cell's books fall behind on one day, in seconds at the worst, and for how many hours by more than 10 s.

    *records* a second in the mean come as a wave of the day, with one hour at *peak* times the mean and noise; *folded*
    is what the keepers of the cell do.
    """
    chance = random.Random(seed)
    busy_hour = chance.randrange(8, 20)
    waiting, worst, late = 0.0, 0.0, 0
    for second in range(_DAY):
        wave = 1 + 0.6 * math.sin(2 * math.pi * (second / _DAY - 0.3))
        if second // 3600 == busy_hour:
            wave = peak
        waiting = max(0.0, waiting + records * wave * chance.uniform(0.8, 1.2) - folded)
        behind = waiting / folded
        worst = max(worst, behind)
        late += behind > 10
    return worst, late / 3600


def costs(asked: Asked, found: Needed) -> float:
    """A month, in whatever currency the reader's prices are."""
    cores = found.machines * asked.cores + found.store_cores * 2
    stored = found.stored_gb + found.journal_gb_day * _MONTH_DAYS
    return (
        cores * asked.core_month
        + found.memory_gb * asked.memory_gb_month
        + stored * asked.storage_gb_month
        + found.egress_tb_month * 1000 * asked.egress_gb
    )


def page(figures: dict[str, Any], asked: Asked) -> Iterator[str]:
    """The tables of SCALING.md, as Markdown."""
    measured = Measured.of(figures)
    found = needed(measured, asked)
    yield "| measured here | figure |"
    yield "|---|---:|"
    for field in fields(measured):
        value = getattr(measured, field.name)
        yield (
            f"| {_MEASURED[field.name]} | {value:,.0f} |"
            if value >= 100
            else f"| {_MEASURED[field.name]} | {value:,.1f} |"
        )
    yield ""
    yield f"| {asked.sites:,} sites, {asked.requests:,.0f} requests a second | amount |"
    yield "|---|---:|"
    yield f"| records a second | {found.records:,.0f} |"
    yield f"| leases a second | {found.leases:,.0f} |"
    for name, count in sorted(found.walls.items(), key=lambda item: -item[1]):
        yield f"| cells that *{name}* asks for | {count:,} |"
    yield f"| **cells**; the wall is *{found.wall}* | **{found.cells:,}** |"
    yield f"| sites, requests a second of a cell | {asked.sites // found.cells:,}, {asked.requests / found.cells:,.0f} |"
    yield f"| cores of gateways | {found.front_cores:,.0f} |"
    yield f"| machines of {asked.cores} cores, two a cell at least | {found.machines:,} |"
    yield f"| cores of PostgreSQL, and as many again in standbys | {found.store_cores:,.0f} |"
    yield f"| memory of all workers | {found.memory_gb:,.0f} GB |"
    yield f"| books of {asked.keep_days} days, with a standby | {found.stored_gb / 1000:,.1f} TB |"
    yield f"| journal files a day | {found.journal_gb_day:,.0f} GB |"
    yield f"| egress a month at {asked.page_kb:.0f} KB an answer | {found.egress_tb_month:,.0f} TB |"
    yield f"| books behind at the worst of a day with an hour at three times the mean | {found.behind_seconds:,.0f} s |"
    yield f"| hours of that day on which they are more than 10 s behind | {found.behind_hours:.1f} |"
    if cost := costs(asked, found):
        yield f"| a month, at your prices | {cost:,.0f} |"
    yield ""
    yield "| one cell, its first wall at | sites | requests a second |"
    yield "|---|---:|---:|"
    for name in found.walls:
        at = _first(measured, asked, name)
        sites, requests = (
            (f"{at:,.0f}", "-") if name in {"memory of a worker", "time to start"} else ("-", f"{at:,.0f}")
        )
        yield f"| {name} | {sites} | {requests} |"


def _first(measured: Measured, asked: Asked, name: str) -> float:
    """Up to how many sites, or requests a second, one cell has room by that limit."""
    share = asked.licensed + asked.refused * asked.recorded
    return {
        "memory of a worker": asked.worker_gb * 1e6 / measured.kilobytes_per_site,
        "time to start": asked.start_seconds * asked.core * 1e3 / measured.milliseconds_per_site,
        "records folded": measured.folded_per_second * asked.core * asked.busy / share,
        "leases": measured.leases_per_second * asked.core * asked.busy * asked.lease / asked.licensed,
    }[name]


_MEASURED: Final = {
    "person_us": "a person's page, microseconds of CPU",
    "refused_us": "a price told to a crawler (402), microseconds of CPU",
    "licensed_us": "a licensed page that is paid for, microseconds of CPU, folding and books included",
    "store_us": "the same, microseconds of CPU in PostgreSQL",
    "folded_per_second": "records folded a second into one PostgreSQL",
    "leases_per_second": "leases a second out of one PostgreSQL",
    "journal_octets": "octets of a record in the journal's file",
    "store_octets": "octets of a record in PostgreSQL, indexes included",
    "kilobytes_per_site": "memory of a site's policy in each worker, KB",
    "milliseconds_per_site": "reading a site's policy at a start, milliseconds",
}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--figures", type=Path, default=INPUTS, help="what loadtests.scaling wrote")
    for field in fields(Asked):
        kind = int if isinstance(field.default, int) else float
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    chosen = vars(parser.parse_args())
    figures = json.loads(chosen.pop("figures").read_text())
    print("\n".join(page(figures, Asked(**chosen))))


if __name__ == "__main__":
    main()
