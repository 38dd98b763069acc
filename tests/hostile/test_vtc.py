"""Scripts for both ends of the gateway, run by Varnish's own tester."""

from __future__ import annotations

import asyncio
import shutil
import socket
from pathlib import Path

import pytest

VARNISHTEST = shutil.which("varnishtest")
SCRIPTS = sorted((Path(__file__).parent / "vtc").glob("*.vtc"))
pytestmark = pytest.mark.skipif(
    VARNISHTEST is None, reason="varnishtest is not installed (make .make/debian)"
)


async def _run(kit, started, script: Path, tmp_path: Path) -> tuple[int, str]:
    """Run *script* with the macros `door`, an address, and `up`, the port of its server; its code and its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        up = free.getsockname()[1]
    door = await started(kit.Door(f"http://127.0.0.1:{up}"))
    process = await asyncio.create_subprocess_exec(
        VARNISHTEST, "-t", "30", "-D", f"door=127.0.0.1:{door.port}", "-D", f"up={up}", str(script),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path, env={"TMPDIR": str(tmp_path)},
    )  # fmt: skip
    said, _ = await process.communicate()
    assert door.listener.faults == 0
    return process.returncode, said.decode("utf-8", "replace")


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
async def test_script(kit, started, script, tmp_path):
    code, said = await _run(kit, started, script, tmp_path)
    assert code == 0, said[-4000:]


async def test_a_script_can_fail(kit, started, tmp_path):
    wrong = tmp_path / "wrong.vtc"
    wrong.write_text((Path(__file__).parent / "vtc" / "stranger.vtc").read_text().replace("421", "200"))
    code, _ = await _run(kit, started, wrong, tmp_path)
    assert code != 0
