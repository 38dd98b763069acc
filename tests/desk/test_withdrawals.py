"""What licensees are told of withdrawals at the desk, what they answer, and what is not sold then."""

from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from gateway.licenses.removal import Copy, begun
from gateway.licenses.withdrawal import PROMISE, USUAL, Withdrawal
from gateway.paths import PathScope
from gateway.policy.rules import Redress
from gateway.uses import Use

AT = "/.licet/withdrawals"


def taken(world, id="wd_0a", **more):
    given = {"works": ("essays",), "reason": "asked", "private": "she phoned", **more}
    return Withdrawal(id, "journal", USUAL, world.now, world.now, **given)


def login(made):
    return {"Authorization": aiohttp.encode_basic_auth(made.client.id, made.secret)}


async def issued(world, made, **more):
    one = taken(world, **more)
    copies = [
        Copy(made.licensee.id, "/essays/tides", "essays", "d" * 64, frozenset({Use.AI_TRAIN}), world.now)
    ]
    await world.withdrawals.issue(one, [begun(one, made.licensee.id, copies, [], world.now)])
    world.withdraw(one)
    return one


async def post(world, made, path, body):
    answer = await world.post(path, made, json=body)
    return answer.status, await answer.json(content_type=None)


async def test_a_licensee_reads_what_it_was_told_and_nobody_elses(world):
    made, other = await world.licensee(), await world.licensee()
    await issued(world, made)
    answer = await world.get(AT, headers=login(made))
    body = await answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert body["promise"] == PROMISE
    (one,) = body["withdrawals"]
    assert (one["withdrawal"], one["state"], one["reason"], one["overdue"]) == (
        "wd_0a",
        "issued",
        "asked",
        False,
    )
    assert one["contents"][0]["digest"] == "sha-256:" + "d" * 64
    assert one["contents"][0]["content"].startswith("ct_")
    text = str(body)
    for secret in ("phoned", "/essays/tides", other.licensee.id):
        assert secret not in text
    assert (await (await world.get(AT, headers=login(other))).json())["withdrawals"] == []
    assert (await world.get(AT)).status == 401


async def test_without_a_login_a_notice_says_what_the_refusal_said(world):
    made = await world.licensee()
    await issued(world, made)
    body = await (await world.get(f"{AT}/wd_0a")).json()
    assert body == {
        "withdrawal": "wd_0a", "uses": sorted(USUAL), "since": world.now, "readmitted_at": 0, "promise": PROMISE
    }  # fmt: skip
    other = await world.licensee()
    assert await (await world.get(f"{AT}/wd_0a", headers=login(other))).json() == body
    page = await world.get(f"{AT}/wd_0a", headers={"Accept": "text/html"})
    assert "cannot be reached from here" in await page.text()
    assert "asked" not in (await page.text()).replace("fetched", "")
    await world.withdrawals.issue(taken(world, "wd_0b", hold=True))
    for path in ("wd_0b", "wd_0c", "nonsense"):
        assert (await world.get(f"{AT}/{path}")).status == 404


async def test_a_removal_goes_its_way_by_machine(world):
    made = await world.licensee()
    await issued(world, made)
    status, body = await post(world, made, f"{AT}/wd_0a/attestation", {"attestation": "done"})
    assert (status, body["code"]) == (409, "removal-out-of-order")
    assert (await post(world, made, f"{AT}/wd_0a/acknowledgment", {}))[1]["state"] == "acknowledged"
    assert (await post(world, made, f"{AT}/wd_0a/acknowledgment", {}))[1]["state"] == "acknowledged"
    status, body = await post(world, made, f"{AT}/wd_0a/plan", {"plan": "Removed from\nthe next run."})
    assert (status, body["state"]) == (200, "planned")
    status, body = await post(world, made, f"{AT}/wd_0a/attestation", {"attestation": "Done."})
    assert [(each["act"], each["text"]) for each in body["steps"]] == [
        ("issued", ""), ("acknowledged", ""), ("planned", "Removed from\nthe next run."), ("attested", "Done.")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "member"),
    [({}, "plan"), ({"plan": ""}, "plan"), ({"plan": 5}, "plan"), ({"plan": "x" * 8001}, "plan"), ({"plan": "a\x00b"}, "plan"), ({"plan": "x", "also": 1}, "also")],
)  # fmt: skip
async def test_what_cannot_be_read_is_named_and_changes_nothing(world, body, member):
    made = await world.licensee()
    await issued(world, made)
    status, told = await post(world, made, f"{AT}/wd_0a/plan", body)
    assert (status, told["code"], told["member"]) == (400, "proposal-invalid", member)
    (one,) = await world.withdrawals.removals("wd_0a")
    assert one.version == 1


async def test_nobody_answers_for_somebody_else(world):
    made, other = await world.licensee(), await world.licensee()
    await issued(world, made)
    status, body = await post(world, other, f"{AT}/wd_0a/plan", {"plan": "x"})
    assert (status, body["code"]) == (404, "not-found")
    assert (await world.post(f"{AT}/wd_0a/plan", json={"plan": "x"})).status == 401


async def test_the_public_feed_is_off_until_asked_for_and_names_nobody(world):
    made = await world.licensee()
    await issued(world, made, digests=("e" * 64,), by="the owner")
    await world.withdrawals.issue(taken(world, "wd_0b", works=(), licensee=made.licensee.id))
    assert (await world.get(f"{AT}/feed")).status == 404
    world.policy = replace(world.policy, redress=Redress(public_feed=True))
    body = await (await world.get(f"{AT}/feed")).json()
    (one,) = body["withdrawals"]
    assert one["withdrawal"] == "wd_0a"
    assert one["digests"] == ["sha-256:" + "e" * 64]
    assert len(one["contents"]) == 1
    for secret in ("phoned", "asked", "owner", made.licensee.id, "/essays", "essays"):
        assert secret not in str(one)


async def test_what_is_withdrawn_is_not_on_offer_any_more(world):
    made = await world.licensee()
    world.withdraw(taken(world))
    offers = (await (await world.get("/.licet/offers")).json())["offers"]
    assert [each["id"] for each in offers] == ["answers", "archive", "gift"]
    status, body = await world.token(made, {"offer": "training"})
    assert (status, body["error"]) == (400, "invalid_authorization_details")
    status, body = await world.token(made, {"offer": "answers", "locations": ["/essays/"]})
    assert status == 400
    status, body = await world.token(made, {"offer": "answers"})
    assert status == 200
    assert body["authorization_details"][0]["locations"] == ["/videos/"]


async def test_a_further_token_of_a_license_leaves_out_what_is_withdrawn_since(world):
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "answers"})
    license = body["authorization_details"][0]["license"]
    world.withdraw(taken(world, works=(), paths=(PathScope("/essays/old/"),)))
    status, body = await world.token(made, {"license": license})
    assert status == 200
    assert "/essays/old/" in str(body["authorization_details"][0])
    world.withdraw(taken(world, works=("essays", "videos")))
    status, body = await world.token(made, {"license": license})
    assert (status, body["code"]) == (403, "withdrawn")
    assert body["withdrawal"] == "wd_0a"
    world.withdraw()
    assert (await world.token(made, {"license": license}))[0] == 200


async def test_a_licensee_that_is_withdrawn_from_buys_nothing_and_its_tokens_are_dead(world):
    made, other = await world.licensee(), await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    held = body["access_token"]
    _, body = await world.token(other, {"offer": "training"})
    world.withdraw(taken(world, works=(), licensee=made.licensee.id))
    answer = await world.post("/.licet/introspect", made, {"token": held})
    assert await answer.json() == {"active": False}
    answer = await world.post("/.licet/introspect", other, {"token": body["access_token"]})
    assert (await answer.json())["active"] is True
    status, refused = await world.token(made, {"offer": "training"})
    assert (status, refused["code"]) == (403, "withdrawn")
    began = await post(world, made, "/.licet/negotiations", {"offer": "training"})
    assert (began[0], began[1]["code"]) == (403, "withdrawn")
    assert (await post(world, other, "/.licet/negotiations", {"offer": "training"}))[0] == 201


async def test_introspection_says_that_a_page_is_withdrawn(world):
    made = await world.licensee()
    _, body = await world.token(made, {"offer": "training"})
    world.withdraw(taken(world, works=(), paths=(PathScope("/essays/old/"),)))
    for page, permitted in (("/essays/old/x", False), ("/essays/new", True)):
        answer = await world.post(
            "/.licet/introspect", made, {"token": body["access_token"], "resource": page}
        )
        assert (await answer.json())["permitted"] is permitted


async def test_a_quote_says_that_a_page_is_withdrawn(world):
    world.withdraw(taken(world))
    body = await (
        await world.get("/.licet/quote", params={"url": "/essays/tides", "crawler": "GPTBot"})
    ).json()
    assert (body["outcome"], body["rule"]) == ("refused", "withdrawn")
    body = await (
        await world.get("/.licet/quote", params={"url": "/videos/x", "crawler": "ChatGPT-User"})
    ).json()
    assert body["outcome"] == "license"


async def test_terms_that_are_told_are_those_of_the_moment(world):
    async def version():
        body = await (await world.get("/.licet/quote", params={"url": "/videos/x"})).json()
        return body["version"]

    before = await version()
    world.withdraw(taken(world))
    between = await version()
    world.withdraw()
    assert before != between
    assert await version() == before


async def test_a_negotiation_about_what_is_withdrawn_meanwhile_ends(world):
    made = await world.licensee()
    answer = await world.post("/.licet/negotiations", made, json={"offer": "archive"})
    version, at = answer.headers["ETag"], answer.headers["Location"].removeprefix(world.origin)
    world.withdraw(taken(world, works=("archive",)))
    body = {"facts": {"use_case": "x"}, "proposal": {}}
    said = await world.post(f"{at}/proposals", made, json=body, headers={"If-Match": version})
    told = await said.json(content_type=None)
    assert told.get("state") == "TERMINATED", told
