"""The inbox over real sockets: what an operator sees, decides, and is kept from losing."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest

from gateway.licenses.bargaining import Accept, Person
from gateway.licenses.license import Standing
from gateway.licenses.negotiation import Side, State, accepted, proposed, terminated
from gateway.licenses.private_links import BY_MAIL, BY_OPERATOR, PrivateLink, hashed
from gateway.money import Money
from gateway.terms.ages import AgeStep
from gateway.terms.license_terms import Milestone, Term, Tier
from tests.dashboard.conftest import FLOORS, HOSTILE, TERMS, form_token


def spelled(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def form_of(text: str, action: str) -> dict[str, str]:
    """What a browser would send of the form that posts to *action*, nothing changed."""
    (found,) = [
        each for each in re.findall(r"<form.*?</form>", text, re.DOTALL) if f'action="{action}"' in each
    ][-1:]
    sent = {}
    for tag in re.findall(r"<input[^>]*>", found):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if 'type="checkbox"' in tag and " checked" not in tag:
            continue
        if name:
            sent[html.unescape(name[1])] = html.unescape(value[1]) if value else "on"
    for name, text_ in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n(.*?)</textarea>', found, re.DOTALL):
        sent[name] = html.unescape(text_)
    for name, choices in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', found, re.DOTALL):
        sent[name] = re.search(r'value="([^"]*)" selected', choices)[1]
    return sent


async def test_the_list_shows_who_waits(desk, inbox):
    empty = await desk.get("/deals")
    assert "Nobody has negotiated yet" in empty.text
    await inbox.waits()
    page = await desk.get("/deals")
    assert page.status == 200
    assert "waits for you" in page.text
    assert 'href="/deals/ne_1"' in page.text
    assert 'aria-current="page">Deals' in page.text
    assert "No negotiation matches" in (await desk.get("/deals?stand=ended")).text
    wrong = await desk.get("/deals?stand=later&text=x")
    assert wrong.status == 400
    assert 'value="x"' in wrong.text
    assert "is none of waiting, open, ended" in wrong.text


async def test_the_exports_share_the_address_of_the_view(desk, inbox):
    await inbox.waits()
    for ending, kind in (("json", "application/json"), ("csv", "text/csv")):
        answer = await desk.get(f"/deals.{ending}?stand=waiting")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith(kind)
        assert "attachment" in answer.headers["Content-Disposition"]
        assert "ne_1" in answer.text
        assert "ne_1" not in (await desk.get(f"/deals.{ending}?stand=ended")).text
        assert (await desk.get(f"/deals.{ending}?stand=x")).status == 400


async def test_the_list_goes_on_page_by_page_in_each_order_and_misses_none(desk, inbox):
    buyer = await inbox.buyer("Example Lab")
    for number in range(112):
        made = await inbox.waits(f"ne_{number:03}", buyer)
        if number % 3:
            ended = terminated(made, Side.BUYER, "no", now=inbox.now)
            assert await inbox.store.put(made.version, ended)
    for sort in ("", "state", "-state", "offer"):
        found, pages, query = [], 0, f"?sort={sort}" if sort else ""
        while True:
            page = (await desk.get(f"/deals{query}")).text
            found += re.findall(r'<td class="when" role="cell"><a href="/deals/(ne_\d+)">', page)
            pages += 1
            more = re.search(r'rel="next" href="/deals(\?[^"]+)"', page)
            if more is None:
                break
            query = html.unescape(more[1])
        assert (len(found), len(set(found)), pages) == (112, 112, 3), sort
    end = (await desk.get("/deals?after=1.ne_0.ended")).text
    assert "There is nothing behind that." in end
    assert (await desk.get("/deals?after=x")).status == 400


async def test_pages_need_a_session(start, database, inbox):
    await inbox.waits()
    board = await start(database, deals=inbox.deals)
    for path in ("/deals", "/deals/ne_1"):
        assert (await board.get(path)).status == 303
    for path in ("/deals.json", "/deals.csv", "/deals/ne_1/letters/reply.txt"):
        assert (await board.get(path, Accept="*/*")).status == 401
    for act in ("offer", "decline", "confirm"):
        assert (await board.post(f"/deals/ne_1/{act}", {"version": "x"})).status == 401
    assert (await inbox.store.get("ne_1")).state is State.REQUESTED


async def test_a_dashboard_without_negotiations_has_no_inbox(board):
    page = await board.get("/")
    assert "Deals" not in page.text
    assert (await board.get("/deals")).status == 404


async def test_one_negotiation_shows_everything(desk, inbox):
    await inbox.waits(term=Term(600))
    page = await desk.get("/deals/ne_1")
    said = spelled(page.text)
    assert "Not legal advice" in said
    assert "perpetual : a term of 600 months (term)" in said
    assert "ask a person" in said
    assert "wider" in said
    assert "Use case summaries" in said
    assert "Floor" in said
    assert "286.6095 USD at signing" in said
    assert "Each entry holds the hash of the one before; all 2 were checked now" in said
    for words in ("Initial reply", "Counter-offer", "Polite decline", "Written use case and product list"):
        assert words in said
    letters = re.findall(r"<textarea id=\"letter-.*?</textarea>", page.text, re.DOTALL)
    assert len(letters) == 3
    assert not [floor for floor in FLOORS for letter in letters if floor in letter]
    assert (await desk.get("/deals/ne_9")).status == 404


async def test_steps_and_milestones_are_edited_and_what_nobody_touched_goes_on_the_table_as_it_is(
    desk, inbox
):
    price = replace(
        TERMS.compensation,
        tiers=(Tier(1000, Money(10_000, "USD")),),
        by_age=(AgeStep(90, Money(5_000, "USD")),),
        milestones=(Milestone("launch", 5_000), Milestone("ingestion", 125, "journal", 3, 6)),
    )
    await inbox.waits(compensation=price)
    sent = form_of((await desk.get("/deals/ne_1")).text, "/deals/ne_1/offer")
    assert sent["compensation.milestones"].replace("\r", "") == (
        "launch: 50 %, shown by operator\ningestion: 1.25 %, shown by journal, 3 items, within 6 months"
    )
    answer = await desk.post("/deals/ne_1/offer", sent | {"term.months": "12"})
    assert answer.status == 303, answer.text
    table = (await inbox.store.get("ne_1")).table
    assert (table.compensation, table.term.months) == (price, 12)

    sent = form_of((await desk.get("/deals/ne_1")).text, "/deals/ne_1/offer")
    changed = {
        "compensation.milestones": "launch: 100 %, within 3 months",
        "compensation.tiers": "",
        "compensation.by_age": "30: 0.004",
    }
    assert (await desk.post("/deals/ne_1/offer", sent | changed)).status == 303
    table = (await inbox.store.get("ne_1")).table
    assert table.compensation == replace(
        price,
        tiers=(),
        by_age=(AgeStep(30, Money(4_000, "USD")),),
        milestones=(Milestone("launch", 10_000, months=3),),
    )
    wrong = sent | {"compensation.milestones": "launch: 60 %\nrest: much"}
    answer = await desk.post("/deals/ne_1/offer", wrong)
    assert "in line 2 has a part that cannot be read" in spelled(answer.text)


async def test_a_letter_is_loaded_as_text_without_a_floor(desk, inbox):
    await inbox.waits()
    for kind in ("reply", "counter", "decline"):
        answer = await desk.get(f"/deals/ne_1/letters/{kind}.txt", Accept="*/*")
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.text.startswith("Not legal advice")
        assert not [floor for floor in FLOORS if floor in answer.text]
    assert (await desk.get("/deals/ne_1/letters/bribe.txt")).status == 404


async def test_approving_puts_the_buyers_terms_on_the_table(desk, inbox):
    made = await inbox.waits(term=Term(12))
    page = await desk.get("/deals/ne_1")
    sent = {"form": form_token(page.text), "version": made.version, "act": "approve", "hours": "24"}
    answer = await desk.post("/deals/ne_1/offer", sent)
    assert (answer.status, answer.headers["Location"]) == (303, "/deals/ne_1?done=approved")
    kept = await inbox.store.get("ne_1")
    assert (kept.state, kept.table.term.months, kept.expires_at) == (State.OFFERED, 12, inbox.now + 86_400)
    page = await desk.get("/deals/ne_1?done=approved")
    assert "binds nobody before the buyer accepts" in spelled(page.text)


async def test_a_counter_is_edited_lever_by_lever(desk, inbox):
    await inbox.waits()
    page = await desk.get("/deals/ne_1")
    sent = form_of(page.text, "/deals/ne_1/offer")
    assert (sent["act"], sent["compensation.upfront"], sent["scope.paths"]) == ("counter", "500", "/essays/")
    unchanged = await desk.post("/deals/ne_1/offer", sent)
    assert unchanged.status == 303
    kept = await inbox.store.get("ne_1")
    assert kept.table == TERMS, "a form that nobody touched is what it showed"
    sent = form_of((await desk.get("/deals/ne_1")).text, "/deals/ne_1/offer")
    changed = {"compensation.upfront": "450", "term.months": "18", "territory": "EU", "exclusivity.exclusive": "on"}  # fmt: skip
    answer = await desk.post("/deals/ne_1/offer", sent | changed)
    assert answer.headers["Location"] == "/deals/ne_1?done=countered"
    kept = await inbox.store.get("ne_1")
    assert kept.table.compensation.upfront.amount == "450"
    assert (kept.table.term.months, kept.table.exclusivity.exclusive) == (18, True)
    assert kept.transcript[-1].by is Side.CREATOR


async def test_every_mistake_is_told_at_once_and_nothing_is_lost(desk, inbox):
    made = await inbox.waits()
    sent = form_of((await desk.get("/deals/ne_1")).text, "/deals/ne_1/offer")
    wrong = {
        "compensation.upfront": "<b>lots</b>",
        "term.months": "0",
        "territory": "Atlantis",
        "hours": "-3",
    }
    answer = await desk.post("/deals/ne_1/offer", sent | wrong)
    assert answer.status == 400
    said = spelled(answer.text)
    for sentence in (
        "At signing is not an amount in USD", "Months is not a whole number from 1", "Countries is neither a country code",
        "Hours is not a whole number from 1",
    ):  # fmt: skip
        assert sentence in said
    assert 'value="&lt;b&gt;lots&lt;/b&gt;"' in answer.text
    assert 'value="Atlantis"' in answer.text
    assert answer.text.count("aria-invalid") == 4
    for place in re.findall(r'href="#(field-[^"]+)"', answer.text):
        assert f'id="{place}"' in answer.text
    assert await inbox.store.get("ne_1") == made


async def test_declining_tells_the_reason(desk, inbox):
    made = await inbox.waits()
    form = form_token((await desk.get("/deals/ne_1")).text)
    empty = await desk.post(
        "/deals/ne_1/decline", {"form": form, "version": made.version, "why": "two\nlines"}
    )
    assert empty.status == 400
    assert "Reason is not one line" in spelled(empty.text)
    answer = await desk.post(
        "/deals/ne_1/decline", {"form": form, "version": made.version, "why": "Not now."}
    )
    assert answer.headers["Location"] == "/deals/ne_1?done=declined"
    assert (await inbox.store.get("ne_1")).why == "Not now."
    page = await desk.get("/deals/ne_1")
    assert 'action="/deals/ne_1/offer"' not in page.text, "nothing is left to decide"
    assert "How it ended" in page.text


async def test_what_was_typed_on_an_old_page_is_kept_and_nothing_is_done(desk, inbox):
    before = await inbox.waits()
    sent = form_of((await desk.get("/deals/ne_1")).text, "/deals/ne_1/offer")
    again = proposed(
        before, replace(TERMS, term=Term(6)), {"use_case": "something else"}, Person(("tier 1",), Accept(TERMS)),
        now=inbox.now, patience=60,
    )  # fmt: skip
    assert await inbox.store.put(before.version, again)
    answer = await desk.post("/deals/ne_1/offer", sent | {"compensation.upfront": "444"})
    assert answer.status == 409
    assert "Nothing was done; what you typed is kept" in spelled(answer.text)
    assert "What was said since: " in spelled(answer.text)
    assert spelled(answer.text).count("leaves it to you: tier 1") == 2, (
        "in the list of news and in the transcript"
    )
    assert 'value="444"' in answer.text
    assert await inbox.store.get("ne_1") == again
    anew = form_of(answer.text, "/deals/ne_1/offer")
    assert anew["version"] == again.version
    assert (await desk.post("/deals/ne_1/offer", anew)).status == 303
    assert (await inbox.store.get("ne_1")).table.compensation.upfront.amount == "444"


async def test_a_decline_that_is_late_keeps_its_reason(desk, inbox):
    before = await inbox.waits()
    form = form_token((await desk.get("/deals/ne_1")).text)
    ended = terminated(before, Side.BUYER, "found another", now=inbox.now)
    await inbox.store.put(before.version, ended)
    answer = await desk.post(
        "/deals/ne_1/decline", {"form": form, "version": before.version, "why": "Too slow."}
    )
    assert answer.status == 409
    assert "ends it: found another" in spelled(answer.text)


async def test_what_the_buyer_accepted_is_not_undone(desk, inbox):
    made = await inbox.waits()
    tabled = await inbox.deals.deciding.offer("ne_1", made.version, TERMS, now=inbox.now)
    taken = accepted(tabled, TERMS.hash, "Yes.", now=inbox.now)
    await inbox.store.put(tabled.version, taken)
    form = form_token((await desk.get("/deals/ne_1")).text)
    for act, more in (("decline", {"why": "no"}), ("offer", {"act": "approve", "hours": "1"})):
        answer = await desk.post(f"/deals/ne_1/{act}", {"form": form, "version": taken.version, **more})
        assert answer.status == 409
    assert await inbox.store.get("ne_1") == taken


@pytest.mark.parametrize("act", ["offer", "decline", "confirm"])
async def test_a_form_of_another_site_or_session_does_nothing(desk, inbox, act):
    made = await inbox.waits()
    form = form_token((await desk.get("/deals/ne_1")).text)
    sent = {"version": made.version, "why": "no", "act": "approve", "hours": "1"}
    assert (await desk.post(f"/deals/ne_1/{act}", sent)).status == 403
    assert (await desk.post(f"/deals/ne_1/{act}", sent | {"form": "0" * 64})).status == 403
    elsewhere = await desk.post(f"/deals/ne_1/{act}", sent | {"form": form}, Sec_Fetch_Site="cross-site")
    assert elsewhere.status == 403
    assert (await desk.get(f"/deals/ne_1/{act}")).status in {404, 405}
    assert await inbox.store.get("ne_1") == made


async def test_the_operator_stands_for_a_buyer_that_came_by_the_page(desk, inbox):
    buyer = await inbox.buyer("New", Standing.QUARANTINED)
    made = await inbox.waits("ne_1", buyer)
    await inbox.links.add(PrivateLink(hashed("x"), "ne_1", "cl_1", "eve@lab.example", inbox.now))
    page = await desk.get("/deals/ne_1")
    assert "nobody yet: nothing can be signed" in page.text
    sent = {"form": form_token(page.text), "version": made.version}
    answer = await desk.post("/deals/ne_1/confirm", sent)
    assert answer.headers["Location"] == "/deals/ne_1?done=confirmed"
    assert (await inbox.register.licensee(buyer.id)).standing is Standing.ACTIVE
    assert (await inbox.links.of("ne_1")).verified_by == BY_OPERATOR
    page = await desk.get("/deals/ne_1")
    assert "your word" in page.text
    assert "/confirm" not in page.text


async def test_a_mailbox_that_is_known_stays_the_proof(desk, inbox):
    buyer = await inbox.buyer("New", Standing.QUARANTINED)
    await inbox.waits("ne_1", buyer)
    await inbox.links.add(PrivateLink(hashed("x"), "ne_1", "cl_1", "eve@lab.example", inbox.now))
    await inbox.links.verify("ne_1", BY_MAIL, inbox.now)
    page = await desk.get("/deals/ne_1")
    await desk.post("/deals/ne_1/confirm", {"form": form_token(page.text)})
    assert (await inbox.links.of("ne_1")).verified_by == BY_MAIL
    assert (await inbox.register.licensee(buyer.id)).standing is Standing.ACTIVE


async def test_whom_the_operator_suspended_is_not_approved_by_a_click(desk, inbox):
    buyer = await inbox.buyer("Gone", Standing.SUSPENDED)
    await inbox.waits("ne_1", buyer)
    await inbox.links.add(PrivateLink(hashed("x"), "ne_1", "cl_1", "", inbox.now))
    form = form_token((await desk.get("/deals/ne_1")).text)
    answer = await desk.post("/deals/ne_1/confirm", {"form": form})
    assert answer.status == 409
    assert (await inbox.register.licensee(buyer.id)).standing is Standing.SUSPENDED
    assert not (await inbox.links.of("ne_1")).verified


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_a_buyer_wrote_is_text(desk, inbox, text):
    buyer = await inbox.buyer(text[:200])
    blank = replace(await inbox.waits("ne_0", buyer), id="ne_1", transcript=())
    facts = {"use_case": text, "products": text}
    made = proposed(blank, TERMS, facts, Person((text,), Accept(TERMS)), now=inbox.now, patience=60)
    await inbox.store.put("", made)
    ended = terminated(made, Side.BUYER, text, now=inbox.now)
    await inbox.store.put(made.version, ended)
    for path in ("/deals", "/deals/ne_1", "/deals/ne_0"):
        page = await desk.get(path)
        assert page.status == 200
        for mark in ("<img src=x", "<script>alert", "<svg/onload", "\u202e"):
            if mark in text:
                assert mark not in page.text
        assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
