"""The same octets to Licet and to nginx, before the same kind of origin: each difference has its reason.

What is compared is whether anything was forwarded, and of each forwarded
request the line, the Host and the body. `EXPLAINED` says of every row where the
two differ why ours is right; a difference without a sentence fails, and so does
a sentence without a difference.

``pytest -q -s -k report tests/hostile/test_differential.py`` prints the table.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

NGINX = shutil.which("nginx")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (make .make/debian)")

CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_header_timeout 500ms;
  client_body_timeout 500ms;
  keepalive_timeout 200ms;
  lingering_timeout 200ms;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{origin};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }}
  }}
}}
"""

EXPLAINED = {
    "F29": "a bare LF ends a line for some readers and for others it does not, so it hides a header from one of them",
    "F30": "a head that only lenient readers can read is not passed on for the origin to guess at",
    "F34": "nginx drops a header whose name is no token and forwards the rest: two readers of one request",
    "F42": "space behind a chunk size is what two readers split differently",
    "F46": "a line that ends in a bare LF inside a chunk extension is how a request is hidden in one",
    "F47": "a chunk size that ends in a bare LF has another length for a strict reader",
    "F50": "framing that outweighs the body by far is refused before it is worth sending",
    "F52": "a trailer that is no header has no reading",
    "F55": "a body behind an upgrade is read as a request by whoever believes that the connection has switched",
    "F61": "an expectation that we cannot meet is refused with 417 (RFC 9110, section 10.1.1), not forgotten",
    "F61b": "an expectation that nobody can read is refused, not forgotten",
    "H13": "two names for one client leave open whose right is judged",
    "H15": "a thousand overlapping ranges make a small request a large answer",
    "H17": "a site that leads back to its own gateway would ask itself without end",
    "L05": "a list of hosts is no host: gateway and origin could pick different sites",
    "L06": "a user before the host is how one host is shown and another is meant",
    "L08": "a port beyond 65535 is no port (RFC 3986, section 3.2.2)",
    "L08b": "an empty port is another spelling of the same host, which caches and origins may keep apart",
    "L11": "nobody is served under a name that is none of our sites; nginx serves its first site to everybody",
    "L13": "the target and the Host name different sites, and only one of them can be judged",
    "L14": "an address of the inside in the target is no site of ours",
    "L18": "OPTIONS of the whole server is a valid request (RFC 9110, section 9.3.7), and the origin's to answer",
    "L26": "a version that we do not speak is refused, not renamed",
    "L32": "a target has no fragment (RFC 9112, section 3.2); an origin may cut it off or take it for the path",
    "L33": "a person's odd path is the origin's to judge; nginx decodes it to choose a location",
    "P10": "a person's escaped NUL is the origin's to judge; a crawler's is refused",
}


class Peer:
    """nginx with a plain configuration before a recorder; asked like a driver."""

    def __init__(self, recording, folder: Path) -> None:
        self.recording = recording
        self.folder = folder

    async def start(self) -> Peer:
        self.recorder = await self.recording.Recorder().start()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = self.folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=self.folder, port=self.port, origin=self.recorder.port))
        self.process = subprocess.Popen(
            [NGINX, "-p", self.folder, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    break
                except OSError:
                    await asyncio.sleep(0.02)
        writer.close()
        return self

    async def stop(self) -> None:
        self.process.terminate()
        await asyncio.to_thread(self.process.wait)
        await self.recorder.stop()

    async def __call__(self, octets: bytes):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        received = b""
        try:
            writer.write(octets)
            async with asyncio.timeout(20):
                while piece := await reader.read(65536):
                    received += piece
        except ConnectionError:
            pass
        writer.transport.abort()
        return self.recording.Outcome(received, self.recorder.take())


def _seen(outcome) -> list[tuple[bytes, bytes, bytes]]:
    """The requests that were forwarded, as far as both must agree."""
    return [(message.line, message.host, message.body) for message in outcome.messages()]


def _told(outcome) -> str:
    """One line for people."""
    lines = [
        f"{line.decode('latin-1')[:40]} ({host.decode('latin-1')}, {len(body)})"
        for line, host, body in _seen(outcome)
    ]
    codes = ",".join(map(str, outcome.statuses[:3])) or "closed"
    return f"{codes:12} {'; '.join(lines[:2]) or 'nothing'}"


@pytest.fixture
async def both(recording, kit, started, tmp_path):
    """Licet and nginx, each before its own recorder."""
    return await started(recording.SocketDriver(kit)), await started(Peer(recording, tmp_path))


async def _compared(both, rows) -> dict[str, tuple]:
    ours, peer = both
    return {row.id: (row, await ours(row.octets), await peer(row.octets)) for row in rows.PERSON}


async def test_report_that_every_difference_is_explained(both, rows):
    found = await _compared(both, rows)
    differing = {id for id, (_, ours, peer) in found.items() if _seen(ours) != _seen(peer)}
    for id, (row, ours, peer) in found.items():
        print(f"{id:5} {row.case}\n      licet {_told(ours)}\n      nginx {_told(peer)}")
        if id in differing:
            print(f"      {EXPLAINED.get(id, 'UNEXPLAINED')}")
    assert differing - set(EXPLAINED) == set(), "these are not explained"
    assert set(EXPLAINED) - differing == set(), "these do not differ"
