"""Money given back: of credit, and of a charge."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

MONTH = time.strftime("%Y-%m", time.gmtime())


@pytest.fixture
async def licet(tmp_path: Path, gateway_folder):
    """`licet("licensee", "list")`: what the command prints, as JSON; *code* is how it ends."""

    def run(*command: str, code: int = 0):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *command, "--data", str(gateway_folder), "--json"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if code == 0 else done.stderr

    return run


@pytest.fixture
async def gateway_folder(tmp_path: Path) -> Path:
    """A data folder with a database, and no gateway that runs."""
    from gateway.store.sqlite.database import Database

    database = await Database.open(tmp_path / "licet.db")
    await database.close()
    (tmp_path / "journal").mkdir(mode=0o700)
    return tmp_path


async def test_credit_goes_back_as_far_as_it_is_unspent_and_never_twice(licet) -> None:
    made = licet("licensee", "add", "Example AI Labs", "--credit", "10 USD")
    second = licet("licensee", "credit", made["licensee"], "5 USD")
    refunded = licet("licensee", "refund", made["licensee"], "7 USD", "--memo", "contract ended")
    assert [each["amount"] for each in refunded["reversals"]] == ["5 USD", "2 USD"]
    assert refunded["reversals"][0]["undoes"] == second["entry"]
    assert "nothing of" in licet("licensee", "refund", made["licensee"], second["entry"], code=1)
    assert "8 USD that is unspent" in licet("licensee", "refund", made["licensee"], "8.01 USD", code=1)
    assert "is neither an entry" in licet("licensee", "refund", made["licensee"], "everything", code=2)
    bill = licet("statement", made["licensee"], "--period", MONTH)
    (total,) = bill["totals"]
    assert (total["credited_micros"], total["corrected_micros"], total["closing_micros"]) == (
        15_000_000,
        -7_000_000,
        8_000_000,
    )
    assert [(line["kind"], line["memo"]) for line in bill["books"]][2:] == [
        ("reversal", "contract ended")
    ] * 2
    assert licet("journal", "audit")["good"] is True
