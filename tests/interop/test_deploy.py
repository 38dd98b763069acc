"""The shipped files for servers in front of Licet: their own programs accept them, and pages pass through."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.bundled import policies
from loadtests.processes import free_port, running
from loadtests.targets import nginx

SITE = """
stance = "open"
[site]
hosts = ["journal.example"]
origin = "{origin}"
mode = "observe"
"""


class _Telling(BaseHTTPRequestHandler):
    """Answers every request with the header fields that came."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def telling() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Telling) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def behind(tmp_path: Path, telling: str) -> Iterator[Callable[..., int]]:
    """`behind(settings, origin)`: a gateway with those settings; returns its port."""
    with ExitStack() as stack:

        def serve(settings: str, origin: str = telling) -> int:
            data, port = tmp_path / "data", free_port()
            (data / "sites").mkdir(parents=True)
            data.chmod(0o700)
            (data / "licet.toml").write_text(f"{settings}[store]\nreserve_mb = 1\n")
            (data / "sites" / "site.toml").write_text(SITE.format(origin=origin))
            command = [sys.executable, "-m", "gateway", "serve", "--data", str(data), "--port", str(port)]
            log = tmp_path / "licet.log"
            stack.enter_context(running([*command, "--dashboard-port", str(free_port())], None, port, log))
            return port

        yield serve


def _shipped(name: str, at: int, licet: int, certificate: Path, key: Path) -> str:
    """The file with this machine's ports and paths in place of its own."""
    text = policies("deploy", name).read_text()
    both = certificate.with_suffix(".pem")
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    assert "127.0.0.1:8402" in text
    text = text.replace("127.0.0.1:8402", f"127.0.0.1:{licet}")
    text = text.replace("/etc/letsencrypt/live/journal.example/fullchain.pem", str(certificate))
    text = text.replace("/etc/letsencrypt/live/journal.example/privkey.pem", str(key))
    text = text.replace("/etc/haproxy/journal.example.pem", str(both))
    return re.sub(r"(listen |bind :)443\b", lambda found: f"{found[1]}{at}", text)


def _got(curl: str, port: int, ca: Path, *more: str) -> tuple[str, dict[str, str]]:
    """The protocol spoken, and what the origin was told."""
    place = f"journal.example:{port}:127.0.0.1"
    command = [curl, "-sS", "--fail", "--resolve", place, "--cacert", str(ca), *more, "--noproxy", "*"]
    command += ["-H", "Host: journal.example", "-w", "%{stderr}%{http_version}"]
    command.append(f"https://journal.example:{port}/page")
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr, json.loads(done.stdout)


FORGED = ("-H", "X-Forwarded-For: 203.0.113.9", "-H", "Forwarded: for=203.0.113.9;proto=http")
TRUST = '[trust]\nproxies = ["127.0.0.1"]\n'


def _as_the_client_is(told: dict[str, str], address: str) -> None:
    assert (told["host"], told["x-forwarded-proto"], told["x-forwarded-for"]) == (
        "journal.example",
        "https",
        address,
    )
    assert f"for={address}" in told["forwarded"]
    assert "203.0.113.9" not in told["forwarded"]


def test_a_page_passes_nginx(tmp_path, needs, behind, certify) -> None:
    needs("nginx", "apt install nginx")
    curl = needs("curl", "apt install curl")
    certificate, key = certify("journal.example")
    tmp_path.chmod(0o755)
    port = free_port()
    servers = _shipped("nginx.conf", port, behind(TRUST), certificate, key)
    command = nginx(tmp_path, "front", "off", servers)
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    with running(command, None, port, tmp_path / "front.log"):
        version, told = _got(curl, port, certificate, "--interface", "127.0.0.2", *FORGED)
    assert version == "2"
    _as_the_client_is(told, "127.0.0.2")


def test_a_page_passes_haproxy(tmp_path, needs, behind, certify) -> None:
    haproxy, curl = needs("haproxy", "apt install haproxy"), needs("curl", "apt install curl")
    certificate, key = certify("journal.example")
    port = free_port()
    file = tmp_path / "haproxy.cfg"
    file.write_text(_shipped(file.name, port, behind(TRUST), certificate, key))
    checked = subprocess.run([haproxy, "-c", "-f", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with running([haproxy, "-db", "-f", str(file)], None, port, tmp_path / "haproxy.log"):
        version, told = _got(curl, port, certificate, "--interface", "127.0.0.2", *FORGED)
    assert version == "2"
    _as_the_client_is(told, "127.0.0.2")


def test_octets_pass_haproxy_unread_and_licet_speaks_tls(tmp_path, needs, behind, certify) -> None:
    haproxy, curl = needs("haproxy", "apt install haproxy"), needs("curl", "apt install curl")
    certificate, key = certify("journal.example")
    port = free_port()
    settings = (
        f'[listen]\nproxy_protocol = true\n{TRUST}[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
    )
    licet = behind(settings)
    file = tmp_path / "haproxy-passthrough.cfg"
    for version in ("send-proxy-v2", "send-proxy"):
        text = _shipped(file.name, port, licet, certificate, key)
        file.write_text(text.replace("send-proxy-v2", version))
        checked = subprocess.run(
            [haproxy, "-c", "-f", str(file)], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
        with running([haproxy, "-db", "-f", str(file)], None, port, tmp_path / "haproxy.log"):
            spoken, told = _got(curl, port, certificate, "--interface", "127.0.0.2", *FORGED)
        assert spoken == "1.1"
        _as_the_client_is(told, "127.0.0.2")
    # Without the header nobody who comes from the proxy's address is let in.
    with socket.create_connection(("127.0.0.1", licet), 10) as bare:
        bare.sendall(b"\x16\x03\x01\x00\x05hello")
        with pytest.raises(ConnectionResetError):
            bare.recv(100)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_nginx_as_the_origin_is_told_who_asks(tmp_path, needs, certify, behind, version) -> None:
    needs("nginx", "apt install nginx")
    curl = needs("curl", "apt install curl")
    tmp_path.chmod(0o755)
    port = free_port()
    servers = (
        f"server {{ listen 127.0.0.1:{port} proxy_protocol; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;"
        ' location / { default_type application/json; return 200 \'{"address": "$remote_addr"}\'; } }'
    )
    with running(nginx(tmp_path, "site", "off", servers), None, port, tmp_path / "site.log"):
        licet = behind(f'[origin]\nproxy_protocol = "{version}"\n', f"http://127.0.0.1:{port}")
        for client in ("127.0.0.2", "127.0.0.3", "127.0.0.2"):
            command = [curl, "-sS", "--noproxy", "*", "--interface", client, "-H", "Host: journal.example"]
            done = subprocess.run(
                [*command, f"http://127.0.0.1:{licet}/page"], capture_output=True, timeout=30, check=True
            )
            assert json.loads(done.stdout) == {"address": client}


def test_caddy_accepts_its_file(tmp_path, needs) -> None:
    caddy = needs("caddy", "from its project's releases")
    file = policies("deploy", "Caddyfile")
    command = [caddy, "validate", "--adapter", "caddyfile", "--config", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
