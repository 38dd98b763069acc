"""A real `licet serve` in front of an origin, with a licensee that can buy tokens."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loadtests.processes import PROXY_CPU, free_port, running

#: A browser of people whose other headers nobody can predict: a bench sends few of them.
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 SeaMonkey/2.53.21"
CRAWLER = "GPTBot/1.3"
#: Seconds after which a token is bought anew.
_FRESH = 120

_SETTINGS = "[pacing]\nlicense_per_second = 0\n[store]\nreserve_mb = 1\n"
#: A site where people and search are free and a fetch for training is paid, ``{price}`` a fetch; ``{origin}`` is its server.
POLICY = """
stance = "search-free-training-paid"
[site]
id = "{site}"
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
price = {{ per_fetch = "{price}" }}
[[rules]]
when = {{ class = "ai" }}
then = {{ license = ["training"] }}
[[rules]]
then = "serve"
"""
#: The least price there is, so that a run never ends for want of credit.
A_MICRO_UNIT = "0.000001"


@dataclass
class LicetSite:
    """A gateway that runs: the process (of a tree, perhaps), its port and its data folder."""

    pid: int
    port: int
    data: Path
    log: Path
    _login: str = ""
    _token: str = ""
    _bought: float = float("-inf")

    @classmethod
    @contextlib.contextmanager
    def serving(
        cls,
        folder: Path,
        origin: str,
        *,
        name: str = "licet",
        cpu: int | None = PROXY_CPU,
        installed: Path | None = None,
        python: str = sys.executable,
    ) -> Iterator[LicetSite]:
        """Serve *origin* from a new data folder in *folder* until the context ends; raises `CannotRun`.

        The package is that of the checkout, or the one *installed* in a folder; *python* runs it, and where that is
        another than ours, with the package of its own environment.
        """
        data, log, port = folder / f"{name}-data", folder / f"{name}.log", free_port()
        (data / "sites").mkdir(parents=True, mode=0o700)
        data.chmod(0o700)
        (data / "licet.toml").write_text(_SETTINGS)
        (data / "sites" / "bench.toml").write_text(
            POLICY.format(site="bench", price=A_MICRO_UNIT, origin=origin)
        )
        command = [python, "-m", "gateway", "serve", "--data", str(data), "--port", str(port)]
        env = {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"} if installed else {}
        if python != sys.executable:
            env = {"PYTHONPATH": "", "PYTHONSAFEPATH": "1"}
        with running([*command, "--dashboard-port", str(free_port())], cpu, port, log, env) as pid:
            yield cls(pid, port, data, log)

    @staticmethod
    def version(python: str = sys.executable) -> str:
        """The version of what is checked out, and of *python*."""
        from gateway import __version__

        told = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout
        return f"licet {__version__}, {told.strip()}"

    def token(self) -> str:
        """A token with hours to live, bought as any crawler would."""
        if time.monotonic() - self._bought > _FRESH:
            self._token, self._bought = self._buy(), time.monotonic()
        return self._token

    def _buy(self) -> str:
        if not self._login:
            licet = [sys.executable, "-m", "gateway", "licensee", "add", "Bench", "--credit", "900000 USD"]
            made = json.loads(
                subprocess.run(
                    [*licet, "--data", str(self.data), "--json"], capture_output=True, check=True
                ).stdout
            )
            self._login = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
        front = f"http://127.0.0.1:{self.port}"
        form = {"grant_type": "client_credentials", "resource": f"{front}/"}
        request = urllib.request.Request(
            f"{front}/.licet/token",
            data=urllib.parse.urlencode(form).encode(),
            headers={
                "Authorization": f"Basic {self._login}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            token: str = json.loads(answer.read())["access_token"]
        return token
