"""Bills by command: months that are closed, forms of a statement, and books of one mode."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pypdf
import pytest

from gateway.cli.books import open_books
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.database import Database

MONTH = time.strftime("%Y-%m", time.gmtime())
LAST_MONTH = time.strftime("%Y-%m", time.gmtime(time.time() - 32 * 86_400))


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A data folder with a database, and no gateway that runs."""
    database = await Database.open(tmp_path / "licet.db")
    await database.close()
    (tmp_path / "journal").mkdir(mode=0o700)
    return tmp_path


@pytest.fixture
def licet(folder):
    """`licet("licensee", "list")`: what the command prints, as JSON; *code* is how it ends."""

    def run(*command: str, code: int = 0):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *command, "--data", str(folder), "--json"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if code == 0 else done.stderr

    return run


async def booked(folder, *entries):
    """Enter *entries*, each a kind, an amount in micro-units of USD, and what else differs."""
    async with open_books(folder) as books:
        for at, (licensee, kind, micros, time_us, more) in enumerate(entries):
            await books.write(
                BookEntry(f"{kind}-{at}-{time_us}", time_us, kind, "journal", licensee, micros, "USD", **more)
            )


def in_last_month() -> int:
    return int(time.time() - 32 * 86_400) * 1_000_000


async def test_a_closed_month_never_changes_and_what_is_late_stands_in_the_next(licet, folder, tmp_path):
    made = licet("licensee", "add", "Example AI Labs")["licensee"]
    await booked(folder, (made, "due", 2_000_000, in_last_month(), {"license": "lic_1"}))
    assert "is not over yet" in licet("statement", made, "--period", MONTH, "--close", code=1)
    closed = licet("statement", made, "--period", LAST_MONTH, "--close")
    assert closed["closed"]
    assert closed["totals"][0]["left_to_pay_micros"] == 2_000_000
    await booked(folder, (made, "due", 7, in_last_month() + 5, {}))
    assert licet("statement", made, "--period", LAST_MONTH, "--close") == closed
    (late,) = [each for each in licet("statement", made, "--period", MONTH)["books"] if each["late"]]
    assert late["amount_micros"] == 7
    paper = tmp_path / "bill.pdf"
    licet("statement", made, "--period", LAST_MONTH, "--pdf", str(paper))
    text = "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(paper.read_bytes())).pages)
    assert f"closed at entry {closed['closed']}" in text
    assert licet("journal", "audit")["good"] is True


async def test_books_are_of_one_mode_for_good(licet, folder):
    made = licet("licensee", "add", "Example AI Labs", "--credit", "10 USD")["licensee"]
    (folder / "licet.toml").write_text('[billing]\nmode = "test"\n')
    assert licet("statement", made, "--period", MONTH)["mode"] == "test"
    (folder / "licet.toml").write_text("")
    assert "of test mode for good" in licet("statement", made, "--period", MONTH, code=2)
    served = subprocess.run(
        [sys.executable, "-m", "gateway", "serve", "--upstream", "http://127.0.0.1:1", "--data", str(folder)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert served.returncode == 2
    assert "billing.mode: must be test" in served.stderr
