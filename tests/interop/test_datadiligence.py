"""Spawning's datadiligence, as it is, reads off our answers what the policy says; and a requests session reads the files."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtests.processes import free_port, running

POLICY = """
stance = "search-free-training-paid"
otherwise = "serve"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "{mode}"
[publish]
x_robots_tag = true
trust_txt = true
llms_txt = true
[[works]]
id = "essays"
paths = ["/essays/"]
rights = "own"
people = "none"
"""
#: Of the site's own server: it frees what the policy reserves, and says something to search engines.
OWN = {"tdm-reservation": "0", "X-Robots-Tag": "max-snippet:20", "Content-Usage": "train-ai=y"}
FILES = {
    "/robots.txt": b"User-agent: *\nDisallow: /admin/\n",
    "/.well-known/tdmrep.json": b'[{"location": "/drafts/", "tdm-reservation": 1}]',
    "/llms.txt": b"# Tides\n\n> Essays about them.\n",
}


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = FILES.get(self.path, b"<p>tides</p>")
        missing = self.path == "/trust.txt"
        self.send_response(404 if missing else 200)
        for name, value in OWN.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def own() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def serve(own, tmp_path_factory):
    """`serve(mode)`: a gateway in front of the site, in a process of its own."""

    def run(mode: str):
        folder: Path = tmp_path_factory.mktemp(mode)
        data, port = folder / "data", free_port()
        (data / "sites").mkdir(parents=True, mode=0o700)
        data.chmod(0o700)
        (data / "licet.toml").write_text("[store]\nreserve_mb = 1\n")
        (data / "sites" / "journal.toml").write_text(POLICY.format(origin=own, mode=mode))
        command = [sys.executable, "-m", "gateway", "serve", "--data", str(data), "--port", str(port)]
        return running([*command, "--dashboard-port", str(free_port())], None, port, folder / "log"), port

    return run


@pytest.fixture(scope="module")
def enforcing(serve) -> Iterator[str]:
    served, port = serve("enforce")
    with served:
        yield f"http://127.0.0.1:{port}"


def test_it_reads_what_the_policy_says(enforcing) -> None:
    rules = pytest.importorskip(
        "datadiligence.rules", reason="datadiligence is absent (pip install datadiligence)"
    )
    requests = pytest.importorskip("requests")
    evaluators = pytest.importorskip("datadiligence.evaluators")
    for path, allowed in (("/essays/tides", False), ("/essays", False), ("/about", True)):
        url = enforcing + path
        assert rules.TDMRepHeader().is_allowed(url=url) is allowed, path
        assert rules.XRobotsTagHeader().is_allowed(url=url) is allowed, path
        answer = requests.get(url, timeout=30)
        assert answer.status_code == 200
        assert evaluators.HttpEvaluator().is_allowed(response=answer) is allowed
        assert evaluators.HttpEvaluator().is_allowed(headers=answer.headers) is allowed
        assert answer.headers["tdm-reservation"] == ("0" if allowed else "1"), "one line, not two"
        assert answer.headers["Content-Usage"].count("train-ai=") == 1
        assert "max-snippet:20" in answer.headers["X-Robots-Tag"]


def test_in_observe_the_site_s_own_words_pass(serve) -> None:
    requests = pytest.importorskip("requests")
    served, port = serve("observe")
    with served:
        for path in ("/essays/tides", *FILES):
            answer = requests.get(f"http://127.0.0.1:{port}{path}", timeout=30)
            assert {name: answer.headers[name] for name in OWN} == OWN
            assert answer.content == FILES.get(path, b"<p>tides</p>")


def test_the_files_answer_everybody(enforcing) -> None:
    requests = pytest.importorskip("requests")
    people = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    for agent in ("GPTBot/1.3", people, "", "curl/8"):
        found = {
            path: requests.get(enforcing + path, headers={"User-Agent": agent}, timeout=30)
            for path in ("/robots.txt", "/license.xml", "/.well-known/tdmrep.json", "/trust.txt", "/llms.txt")
        }
        for path, answer in found.items():
            assert answer.status_code == 200, (agent, path)
            assert answer.headers["Cache-Control"] == "public, max-age=3600"
            again = requests.get(
                enforcing + path,
                headers={"User-Agent": agent, "If-None-Match": answer.headers["ETag"]},
                timeout=30,
            )
            assert again.status_code == 304, (agent, path)
        rules = found["/.well-known/tdmrep.json"].json()
        assert [(rule["location"], rule["tdm-reservation"]) for rule in rules] == [
            ("/drafts/", 1), ("/essays$", 1), ("/essays?", 1), ("/essays/", 1), ("/", 0),
        ]  # fmt: skip
        assert found["/trust.txt"].text == "datatrainingallowed=no\n"
        assert found["/llms.txt"].text.startswith("# Tides\n\n> Essays about them.\n\n## Licensing\n")
        assert "Disallow: /admin/" in found["/robots.txt"].text
