"""The page of milestones: what needs the operator first, who holds the money in words, hostile text as text."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest

from gateway.billing.escrow import Proof
from gateway.billing.milestone_book import MilestoneBook
from gateway.billing.postings import Booked
from gateway.clock import HandClock
from gateway.dashboard.api_keys import made_key
from gateway.dashboard.milestone_pages import OVER_SHOWN, Milestones
from gateway.dashboard.table_forms import PAGE_ROWS
from gateway.licenses.license import Client, License, Licensee, Standing
from gateway.licenses.offers import months_after
from gateway.money import Money
from gateway.paths import PathScope
from gateway.store.memory.duties import MemoryDuties
from gateway.store.memory.owing import MemoryOwing
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.tables import Tables
from gateway.terms.license_terms import Compensation, Milestone
from tests.dashboard.conftest import TERMS, form_token
from tests.dashboard.test_browser import CHROMIUM, FLAGS, Watch, picture, sign_in

FIRST, SECOND = "/milestones/li_04070ff30c5", "/milestones/li_14070ff30c5"
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
    settle = f'<a href="{FIRST}/launch#act">Settle the dispute</a>'
    assert text.index("Needs you</h2>") < text.index(settle)
    assert f'<a href="{FIRST}/weights#act">Say that its holder has the money</a>' in text
    assert f'<a href="{SECOND}/launch#act">Confirm that it is met</a>' in text
    assert f'<a href="{FIRST}/training#act">' not in text
    for path, command in (
        (f"{FIRST}/launch", "licet milestones settle li_04070ff30c5 launch AMOUNT"),
        (f"{FIRST}/weights", "licet milestones funded li_04070ff30c5 weights"),
        (f"{SECOND}/launch", "licet milestones met li_14070ff30c5 launch --word"),
    ):
        assert command in (await board.get(path)).text
    assert "licet milestones met" not in (await board.get(f"{FIRST}/training")).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; only a preview" in text
    assert "<b>Answers" not in text
    assert "This money is held by the agent Notary Example. This gateway never holds money." in text
    assert "Nobody holds this money: it is a promise to pay" in text
    assert "Not legal advice" in text


ACTS = [
    # (of, act, fields, state before, state after)
    (f"{FIRST}/weights", "funded", {}, "planned", "waiting"),
    (f"{SECOND}/launch", "met", {"word": "the model went live"}, "waiting", "met"),
    (f"{FIRST}/ingestion", "dispute", {"why": "the wrong works were fetched"}, "waiting", "disputed"),
    (f"{FIRST}/launch", "settle", {"to_creator": "40"}, "disputed", "shared"),
    (f"{FIRST}/launch", "settle", {"to_creator": "100 USD"}, "disputed", "released"),
    (f"{FIRST}/launch", "settle", {"to_creator": "0"}, "disputed", "refunded"),
    (f"{FIRST}/training", "refund", {}, "met", "refunded"),
]


async def state_of(milestones, path):
    license, name = path.split("/")[2:]
    known = (await milestones.book.known(license)).milestones
    return next(str(each.standing.state) for each in known if each.milestone.name == name)


@pytest.mark.parametrize(("path", "act", "fields", "before", "after"), ACTS)
async def test_each_act_of_the_command_has_its_form(
    start, database, milestones, path, act, fields, before, after
):
    board = await start(database, milestones=milestones)
    board.become("operator")
    assert await state_of(milestones, path) == before
    page = (await board.get(path)).text
    assert f'action="{path}/{act}"' in page
    sent = {"form": form_token(page), "state": before, **fields}
    assert (await board.post(f"{path}/{act}", {**sent, "form": "0" * 64})).status == 403
    assert await state_of(milestones, path) == before
    done = await board.post(f"{path}/{act}", sent)
    assert (done.status, done.headers["Location"]) == (303, f"{path}?done={act}")
    assert await state_of(milestones, path) == after
    assert 'role="status"' in (await board.get(f"{path}?done={act}")).text
    again = await board.post(f"{path}/{act}", sent)
    assert again.status == 409
    assert "It changed after you opened the page" in again.text
    bare = await board.post(f"{path}/{act}", {key: value for key, value in sent.items() if key != "state"})
    assert bare.status == 409
    assert "This cannot be done as the milestone stands" in bare.text
    assert await state_of(milestones, path) == after


@pytest.mark.parametrize(
    ("path", "act", "fields", "status"),
    [
        (f"{SECOND}/launch", "met", {"word": ""}, 400),
        (f"{SECOND}/launch", "met", {"word": "x" * 501}, 400),
        (f"{FIRST}/ingestion", "dispute", {}, 400),
        (f"{FIRST}/launch", "settle", {"to_creator": SCRIPT}, 400),
        (f"{FIRST}/launch", "settle", {}, 400),
        (f"{FIRST}/launch", "settle", {"to_creator": "100.01"}, 409),
        (f"{FIRST}/launch", "settle", {"to_creator": "10 EUR"}, 409),
        (f"{FIRST}/training", "met", {"word": "no"}, 409),
        (f"{SECOND}/training", "funded", {}, 409),
        (f"{FIRST}/nothing", "refund", {}, 404),
        ("/milestones/li_none/launch", "refund", {}, 404),
    ],
)
async def test_what_cannot_be_done_is_said_and_what_was_typed_stays(
    start, database, milestones, path, act, fields, status
):
    board = await start(database, milestones=milestones)
    board.become("owner")
    form = form_token((await board.get(f"{FIRST}/launch")).text)
    before = await state_of(milestones, path) if status != 404 else ""
    page = await board.post(f"{path}/{act}", {"form": form, **fields})
    assert page.status == status
    if status != 404:
        assert "Nothing was done" in page.text
        assert await state_of(milestones, path) == before
    assert SCRIPT not in page.text
    if fields.get("to_creator") == SCRIPT:
        assert "&lt;script&gt;alert(1)" in page.text.partition('id="field-to_creator"')[2]


@pytest.fixture
async def program(start, database, milestones, admin, clock):
    """The pages, and a program with a key that may read and change milestones."""
    board = await start(database, milestones=milestones, admin=admin)
    board.become("owner")
    person, scopes = board.sessions.people.first_owner(), ("milestones.read", "milestones.change")
    made = made_key((), id="ke_1", name="books", person=person, scopes=scopes, days=30, now_us=clock.now_us())
    board.sessions.file.change(lambda access: (access.with_key(made.key), None))
    board.forget_cookies()

    async def ask(method, path, sent=None):
        headers = {"Authorization": f"Bearer {made.secret}"}
        at = f"{board.base}/api/{path}"
        async with board.client.request(method, at, json=sent, headers=headers) as answer:
            return answer.status, json.loads(await answer.text())

    return ask


@pytest.mark.parametrize(("path", "act", "fields", "before", "after"), ACTS)
async def test_each_act_is_in_the_api_and_leaves_a_note(
    program, milestones, admin, path, act, fields, before, after
):
    status, found = await program("GET", f"v1{path}")
    assert (status, found["row"]["standing"]["state"]) == (200, before)
    assert act in found["acts"]
    status, told = await program("POST", f"v1{path}/{act}", fields)
    assert (status, told["see"]) == (200, f"/api/v1{path}?done={act}")
    assert await state_of(milestones, path) == after
    (found,) = await admin.notes.latest(0, 9)
    assert (found.note.act, found.note.subject, found.note.way) == (
        "milestones.change", f"{path}/{act}", "key ke_1",
    )  # fmt: skip
    assert found.note.before != found.note.after
    status, refused = await program("POST", f"v1{path}/{act}", fields)
    assert status == 409
    assert "Nothing was done" in json.dumps(refused) or "cannot be done" in json.dumps(refused)
    described = (await program("GET", "openapi.json"))[1]["paths"]
    operation = described[f"/api/v1/milestones/{{license}}/{{name}}/{act}"]["post"]
    assert "milestones.change" in operation["description"]


async def test_whoever_only_reads_sees_no_form_and_can_do_nothing(start, database, milestones):
    board = await start(database, milestones=milestones)
    board.become("owner")
    token = form_token((await board.get(f"{FIRST}/launch")).text)
    board.become("viewer")
    page = (await board.get(f"{FIRST}/launch")).text
    assert "<h1" in page
    assert f'action="{FIRST}' not in page
    assert "Settle the dispute" not in (await board.get("/milestones")).text
    assert (await board.post(f"{FIRST}/launch/settle", {"form": token, "to_creator": "0"})).status == 403
    assert await state_of(milestones, f"{FIRST}/launch") == "disputed"
    board.become("auditor")
    assert (await board.get(f"{FIRST}/launch")).status == 403


async def test_without_milestones_the_page_says_what_they_are(start, database):
    register = MemoryRegister()
    owing = MemoryOwing(register, MemoryDuties(register), Tables())
    board = await start(
        database, milestones=Milestones(owing, MilestoneBook(owing, None, HandClock()), register)
    )
    assert (await board.set_password()).status == 303
    assert "No fee waits for a milestone" in await (await board.client.get(f"{board.base}/milestones")).text()


def own(nth, price):
    """Terms of a work of their own, so that each license is another agreement."""
    scope = replace(TERMS.scope, paths=(PathScope(f"/essays/{nth}/"),))
    return replace(TERMS, scope=scope, compensation=price)


class Counted(MemoryOwing):
    """The real reading, and which licenses were derived."""

    asked: list[str]

    async def held(self, license_id):
        self.asked.append(license_id)
        return await super().held(license_id)


async def test_a_list_of_milestones_goes_on_behind_a_place_and_reads_no_other_license(start, database, clock):
    """Every form and the page of the table have each once, in the order of their licenses."""
    register, tables = MemoryRegister(), Tables()
    owing = Counted(register, MemoryDuties(register), tables)
    owing.asked = []
    book, now = MilestoneBook(owing, None, clock), clock.now_us() // 1_000_000
    await register.add_licensee(
        Licensee("le_1", "Lab", Standing.ACTIVE, now), Client("cl_1", "le_1", "", now)
    )
    three = tuple(Milestone(name, 3_000, "statement") for name in ("launch", "training", "audit"))
    price = Compensation("USD", upfront=Money(10_000_000, "USD"), milestones=three)
    for nth in range(50):
        terms = own(nth, price if nth % 10 else TERMS.compensation)
        held = License(f"li_{nth:03}", "le_1", "journal", "", terms, "p", now, months_after(now, 12))
        await register.grant(held)
    wanted = [f"li_{nth:03}.{each.name}" for nth in range(50) if nth % 10 for each in three]
    board = await start(database, milestones=Milestones(owing, book, register))
    assert (await board.set_password()).status == 303
    for path in ("/milestones.json", "/milestones.json?sort=license"):
        found = json.loads((await board.get(path)).text)["rows"]
        assert sorted(f"{row['license']}.{row['milestone']}" for row in found) == sorted(wanted), path
        assert {row["name"] for row in found} == {"Lab"}
    assert [f"{row['license']}.{row['milestone']}" for row in json.loads((await board.get("/milestones.json")).text)["rows"]] == wanted  # fmt: skip

    def shown(text):
        pairs = re.findall(r'data-name="License">(?:<[^>]*>)*([^<]*)<.*?data-name="Milestone">(?:<[^>]*>)*([^<]*)<', text)  # fmt: skip
        return [".".join(pair) for pair in pairs]

    owing.asked.clear()
    first = (await board.get("/milestones.html")).text
    assert shown(first) == wanted[:PAGE_ROWS]
    # A hundred rows and one, of three each.
    assert len(owing.asked) == PAGE_ROWS // 3 + 1
    assert not [id for id in owing.asked if id.endswith("0")]
    more = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    assert shown((await board.get(more)).text) == wanted[PAGE_ROWS:]
    flat = (await board.get(f"/milestones?after={wanted[-3]}")).text
    assert re.findall(r"<strong>(\w+)</strong></a> <span", flat) == ["training", "audit"]
    for wrong in ("li_001", "li_001.", "li_001.none", "li_999.launch", ".", "%00.launch", "li_010.launch"):
        for page in ("/milestones", "/milestones.html"):
            assert (await board.get(f"{page}?after={wrong}")).status == 400, (page, wrong)


async def test_of_what_is_over_the_last_are_shown_and_all_are_counted(start, database, clock):
    register, tables = MemoryRegister(), Tables()
    owing = MemoryOwing(register, MemoryDuties(register), tables)

    async def keep(entry):
        tables.entries.append(Booked(len(tables.entries) + 1, entry))

    book, now = MilestoneBook(owing, keep, clock), clock.now_us() // 1_000_000
    await register.add_licensee(
        Licensee("le_1", "Lab", Standing.ACTIVE, now), Client("cl_1", "le_1", "", now)
    )
    price = Compensation("USD", upfront=Money(10_000_000, "USD"), milestones=(Milestone("launch", 3_000),))
    for nth in range(OVER_SHOWN + 4):
        terms = own(nth, price)
        # The first to end are the first to lapse.
        held = License(f"li_{nth + 10}", "le_1", "journal", "", terms, "p", now, months_after(now, 12) + nth)
        await register.grant(held)
        await book.advance(held.id)
        if nth:
            await book.give_back(held.id, "launch", "operator")
    board = await start(database, milestones=Milestones(owing, book, register))
    assert (await board.set_password()).status == 303
    page = (await board.get("/milestones")).text
    assert f"Over</dt><dd>{OVER_SHOWN + 3}</dd>" in page
    assert f"The last {OVER_SHOWN} to lapse" in page
    over = re.findall(r'href="/licenses/li_(\d+)"', page.split('id="over"')[1])
    assert over == [f"{nth + 10}" for nth in range(4, OVER_SHOWN + 4)]
    yours = page.split('id="over"')[0]
    assert 'href="/milestones/li_10/launch#act"' in yours


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
        for path, name in (("/milestones", "milestones"), (f"{FIRST}/launch", "milestone")):
            await page.goto(f"{board.base}{path}")
            await picture(page, f"{name}-{scheme}-{width}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            found = await axe.Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
        # Without a script, a click is all it takes.
        await page.fill("#field-to_creator", "40")
        await page.click(f'form[action="{FIRST}/launch/settle"] button')
        assert await page.locator("[role=status]").inner_text() == "The dispute is over."
        assert watch.clean()
        await browser.close()
