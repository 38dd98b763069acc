"""The wheel, alone: built, installed into an empty environment, and the demo run from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The project's wheel, built from the checkout."""
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(out), str(root)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return next(out.glob("licet-*.whl"))


def test_the_wheel_carries_policies_and_pages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "gateway/_bundled/policies/stances/open.toml" in names
    assert "gateway/_bundled/static/dashboard.css" in names
    assert any(name.startswith("gateway/store/schema/") and name.endswith(".sql") for name in names)
    assert any(name.startswith("gateway/dashboard/templates/") for name in names)
    assert not any(name.startswith("tests/") for name in names)


@pytest.mark.timeout(600)
def test_the_demo_runs_from_the_wheel_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    installed = subprocess.run(
        [venv / "bin" / "pip", "install", "-q", f"{wheel}[server]"], capture_output=True, text=True
    )
    assert installed.returncode == 0, installed.stderr[-2000:]
    work = tmp_path / "empty"
    work.mkdir()
    environ = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "LICET_DATA"}}
    done = subprocess.run(
        [venv / "bin" / "licet", "demo", "--once", "--json", "--port", "0"],
        cwd=work,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["ok"]
    assert [line["status"] for line in told["lines"]] == [
        *(200, 402, 200, 200, 403, 403, 402, 403),
        *(201, 200, 200, 200, 200, 200, 409),
    ]
