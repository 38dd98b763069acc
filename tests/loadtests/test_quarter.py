"""A quarter of three licensees: the books say what was added up by hand, and other programs agree."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.billing.book_export import Form, export
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.ledger import SqliteLedger
from loadtests import quarter, quarter_sums

BEAN_CHECK = Path(sys.executable).with_name("bean-check")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small quarter."""
    made = tmp_path_factory.mktemp("quarter") / "data"
    asyncio.run(quarter.made(made, seed=7, fetches=240))
    return made


async def test_every_account_stands_where_the_sum_by_hand_says(folder):
    rows = await quarter.compared(folder)
    assert [row for row in rows if row[1] != row[2]] == []
    names = {name for name, _, _ in rows}
    assert names >= {
        "bank", "creator", "owed le_answer", "owed le_bundle", "owed le_pages", "prepaid le_pages",
        "author Ada Example", "author Cy Example", "paid out", "payout fees",
    }  # fmt: skip
    assert all(micros for _, micros, _ in rows)


async def test_interest_and_payouts_occur_in_it_and_the_sums_by_hand_need_them(folder):
    facts = json.loads((folder / "facts.json").read_text())
    whole = quarter_sums.sums(facts)
    without = [{**deal, "interest": 0} for deal in facts["deals"]]
    other = quarter_sums.sums({**facts, "deals": without})
    assert other["owed le_pages"] > whole["owed le_pages"]
    unpaid = [{**deal, "payments": []} for deal in facts["deals"]]
    assert quarter_sums.sums({**facts, "deals": unpaid})["owed le_pages"] < whole["owed le_pages"]
    assert whole["paid out"] > 100_000_000
    assert whole["author Ada Example"] < quarter_sums.sums({**facts, "payouts": []})["author Ada Example"]
    database = await Database.open(folder / "licet.db")
    entries = [each.entry for each in (await SqliteLedger(database).books()).entries]
    await database.close()
    kinds = {(getattr(each, "kind_of", ""), getattr(each, "by", "")) for each in entries}
    assert kinds >= {
        ("due", "interest"),
        ("payout", "payouts"),
        ("payout_fee", "payouts"),
        ("payment", "operator"),
    }


async def test_one_fetch_more_or_one_micro_unit_is_seen(folder, tmp_path):
    facts = json.loads((folder / "facts.json").read_text())
    whole = quarter_sums.sums(facts)
    facts["deals"][0]["credit"] += 1
    assert quarter_sums.sums(facts) != whole
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "facts.json").write_text(json.dumps(facts))
    wrong = [name for name, hand, books in await quarter.compared(tmp_path / "copy") if hand != books]
    assert wrong == ["bank", "prepaid le_pages"]


async def test_rederiving_and_other_programs_give_the_same(folder, tmp_path):
    database = await Database.open(folder / "licet.db")
    ledger = SqliteLedger(database)
    before = await ledger.books()
    await ledger.rederive()
    books = await ledger.books()
    await database.close()
    assert (books.postings, books.balances) == (before.postings, before.balances)
    referees = {Form.BEANCOUNT: [str(BEAN_CHECK)], Form.HLEDGER: ["hledger", "check", "--strict", "-f"]}
    asked = 0
    for form, command in referees.items():
        if shutil.which(command[0]):
            file = tmp_path / f"books.{form}"
            file.write_text("".join(export(books, form)))
            done = subprocess.run([*command, str(file)], capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), form
            asked += 1
    assert asked or not BEAN_CHECK.exists()


def test_the_sums_by_hand_import_nothing_of_the_gateway():
    code = "import sys, loadtests.quarter_sums; print(any(name.split('.')[0] == 'gateway' for name in sys.modules))"
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "False"


def test_the_same_seed_gives_the_same_facts_and_another_one_others():
    assert quarter.agreed(1, 50) == quarter.agreed(1, 50) != quarter.agreed(2, 50)
