"""Speed beside nginx in the same run: requests per CPU-second of the proxy, as ratios.

Absolute figures of a shared machine mean little; the ratio of two proxies that
took turns in one run means something. The proxy under test is pinned to one CPU,
the load (wrk) and the origin (nginx) to the other. A figure is CPU time of the
proxy's whole process tree per request, median over the rounds, with the least
and the most beside it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_ORIGIN, _NGINX, _LICET, _DASHBOARD = 18080, 18081, 18082, 18083
_PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_CRAWLER = "GPTBot/1.3"

_NGINX_ORIGIN = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err;
events {{ worker_connections 4096; }}
http {{ access_log {log}; keepalive_requests 1000000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; types {{ text/html html; }}
  {servers} }}
"""
_SITE = "server {{ listen 127.0.0.1:{port}; root {folder}/www; default_type text/html; }}"
_PROXY = """upstream o {{ server 127.0.0.1:{origin}; keepalive 128; }}
  server {{ listen 127.0.0.1:{port}; location = /402 {{ return 402 "pay"; }}
    location / {{ proxy_pass http://o; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }} }}"""

_POLICY = """
stance = "search-free-training-paid"
[site]
id = "bench"
hosts = ["127.0.0.1"]
origin = "http://127.0.0.1:{origin}"
mode = "enforce"
currency = "USD"
[[works]]
id = "all"
paths = ["/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
price = {{ per_fetch = "0.000001" }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""


@dataclass
class Target:
    """One proxy asked for one thing."""

    name: str
    url: str
    pid: int
    headers: dict[str, str]
    micros: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)


def _install() -> str:
    missing = [name for name in ("nginx", "wrk", "taskset") if shutil.which(name) is None]
    packages = {"nginx": "nginx-light", "wrk": "wrk", "taskset": "util-linux"}
    if missing and os.getuid() == 0 and shutil.which("apt-get"):
        wanted = [packages[name] for name in missing]
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted],
            capture_output=True,
            check=False,
        )
        missing = [name for name in missing if shutil.which(name) is None]
    return f"needs {', '.join(missing)} (Debian: apt install nginx-light wrk)" if missing else ""


@contextlib.contextmanager
def _running(command: list[str], cpu: int, port: int, **kept: object) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["taskset", "-c", str(cpu), *command], **kept)  # type: ignore[call-overload]
    try:
        _await_port(port)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _await_port(port: int) -> None:
    import socket

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def _tree(pid: int) -> list[int]:
    children = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [pid, *(each for child in children for each in _tree(int(child)))]


def _cpu_seconds(pid: int) -> float:
    total = 0
    for each in _tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def _round(target: Target, seconds: float, connections: int) -> None:
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency"]
    for name, value in target.headers.items():
        command += ["-H", f"{name}: {value}"]
    before = _cpu_seconds(target.pid)
    out = subprocess.run([*command, target.url], capture_output=True, text=True, check=True).stdout
    spent = _cpu_seconds(target.pid) - before
    done = re.search(r"(\d+) requests in ([\d.]+)(m?s)", out)
    assert done, out
    requests = int(done.group(1))
    odd = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    wanted_odd = "402" in target.name
    if bool(odd) != wanted_odd or (odd and int(odd.group(1)) != requests):
        raise SystemExit(f"{target.name}: not every answer was as it should be\n{out}")
    target.micros.append(spent / requests * 1e6)
    target.rates.append(requests / float(done.group(2)))
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    if tail:
        target.p99.append(float(tail.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[tail.group(2)])


def _row(name: str, ours: Target, theirs: Target) -> dict[str, object]:
    ratios = [base / own for own, base in zip(ours.micros, theirs.micros, strict=True)]
    return {
        "work": name,
        "ratio": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "licet_cpu_us": round(statistics.median(ours.micros), 1),
        "nginx_cpu_us": round(statistics.median(theirs.micros), 1),
        "licet_per_s": round(statistics.median(ours.rates)),
        "nginx_per_s": round(statistics.median(theirs.rates)),
        "licet_p99_ms": round(statistics.median(ours.p99), 2),
        "nginx_p99_ms": round(statistics.median(theirs.p99), 2),
    }


def _nginx(folder: Path, name: str, log: str, servers: str) -> list[str]:
    path = folder / f"{name}.conf"
    path.write_text(_NGINX_ORIGIN.format(folder=folder, name=name, log=log, servers=servers))
    return ["nginx", "-c", str(path), "-e", f"{folder}/{name}.err"]


def _token(data: Path) -> str:
    licet = [sys.executable, "-m", "gateway"]
    made = json.loads(
        subprocess.run(
            [*licet, "licensee", "add", "Bench", "--credit", "900000 USD", "--data", str(data), "--json"],
            capture_output=True,
            check=True,
        ).stdout
    )
    import base64

    login = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{_LICET}/.licet/token",
        data=f"grant_type=client_credentials&resource=http%3A%2F%2F127.0.0.1%3A{_LICET}%2F".encode(),
        headers={"Authorization": f"Basic {login}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        token: str = json.loads(answer.read())["access_token"]
    return token


def bench(seconds: float, rounds: int, connections: int) -> list[dict[str, object]]:
    """Run every row for *rounds* alternating rounds; returns the table's rows."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="licet-bench-")))
        folder.chmod(0o755)
        (folder / "www").mkdir()
        (folder / "www" / "page.html").write_bytes((b"<p>tides</p>" * 200)[:2048])
        data = folder / "data"
        (data / "sites").mkdir(parents=True)
        (data / "licet.toml").write_text("[pacing]\nlicense_per_second = 0\n")
        (data / "sites" / "bench.toml").write_text(_POLICY.format(origin=_ORIGIN))
        origin = _nginx(folder, "origin", "off", _SITE.format(port=_ORIGIN, folder=folder))
        stack.enter_context(_running(origin, 1, _ORIGIN))
        front = _nginx(folder, "front", f"{folder}/access.log", _PROXY.format(port=_NGINX, origin=_ORIGIN))
        nginx = stack.enter_context(_running(front, 0, _NGINX))
        serve = [sys.executable, "-m", "gateway", "serve", "--data", str(data), "--port", str(_LICET)]
        log = stack.enter_context((folder / "licet.log").open("wb"))
        licet = stack.enter_context(
            _running([*serve, "--dashboard-port", str(_DASHBOARD)], 0, _LICET, stderr=log, stdout=log)
        )
        page, ours = f"http://127.0.0.1:{_NGINX}/page.html", f"http://127.0.0.1:{_LICET}/page.html"
        person, crawler = {"User-Agent": _PERSON}, {"User-Agent": _CRAWLER}
        licensed = {**crawler, "Authorization": f"License {_token(data)}"}
        pairs = {
            "a person's 2 KB page": (
                Target("person", ours, licet.pid, person),
                Target("nginx", page, nginx.pid, person),
            ),
            "402 to an AI crawler": (
                Target("402", ours, licet.pid, crawler),
                Target("nginx 402", f"http://127.0.0.1:{_NGINX}/402", nginx.pid, crawler),
            ),
            "a licensed fetch of 2 KB": (
                Target("licensed", ours, licet.pid, licensed),
                Target("nginx", page, nginx.pid, crawler),
            ),
        }
        for number in range(rounds):
            print(f"round {number + 1} of {rounds} …", file=sys.stderr, flush=True)
            for mine, base in pairs.values():
                for target in (mine, base) if number % 2 else (base, mine):
                    _round(target, seconds, connections)
        return [_row(name, mine, base) for name, (mine, base) in pairs.items()]


def main() -> None:
    """Print the table; `--json` for machines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    lacking = _install()
    if lacking:
        print(f"skipped: {lacking}", file=sys.stderr)
        return
    rows = bench(chosen.seconds, chosen.rounds, chosen.connections)
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / f"{time.strftime('%Y%m%dT%H%M%S')}.json").write_text(json.dumps(rows, indent=2))
    if chosen.json:
        print(json.dumps(rows, indent=2))
        return
    print("requests per CPU-second of the proxy, nginx of the same round = 1.00")
    for row in rows:
        print(
            f"  {row['work']:<26} {row['ratio']:>6}  ({row['ratio_min']} to {row['ratio_max']})   "
            f"CPU a request {row['licet_cpu_us']} us, nginx {row['nginx_cpu_us']} us   "
            f"seen {row['licet_per_s']}/s, nginx {row['nginx_per_s']}/s   p99 {row['licet_p99_ms']} ms, nginx {row['nginx_p99_ms']} ms"
        )


if __name__ == "__main__":
    main()
