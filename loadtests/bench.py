"""Speed beside nginx and its peers in the same run, per CPU-second of the proxy. See loadtests/README.md.

    python -m loadtests.bench                        the table
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
from pathlib import Path
from typing import Any

from loadtests import targets
from loadtests.comparison import compare, rows
from loadtests.installing import program
from loadtests.processes import CannotRun, raise_limits
from loadtests.table import table
from loadtests.works import WORKS

_RESULTS = Path(__file__).resolve().parent / "results"


def _say(text: str) -> None:
    print(f"{text} …", file=sys.stderr, flush=True)


def _comparison(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    program("wrk")
    works = [WORKS[key] for key in chosen.only]
    rounds, seconds = chosen.rounds, chosen.seconds
    about = len(works) * len(chosen.targets) * rounds * (seconds + 0.4)
    _say(
        f"{len(works)} works, {len(chosen.targets)} targets, {rounds} rounds: about {about / 60:.0f} minutes"
    )
    found = compare(folder, chosen.targets, works, rounds, seconds, _say)
    return {"versions": found.versions, "absent": found.absent, "rows": rows(found)}


def _told(found: dict[str, Any]) -> None:
    if "comparison" in found:
        made = found["comparison"]
        print("requests per CPU-second of the proxy's whole process tree; nginx of the same round = 1")
        print("\n".join(table(made["rows"])))
        print()
        for name, version in made["versions"].items():
            print(f"  {name:<14}{version}")


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
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args()


def main() -> None:
    """Measure, print, and keep the figures in loadtests/results."""
    chosen = _options()
    raise_limits()
    found: dict[str, Any] = {"at": time.strftime("%Y-%m-%dT%H:%M:%S")}
    with tempfile.TemporaryDirectory(prefix="licet-bench-") as name:
        try:
            found["comparison"] = _comparison(chosen, Path(name))
        except CannotRun as error:
            print(f"not measured: {error}", file=sys.stderr)
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / f"{time.strftime('%Y%m%dT%H%M%S')}.json").write_text(json.dumps(found, indent=2))
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        _told(found)


if __name__ == "__main__":
    main()
