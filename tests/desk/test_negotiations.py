"""Negotiations over HTTP: what is told, what is asked for, what is refused, and what is sold once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, replace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.desk.bargains import MOST_OPEN
from gateway.licenses.deciding import license_id
from gateway.licenses.license import Standing
from gateway.licenses.negotiation import Negotiation, Side, State, chained, offered
from gateway.licenses.position import Position
from gateway.licenses.red_flags import Severity
from gateway.money import Money
from gateway.policy.rules import Party, Signing

NEGOTIATIONS = "/.licet/negotiations"
#: The offer `answers` at 0.004 a fetch: counters end at 0.8 of it, the least is 0.61.
POSITION = Position(target_micros=800_000, floor_micros=610_000, facts=("use_case",), rounds=5)
FACTS = {"use_case": "answering questions of readers"}
PARTY = {"name": "Example AI Labs GmbH", "address": "2 Test Way", "signatory": "Eve", "authority": "CEO"}


def price(micros):
    return {"compensation": {"per_fetch": {"micros": micros, "currency": "USD"}}}


class Talk:
    """One client's side of a negotiation: remembers address and version."""

    def __init__(self, world, made):
        self.world, self.made, self.url, self.tag, self.told = world, made, "", "", {}

    async def send(self, path, body, **headers):
        answer = await self.world.post(
            path, self.made, json.dumps(body), headers={"Content-Type": "application/json", **headers}
        )
        found = await answer.json(content_type=None)
        if answer.status < 300:
            self.told, self.tag = found, answer.headers["ETag"]
        return answer, found

    async def begin(self, proposal=None, facts=FACTS, offer="answers", **headers):
        body = {"offer": offer, "facts": facts, "proposal": proposal or {}}
        answer, found = await self.send(NEGOTIATIONS, body, **headers)
        if answer.status == 201:
            self.url = answer.headers["Location"].removeprefix(self.world.origin)
        return answer, found

    async def act(self, name, body, **headers):
        headers.setdefault("If-Match", self.tag)
        return await self.send(f"{self.url}/{name}", body, **headers)

    async def propose(self, proposal=None, **more):
        return await self.act("proposals", {**({"proposal": proposal} if proposal else {}), **more})

    async def accept(self, **more):
        accept = self.told["accept"]
        return await self.act(
            "acceptance", {"terms_hash": accept["terms_hash"], "assent": accept["assent"], **more}
        )

    async def verify(self):
        return await self.act("verification", {"terms_hash": self.told["counter"]["terms_hash"]})

    async def read(self, **headers):
        auth = {"Authorization": _basic(self.made), **headers}
        return await self.world.get(self.url, headers=auth)


def _basic(made):
    import aiohttp

    return aiohttp.encode_basic_auth(made.client.id, made.secret)


@pytest.fixture
async def bargaining(world):
    """A world whose owner negotiates, and has written a law."""
    world.positions["answers"] = POSITION
    world.policy = replace(world.policy, signing=Signing("Ireland"))
    return world


async def test_from_a_third_of_the_ask_to_a_token(bargaining):
    world = bargaining
    made = await world.licensee()
    talk = Talk(world, made)
    answer, told = await talk.begin(price(1_333), facts={})
    assert (answer.status, told["state"], told["waits_for"]) == (201, "REQUESTED", "buyer")
    assert [each["fact"] for each in told["missing"]] == ["use_case"]
    assert told["counter"] is None
    _, told = await talk.propose(facts=FACTS)
    assert (told["state"], told["missing"]) == ("OFFERED", [])
    assert told["bids"][0]["terms"]["compensation"]["per_fetch"]["micros"] == 1_333, (
        "what was proposed stands"
    )
    assert told["counter"]["terms"]["compensation"]["per_fetch"]["micros"] == 4_000
    assert told["counter"]["changes"][0]["lever"] == "compensation"
    _, told = await talk.propose(price(3_000))
    assert told["counter"]["terms"]["compensation"]["per_fetch"]["micros"] == 3_800
    _, told = await talk.propose(price(3_800))
    assert told["counter"]["yours"]
    answer, told = await talk.accept()
    assert (answer.status, told["state"]) == (200, "AGREED")
    held = (await world.licenses(made))[0]
    assert (held.id, held.offer, held.terms.hash) == (told["license"], "", told["counter"]["terms_hash"])
    status, body = await world.token(made, {"license": held.id})
    assert (status, body["code"]) == (409, "negotiation-waits")
    _, told = await talk.verify()
    assert (told["state"], told["waits_for"]) == ("FINALIZED", "nobody")
    status, body = await world.token(made, {"license": held.id})
    assert status == 200
    assert body["authorization_details"][0]["terms"] == held.terms.hash
    kept = await world.negotiations.store.get(told["id"])
    assert chained(kept.transcript)
    assert told["version"] == kept.transcript[-1].hash
    happened = await world.happened.after(0, 99)
    talked = [each.event.body["version"] for each in happened if each.event.type != "license.issued"]
    assert talked == [each.hash for each in kept.transcript]
    assert [each.event.subject for each in happened if each.event.type == "license.issued"] == [kept.license]
    assert happened[-1].event.type == "negotiation.finalized"


async def test_what_is_told_has_an_etag_and_can_be_waited_for(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    await talk.begin(price(1))
    answer = await talk.read()
    assert (answer.status, answer.headers["ETag"]) == (200, talk.tag)
    assert answer.headers["Cache-Control"] == "no-store"
    same = await talk.read(**{"If-None-Match": talk.tag})
    assert (same.status, same.headers["ETag"]) == (304, talk.tag)
    first, talk.url = talk.tag, talk.url
    waiting = asyncio.create_task(
        bargaining.get(
            f"{talk.url}?wait=25", headers={"Authorization": _basic(talk.made), "If-None-Match": first}
        )
    )
    await asyncio.sleep(0)
    await talk.propose(price(3_000))
    answer = await waiting
    assert (answer.status, answer.headers["ETag"]) == (200, talk.tag)
    refused = await bargaining.get(f"{talk.url}?wait=26", headers={"Authorization": _basic(talk.made)})
    assert (refused.status, (await refused.json())["member"]) == (400, "wait")


async def test_a_change_names_the_version_it_is_made_to(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    await talk.begin(price(1))
    old = talk.tag
    answer, body = await talk.act("proposals", {"proposal": price(2)}, **{"If-Match": ""})
    assert (answer.status, body["code"]) == (428, "precondition-required")
    await talk.propose(price(3_000))
    answer, body = await talk.act("proposals", {"proposal": price(2)}, **{"If-Match": old})
    assert (answer.status, body["code"], body["state"]) == (409, "negotiation-outdated", "OFFERED")
    assert f'"{body["version"]}"' == talk.tag
    accept = talk.told["accept"]
    answer, body = await talk.act(
        "acceptance", {"terms_hash": "sha-256:" + "0" * 64, "assent": accept["assent"]}
    )
    assert (answer.status, body["terms_hash"]) == (409, accept["terms_hash"])


async def test_of_two_acts_at_once_on_one_version_one_is_kept(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    await talk.begin(price(1))
    tag = talk.tag
    answers = await asyncio.gather(
        *(talk.act("proposals", {"proposal": price(n)}, **{"If-Match": tag}) for n in range(2, 8))
    )
    assert sorted(answer.status for answer, _ in answers) == [200, 409, 409, 409, 409, 409]


async def test_terms_on_the_table_expire(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    await talk.begin()
    bargaining.clock.advance(72 * 3600)
    answer, body = await talk.accept()
    assert (answer.status, body["code"]) == (409, "negotiation-outdated")
    assert not await bargaining.licenses(talk.made)
    _, told = await talk.propose({})
    assert told["state"] == "OFFERED"
    answer, told = await talk.accept()
    assert told["state"] == "AGREED"


async def test_beginning_again_teaches_nothing(bargaining):
    made = await bargaining.licensee()
    bids = [1_000, 2_000, 2_400, 2_500, 2_500, 2_439]
    for bid in bids:
        talk = Talk(bargaining, made)
        _, told = await talk.begin(price(bid))
    assert (told["state"], told["counter"]) == ("TERMINATED", None), (
        "the rounds are over, wherever they were spent"
    )


async def test_others_see_and_change_nothing(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    await talk.begin(price(1))
    stranger = Talk(bargaining, await bargaining.licensee())
    stranger.url, stranger.tag = talk.url, talk.tag
    assert (await stranger.read()).status == 404
    answer, body = await stranger.propose(price(2))
    assert (answer.status, body["code"]) == (404, "not-found")
    assert (await bargaining.get(talk.url)).status == 401
    mine = await bargaining.get(NEGOTIATIONS, headers={"Authorization": _basic(talk.made)})
    assert [each["id"] for each in (await mine.json())["negotiations"]] == [talk.told["id"]]
    theirs = await bargaining.get(NEGOTIATIONS, headers={"Authorization": _basic(stranger.made)})
    assert (await theirs.json())["negotiations"] == []


async def test_a_client_may_log_in_by_the_body(bargaining):
    made = await bargaining.licensee()
    login = {"client_id": made.client.id, "client_secret": made.secret}
    body = {"offer": "answers", "facts": FACTS, **login}
    answer = await bargaining.post(
        NEGOTIATIONS, None, json.dumps(body), headers={"Content-Type": "application/json"}
    )
    told = await answer.json()
    assert (answer.status, told["state"]) == (201, "OFFERED")
    assert made.secret not in json.dumps(told)
    read = await bargaining.post(
        f"{NEGOTIATIONS}/{told['id']}", None, json.dumps(login), headers={"Content-Type": "application/json"}
    )
    assert (await read.json())["id"] == told["id"]
    twice = await bargaining.post(
        NEGOTIATIONS, made, json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert (twice.status, (await twice.json())["code"]) == (400, "form-invalid")


async def test_the_words_of_assent_are_those_that_were_told(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    await talk.begin()
    answer, body = await talk.accept(assent="I accept.")
    assert (answer.status, body["member"]) == (400, "assent")
    answer, body = await talk.accept(party={"shoe": "44"})
    assert (answer.status, body["member"]) == (400, "party")
    _, told = await talk.accept(party=PARTY)
    kept = await bargaining.negotiations.store.get(told["id"])
    assert kept.signed["assent"] in json.dumps(kept.contract)
    assert "2 Test Way" not in json.dumps([each.body for each in kept.transcript]), "only its hash is chained"


async def test_without_a_law_nothing_is_signed_and_large_deals_name_their_parties(bargaining):
    world, made = bargaining, await bargaining.licensee(credit="1000")
    world.positions["archive"] = replace(POSITION, person_for=frozenset())
    world.policy = replace(world.policy, signing=Signing())
    talk = Talk(world, made)
    await talk.begin(offer="archive")
    answer, body = await talk.accept()
    assert (answer.status, body["code"]) == (409, "contract-incomplete")
    assert "governing law" in body["missing"]
    assert talk.told["state"] == "OFFERED"


OWNER = Party("The Journal Ltd", "1 Example Street", "Ada", "director")
YOURS = ["licensee: name", "licensee: address", "licensee: signatory", "licensee: authority"]
EXCLUSIVE = {"exclusivity": {"exclusive": True}}
PERPETUAL = {"term": {"months": 600}}


@pytest.mark.parametrize(
    ("proposal", "tier", "told"),
    [
        ({}, 1, YOURS),
        (EXCLUSIVE, 2, YOURS),
        (PERPETUAL, 2, YOURS),
        # Above a worth that is the creator's own: heard of when it is accepted.
        ({}, 2, []),
        ({}, 3, []),
    ],
    ids=["tier 1", "exclusive", "perpetual", "above the limit", "small"],
)
@pytest.mark.parametrize("without", ["", "name", "address", "signatory", "authority"])
async def test_large_deals_need_both_sides_in_full_and_small_ones_nobody(
    bargaining, proposal, tier, told, without
):
    world, made = bargaining, await bargaining.licensee(credit="5000")
    term = {"term": replace(world.policy.offers[0].terms.term, months=600)} if proposal is PERPETUAL else {}
    offers = tuple(
        replace(each, tier=tier, terms=replace(each.terms, **term)) if each.id == "archive" else each
        for each in world.policy.offers
    )
    owner = replace(OWNER, **({without: ""} if without else {}))
    world.policy = replace(
        world.policy, offers=offers, by_offer={}, signing=Signing("Ireland", "English", owner)
    )
    large = tier < 3
    world.positions["archive"] = replace(
        POSITION, facts=(), person_for=frozenset(), exclusive_premium_micros=2_000_000
    )
    talk = Talk(world, made)
    _, found = await talk.begin({**proposal, **(await _premium(talk, proposal))}, offer="archive")
    assert found["state"] == "OFFERED", found
    theirs = [f"creator: {without}"] if without else []
    assert found["accept"]["missing"] == ([*theirs, *told] if told else [])
    if large and not told:
        world.positions["archive"] = replace(POSITION, person_above=Money(1, "USD"), person_for=frozenset())
    answer, body = await talk.accept()
    if not large:
        assert (answer.status, body["state"]) == (200, "AGREED")
        return
    assert (answer.status, body["code"]) == (409, "contract-incomplete")
    assert body["missing"] == ", ".join([*theirs, *YOURS])
    for member in PARTY:
        some = {name: text for name, text in PARTY.items() if name != member} | {"contact": "x", member: " "}
        answer, body = await talk.accept(party=some)
        assert answer.status == 409
        assert f"licensee: {member}" in body["missing"]
    answer, body = await talk.accept(party=PARTY)
    if without:
        assert (answer.status, body["missing"]) == (409, f"creator: {without}")
        assert "owner of this site has not filled in" in body["detail"]
        assert await world.licenses(made) == ()
    else:
        assert (answer.status, body["state"]) == (200, "AGREED")
        kept = await world.negotiations.store.get(body["id"])
        assert kept.signed["creator"] == {**asdict(OWNER)}
        assert kept.signed["licensee"] == {"contact": made.licensee.contact, **PARTY}
        assert kept.signed["assent"] == found["accept"]["assent"]


async def _premium(talk, proposal):
    """The price of an exclusive license, as the first counter asks it."""
    if proposal is not EXCLUSIVE:
        return {}
    _, told = await talk.begin(proposal, offer="archive")
    asked = told["counter"]["terms"]["compensation"]
    talk.tag = ""
    return {"compensation": {name: asked[name] for name in ("upfront", "per_fetch")}}


@pytest.mark.parametrize("signing", [Signing("", "English", OWNER), Signing("Ireland", "", OWNER)])
async def test_an_empty_law_or_language_blocks_every_signature_and_is_told_before(bargaining, signing):
    world = bargaining
    world.policy = replace(world.policy, signing=signing)
    talk = Talk(world, await world.licensee())
    _, told = await talk.begin()
    (blank,) = told["accept"]["missing"]
    assert blank in {"governing law", "language"}
    answer, body = await talk.accept(party=PARTY)
    assert (answer.status, body["code"], body["missing"]) == (409, "contract-incomplete", blank)


async def test_a_tier_1_deal_needs_named_parties(bargaining):
    world, made = bargaining, await bargaining.licensee(credit="1000")
    offers = tuple(replace(each, tier=1) if each.id == "archive" else each for each in world.policy.offers)
    owner = Party("The Journal Ltd", "1 Example Street", "Ada", "director")
    world.policy = replace(
        world.policy, offers=offers, by_offer={}, signing=Signing("Ireland", "English", owner)
    )
    world.positions["archive"] = replace(POSITION, person_for=frozenset())
    talk = Talk(world, made)
    await talk.begin(offer="archive")
    answer, body = await talk.accept()
    assert (answer.status, body["missing"]) == (
        409, "licensee: name, licensee: address, licensee: signatory, licensee: authority",
    )  # fmt: skip
    answer, told = await talk.accept(party=PARTY)
    assert (answer.status, told["state"]) == (200, "AGREED")
    assert await world.balance(made.licensee.id, "USD") == Money(500_000_000, "USD"), "its fee, once"


async def test_a_person_decides_where_one_has_to(bargaining):
    world = bargaining
    world.positions["answers"] = replace(POSITION, counterparties=frozenset({"example ai labs"}))
    talk = Talk(world, await world.licensee())
    _, told = await talk.begin()
    assert (told["state"], told["waits_for"], told["counter"]) == ("REQUESTED", "creator", None)
    (waiting,) = await world.negotiations.store.pending(9)
    put = offered(waiting, waiting.offer.terms, now=world.now, patience=3600)
    assert put.transcript[-1].by is Side.CREATOR
    await world.negotiations.store.put(waiting.version, put)
    answer = await talk.read()
    talk.told, talk.tag = await answer.json(), answer.headers["ETag"]
    _, told = await talk.accept()
    assert told["state"] == "AGREED"


async def test_a_red_flag_is_told_with_the_term_that_tripped_it(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    bargaining.positions["answers"] = replace(POSITION, severities={"long_notice": Severity.NOTE})
    slow = {"retention": {"withdrawal_notice_days": 400}}
    _, told = await talk.begin(slow)
    flag = {"rule": "long_notice", "lever": "retention", "term": "400 days to stop using a withdrawn work"}
    assert told["counter"]["flags"] == [flag]
    assert [each["lever"] for each in told["counter"]["changes"]] == ["retention"]
    _, told = await talk.propose({"compensation": {"per_fetch": None}})
    assert (told["state"], told["why"]) == (
        "TERMINATED", "The creator does not agree to this: nothing is paid.",
    )  # fmt: skip
    bargaining.positions["answers"] = replace(POSITION, severities={})
    _, told = await talk.begin(slow)
    assert told["person"] == ["long_notice: 400 days to stop using a withdrawn work"]


async def test_an_acceptance_that_broke_off_is_completed_by_the_same_request(bargaining):
    world, made = bargaining, await bargaining.licensee(credit="600")
    world.positions["archive"] = replace(POSITION, person_for=frozenset())
    owner = Party("The Journal Ltd", "1 Example Street", "Ada", "director")
    world.policy = replace(world.policy, signing=Signing("Ireland", "English", owner))
    talk = Talk(world, made)
    await talk.begin(offer="archive")
    accept, tag = talk.told["accept"], talk.tag
    body = {"terms_hash": accept["terms_hash"], "assent": accept["assent"], "party": PARTY}
    world.kept.folding = False
    real = world.register.store.grant

    async def broken(*given, **named):
        raise OSError("the process dies here")

    world.register.store.grant = broken
    died = await world.post(
        f"{talk.url}/acceptance",
        made,
        json.dumps(body),
        headers={"Content-Type": "application/json", "If-Match": tag},
    )
    assert died.status == 500
    world.register.store.grant = real
    await world.kept.keeper.catch_up()
    world.kept.folding = True
    await world.reopen()
    kept = await world.negotiations.store.get(talk.told["id"])
    assert kept.state is State.ACCEPTED
    answer, refused = await talk.act("termination", {}, **{"If-Match": f'"{kept.version}"'})
    assert (answer.status, refused["code"]) == (409, "negotiation-waits")
    answer, told = await talk.act("acceptance", body, **{"If-Match": tag})
    assert (answer.status, told["state"]) == (200, "AGREED")
    answer, again = await talk.act("acceptance", body, **{"If-Match": tag})
    assert (answer.status, again["license"]) == (200, told["license"])
    assert len(await world.licenses(made)) == 1
    assert await world.balance(made.licensee.id, "USD") == Money(100_000_000, "USD")


async def test_without_credit_an_acceptance_waits_for_it(bargaining):
    world, made = bargaining, await bargaining.licensee(credit="1")
    world.positions["archive"] = replace(POSITION, person_for=frozenset())
    talk = Talk(world, made)
    await talk.begin(offer="archive", proposal=None)
    body = {key: talk.told["accept"][key] for key in ("terms_hash", "assent")}
    answer, refused = await talk.act("acceptance", body)
    assert (answer.status, refused["code"]) == (402, "credit-spent")
    await world.pay_in(made, "600")
    answer, told = await talk.act("acceptance", body)
    assert (answer.status, told["state"]) == (200, "AGREED")


async def test_an_acceptance_that_nobody_paid_for_lapses_with_its_terms(bargaining):
    world, made = bargaining, await bargaining.licensee(credit="1")
    world.positions["archive"] = replace(POSITION, person_for=frozenset())
    talk = Talk(world, made)
    await talk.begin(offer="archive")
    body = {key: talk.told["accept"][key] for key in ("terms_hash", "assent")}
    assert (await talk.act("acceptance", body))[0].status == 402
    world.clock.advance(72 * 3600)
    await world.pay_in(made, "600")
    _, told = await talk.act("acceptance", body)
    assert (told["state"], told["why"]) == (
        "TERMINATED", "It was accepted, and not paid for while the terms stood.",
    )  # fmt: skip
    assert not await world.licenses(made)


async def test_what_was_withdrawn_meanwhile_is_not_signed(bargaining):
    world = bargaining
    talk = Talk(world, await world.licensee())
    await talk.begin()
    left = tuple(each for each in world.policy.offers if each.id != "answers")
    world.policy = replace(world.policy, offers=left, by_offer={})
    _, told = await talk.accept()
    assert told["state"] == "TERMINATED"
    assert not await world.licenses(talk.made)


async def test_an_idempotency_key_begins_one_negotiation(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    key = {"Idempotency-Key": "k-1"}
    _, told = await talk.begin(price(9), **key)
    again, same = await talk.begin(price(9), **key)
    assert (again.status, same["id"], again.headers["Idempotent-Replayed"]) == (201, told["id"], "true")
    other, _ = await talk.begin(price(10), **key)
    assert other.status == 409


async def raced(world):
    world.positions["answers"] = POSITION
    world.positions["answers"] = replace(POSITION, exclusive_premium_micros=4_000_000, person_for=frozenset())
    owner = Party("The Journal Ltd", "1 Example Street", "Ada", "director")
    world.policy = replace(world.policy, signing=Signing("Ireland", "English", owner))
    sole = {**price(16_000), "exclusivity": {"exclusive": True}}
    talks = [Talk(world, await world.licensee(credit="100")) for _ in range(4)]
    for talk in talks:
        _, told = await talk.begin(sole)
        assert told["state"] == "OFFERED", told
    answers = await asyncio.gather(*(talk.accept(party=PARTY) for talk in talks))
    assert sorted(answer.status for answer, _ in answers) == [200, 409, 409, 409]
    assert {body["code"] for answer, body in answers if answer.status == 409} == {"exclusive-taken"}
    late = Talk(world, await world.licensee())
    answer, body = await late.begin(price(3_900))
    assert (answer.status, body["code"]) == (409, "exclusive-taken"), "before an offer is made"
    status, body = await world.token(late.made, {"offer": "answers"})
    assert (status, body["code"]) == (409, "exclusive-taken"), "nor is a published offer sold"
    status, _ = await world.token(late.made, {"offer": "training"})
    assert status == 200, "another use is not shut out"


async def test_an_exclusive_right_goes_to_exactly_one(bargaining):
    await raced(bargaining)


async def test_an_exclusive_right_goes_to_exactly_one_in_a_database(sqlite_world):
    await raced(sqlite_world)


async def test_quarantined_clients_are_held_to_small_deals(bargaining):
    world = bargaining
    world.positions["archive"] = replace(POSITION, person_for=frozenset())
    talk = Talk(world, await world.licensee(credit="", standing=Standing.QUARANTINED))
    answer, body = await talk.begin(offer="archive")
    assert (answer.status, body["code"]) == (403, "client-quarantined")
    fee = {"compensation": {"upfront": {"micros": 1, "currency": "USD"}}}
    answer, _ = await talk.begin(fee)
    assert answer.status == 403
    answer, told = await talk.begin(price(3_900))
    assert (answer.status, told["state"]) == (201, "OFFERED")
    _, told = await talk.accept()
    assert told["state"] == "AGREED"
    suspended = Talk(world, await world.licensee(standing=Standing.SUSPENDED))
    answer, body = await suspended.begin(price(3_900))
    assert (answer.status, body["code"]) == (403, "client-quarantined")


async def test_a_flood_of_negotiations_is_slowed(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    found = [(await talk.begin(price(9)))[0].status for _ in range(MOST_OPEN + 1)]
    assert found.count(429) >= 1
    assert found[0] == 201


async def test_an_end_is_an_end(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    await talk.begin(price(9))
    _, told = await talk.act("termination", {"why": "too dear"})
    assert (told["state"], told["why"]) == ("TERMINATED", "too dear")
    answer, body = await talk.propose(price(10))
    assert (answer.status, body["code"]) == (409, "negotiation-over")
    bad, _ = await talk.act("termination", {"why": ["x"]})
    assert bad.status == 400


async def test_what_is_no_longer_published_is_no_longer_negotiated(bargaining):
    world = bargaining
    talk = Talk(world, await world.licensee())
    await talk.begin(price(9))
    left = tuple(each for each in world.policy.offers if each.id != "answers")
    world.policy = replace(world.policy, offers=left, by_offer={})
    _, told = await talk.propose(price(3_000))
    assert (told["state"], told["why"]) == ("TERMINATED", "The offer is no longer published as it was.")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b'{"offer": "nothing"}', 400), (b'{"offer": 1}', 400), (b"{" * 999, 400), (b"\xff", 400)],
)  # fmt: skip
async def test_no_body_is_our_fault(bargaining, body, status):
    made = await bargaining.licensee()
    answer = await bargaining.post(NEGOTIATIONS, made, body, headers={"Content-Type": "application/json"})
    assert answer.status == status
    assert (await answer.json(content_type=None))["code"] == "proposal-invalid"


async def test_while_the_store_is_down_nothing_is_lost(bargaining):
    talk = Talk(bargaining, await bargaining.licensee())
    await talk.begin(price(9))
    bargaining.negotiations.down = True
    answer, _ = await talk.propose(price(3_000))
    assert answer.status == 503
    bargaining.negotiations.down = False
    answer, _ = await talk.propose(price(3_000))
    assert answer.status == 200


async def test_it_is_found_from_the_index_and_from_the_terms(bargaining):
    index = await (await bargaining.get("/.licet/")).json()
    assert index["negotiation_endpoint"] == f"{bargaining.origin}{NEGOTIATIONS}"
    terms = await bargaining.get("/.licet/terms/")
    assert f'<{bargaining.origin}{NEGOTIATIONS}>; rel="service"' in terms.headers["Link"]
    paths = (await (await bargaining.get("/.licet/openapi.json")).json())["paths"]
    assert {path.removeprefix(NEGOTIATIONS) for path in paths if path.startswith(NEGOTIATIONS)} == {
        "", "/{negotiation}", "/{negotiation}/proposals", "/{negotiation}/acceptance",
        "/{negotiation}/verification", "/{negotiation}/termination", "/{negotiation}/contract",
    }  # fmt: skip


ODD = (
    None,
    True,
    -1,
    2**53,
    "",
    "x",
    "\u0000",
    "💥" * 99,
    [],
    {},
    [[]],
    {"micros": 1},
    ["XX"],
    [{}],
    "sha-256:" + "0" * 64,
)


def mutated(chance, body):
    """*body* with one member somewhere in it taken away, doubled under another name, or made into something odd."""
    body = json.loads(json.dumps(body))
    inside = body
    while isinstance(inside, dict) and inside:
        name = chance.choice(sorted(inside))
        if isinstance(inside[name], dict) and inside[name] and chance.random() < 0.7:
            inside = inside[name]
            continue
        match chance.randrange(3):
            case 0:
                del inside[name]
            case 1:
                inside[name + "s"] = inside[name]
            case _:
                inside[name] = chance.choice(ODD)
        break
    return body


async def test_no_message_is_our_fault(bargaining):
    """Two hundred messages, each a good one with something wrong in it, at every address and in every state."""
    import random

    chance = random.Random(6)
    talk = Talk(bargaining, await bargaining.licensee(credit="500"))
    whole = json.loads(json.dumps(bargaining.policy.by_offer["answers"].terms.as_json()))
    await talk.begin(price(2_000))
    seen = set()
    for _ in range(200):
        bargaining.clock.advance(5)
        counter = (talk.told["counter"] or {}).get("terms_hash", "x")
        words = (talk.told["accept"] or {}).get("assent", "x")
        name, body = chance.choice(
            [
                (
                    "proposals",
                    {"facts": dict(FACTS), "proposal": {**whole, **price(chance.randrange(4_000))}},
                ),
                ("acceptance", {"terms_hash": counter, "assent": words, "party": dict(PARTY)}),
                ("verification", {"terms_hash": counter}),
                ("termination", {"why": "no"}),
                ("begin", {"offer": "answers", "facts": dict(FACTS), "proposal": whole}),
            ]
        )
        body = mutated(chance, body)
        answer, found = await (talk.send(NEGOTIATIONS, body) if name == "begin" else talk.act(name, body))
        if name == "begin" and answer.status == 201:
            talk.url = answer.headers["Location"].removeprefix(bargaining.origin)
        assert answer.status in {200, 201, 400, 402, 404, 409, 429}, found
        seen.add(answer.status)
    assert {200, 201, 400, 409} <= seen


async def test_a_client_with_a_key_signs_its_way_in(bargaining):
    world = bargaining
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    metadata = {
        "client_name": "Signing Labs",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [{**public, "kid": "k1", "alg": "ES256", "use": "sig"}]},
    }
    answer = await world.post(
        "/.licet/register", None, json.dumps(metadata), headers={"Content-Type": "application/json"}
    )
    client = (await answer.json())["client_id"]

    def login(jti):
        claims = {
            "iss": client, "sub": client, "aud": f"{world.origin}/.licet", "jti": jti, "iat": world.now,
            "exp": world.now + 60,
        }  # fmt: skip
        return {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(claims, key, "ES256", {"kid": "k1"}),
        }

    async def send(path, body, **headers):
        return await world.post(
            path, None, json.dumps(body), headers={"Content-Type": "application/json", **headers}
        )

    begun = await send(NEGOTIATIONS, {"offer": "answers", "facts": FACTS, **login("1")})
    told = await begun.json()
    assert (begun.status, told["state"]) == (201, "OFFERED"), told
    read = await send(f"{NEGOTIATIONS}/{told['id']}", login("2"))
    assert (read.status, read.headers["ETag"]) == (200, begun.headers["ETag"])
    accept = {name: told["accept"][name] for name in ("terms_hash", "assent")}
    taken = await send(
        f"{NEGOTIATIONS}/{told['id']}/acceptance",
        {**accept, **login("3")},
        **{"If-Match": begun.headers["ETag"]},
    )
    assert (taken.status, (await taken.json())["state"]) == (200, "AGREED"), (
        "first seen, and held to small deals"
    )
    again = await send(f"{NEGOTIATIONS}/{told['id']}", login("3"))
    assert again.status == 401, "a signed login is good once"


def test_the_id_of_a_license_follows_from_what_was_agreed(make_offer_of):
    from gateway.terms.license_terms import Compensation
    from gateway.uses import Use

    offer = make_offer_of("a", uses={Use.AI_INPUT}, price=Compensation("USD"))
    one = Negotiation("ne_1", offer, "le_1", "cl_1", 1, table=offer.terms)
    assert license_id(one) == license_id(replace(one, started_at=2))
    assert license_id(one) != license_id(replace(one, id="ne_2"))
