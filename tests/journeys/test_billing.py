"""Bills by command: months that are closed, forms of a statement, and books of one mode."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pypdf
import pytest

from gateway.cli.books import open_books
from gateway.provenance.record import BookEntry, FetchRecord
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

    def run(*command: str, code: int = 0, printed: bool = False):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *command, "--data", str(folder), "--json"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout) if code == 0 or printed else done.stderr

    return run


async def booked(folder, *entries):
    """Enter *entries*, each a kind, an amount in micro-units of USD, and what else differs."""
    async with open_books(folder) as books:
        for at, (licensee, kind, micros, time_us, more) in enumerate(entries):
            await books.write(
                BookEntry(
                    f"{kind}-{at}-{time_us}",
                    time_us,
                    kind,
                    "journal",
                    licensee,
                    micros,
                    **{"currency": "USD", **more},
                )
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


async def test_a_month_is_billed_disputed_credited_and_paid_by_command(licet, folder, tmp_path):
    made = licet("licensee", "add", "Example AI Labs", "--credit", "5 USD")["licensee"]
    (folder / "licet.toml").write_text(
        '[billing]\nname = "Tide Press"\naddress = "1 Harbor Road"\ntax_id = "XX1"\nprefix = "TP-"\n'
        '[[billing.taxes]]\nid = "standard"\nrate = "19 %"\ntext = "VAT"\n'
    )
    await booked(folder, (made, "due", 2_000_000, in_last_month(), {"license": "lic_1"}))
    ask = ("invoices", "issue", made, "--period", LAST_MONTH)
    assert "is not over yet" in licet("invoices", "issue", made, "--period", MONTH, code=1)
    assert "no rule 'gone'" in licet("invoices", "party", made, "--tax", "gone", code=2)
    party = ("--name", "Example AI GmbH", "--address", "2 Data Street\\nMetro", "--tax", "standard")
    assert licet("invoices", "party", made, *party)["address"] == "2 Data Street\nMetro"
    (bill,) = licet(*ask)
    assert (bill["number"], bill["total"], bill["state"]) == ("TP-I000001", "2.38 USD", "issued")
    assert licet(*ask) == [bill]
    page, paper = tmp_path / "bill.html", tmp_path / "bill.pdf"
    shown = licet("invoices", "show", bill["number"], "--html", str(page), "--pdf", str(paper))
    text = "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(paper.read_bytes())).pages)
    for word in (
        "TP-I000001",
        "Tide Press",
        "Example AI GmbH",
        "VAT (19 %)",
        "2.38 USD",
        shown["digest"][:30],
    ):
        assert word in text
        assert word in page.read_text()
    (note,) = licet("invoices", "credit", bill["id"], "--line", "1=0.50", "--why", "late")
    assert (note["number"], note["total"]) == ("TP-C000001", "0.59 USD")
    assert "can be credited" in licet(
        "invoices", "credit", bill["id"], "--line", "1=1.51", "--why", "x", code=1
    )
    assert "no invoice" in licet("invoices", "credit", note["id"], "--line", "1", "--why", "x", code=1)
    (paid,) = licet("invoices", "pay", bill["number"])
    assert (paid["state"], paid["open"]) == ("paid", "0 USD")
    assert "0 USD is open" in licet("invoices", "write-off", bill["id"], code=1)
    assert [each["number"] for each in licet("invoices", "list")] == ["TP-C000001", "TP-I000001"]
    assert licet("disputes", "list") == []
    assert "no dispute" in licet("disputes", "show", "ld_1", code=1)
    assert licet("reconcile")["good"] is True
    assert licet("journal", "audit")["good"] is True


async def test_a_creator_is_paid_by_a_file_for_the_bank(licet, folder, tmp_path):
    made = licet("licensee", "add", "Example AI Labs")["licensee"]
    (folder / "licet.toml").write_text('[billing]\nname = "Tide Press"\niban = "NL91ABNA0417164300"\n')
    await booked(folder, (made, "due", 9_000_000, in_last_month(), {"currency": "EUR"}))
    ask = ("payouts", "plan", "journal")
    iban = ("--name", "Ada Example", "--iban", "DE89370400440532013000")
    assert "does not cover" in licet(*ask, "9.01 EUR", *iban, code=1)
    assert "no whole number" in licet(*ask, "1.001 EUR", *iban, code=1)
    assert "no IBAN" in licet(*ask, "1 EUR", "--name", "A", "--iban", "DE00370400440532013000", code=1)
    assert "SEPA pays in EUR" in licet(*ask, "1 USD", *iban, code=1)
    (one,) = licet(*ask, "8.50 EUR", *iban)
    file = tmp_path / "december.xml"
    done = licet("payouts", "sepa", "--out", str(file), "--on", "2026-12-01")
    assert done["payouts"] == 1
    octets = file.read_bytes()
    assert b"<EndToEndId>" + one["payout"].encode() in octets
    assert "nothing is planned" in licet("payouts", "sepa", "--out", str(file), code=1)
    licet("payouts", "sepa", "--out", str(file), "--again", done["id"])
    assert file.read_bytes() == octets
    (paid,) = licet("payouts", "settle", one["payout"], "--fee", "0.35 EUR")
    assert (paid["state"], paid["fee"]) == ("paid", "0.35 EUR")
    assert [each["state"] for each in licet("payouts", "list")] == ["paid"]
    assert licet("reconcile")["good"] is True
    assert licet("books", "check")["good"] is True


async def test_authors_are_paid_from_their_own_accounts(licet, folder, tmp_path):
    made = licet("licensee", "add", "Example AI Labs")["licensee"]
    (folder / "licet.toml").write_text('[billing]\nname = "Tide Press"\niban = "NL91ABNA0417164300"\n')
    await booked(folder, (made, "due", 9_000_000, in_last_month(), {"currency": "EUR"}))
    memo = json.dumps({"Ada Example": 5_000_000, "Bo Example": 2_000_000})
    await booked(
        folder, ("", "share", 7_000_000, in_last_month(), {"currency": "EUR", "memo": memo, "license": ""})
    )
    ada = ("journal", "Ada Example")
    assert "no IBAN" in licet("payouts", "payee", *ada, "--iban", "DE00370400440532013000", code=1)
    named = licet("payouts", "payee", *ada, "--iban", "DE89370400440532013000", "--name", "A. Example")
    assert named["paid_to"] == "A. Example, IBAN …3000"
    assert [(each["author"], each["owed"], each["paid_to"]) for each in licet("payouts", "authors")] == [
        ("Ada Example", "5 EUR", "A. Example, IBAN …3000"), ("Bo Example", "2 EUR", ""),
    ]  # fmt: skip
    done = licet("payouts", "plan-authors")
    assert [(each["author"], each["payee"], each["amount"]) for each in done["payouts"]] == [
        ("Ada Example", "A. Example", "5 EUR")
    ]
    assert [(each["author"], each["why"]) for each in done["unpaid"]] == [
        ("Bo Example", "nobody said where it is to be paid")
    ]
    assert licet("payouts", "plan-authors")["payouts"] == []
    file = tmp_path / "authors.xml"
    assert licet("payouts", "sepa", "--out", str(file))["payouts"] == 1
    licet("payouts", "settle", done["payouts"][0]["payout"])
    assert [each["owed"] for each in licet("payouts", "authors")] == ["2 EUR"]
    assert licet("payouts", "payee", *ada, "--forget")["paid_to"] == ""
    assert licet("reconcile")["good"] is True
    bill = licet("invoices", "issue", made, "--period", LAST_MONTH)[0]
    assert licet("reconcile")["good"] is True
    database = sqlite3.connect(folder / "licet.db")
    database.execute("UPDATE frozen_periods SET digest = replace(digest, substr(digest, 8, 4), 'ffff')")
    database.execute("UPDATE payouts SET content = replace(content, '5000000', '6000000')")
    database.commit()
    database.close()
    told = licet("reconcile", code=1, printed=True)
    assert {each["name"] for each in told["comparisons"] if not each["ok"]} == {
        "closed months", "documents", "payouts",
    }  # fmt: skip
    assert bill["id"] in str(told)


async def test_a_creator_is_not_paid_what_is_the_authors_and_waits_to_be_divided(licet, folder):
    made = licet("licensee", "add", "Example AI Labs")["licensee"]
    (folder / "sites").mkdir()
    (folder / "sites" / "journal.toml").write_text(
        'stance = "search-free-training-paid"\n[site]\nid = "journal"\nhosts = ["journal.example"]\n'
        'origin = "http://127.0.0.1:8000"\n[[works]]\nid = "essays"\npaths = ["/essays/"]\nrights = "own"\n'
        'people = "none"\nauthors = [{ name = "Ada Example", share = "60 %" }, { name = "Bo Example", share = "40 %" }]\n'
        '[offers.training]\nuses = ["ai-train"]\nworks = ["essays"]\nprice = { per_fetch = "0.01" }\n[[rules]]\nthen = "serve"\n'
    )
    await booked(folder, (made, "credit", 9_000_000, in_last_month(), {"currency": "EUR"}))
    await booked(folder, (made, "due", 1_000_000, in_last_month(), {"currency": "EUR", "license": ""}))
    fetch = FetchRecord(
        id="r0", time_us=in_last_month(), duration_us=1, site="journal", host="h", method="GET", path="/essays/a",
        visitor_class="ai", identity="claimed", identity_method="none", verdict="license", rule="r", policy="p",
        mode="enforce", outcome="licensed", status=200, bytes_sent=9, ended="complete", detail="0" * 64, licensee=made,
        license="lic_1", charge_reason="fetch", work="essays", currency="EUR", charged_micros=4_000_000,
    )  # fmt: skip
    async with open_books(folder) as books:
        await books.write(fetch)
    ask = ("payouts", "plan", "journal")
    iban = ("--name", "Tide Press", "--iban", "DE89370400440532013000")
    told = licet(*ask, "1.01 EUR", *iban, code=1)
    assert "4 EUR of what stands there is its authors', and is divided once a day" in told
    assert licet(*ask, "1 EUR", *iban)[0]["amount"] == "1 EUR"
