"""Speed beside nginx and its peers in the same run, per CPU-second of the proxy. See loadtests/README.md.

    python -m loadtests.bench                        the table, then latency, decisions, idle connections
    python -m loadtests.bench --only person,402 --targets licet,haproxy --rounds 3

Absolute figures of a shared machine mean little; the ratio of two proxies that
took turns in one run means something.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from loadtests import targets
from loadtests.comparison import BASE, compare, rows
from loadtests.deciding import deciding
from loadtests.idle import big, idle
from loadtests.installing import program
from loadtests.latency import fixed_rate
from loadtests.processes import CannotRun, awake, raise_limits
from loadtests.profiling import profile
from loadtests.table import lines
from loadtests.works import WORKS

#: Whom latency and memory are measured of: ours, and who all are held against.
OURS = ("nginx", "licet")
IDLE = 4000
_RESULTS = Path(__file__).resolve().parent / "results"


def _say(text: str) -> None:
    print(f"{text} …", file=sys.stderr, flush=True)


def _comparison(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    for name in ("wrk", "taskset", BASE):
        program(name)
    works = [WORKS[key] for key in chosen.only]
    rounds, seconds = chosen.rounds, chosen.seconds
    about = len(works) * len(chosen.targets) * rounds * (seconds + 0.5) + 5 * len(chosen.targets)
    _say(
        f"{len(works)} works, {len(chosen.targets)} targets, {rounds} rounds: about {about / 60:.0f} minutes"
    )
    with awake() as all_awake:
        found = compare(folder, chosen.targets, works, rounds, seconds, _say)
    return {
        "awake": all_awake,
        "versions": found.versions,
        "absent": found.absent,
        "rows": rows(found),
        "journal": found.journal,
    }


def _found(chosen: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Any]]:
    """Every section that was chosen, by name."""
    sections: dict[str, Callable[[Path], Any]] = {
        "comparison": lambda place: _comparison(chosen, place),
        "latency": lambda place: fixed_rate(place, OURS, chosen.rate, chosen.rounds, chosen.seconds, _say),
        "deciding": lambda _: deciding(),
        "idle": lambda place: idle(place, OURS, chosen.idle or IDLE),
        "big": lambda place: big(place, chosen.big or 1),
        "profile": lambda place: profile(place, max(3, chosen.seconds)),
    }
    wanted = [name for name in sections if getattr(chosen, name, None)] or [
        "comparison",
        "latency",
        "deciding",
        "idle",
    ]
    for name in wanted:
        place = folder / name
        place.mkdir()
        folder.chmod(0o755)
        if name != "comparison":
            _say(name)
        try:
            yield name, sections[name](place)
        except CannotRun as error:
            yield name, {"not_measured": str(error)}


def _names(known: dict[str, Any] | tuple[str, ...]):
    def read(text: str) -> list[str]:
        names = [name for name in text.split(",") if name]
        odd = [name for name in names if name not in known]
        if odd:
            raise argparse.ArgumentTypeError(f"{', '.join(odd)} is none of {', '.join(known)}")
        return names

    return read


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of one target at one work in one round")
    parser.add_argument(
        "--only", type=_names(WORKS), default=list(WORKS), metavar="WORK,…", help=", ".join(WORKS)
    )
    parser.add_argument(
        "--targets",
        type=_names(targets.NAMES),
        default=list(targets.NAMES),
        metavar="NAME,…",
        help=", ".join(targets.NAMES),
    )
    parser.add_argument("--comparison", action="store_true", help="only the table")
    parser.add_argument("--latency", action="store_true", help="only the latency at a fixed rate")
    parser.add_argument("--rate", type=int, default=1000, help="requests a second for it")
    parser.add_argument("--deciding", action="store_true", help="only the CPU of a decision")
    parser.add_argument(
        "--idle", type=int, metavar="N", help=f"only the memory of N idle connections (else {IDLE})"
    )
    parser.add_argument(
        "--big", type=float, metavar="GB", help="only the memory while so much passes, both ways"
    )
    parser.add_argument("--profile", action="store_true", help="only py-spy on the front, three works")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args()


def main() -> None:
    """Measure, print, and keep the figures in loadtests/results."""
    chosen = _options()
    raise_limits()
    found: dict[str, Any] = {"at": time.strftime("%Y-%m-%dT%H:%M:%S")}
    with tempfile.TemporaryDirectory(prefix="licet-bench-") as name:
        for section, figures in _found(chosen, Path(name)):
            found[section] = figures
            if not chosen.json:
                print("\n".join(lines(section, figures)), flush=True)
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / f"{time.strftime('%Y%m%dT%H%M%S')}.json").write_text(json.dumps(found, indent=2))
    if chosen.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
