"""The public form: for people without a script, for programs as JSON; paced, bounded, and telling nobody who objected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.policy.rules import Redress

AT = "/.licet/objections"
GOOD = {
    "url": "/essays/tides",
    "role": "co-author",
    "name": "Ada Example",
    "contact": "ada@mail.example",
    "why": "I wrote half of it.",
}


async def test_a_person_fills_in_the_form_and_reads_what_came_of_it(world):
    page = await world.get(AT, params={"url": "/essays/<tides>"}, headers={"Accept": "text/html"})
    text = await page.text()
    assert page.status == 200
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert 'value="/essays/&lt;tides&gt;"' in text
    assert "<script" not in text
    answer = await world.post(AT, data=GOOD)
    assert answer.status == 201
    at = answer.headers["Location"].removeprefix(world.origin)
    for found in (await answer.text(), await (await world.get(at, headers={"Accept": "text/html"})).text()):
        assert "waits for the owner" in found
        for secret in ("Ada", "mail.example", "half of it"):
            assert secret not in found
    (one,) = await world.objections.all(9)
    assert await world.objections.objector(one.id) is not None


async def test_a_program_sends_the_same_as_json(world):
    answer = await world.post(AT, json=GOOD)
    body = await answer.json()
    assert (answer.status, body["state"], body["page"]) == (201, "open", "/essays/tides")
    read = await (await world.get(f"{AT}/{body['objection']}")).json()
    assert read == body
    assert "Ada" not in str(body)
    assert (await world.get(f"{AT}/ob_nobody")).status == 404


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "name is missing"),
        ({"role": "king"}, "role is none of"),
        ({"url": "https://elsewhere.example/x"}, "url is no page of"),
        ({"website": "https://spam.example"}, "website must stay empty"),
        ({"more": "x"}, "more is unknown"),
        ({"why": "x" * 5000}, "why is not"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_written_is_still_there(world, changes, said):
    sent = {**GOOD, "why": "because <b>", **changes}
    answer = await world.post(AT, data=sent)
    text = await answer.text()
    assert answer.status == 400
    assert said in text
    if "why" not in changes:
        assert "because &lt;b&gt;</textarea>" in text
    told = await (await world.post(AT, json=sent)).json()
    assert told["code"] == "proposal-invalid"
    assert await world.objections.all(9) == ()


@pytest.mark.parametrize("kept", [{"data": b"\xff\xfe", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, {"data": b"[", "headers": {"Content-Type": "application/json"}}, {"data": b"x", "headers": {"Content-Type": "text/plain"}}])  # fmt: skip
async def test_what_is_no_form_is_refused(world, kept):
    assert (await world.post(AT, **kept)).status in {400, 415}


async def test_a_network_is_paced_and_a_mistake_costs_nothing(world):
    for _ in range(8):
        assert (await world.post(AT, json={**GOOD, "role": "king"})).status == 400
    for _ in range(5):
        assert (await world.post(AT, json=GOOD)).status == 201
    answer = await world.post(AT, data=GOOD)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    world.address = "198.51.100.7"
    assert (await world.post(AT, json=GOOD)).status == 201


async def test_where_the_policy_says_so_sales_stop_at_once(world):
    world.policy = replace(world.policy, redress=Redress(hold=True))
    body = await (await world.post(AT, json=GOOD)).json()
    assert body["state"] == "held"
    (hold,) = await world.withdrawals.in_force(world.now)
    assert (hold.hold, hold.paths[0].pattern) == (True, "/essays/tides")
    assert (await world.get(f"/.licet/withdrawals/{hold.id}")).status == 404, "a hold is told to nobody"
    made = await world.licensee()
    _, before = await world.token(made, {"offer": "training"})
    world.withdraw(hold)
    status, _ = await world.token(made, {"offer": "training", "locations": ["/essays/tides"]})
    assert status == 400
    status, _ = await world.token(made, {"license": before["authorization_details"][0]["license"]})
    assert status == 200, "a license that is held goes on"
