"""The books of a gateway that served: held together, exported, changed behind its back, found out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from gateway.app.reconciling import by_command

BEAN_CHECK = Path(sys.executable).with_name("bean-check")
LINES = [
    "files", "public log", "derivation", "sums", "balances", "accounts", "spending", "credit", "journal",
    "statements", "receipts", "payments", "top-ups", "by hand", "closed months", "documents", "payouts",
]  # fmt: skip


@pytest.fixture
async def sold(licet, origin, sell):
    """A data folder whose gateway sold a token and served two pages, beside it as it runs."""
    data = licet.write_site(origin.url)
    one = await licet.serve()
    return await sell(one), one, data


def change(data: Path, sql: str) -> None:
    database = apsw.Connection(str(data / "licet.db"))
    database.execute(sql)
    database.close()


async def test_everything_agrees_beside_a_running_gateway_and_after_it(licet, sold) -> None:
    _, one, data = sold
    beside = (await licet("reconcile", "--json")).json
    assert beside["good"] is True
    night = json.loads(await by_command(data))
    assert (night["good"], [each["name"] for each in night["comparisons"]]) == (True, LINES)
    await one.stop()
    told = await licet("reconcile")
    rows = told.out.splitlines()
    assert rows[-1] == "everything agrees"
    assert "good   journal     records charged 0.01 USD = ledger 0.01 USD" in rows
    assert "good   statements  1 statement" in told.out.replace("1 statements", "1 statement")
    assert "       explained: 10 USD entered by operator: no rail tells of it" in rows
    checked = (await licet("books", "check", "--json")).json
    assert [each["name"] for each in checked["comparisons"]] == LINES[2:8]
    assert (await licet("books", "check")).out.endswith("everything agrees\n")


@pytest.mark.parametrize(
    ("sql", "name", "code"),
    [
        ("UPDATE posted SET micros = micros - 1 WHERE code = 'fetch'", "derivation", "posting-differs"),
        ("UPDATE balances SET micros = micros + 1 WHERE account = 'bank:clearing'", "sums", "unbalanced"),
        ("UPDATE license_spend SET fetches = fetches + 1", "spending", "spend-differs"),
    ],
)
async def test_what_was_changed_behind_its_back_is_named(licet, sold, sql, name, code) -> None:
    _, one, data = sold
    await one.stop()
    change(data, sql)
    for command in (("reconcile",), ("books", "check")):
        told = (await licet(*command, "--json", code=1)).json
        wrong = {each["name"]: [fault["code"] for fault in each["faults"]] for each in told["comparisons"]}
        assert told["good"] is False
        assert code in wrong[name]
        text = (await licet(*command, code=1)).out
        assert f"WRONG  {name}" in text
        assert "\nNOT GOOD: " in text


async def test_a_row_that_the_files_do_not_bear_out_is_named(licet, sold) -> None:
    _, one, data = sold
    await one.stop()
    change(
        data,
        "INSERT INTO words (word) VALUES ('/elsewhere');"
        " UPDATE journal SET path = (SELECT id FROM words WHERE word = '/elsewhere') WHERE kind = 'fetch'",
    )
    told = (await licet("reconcile", "--json", code=1)).json
    assert next(each["name"] for each in told["comparisons"] if not each["ok"]) == "files"


async def test_receipts_are_compared_where_they_are_proven(licet, sold) -> None:
    _, one, data = sold
    (data / "none.jsonl").write_text('{"kind": "fetch"}\nno json\n')
    assert (
        "holds no receipt" in (await licet("reconcile", "--receipts", str(data / "none.jsonl"), code=2)).err
    )
    await one.stop()
    proofs = data.parent / "receipts.jsonl"
    rows = apsw.Connection(str(data / "licet.db")).execute(
        "SELECT id FROM entries WHERE outcome = 'licensed'"
    )
    documents = [(await licet("journal", "prove", id)).out.strip() for (id,) in rows.fetchall()]
    proofs.write_text("\n".join(documents) + "\n")
    told = (await licet("reconcile", "--receipts", str(proofs), "--json")).json
    (line,) = [each for each in told["comparisons"] if each["name"] == "receipts"]
    assert (line["left"], line["ok"]) == ("2 receipts", True)
    proofs.write_text(
        documents[0] + "\n" + documents[1].replace('"charged_micros": 5000', '"charged_micros": 4999')
    )
    told = (await licet("reconcile", "--receipts", str(proofs), "--json", code=1)).json
    (line,) = [each for each in told["comparisons"] if each["name"] == "receipts"]
    assert [fault["code"] for fault in line["faults"]] == ["receipt-unproven"]


async def test_beancount_checks_what_is_exported(licet, sold, tmp_path) -> None:
    if not BEAN_CHECK.exists():
        pytest.skip("beancount is not installed")
    _, one, _ = sold
    await one.stop()
    text = (await licet("books", "export")).out
    file = tmp_path / "books.beancount"
    file.write_text(text)
    done = subprocess.run([BEAN_CHECK, str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    file.write_text(text.replace("0.005 USD", "0.006 USD", 1).replace("-0.005 USD", "-0.006 USD", 1))
    done = subprocess.run([BEAN_CHECK, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Balance failed" in done.stderr
    assert (await licet("books", "export", "--json")).json == text.splitlines()
    assert (await licet("books", "export", "--format", "hledger")).out.startswith(
        "commodity 1000.000000 USD\n"
    )
