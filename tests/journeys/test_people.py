"""A deal between two people in two browsers, without script: proposed, decided, reviewed, signed; and every page looked at."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.cli.books import credit_entry
from gateway.licenses.license import Standing
from gateway.licenses.negotiation import State, chained
from gateway.licenses.negotiations import Sought
from gateway.money import Money
from gateway.paper import COLORS
from gateway.store.sqlite.negotiations import SqliteNegotiations
from tests.journeys.test_discovery import Signer
from tests.journeys.test_negotiation import FLOOR, POLICY
from tests.journeys.test_pages_in_a_browser import CHROMIUM, FLAGS, lines
from tests.outbox.test_mail import post as post

#: Where the pictures go for somebody to look at; nowhere unless told.
PICTURES = os.environ.get("LICET_TEST_PICTURES", "")
PASSWORD = "tides come in twice a day"
FACTS = {
    "Use case": "training a model that summarizes essays",
    "Products": "Summarizer",
    "Redistribution": "no",
    "Launch date": "2027-06-01",
    "Data protection": "encrypted at rest; two people have access",
}
PARTY = {
    "Legal name of the licensee": "Example AI Labs GmbH",
    "Its address": "2 Test Way",
    "Who signs for it": "Eve Example",
    "By what authority": "CEO",
}

HOSTILE = """<script>alert(1)</script>"><img src=x onerror=alert(1)>{{7*7}}"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is missing: apt-get install chromium"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Any]:
    """Debian's Chromium."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield running
        await running.close()


class Looking:
    """Looks at a page in light and dark, wide and narrow: that it fits, says nothing, and breaks no rule of WCAG."""

    def __init__(self, browser: Any, front: str) -> None:
        self.browser, self.front = browser, front

    async def at(self, name: str, url: str) -> None:
        """Look at the page at *url*, folded parts open."""
        axe = pytest.importorskip("axe_playwright_python.async_playwright")
        for scheme, width in itertools.product(("light", "dark"), (1280, 390)):
            context = await self.browser.new_context(
                color_scheme=scheme, viewport={"width": width, "height": 844}
            )
            said: list[str] = []
            elsewhere: list[str] = []
            context.on("console", lambda message, said=said: said.append(message.text))
            context.on("weberror", lambda error, said=said: said.append(str(error.error)))
            context.on(
                "request",
                lambda request, found=elsewhere: (
                    request.url.startswith(self.front + "/") or found.append(request.url)
                ),
            )
            page = await context.new_page()
            answer = await page.goto(url)
            assert answer.status == 200, name
            for each in await page.locator("details").all():
                await each.evaluate("e => e.open = true")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
            background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background == lines(COLORS[scheme]["paper"])
            found = await axe.Axe().run(page)
            assert found.violations_count == 0, (name, found.generate_report())
            levels = await page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(e => +e.tagName[1])")
            assert levels.count(1) == 1
            assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), name
            if PICTURES:
                await page.screenshot(path=f"{PICTURES}/{name}-{scheme}-{width}.png", full_page=True)
            assert [line for line in said if "Failed to load resource" not in line] == [], name
            assert elsewhere == [], name
            await context.close()


async def test_two_people_agree_in_two_browsers_without_script(browser: Any, world: Any) -> None:
    one = await world(policy=POLICY.replace("person_for = []\n", ""))
    look = Looking(browser, one.front)
    buying = await browser.new_context(java_script_enabled=False, accept_downloads=True)
    deciding = await browser.new_context(java_script_enabled=False)
    buyer, owner = await buying.new_page(), await deciding.new_page()
    read: list[str] = []

    # The buyer finds the page from the desk, and proposes.
    await buyer.goto(f"{one.front}/.licet/")
    await buyer.get_by_role("link", name="in a browser").click()
    await look.at("buyer-offers", buyer.url)
    await buyer.get_by_role("link", name="training").click()
    await look.at("buyer-propose", buyer.url)
    await buyer.get_by_role("textbox", name="Company").fill("Example AI Labs GmbH")
    await buyer.get_by_label("E-mail").fill("eve@lab.example")
    for label, text in FACTS.items():
        await buyer.get_by_role("textbox", name=re.compile(f"^{label}")).fill(text)
    await buyer.get_by_label("Model class").select_option("closed")
    await buyer.get_by_role("textbox", name="At signing").fill("400")
    await buyer.get_by_label("Months", exact=True).fill("12")
    await buyer.get_by_role("button", name="Send the proposal").click()
    await buyer.get_by_text("A person at the owner decides").wait_for()
    private = buyer.url.partition("?")[0]
    assert re.fullmatch(rf"{re.escape(one.front)}/\.licet/negotiate/[A-Za-z0-9_-]{{43}}", private)
    read.append(await buyer.content())
    await look.at("buyer-waits", private)

    # The owner reads it in the inbox, counters, and stands for the buyer.
    await owner.goto(one.sign_in)
    # The page gives the focus with its first frame, and Chromium remarks on it where a script took it before.
    await owner.locator("input[type=password]:focus").wait_for()
    for field in await owner.locator("input[type=password]").all():
        await field.fill(PASSWORD)
    await owner.get_by_role("button", name="Set password and sign in").click()
    await owner.get_by_role("link", name="Licensing").click()
    assert "waits for you" in await owner.content()
    await owner.locator("tbody a").first.click()
    assert "summarizes essays" in await owner.content()
    assert "286.6095 USD at signing" in await owner.content(), "the owner alone sees the floor"
    await owner.locator("summary", has_text="Edit the terms and counter").click()
    await owner.get_by_role("textbox", name="At signing").fill("450")
    await owner.get_by_role("button", name="Put these terms on the table").click()
    await owner.get_by_text("Your terms are on the table.").wait_for()
    await owner.get_by_role("button", name="This buyer is who it says it is").click()
    await owner.get_by_text("The buyer may sign now").wait_for()

    # The buyer comes back, reads everything, takes the document along, and signs.
    await buyer.goto(private)
    await buyer.get_by_text("The owner makes you an offer.").wait_for()
    read.append(await buyer.content())
    await look.at("buyer-offered", private)
    await buyer.get_by_role("link", name="Review everything, and sign").click()
    await look.at("buyer-review", buyer.url)
    review = await buyer.content()
    read.append(review)
    assert "450 USD at signing" in review
    assert "Proposed terms" in review
    assert not re.search(r"<input[^>]*checkbox[^>]*\schecked", review), "nothing is ticked beforehand"
    async with buyer.expect_download() as loaded:
        await buyer.get_by_role("link", name="as a PDF").click()
    assert Path(await (await loaded.value).path()).read_bytes().startswith(b"%PDF")
    for label, text in PARTY.items():
        await buyer.get_by_role("textbox", name=re.compile(f"^{label}")).fill(text)
    await buyer.get_by_label("I declare this.").check()
    await buyer.get_by_role("button", name="Sign").click()
    await buyer.get_by_text("It is not signed").wait_for()
    assert "450 USD" in await buyer.content(), "the fee has to be paid in first"

    (found,) = await SqliteNegotiations(one.licet.database).search(Sought(), most=9)
    entry = credit_entry(found.licensee, Money.read("460 USD"), now_us=one.licet.clock.now_us())
    await one.licet.journal.keep(entry)
    await one.licet.keeper.catch_up()
    await buyer.goto(private)
    await buyer.get_by_role("link", name="Send your acceptance again").click()
    await buyer.get_by_role("button", name="Complete it").click()
    await buyer.get_by_text("You have signed.").wait_for()
    await look.at("buyer-agreed", private)
    await buyer.get_by_role("button", name="The agreement is what I accepted").click()
    await buyer.get_by_text("It is agreed and released.").wait_for()
    async with buyer.expect_download() as loaded:
        await buyer.get_by_role("link", name="as a PDF").click()
    assert Path(await (await loaded.value).path()).read_bytes().startswith(b"%PDF")
    await buyer.get_by_role("button", name="Show a client secret").click()
    client, secret = [await each.inner_text() for each in await buyer.locator("td").all()]

    # What was agreed opens the page, for the price that was agreed.
    (found,) = await SqliteNegotiations(one.licet.database).search(Sought(), most=9)
    details = json.dumps([{"type": "content_license", "license": found.license}])
    token = await one.token(client, secret, authorization_details=details)
    assert token["status"] == 200, token
    assert found.state is State.FINALIZED
    assert chained(found.transcript)
    assert token["authorization_details"][0]["terms"] == found.table.hash
    assert found.signed["licensee"]["signatory"] == "Eve Example"
    assert found.signed["key"].startswith("a private link whose person the owner confirmed")

    everything = "\n".join(read)
    assert not [
        amount for amount in FLOOR if re.search(rf"(?<![0-9a-f.]){re.escape(amount)}(?![0-9a-f])", everything)
    ]
    await buying.close()
    await deciding.close()


async def test_a_buyer_is_asked_countered_and_known_by_mail(browser: Any, world: Any, post: Any) -> None:
    mail = await post.start(login=False)
    post.refuses["eve@lab.example"] = "450 come back"
    one = await world(
        policy=POLICY,
        settings=f'[email]\nhost = "{mail.host}"\nport = {mail.port}\nsender = "licet@journal.example"\n'
        f'authorities = "{mail.authorities}"\n',
    )
    look = Looking(browser, one.front)
    context = await browser.new_context(java_script_enabled=False, accept_downloads=True)
    page = await context.new_page()

    async def field(label: str) -> Any:
        return page.get_by_role("textbox", name=re.compile(f"^{label}"))

    async def loaded(name: str) -> bytes:
        async with page.expect_download() as download:
            await page.get_by_role("link", name=name).click()
        return Path(await (await download.value).path()).read_bytes()

    # What is missing is asked for; what a buyer writes is text, whatever it is.
    await page.goto(f"{one.front}/.licet/negotiate?offer=training")
    await (await field("Company")).fill(HOSTILE)
    await (await field("E-mail")).fill("eve@lab.example")
    await (await field("Use case")).fill(HOSTILE)
    await (await field("At signing")).fill("100")
    await page.get_by_label("Months", exact=True).fill("12")
    await page.get_by_role("button", name="Send the proposal").click()
    await page.get_by_role("heading", name="What is asked of you").wait_for()
    private = page.url.partition("?")[0]
    await page.get_by_text("No link could be sent to eve@lab.example yet.").wait_for()
    await look.at("mail-asked", private)
    for label in ("Products", "Redistribution", "Launch date", "Data protection"):
        await (await field(label)).fill(FACTS[label])
    await page.get_by_label("Model class").select_option("closed")
    await page.get_by_role("button", name="Send", exact=True).click()

    # The gateway counters by itself, says why, and hears another proposal.
    await page.get_by_role("heading", name="Why it is not what you proposed").wait_for()
    await page.get_by_text("The price has to be higher").wait_for()
    await look.at("mail-countered", private)
    await page.locator("summary", has_text="Change the terms").click()
    asked = Decimal(await (await field("At signing")).input_value())
    await (await field("At signing")).fill("490")
    await (await field("Share of net revenue")).fill("3")
    await (await field("For each page")).fill("0.02")
    await page.get_by_role("button", name="Send the proposal").click()
    await page.get_by_text("The owner agrees to what you proposed.").wait_for()
    assert 100 < asked <= 500
    assert re.search(r"&lt;script&gt;", await page.content())

    # Nothing is signed before somebody is known. Who answers the mail is.
    await page.get_by_role("link", name="Review everything, and sign").click()
    assert await page.get_by_role("button", name="Sign", exact=True).count() == 0
    await page.goto(private)
    post.refuses.clear()
    await page.get_by_role("button", name="Send the link").click()
    await page.get_by_text("A mail is on its way.").wait_for()
    ((_, to, letter, tls),) = post.letters
    assert (to, tls) == (["eve@lab.example"], True)
    assert "alert(1)" not in letter.as_string(), "a stranger's words are not sent to anybody"
    (link,) = re.findall(r"^https?:\S+", letter.get_content(), re.MULTILINE)
    assert link.startswith(f"{one.front}/.licet/mailbox/")
    await page.goto(link)
    await look.at("mail-proof", link)
    await page.get_by_role("button", name="This mailbox is mine").click()
    await page.get_by_text("It is known now who you are.").wait_for()

    # A person of the operator's approves the company; the document is had before and after.
    (found,) = await SqliteNegotiations(one.licet.database).search(Sought(), most=9)
    await one.licet.register.set_standing(
        found.licensee, Standing.ACTIVE, one.licet.clock.now_us() // 1_000_000
    )
    entry = credit_entry(found.licensee, Money.read("500 USD"), now_us=one.licet.clock.now_us())
    await one.licet.journal.keep(entry)
    await one.licet.keeper.catch_up()
    await page.goto(f"{private}/review")
    before = json.loads(await loaded("as JSON"))
    assert (before["heading"], before["evidence"]) == ("Proposed terms", None)
    await page.locator("summary", has_text="Read the whole document here").click()
    assert await page.locator("details[open] h3").count() > 8
    for label, text in PARTY.items():
        await (await field(label)).fill(text)
    await (await field("By what authority")).fill(HOSTILE)
    await page.get_by_label("I declare this.").check()
    await page.get_by_role("button", name="Sign", exact=True).click()
    await page.get_by_text("You have signed.").wait_for()
    after = json.loads(await loaded("as JSON"))
    assert after["heading"] == "License agreement"
    assert after["terms_hash"] == before["terms_hash"]
    assert after["evidence"]["key"] == "a private link whose person answered a mail to eve@lab.example"
    assert (await loaded("as a PDF")).startswith(b"%PDF")
    await page.get_by_role("link", name="as a page").click()
    await page.get_by_role("heading", name="License agreement").first.wait_for()
    await look.at("mail-contract", page.url)
    await context.close()


async def test_an_agent_s_key_shows_who_is_behind_a_page(
    world: Any, key_directory: Any, browser: Any
) -> None:
    one = await world(policy=POLICY, settings=key_directory.settings)
    page = await (await browser.new_context(java_script_enabled=False)).new_page()
    await page.goto(f"{one.front}/.licet/negotiate?offer=answers")
    for label, text in (("Company", "Lab"), ("E-mail", "eve@lab.example"), ("Use case", "answers")):
        await page.get_by_role("textbox", name=re.compile(f"^{label}")).fill(text)
    await page.get_by_role("button", name="Send the proposal").click()
    await page.locator("summary", has_text="Or by a key").click()
    at = await page.locator("code", has_text="/key").inner_text()
    async with aiohttp.ClientSession() as http:
        agent, stranger = Signer(http, key_directory.agent), Signer(http, key_directory.agent)
        key_directory.keys = [{**agent.jwk, "kid": agent.keyid}]
        assert (await stranger.say(at, {}))[0] == 401
        status, told, _ = await agent.say(at, {})
        assert (status, told["known_by"]) == (200, f"key {key_directory.agent}")
    await page.reload()
    await page.get_by_text(f"Known: you showed the key of {key_directory.agent}.").wait_for()
    await page.get_by_role("link", name="Review everything, and sign").click()
    assert await page.get_by_role("button", name="Sign", exact=True).count() == 1


async def test_a_buyer_needs_no_mouse(browser: Any, world: Any) -> None:
    one = await world(policy=POLICY)
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.goto(f"{one.front}/.licet/negotiate?offer=answers")

    async def tab_to(wanted: Any) -> None:
        for _ in range(200):
            await page.keyboard.press("Tab")
            if await wanted.evaluate("e => e === document.activeElement"):
                shown = await wanted.evaluate(
                    "e => [getComputedStyle(e).outlineStyle, parseFloat(getComputedStyle(e).outlineWidth)]"
                )
                assert shown[0] == "solid"
                assert shown[1] >= 2
                return
        raise AssertionError("it cannot be reached by keyboard")

    for label, text in (("Company", "Lab"), ("E-mail", "eve@lab.example"), ("Use case", "answers")):
        await tab_to(page.get_by_role("textbox", name=re.compile(f"^{label}")))
        await page.keyboard.type(text)
    await tab_to(page.get_by_role("textbox", name="For each page or file delivered"))
    await page.keyboard.press("Control+a")
    await page.keyboard.type("free")
    await tab_to(page.get_by_role("button", name="Send the proposal"))
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="This cannot be sent yet").wait_for()
    await page.wait_for_load_state()
    link = page.get_by_role("link", name="For each page or file delivered is not an amount")
    await tab_to(link)
    await page.keyboard.press("Enter")
    price = page.get_by_role("textbox", name="For each page or file delivered")
    assert await price.evaluate("e => e === document.activeElement || location.hash === '#' + e.id")
    assert await page.get_by_label("Use case").input_value() == "answers"
    await tab_to(price)
    await page.keyboard.press("Control+a")
    await page.keyboard.type("0.004")
    await page.keyboard.press("Enter")
    await page.get_by_text("The owner agrees to what you proposed.").wait_for()
    await context.close()
