"""An upgrade while the site is served: a version of before, today's installed over it, `licet restart`; then the counts of `kills`.

python -m loadtests.upgrade --since COMMIT

COMMIT is installed from the history of this checkout into an environment of its
own, and serves. Under load today's program is installed over it and taken up,
and taken up twice more; then a worker, the office and a worker are killed, each
of which comes back as what runs by then. Exits 0 only if no client saw a broken
answer before the kills, and nothing is off in the end.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from loadtests.kills import Run, counted, end, under_load

_ROOT = Path(__file__).resolve().parents[1]
_RESTARTS, _PAUSE = 3, 4.0


def installed(folder: Path, commit: str) -> Path:
    """The commands of an environment in *folder* that has *commit*."""
    print(f"installing {commit} …", file=sys.stderr, flush=True)
    source = folder / "source"
    subprocess.run(["git", "clone", "-q", str(_ROOT), str(source)], check=True)
    subprocess.run(["git", "-C", str(source), "checkout", "-q", commit], check=True)
    venv.create(folder / "environment", with_pip=True)
    commands = folder / "environment" / "bin"
    subprocess.run([commands / "pip", "install", "-q", f"{source}[server]"], check=True)
    return commands


async def upgraded(run: Run, commands: Path) -> dict[str, Any]:
    """Install today's program over the one that serves, and take it up; what was broken off by then."""
    await asyncio.sleep(_PAUSE)
    print("installing this checkout over it …", file=sys.stderr, flush=True)
    over = ["install", "-q", "--force-reinstall", "--no-deps", str(_ROOT)]
    installing = await asyncio.create_subprocess_exec(commands / "pip", *over)
    if await installing.wait():
        raise SystemExit("this checkout could not be installed")
    replaced = []
    for number in range(_RESTARTS):
        print(f"restart {number + 1} of {_RESTARTS} …", file=sys.stderr, flush=True)
        replaced.append(await run.gateway.licet("restart"))
        await asyncio.sleep(_PAUSE)
    broken = sum(count for what, count in run.load.counts.items() if what.endswith("broken off"))
    for role in ("worker", "office", "worker"):
        run.gateway.kill_one(role, random.Random(0))
        await asyncio.sleep(_PAUSE)
    return {
        "restarts": len(replaced),
        "of them of the office too": sum(bool(each.get("office")) for each in replaced),
        "answers broken off before the kills": broken,
    }


async def upgrade(folder: Path, commit: str) -> dict[str, Any]:
    """Serve as *commit*, be upgraded, and count; returns the counts with ``ok``."""
    commands = await asyncio.to_thread(installed, folder, commit)
    async with under_load(folder / "run", (str(commands / "licet"),)) as run:
        seen = await upgraded(run, commands)
    found = await counted(run)
    return {**seen, **found, "ok": found["ok"] and not seen["answers broken off before the kills"]}


def main() -> None:
    """Print the counts and exit 0 only if nothing is off."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--since", metavar="COMMIT", required=True, help="the version that serves at first")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="licet-upgrade-") as folder:
        found = asyncio.run(upgrade(Path(folder), chosen.since))
    end(found, as_json=chosen.json)


if __name__ == "__main__":
    main()
