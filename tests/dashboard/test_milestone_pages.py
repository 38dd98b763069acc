"""The page of milestones: what needs the operator first, who holds the money in words, hostile text as text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.billing.escrow import Proof
from gateway.billing.milestone_book import MilestoneBook
from gateway.billing.postings import Booked
from gateway.clock import HandClock
from gateway.dashboard.milestone_pages import Milestones
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.offers import months_after
from gateway.money import Money
from gateway.store.memory.duties import MemoryDuties
from gateway.store.memory.owing import MemoryOwing
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.tables import Tables
from gateway.terms.license_terms import Compensation, Milestone
from tests.dashboard.conftest import TERMS
from tests.dashboard.test_browser import CHROMIUM, FLAGS, Watch, picture, sign_in

SCRIPT = "<script>alert(1)</script> only a preview"


@pytest.fixture
async def milestones(clock):
    """Two licensees: one whose agent holds money, with one of each state, and one that promised."""
    register, tables = MemoryRegister(), Tables()
    owing = MemoryOwing(register, MemoryDuties(register), tables)

    async def keep(entry):
        tables.entries.append(Booked(len(tables.entries) + 1, entry))

    book, now = MilestoneBook(owing, keep, clock), clock.now_us() // 1_000_000
    found = Milestones(owing, book, register)
    price = Compensation(
        "USD", upfront=Money(500_000_000, "USD"), holder="agent:Notary Example",
        milestones=(
            Milestone("ingestion", 4_000, "journal", 412), Milestone("training", 3_000, "statement"),
            Milestone("launch", 2_000), Milestone("weights", 1_000, months=2),
        ),
    )  # fmt: skip
    for nth, (name, holder) in enumerate(
        [("Example AI Labs GmbH", "agent:Notary Example"), ("<b>Answers</b> Inc", "nobody")]
    ):
        await register.add_licensee(
            Licensee(f"le_{nth}", name, Standing.ACTIVE, now), Client(f"cl_{nth}", f"le_{nth}", "", now)
        )
        terms = replace(TERMS, compensation=replace(price, holder=holder))
        await register.grant(
            License(f"li_{nth}4070ff30c5", f"le_{nth}", "journal", "", terms, "p", now, months_after(now, 12))
        )
    first, second = "li_04070ff30c5", "li_14070ff30c5"
    await book.advance(second)
    for name in ("ingestion", "launch", "training"):
        await book.fund(first, name, "operator")
    await book.meet(first, "training", "licensee le_0", Proof.STATEMENT, {"statement": "done"})
    await book.dispute(first, "launch", "licensee le_0", SCRIPT)
    await book.give_back(second, "weights", "operator")
    return found


async def test_what_needs_the_operator_comes_first_and_text_of_others_is_text(start, database, milestones):
    board = await start(database, milestones=milestones)
    assert (await board.set_password()).status == 303
    answer = await board.client.get(f"{board.base}/milestones")
    text = await answer.text()
    assert answer.status == 200
    assert text.index("Needs you</h2>") < text.index("licet milestones settle li_04070ff30c5 launch AMOUNT")
    assert "licet milestones funded li_04070ff30c5 weights" in text
    assert "licet milestones met li_14070ff30c5 launch --word" in text
    assert "licet milestones met li_04070ff30c5 training" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; only a preview" in text
    assert "<b>Answers" not in text
    assert "This money is held by the agent Notary Example. This gateway never holds money." in text
    assert "Nobody holds this money: it is a promise to pay" in text
    assert "Not legal advice" in text


async def test_without_milestones_the_page_says_what_they_are(start, database):
    register = MemoryRegister()
    owing = MemoryOwing(register, MemoryDuties(register), Tables())
    board = await start(
        database, milestones=Milestones(owing, MilestoneBook(owing, None, HandClock()), register)
    )
    assert (await board.set_password()).status == 303
    assert "No fee waits for a milestone" in await (await board.client.get(f"{board.base}/milestones")).text()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium")
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
async def test_the_page_fits_and_is_clean(start, database, milestones, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.async_playwright")
    from playwright.async_api import async_playwright

    board = await start(database, milestones=milestones)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        context = await browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
        watch = Watch(context, board.base)
        page = await context.new_page()
        await sign_in(page, board)
        await page.goto(f"{board.base}/milestones")
        await picture(page, f"milestones-{scheme}-{width}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        found = await axe.Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert watch.clean()
        await browser.close()
