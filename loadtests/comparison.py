"""The comparison: every target does every work in alternating rounds, and is held against nginx of the same round."""

from __future__ import annotations

import contextlib
import random
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.provenance.audit import export_entries
from loadtests import processes, targets
from loadtests.measuring import rest
from loadtests.processes import LOAD_CPU, CannotRun, free_port
from loadtests.serving import LicetSite
from loadtests.targets import Place, Target
from loadtests.works import PAGES, WORKS, Round, Work, ask, check

BASE = "nginx"
_SITE = """server {{ listen 127.0.0.1:{port} backlog=8192; root {folder}/www; default_type text/html;
    location /pages/ {{ try_files /page.html =404; }}
    location = /echo {{ proxy_pass http://127.0.0.1:{raw}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; }} }}"""


@dataclass
class Series:
    """One target at one work: its rounds, by number of the round, or why there are none."""

    target: str
    work: str
    rounds: dict[int, Round] = field(default_factory=dict)
    why_not: str = ""


@dataclass
class Compared:
    """Everything that was found; *versions* by target."""

    series: list[Series] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    #: By work: how many answers Licet gave, and what its journal says of them.
    journal: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, target: str, work: str) -> Series | None:
        """The series of that target and work."""
        return next((each for each in self.series if (each.target, each.work) == (target, work)), None)


@contextlib.contextmanager
def origin(folder: Path) -> Iterator[int]:
    """An nginx with the pages of `works.PAGES` and an echo behind it, on the load's CPU; gives its port."""
    www = folder / "www"
    www.mkdir()
    folder.chmod(0o755)
    for path, body in PAGES.items():
        (www / path[1:]).write_bytes(body)
    port, raw = free_port(), free_port()
    echo = [sys.executable, "-m", "loadtests.raw_origin", "--port", str(raw)]
    servers = _SITE.format(port=port, raw=raw, folder=folder)
    with (
        processes.running(echo, LOAD_CPU, raw, folder / "raw.log"),
        processes.running(
            targets.nginx(folder, "origin", "off", servers), LOAD_CPU, port, folder / "origin.log"
        ),
    ):
        yield port


def compare(
    folder: Path,
    names: Sequence[str],
    works: Sequence[Work],
    rounds: int,
    seconds: int,
    say: Callable[[str], None],
) -> Compared:
    """Start *names* (and nginx, which all are held against), and run *rounds* of each of *works*."""
    found = Compared()
    with contextlib.ExitStack() as stack:
        place = Place(folder, stack.enter_context(origin(folder)))
        running = _started(dict.fromkeys((BASE, *names)), place, stack, found)
        pairs = []
        for work in works:
            for target in running:
                series = Series(target.name, work.key, why_not=target.cannot.get(work.key, ""))
                found.series.append(series)
                if not series.why_not:
                    pairs.append((target, work, series))
        for target, work, series in pairs:
            _trying(series, lambda target=target, work=work: check(target, work))
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            for work in works:
                now = [pair for pair in pairs if pair[1] is work and not pair[2].why_not]
                random.shuffle(now)
                for target, _, series in now:
                    _measure(target, work, series, seconds, folder, number)
        for target in running:
            if target.name == "licet" and target.licet and any(work.recorded for work in works):
                found.journal = _journal(target.licet, found)
    return found


def _journal(site: LicetSite, found: Compared) -> dict[str, dict[str, int]]:
    """Hold the answers of the recorded works against the journal: a record each, or counted in a note of many.

    The journal may say more: what was on its way when a round ended, and checks.
    """
    written: Counter[str] = Counter()
    for each in export_entries(site.data / "journal"):
        entry = each["entry"]
        if each["kind"] == "fetch":
            written["402" if entry["status"] == 402 else str(entry["outcome"])] += 1
        else:
            written["in notes"] += int(entry.get("count", 0))
    answers: Counter[str] = Counter()
    for series in found.series:
        if series.target == "licet" and WORKS[series.work].recorded:
            name = "402" if series.work == "402" else "licensed"
            answers[name] += round(sum(each.requests for each in series.rounds.values()))
    return {
        name: {"answers": count, "records": written[name], "in_notes": written["in notes"]}
        for name, count in answers.items()
    }


def _started(
    names: dict[str, None], place: Place, stack: contextlib.ExitStack, found: Compared
) -> list[Target]:
    running = []
    for name in sorted(names, key=targets.NAMES.index):
        try:
            target = targets.start(name, place, stack)
        except CannotRun as error:
            found.absent[name] = str(error)
            continue
        found.versions[name] = target.version
        running.append(target)
    for target in running:
        rest(target.pid)
    return running


def _measure(target: Target, work: Work, series: Series, seconds: int, folder: Path, number: int) -> None:
    def act() -> None:
        series.rounds[number] = ask(target, work, seconds, folder, number)

    _trying(series, act)


def _trying(series: Series, act: Callable[[], None]) -> None:
    try:
        act()
    except CannotRun as error:
        series.why_not, series.rounds = str(error), {}


def row(series: Series, base: Series | None) -> dict[str, object]:
    """One line of the table: medians over the rounds, ratios of the same round."""
    if series.why_not or not series.rounds:
        return {"target": series.target, "work": series.work, "not_measured": series.why_not or "no round"}
    rounds = list(series.rounds.values())
    shares: dict[str, Callable[[Round], float | None]] = {
        "": lambda each: each.cpu,
        "_during": lambda each: each.cpu_during,
        "_front": lambda each: each.cpu_front,
    }
    made: dict[str, object] = {"target": series.target, "work": series.work}
    for name, cpu in shares.items():
        found = [cost for each in rounds if (cost := cpu(each)) is not None]
        if not found:
            continue
        made[f"cpu_us{name}"] = round(statistics.median(found), 1)
        made[f"per_cpu_second{name}"] = round(1e6 / statistics.median(found))
        ratios = [
            base.rounds[number].cpu / cost
            for number, each in series.rounds.items()
            if base and number in base.rounds and (cost := cpu(each))
        ]
        if ratios:
            made[f"ratio{name}"] = round(statistics.median(ratios), 3)
            made[f"ratio{name}_least"], made[f"ratio{name}_most"] = (
                round(min(ratios), 3),
                round(max(ratios), 3),
            )
    made["per_second"] = round(statistics.median(each.requests / each.seconds for each in rounds))
    for name in ("p50", "p99"):
        made[f"{name}_ms"] = round(statistics.median(getattr(each, name) for each in rounds), 2)
    made["pss_mb"] = round(statistics.median(each.pss_mb for each in rounds), 1)
    made["came_to_rest"] = all(each.rested for each in rounds)
    return made


def rows(found: Compared) -> list[dict[str, object]]:
    """The whole table, work by work."""
    made = []
    for key in WORKS:
        series = [each for each in found.series if each.work == key]
        made += [row(each, found.of(BASE, key)) for each in series]
        if series:
            absent = found.absent.items()
            made += [{"target": name, "work": key, "not_measured": why} for name, why in absent]
    return made
