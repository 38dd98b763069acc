"""Audits and bundles in a real browser: they fit, say nothing, and break no rule of WCAG."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from gateway.dashboard.bundle_pages import Bundles
from gateway.licenses.audit_cases import (
    AuditCase,
    AuditScope,
    Finding,
    auditor_named,
    bound,
    closed,
    found,
    requested,
    scope_agreed,
)
from gateway.licenses.bundle import write_manifest
from gateway.licenses.obligations import Kind
from gateway.licenses.withdrawal import Withdrawal
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.bundles import manifest_file
from gateway.policy.reading import read_policy
from gateway.store.sqlite.ingestion import SqliteIngestion
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.terms.license_terms import Audit
from tests.dashboard.test_browser import CHROMIUM, FLAGS, Watch, picture, sign_in
from tests.policy.test_bundles import MADE, POLICY

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]


@pytest.fixture
async def browser():
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        await running.close()


async def audited(owed, name, *steps):
    """An audit of a license of *name*, as many *steps* on."""
    license = await owed.license(name, audit=Audit("quarterly", audits_per_year=2, audit_window_months=24))
    duty = await owed.one(license, Kind.REPORT)
    wanted = AuditScope((duty.id, "/essays/tides"), license.starts_at, owed.now)
    case = requested(license, (), "The sums of spring look low.", wanted, reports=[duty.id], now=owed.now)
    for step in steps:
        case = step(case)
        assert isinstance(case, AuditCase), case
    assert await owed.audits.put("", case)
    return license, case


async def filled_audits(owed):
    now = owed.now
    shortfall = Finding(
        "/essays/tides", "Answers of the mobile product were left out.", Money(1_000_000_000, "USD"), Money(80_000_000, "USD")
    )  # fmt: skip
    steps = (
        lambda case: auditor_named(case, "Ledger & Partner", "audit@ledger.example", now),
        lambda case: bound(case, "We tell nobody but the creator, and only the result.", now),
        lambda case: scope_agreed(case, case.wanted, now),
        lambda case: found(case, [shortfall], "USD", now),
        lambda case: closed(case, now),
    )
    license, asked = await audited(owed, "Example AI Labs GmbH")
    made = {
        "audits": "/audits",
        "audit-new": f"/audits/new?license={license.id}",
        "audit-0": f"/audits/{asked.id}",
    }
    for count, name in enumerate(
        ("Answers Inc", "Bound Ltd", "University of Somewhere", "Under AG", "Over SA"), 1
    ):
        _, case = await audited(owed, name, *steps[:count])
        made[f"audit-{count}"] = f"/audits/{case.id}"
    return made


async def filled_bundles(owed, database, folder):
    file = folder / "sites" / "journal.toml"
    manifest_file(file, "launch").parent.mkdir(parents=True)
    for name, made in (("launch", MADE), ("older", replace(MADE, name="older", items=MADE.items[:1]))):
        manifest_file(file, name).write_text(write_manifest(made))
    file.write_text(POLICY.format(rights="own", more='ingestion = "90 %"'))
    policy = read_policy(file)
    terms = policy.offers[0].terms
    await owed.license("Example AI Labs GmbH", scope=terms.scope, compensation=terms.compensation)
    gone = Withdrawal(
        "wd_1", "journal", terms.purpose.uses, owed.now, owed.now, paths=(PathScope("/essays/b"),)
    )
    return Bundles(
        SqliteIngestion(database.database),
        owed.register,
        SqliteLedger(database.database),
        lambda: (policy,),
        lambda: (gone,),
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_the_pages_are_clean_and_fit(browser, start, database, owed, tmp_path, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    pages = await filled_audits(owed)
    bundles = await filled_bundles(owed, database, tmp_path)
    pages |= {"bundles": "/bundles", "bundle": f"/bundles/{MADE.hash}"}
    board = await start(database, duties=owed.book, audits=owed.audits, bundles=bundles)
    context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
    watch = Watch(context, board.base)
    page = await context.new_page()
    await sign_in(page, board)
    for name, path in pages.items():
        assert (await page.goto(board.base + path)).status == 200, path
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        broken = await axe.Axe().run(page)
        assert broken.violations_count == 0, (path, broken.generate_report())
        levels = await page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1])")
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), path
        await picture(page, f"{name}-{scheme}-{width}")
    assert watch.clean()
    await context.close()
