"""The Dockerfile built and served by Debian's own tools: no daemon, and no image of anybody else.

The image it asks for is made of Debian's packages and given its name; there
Python is Debian's. What is built is run as it says itself: its entry point,
user, environment and health check, in a root of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.processes import free_port, running

ROOT = Path(__file__).resolve().parents[2]
#: What the Dockerfile begins with.
BASE = "docker.io/library/python:3.12-slim"
PACKAGES = "python3,python3-venv,python-is-python3,ca-certificates"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

pytestmark = pytest.mark.night


class Images:
    """Images and containers in a folder of their own."""

    def __init__(self, buildah: str, folder: Path) -> None:
        self._buildah, self._folder = buildah, folder

    def __call__(self, *command: str) -> str:
        where = [f"--root={self._folder}/store", f"--runroot={self._folder}/run", "--storage-driver=vfs"]
        done = subprocess.run(
            [self._buildah, *where, *command], capture_output=True, text=True, check=False, timeout=1800
        )
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout.strip()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    from shutil import which

    if os.geteuid() != 0:
        pytest.skip("only root makes a root of Debian's packages")
    programs = [which(name) for name in ("buildah", "debootstrap")]
    if None in programs:
        pytest.skip("buildah and debootstrap are absent (apt install buildah debootstrap)")
    folder = tmp_path_factory.mktemp("images")
    images, debian = Images(str(programs[0]), folder), folder / "debian"
    made = subprocess.run(
        [str(programs[1]), "--variant=minbase", f"--include={PACKAGES}", "stable", str(debian)],
        capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"Debian's packages could not be had: {made.stdout[-200:]}")
    # Registries are believed and found as on this machine.
    (debian / AUTHORITIES.relative_to("/")).write_bytes(AUTHORITIES.read_bytes())
    index = subprocess.run(
        ["pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    ).stdout
    settings = f"[global]\ncert = {AUTHORITIES}\n" + (f"index-url = {index}" if index else "")
    (debian / "etc" / "pip.conf").write_text(settings)
    container = images("from", "scratch")
    subprocess.run(["cp", "-a", f"{debian}/.", images("mount", container)], check=True)
    images("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    images("commit", "--rm", container, BASE)
    subprocess.run(["rm", "-rf", str(debian)], check=True)
    try:
        yield images
    finally:
        images("rm", "--all")


@pytest.fixture(scope="module")
def built(images: Images) -> tuple[Path, dict[str, Any]]:
    """The root of the image that the Dockerfile makes, and what it says of how it is run."""
    how = ("--isolation=chroot", "--pull-never", "--network=host", "--format=docker")
    images("bud", *how, "--tag=licet:test", f"--file={ROOT / 'Dockerfile'}", str(ROOT))
    said = json.loads(images("inspect", "--type=image", "localhost/licet:test"))["Docker"]["config"]
    return Path(images("mount", images("from", "--pull-never", "localhost/licet:test"))), said


def inside(root: Path, said: dict[str, Any], command: list[str], **env: object) -> list[str]:
    """*command* in *root* as the image's user, with its environment and *env*; its /proc ends with it."""
    told = [*said["Env"], *(f"{name}={value}" for name, value in env.items())]
    script = 'mount -t proc proc "$0/proc" && exec chroot --userspec="$1" "$0" /usr/bin/env -i "${@:2}"'
    return ["unshare", "--mount", "bash", "-c", script, str(root), said["User"], *told, *command]


def test_what_the_dockerfile_makes_serves_and_says_that_it_is_well(built, origin, tmp_path, interop) -> None:
    root, said = built
    port, other = free_port(), free_port()
    owner = (root / "data").stat()
    assert (owner.st_uid, owner.st_gid, owner.st_mode & 0o777) == (10402, 10402, 0o700)
    assert not list(root.glob("src/*"))
    listening = {"LICET_LISTEN_PORT": port, "LICET_DASHBOARD_PORT": free_port()}
    serve = [*said["Entrypoint"], *said["Cmd"], "--upstream", origin, "--mode", "offer"]
    kind, *check = said["Healthcheck"]["Test"]
    assert kind == "CMD"

    def well(at: int) -> int:
        command = inside(root, said, check, LICET_LISTEN_PORT=at)
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode

    assert well(port) != 0
    log = tmp_path / "container.log"
    with running(inside(root, said, serve, **listening), None, port, log):
        assert (well(port), well(other) != 0) == (0, True)
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/essays/tides", headers={"User-Agent": "GPTBot/1.3"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert (answer.status, bool(answer.headers["Crawler-Price"])) == (200, True)
        assert {path.stat().st_uid for path in (root / "data").rglob("*")} == {10402}
    assert "stopped" in log.read_text()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
    interop(
        "buildah",
        "",
        "the Dockerfile",
        "built, served by its own user, health check heard, stopped by SIGTERM",
    )
