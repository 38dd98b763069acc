"""What `licet deploy` prints, run exactly as printed by the real servers, in front of a real `licet serve`.

Each is asked the same: a crawler without a license, one with, a person, a
client that lies about itself, and all of them again with the gateway gone.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.recipes import SERVERS
from loadtests.processes import free_port, running
from loadtests.targets import nginx

_BENCH = Path(__file__).resolve().parents[2] / ".bench" / "tools" / "bin"
PERSON = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "de,en-US;q=0.7,en;q=0.3",
    "Accept-Encoding": "gzip, deflate",
}
GPTBOT = {"User-Agent": "GPTBot/1.3", "Accept": "*/*", "Accept-Encoding": "gzip"}
FORGED = {
    "Licet-Decision": "licensed",
    "Licet_Decision": "licensed",
    "Licet-License": "lic_forged",
    "X-Forwarded-For": "203.0.113.9",
    "X-Original-URI": "/free",
    "X-Original-Method": "HEAD",
    "X-Forwarded-Uri": "/free",
    "Forwarded": "for=203.0.113.9",
}
SITE = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "enforce"
currency = "USD"
[[works]]
id = "all"
paths = ["/"]
rights = "own"
people = "none"
[offers.training]
uses = ["ai-train"]
price = {{ per_fetch = "0.01" }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""


class Telling(BaseHTTPRequestHandler):
    """Answers with what came: method, target, fields and body; 404 below /gone."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        told = {"method": self.command, "target": self.path, "headers": self.headers.items()}
        body = json.dumps({**told, "body": self.rfile.read(length).decode()}).encode()
        self.server.seen.append(self.path)  # type: ignore[attr-defined]
        self.send_response(404 if self.path.startswith("/gone") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Answer:
    status: int
    fields: http.client.HTTPMessage
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        """What the site's server was told; field names in lower case, each once."""
        found = json.loads(self.body)
        names = [name.lower() for name, _ in found["headers"]]
        assert len(names) == len(set(names)), names
        return {**found, "headers": {name.lower(): value for name, value in found["headers"]}}


@dataclass
class World:
    """A site, a gateway and whatever stands in front; *port* is the public one."""

    folder: Path
    data: Path
    seen: list[str]
    stack: ExitStack
    gateway: ExitStack
    metrics: int
    port: int = field(default_factory=free_port)

    def operator(self, *command: str) -> Any:
        done = self._ran(*command, "--json")
        return json.loads(done)

    def _ran(self, *command: str) -> str:
        whole = [sys.executable, "-m", "gateway", *command, "--data", str(self.data)]
        done = subprocess.run(whole, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def printed(self, server: str, way: str, *more: str) -> str:
        log = ("--log", str(self.folder / "public.log")) if way == "auth" else ()
        return self._ran("deploy", server, "--as", way, "--plain", "--port", str(self.port), *log, *more)

    def get(
        self, path: str, headers: dict[str, str], method: str = "GET", body: bytes | None = None
    ) -> Answer:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            line.close()

    def totals(self) -> str:
        """What Prometheus reads."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def token(self) -> str:
        """Bought through the server in front, as a crawler does."""
        made = self.operator("licensee", "add", "Example AI Labs", "--credit", "5 USD")
        self.licensee = made["licensee"]
        login = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
        form = {"grant_type": "client_credentials", "resource": f"http://127.0.0.1:{self.port}/"}
        fields = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {login}"}
        answer = self.get("/.licet/token", fields, "POST", urllib.parse.urlencode(form).encode())
        assert answer.status == 200, answer.body
        return str(json.loads(answer.body)["access_token"])

    def fetches(self) -> list[dict[str, Any]]:
        """Every fetch of the journal."""
        done = self._ran("journal", "export")
        entries = [json.loads(line) for line in done.splitlines()]
        found = [each["entry"] for each in entries if each["kind"] == "fetch"]
        return sorted(found, key=lambda each: each["time_us"])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    tmp_path.chmod(0o755)
    data = tmp_path / "data"
    (data / "sites").mkdir(parents=True)
    data.chmod(0o700)
    with ExitStack() as stack:
        site = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Telling))
        site.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(site.shutdown)
        auth, front, metrics = free_port(), free_port(), free_port()
        settings = f'[listen]\nauth = "127.0.0.1:{auth}"\nport = {front}\n[trust]\nproxies = ["loopback"]\n'
        settings += f'[workers]\ncount = 2\n[observe]\nmetrics = "127.0.0.1:{metrics}"\n'
        (data / "licet.toml").write_text(
            f"{settings}[store]\nreserve_mb = 1\n[dashboard]\nport = {free_port()}\n"
        )
        (data / "sites" / "journal.toml").write_text(
            SITE.format(origin=f"http://127.0.0.1:{site.server_port}")
        )
        gateway = stack.enter_context(ExitStack())
        command = [sys.executable, "-m", "gateway", "serve", "--data", str(data)]
        gateway.enter_context(running(command, None, front, tmp_path / "licet.log"))
        yield World(tmp_path, data, site.seen, stack, gateway, metrics)  # type: ignore[attr-defined]


def _nginx(world: World, text: str, needs: Callable[..., str]) -> list[str]:
    needs("nginx", "apt install nginx")
    command = nginx(world.folder, "front", "off", text)
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    return command


def _caddy(program: str) -> Callable[..., list[str]]:
    def command(world: World, text: str, needs: Callable[..., str]) -> list[str]:
        found = _found(program)
        (world.folder / "Caddyfile").write_text("{\n\tadmin off\n}\n" + text)
        return [found, "run", "--adapter", "caddyfile", "--config", str(world.folder / "Caddyfile")]

    return command


def _traefik(world: World, text: str, needs: Callable[..., str]) -> list[str]:
    found = _found("traefik")
    (world.folder / "site.yaml").write_text(text)
    providers = f"--providers.file.filename={world.folder / 'site.yaml'}"
    return [found, f"--entryPoints.web.address=127.0.0.1:{world.port}", providers, "--log.level=ERROR"]


def _envoy(world: World, text: str, needs: Callable[..., str]) -> list[str]:
    (world.folder / "envoy.yaml").write_text(text)
    quiet = ["--concurrency", "1", "--use-dynamic-base-id", "-l", "error"]
    return [_found("envoy"), "-c", str(world.folder / "envoy.yaml"), *quiet]


def _haproxy(world: World, text: str, needs: Callable[..., str]) -> list[str]:
    program = needs("haproxy", "apt install haproxy")
    file = world.folder / "haproxy.cfg"
    for named in re.findall(r"filter spoe engine \S+ config (\S+)", text):
        spoe = world.folder / "licet.spoe"
        spoe.write_text(world.printed("haproxy", "auth", "--spoe"))
        text = text.replace(named, str(spoe))
    file.write_text(text)
    checked = subprocess.run([program, "-c", "-f", str(file)], capture_output=True, text=True, check=False)
    assert (checked.returncode, "WARNING" in checked.stderr) == (0, False), checked.stderr
    return [program, "-db", "-f", str(file)]


def _found(name: str) -> str:
    where = _BENCH / name.removeprefix("new-")
    found = str(where) if where.exists() and name != "caddy" else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is absent (apt install, or .bench/tools by make bench)")
    return found


STARTED = {
    "nginx": _nginx,
    "caddy": _caddy("caddy"),
    "haproxy": _haproxy,
    "new-caddy": _caddy("new-caddy"),
    "traefik": _traefik,
    "envoy": _envoy,
}


def awaited(come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not come():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def started(world: World, server: str, way: str, needs: Any, *more: str) -> None:
    text = world.printed(server.removeprefix("new-"), way, *more)
    command = STARTED[server](world, text, needs)
    log = world.folder / f"{server}.log"
    world.stack.enter_context(running(command, None, world.port, log, {"HOME": str(world.folder)}))
    if server == "traefik":
        # It listens before it has read its file.
        deadline = time.monotonic() + 30
        while world.get("/.licet/jwks.json", PERSON).status != 200:
            assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("server", "way"),
    [
        pytest.param(each, way, marks=[] if each in {"nginx", "caddy", "haproxy"} else pytest.mark.night)
        for each in STARTED
        for way in SERVERS[each.removeprefix("new-")]
    ],
)
def test_everybody_meets_what_is_right_through(server, way, world, needs, interop) -> None:
    started(world, server, way, needs)
    # A crawler without a license.
    unpaid = world.get("/essays/tides?a=%2F", GPTBOT)
    assert unpaid.status == 402, unpaid.body
    assert unpaid.fields["Content-Type"] == "application/problem+json"
    problem = json.loads(unpaid.body)
    assert (problem["status"], problem["type"].rpartition("/")[2]) == (402, "license-required")
    assert 'rel="license"' in unpaid.fields["Link"]
    assert unpaid.fields.get_all("WWW-Authenticate")[0].startswith("License")
    assert world.seen == []
    # A person, who lies about itself besides.
    person = world.get("/essays/tides?a=%2F", {**PERSON, **FORGED, "Authorization": "Basic c2l0ZQ=="})
    told = person.told
    assert (person.status, told["method"], told["target"]) == (200, "GET", "/essays/tides?a=%2F")
    headers = told["headers"]
    assert headers["authorization"] == "Basic c2l0ZQ=="
    assert "lic_forged" not in str(headers)
    assert headers.get("licet-decision", "person") == "person"
    assert "licet_decision" not in headers
    assert "licet-caller" not in headers
    # Envoy says its own address of a client on the loopback.
    assert headers["x-forwarded-for"] not in {"", "203.0.113.9"}
    assert headers["x-forwarded-for"].endswith("127.0.0.1") or server == "envoy"
    assert "licet-record" not in {name.lower() for name in person.fields}
    posted = world.get("/form", {**PERSON, "Content-Type": "text/plain"}, "POST", b"kept")
    assert (posted.told["method"], posted.told["body"]) == ("POST", "kept")
    # What the gateway says itself.
    robots = world.get("/robots.txt", GPTBOT)
    assert (robots.status, b"License:" in robots.body) == (200, True)
    # The same crawler once it has paid.
    token = world.token()
    paid = world.get("/essays/tides", {**GPTBOT, **FORGED, "Authorization": f"License {token}"})
    assert paid.status == 200, paid.body
    headers = paid.told["headers"]
    assert token not in str(headers)
    assert "lic_forged" not in str(headers)
    if way == "auth":
        assert (headers["licet-decision"], headers["licet-crawler"]) == ("licensed", "GPTBot")
    bad = world.get("/essays/tides", {**GPTBOT, "Authorization": f"License {token[:-8]}AAAAAAAA"})
    assert bad.status == 401
    # Each fetch of the crawler stands in the journal once, and the person's in none.
    found = world.fetches()
    assert [
        (each["status"], each["outcome"], each["charged_micros"])
        for each in found
        if each["path"] == "/essays/tides"
    ] == [
        (402, "refused", 0),
        (200, "licensed", 10_000),
        (401, "refused", 0),
    ]
    assert {each["path"] for each in found} == {"/essays/tides", "/robots.txt"}
    assert not [each for each in found if each["ended"] == "passed-on" and way == "proxy"]
    if way == "auth" and server in {"nginx", "caddy", "new-caddy", "envoy", "haproxy"}:
        # What never came is given back, once.
        gone = world.get("/gone/x", {**GPTBOT, "Authorization": f"License {token}"})
        assert gone.status == 404
        # HAProxy writes to its standard output, as its service has it.
        log = world.folder / ("haproxy.log" if server == "haproxy" else "public.log")
        awaited(lambda: log.exists() and "/gone/x" in log.read_text())
        for undone in (1, 0):
            told = world.operator("reconcile-access", str(log), "--give-back")
            assert (told["billed"], told["unknown"]) == (2, [])
            [never] = told["not_delivered"]
            assert (never["path"], never["status"], never["what"], bool(never["undone_by"])) == (
                "/gone/x",
                404,
                "given-back",
                bool(undone),
            )
        books = world.operator("reconcile")
        assert not books.get("differences"), books
    # Both workers' totals together.
    awaited(lambda: all(f'decision="{each}"' in world.totals() for each in ("licensed", "person", "refused")))
    assert "licet_workers 2.0" in world.totals()
    # And with the gateway gone nothing is free.
    world.gateway.close()
    before = list(world.seen)
    down = [world.get("/essays/tides", headers).status for headers in (GPTBOT, PERSON)]
    assert set(down) <= {500, 502, 503, 504}
    assert world.seen == before
    interop(
        server,
        "",
        f"as {way}",
        f"402 unpaid, 200 paid, 200 person, 401 forged, {down[0]} with the gateway gone",
    )


@pytest.mark.night
@pytest.mark.parametrize(
    ("server", "way"),
    [
        ("nginx", "proxy"),
        ("nginx", "auth"),
        ("caddy", "proxy"),
        ("caddy", "auth"),
        ("envoy", "auth"),
        ("haproxy", "proxy"),
        ("haproxy", "auth"),
    ],
)
def test_where_it_is_told_to_it_serves_everybody_while_the_gateway_is_gone(server, way, world, needs) -> None:
    started(world, server, way, needs, "--open-when-down")
    assert world.get("/essays/tides", GPTBOT).status == 402
    world.gateway.close()
    for headers in (GPTBOT, PERSON):
        answer = world.get("/essays/tides", {**headers, "Licet-Decision": "licensed"})
        assert (answer.status, answer.told["target"]) == (200, "/essays/tides")
        assert answer.told["headers"].get("licet-decision", "") != "licensed"


def test_what_is_said_of_a_person_may_be_kept_and_of_nobody_else(world, needs) -> None:
    # Where nginx's own user can write: not below pytest's folder.
    folder = Path(world.stack.enter_context(tempfile.TemporaryDirectory()))
    folder.chmod(0o755)
    started(world, "nginx", "auth", needs, "--cache", str(folder / "cache"))
    token = world.token()
    for path in ("/a", "/b", "/a"):
        assert world.get(path, PERSON).told["headers"]["licet-decision"] == "person"
        assert world.get(path, GPTBOT).status == 402
        assert world.get(path, {**PERSON, "Authorization": "Basic c2l0ZQ=="}).told["headers"]["authorization"]
        assert "authorization" not in world.get(path, PERSON).told["headers"]
        # A browser that shows a token is a licensee.
        answer = world.get(path, {**PERSON, "Authorization": f"License {token}"})
        assert answer.told["headers"]["licet-decision"] == "licensed"
    world.gateway.close()
    # It is kept for that client alone, and for seconds.
    assert world.get("/c", PERSON).status == 200
    assert world.get("/c", {**PERSON, "User-Agent": PERSON["User-Agent"] + "x"}).status == 500
    assert world.get("/c", GPTBOT).status == 500
