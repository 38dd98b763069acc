"""What the proxies are asked for, and one round of asking.

A round returns only if every answer was what it should be: a proxy that answers
quickly because it answers wrongly is not measured.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from loadtests.measuring import Spent, pss_kb, rest, spent, workers
from loadtests.processes import LOAD_CPU, CannotRun, pinned
from loadtests.raw_origin import PAGE
from loadtests.serving import CRAWLER, PERSON
from loadtests.targets import Target

PAGES = {"/page.html": PAGE, "/large.html": PAGE * 50, "/huge.bin": bytes(10 << 20)}

_REPORT = """
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"bytes":%d,"micros":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d}\\n',
    summary.requests, summary.bytes, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""
_NUMBERED = """
local n, prefix = 0, ""
function init(args) prefix = args[1] end
function request() n = n + 1; return wrk.format("GET", prefix .. n) end
"""


@dataclass(frozen=True, slots=True)
class Work:
    """One row of the comparison: what is asked for, as whom, over how many connections."""

    key: str
    label: str
    path: str = "/page.html"
    connections: int = 64
    agent: str = PERSON
    status: int = 200
    licensed: bool = False
    #: Every request for another page of the same content, so that each owes its price.
    numbered: bool = False
    #: Written down by Licet, so that its round ends when the books are up to date.
    recorded: bool = False


WORKS = {
    work.key: work
    for work in (
        Work("person", "a person's page of 2 KB"),
        Work("person-100k", "a person's page of 100 KB", "/large.html"),
        Work("person-10m", "a person's file of 10 MB", "/huge.bin", connections=8),
        Work("402", "the price, told to an AI crawler", "/402", agent=CRAWLER, status=402, recorded=True),
        Work("licensed", "a licensed page of 2 KB, read again", agent=CRAWLER, licensed=True, recorded=True),
        Work(
            "licensed-new", "a licensed page of 2 KB, each one paid", "/pages/",
            agent=CRAWLER, licensed=True, numbered=True, recorded=True,
        ),
        Work("websocket", "WebSocket messages of 64 B, echoed", "/echo"),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Round:
    """What one target did in one round. CPU in microseconds a request, times in milliseconds."""

    requests: float
    seconds: float
    #: Of the whole tree, until it came to rest where the work is recorded.
    cpu: float
    #: Of the whole tree while the load ran.
    cpu_during: float
    #: Of the front workers alone; None where they cannot be told apart.
    cpu_front: float | None
    rested: bool
    p50: float
    p99: float
    pss_mb: float


def check(target: Target, work: Work) -> None:
    """Ask once and raise `CannotRun` unless the answer is the one that is to be measured."""
    if work.key == "websocket":
        _echoes(target, work, 0.2, 1)
        return
    path = _path(target, work) + ("check" if work.numbered else "")
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=20)
    try:
        connection.request("GET", path, headers=_headers(target, work))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise CannotRun(f"did not answer: {error!r}") from None
    finally:
        connection.close()
    wanted = PAGES.get("/page.html" if work.numbered else path)
    if answer.status != work.status or (work.status == 200 and body != wanted):
        raise CannotRun(f"answered {answer.status} with {len(body)} B, not {work.status}")


def ask(target: Target, work: Work, seconds: int, folder: Path, number: int) -> Round:
    """Load *target* with *work* for *seconds* and say what it cost; raises `CannotRun` for any wrong answer."""
    _headers(target, work)  # a token is bought before, not within, the round
    before = spent(target.pid)
    if work.key == "websocket":
        found = _echoes(target, work, seconds, work.connections)
    else:
        found = _wrk(target, work, seconds, folder, number)
    during = spent(target.pid)
    after, rested = during, True
    if work.recorded and target.licet:
        rested = rest(target.pid)
        after = spent(target.pid)
    return _counted(target, found, (before, during, after), rested)


def _counted(
    target: Target, found: dict[str, float], times: tuple[Spent, Spent, Spent], rested: bool
) -> Round:
    before, during, after = times
    fronts = workers(target.pid) if target.licet else []
    a_request = 1e6 / found["requests"]
    return Round(
        requests=found["requests"],
        seconds=found["micros"] / 1e6,
        cpu=after.since(before) * a_request,
        cpu_during=during.since(before) * a_request,
        cpu_front=after.since(before, fronts) * a_request if fronts else None,
        rested=rested,
        p50=found["p50"] / 1000,
        p99=found["p99"] / 1000,
        pss_mb=pss_kb(target.pid) / 1024,
    )


def _path(target: Target, work: Work) -> str:
    # A gateway tells the price of the page itself; the others answer a path made for it.
    return "/page.html" if target.licet and work.key == "402" else work.path


def _headers(target: Target, work: Work) -> dict[str, str]:
    headers = {"User-Agent": work.agent}
    if target.licet and work.licensed:
        headers["Authorization"] = f"License {target.licet.token()}"
    return headers


def _wrk(target: Target, work: Work, seconds: int, folder: Path, number: int) -> dict[str, float]:
    script = folder / ("numbered.lua" if work.numbered else "report.lua")
    if not script.exists():
        script.write_text(_REPORT + (_NUMBERED if work.numbered else ""))
    path = _path(target, work)
    command = [
        "wrk",
        "-t1",
        f"-c{work.connections}",
        f"-d{seconds}s",
        "--timeout",
        "10s",
        "-s",
        str(script),
    ]
    for name, value in _headers(target, work).items():
        command += ["-H", f"{name}: {value}"]
    command += [f"http://127.0.0.1:{target.port}{path}"]
    command += ["--", f"{path}{number}-"] if work.numbered else []
    done = subprocess.run(pinned(command, LOAD_CPU), capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise CannotRun(f"the load did not run: {' '.join((done.stderr or done.stdout).split())[-200:]}")
    found: dict[str, float] = json.loads(lines[0])
    wrong = found["refused"] if work.status == 200 else found["requests"] - found["refused"]
    if wrong or found["broken"] or not found["requests"]:
        raise CannotRun(
            f"of {found['requests']} answers {wrong:g} were not {work.status}, {found['broken']} connections broke"
        )
    if work.path in PAGES and len(PAGES[work.path]) >= 1 << 20:
        # What is on its way when the round ends has cost its share too.
        found["requests"] = found["bytes"] / len(PAGES[work.path])
    return found


def _echoes(target: Target, work: Work, seconds: float, connections: int) -> dict[str, float]:
    command = [sys.executable, "-m", "loadtests.websocket", "--port", str(target.port), "--path", work.path]
    command += ["--connections", str(connections), "--seconds", str(seconds)]
    done = subprocess.run(pinned(command, LOAD_CPU), capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise CannotRun(f"no echo: {said[0][:200]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found
