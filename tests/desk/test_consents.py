"""An author's page: reached by its link alone, answered without a script, and sales follow."""

from __future__ import annotations

import pytest

from gateway.uses import Use

AT = "/.licet/consent"


async def asked(world, name="Ada", share=500_000, **more):
    given = {"representative": False, **more}
    return await world.asking.ask("journal", "essays", name, share, world.clock.now_us(), **given)


async def held(world):
    found = await world.withdrawals.in_force(world.now)
    return found[0].uses if found else frozenset()


async def test_an_author_sees_uses_price_class_and_share_and_answers(world):
    ada, bob = await asked(world), await asked(world, "<b>Bob")
    page = await world.get(f"{AT}/{ada.secret}", headers={"Accept": "text/html"})
    text = await page.text()
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    for said in (
        "50 %",
        "0.02 USD for each page",
        "the lowest price, often",
        "ai-train",
        "2 authors were asked",
        "Ada",
    ):
        assert said in text, said
    assert "Bob" not in text, "nobody reads who the others are"
    assert "<script" not in text
    answer = await world.post(f"{AT}/{ada.secret}", data={"ai-input": "consent"})
    text = await answer.text()
    assert "Your answers are kept" in text
    assert 'name="ai-input" value="consent" checked' in text
    assert await held(world) == frozenset(Use)
    body = await (await world.post(f"{AT}/{bob.secret}", json={"ai-input": "consent"})).json()
    assert body["may_be_sold"] == ["ai-input"]
    assert await held(world) == frozenset(Use) - {Use.AI_INPUT}
    await world.post(f"{AT}/{bob.secret}", data={"ai-input": "decline"})
    text = await (await world.get(f"{AT}/{ada.secret}", headers={"Accept": "text/html"})).text()
    assert "not sold: somebody declined" in text, "the others are told"


async def test_what_is_held_for_want_of_consent_is_not_sold(world):
    ada, made = await asked(world), await world.licensee()
    world.withdraw(*await world.withdrawals.in_force(world.now))
    offers = (await (await world.get("/.licet/offers")).json())["offers"]
    assert [each["id"] for each in offers] == ["answers", "archive", "gift"]
    assert (await world.token(made, {"offer": "training"}))[0] == 400
    await world.post(f"{AT}/{ada.secret}", json={"ai-train": "consent"})
    world.withdraw(*await world.withdrawals.in_force(world.now))
    assert (await world.token(made, {"offer": "training"}))[0] == 200


@pytest.mark.parametrize(
    ("sent", "member"),
    [({"ai-train": "yes"}, "ai-train"), ({"x": "consent"}, "x"), ({"ai-train": 5}, "ai-train")],
)
async def test_what_cannot_be_read_is_named(world, sent, member):
    ada = await asked(world)
    body = await (await world.post(f"{AT}/{ada.secret}", json=sent)).json()
    assert (body["code"], body["member"]) == ("proposal-invalid", member)
    assert (await world.consents.all(9))[0].version == 1


async def test_a_wrong_link_answers_for_nobody_and_is_paced(world):
    ada = await asked(world)
    for secret in ("wrong", ada.consent.id, ada.consent.secret_sha256, "%ff", ada.secret[:-1]):
        assert (await world.get(f"{AT}/{secret}")).status in {400, 404}
    for _ in range(30):
        last = await world.post(f"{AT}/wrong", json={"ai-train": "consent"})
    assert last.status == 429
    assert (await world.get(f"{AT}/{ada.secret}")).status == 200, "whoever has the link is not turned away"
