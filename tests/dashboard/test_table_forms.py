"""Every table of the pages in each of its four forms: the same address, the same rows."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
from dataclasses import replace
from datetime import date
from operator import itemgetter
from urllib.parse import quote

import aiohttp
import duckdb
import pytest

from gateway.app.told_terms import previewed
from gateway.dashboard.bundle_pages import Bundles
from gateway.dashboard.exports import FORMATS
from gateway.dashboard.health_pages import Health
from gateway.dashboard.holder_pages import Holders
from gateway.dashboard.people import Passkey
from gateway.dashboard.permissions import ROUTES
from gateway.dashboard.preview_pages import Preview
from gateway.dashboard.sorting import Order, by_cells
from gateway.dashboard.table_forms import PAGE_ROWS
from gateway.dashboard.visible import spreadsheet_cell
from gateway.dashboard.worth_tables import TABLES as WORTH
from gateway.finding import Finding as Found
from gateway.finding import State
from gateway.licenses.audit_cases import AuditCase, AuditScope, Finding
from gateway.licenses.bundle import write_manifest
from gateway.licenses.enrollment import enroll
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.negotiation import Side, terminated
from gateway.licenses.objection import Objection, Objector, Role
from gateway.licenses.obligations import Evidence
from gateway.licenses.transparency import TransparencyReport
from gateway.licenses.value_memo import About, Comparable, Figure, Figures
from gateway.licenses.withdrawal import USUAL, Withdrawal
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.bundles import manifest_file
from gateway.policy.reading import read_policy
from gateway.provenance.keeper import FoldBatch, SealedEntry
from gateway.provenance.record import BookEntry
from gateway.store.sqlite.accounts import SqliteAccounts
from gateway.store.sqlite.auditors import SqliteAuditors
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ingestion import SqliteIngestion
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.lives import SqliteLives
from gateway.store.sqlite.saved_views import SqliteSavedViews
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.store.sqlite.terms_versions import SqliteTermsVersions
from gateway.terms.license_terms import Audit
from gateway.terms.terms_version import TermsVersion
from tests.dashboard.conftest import HOSTILE, SALT, TERMS
from tests.dashboard.test_auditor_pages import auditors
from tests.dashboard.test_billing_pages import AT, bills, issued
from tests.dashboard.test_hook_pages import hooks, wire
from tests.dashboard.test_milestone_pages import milestones
from tests.dashboard.test_person_pages import people
from tests.policy.test_bundles import MADE, POLICY

__all__ = ["auditors", "bills", "hooks", "issued", "milestones", "people", "wire"]

GETS = {key.removeprefix("GET ") for key in ROUTES if key.startswith("GET ")}
PATHS = {path for path in GETS if "{" not in path}
#: Tables that stand on the page of one thing.
OF_ONE = sorted(path.removesuffix(".csv") for path in GETS if "{" in path and path.endswith(".csv"))
TABLES = sorted(path.removesuffix(".csv") for path in PATHS if path.endswith(".csv"))
REPORT = {
    "datasets": [{"name": "d", "content": ["/essays/"], "items": 1}],
    "models": [{"name": "S", "version": "1", "datasets": []}], "inferences": [{"model": "S 1", "count": 5}],
    "revenue": [{"product": "p", "net": {"micros": 1_000_000, "currency": "USD"}}],
    "statement": {"by": "Eve", "role": "CEO"},
}  # fmt: skip
#: What a table of an answer is asked by.
ASKED = {
    **dict.fromkeys(("/consent/effects", "/consent/effects/told"), "site=journal&work=essays"), "/who": "ua=GPTBot/1.2&ip=203.0.113.9",
    "/preview/offers": "site=journal&path=/essays/tides&as=GPTBot", "/crawlers/GPTBot/proofs": "last=24h",
    **dict.fromkeys((f"/dossier/{name}" for name in WORTH["dossier"]), "crawler=GPTBot"),
    **dict.fromkeys((f"/calculator/{name}" for name in WORTH["calculator"]), "files=10"),
}  # fmt: skip
#: One paper each, and no table: a preview, a finding of health, a memo, a price.
PAPERS = {"/preview", "/health", "/memo", "/calculator", "/dossier"}


class Looks:
    """Finds something hostile."""

    async def examined(self):
        return (Found("disk", State.BAD, HOSTILE[4], "make room"), Found("store", State.OK, "well"))

    async def fetched(self):
        return ()


@pytest.fixture
async def whole(
    start, filled, files, admin, inbox, owed, auditors, issued, milestones, people, hooks, consents, worth, tmp_path, monkeypatch
):  # fmt: skip
    """A dashboard with every page that has a table, and something hostile in nearly each."""
    database, now = filled.database, owed.now
    price = replace(TERMS.compensation, revenue_share_bp=300, per_inference=Money(100, "USD"))
    license = await owed.license(
        audit=Audit("quarterly", audits_per_year=1, output_samples=2), compensation=price
    )
    scope = AuditScope(("/",), now - 9, now)
    findings = (Finding("rp_1", HOSTILE[4], Money(9, "USD"), Money(3, "USD")), Finding("rp_2", "late"))
    case = AuditCase("au_1", license.id, license.licensee, "journal", now, HOSTILE[4], scope)
    await owed.audits.put("", replace(case, findings=findings, found_at=now))
    duty = await owed.one(license)
    period = {"begins": duty.begins, "ends": duty.ends}
    told = TransparencyReport.model_validate(
        REPORT | {"duty": duty.id, "license": license.id, "period": period}
    )
    evidence = Evidence(told.sha256, "application/json", len(told.document), now, HOSTILE[4])
    await owed.book.hand_in(duty, duty.version, told.document, evidence, now, report=told)
    await inbox.waits(buyer=await inbox.buyer(HOSTILE[4]), audit=Audit("none", 0))
    memo = json.dumps({HOSTILE[4]: 300_000, "Bo Example": 200_000})
    share = BookEntry("sh", AT, "share", "journal", "", 500_000, "EUR", memo=memo, by="authors")
    sealed = SealedEntry(share, SALT, share.canonical(), "front")
    await SqliteFolding(database).fold(FoldBatch((sealed,), (), ()))
    taken = Withdrawal(
        "wd_1", "journal", USUAL, now, now, works=("essays",), paths=(PathScope("/b"),), digests=("d" * 64,)
    )
    await consents.taking_back.store.issue(taken)
    objection = Objection("ob_1", "journal", HOSTILE[0], Role.DEPICTED, now)
    await consents.hearing.store.add(objection, Objector("a@a.example", HOSTILE[1], HOSTILE[2]), most=9)
    holder = enroll(HOSTILE[4], now=now, standing=Standing.ACTIVE)
    await consents.taking_back._register.add_licensee(holder.licensee, holder.client)
    terms = consents.policies()[0].offers[0].terms
    held = License("li_held", holder.licensee.id, "journal", "training", terms, "p", now, now + 99)
    await consents.taking_back._register.grant(held)
    await consents.asking.ask("journal", "essays", HOSTILE[5], 500_000, now * 1_000_000, representative=True)
    manifest = manifest_file(tmp_path / "shop" / "journal.toml", "launch")
    manifest.parent.mkdir(parents=True)
    manifest.write_text(write_manifest(MADE))
    (tmp_path / "shop" / "journal.toml").write_text(POLICY.format(rights="own", more=""))
    policy = read_policy(tmp_path / "shop" / "journal.toml")
    (sold,) = policy.offers
    await owed.license(HOSTILE[4], scope=sold.terms.scope, compensation=sold.terms.compensation)
    board = await start(
        filled,
        policies=files,
        admin=admin,
        deals=inbox.deals,
        duties=owed.book,
        audits=owed.audits,
        auditors=SqliteAuditors(database),
        bills=issued[0],
        milestones=milestones if not isinstance(milestones, tuple) else milestones[0],
        people=people,
        views=SqliteSavedViews(database),
        hooks=hooks[0],
        worth=worth,
        preview=Preview(files, previewed),
        holders=Holders(
            owed.register, SqliteLives(database), SqliteAccounts(database), SqliteSpendBook(database)
        ),
        health=Health(Looks(), lambda: (("dashboard.host", HOSTILE[4]),)),
        bundles=Bundles(
            SqliteIngestion(database), owed.register, SqliteLedger(database), lambda: (policy,), lambda: ()
        ),
    )
    assert (await board.set_password()).status == 303
    view = {"form": await board.form("/keys"), "path": "/log", "query": "last=7d", "name": HOSTILE[4]}
    assert (await board.post("/views/save", view)).status == 303
    key = {"form": await board.form("/keys"), "name": HOSTILE[4], "days": "9", "scopes": "log.read"}
    assert (await board.post("/keys/add", key)).status == 200
    board.ones = {
        "deals": "ne_1",
        "licenses": license.id,
        "licensees": license.licensee,
        "webhooks": "we_own",
        "bundles": MADE.hash,
        "audits": "au_1",
        "duties": duty.id,
        "policies": "journal",
        "crawlers": "GPTBot",
    }
    owner = board.sessions.people.all[0]
    mine = replace(owner, passkeys=(Passkey("id", "key", 0, "localhost", HOSTILE[4], 1),))
    board.sessions.file.change(lambda access: (access.with_people(access.people.with_one(mine)), None))
    worth.figures.keep(
        "journal",
        Figures(
            (Figure(About.VIEWS, HOSTILE[4], "9", "our own", date(2026, 10, 1)),),
            (Comparable(HOSTILE[4], "2 USD a page", "a paper", date(2026, 10, 1)),),
        ),
    )
    text = b"{}"
    version = TermsVersion(hashlib.sha256(text).hexdigest(), text)
    assert await SqliteTermsVersions(database).take_up("journal", version, "sha-256:p", now - 9)
    (journal,) = (each for each in files.policies if each.site.id == "journal")
    draft = files.keep_draft(journal, files.text(journal) + '\n[[rules]]\nthen = "refuse"\n')
    for path in ("/policies/journal/impact", "/policies/journal/impact/crawlers"):
        monkeypatch.setitem(ASKED, path, f"draft={draft}")
    board.event = hooks[1][0].id
    return board


def of_one(board, path: str) -> str:
    """*path* of the thing of its kind that there is."""
    one = board.event if path.startswith("/webhooks/events/") else board.ones[path.split("/")[1]]
    return re.sub(r"\{\w+\}", one, path)


def address(path: str, ending: str, query: str = "") -> str:
    """The address of a table's form, with what it must be asked by."""
    whole = "&".join(filter(None, (ASKED.get(path, ""), query)))
    return f"{path}.{ending}?{whole}" if whole else f"{path}.{ending}"


async def octets(board, path: str) -> bytes:
    async with board.client.get(board.base + path) as answer:
        body = await answer.read()
        assert answer.status == 200, (path, body[:300])
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="licet-'), path
        return body


def of_parquet(body: bytes, tmp_path) -> list[dict]:
    file = tmp_path / "table.parquet"
    file.write_bytes(body)
    found = duckdb.from_parquet(str(file))
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


async def test_every_table_has_four_forms_that_hold_the_same_rows(whole, tmp_path):
    assert len(TABLES) >= 25
    assert len(OF_ONE) >= 15
    compared = "?last=24h&compare=previous"
    views = [(path, "") for path in TABLES if path != "/overview/compared"]
    views += [(of_one(whole, path), "") for path in OF_ONE]
    views += [
        (path, compared)
        for path in ("/overview", "/overview/compared", "/crawlers", "/content", "/content/paths")
    ]
    for path, query in views:
        found = {
            ending: await octets(whole, address(path, ending, query.removeprefix("?")))
            for ending in ("json", "jsonl", "csv", "parquet")
        }
        value = json.loads(found["json"])
        rows = next(iter(value.values()))
        assert len(value) == 1
        assert rows, f"{path} has no row: the comparison would prove nothing"
        assert [json.loads(line) for line in found["jsonl"].splitlines()] == rows, path
        assert of_parquet(found["parquet"], tmp_path) == rows, path
        cells = list(csv.DictReader(io.StringIO(found["csv"].decode(), newline="")))
        assert cells == [
            {
                key: spreadsheet_cell(cell) if isinstance(cell, str) else str("" if cell is None else cell)
                for key, cell in row.items()
            }
            for row in rows
        ], path


async def test_every_table_is_a_page_of_its_own_with_every_row_and_column_of_its_forms(whole):
    pages = [path.removesuffix(".html") for path in GETS if path.endswith(".html") and path.removesuffix(".html") in {*TABLES, *OF_ONE}]  # fmt: skip
    assert len(pages) >= 35
    for pattern in pages:
        path = of_one(whole, pattern) if "{" in pattern else pattern
        rows = json.loads(await octets(whole, address(path, "json")))["rows"]
        page = await whole.get(address(path, "html"))
        assert page.status == 200, path
        assert len(re.findall("<h1>", page.text)) == 1, path
        assert page.text.count('<td role="cell"') == len(rows) * len(rows[0]), path
        headings = re.findall(
            rf'aria-sort="none"><a href="{re.escape(quote(path))}\.html\?(?:[^"]*;)?sort=([a-z0-9_-]+)">',
            page.text,
        )
        assert headings == list(rows[0]), path
        assert not any(each in page.text for each in HOSTILE if "<" in each), path
        last = headings[-1]
        narrow = (await whole.get(address(path, "html", f"columns={last}&sort=-{last}"))).text
        assert narrow.count('<td role="cell"') == len(rows), path
        for ending in FORMATS:
            link = rf'href="{re.escape(quote(path))}\.{ending}\?(?:[^"]*;)?columns={last}&amp;sort=-{last}"'
            assert re.search(link, narrow), (path, ending)
        for wrong in ("columns=nosuch", "sort=nosuch"):
            answer = await whole.get(address(path, "html", wrong))
            assert (answer.status, "has no &#39;nosuch&#39; here" in answer.text) == (400, True), path
        if pattern in GETS:
            asked = address(path, "html", f"columns={last}&last=24h")
            there = await whole.get(asked.replace(".html", "", 1))
            assert (there.status, there.headers.get("Location")) == (303, asked), path


async def test_the_page_of_a_long_table_is_turned_and_keeps_what_it_is_asked_for(whole, owed):
    for nth in range(PAGE_ROWS + 5):
        made = Licensee(f"le_{nth:032}", f"Nth {nth:03}", Standing.ACTIVE, owed.now - nth)
        await owed.register.add_licensee(made, Client(f"cl_{nth}", made.id, "ab" * 32, owed.now))
    query = "columns=name%2Cid&sort=name"
    first = (await whole.get(f"/licensees.html?{query}")).text
    assert first.count('<td role="cell"') == 2 * PAGE_ROWS
    assert f'<a href="/licensees/le_{3:032}">' in first
    more = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = (await whole.get(more)).text
    every = json.loads(await octets(whole, f"/licensees.json?{query}"))["rows"]
    names = [html.escape(row["name"]) for row in every[PAGE_ROWS:]]
    assert re.findall(r'data-name="Name">(?:<[^>]*>)*([^<]*)<', second) == names
    assert (await whole.get("/licensees.html?after=gone")).status == 400


def test_whoever_adds_a_table_gives_it_every_form_under_one_permission():
    endings = (".csv", ".jsonl", ".parquet", ".json")
    tables = {path.rpartition(".")[0] for path in PATHS if path.endswith(endings)} | set(OF_ONE)
    for path in tables - PAPERS:
        wanted = {ROUTES.get(f"GET {path}.{ending}") for ending in FORMATS}
        assert len(wanted) == 1, path
        assert None not in wanted, path


async def test_the_page_of_a_table_leads_to_its_forms(whole):
    for page, tables in {
        "/licensees": ["/licensees"], "/duties": ["/duties"], "/webhooks": ["/webhooks", "/webhooks/newest"],
        "/billing": ["/billing/statements", "/billing/documents", "/billing/disputes"],
        "/billing?last=30d": ["/billing/figures"],
        "/consent": ["/consent/withdrawals", "/consent/objections", "/consent/authors"],
        f"/consent/effects?{ASKED['/consent/effects']}": ["/consent/effects", "/consent/effects/told"],
        "/policies/journal/consent": ["/policies/journal/consent"], "/people": ["/people"], "/policies": ["/policies"], "/milestones": ["/milestones"],
        "/refused": ["/refused", "/refused/weeks"], "/auditors": ["/auditors", "/auditors/looks"], "/log": ["/log"],
        "/bundles": ["/bundles"], "/deals": ["/deals"], "/licenses": ["/licenses"], "/audits": ["/audits"],
        "/billing/authors": ["/billing/authors"], "/health": ["/health/findings", "/health/settings"],
        "/crawlers/GPTBot": ["/content/paths", "/log", "/crawlers/GPTBot/proofs"],
        "/account/passkeys": ["/account/passkeys"],
        "/figures": ["/figures"],
        **{
            f"/{paper}?{ASKED.get(f'/{paper}/{first}', '')}": [f"/{paper}/{name}" for name in (first, *more)]
            for paper, (first, *more) in WORTH.items()
        },
        "/who?ua=GPTBot/1.2": ["/who"], "/preview": ["/preview/offers"],
        **{
            page: [
                # What is a page of its own leads to its forms itself.
                of_one(whole, path) for path in OF_ONE
                if of_one(whole, path).startswith(f"{page}/") and path not in GETS and "/impact" not in path
            ]
            for page in (
                *(f"/{kind}/{one}" for kind, one in whole.ones.items()), f"/webhooks/events/{whole.event}",
            )
        },
    }.items():  # fmt: skip
        text = (await whole.get(page)).text
        for table in tables:
            for ending in FORMATS:
                assert f'href="{quote(table)}.{ending}' in text, (page, table, ending)
        for alone in set(re.findall(r'href="(/[^"]+\.html(?:\?[^"]*)?)"', text)):
            assert (await whole.get(html.unescape(alone))).status == 200, (page, alone)


async def test_a_table_of_one_view_is_of_that_view(whole, owed):
    every = json.loads(await octets(whole, "/duties.json"))["rows"]
    nobody = json.loads(await octets(whole, "/duties.json?licensee=le_nobody"))["rows"]
    assert every
    assert nobody == []
    assert (await whole.get("/auditors/looks.json?auditor=au_nobody")).status == 404
    assert (await whole.get("/admin?after=x")).status == 400


async def test_who_may_not_see_the_page_gets_no_form_of_its_table(whole):
    whole.forget_cookies()
    whole.become("auditor")
    for path in ("/licensees", "/people", "/policies", "/webhooks", "/deals"):
        for ending in FORMATS:
            assert (await whole.get(f"{path}.{ending}")).status == 403, path
    async with aiohttp.ClientSession() as stranger:
        for ending in FORMATS:
            async with stranger.get(f"{whole.base}/licensees.{ending}", allow_redirects=False) as answer:
                assert answer.status in {303, 401, 403}


async def test_deals_are_of_the_columns_and_in_the_order_that_the_address_names(whole, inbox, tmp_path):
    await inbox.waits("ne_2", await inbox.buyer("Second"))
    address = "?columns=buyer,id&sort=-state&text=ne_"
    page = (await whole.get(f"/deals{address}")).text
    assert re.findall(r'<th [^>]*scope="col"[^>]*>(?:<a [^>]*>)?([^<]+)', page) == ["Buyer", "Negotiation"]
    assert re.findall(r'href="/deals/(ne_\d)"', page) == ["ne_1", "ne_2"]
    for ending in FORMATS:
        assert f'href="/deals.{ending}?text=ne_&amp;columns=buyer%2Cid&amp;sort=-state"' in page, ending
    rows = [{"buyer": HOSTILE[4], "id": "ne_1"}, {"buyer": "Second", "id": "ne_2"}]
    assert json.loads(await octets(whole, f"/deals.json{address}")) == {"deals": rows}
    lines = (await octets(whole, f"/deals.jsonl{address}")).splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert of_parquet(await octets(whole, f"/deals.parquet{address}"), tmp_path) == rows
    cells = list(csv.reader(io.StringIO((await octets(whole, f"/deals.csv{address}")).decode(), newline="")))
    assert cells == [["buyer", "id"], ["'" + HOSTILE[4], "ne_1"], ["Second", "ne_2"]]
    ended = terminated(await inbox.store.get("ne_2"), Side.BUYER, "no", now=inbox.now)
    assert await inbox.store.put((await inbox.store.get("ne_2")).version, ended)
    for sort, wanted in (("state", ["ne_1", "ne_2"]), ("-state", ["ne_2", "ne_1"])):
        found = json.loads(await octets(whole, f"/deals.json?columns=id&sort={sort}"))["deals"]
        assert [each["id"] for each in found] == wanted, sort
        page = (await whole.get(f"/deals?columns=id&sort={sort}")).text
        assert re.findall(r'href="/deals/(ne_\d)"', page) == wanted, sort
    for wrong in ("columns=floor", "sort=price"):
        for path in ("/deals", *(f"/deals.{ending}" for ending in FORMATS)):
            assert (await whole.get(f"{path}?{wrong}")).status == 400, (path, wrong)


async def test_every_table_is_sorted_by_each_of_its_columns_in_every_form(whole, tmp_path):
    """Those that are pages of sums or of a filter have their own words for it (`filters`, `deals`)."""
    own = {"/log", "/overview", "/overview/compared", "/crawlers", "/content", "/content/paths", "/deals", "/billing/figures"}  # fmt: skip
    for path in [*(path for path in TABLES if path not in own), *(of_one(whole, path) for path in OF_ONE)]:
        rows = next(iter(json.loads(await octets(whole, address(path, "json"))).values()))
        for name in rows[0]:
            cells = {name: itemgetter(name)}
            for turned in (False, True):
                order = Order(name, turned)
                wanted, _ = by_cells(rows, cells, order)
                found = json.loads(await octets(whole, address(path, "json", f"sort={order.said}")))["rows"]
                assert [row[name] for row in found] == [row[name] for row in wanted], (path, order)
        for ending in FORMATS:
            wrong = await whole.get(address(path, ending, "sort=nosuch"))
            assert (wrong.status, wrong.text[:26]) == (400, "sort: has no 'nosuch' here"), path
        lines = (await octets(whole, address(path, "jsonl", f"sort=-{name}"))).splitlines()
        assert [json.loads(line) for line in lines] == found, path
        assert (
            of_parquet(await octets(whole, address(path, "parquet", f"sort=-{name}")), tmp_path) == found
        ), path


async def test_the_heading_of_a_page_sorts_it_and_leads_to_forms_in_the_same_order(whole):
    """Each link of a heading is followed both ways; the forms that the page leads to are of that order."""
    pages = (
        "/licensees", "/licenses", "/bundles", "/policies", "/views", "/refused", "/people", "/keys", "/webhooks",
        "/billing/statements", "/billing/documents", "/billing/disputes", "/billing/payouts",
        "/consent/withdrawals", "/consent/objections", "/consent/authors",
        "/webhooks/newest", "/webhooks/we_own/deliveries", f"/webhooks/events/{whole.event}/deliveries", "/admin", "/audits",
        "/auditors", "/auditors/looks", "/duties", "/milestones",
    )  # fmt: skip
    for page in pages:
        headings = re.findall(
            rf'aria-sort="none"><a href="{page}\?(sort=[a-z_]+)">', (await whole.get(page)).text
        )
        assert len(headings) >= 3, page
        for sort in headings:
            for query in (sort, sort.replace("=", "=-")):
                answer = await whole.get(f"{page}?{query}")
                assert answer.status == 200, (page, query)
                turned = re.findall(
                    r'aria-sort="(ascending|descending)"><a href="[^"]*?\?sort=([^"]+)"', answer.text
                )
                assert len(turned) == 1, (page, query)
                other = query[6:] if query[5] == "-" else f"-{query[5:]}"
                assert turned[0][1] == other, (page, query)
                assert f'href="{page}.json?{query}"' in answer.text, (page, query)
        wrong = await whole.get(f"{page}?sort=floor")
        assert (wrong.status, "The filter cannot be used" in wrong.text) == (400, True), page
