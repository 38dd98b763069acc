"""Money given back: of credit, and of a charge."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from gateway.cli.refunds import _refunded

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


@pytest.mark.parametrize("how", ["amount", "entry"])
async def test_refunds_at_once_give_back_no_more_than_is_unspent(licet, gateway_folder, how) -> None:
    made = licet("licensee", "add", "Example AI Labs", "--credit", "10 USD")
    (line,) = licet("statement", made["licensee"], "--period", MONTH)["books"]
    asked = {"amount": ("7 USD", "", ""), "entry": (line["entry"], "7 USD", "")}[how]
    done = await asyncio.gather(
        *(_refunded(gateway_folder, made["licensee"], *asked) for _ in range(4)), return_exceptions=True
    )
    (entries,) = [each for each in done if isinstance(each, list)]
    assert [entry.amount_micros for entry in entries] == [7_000_000]
    assert sum(isinstance(each, typer.Exit) for each in done) == 3
    (total,) = licet("statement", made["licensee"], "--period", MONTH)["totals"]
    assert total["closing_micros"] == 3_000_000
    assert licet("journal", "audit")["good"] is True
    (rest,) = licet("licensee", "refund", made["licensee"], line["entry"])["reversals"]
    assert rest["amount"] == "3 USD"
