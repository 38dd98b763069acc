"""http-cache-tests sees no cache in Licet: every result is the one it gets from its own server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from loadtests.processes import free_port, running

#: Results that may differ beside those of answers that the server breaks off or misframes: there a client of the
#: server meets an error of its own, and a client of a gateway meets the gateway's 502, as RFC 9112 section 6 wants.
EXPLAINED = {"headers-store-Transfer-Encoding": "the server sends a Transfer-Encoding that nobody knows"}


@pytest.fixture
def suite(tmp_path: Path, needs) -> Path:
    """The suite, installed into a folder of the test."""
    npm = needs("npm", "apt install npm")
    needs("node", "apt install nodejs")
    done = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path / "npm"), "http-cache-tests"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    folder = tmp_path / "npm" / "node_modules" / "http-cache-tests"
    if done.returncode or not folder.is_dir():
        pytest.skip(f"http-cache-tests could not be installed: {done.stderr[-300:]}")
    return folder


@pytest.fixture
def server(suite: Path, tmp_path: Path) -> Iterator[str]:
    """The suite's own server."""
    port = free_port()
    env = {
        "npm_config_port": str(port), "npm_config_protocol": "http", "npm_config_pidfile": str(tmp_path / "server.pid")
    }  # fmt: skip
    with running(["node", str(suite / "server" / "server.mjs")], None, port, tmp_path / "server.log", env):
        yield f"http://127.0.0.1:{port}"


def _results(suite: Path, url: str) -> dict[str, Any]:
    env = os.environ | {"npm_config_base": url, "npm_config_id": "", "npm_package_config_id": ""}
    done = subprocess.run(
        ["node", "--no-warnings", "cli.mjs"],
        cwd=suite,
        env=env,
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(240)
def test_every_result_is_the_same_with_and_without(suite, server, licet) -> None:
    front = licet(server)
    with ThreadPoolExecutor(2) as both:
        bare, behind = both.map(lambda url: _results(suite, url), (server, front))
    assert len(bare) > 300
    assert bare.keys() == behind.keys()
    differing = {name for name in bare if bare[name] != behind[name]}
    broken = {name for name in differing if bare[name] is not True and bare[name][0] == "FetchError"}
    assert differing - broken <= EXPLAINED.keys(), {
        name: (bare[name], behind[name]) for name in differing - broken
    }
    # Nothing may come from a cache that is not there.
    assert not [name for name in differing if behind[name] is True]
