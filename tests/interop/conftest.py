"""Other people's programs against a real `licet serve`; each test skips, and says so, where its program is absent."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from loadtests.processes import free_port, running
from loadtests.serving import LicetSite


@pytest.fixture
def needs() -> Callable[[str, str], str]:
    """`needs("curl", "apt install curl")`: the program's path, beside Python's own or in PATH, or a skip."""

    def find(name: str, how: str) -> str:
        beside = Path(sys.executable).parent / name
        found = str(beside) if beside.exists() else shutil.which(name)
        if not found:
            pytest.skip(f"{name} is absent ({how})")
        return found

    return find


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    """A server whose every page is `loadtests.raw_origin.PAGE`."""
    port = free_port()
    command = [sys.executable, "-m", "loadtests.raw_origin", "--port", str(port)]
    with running(command, None, port, tmp_path / "origin.log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def licet(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """`licet(origin)`: a gateway that enforces in front of it; returns its address."""
    with ExitStack() as stack:

        def serve(origin: str) -> str:
            site = stack.enter_context(LicetSite.serving(tmp_path, origin, cpu=None))
            return f"http://127.0.0.1:{site.port}"

        yield serve
