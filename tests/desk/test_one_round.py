"""A published offer bought at the token endpoint is the engine's negotiation of one round, where the deal is large."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import orjson
import pytest

from gateway.keys.jws import read_compact
from gateway.licenses.contract import Party
from gateway.licenses.negotiation import State, chained
from gateway.licenses.position import Position, usual
from gateway.licenses.red_flags import Severity
from gateway.money import Money
from gateway.outbox.events import About
from gateway.policy.rules import Signing
from gateway.problems import StoreUnavailable
from gateway.terms.license_terms import Compensation
from gateway.uses import Use

OWNER = Party("The Journal Ltd", "1 Example Street", "Ada", "director")
PARTY = {"name": "Example AI Inc", "address": "2 Example Road", "signatory": "Bo", "authority": "officer"}
BY_MACHINE = replace(usual(1), person_for=frozenset())
ARCHIVE = {"offer": "archive", "party": PARTY}


def usd(text):
    return Money.parse(text, "USD")


@pytest.fixture(params=["memory", "sqlite"])
def desk(request):
    return request.getfixturevalue("world" if request.param == "memory" else "sqlite_world")


def signing(desk, law="Ireland", *, by_machine=False):
    desk.policy = replace(desk.policy, signing=Signing(law, "English", OWNER, by_machine))
    desk.positions["archive"] = BY_MACHINE


async def talks(desk, made):
    return await desk.negotiations.of(made.licensee.id, "journal")


async def test_a_large_deal_comes_with_a_transcript_and_a_signed_document(desk):
    signing(desk)
    made = await desk.licensee("600")
    status, body = await desk.token(made, ARCHIVE)
    assert status == 200, body
    (talk,) = await talks(desk, made)
    (license,) = await desk.licenses(made)
    assert (talk.state, talk.license, talk.table) == (State.FINALIZED, license.id, license.terms)
    assert chained(talk.transcript)
    said = [(each.by, each.act) for each in talk.transcript]
    assert said == [
        ("gateway", "offer"), ("buyer", "acceptance"), ("gateway", "agreement"), ("buyer", "verification"),
        ("gateway", "finalization"),
    ]  # fmt: skip
    contract = orjson.loads(talk.contract)
    assert contract["heading"] == "License agreement"
    assert contract["terms_hash"] == body["authorization_details"][0]["terms"] == license.terms.hash
    evidence = contract["evidence"]
    assert license.terms.hash in evidence["assent"] and "archive" in evidence["assent"]
    assert "Example AI Inc" in evidence["by"] and evidence["address"] == desk.address
    signature = orjson.loads(talk.transcript[2].body)["signature"]
    assert orjson.loads(read_compact(signature).payload)["license"] == license.id
    login = {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}
    answer = await desk.get(f"/.licet/negotiations/{talk.id}/contract", headers=login)
    assert answer.status == 200
    about = About(licensee=made.licensee.id, site="journal", subject="")
    told = [each.event.type for each in await desk.happened.after(0, 99, about)]
    assert [each for each in told if each.startswith("negotiation")] == [
        "negotiation.agreed", "negotiation.verified", "negotiation.finalized",
    ]  # fmt: skip


async def test_asked_for_again_it_is_the_same_negotiation(desk):
    signing(desk)
    made = await desk.licensee("600")
    for _ in range(3):
        assert (await desk.token(made, ARCHIVE))[0] == 200
    assert len(await talks(desk, made)) == len(await desk.licenses(made)) == 1


async def test_a_small_deal_leaves_no_negotiation_and_needs_no_name(desk):
    signing(desk)
    made = await desk.licensee()
    assert (await desk.token(made, {"offer": "answers"}))[0] == 200
    assert await talks(desk, made) == ()


@pytest.mark.parametrize(
    ("law", "party"), [("", PARTY), ("Ireland", {}), ("Ireland", {"name": "Example AI"})]
)
async def test_what_is_sold_by_machine_is_sold_without_names_and_keeps_the_transcript(desk, law, party):
    signing(desk, law, by_machine=True)
    desk.positions.clear()
    made = await desk.licensee("600")
    assert (await desk.token(made, {"offer": "archive", "party": party}))[0] == 200
    (talk,) = await talks(desk, made)
    assert (talk.state, talk.contract) == (State.FINALIZED, "")
    assert chained(talk.transcript)


@pytest.mark.parametrize("named", [False, True])
async def test_where_the_creator_says_nothing_training_for_a_fee_is_not_sold_by_machine(desk, named):
    """No ``[contract]`` at all: a machine gets it neither without names nor with them."""
    desk.policy = replace(desk.policy, signing=Signing())
    made = await desk.licensee("600")
    status, body = await desk.token(made, ARCHIVE if named else {"offer": "archive"})
    assert (status, body["code"]) == (409, "negotiation-waits"), body
    assert body["negotiations"] == f"{desk.origin}/.licet/negotiations"
    assert await desk.balance(made.licensee.id, "USD") == usd("600")
    assert not await desk.licenses(made)


LARGE = {
    "upfront": {"upfront": usd("1")}, "period": {"subscription": usd("1")}, "share": {"revenue_share_bp": 100},
    "item": {"per_item": usd("1")}, "inference": {"per_inference": usd("1")},
    "guarantee": {"minimum_guarantee": usd("1")},
}  # fmt: skip
SMALL = {
    "fetch": {"per_fetch": usd("0.01")}, "megabyte": {"per_megabyte": usd("0.01")},
    "tokens": {"per_thousand_tokens": usd("0.01")}, "nothing": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("uses", "price", "months", "sold"),
    [
        *(({Use.AI_TRAIN}, price, 12, False) for price in LARGE.values()),
        *(({Use.FINE_TUNE}, price, 12, False) for price in LARGE.values()),
        *(({Use.AI_TRAIN}, price, 12, True) for price in SMALL.values()),
        *(({Use.AI_INPUT}, price, 12, True) for price in (*LARGE.values(), *SMALL.values())),
        *((uses, SMALL["fetch"], 600, False) for uses in ({Use.AI_INPUT}, {Use.AI_TRAIN})),
    ],
)
async def test_what_a_machine_may_buy_where_the_creator_says_nothing(desk, uses, price, months, sold):
    one = desk.make_offer("one", uses=uses, price=Compensation("USD", **price), months=months)
    desk.policy = replace(desk.make_policy((one,)), signing=Signing())
    made = await desk.licensee("600")
    status, body = await desk.token(made, {"offer": "one"})
    assert (status == 200) == sold, body
    assert bool(await desk.licenses(made)) == sold
    assert await talks(desk, made) == ()
    if not sold:
        assert body["code"] in {"negotiation-waits", "contract-incomplete"}


@pytest.mark.parametrize("by_machine", [False, True])
async def test_a_machine_reads_beforehand_which_offers_need_a_party(desk, by_machine):
    desk.policy = replace(desk.policy, signing=Signing(by_machine=by_machine))
    found = await (await desk.get("/.licet/offers")).json()
    told = {each["id"]: each["needs_party"] for each in found["offers"]}
    assert told == {"training": False, "answers": False, "archive": not by_machine, "gift": False}


async def test_prepaid_above_the_value_that_the_creator_set_is_for_a_person(desk):
    signing(desk)
    desk.positions["answers"] = Position(person_above=usd("100"), person_for=frozenset())
    made = await desk.licensee("600")
    wish = {"offer": "answers", "budget": {"micros": 100_000_000}}
    assert (await desk.token(made, wish))[0] == 200
    wish["budget"]["micros"] += 1
    status, body = await desk.token(made, wish)
    assert (status, body["code"]) == (409, "negotiation-waits"), body
    assert "100" not in body["detail"]


@pytest.mark.parametrize(
    ("party", "missing"),
    [
        (None, "name, address, signatory, authority"),
        ({"name": "Example AI Inc"}, "address, signatory, authority"),
        ({**PARTY, "signatory": " "}, "signatory"),
    ],
)
async def test_whoever_is_not_named_cannot_sign_and_pays_nothing(desk, party, missing):
    signing(desk)
    made = await desk.licensee("600")
    wish = {"offer": "archive"} if party is None else {"offer": "archive", "party": party}
    status, body = await desk.token(made, wish)
    assert (status, body["code"]) == (409, "contract-incomplete"), body
    assert missing in body["detail"]
    assert body["negotiations"] == f"{desk.origin}/.licet/negotiations"
    assert await desk.balance(made.licensee.id, "USD") == usd("600")
    assert await talks(desk, made) == ()


@pytest.mark.parametrize(
    ("position", "by_machine"),
    [
        (usual(1), False),
        (replace(BY_MACHINE, counterparties=frozenset({"example ai labs"})), True),
        (replace(BY_MACHINE, person_above=usd("100")), True),
    ],
    ids=["tier 1 is for a person", "the creator speaks with them", "above the limit"],
)
async def test_what_is_for_a_person_is_not_sold_by_machine(desk, position, by_machine):
    signing(desk, by_machine=by_machine)
    desk.positions["archive"] = position
    made = await desk.licensee("600")
    status, body = await desk.token(made, ARCHIVE)
    assert (status, body["code"]) == (409, "negotiation-waits"), body
    assert await desk.balance(made.licensee.id, "USD") == usd("600")
    assert not await desk.licenses(made)


async def test_a_red_flag_that_refuses_ends_it(desk):
    signing(desk)
    offer = desk.policy.by_offer["archive"]
    resold = replace(offer.terms, purpose=replace(offer.terms.purpose, resale=True))
    desk.policy = replace(desk.policy, offers=(replace(offer, terms=resold),))
    desk.positions["archive"] = replace(BY_MACHINE, severities={"sublicensing_for_free": Severity.REFUSE})
    made = await desk.licensee("600")
    status, body = await desk.token(made, ARCHIVE)
    assert status == 400 and "resale without a share" in str(body), body
    assert await desk.balance(made.licensee.id, "USD") == usd("600")


async def test_a_deal_above_the_value_is_large_though_its_tier_is_small(desk):
    signing(desk)
    desk.positions["gift"] = Position(person_above=usd("0"))
    made = await desk.licensee()
    assert (await desk.token(made, {"offer": "gift"}))[0] == 200
    assert await talks(desk, made) == (), "nothing is owed, so nothing is above zero"


async def test_a_purchase_that_broke_off_after_the_grant_gets_its_document_with_the_next_token(desk):
    signing(desk)
    made = await desk.licensee("600")
    put, calls = desk.negotiations.store.put, []

    async def once(*given, **named):
        calls.append(given)
        if len(calls) > 1:
            raise StoreUnavailable("killed")
        return await put(*given, **named)

    desk.negotiations.store.put = once
    assert (await desk.token(made, ARCHIVE))[0] == 503
    desk.negotiations.store.put = put
    assert [each.state for each in await talks(desk, made)] == [State.ACCEPTED]
    assert len(await desk.licenses(made)) == 1
    await desk.reopen()
    assert (await desk.token(made, ARCHIVE))[0] == 200
    (talk,) = await talks(desk, made)
    assert talk.state is State.FINALIZED and talk.contract
    assert await desk.balance(made.licensee.id, "USD") == usd("100")


@pytest.mark.parametrize(
    "party", ["x", [], {"name": 1}, {"name": "a\nb"}, {"name": "x" * 301}, {"x": "y"}, None]
)
async def test_a_party_that_is_none_is_refused_before_anything_else(world, party):
    made = await world.licensee("600")
    status, body = await world.token(made, {"offer": "archive", "party": party})
    assert (status, body["error"]) == (400, "invalid_authorization_details")
    assert await world.balance(made.licensee.id, "USD") == usd("600")


async def test_the_contract_names_the_record_of_the_creators_consent(desk):
    signing(desk)
    desk.policy = replace(desk.policy, consent="019ab003-0000-7000-8000-000000000003")
    made = await desk.licensee("600")
    assert (await desk.token(made, ARCHIVE))[0] == 200
    (talk,) = await talks(desk, made)
    assert ["Consent record", desk.policy.consent] in orjson.loads(talk.contract)["facts"]


async def test_where_a_person_decides_no_machine_sells_anything(desk):
    asked = tuple(replace(each, by_person=True) for each in desk.policy.offers)
    desk.policy = replace(desk.policy, offers=asked, by_offer={})
    made = await desk.licensee("600")
    status, body = await desk.token(made, {"offer": asked[0].id})
    assert (status, body["code"]) == (409, "negotiation-waits"), body
    assert body["negotiations"].endswith("/.licet/negotiations")
    assert not await desk.licenses(made)
