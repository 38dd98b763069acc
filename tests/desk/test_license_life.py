"""Licenses over HTTP: read, amended, renewed; one version in force, one fee, and no way around a suspension."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.canonical import canonical_digest
from gateway.desk.license_life import chosen
from gateway.licenses.negotiation import State, chained
from gateway.licenses.offers import months_after
from gateway.licenses.position import Position
from gateway.licenses.suspension import OWNER
from gateway.money import Money
from gateway.outbox.events import About
from gateway.policy.rules import Party, Signing
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import Budget
from tests.desk.test_negotiations import FACTS, PARTY, POSITION, Talk, _basic, price


@pytest.fixture
async def deal(world):
    """A world in which one licensee holds a negotiated license of the offer `answers`; its talk is at `deal.talk`."""
    world.positions["answers"] = POSITION
    world.policy = replace(world.policy, signing=Signing("Ireland"))
    made = await world.licensee("1000")
    talk = Talk(world, made)
    await talk.begin(price(3_900))
    await talk.propose(price(4_000))
    await talk.accept()
    await talk.verify()
    assert talk.told["state"] == "FINALIZED"
    world.made, world.talk, world.id = made, talk, talk.told["license"]
    return world


async def shown(world, path, made=None, **headers):
    answer = await world.get(path, headers={"Authorization": _basic(made or world.made), **headers})
    return answer.status, await answer.json(content_type=None)


async def introspected(world, token):
    answer = await world.post("/.licet/introspect", world.made, {"token": token["access_token"]})
    return await answer.json(content_type=None)


class Change(Talk):
    """A negotiation about a license."""

    async def ask(self, word, body, **headers):
        answer, found = await self.send(f"/.licet/licenses/{self.world.id}/{word}", body, **headers)
        if answer.status == 201:
            self.url = answer.headers["Location"].removeprefix(self.world.origin)
        return answer, found

    async def agree(self):
        answer, told = await self.accept()
        assert answer.status == 200, told
        return (await self.verify())[1]


FEWER = {"proposal": {"scope": {"paths": ["/essays/new/"]}}}


async def test_a_license_is_read_by_its_holder_alone(deal):
    status, told = await shown(deal, f"/.licet/licenses/{deal.id}")
    assert (status, told["state"], told["version"]) == (200, "in force", 1)
    assert told["terms_hash"] == deal.talk.told["counter"]["terms_hash"]
    assert [each["state"] for each in told["versions"]] == ["in force"]
    assert told["links"]["contract"].endswith(f"/.licet/contracts/{deal.id}")
    other = await deal.licensee()
    assert (await shown(deal, f"/.licet/licenses/{deal.id}", other))[0] == 404
    assert (await deal.get(f"/.licet/licenses/{deal.id}")).status == 401
    for number, expected in (("1", 200), ("2", 404), ("0", 404), ("x", 404), ("99999999", 404), ("١", 404)):
        assert (await shown(deal, f"/.licet/licenses/{deal.id}?version={number}"))[0] == expected, number


async def test_an_amendment_is_a_new_version_of_the_contract_and_old_tokens_open_nothing(deal):
    _, first = await shown(deal, f"/.licet/contracts/{deal.id}")
    _, old = await deal.token(deal.made, {"license": deal.id})
    change = Change(deal, deal.made)
    answer, told = await change.ask("amendment", FEWER)
    assert (answer.status, told["state"], told["about"], told["change"]) == (
        201,
        "OFFERED",
        deal.id,
        "amendment",
    )
    assert told["counter"]["yours"], "what gives less is agreed to"
    told = (await change.accept())[1]
    assert (told["state"], told["license"]) == ("AGREED", deal.id)
    status, body = await deal.token(deal.made, {"license": deal.id})
    assert (status, body["code"]) == (409, "negotiation-waits"), "its buyer has to verify it"
    await change.verify()

    status, told = await shown(deal, f"/.licet/licenses/{deal.id}")
    assert (told["version"], told["state"]) == (2, "in force")
    assert [each["state"] for each in told["versions"]] == ["replaced", "in force"]
    assert next(each["ends_at"] for each in told["versions"]) == told["starts_at"]
    for number, document in ((1, first), (2, None)):
        status, found = await shown(deal, f"/.licet/contracts/{deal.id}?version={number}")
        assert (status, found["id"], found["version"]) == (200, deal.id, number)
        assert document in (None, found), "word for word"
    second = (await shown(deal, f"/.licet/contracts/{deal.id}"))[1]
    assert second == found
    assert second["replaces"] == canonical_digest(first)
    assert second["evidence"]["assent"], "the same evidence as the first"
    assert second["terms_hash"] != first["terms_hash"]

    revoked = await deal.register.revocations()
    assert revoked.superseded == {(deal.id, first["terms_hash"])}
    answer = await introspected(deal, old)
    assert answer == {"active": False}
    status, new = await deal.token(deal.made, {"license": deal.id})
    details = new["authorization_details"][0]
    assert (status, details["terms"]) == (200, second["terms_hash"])
    assert details["locations"] == ["/essays/new/"]
    events = [each.event.type for each in await deal.happened.after(0, 99, About(subject=deal.id))]
    assert events == ["license.issued", "license.amended"]
    kept = await deal.negotiations.store.get(change.told["id"])
    assert chained(kept.transcript)
    assert (kept.about, kept.change, kept.state) == (deal.id, "amendment", State.FINALIZED)


async def test_more_than_the_license_has_goes_through_the_engine(deal):
    change = Change(deal, deal.made)
    _, told = await change.ask("amendment", {"proposal": price(3_000)})
    assert (told["state"], told["counter"], told["waits_for"]) == ("REQUESTED", None, "creator")
    assert told["person"] == ["it lowers the price of a license that is in force"]
    await change.act("termination", {})
    wide = Change(deal, deal.made)
    _, told = await wide.ask("amendment", {"proposal": {"purpose": {"resale": True}, **price(4_100)}})
    assert (told["state"], told["counter"]) == ("REQUESTED", None), "the engine's counter would be cheaper"


async def test_what_is_no_amendment_is_refused_by_its_member(deal):
    change = Change(deal, deal.made)
    for body, member in (
        ({}, "proposal"), ({"proposal": {}}, "proposal"), ({"proposal": {"term": {"months": 24}}}, "proposal.term"),
        ({"offer": "answers", **FEWER}, "offer"), ({"proposal": {"scope": {"paths": [1]}}}, "proposal.scope.paths"),
        ({"extra": 1}, "extra"),
    ):  # fmt: skip
        answer, told = await change.ask("amendment", body)
        assert (answer.status, told["code"]) == (400, "proposal-invalid"), body
        assert told["member"].startswith(member), body
    answer, told = await change.ask("renewal", FEWER)
    assert (answer.status, told["member"]) == (400, "proposal")


async def test_only_the_holder_and_only_one_change_at_a_time(deal):
    other = Change(deal, await deal.licensee())
    assert (await other.ask("amendment", FEWER))[0].status == 404
    one, two = Change(deal, deal.made), Change(deal, deal.made)
    assert (await one.ask("amendment", FEWER))[0].status == 201
    answer, told = await two.ask("renewal", {})
    assert (answer.status, told["code"], told["negotiation"]) == (409, "negotiation-waits", one.told["id"])
    await one.act("termination", {})
    assert (await two.ask("renewal", {}))[0].status == 201


async def test_a_key_makes_one_negotiation_of_two_requests(deal):
    change = Change(deal, deal.made)
    _, one = await change.ask("amendment", FEWER, **{"Idempotency-Key": "k1"})
    _, two = await change.ask("amendment", FEWER, **{"Idempotency-Key": "k1"})
    assert one["id"] == two["id"]
    answer, _ = await change.ask("renewal", {}, **{"Idempotency-Key": "k1"})
    assert answer.status == 409


async def test_a_renewal_is_another_term_at_the_price_of_now(deal):
    old = await deal.register.license(deal.id)
    offers = tuple(
        replace(each, terms=replace(each.terms, compensation=replace(each.terms.compensation, per_fetch=Money(5_000, "USD"))))
        if each.id == "answers" else each
        for each in deal.offers
    )  # fmt: skip
    deal.policy = replace(deal.make_policy(offers), signing=Signing("Ireland"))
    change = Change(deal, deal.made)
    answer, told = await change.ask("renewal", {})
    assert (answer.status, told["state"]) == (201, "OFFERED")
    assert told["counter"]["terms"]["compensation"]["per_fetch"]["micros"] == 5_000
    assert told["counter"]["terms"]["scope"] == old.terms.as_json()["scope"]
    await change.agree()
    _, told = await shown(deal, f"/.licet/licenses/{deal.id}")
    assert (told["version"], [each["state"] for each in told["versions"]]) == (1, ["in force", "coming"])
    assert [each["starts_at"] for each in told["versions"]] == [old.starts_at, old.ends_at]
    assert told["versions"][1]["ends_at"] == months_after(old.ends_at, old.terms.term.months)
    status, body = await deal.token(deal.made, {"license": deal.id})
    assert (status, body["authorization_details"][0]["terms"]) == (200, old.terms.hash)
    answer, refused = await Change(deal, deal.made).ask("amendment", FEWER)
    assert (answer.status, refused["code"]) == (409, "negotiation-waits")

    deal.clock.wall_us = (old.ends_at - 1) * 1_000_000
    status, last = await deal.token(deal.made, {"license": deal.id})
    assert (status, last["expires_in"]) == (200, 1), "cut to the last second of the term"
    deal.clock.wall_us = old.ends_at * 1_000_000
    await deal.lives.expire(old.ends_at, 9)
    status, body = await deal.token(deal.made, {"license": deal.id})
    assert (status, body["authorization_details"][0]["terms"]) == (200, told["versions"][1]["terms_hash"])
    assert await introspected(deal, last) == {"active": False}


async def test_the_fee_of_a_change_is_what_it_adds_and_is_taken_once(deal):
    deal.policy = replace(
        deal.policy, signing=Signing("Ireland", creator=Party("J", "1 Way", "Ada", "owner"))
    )
    deal.positions["archive"] = Position(person_for=frozenset())
    talk = Talk(deal, deal.made)
    await talk.begin({}, facts={}, offer="archive")
    await talk.accept(party=PARTY)
    await talk.verify()
    deal.id = talk.told["license"]
    paid = await deal.balance(deal.made.licensee.id, "USD")
    change = Change(deal, deal.made)
    _, told = await change.ask("renewal", {})
    accept = {name: told["accept"][name] for name in ("terms_hash", "assent")}
    tag = change.tag
    for _ in range(2):
        answer, told = await change.send(
            f"{change.url}/acceptance", {**accept, "party": PARTY}, **{"If-Match": tag}
        )
        assert (answer.status, told["state"]) == (200, "AGREED"), told
    now = await deal.balance(deal.made.licensee.id, "USD")
    assert paid - now == Money(500_000_000, "USD")
    assert len(await deal.lives.versions(deal.id)) == 2


async def test_without_credit_for_the_change_nothing_changes(deal):
    deal.policy = replace(
        deal.policy, signing=Signing("Ireland", creator=Party("J", "1 Way", "Ada", "owner"))
    )
    deal.positions["archive"] = Position(person_for=frozenset())
    deal.made = await deal.licensee("501")
    talk = Talk(deal, deal.made)
    await talk.begin({}, facts={}, offer="archive")
    await talk.accept(party=PARTY)
    await talk.verify()
    deal.id = talk.told["license"]
    change = Change(deal, deal.made)
    await change.ask("renewal", {})
    answer, told = await change.accept(party=PARTY)
    assert (answer.status, told["code"], told["missing"]) == (402, "credit-spent", "499 USD")
    assert len(await deal.lives.versions(deal.id)) == 1


async def test_nothing_becomes_of_what_is_suspended_revoked_or_over(deal):
    change = Change(deal, deal.made)
    now = deal.now
    await deal.register.suspend(deal.id, OWNER, "By hand.", now)
    _, told = await shown(deal, f"/.licet/licenses/{deal.id}")
    assert (told["state"], told["suspended"]) == ("suspended", "By hand.")
    for word, body in (("amendment", FEWER), ("renewal", {})):
        answer, told = await change.ask(word, body)
        assert (answer.status, told["code"]) == (403, "license-suspended")
    await deal.register.resume(deal.id, OWNER, now + 1)
    await change.ask("amendment", FEWER)
    await deal.register.revoke("license", deal.id, now + 2)
    answer, told = await change.accept()
    assert (answer.status, told["code"]) == (409, "license-over")
    assert (await shown(deal, f"/.licet/licenses/{deal.id}"))[1]["state"] == "revoked"
    assert len(await deal.lives.versions(deal.id)) == 1


async def test_at_the_end_all_rights_revert(deal):
    license = await deal.register.license(deal.id)
    deal.clock.wall_us = license.ends_at * 1_000_000
    assert (await shown(deal, f"/.licet/licenses/{deal.id}"))[1]["state"] == "expired"
    status, body = await deal.token(deal.made, {"license": deal.id})
    assert status == 400, body
    answer, told = await Change(deal, deal.made).ask("renewal", {})
    assert (answer.status, told["code"]) == (409, "license-over")


async def test_a_license_is_not_handed_on(deal):
    answer, told = await Change(deal, deal.made).ask("transfer", {"to": "le_2"})
    assert (answer.status, told["code"]) == (403, "license-not-transferable")
    other = await deal.licensee()
    assert (await Change(deal, other).ask("transfer", {"to": "le_2"}))[0].status == 404


async def test_a_license_bought_as_published_can_be_amended_and_its_terms_are_named(deal):
    status, body = await deal.token(deal.made, {"offer": "gift"})
    assert status == 200, body
    deal.id = body["authorization_details"][0]["license"]
    before = await deal.register.license(deal.id)
    change = Change(deal, deal.made)
    answer, told = await change.ask("amendment", {"proposal": {"scope": {"paths": ["/gift/new/"]}}})
    assert answer.status == 201, told
    await change.agree()
    status, found = await shown(deal, f"/.licet/contracts/{deal.id}")
    assert (found["version"], found["replaces"]) == (2, before.terms.hash)
    assert (await shown(deal, f"/.licet/contracts/{deal.id}?version=1"))[0] == 404, (
        "no document was made of it"
    )
    after = await deal.register.license(deal.id)
    assert (after.version, after.offer, after.budget) == (2, "", before.budget)


async def test_what_is_spent_stays_spent_over_an_amendment(deal):
    status, body = await deal.token(deal.made, {"offer": "answers", "budget": {"fetches": 5}})
    assert status == 200, body
    deal.id = body["authorization_details"][0]["license"]
    license = await deal.register.license(deal.id)
    change = Change(deal, deal.made)
    await change.ask("amendment", {**FEWER, "facts": FACTS})
    await change.agree()
    assert (await deal.register.license(deal.id)).budget == license.budget == Budget(None, 5)


def test_of_no_versions_none_is_chosen():
    found = chosen((), "", 0)
    assert isinstance(found, Refusal)
    assert found.problem is Problem.NOT_FOUND
