"""`licet serve` never ends without a word: whatever ends it before it serves is said on stderr."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.problems import ConfigurationError, StoreUnavailable

ROOT = Path(__file__).resolve().parents[2]


def begun(folder: Path, *options: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LICET_")}
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve", "--data", str(folder), "--port", "0", "--dashboard-port", "0", *options],
        env=clean | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGTERM, -signal.SIGTERM, "licet: ended by SIGTERM before anything was served"),
        (signal.SIGHUP, -signal.SIGHUP, "licet: ended by SIGHUP before anything was served"),
        (signal.SIGINT, 130, "licet: interrupted"),
    ],
)
def test_a_signal_that_ends_a_start_is_said(tmp_path, number, code, said):
    # Whoever reads these settings waits for them, and has opened them when they can be written.
    os.mkfifo(tmp_path / "licet.toml", 0o600)
    process = begun(tmp_path)
    with (tmp_path / "licet.toml").open("w"):
        process.send_signal(number)
        told = process.communicate(timeout=60)[1]
    assert (process.returncode, told.strip()) == (code, said)


def test_an_output_that_nobody_reads_is_said(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    process = begun(tmp_path / "data", "--upstream", "http://127.0.0.1:9", "--json", stdout=writing)
    os.close(writing)
    told = process.communicate(timeout=100)[1]
    assert process.returncode == 1
    assert told.strip().endswith("licet: nobody reads what is told here any more (broken pipe)")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigurationError([]), "licet: ended by ConfigurationError\n"),
        (StoreUnavailable(""), "licet: ended by StoreUnavailable\n"),
        (ConnectionResetError(), "licet: ended by ConnectionResetError\n"),
        (TimeoutError(), "licet: ended by TimeoutError\n"),
        (StoreUnavailable("The other process is gone."), "licet: The other process is gone.\n"),
    ],
)
def test_what_ends_it_and_says_nothing_is_named(monkeypatch, capsys, error, said):
    def run(config):
        raise error

    monkeypatch.setattr("gateway.app.sharing.joined", run)
    monkeypatch.setattr("sys.argv", ["licet", "serve", "--data", "nowhere"])
    monkeypatch.setattr("gateway.app.timers.log_to_stderr", lambda level: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert (ended.value.code, capsys.readouterr().err) == (2, said)
