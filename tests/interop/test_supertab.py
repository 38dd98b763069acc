"""PyPI ``supertab-connect-sdk``, written for another license server: finds the terms, buys by OLP, shows the token.

It needs Python 3.12 and gets an environment of its own; without one, or without
PyPI, the test skips and says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from loadtests.raw_origin import PAGE

PACKAGE = "supertab-connect-sdk"
CLIENT = """
import asyncio, json, sys
from importlib.metadata import version
from supertab_connect import obtain_license_token
job = json.loads(sys.argv[1])
token = asyncio.run(obtain_license_token(
    client_id=job["client"], client_secret=job["secret"], resource_url=job["url"], usage="ai-train"))
free = asyncio.run(obtain_license_token(
    client_id=job["client"], client_secret=job["secret"], resource_url=job["url"], usage="search"))
print(json.dumps({"token": token, "free": free, "version": version("supertab-connect-sdk")}))
"""


def _interpreters():
    """What may be a Python of at least 3.12."""
    yield sys.executable
    yield from ("python3.12", "python3.13", "python3.14")
    yield from map(str, sorted(Path.home().glob(".pyenv/versions/*/bin/python3.1[2-9]")))


def _is_new(python):
    asked = [python, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 12))"]
    try:
        return subprocess.run(asked, capture_output=True, timeout=20, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def supertab(tmp_path_factory):
    """The Python of an environment that has the package."""
    python = next(filter(_is_new, _interpreters()), None)
    if python is None:
        pytest.skip(f"{PACKAGE} needs Python 3.12, and there is none")
    folder = tmp_path_factory.mktemp("supertab")
    subprocess.run([python, "-m", "venv", str(folder)], check=True, capture_output=True, timeout=100)
    install = [str(folder / "bin" / "pip"), "install", "-q", PACKAGE]
    done = subprocess.run(install, capture_output=True, text=True, timeout=100, check=False)
    if done.returncode:
        pytest.skip(f"{PACKAGE} could not be installed from PyPI: {done.stderr[-200:]}")
    return str(folder / "bin" / "python")


def test_the_sdk_of_another_license_server_buys_here(supertab, gateway, interop) -> None:
    client, secret = gateway.licensee()
    url = f"{gateway.url}/essays/tides"
    job = json.dumps({"url": url, "client": client, "secret": secret})
    done = subprocess.run(
        [supertab, "-c", CLIENT, job], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["free"] is None
    interop(f"PyPI {PACKAGE}", told["version"], "read license.xml: search is free", "no token asked for")
    headers = {"Authorization": f"License {told['token']}", "User-Agent": "GPTBot/1.3"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
        assert answer.read() == PAGE
        assert answer.headers["Licet-Price"] == "USD 0.01"
    interop(f"PyPI {PACKAGE}", told["version"], "buy by OLP, fetch as License", "200, licet-price: USD 0.01")
