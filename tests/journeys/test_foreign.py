"""A site that is not ours: real pages on another server, `licet serve` before it, programs that nobody wrote for it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

_BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "de,en-US;q=0.7,en;q=0.3",
}
#: What frames a message belongs to each connection; a Date is the server's clock at that moment.
_OF_THE_CONNECTION = {"date", "connection", "keep-alive", "transfer-encoding"}
#: Folders of HTML pages that Debian packages bring; the first that is there is the foreign site.
_REAL = ("/usr/share/doc/nodejs/api", "/usr/share/doc/valgrind/html", "/usr/share/doc/libffi8/html")

_NGINX = """
{user} worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 256; }}
http {{ access_log {folder}/access.log; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include /etc/nginx/mime.types; gzip on; gzip_min_length 256;
  server {{ listen 127.0.0.1:{port}; root {www}; autoindex on;
    location /private/ {{ auth_basic "mine"; auth_basic_user_file {folder}/users; }} }} }}
"""

_SPIDER = """
import scrapy

class Crawler(scrapy.Spider):
    name = "crawler"
    handle_httpstatus_list = [402]

    async def start(self):
        headers = {"Authorization": f"License {self.token}"} if getattr(self, "token", "") else {}
        for url in self.urls.split():
            yield scrapy.Request(url, headers=headers)

    def parse(self, response):
        body = response.json() if response.status == 402 else {}
        yield {"url": response.url, "status": response.status, "code": body.get("code"),
               "price": response.headers.get("crawler-price", b"").decode(), "octets": len(response.body)}
"""


@dataclass
class Site:
    """The foreign server: which one, its pages' folder, its URL, and its log of what it was asked."""

    name: str
    www: Path
    url: str
    log: Path

    def paths(self) -> list[str]:
        """Every page and file, as a target."""
        files = sorted(path for path in self.www.rglob("*") if path.is_file() and path.name != "robots.txt")
        return [quote(f"/{path.relative_to(self.www)}") for path in files if "private" not in path.parts]


@dataclass
class Front:
    """`licet serve`, running, and its data folder."""

    url: str
    data: Path

    def licet(self, *words: str) -> Any:
        """What a command says in JSON."""
        command = [sys.executable, "-m", "gateway", *words, "--data", str(self.data)]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    def records(self) -> list[dict[str, Any]]:
        """Every fetch that the journal holds, once what is under way has been written."""
        command = [sys.executable, "-m", "gateway", "journal", "export", "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        entries = [json.loads(line) for line in done.stdout.splitlines()]
        return [each["entry"] for each in entries if each["kind"] == "fetch"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real pages where Debian has some, and pages with what real pages have: odd names, large files, nothing."""
    www = tmp_path_factory.mktemp("www")
    real = next((Path(folder) for folder in _REAL if Path(folder).is_dir()), None)
    if real is not None:
        for page in sorted(real.glob("*.html"), key=lambda path: path.stat().st_size)[:12]:
            shutil.copy(page, www / page.name)
    (www / "index.html").write_text("<!doctype html><title>Harbor</title>" + "<p>Fog.</p>" * 200)
    (www / "essays").mkdir()
    (www / "essays" / "tides").write_text("The moon leads. " * 400)
    (www / "essays" / "Käse & Brot.html").write_text("<h1>Käse</h1>" * 30, encoding="utf-8")
    (www / "empty.txt").write_bytes(b"")
    (www / "photo.jpg").write_bytes(hashlib.shake_128(b"photo").digest(1_500_000))
    (www / "robots.txt").write_text("User-agent: *\nDisallow: /private/\n")
    (www / "private").mkdir()
    (www / "private" / "diary.html").write_text("<p>Mine.</p>")
    return www


@contextlib.contextmanager
def _nginx(www: Path, folder: Path) -> Iterator[Site]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""
    conf = folder / "nginx.conf"
    conf.write_text(_NGINX.format(folder=folder, www=www, port=port, user=user))
    (folder / "users").write_text("reader:{PLAIN}secret\n")
    running = subprocess.Popen(["nginx", "-c", str(conf), "-e", str(folder / "nginx.err")])
    try:
        _until_it_listens(running, port)
        yield Site("nginx", www, f"http://127.0.0.1:{port}", folder / "access.log")
    finally:
        running.terminate()
        running.wait(10)


@contextlib.contextmanager
def _http_server(www: Path, folder: Path) -> Iterator[Site]:
    command = [sys.executable, "-u", "-m", "http.server", "0", "-b", "127.0.0.1", "-d", str(www)]
    with (folder / "access.log").open("wb") as log:
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert running.stdout is not None
        found = re.search(r"port (\d+)", running.stdout.readline())
        assert found
        yield Site("http.server", www, f"http://127.0.0.1:{found.group(1)}", folder / "access.log")
    finally:
        running.terminate()
        running.wait(10)
        if running.stdout:
            running.stdout.close()


def _until_it_listens(running: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert running.poll() is None, f"it ended with {running.returncode}"
        assert time.monotonic() < end, "it does not listen"
        time.sleep(0.02)


@pytest.fixture(scope="module", params=["nginx", "http.server"])
def foreign(
    request: pytest.FixtureRequest, pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The pages on a server that is not ours."""
    if request.param == "nginx" and shutil.which("nginx") is None:
        pytest.skip("nginx is not installed (Debian: apt install nginx)")
    start = _nginx if request.param == "nginx" else _http_server
    with start(pages, tmp_path_factory.mktemp("server")) as site:
        yield site


@pytest.fixture(scope="module")
def front(foreign: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """`licet serve --upstream … --mode enforce`, with no file of ours."""
    data = tmp_path_factory.mktemp("licet") / "data"
    command = [sys.executable, "-m", "gateway", "serve", "--upstream", foreign.url, "--mode", "enforce"]
    command += ["--stance", "search-free-training-paid", "--data", str(data), "--port", "0"]
    running = subprocess.Popen([*command, "--dashboard-port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        said = []
        for line in running.stderr:
            said.append(line)
            found = re.match(r"gateway +(http://\S+)", line)
            if found:
                break
        else:
            raise AssertionError("".join(said))
        yield Front(found.group(1), data)
    finally:
        running.terminate()
        running.wait(20)
        if running.stderr:
            running.stderr.close()


@dataclass
class Seen:
    """One answer, octet for octet."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


def _ask(base: str, target: str, host: str, method: str = "GET", **headers: str) -> Seen:
    """Ask *base* for *target* as a browser would that thinks it talks to *host*."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=30)
    try:
        fields = {
            "Host": host,
            **_BROWSER,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        connection.request(method, target, headers=fields)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    kept = [field for field in answer.getheaders() if field[0].lower() not in _OF_THE_CONNECTION]
    return Seen(answer.status, answer.reason, kept, body)


@pytest.fixture
def both(foreign: Site, front: Front) -> Callable[..., tuple[Seen, Seen]]:
    """Asks the server directly and through the gate."""
    host = urlsplit(front.url).netloc

    def ask(target: str, method: str = "GET", **headers: str) -> tuple[Seen, Seen]:
        return _ask(foreign.url, target, host, method, **headers), _ask(
            front.url, target, host, method, **headers
        )

    return ask


def test_a_browser_gets_every_page_as_its_server_sent_it(foreign: Site, front: Front, both) -> None:
    paths = foreign.paths()
    assert len(paths) >= 5
    for path in [*paths, "/", "/essays/", "/essays", "/nothing-here"]:
        direct, through = both(path)
        assert through == direct, path
    assert front.records() == []


def test_a_browser_gets_parts_heads_and_not_modified_as_its_server_sent_them(both) -> None:
    whole, _ = both("/photo.jpg")
    headers = {name.lower(): value for name, value in whole.headers}
    cases: list[dict[str, str]] = [
        {"method": "HEAD"},
        {"Range": "bytes=0-99"},
        {"Range": "bytes=-7"},
        {"Range": "bytes=0-0,-1"},
        {"Range": "bytes=9000000-"},
        {"If_Modified_Since": headers["last-modified"]},
        {"If_None_Match": headers.get("etag", '"none"')},
        {"Accept_Encoding": "gzip, deflate, br"},
    ]
    for case in cases:
        for path in ("/photo.jpg", "/index.html", "/nothing-here"):
            direct, through = both(path, **case)
            if "multipart/byteranges" in dict(direct.headers).get("Content-Type", ""):
                direct, through = _unbounded(direct), _unbounded(through)
            assert through == direct, (path, case)


def _unbounded(seen: Seen) -> Seen:
    """The same answer with the boundary of its parts, which a server draws by lot, replaced."""
    (boundary,) = re.findall(r"boundary=(\S+)", str(seen.headers).rstrip("')]"))
    boundary = boundary.strip("'),]")
    headers = [(name, value.replace(boundary, "B")) for name, value in seen.headers]
    return Seen(seen.status, seen.reason, headers, seen.body.replace(boundary.encode(), b"B"))


def test_a_password_of_the_site_is_the_sites_business(foreign: Site, both) -> None:
    if (
        "nginx" not in (foreign.log.parent / "nginx.err").name
        or not (foreign.log.parent / "nginx.conf").exists()
    ):
        pytest.skip("http.server knows no passwords")
    asked, through = both("/private/diary.html")
    assert asked == through
    assert (through.status, dict(through.headers)["WWW-Authenticate"]) == (401, 'Basic realm="mine"')
    direct, through = both("/private/diary.html", Authorization="Basic cmVhZGVyOnNlY3JldA==")
    assert through == direct
    assert (through.status, through.body) == (200, b"<p>Mine.</p>")


def test_an_ai_crawler_gets_402_and_its_server_is_not_asked(foreign: Site, front: Front) -> None:
    curl = _curl()
    done = subprocess.run(
        [curl, "-sS", "-i", "-A", "GPTBot", f"{front.url}/essays/tides?from=gptbot"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    head, _, body = done.stdout.partition("\n\n")
    assert head.startswith("HTTP/1.1 402 Payment Required")
    assert "Crawler-Price: USD 0.02" in head
    facts = json.loads(body)
    assert facts["code"] == "license-required"
    assert facts["buy"]["token_endpoint"] == f"{front.url}/.licet/token"
    assert "from=gptbot" not in foreign.log.read_text()


def test_the_three_lines_of_the_readme_buy_and_fetch(root: Path, foreign: Site, front: Front) -> None:
    _curl()
    lines = [
        line
        for line in (root / "README.md").read_text().replace("\\\n", "").splitlines()
        if line.startswith("curl ")
    ]
    refused, bought, fetched = (
        line.replace("https://journal.example", front.url).replace("curl ", "curl -sS ") for line in lines
    )
    made = front.licet("licensee", "add", "Example AI Labs", "--credit", "10 USD")
    known = {**os.environ, "CLIENT_ID": made["client_id"], "CLIENT_SECRET": made["client_secret"]}

    def shell(line: str, **more: str) -> str:
        return subprocess.run(
            ["sh", "-c", line], env={**known, **more}, capture_output=True, text=True, timeout=30, check=True
        ).stdout

    assert shell(refused).startswith("HTTP/1.1 402 ")
    token = json.loads(shell(bought))["access_token"]
    assert shell(fetched, TOKEN=token) == (foreign.www / "essays" / "tides").read_text()
    told = shell(fetched.replace("curl -sS ", "curl -sSi "), TOKEN=token)
    (record,) = re.findall(r"(?mi)^licet-record: (\S+)", told)
    charged = {each["id"]: each for each in front.records() if each["licensee"] == made["licensee"]}
    assert charged[record]["charge_reason"] == "read-before"
    assert sum(each["charged_micros"] for each in charged.values()) == 20_000


def test_scrapy_reads_our_robots_and_meets_the_price(foreign: Site, front: Front, tmp_path: Path) -> None:
    pytest.importorskip("scrapy", reason="scrapy is not installed (pip install --group test)")
    urls = [f"{front.url}/essays/tides", f"{front.url}/index.html", f"{front.url}/private/diary.html"]
    items, log = _crawl(tmp_path, urls)
    assert {each["url"].removeprefix(front.url): each["status"] for each in items} == {
        "/essays/tides": 402,
        "/index.html": 402,
    }
    assert {(each["code"], each["price"]) for each in items} == {("license-required", "USD 0.02")}
    assert "Forbidden by robots.txt: <GET " + urls[2] in log
    assert "'robotstxt/response_status_count/200': 1" in log

    made = front.licet("licensee", "add", "Scrapy Labs", "--credit", "1 USD")
    form = {"grant_type": "client_credentials", "scope": "ai-train", "resource": f"{front.url}/"}
    login = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
    request = urllib.request.Request(
        f"{front.url}/.licet/token", urlencode(form).encode(), {"Authorization": f"Basic {login}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        token = json.load(answer)["access_token"]
    items, _ = _crawl(tmp_path, urls[:2], token)
    assert {each["url"].removeprefix(front.url): (each["status"], each["octets"]) for each in items} == {
        "/essays/tides": (200, (foreign.www / "essays" / "tides").stat().st_size),
        "/index.html": (200, (foreign.www / "index.html").stat().st_size),
    }


def _crawl(folder: Path, urls: list[str], token: str = "") -> tuple[list[dict[str, Any]], str]:
    """Run Scrapy as it is, with its own robots middleware on; returns its items and its log."""
    (folder / "crawler.py").write_text(_SPIDER)
    command = [sys.executable, "-m", "scrapy", "runspider", "crawler.py", "-O", "items.json"]
    command += ["-a", f"urls={' '.join(urls)}", "-a", f"token={token}", "-s", "USER_AGENT=GPTBot"]
    # One at a time: of several first requests Scrapy 2.19 holds only two to the robots.txt it reads for them.
    command += [
        "-s",
        "ROBOTSTXT_OBEY=True",
        "-s",
        "CONCURRENT_REQUESTS=1",
        "-s",
        "TELNETCONSOLE_ENABLED=False",
        "-s",
        "RETRY_ENABLED=False",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "items.json").read_text()), done.stderr


def _curl() -> str:
    found = shutil.which("curl")
    if found is None:
        pytest.skip("curl is not installed (Debian: apt install curl)")
    return found
