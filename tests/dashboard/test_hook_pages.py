"""Endpoints, deliveries and events on the dashboard."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest
from markupsafe import escape

from gateway.dashboard.holder_pages import Holders
from gateway.dashboard.hook_pages import Hooks
from gateway.dashboard.table_forms import PAGE_ROWS
from gateway.event import event
from gateway.licenses.license import Client, Licensee, Standing
from gateway.licenses.negotiation import Negotiation
from gateway.licenses.negotiation_events import events_of
from gateway.outbox.alerts import Came, of_crawlers
from gateway.outbox.courier import Outcome, Said
from gateway.outbox.endpoints import Delivery, Endpoint, Reach
from gateway.store.sqlite.accounts import SqliteAccounts
from gateway.store.sqlite.alerts import SqliteAlerts
from gateway.store.sqlite.endpoints import SqliteEndpoints
from gateway.store.sqlite.events import SqliteEvents
from gateway.store.sqlite.lives import SqliteLives
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.spend_book import SqliteSpendBook
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.test_policy_pages import spelled

OWN = Endpoint("we_own", "", "", "", "https://hooks.journal.example/licet", ("crawler.*",), 0, Reach.ON)
#: An event that names a license and a work beside its subject.
EARLIER = event(
    "duty.opened", at=9, site="journal", subject="du_1", body={"license": "li_1", "works": ["essays"]}
)
THEIRS = Endpoint("we_theirs", "le_1", "journal", "https://journal.example", f"https://ai.example/{HOSTILE[0]}", (), 0, Reach.ON)  # fmt: skip
MAIL = Endpoint("we_mail_operator", "", "", "", "mailto:operator", (), 0, Reach.ON)


class Wire:
    """Answers what it is told to, and remembers what was sent."""

    def __init__(self) -> None:
        self.outcome = Outcome(Said.TOLD, 204)
        self.pinged: list[str] = []
        self.told: list[str] = []

    async def ping(self, endpoint):
        self.pinged.append(endpoint.id)
        return self.outcome

    async def tell(self, endpoint, happening):
        self.told.append(happening.event.id)
        return self.outcome


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def hooks(filled, wire, clock):
    """Three endpoints, two events; one was told, one failed."""
    endpoints, events = SqliteEndpoints(filled.database), SqliteEvents(filled.database)
    now = clock.now_us() // 1_000_000
    made = of_crawlers(
        (Came("journal", "Bytespider", "none", "refuse", 3, 0), Came("journal", HOSTILE[2], "spoofed", "serve", 1, 0)), now
    )  # fmt: skip
    await SqliteAlerts(filled.database, filled.database).keep(made)
    for each in (OWN, THEIRS, MAIL):
        await endpoints.add(each, 9)
    places = [await events.place(each.id) for each in made]
    await endpoints.told(Delivery("we_own", places[0], made[0].id, made[0].type, now, 1, 204, "", done=True))
    await endpoints.failed(
        Delivery(
            "we_own",
            places[1],
            made[1].id,
            made[1].type,
            now,
            2,
            500,
            "status 500",
            answer=f"{HOSTILE[2]}\nline two \u202e",
        ),
        now + 60,
    )
    return Hooks(endpoints, events, wire.ping, wire.tell, lambda name, nth: f"whsec_{name}.{nth}"), made


@pytest.fixture
async def desk(start, filled, hooks):
    board = await start(filled, hooks=hooks[0])
    await board.set_password()
    return board


async def test_endpoints_events_and_alerts_are_listed(desk):
    page = (await desk.get("/webhooks")).text
    said = spelled(page)
    assert "https://hooks.journal.example/licet" in said
    assert re.search(r"fails you crawler\.\* status 500 1", said)
    assert "crawler.ignored" in said
    assert "disk.low" in said
    assert "<img src=x" not in page
    assert "<svg/onload" not in page


async def test_an_endpoint_shows_its_deliveries_and_what_waits(desk, hooks):
    said = spelled((await desk.get("/webhooks/we_own")).text)
    assert "Stands fails status 500" in said
    assert "tried 2 times" in said
    assert "told crawler.ignored crawler Bytespider 204 1" in said
    assert re.search(r"failed crawler\.spoofed crawler \S+ 500 2 status 500", said)
    page = (await desk.get("/webhooks/we_own")).text
    assert HOSTILE[2] not in page
    assert f"{escape(HOSTILE[2])}\nline two \\u202e</bdi>" in page
    told = (await desk.get("/webhooks/events/" + hooks[1][1].id)).text
    assert f"{escape(HOSTILE[2])}\nline two" in told
    assert "Make another secret" in said
    assert "Make another secret" not in spelled((await desk.get("/webhooks/we_theirs")).text)
    assert "Send a test event" not in spelled((await desk.get("/webhooks/we_mail_operator")).text)
    assert (await desk.get("/webhooks/we_none")).status == 404


async def test_what_an_event_was_about_is_led_to_from_every_list_of_it(desk, hooks, filled, inbox):
    made = await inbox.waits()
    blank = Negotiation("ne_1", made.offer, made.licensee, "cl_1", made.started_at)
    events = (*events_of(blank, made), EARLIER)
    await SqliteAlerts(filled.database, filled.database).keep(events)
    for each in events:
        nth = await hooks[0].events.place(each.id)
        await hooks[0].endpoints.again(Delivery("we_own", nth, each.id, each.type, 9, 1, 204, done=True))
    links = [
        '<span class="muted">negotiation</span> <a href="/deals/ne_1"><bdi>ne_1</bdi></a>',
        f'<span class="muted">licensee</span> <a href="/licensees/{made.licensee}"><bdi>{made.licensee}</bdi></a>',
        '<span class="muted">license</span> <a href="/licenses/li_1"><bdi>li_1</bdi></a>',
        '<span class="muted">work</span> <a href="/policies/journal"><bdi>essays</bdi></a>',
    ]  # fmt: skip
    for path in ("/webhooks", "/webhooks/we_own"):
        page = (await desk.get(path)).text
        assert [link for link in links if link not in page] == [], path
    page = (await desk.get(f"/webhooks/events/{events[0].id}")).text
    assert page.count(links[0]) == 2, "of the event, and of its delivery"
    for table in ("/webhooks/newest", "/webhooks/we_own/deliveries"):
        rows = json.loads((await desk.get(f"{table}.json")).text)["rows"]
        told = {row["type"]: row for row in rows}
        of_deal = told[events[0].type]
        assert (of_deal["about"], of_deal["negotiation"], of_deal["licensee"], of_deal["license"]) == (
            "ne_1", "ne_1", made.licensee, "",
        )  # fmt: skip
        assert (told["duty.opened"]["license"], told["duty.opened"]["work"]) == ("li_1", "essays")
    page = (await desk.get("/webhooks/we_own")).text
    assert 'href="/webhooks/we_own/deliveries.csv"' in page


async def test_a_delivery_whose_event_is_forgotten_stands_without_it(desk, hooks, filled):
    _, (first, _) = hooks
    await filled.database.write(lambda db: db.execute("DELETE FROM events WHERE id = ?", (first.id,)))
    said = spelled((await desk.get("/webhooks/we_own")).text)
    assert "told crawler.ignored — 204 1" in said
    rows = json.loads((await desk.get("/webhooks/we_own/deliveries.json")).text)["rows"]
    assert [row["about"] for row in rows if row["event"] == first.id] == [""]


async def test_an_event_shows_its_payload_and_schema(desk, hooks):
    page = await desk.get(f"/webhooks/events/{hooks[1][0].id}")
    said = spelled(page.text)
    assert '"crawler": "Bytespider"' in said
    assert '"required"' in said
    # Who heard of it is named by its address, and leads to its page.
    assert "https://hooks.journal.example/licet" in said and 'href="/webhooks/we_own"' in page.text
    assert (await desk.get("/webhooks/events/ev_none")).status == 404


async def test_a_test_event_is_sent_and_what_came_back_is_told(desk, wire):
    form = await desk.form("/webhooks/we_own")
    done = await desk.post("/webhooks/we_own/test", {"form": form})
    assert (done.status, wire.pinged) == (200, ["we_own"])
    assert "The test event was received: status 204." in spelled(done.text)
    wire.outcome = Outcome(Said.LATER, 500, "status 500", HOSTILE[2])
    done = await desk.post("/webhooks/we_own/test", {"form": form})
    assert f"<bdi>{escape(HOSTILE[2])}</bdi>" in done.text
    wire.outcome = Outcome(Said.LATER, 0, "timeout: more than 10 s")
    done = await desk.post("/webhooks/we_own/test", {"form": form})
    assert done.status == 502
    assert "was not received: timeout" in spelled(done.text)


async def test_an_event_is_sent_again_in_its_turn_alone_and_moves_nothing(desk, hooks, wire):
    kept, (first, second) = hooks
    form = await desk.form("/webhooks/we_own")
    before = await kept.endpoints.get("we_own")
    done = await desk.post("/webhooks/we_own/again", {"form": form, "event": first.id})
    assert (done.status, wire.told) == (200, [first.id])
    assert await kept.endpoints.get("we_own") == before
    (again,) = await kept.endpoints.deliveries(9, event=first.id)
    assert (again.tries, again.done) == (2, True)
    done = await desk.post("/webhooks/we_own/again", {"form": form, "event": second.id})
    assert (done.status, wire.told) == (409, [first.id])
    assert (await desk.post("/webhooks/we_own/again", {"form": form, "event": "ev_none"})).status == 404
    # An event of the operator's alone is never told to a licensee.
    assert (await desk.post("/webhooks/we_theirs/again", {"form": form, "event": first.id})).status == 404
    assert (
        await desk.post("/webhooks/we_mail_operator/again", {"form": form, "event": first.id})
    ).status == 404


async def test_it_is_switched_off_and_on(desk, hooks):
    form = await desk.form("/webhooks/we_own")
    await desk.post("/webhooks/we_own/off", {"form": form})
    assert (await hooks[0].endpoints.get("we_own")).reach is Reach.OFF
    said = spelled((await desk.get("/webhooks/we_own")).text)
    assert "Stands switched off switched off here" in said
    await desk.post("/webhooks/we_own/retry", {"form": form})
    assert (await hooks[0].endpoints.get("we_own")).reach is Reach.ON


async def test_a_secret_is_shown_once_and_a_licensees_never(desk, hooks):
    form = await desk.form("/webhooks/we_own")
    done = await desk.post("/webhooks/we_own/secret", {"form": form})
    assert "whsec_we_own.2" in done.text
    assert done.headers["Cache-Control"] == "no-store"
    assert "whsec_" not in (await desk.get("/webhooks/we_own")).text
    done = await desk.post("/webhooks/we_theirs/secret", {"form": form})
    assert (done.status, "whsec_" in done.text) == (403, False)
    assert (await hooks[0].endpoints.get("we_theirs")).generation == 1


@pytest.mark.parametrize("act", ["test", "again", "retry", "off", "secret"])
async def test_only_a_form_of_this_session_does_anything(desk, hooks, wire, act):
    before = await hooks[0].endpoints.get("we_own")
    assert (await desk.post(f"/webhooks/we_own/{act}", {"form": "forged"})).status == 403
    assert await hooks[0].endpoints.get("we_own") == before
    assert (wire.pinged, wire.told) == ([], [])


async def test_without_endpoints_the_page_says_how_to_make_one(start, filled, wire):
    kept = Hooks(
        SqliteEndpoints(filled.database), SqliteEvents(filled.database), wire.ping, wire.tell, lambda *_: ""
    )
    board = await start(filled, hooks=kept)
    await board.set_password()
    said = spelled((await board.get("/webhooks")).text)
    assert "[[webhooks]]" in said
    assert "Nothing has happened yet" in said


async def test_a_licensee_that_an_event_names_is_called_by_its_name(start, filled, hooks):
    register, alerts = SqliteRegister(filled.database), SqliteAlerts(filled.database, filled.database)
    known = Licensee("le_1", "<b>Example</b>", Standing.ACTIVE, 9)
    await register.add_licensee(known, Client("cl_1", "le_1", "ab" * 32, 9))
    for payer in ("le_1", "le_2"):
        await alerts.keep(
            (event("budget.low", at=9, site="journal", subject=f"li_{payer}", licensee=payer, body={}),)
        )
    parts = (SqliteLives(filled.database), SqliteAccounts(filled.database), SqliteSpendBook(filled.database))
    board = await start(filled, hooks=hooks[0], holders=Holders(register, *parts))
    await board.set_password()
    page = (await board.get("/webhooks")).text
    assert '<a href="/licensees/le_1"><bdi>&lt;b&gt;Example&lt;/b&gt;</bdi></a>' in page
    assert '<a href="/licensees/le_2"><bdi>le_2</bdi></a>' in page


async def test_events_and_deliveries_go_back_page_by_page_to_the_first(desk, hooks, filled):
    """Each link *More* is followed; no row is missed or shown twice, and the forms have them all."""
    made = [
        event("crawler.ignored", at=EARLIER.at + nth // 7, site="journal", subject=f"Bot{nth}", body={})
        for nth in range(230)
    ]
    await SqliteAlerts(filled.database, filled.database).keep(made)
    for each in made:
        nth = await hooks[0].events.place(each.id)
        await hooks[0].endpoints.again(
            Delivery("we_own", nth, each.id, each.type, each.at, 1, 204, done=True)
        )
    for path in ("/webhooks/newest", "/webhooks/we_own/deliveries"):
        found, pages, query = [], 0, ""
        while True:
            page = (await desk.get(f"{path}{query}")).text
            found += re.findall(r'<a href="/webhooks/events/(ev_\w+)">', page)
            pages += 1
            more = re.search(r'rel="next" href="[^"?]*(\?after=[^"]+)"', page)
            if more is None:
                break
            query = more[1]
        rows = json.loads((await desk.get(f"{path}.json")).text)["rows"]
        assert found == [row.get("event") or row["id"] for row in rows], path
        assert (len(found), len(set(found)), pages) == (232, 232, 3), path
        wrong = await desk.get(f"{path}?after=x")
        assert (wrong.status, "names no row" in wrong.text) == (400, True), path
        assert (await desk.get(f"{path}.json?after=x")).status == 200, "a form is of every page"
    assert 'href="/webhooks/newest">' in (await desk.get("/webhooks")).text
    assert 'href="/webhooks/we_own/deliveries">' in (await desk.get("/webhooks/we_own")).text


async def test_endpoints_are_turned_page_by_page_and_none_is_left_out(desk, hooks):
    endpoints = hooks[0].endpoints
    for nth in range(PAGE_ROWS + 20):
        each = replace(THEIRS, id=f"we_{nth:04}", licensee=f"le_{nth // 9}", created_at=5 + nth // 2)
        assert await endpoints.add(each, 99)

    def shown(text):
        return re.findall(r'<td class="path" role="cell"><a href="/webhooks/(we_\w+)"', text)

    first = (await desk.get("/webhooks")).text
    assert "All events" not in first
    assert len(shown(first)) == PAGE_ROWS
    more = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    # Whoever leaves meanwhile takes nobody along.
    assert await endpoints.remove(shown(first)[-1])
    second = (await desk.get(more)).text
    every = {each.id for each in await endpoints.all()}
    assert {*shown(first)[:-1], *shown(second)} == every
    assert len(shown(first)) + len(shown(second)) == len(every) + 1
    told = [row["id"] for row in json.loads((await desk.get("/webhooks.json")).text)["rows"]]
    assert told == [each.id for each in await endpoints.all()]
    past = (await desk.get("/webhooks?after=99.we_x")).text
    assert "Nobody is told yet" not in past
    for wrong in ("we_own", "1.", ".we_own", "x.we_own", "1.%00"):
        for page in ("/webhooks", "/webhooks.html"):
            assert (await desk.get(f"{page}?after={wrong}")).status == 400, (page, wrong)
