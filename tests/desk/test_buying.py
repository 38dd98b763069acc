"""A person negotiates through pages: from the first look to a signed license, with everything that can go wrong between."""

from __future__ import annotations

import asyncio
import html
import json
import re
from dataclasses import replace
from types import SimpleNamespace

import aiohttp
import pytest

from gateway.admission.pace import Pace
from gateway.desk.agreeing import proposed_contract
from gateway.desk.clients import Admittance
from gateway.desk.contracts import shipped_clauses
from gateway.desk.pacing import DeskPace
from gateway.licenses.deciding import Deciding
from gateway.licenses.license import Standing
from gateway.licenses.negotiation import State, chained
from gateway.licenses.plain_words import NAMES, TAX, lever_words
from gateway.licenses.position import Position
from gateway.licenses.private_links import BY_OPERATOR, hashed
from gateway.licenses.step_lines import step_lines
from gateway.money import Money
from gateway.policy.rules import Party, Signing
from gateway.terms.ages import AgeStep
from gateway.terms.license_terms import Milestone, Term, Tier

NEGOTIATE = "/.licet/negotiate"
POSITION = Position(target_micros=800_000, floor_micros=610_000, facts=("use_case",), rounds=5)
WHO = {"company": "Example AI Labs GmbH", "email": "eve@lab.example"}
PARTY = {
    "party.name": "Example AI Labs GmbH", "party.address": "2 Test Way", "party.signatory": "Eve", "party.authority": "CEO",
}  # fmt: skip
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "</textarea><b>", "javascript:alert(1)",
)  # fmt: skip


def spelled(text):
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def forms(text):
    """What a browser would send of each form on a page, nothing changed, by its act (or where it goes)."""
    found = {}
    for form in re.findall(r"<form.*?</form>", text, re.DOTALL):
        sent = {}
        for tag in re.findall(r"<input[^>]*>", form):
            name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
            if 'type="checkbox"' in tag and " checked" not in tag:
                continue
            if name:
                sent[html.unescape(name[1])] = html.unescape(value[1]) if value else "on"
        for name, typed in re.findall(
            r'<textarea[^>]*name="([^"]*)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
        ):
            sent[name] = html.unescape(typed)
        for name, choices in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
            chosen = re.search(r'value="([^"]*)" selected', choices)
            sent[name] = chosen[1] if chosen else ""
        action = re.search(r'action="([^"]*)"', form)[1]
        found[sent.get("act") or action.rsplit("/", 1)[1]] = sent
    return found


class Person:
    """A browser without scripts, on the pages of the desk."""

    def __init__(self, world):
        self.world, self.at, self.text, self.status = world, "", "", 0

    async def go(self, path, **headers):
        answer = await self.world.get(path, headers={"Accept": "text/html", **headers})
        self.at, self.text, self.status, self.headers = (
            path,
            await answer.text(),
            answer.status,
            answer.headers,
        )
        return self

    async def send(self, act, path="", *, drop=(), site="same-origin", **typed):
        sent = {
            **forms(self.text).get(act, {}),
            **{name.replace("__", "."): text for name, text in typed.items()},
        }
        for name in drop:
            sent.pop(name, None)
        headers = {"Sec-Fetch-Site": site} if site else {}
        answer = await self.world.post(
            path or self.at.partition("?")[0], None, sent, headers=headers, allow_redirects=False
        )
        self.status, self.headers = answer.status, answer.headers
        if answer.status == 303:
            return await self.go(answer.headers["Location"])
        self.text = await answer.text()
        return self

    async def begin(self, offer="answers", **typed):
        await self.go(f"{NEGOTIATE}?offer={offer}")
        return await self.send(
            "negotiate", NEGOTIATE, **{**WHO, "facts__use_case": "answers to readers", **typed}
        )

    @property
    def base(self):
        return self.at.partition("?")[0].removesuffix("/review")

    @property
    def link(self):
        return hashed(self.base.rsplit("/", 1)[1])

    async def negotiation(self):
        found = await self.world.links.by_link(self.link)
        return await self.world.negotiations.store.get(found.negotiation)

    async def confirmed(self, *, active=False):
        """The operator stands for the buyer."""
        found = await self.negotiation()
        await self.world.links.verify(found.id, BY_OPERATOR, self.world.now)
        if active:
            await self.world.register.set_standing(found.licensee, Standing.ACTIVE, self.world.now)


@pytest.fixture
async def person(world):
    """Somebody in front of a browser; the owner has written a law."""
    world.positions["answers"] = POSITION
    creator = Party("The Journal Ltd", "1 Test Street", "Ada", "director")
    world.policy = replace(world.policy, signing=Signing("Ireland", creator=creator))
    return Person(world)


async def test_a_person_buys_from_the_first_look_to_a_token(person):
    await person.go(NEGOTIATE)
    assert person.status == 200
    assert "Not legal advice" in person.text
    for offer in ("training", "answers", "archive"):
        assert f'href="{NEGOTIATE}?offer={offer}"' in person.text
    await person.go(f"{NEGOTIATE}?offer=answers")
    words = lever_words(person.world.offers[1].terms)
    for lever, name in NAMES.items():
        assert f"{name} {words[lever]}" in spelled(person.text)
    await person.begin(compensation__per_fetch="0.003")
    assert person.status == 200
    assert "Your proposal was sent." in person.text
    assert "Terms are on the table." in person.text
    assert "The price has to be higher" in person.text
    assert "nothing can be signed before that" in spelled(person.text)
    found = await person.negotiation()
    assert (found.bids[0].compensation.per_fetch.amount, found.state) == ("0.003", State.OFFERED)

    await person.send("propose", compensation__per_fetch="0.0038")
    await person.send(
        "propose", compensation__per_fetch=(await person.negotiation()).table.compensation.per_fetch.amount
    )
    assert "The owner agrees to what you proposed." in spelled(person.text)
    table = (await person.negotiation()).table
    assert table.compensation.per_fetch.micros < 4_000

    await person.go(f"{person.base}/review")
    assert "Sign</button>" not in person.text
    await person.confirmed(active=True)
    await person.go(person.at)
    for lever, name in NAMES.items():
        assert f"{name} {lever_words(table)[lever]}" in spelled(person.text)
    assert TAX in spelled(person.text)
    assert "Proposed terms" in person.text
    assert " checked" not in person.text, "nothing is ticked beforehand"
    await person.send("review", agree="on")
    assert "You have signed." in person.text, spelled(person.text)
    found = await person.negotiation()
    assert found.state is State.AGREED
    assert found.signed["assent"] in (await person.negotiation()).transcript[-2].body
    assert found.signed["key"] == "a private link whose person the owner confirmed, who gave eve@lab.example"
    await person.send("verify")
    assert "It is agreed and released." in person.text
    await person.send("secret")
    client, secret = re.findall(r"<td>(cl_[^<]+|lsk_[^<]+)</td>", person.text)
    assert person.headers["Cache-Control"] == "no-store"
    held = await person.world.register.client(client)
    await person.world.pay_in(SimpleNamespace(licensee=held[1]), "5")
    auth = aiohttp.encode_basic_auth(client, secret)
    details = json.dumps([{"type": "content_license", "license": found.license}])
    answer = await person.world.post(
        "/.licet/token", None, {"grant_type": "client_credentials", "authorization_details": details},
        headers={"Authorization": auth},
    )  # fmt: skip
    body = await answer.json(content_type=None)
    assert (answer.status, body["authorization_details"][0]["terms"]) == (200, table.hash)
    assert chained((await person.negotiation()).transcript)


async def test_the_document_can_be_had_before_and_after(person):
    await person.begin()
    await person.confirmed()
    at = f"{person.base}/contract"
    document = await (await person.world.get(f"{at}?as=json")).json(content_type=None)
    assert document["heading"] == "Proposed terms"
    assert document["evidence"] is None
    found = await person.negotiation()
    name = WHO["company"]
    assert document == proposed_contract(
        found, person.world.policy, name, person.world.origin, shipped_clauses()
    )
    async with person.world.http.get(f"{person.world.origin}{at}?as=pdf") as pdf:
        assert (await pdf.read()).startswith(b"%PDF")
        assert "attachment" in pdf.headers["Content-Disposition"]
    page = await person.world.get(f"{at}?as=html")
    assert "Nobody has accepted these terms" in await page.text()
    await person.go(f"{person.base}/review")
    await person.send("review", agree="on")
    after = await (await person.world.get(f"{at}?as=json")).json(content_type=None)
    assert after["heading"] == "License agreement"
    assert after["evidence"]["assent"].startswith("For Example AI Labs GmbH")
    assert after["terms_hash"] == document["terms_hash"]


async def test_a_large_deal_waits_for_a_person_and_for_approval(person):
    world = person.world
    offers = tuple(replace(each, tier=1) if each.id == "archive" else each for each in world.offers)
    signing = world.policy.signing
    world.policy = replace(world.make_policy(offers), signing=signing)
    await person.begin("archive", facts__products="Summarizer", facts__model_class="closed", facts__redistribution="no",
        facts__launch_date="2027-01-01", facts__data_protection="locked away")  # fmt: skip
    assert "A person at the owner decides" in spelled(person.text)
    found = await person.negotiation()
    deciding = Deciding(world.negotiations.store, world.register.store)
    tabled = await deciding.offer(found.id, found.version, found.proposal, now=world.now)
    assert tabled.state is State.OFFERED
    await person.confirmed()
    await person.go(f"{person.base}/review")
    assert "A deal of this kind needs all four." in person.text
    await person.send("review", agree="on", **{name.replace(".", "__"): text for name, text in PARTY.items()})
    assert person.status == 403
    assert "waits for approval or credit" in spelled(person.text)
    assert 'value="2 Test Way"' in person.text, "what was typed is kept"
    await person.confirmed(active=True)
    await person.send("review", agree="on")
    assert person.status == 402
    assert "500 USD" in spelled(person.text)
    assert (await person.negotiation()).state is State.ACCEPTED
    _, licensee = await world.register.client(found.client)
    await world.pay_in(SimpleNamespace(licensee=licensee), "600")
    await person.go(person.base)
    assert "You accepted; the license is not made yet." in person.text
    await person.go(f"{person.base}/review")
    await person.send("review")
    assert "You have signed." in person.text, spelled(person.text)
    assert (await person.negotiation()).signed["licensee"]["address"] == "2 Test Way"


async def test_facts_that_are_missing_are_asked_for(person):
    await person.begin(facts__use_case="")
    assert "you are asked for what stands below" in spelled(person.text)
    await person.send("facts", facts__use_case="answers to readers")
    found = await person.negotiation()
    assert (found.facts, found.state) == ({"use_case": "answers to readers"}, State.OFFERED)


async def test_every_mistake_is_told_at_once_and_nothing_is_lost(person):
    await person.begin(
        company="", email="nowhere", compensation__per_fetch="free", term__months="0", territory="Mars",
        facts__use_case="x" * 2001, client_id="cl_1",
    )  # fmt: skip
    assert person.status == 400
    said = spelled(person.text)
    for sentence in (
        "Company is not a name", "E-mail is not an address", "is not an amount in USD", "Months is not a whole number",
        "Countries is neither a country code", "Use case is not a printable text", "Client secret and client id go together",
    ):  # fmt: skip
        assert sentence in said, sentence
    assert 'value="free"' in person.text
    assert 'value="nowhere"' in person.text
    for place in re.findall(r'href="#(field-[^"]+)"', person.text):
        assert f'id="{place}"' in person.text
    assert not await person.world.register.store.licensees()
    await person.send(
        "negotiate", NEGOTIATE, **WHO, compensation__per_fetch="0.003", term__months="2", territory="DE",
        facts__use_case="answers", client_id="",
    )  # fmt: skip
    assert "Your proposal was sent." in person.text


async def test_a_form_that_is_sent_twice_begins_once(person):
    await person.go(f"{NEGOTIATE}?offer=answers")
    sent = {**forms(person.text)["negotiate"], **WHO, "facts.use_case": "x"}
    headers = {"Sec-Fetch-Site": "same-origin"}
    answers = await asyncio.gather(
        *(person.world.post(NEGOTIATE, None, sent, headers=headers, allow_redirects=False) for _ in range(4))
    )
    assert {answer.status for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(await person.world.register.store.licensees()) == 1


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
async def test_a_form_of_another_site_does_nothing(person, site):
    await person.go(f"{NEGOTIATE}?offer=answers")
    await person.send("negotiate", NEGOTIATE, site=site, **WHO)
    assert person.status == 400
    assert not await person.world.register.store.licensees()
    await person.begin()
    before = await person.negotiation()
    for act in ("propose", "end"):
        again = Person(person.world)
        await again.go(person.base)
        await again.send(act, person.base, site=site)
        assert again.status == 400
    assert await person.negotiation() == before


async def test_without_fetch_metadata_the_origin_is_looked_at(person):
    await person.go(f"{NEGOTIATE}?offer=answers")
    sent = {**forms(person.text)["negotiate"], **WHO, "facts.use_case": "x"}
    for origin, status in ((person.world.origin, 303), ("http://evil.example", 400), ("null", 400)):
        answer = await person.world.post(
            NEGOTIATE, None, sent, headers={"Origin": origin}, allow_redirects=False
        )
        assert answer.status == status


async def test_a_form_token_of_nobody_or_of_long_ago_does_nothing(person):
    await person.begin(form="x.1.y")
    assert person.status == 400
    assert "The form was too old. What you typed is kept" in spelled(person.text)
    assert 'value="eve@lab.example"' in person.text
    await person.go(f"{NEGOTIATE}?offer=answers")
    person.world.clock.advance(13 * 3600)
    await person.send("negotiate", NEGOTIATE, **WHO)
    assert person.status == 400
    await person.begin()
    before = await person.negotiation()
    other = Person(person.world)
    await other.begin()
    await other.go(person.base)
    await other.send("end", person.base, form="0" * 64)
    assert other.status == 400
    assert await person.negotiation() == before


async def test_an_old_page_does_nothing_and_keeps_what_was_typed(person):
    await person.begin(compensation__per_fetch="0.001")
    old = person.text
    await person.send("propose", compensation__per_fetch="0.003")
    stands = await person.negotiation()
    person.text = old
    await person.send("propose", compensation__per_fetch="0.0039")
    assert person.status == 409
    assert "Something was said here after you opened the page" in person.text
    assert 'value="0.0039"' in person.text
    assert await person.negotiation() == stands


async def test_what_is_not_ticked_is_not_signed(person):
    await person.begin()
    await person.confirmed()
    await person.go(f"{person.base}/review")
    await person.send("review", party__name="x" * 301, party__address="2 Test Way")
    assert person.status == 400
    assert "Tick this to sign" in person.text
    assert "is not a line of at most 300 characters" in person.text
    assert 'value="2 Test Way"' in person.text
    assert (await person.negotiation()).state is State.OFFERED


async def test_nothing_is_signed_before_somebody_is_known(person):
    await person.begin()
    await person.go(f"{person.base}/review")
    found = await person.negotiation()
    page = forms((await person.go(person.base)).text)["end"]
    sent = {"form": page["form"], "version": found.version, "terms_hash": found.table.hash, "agree": "on"}
    answer = await person.world.post(
        f"{person.base}/review", None, sent, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status == 403
    assert await person.negotiation() == found


async def test_other_terms_than_those_that_were_read_are_not_signed(person):
    await person.begin()
    await person.confirmed()
    await person.go(f"{person.base}/review")
    await person.send("review", agree="on", terms_hash="sha-256:" + "0" * 64)
    assert person.status == 409
    assert (await person.negotiation()).state is State.OFFERED


async def test_terms_that_expired_are_not_reviewed(person):
    await person.begin()
    await person.confirmed()
    await person.go(f"{person.base}/review")
    person.world.clock.advance(72 * 3600)
    await person.send("review", agree="on")
    assert person.status == 409
    assert "What was on the table has expired; propose again." in spelled(person.text)
    await person.send("propose", person.base)
    assert "Terms are on the table." in person.text


async def test_a_person_may_end_it(person):
    await person.begin()
    await person.send("end")
    assert "This negotiation has ended." in person.text
    assert (await person.negotiation()).why == "The buyer ended it."
    assert set(forms(person.text)) == set()


async def test_who_has_an_account_is_known_at_once(person):
    made = await person.world.licensee()
    await person.begin(client_id=made.client.id, client_secret=made.secret)
    found = await person.negotiation()
    assert found.licensee == made.licensee.id
    assert f"you showed the key of {made.client.id}" in person.text
    assert made.secret not in person.text
    await person.begin(client_id=made.client.id, client_secret="lsk_wrong")
    assert person.status == 401
    assert "lsk_wrong" not in person.text


async def test_where_nobody_registers_alone_an_account_is_needed(person):
    person.world.admittance = Admittance(initial="secret-of-the-operator")
    await person.world.reopen()
    await person.go(f"{NEGOTIATE}?offer=answers")
    assert "Only who has an account here can negotiate. Ask rights@journal.example for one." in spelled(
        person.text
    )
    await person.begin()
    assert person.status == 401
    made = await person.world.licensee()
    await person.begin(client_id=made.client.id, client_secret=made.secret)
    assert "Your proposal was sent." in person.text


async def test_links_are_kept_as_hashes_and_guessing_is_paced(person):
    await person.begin()
    link = await person.world.links.by_link(person.link)
    assert person.base.rsplit("/", 1)[1] not in repr(link)
    person.world.pace = DeskPace(failures=Pace(0.01, 3))
    await person.world.reopen()
    statuses = [(await person.world.get(f"{NEGOTIATE}/{'x' * n}")).status for n in range(40, 46)]
    assert statuses == [404, 404, 404, 429, 429, 429]
    assert (await person.go(person.base)).status == 200, "who has a link is not held up by others"


async def test_beginning_is_paced_by_network(person):
    person.world.pace = DeskPace(register=Pace(0.001, 2))
    await person.world.reopen()
    for status in (200, 200, 429):
        await person.begin()
        assert person.status == status
    assert len(await person.world.register.store.licensees()) == 2


async def test_whom_the_operator_suspended_says_nothing_more(person):
    await person.begin()
    found = await person.negotiation()
    await person.world.register.set_standing(found.licensee, Standing.SUSPENDED, person.world.now)
    await person.send("propose", compensation__per_fetch="0.003")
    assert person.status == 403
    assert await person.negotiation() == found


async def test_a_person_shows_up_at_another_site_of_the_gateway_as_nobody(person):
    await person.begin()
    site = replace(person.world.policy.site, id="gazette")
    person.world.policy = replace(person.world.policy, site=site)
    assert (await person.go(person.base)).status == 404


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_a_person_wrote_is_text(person, text):
    await person.begin(company=text, facts__use_case=text, facts__products=text)
    assert person.status == 200
    for path in (person.base, f"{person.base}/review", f"{person.base}/contract"):
        await person.go(path)
        assert person.status == 200
        for mark in ("<script", "<img", "<b>"):
            assert mark not in person.text
    wrong = await Person(person.world).begin(company=text, email=text, compensation__per_fetch=text)
    assert wrong.status == 400
    for mark in ("<script", "<img", "<b>"):
        assert mark not in wrong.text


async def test_pages_carry_what_keeps_them_private(person):
    await person.begin()
    for path in (NEGOTIATE, person.base, f"{person.base}/review"):
        await person.go(path)
        security = person.headers["Content-Security-Policy"]
        assert "default-src 'none'" in security
        assert "form-action 'self'" in security
        assert person.headers["Cache-Control"] == "no-store"
        assert person.headers["X-Robots-Tag"] == "noindex"
        assert "Set-Cookie" not in person.headers
        assert "<script" not in person.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"a=1&a=2", 400),
        (b"\xff=1", 400),
        (b"&".join(b"f%d=1" % n for n in range(200)), 400),
        (b"x" * 70_000, 413),
        (b"", 404),
    ],
)
async def test_odd_bodies_are_refused(person, body, status):
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
    answer = await person.world.post(NEGOTIATE, None, body, headers=headers)
    assert answer.status == status
    wrong = await person.world.post(
        NEGOTIATE, None, body, headers=headers | {"Content-Type": "application/json"}
    )
    assert wrong.status == 415


async def test_an_offer_that_is_none_is_said_to_be_none(person):
    await person.go(f"{NEGOTIATE}?offer=nothing<b>")
    assert person.status == 404
    assert "<b>" not in person.text.split("<style>")[0]
    assert (await person.go(f"{NEGOTIATE}?offer=unsold")).status == 404


async def test_what_a_person_wants_otherwise_is_proposed_on_every_lever(person):
    await person.begin(
        term__months="3", territory="DE, FR", exclusivity__exclusive="on", audit__report="yearly"
    )
    proposal = (await person.negotiation()).proposal
    assert proposal.term == Term(3)
    assert proposal.territory.regions == {"DE", "FR"}
    assert proposal.exclusivity.exclusive
    assert proposal.audit.report == "yearly"


async def test_no_number_of_the_position_is_on_a_page(person):
    await person.begin(compensation__per_fetch="0.001")
    for bid in ("0.002", "0.0024", "0.0025"):
        if (await person.negotiation()).state.is_over:
            break
        await person.send("propose", compensation__per_fetch=bid)
        assert "0.00244" not in person.text
        assert "610000" not in person.text


async def test_steps_and_milestones_are_typed_without_a_script_and_come_back_exactly(person):
    desk = person.world
    before = desk.policy.by_offer["training"]
    price = replace(
        before.terms.compensation,
        tiers=(Tier(1000, Money(10_000, "USD")),),
        by_age=(AgeStep(90, Money(5_000, "USD")),),
    )
    stepped = replace(before, terms=replace(before.terms, compensation=price))
    desk.policy = replace(
        desk.make_policy((stepped, *desk.offers[1:]), digest="sha-256:stepped"), signing=desk.policy.signing
    )
    await person.go(f"{NEGOTIATE}?offer=training")
    assert person.status == 200, person.text
    held = forms(person.text)["negotiate"]
    assert (held["compensation.tiers"], held["compensation.by_age"]) == ("1000: 0.01", "90: 0.005")
    assert held["compensation.milestones"] == ""
    facts = {
        f"facts.{name}": "x" * 20 for name in ("use_case", "products", "redistribution", "data_protection")
    }
    typed = {
        **WHO, **facts, "facts.model_class": "closed", "facts.launch_date": "2027-06-01",
        "compensation.upfront": "90", "compensation.tiers": "500: 0.015\r\n2000: 0.001", "compensation.by_age": "",
        "compensation.milestones": "ingestion: 33.33 %, shown by journal, 2 items\r\nlaunch: 10 %, shown by statement, within 1 month",
        "compensation.holder": "agent:Notary Example",
    }  # fmt: skip
    await person.send("negotiate", NEGOTIATE, **typed)
    assert person.status == 200, person.text
    proposed = (await person.negotiation()).proposal.compensation
    assert proposed == replace(
        price,
        upfront=Money(90_000_000, "USD"),
        tiers=(Tier(500, Money(15_000, "USD")), Tier(2000, Money(1_000, "USD"))),
        by_age=(),
        milestones=(
            Milestone("ingestion", 3_333, "journal", 2),
            Milestone("launch", 1_000, "statement", months=1),
        ),
        holder="agent:Notary Example",
    )
    assert "29.997 USD once ingestion is met" in spelled(person.text)
    # The private page has the same fields, which hold what is on the table; what is typed there is proposed as well.
    found = await person.negotiation()
    again = forms(person.text)["propose"]
    assert again["compensation.milestones"] == ""
    assert again["compensation.tiers"] == "1000: 0.01" == step_lines([(1000, Money(10_000, "USD"))])
    assert found.table.compensation == price
    await person.send("propose", **{name: text for name, text in typed.items() if name.startswith("comp")})
    assert (await person.negotiation()).proposal.compensation == proposed
    await person.send("propose")
    assert (await person.negotiation()).proposal.compensation == price


async def test_a_line_that_cannot_be_read_is_told_by_its_number_and_kept(person):
    await person.go(f"{NEGOTIATE}?offer=archive")
    typed = {
        **WHO,
        "compensation__milestones": "ingestion: 50 %\nlaunch: a half",
        "compensation__tiers": "<script>",
    }
    await person.send("negotiate", NEGOTIATE, **typed)
    said = spelled(person.text)
    assert "in line 2 has a part that cannot be read, or stands twice: a half" in said
    assert "in line 1 is not a number, a colon and an amount" in said
    assert "<script>" not in person.text
    held = forms(person.text)["negotiate"]
    assert held["compensation.milestones"].replace("\r", "") == "ingestion: 50 %\nlaunch: a half"
    assert held["compensation.tiers"] == "<script>"
