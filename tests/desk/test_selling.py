"""Buying, end to end: what is granted, what is refused, and what it costs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest

from gateway.admission.spending import Charge, Short
from gateway.desk.selling import Buyer, Sold
from gateway.keys.key_ring import KeyRing
from gateway.licenses.license import Standing
from gateway.licenses.offers import Wanted, months_after
from gateway.money import Money
from gateway.paths import PathScope
from gateway.policy.rules import Mode
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.terms.license_terms import Basis, Compensation, Territory, Tier
from gateway.tokens.claims import Budget
from gateway.tokens.verification import Verifier
from gateway.uses import Use


def usd(text):
    return Money.parse(text, "USD")


def read(world, body):
    """The claims of a token, as the front would verify them."""
    verifier = Verifier(lambda: world.keys.public)
    return verifier.verify(
        body["access_token"], issuer=f"{world.origin}/.licet", audience=world.origin, now=world.now
    )


async def test_an_oauth_caller_buys_a_token_that_verifies(world):
    made = await world.licensee()
    status, body = await world.token(made, {"privileges": ["ai-train"]}, resource=f"{world.origin}/essays/")
    assert status == 200
    claims = read(world, body)
    offer = world.policy.by_offer["training"]
    assert claims.client == made.client.id
    assert claims.licensee == made.licensee.id
    assert claims.scopes == (PathScope("/essays/"),)
    assert claims.uses == {Use.AI_TRAIN}
    assert claims.territory == Territory(frozenset({"EU", "US"}))
    assert claims.budget == Budget(None, 1000)
    assert claims.price == Money(20_000, "USD")
    assert claims.terms == offer.terms.hash
    assert claims.policy == offer.policy
    assert (claims.issued_at, claims.not_before) == (world.now, world.now)
    assert claims.expires_at == world.now + 900
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "ai-train",
        "authorization_details": [claims.detail()],
    }
    (license,) = await world.licenses(made)
    assert license.id == claims.license
    assert (license.offer, license.terms, license.starts_at) == ("training", offer.terms, world.now)


async def test_the_cheapest_offer_that_covers_the_wish_is_sold(world):
    made = await world.licensee()
    _, body = await world.token(made, resource="/essays/tides")
    assert body["authorization_details"][0]["price"]["micros"] == 4000
    _, body = await world.token(made, resource="/essays/tides", scope="ai-train")
    assert body["authorization_details"][0]["price"]["micros"] == 20_000


async def test_naming_a_page_covers_the_offer_and_naming_a_location_narrows_it(world):
    made = await world.licensee()
    _, whole = await world.token(made, resource=f"{world.origin}/essays/tides?page=2")
    assert whole["authorization_details"][0]["locations"] == ["/essays/", "/videos/"]
    _, narrow = await world.token(made, {"locations": [f"{world.origin}/essays/2026/"]})
    assert narrow["authorization_details"][0]["locations"] == ["/essays/2026/"]
    assert narrow["authorization_details"][0]["terms"] != whole["authorization_details"][0]["terms"]


async def test_every_lever_is_narrowed_as_asked_and_echoed(world):
    made = await world.licensee()
    status, body = await world.token(
        made,
        {
            "version": 1,
            "offer": "answers",
            "terms": world.policy.by_offer["answers"].terms.hash,
            "locations": ["/videos/tides/"],
            "renditions": ["transcript"],
            "privileges": ["ai-input"],
            "territory": ["DE"],
            "crawlers": ["OAI-SearchBot"],
            "budget": {"micros": 50_000, "fetches": 12},
        },
        scope="ai-input",
    )
    assert status == 200
    claims = read(world, body)
    assert claims.scopes == (PathScope("/videos/tides/"),)
    assert claims.renditions == ("transcript",)
    assert claims.uses == {Use.AI_INPUT}
    assert claims.territory == Territory(frozenset({"DE"}))
    assert claims.crawlers == {"oai-searchbot"}
    assert claims.budget == Budget(50_000, 12)
    assert body["authorization_details"] == [claims.detail()]


@pytest.mark.parametrize(
    ("details", "error"),
    [
        ({"locations": ["/"]}, "invalid_target"),
        ({"locations": ["/essays-old/"]}, "invalid_target"),
        ({"locations": ["https://elsewhere.example/essays/"]}, "invalid_authorization_details"),
        ({"locations": ["/essays/../notes/"]}, "invalid_authorization_details"),
        ({"locations": ["/essays/a?b=c"]}, "invalid_authorization_details"),
        ({"locations": []}, "invalid_authorization_details"),
        ({"locations": "/essays/"}, "invalid_authorization_details"),
        ({"privileges": ["ai-train", "ai-input"]}, "invalid_authorization_details"),
        ({"privileges": ["search"]}, "invalid_authorization_details"),
        ({"privileges": ["everything"]}, "invalid_authorization_details"),
        ({"privileges": []}, "invalid_authorization_details"),
        ({"offer": "training", "territory": None}, "invalid_authorization_details"),
        ({"offer": "training", "territory": ["JP"]}, "invalid_authorization_details"),
        ({"territory": ["UK"]}, "invalid_authorization_details"),
        ({"territory": ["de"]}, "invalid_authorization_details"),
        ({"renditions": ["thumbnail"]}, "invalid_authorization_details"),
        ({"offer": "training", "budget": {"fetches": 1001}}, "invalid_authorization_details"),
        ({"budget": {"fetches": 0}}, "invalid_authorization_details"),
        ({"budget": {"micros": -1}}, "invalid_authorization_details"),
        ({"budget": {"micros": True}}, "invalid_authorization_details"),
        ({"budget": {"seconds": 1}}, "invalid_authorization_details"),
        ({"offer": "unsold"}, "invalid_authorization_details"),
        ({"offer": ""}, "invalid_authorization_details"),
        ({"terms": "sha-256:0"}, "invalid_authorization_details"),
        ({"license": "li_other"}, "invalid_authorization_details"),
        ({"version": 2}, "invalid_authorization_details"),
        ({"version": True}, "invalid_authorization_details"),
        ({"type": "payment_initiation"}, "invalid_authorization_details"),
        ({"price": {"micros": 1}}, "invalid_authorization_details"),
        ({"max_tokens": 5}, "invalid_authorization_details"),
        ({"crawlers": [7]}, "invalid_authorization_details"),
    ],
)
async def test_what_is_wider_or_unknown_is_refused(world, details, error):
    made = await world.licensee("1000")
    status, body = await world.token(made, details)
    assert (status, body["error"]) == (400, error)
    assert body["error_uri"].startswith(f"{world.origin}/.licet/problems/")
    assert all(" " <= char <= "~" and char not in '"\\' for char in body["error_description"])
    assert not await world.licenses(made)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"resource": "/podcast/1.mp3"}, "invalid_target"),
        ({"resource": "https://elsewhere.example/essays/"}, "invalid_target"),
        ({"resource": "/essays/#top"}, "invalid_target"),
        ({"resource": "/notes/a"}, "invalid_target"),
        ({"resource": "/videos/tides.jpg"}, "invalid_target"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"authorization_details": "{}"}, "invalid_authorization_details"),
        ({"authorization_details": "[{}]"}, "invalid_authorization_details"),
        ({"authorization_details": "not json"}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"content_license"},{"type":"content_license"}]'}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"content_license","type":"content_license"}]'}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"content_license"}],"x":1'}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"content_license","budget":{"micros":1.5}}]'}, "invalid_authorization_details"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "ai-train", "authorization_details": '[{"type":"content_license","privileges":["ai-input"]}]'}, "invalid_authorization_details"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"client_id": "cl_other"}, "invalid_request"),
        ({"client_secret": "x"}, "invalid_request"),
    ],
)  # fmt: skip
async def test_parameters_that_ask_for_what_is_not_sold(world, form, error):
    made = await world.licensee("1000")
    status, body = await world.token(made, **form)
    assert (status, body["error"]) == (400, error)
    assert not await world.licenses(made)


async def test_a_transcript_is_sold_by_the_offer_that_covers_it(world):
    made = await world.licensee()
    status, body = await world.token(made, resource="/videos/tides.vtt")
    assert status == 200
    assert "transcript" in body["authorization_details"][0]["renditions"]


async def test_parameters_twice_are_refused_and_resource_may_repeat(world):
    made = await world.licensee()
    twice = "grant_type=client_credentials&scope=ai-input&scope=ai-input"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await world.post("/.licet/token", made, twice, headers=kind)
    assert (answer.status, (await answer.json())["error"]) == (400, "invalid_request")
    both = "grant_type=client_credentials&resource=%2Fessays%2Fa&resource=%2Fvideos%2Fb"
    answer = await world.post("/.licet/token", made, both, headers=kind)
    assert answer.status == 200
    assert (await answer.json())["authorization_details"][0]["locations"] == ["/essays/", "/videos/"]
    apart = "grant_type=client_credentials&resource=%2Fessays%2Fa&resource=%2Fgift%2Fb"
    answer = await world.post("/.licet/token", made, apart, headers=kind)
    assert (await answer.json())["error"] == "invalid_target"


async def test_the_same_wish_is_the_same_license_and_another_token(world):
    made = await world.licensee()
    _, first = await world.token(made, {"offer": "training"})
    world.clock.advance(600)
    _, second = await world.token(made, {"offer": "training", "locations": ["/essays"]})
    one, two = read(world, first), read(world, second)
    assert one.license == two.license
    assert one.token_id != two.token_id
    assert len(await world.licenses(made)) == 1


async def test_a_token_never_outlives_its_license(world):
    made = await world.licensee()
    await world.token(made, {"offer": "training"})
    (license,) = await world.licenses(made)
    world.clock.advance(license.ends_at - world.now - 60)
    _, body = await world.token(made, {"offer": "training"})
    assert body["expires_in"] == 60
    world.clock.advance(60)
    _, body = await world.token(made, {"offer": "training"})
    assert body["expires_in"] == 900
    assert len(await world.licenses(made)) == 2
    assert license.ends_at == months_after(license.starts_at, 1)


async def test_tokens_go_on_verifying_through_a_rotation(world):
    made = await world.licensee()
    _, before = await world.token(made, {"offer": "training"})
    assert isinstance(world.keys, KeyRing)
    world.keys.rotate(world.now)
    _, after = await world.token(made, {"offer": "training"})
    assert read(world, before).license == read(world, after).license
    published = await (await world.get("/.licet/jwks.json")).json()
    assert len(published["keys"]) == 3


async def test_without_credit_for_one_fetch_the_answer_is_402_and_says_what_is_missing(world):
    made = await world.licensee("0.003")
    answer = await world.post(
        "/.licet/token", made, {"grant_type": "client_credentials", "resource": "/essays/"}
    )
    assert answer.status == 402
    assert answer.content_type == "application/problem+json"
    body = await answer.json(content_type=None)
    assert body["code"] == "credit-spent"
    assert (body["due"], body["balance"], body["missing"]) == ("0.004 USD", "0.003 USD", "0.001 USD")
    assert "error" not in body
    assert not await world.licenses(made)


async def test_what_is_free_needs_no_credit(world):
    made = await world.licensee("")
    status, body = await world.token(made, resource="/gift/")
    assert status == 200
    assert read(world, body).price == Money(0, "USD")


async def test_the_fee_is_taken_once_even_by_twenty_at_once(world):
    made = await world.licensee("1200")
    answers = await asyncio.gather(*(world.token(made, {"offer": "archive"}) for _ in range(20)))
    assert {status for status, _ in answers} == {200}
    assert len({read(world, body).license for _, body in answers}) == 1
    (entry,) = world.kept.entries
    assert isinstance(entry, BookEntry)
    assert (entry.kind_of, entry.amount_micros, entry.currency) == ("fee", 500_000_000, "USD")
    assert entry.licensee == made.licensee.id
    assert entry.license == entry.id == read(world, answers[0][1]).license
    assert [name for name, _ in world.book.calls].count("lease") == 1
    assert await world.balance(made.licensee.id, "USD") == usd("700")
    assert await world.ledger.balance("creator:journal:earned", "USD") == usd("500")


async def test_the_same_holds_on_sqlite(sqlite_world):
    world = sqlite_world
    made = await world.licensee("1200")
    answers = await asyncio.gather(*(world.token(made, {"offer": "archive"}) for _ in range(20)))
    assert {status for status, _ in answers} == {200}
    assert len(world.kept.entries) == 1
    assert await world.balance(made.licensee.id, "USD") == usd("700")
    assert await world.ledger.balance("creator:journal:earned", "USD") == usd("500")
    (license,) = await world.licenses(made)
    assert license.terms.hash == world.policy.by_offer["archive"].terms.hash
    assert read(world, answers[0][1]).license == license.id
    poor = await world.licensee("1")
    assert (await world.token(poor, {"offer": "archive"}))[0] == 402
    await world.pay_in(poor, "600")
    assert (await world.token(poor, {"offer": "archive"}))[0] == 200


async def test_a_fee_that_is_not_covered_is_402_and_nothing_is_taken(world):
    made = await world.licensee("499.99")
    status, body = await world.token(made, {"offer": "archive"})
    assert status == 402
    assert (body["due"], body["missing"]) == ("500 USD", "0.01 USD")
    assert not world.kept.entries
    assert not await world.licenses(made)
    assert await world.balance(made.licensee.id, "USD") == usd("499.99")
    await world.pay_in(made, "0.01")
    status, _ = await world.token(made, {"offer": "archive"})
    assert status == 200


async def test_what_was_paid_for_is_not_sold_twice(world):
    made = await world.licensee("2000")
    _, bought = await world.token(made, {"offer": "archive"})
    license = read(world, bought).license
    _, narrower = await world.token(made, {"offer": "archive", "locations": ["/archive/1999/"]})
    assert read(world, narrower).license == license
    assert read(world, narrower).scopes == (PathScope("/archive/1999/"),)
    dearer = world.make_offer(
        "archive", works=("archive",), paths=("/archive/",), uses={Use.AI_TRAIN}, months=24,
        price=Compensation("USD", upfront=usd("900"), per_fetch=usd("0.005")),
    )  # fmt: skip
    world.policy = world.make_policy((*world.offers[:2], dearer))
    _, later = await world.token(made, {"offer": "archive"})
    assert read(world, later).license == license
    assert read(world, later).price == usd("0.001")
    assert len(world.kept.entries) == 1
    status, pinned = await world.token(made, {"offer": "archive", "terms": dearer.terms.hash})
    assert status == 200
    assert read(world, pinned).license != license
    assert [entry.amount_micros for entry in world.kept.entries] == [500_000_000, 900_000_000]


async def test_a_license_that_is_held_gives_tokens_by_its_id_and_to_nobody_else(world):
    made, other = await world.licensee(), await world.licensee()
    _, first = await world.token(made, {"offer": "training"})
    license = read(world, first).license
    status, again = await world.token(made, {"license": license, "budget": {"fetches": 3}})
    assert status == 200
    assert read(world, again).budget == Budget(None, 3)
    assert read(world, again).license == license
    assert len(await world.licenses(made)) == 1
    assert (await world.token(other, {"license": license}))[0] == 400
    assert (await world.token(made, {"license": license, "privileges": ["ai-input"]}))[0] == 400


async def broken_off(world, made, offer="archive"):
    """Let a purchase die between the fee and the grant."""
    grant = world.register.store.grant

    async def crash(license, *, spent, events=()):
        raise StoreUnavailable("killed")

    world.register.store.grant = crash
    status, body = await world.token(made, {"offer": offer})
    world.register.store.grant = grant
    assert (status, body["error"]) == (503, "server_error")


@pytest.mark.parametrize("restarted", [True, False])
async def test_a_purchase_that_broke_off_before_the_grant_is_completed_and_pays_once(world, restarted):
    made = await world.licensee("600")
    await broken_off(world, made)
    assert len(world.kept.entries) == 1
    assert not await world.licenses(made)
    world.clock.advance(5)
    if restarted:
        await world.reopen()
    status, body = await world.token(made, {"offer": "archive"})
    assert status == 200
    assert len(world.kept.entries) == 1
    assert read(world, body).license == world.kept.entries[0].id
    assert await world.balance(made.licensee.id, "USD") == usd("100")


async def test_what_is_durable_and_not_folded_yet_is_not_entered_again(world):
    made = await world.licensee("600")
    world.kept.folding = False
    await broken_off(world, made)
    assert not await world.licenses(made)
    assert not await world.ledger.has_entry(world.kept.entries[0].id)
    assert await world.balance(made.licensee.id, "USD") == usd("100")
    status, _ = await world.token(made, {"offer": "archive"})
    assert status == 200
    assert len(world.kept.entries) == 1


async def test_a_caller_that_goes_away_leaves_a_whole_purchase(world):
    made = await world.licensee("600")
    reached, go_on = asyncio.Event(), asyncio.Event()
    keep = world.kept.keep

    async def slow(entry):
        reached.set()
        await go_on.wait()
        await keep(entry)

    world.kept.keep = slow
    policy = world.policy
    buyer = Buyer(made.client.id, made.licensee.id, policy, world.origin)
    sales = world.desk.sales
    caller = asyncio.create_task(sales.sell(Wanted(offer="archive"), buyer))
    await reached.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    sold = await sales.sell(Wanted(offer="archive"), buyer)
    assert isinstance(sold, Sold)
    assert len(world.kept.entries) == 1
    assert len(await world.licenses(made)) == 1


async def test_two_fees_never_share_the_same_credit(world):
    """One licensee buys two licenses at once with credit for one, whatever the keeper does meanwhile."""
    second = world.make_offer(
        "second", works=("archive",), paths=("/archive/",), uses={Use.AI_INPUT}, price=Compensation("USD", upfront=usd("500"))
    )  # fmt: skip
    world.policy = world.make_policy((*world.offers, second))
    made = await world.licensee("900")
    world.kept.folding = False
    answers = await asyncio.gather(
        world.token(made, {"offer": "archive"}), world.token(made, {"offer": "second"})
    )
    assert sorted(status for status, _ in answers) == [200, 402]
    await world.kept.keeper.catch_up()
    assert await world.ledger.balance("creator:journal:earned", "USD") == usd("500")


async def test_a_revoked_license_is_gone_and_another_is_another_purchase(world):
    made = await world.licensee("1200")
    _, first = await world.token(made, {"offer": "archive"})
    license = read(world, first).license
    await world.register.revoke("license", license, world.now)
    assert (await world.token(made, {"license": license}))[0] == 400
    status, again = await world.token(made, {"offer": "archive"})
    assert status == 200
    assert read(world, again).license != license
    assert len(world.kept.entries) == 2


async def test_a_fee_that_cannot_be_recorded_is_not_taken(world):
    made = await world.licensee("600")
    world.kept.broken = True
    answer = await world.post(
        "/.licet/token",
        made,
        {"grant_type": "client_credentials", "authorization_details": json.dumps([{"type": "content_license", "offer": "archive"}])},
    )  # fmt: skip
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert await world.balance(made.licensee.id, "USD") == usd("600")
    assert not await world.licenses(made)


async def test_a_budget_that_the_fee_exceeds_is_refused(world):
    made = await world.licensee("2000")
    status, body = await world.token(made, {"offer": "archive", "budget": {"micros": 500_000_999}})
    assert (status, body["error"]) == (400, "invalid_authorization_details")
    assert not world.kept.entries


@pytest.mark.parametrize("standing", [Standing.QUARANTINED, Standing.SUSPENDED])
async def test_who_is_not_active_is_sold_nothing(world, standing):
    made = await world.licensee("10", standing)
    status, body = await world.token(made, resource="/essays/")
    assert (status, body["error"]) == (403, "unauthorized_client")
    await world.register.set_standing(made.licensee.id, Standing.ACTIVE, world.now)
    assert (await world.token(made, resource="/essays/"))[0] == 200


async def test_nothing_is_sold_while_only_watching(world):
    world.policy = world.make_policy(mode=Mode.OBSERVE)
    made = await world.licensee()
    status, body = await world.token(made, resource="/essays/")
    assert (status, body["error"]) == (400, "invalid_target")
    assert (await (await world.get("/.licet/offers")).json())["offers"] == []
    assert "Nothing" in await (await world.get("/.licet/", headers={"Accept": "text/html"})).text()


async def test_terms_that_do_not_fit_a_token_are_refused_before_any_fee(world):
    paths = tuple(f"/archive/{number:04d}-{'x' * 100}/" for number in range(60))
    wide = world.make_offer(
        "wide",
        works=("archive",),
        paths=paths,
        uses={Use.AI_TRAIN},
        price=Compensation("USD", upfront=usd("1")),
    )
    world.policy = world.make_policy((wide,))
    made = await world.licensee()
    status, body = await world.token(made)
    assert (status, body["error"]) == (400, "invalid_authorization_details")
    assert not world.kept.entries
    status, _ = await world.token(made, {"locations": list(paths[:3])})
    assert status == 200


async def test_basic_is_form_encoded_as_the_rfc_says(world):
    from urllib.parse import quote

    made = await world.licensee()
    encoded = "".join(f"%{ord(char):02X}" for char in made.client.id)
    header = aiohttp.encode_basic_auth(encoded, quote(made.secret, safe=""))
    form = {"grant_type": "client_credentials", "resource": "/essays/"}
    answer = await world.post("/.licet/token", None, form, headers={"Authorization": header})
    assert answer.status == 200


async def test_a_budget_that_holds_the_fee_is_the_same_wish_each_time(world):
    made = await world.licensee("2000")
    wish = {"offer": "archive", "budget": {"micros": 510_000_000}}
    for _ in range(2):
        status, body = await world.token(made, wish)
        assert status == 200
        assert read(world, body).budget.micros == 10_000_000
    assert len(world.kept.entries) == 1


async def test_who_paid_the_fee_has_the_license_whatever_is_left_for_fetches(world):
    made = await world.licensee("500")
    for _ in range(2):
        assert (await world.token(made, {"offer": "archive"}))[0] == 200
    assert await world.balance(made.licensee.id, "USD") == usd("0")


async def test_what_is_set_aside_for_a_fee_spends_nothing_of_the_license_s_budget(world):
    made = await world.licensee("600")
    world.kept.folding = False
    _, body = await world.token(made, {"offer": "archive", "budget": {"micros": 500_001_000, "fetches": 1}})
    claims = read(world, body)
    fetch = Charge("fetch-1", claims.licensee, claims.license, claims.price, claims.budget)
    assert await world.book.lease(world.kept.writer, fetch, 1) == 1


async def use(world, claims, times=1):
    """Set aside what *times* fetches cost under a license, as the till does; returns the answers."""
    charges = [
        Charge(f"{claims.license}-{claims.token_id}-{n}", claims.licensee, claims.license, claims.price, claims.budget)
        for n in range(times)
    ]  # fmt: skip
    return [await world.book.lease(world.kept.writer, charge, 1) for charge in charges]


@pytest.mark.parametrize(
    ("budget", "fetches"),
    [({"fetches": 2}, 2), ({"micros": 40_000}, 2), ({"micros": 59_999, "fetches": 9}, 2), ({"micros": 20_000}, 1)],
)  # fmt: skip
async def test_a_license_that_is_used_up_is_bought_again_with_a_whole_budget(world, budget, fetches):
    made = await world.licensee()
    wish = {"offer": "training", "budget": budget}
    _, bought = await world.token(made, wish)
    first = read(world, bought)
    for answer in await use(world, first, fetches - 1):
        assert answer == 1
    _, bought = await world.token(made, wish)
    last = read(world, bought)
    assert last.license == first.license
    one_more, too_many = await use(world, last, 2)
    assert one_more == 1
    assert too_many.what == "budget"
    status, bought = await world.token(made, wish)
    again = read(world, bought)
    assert status == 200
    assert again.license != first.license
    assert (again.budget, again.price, again.terms) == (first.budget, first.price, first.terms)
    assert await use(world, again) == [1]
    assert {license.id for license in await world.licenses(made)} == {first.license, again.license}


async def test_a_fetch_that_was_not_made_leaves_the_license_what_it_was(world):
    made = await world.licensee()
    wish = {"offer": "training", "budget": {"fetches": 1}}
    first = read(world, (await world.token(made, wish))[1])
    assert await use(world, first) == [1]
    await world.book.give_back(world.kept.writer, first.license, first.price, 1)
    assert read(world, (await world.token(made, wish))[1]).license == first.license
    assert len(await world.licenses(made)) == 1


async def test_too_little_credit_uses_up_no_license(world):
    made = await world.licensee("0.03")
    wish = {"offer": "training", "budget": {"fetches": 5}}
    first = read(world, (await world.token(made, wish))[1])
    assert await use(world, first) == [1]
    assert (await world.token(made, wish))[0] == 402
    await world.pay_in(made, "1")
    assert read(world, (await world.token(made, wish))[1]).license == first.license


def sold_in_threes(world, **price):
    """Put on offer what is licensed three fetches at a time, and nothing else."""
    offer = world.make_offer(
        "threes", works=("archive",), paths=("/archive/",), uses={Use.AI_TRAIN}, price=Compensation("USD", **price), max_fetches=3
    )  # fmt: skip
    world.policy = world.make_policy((offer,))


async def test_of_twenty_who_buy_again_at_once_one_pays_for_one_license(world):
    await twenty_buy_again(world)


async def test_of_twenty_who_buy_again_at_once_one_pays_on_sqlite_too(sqlite_world):
    await twenty_buy_again(sqlite_world)


async def twenty_buy_again(world):
    sold_in_threes(world, upfront=usd("100"), per_fetch=usd("0.01"))
    made = await world.licensee("1000")
    first = read(world, (await world.token(made, {"offer": "threes"}))[1])
    assert await use(world, first, 3) == [1, 1, 1]
    answers = await asyncio.gather(*(world.token(made, {"offer": "threes"}) for _ in range(20)))
    assert {status for status, _ in answers} == {200}
    (second,) = {read(world, body).license for _, body in answers}
    assert {license.id for license in await world.licenses(made)} == {first.license, second}
    assert [entry.id for entry in world.kept.entries] == [first.license, second]
    assert await world.ledger.balance("creator:journal:earned", "USD") == usd("200")
    third = read(world, answers[0][1])
    *granted, last = await use(world, third, 4)
    assert (granted, type(last)) == ([1, 1, 1], Short)
    fourth = read(world, (await world.token(made, {"offer": "threes"}))[1])
    assert fourth.license not in {first.license, second}
    assert len(world.kept.entries) == 3


async def test_a_fee_once_paid_covers_no_narrower_wish_after_it_is_used_up(world):
    sold_in_threes(world, upfront=usd("100"))
    made = await world.licensee("1000")
    narrower = {"offer": "threes", "locations": ["/archive/1999/"]}
    first = read(world, (await world.token(made, {"offer": "threes"}))[1])
    assert read(world, (await world.token(made, narrower))[1]).license == first.license
    await use(world, first, 3)
    again = read(world, (await world.token(made, narrower))[1])
    assert again.license != first.license
    assert len(world.kept.entries) == 2
    # The wider wish finds neither the used one nor the narrower one.
    wider = read(world, (await world.token(made, {"offer": "threes", "locations": ["/archive/"]}))[1])
    assert wider.license not in {first.license, again.license}
    assert wider.terms == first.terms
    assert len(world.kept.entries) == 3


async def test_a_wider_license_whose_fee_is_paid_stands_in_for_one_that_is_used_up(world):
    sold_in_threes(world, upfront=usd("100"))
    made = await world.licensee("1000")
    narrower = {"offer": "threes", "locations": ["/archive/1999/"]}
    first = read(world, (await world.token(made, narrower))[1])
    wider = read(world, (await world.token(made, {"offer": "threes", "locations": ["/archive/"]}))[1])
    assert wider.license != first.license
    await use(world, first, 3)
    again = read(world, (await world.token(made, narrower))[1])
    assert (again.license, again.scopes) == (wider.license, (PathScope("/archive/1999/"),))
    assert len(world.kept.entries) == 2


async def test_a_second_purchase_that_broke_off_is_completed_and_pays_one_fee(world):
    sold_in_threes(world, upfront=usd("100"))
    made = await world.licensee("1000")
    first = read(world, (await world.token(made, {"offer": "threes"}))[1])
    await use(world, first, 3)
    await broken_off(world, made, "threes")
    await world.reopen()
    assert [license.id for license in await world.licenses(made)] == [first.license]
    again = read(world, (await world.token(made, {"offer": "threes"}))[1])
    assert [entry.id for entry in world.kept.entries] == [first.license, again.license]


async def test_without_the_book_only_what_has_neither_price_nor_budget_is_sold(world):
    made = await world.licensee()
    gift = read(world, (await world.token(made, {"offer": "gift"}))[1])
    counted = read(world, (await world.token(made, {"offer": "gift", "budget": {"fetches": 2}}))[1])
    world.book.down = True
    status, body = await world.token(made, {"offer": "gift"})
    assert (status, read(world, body).license) == (200, gift.license)
    status, body = await world.token(made, {"offer": "gift", "budget": {"fetches": 2}})
    assert (status, body["error"]) == (503, "server_error")
    assert {license.id for license in await world.licenses(made)} == {gift.license, counted.license}


async def test_an_offer_for_licensees_of_a_place_needs_theirs_evidenced(world):
    offer = world.policy.by_offer["training"]
    europe = replace(
        offer, terms=replace(offer.terms, territory=Territory(frozenset({"EU"}), Basis.LICENSEE))
    )
    buy = Wanted(targets=(PathScope("/essays/"),), uses=frozenset({Use.AI_TRAIN}))
    made = await world.licensee()
    buyer = Buyer(made.client.id, made.licensee.id, world.make_policy((europe,)), world.origin)

    refused = await world.desk.sales.sell(buy, buyer)
    assert "no place of yours is declared and evidenced" in refused.detail
    await world.register.set_place(made.licensee.id, "DE", "")
    assert "no place of yours" in (await world.desk.sales.sell(buy, buyer)).detail
    await world.register.set_place(made.licensee.id, "US", "register entry")
    assert "is for licensees in EU, and yours is in US" in (await world.desk.sales.sell(buy, buyer)).detail
    await world.register.set_place(made.licensee.id, "DE", "register entry")
    sold = await world.desk.sales.sell(buy, buyer)
    assert isinstance(sold, Sold)
    # Where its servers stand is no part of this deal: the token is good from anywhere.
    assert sold.claims.territory == Territory(None)
    (license,) = await world.licenses(made)
    again = await world.desk.sales.sell(Wanted(license=license.id), buyer)
    assert isinstance(again, Sold)
    assert license.terms.territory == Territory(frozenset({"EU"}), Basis.LICENSEE)
    assert license.terms.as_json()["territory_basis"] == "licensee"


async def test_a_limit_of_the_use_binds_by_contract_alone(world):
    offer = world.policy.by_offer["training"]
    there = replace(offer, terms=replace(offer.terms, territory=Territory(frozenset({"EU"}), Basis.USE)))
    made = await world.licensee()
    buyer = Buyer(made.client.id, made.licensee.id, world.make_policy((there,)), world.origin)
    sold = await world.desk.sales.sell(
        Wanted(targets=(PathScope("/essays/"),), uses=frozenset({Use.AI_TRAIN})), buyer
    )
    assert sold.claims.territory == Territory(None)
    assert sold.claims.terms == there.terms.hash


def fetched(world, claims):
    """The record of one page that was paid for under *claims*."""
    price = claims.price
    return FetchRecord(
        id=f"{claims.token_id}-fetch", time_us=world.clock.now_us(), duration_us=1, site="journal", host="h",
        method="GET", path="/essays/tides", visitor_class="ai", identity="none", identity_method="none",
        verdict="license", rule="rules[0]", policy=claims.policy, mode="enforce", outcome="licensed", status=200,
        bytes_sent=10, ended="complete", detail="0" * 64, licensee=claims.licensee, client=claims.client,
        license=claims.license, token=claims.token_id, currency=price.currency, price_micros=price.micros,
        charged_micros=price.micros, charge_reason="fetch", digest="d" * 64,
    )  # fmt: skip


TIERED = Compensation(
    "USD", per_fetch=usd("0.02"), tiers=(Tier(2, usd("0.015")), Tier(3, usd("0"))), window_hours=6
)


async def test_a_token_s_price_is_that_of_the_tier_its_license_has_reached(sqlite_world):
    world = sqlite_world
    world.policy = world.make_policy((world.make_offer("bulk", uses={Use.AI_TRAIN}, price=TIERED),))
    made = await world.licensee("1")
    prices, licenses = [], set()
    for _ in range(4):
        status, body = await world.token(made, {"offer": "bulk"})
        assert status == 200, body
        claims = read(world, body)
        prices.append(claims.price.micros)
        licenses.add(claims.license)
        assert claims.window_hours == 6
        await world.kept.journal.keep(fetched(world, claims))
        await world.kept.keeper.catch_up()
    assert prices == [20_000, 20_000, 15_000, 0]
    assert len(licenses) == 1


async def test_a_price_that_came_down_is_what_the_credit_has_to_cover(world):
    world.policy = world.make_policy((world.make_offer("bulk", uses={Use.AI_TRAIN}, price=TIERED),))
    made = await world.licensee("0.056")
    for _ in range(2):
        claims = read(world, (await world.token(made, {"offer": "bulk"}))[1])
        await world.kept.journal.keep(fetched(world, claims))
        await world.kept.keeper.catch_up()
    assert await world.balance(made.licensee.id, "USD") == usd("0.016")
    status, body = await world.token(made, {"offer": "bulk"})
    assert (status, read(world, body).price) == (200, usd("0.015"))


async def test_a_suspended_license_gives_no_token_and_is_not_bought_around(world):
    made = await world.licensee()
    status, bought = await world.token(made, {"offer": "training"})
    assert status == 200
    held = (await world.licenses(made))[0]
    await world.register.suspend(held.id, "du_1", "Overdue since 2026-05-30: the report.", world.now)
    for details in (
        {"license": held.id},
        {"offer": "training"},
        {"offer": "training", "privileges": ["ai-train"]},
    ):
        status, body = await world.token(made, details)
        assert (status, body["error"]) == (403, "unauthorized_client"), body
        assert (body["license"], body["duties"]) == (held.id, "/.licet/duties")
        assert "Overdue since 2026-05-30" in body["error_description"]
        assert "/.licet/duties" in body["error_description"]
    answer = await world.post("/.licet/introspect", made, {"token": bought["access_token"]})
    assert await answer.json(content_type=None) == {"active": False}
    assert len(await world.licenses(made)) == 1
    other = await world.licensee()
    assert (await world.token(other, {"offer": "training"}))[0] == 200, (
        "a license is suspended, and nobody else's"
    )
    await world.register.resume(held.id, "du_1", world.now)
    assert (await world.token(made, {"license": held.id}))[0] == 200
    answer = await world.post("/.licet/introspect", made, {"token": bought["access_token"]})
    assert (await answer.json(content_type=None))["active"] is True, "what was issued before holds again"
