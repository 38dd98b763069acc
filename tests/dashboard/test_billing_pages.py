"""The operator's pages about bills: every form of a statement, and nothing for who is not signed in."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import orjson
import pypdf
import pytest

from gateway.billing.billing_office import BillingOffice
from gateway.billing.billing_rules import BillingRules, Party
from gateway.billing.issuing import Issuer
from gateway.billing.paying_out import PayingOut
from gateway.billing.payouts import Payee, planned
from gateway.billing.sheets import TEST_NOTICE
from gateway.billing.statements import Period
from gateway.dashboard.billing_tables import Bills
from gateway.money import Money
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.account_book import SqliteAccountBook
from gateway.store.sqlite.dispute_book import SqliteDisputeBook
from gateway.store.sqlite.document_book import SqliteDocumentBook
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.payout_book import SqlitePayoutBook
from gateway.store.sqlite.register import SqliteRegister
from tests.dashboard.conftest import SALT

HOSTILE = "<script>alert('x')</script>"
AT = 1_795_000_000_000_000


@pytest.fixture
async def bills(database):
    """A licensee with a hostile name: credit, a due, a payment; October is closed."""
    entries = (
        BookEntry("paid", AT - 40 * 86_400_000_000, "credit", "", "le_1", 10_000_000, "USD", memo=HOSTILE),
        BookEntry("close", AT, "close", "", "le_1", 0, "XXX", reference="2026-10"),
        BookEntry("share", AT, "due", "journal", "le_1", 2_000_100, "USD", license="lic_1"),
        BookEntry("pays", AT, "payment", "", "le_1", 500_000, "USD", reference="share"),
    )
    sealed = tuple(SealedEntry(each, SALT, each.canonical(), "front") for each in entries)
    await SqliteFolding(database.database).fold(FoldBatch(sealed, (), ()))

    async def names():
        return {"le_1": HOSTILE}

    return Bills(SqliteAccountBook(database.database), names)


async def test_the_list_and_every_form_of_a_statement(start, database, bills):
    board = await start(database, bills=bills)
    await board.set_password()
    page = (await board.get("/billing")).text
    assert "<script>" not in page
    assert 'href="/billing/statements/le_1/2026-10"' in page
    assert page.index('2026-11</a> <span class="muted">open') < page.index(
        '2026-10</a> <span class="muted">closed'
    )
    at = "/billing/statements/le_1/2026-11"
    shown = await board.get(at)
    assert shown.status == 200
    assert "<script>" not in shown.text
    told = orjson.loads((await board.get(f"{at}.json")).text)
    (total,) = told["totals"]
    assert (total["closing_micros"], total["left_to_pay_micros"]) == (9_500_000, 1_500_100)
    for amount in ("9.50 USD", "1.5001 USD", "2.0001 USD"):
        assert amount in shown.text
    rows = list(csv.DictReader(io.StringIO((await board.get(f"{at}.csv")).text, newline="")))
    assert (rows[-1]["prepaid"], rows[-1]["to_pay"]) == ("9.5", "1.5001")
    async with board.client.get(f"{board.base}{at}.pdf") as answer:
        assert answer.headers["Content-Disposition"].endswith('filename="Statement 2026-11.pdf"')
        text = "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(await answer.read())).pages)
    assert "1.5001 USD" in text
    closed = (await board.get("/billing/statements/le_1/2026-10")).text
    assert "closed at entry 2" in closed
    assert "sha-256:" in closed


@pytest.mark.parametrize(
    "path",
    ["/billing/statements/le_9/2026-11", "/billing/statements/le_1/2026-13", "/billing/statements/le_1/x"],
)
async def test_what_is_not_there(start, database, bills, path):
    board = await start(database, bills=bills)
    await board.set_password()
    assert (await board.get(path)).status == 404


async def test_nobody_reads_bills_who_is_not_signed_in(start, database, bills):
    board = await start(database, bills=bills)
    for path in ("/billing", "/billing/statements/le_1/2026-11.json"):
        assert (await board.get(path, Accept="*/*")).status == 401


async def test_a_closed_month_that_reads_otherwise_is_trouble(start, database, bills):
    await bills.book.freeze("le_1", "2026-10", "sha-256:other")
    board = await start(database, bills=bills)
    await board.set_password()
    assert (await board.get("/billing/statements/le_1/2026-10")).status == 503


async def test_test_mode_stands_on_every_page(start, database, bills):
    board = await start(database, bills=replace(bills, test=True))
    await board.set_password()
    for path in ("/billing", "/billing/statements/le_1/2026-11"):
        page = (await board.get(path)).text
        assert "TEST: " in page
        assert "TEST MODE" in page
    assert orjson.loads((await board.get("/billing/statements/le_1/2026-11.json")).text)["mode"] == "test"
    assert TEST_NOTICE


@pytest.fixture
async def issued(database, bills, clock):
    """The same with an invoice for October, to a buyer with a hostile name, and a dispute of its one line."""
    store, after = database.database, clock.now_us()

    async def write(entries):
        sealed = tuple(SealedEntry(each, SALT, each.canonical(), "front") for each in entries)
        await SqliteFolding(store).fold(FoldBatch(sealed, (), ()))
        return True

    october = Period.parse("2026-10")
    at = october.since_us + 9
    await write(
        [BookEntry("due-2", at, "due", "journal", "le_2", 2_000_000, "USD", license="lic_1", memo=HOSTILE)]
    )
    documents, accounts = SqliteDocumentBook(store), SqliteAccountBook(store)
    await documents.name_party("le_2", Party(name=HOSTILE, address="2 Data Street\nMetro"))
    taxes = ({"id": "s", "rate": "19 %", "text": "VAT"},)
    rules = BillingRules.model_validate(
        {"name": "Tide Press", "address": "1 Road", "tax": "s", "taxes": taxes}
    )
    issuer = Issuer((documents, accounts, SqliteLedger(store)), rules, write, lambda: after)
    office = BillingOffice(issuer, accounts, SqliteDisputeBook(store), SqliteRegister(store), lambda: after)
    (invoice,) = await issuer.issue("le_2", HOSTILE, october)
    dispute = await office.dispute(
        "le_2", invoice.id, {"line": 1, "amount": "1", "reason": HOSTILE, "evidence": "r1\nr2"}
    )
    payouts = SqlitePayoutBook(store)
    payee = Payee(HOSTILE, "DE89370400440532013000")
    await write([BookEntry("euros", at, "due", "journal", "le_2", 9_000_000, "EUR")])
    assert await payouts.plan([planned("journal", payee, Money(8_500_000, "EUR"), after // 10**6, "1")])
    paying = PayingOut(payouts, write, lambda: after)
    return replace(bills, office=office, paying=paying), invoice, dispute


async def test_an_invoice_and_how_it_stands(start, database, issued):
    bills, invoice, _ = issued
    board = await start(database, bills=bills)
    await board.set_password()
    listed = (await board.get("/billing")).text
    for word in ("I000001", "2.38 <abbr>USD", "waits for you", "issued", "planned", "8.50 <abbr>EUR", "sepa"):
        assert word in listed
    # What is owed stands first, as one sum.
    owed = listed.partition("<dt>Owed to you</dt>")[2].partition("</div>")[0]
    assert "2.38 <abbr>USD" in owed and "open on 1 invoice" in owed
    at = f"/billing/documents/{invoice.id}"
    page = (await board.get(at)).text
    for word in ("Invoice I000001", "VAT (19 %)", "Tide Press", "issued, 2.38 USD open", "2 Data Street"):
        assert word in page
    assert "<script>" not in listed + page
    assert (await board.get(f"{at}.json")).text == invoice.content
    async with board.client.get(f"{board.base}{at}.pdf") as answer:
        text = "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(await answer.read())).pages)
    assert "Invoice I000001" in text
    assert "open" not in text
    for path in ("/billing/documents/in_9", "/billing/disputes/ld_9"):
        assert (await board.get(path)).status == 404


@pytest.mark.parametrize("act", ["accept", "reject"])
async def test_a_dispute_is_answered_once_and_by_a_form_of_the_session(start, database, issued, act):
    bills, invoice, dispute = issued
    board = await start(database, bills=bills)
    await board.set_password()
    at = f"/billing/disputes/{dispute.id}"
    page = (await board.get(at)).text
    assert "<script>" not in page
    assert (await board.post(f"{at}/{act}", {"answer": "x", "form": "0" * 64})).status == 403
    form = {"form": await board.form(at), "answer": ""}
    if act == "reject":
        refused = await board.post(f"{at}/{act}", form)
        assert refused.status == 400
        assert "Say why" in refused.text
    done = await board.post(f"{at}/{act}", {**form, "answer": HOSTILE})
    assert (done.status, done.headers["Location"]) == (303, at)
    after = (await board.get(at)).text
    assert f"{act}ed" in after
    assert "<script>" not in after
    assert "<textarea" not in after
    assert (await board.post(f"{at}/{act}", {**form, "answer": "again"})).status == 400
    notes = await bills.office.issuer.documents.notes(invoice.id)
    assert len(notes) == (act == "accept")
