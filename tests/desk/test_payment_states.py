"""What came of a payment, for whoever knows its id."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.desk.payment_states import MEANINGS
from gateway.money import Money
from gateway.rails.settlements import Payment, State

ID = "pay_" + "0a" * 20
PAYMENT = Payment(
    id=ID,
    rail="x402",
    nonce="n",
    identifier="order_0123456789",
    fingerprint="f",
    site="journal",
    url="https://journal.example/essays/tides?secret=1",
    payer="0xb",
    amount=Money(5_000, "USD"),
    asked="{}",
    presented='{"signature":"0x12"}',
    state=State.PENDING,
    began_us=1_795_000_000_000_000,
    changed_us=1_795_000_001_000_000,
)


async def test_a_payment_tells_its_state_and_nothing_of_whom_or_where(world):
    await world.settlements.begin(PAYMENT)
    answer = await world.get(f"/.licet/payments/{ID}")
    assert (answer.status, answer.headers["Retry-After"], answer.headers["Cache-Control"]) == (
        200,
        "30",
        "no-store",
    )
    body = await answer.json()
    assert (body["state"], body["amount"]["micros"], body["spent"]) == ("PENDING", 5_000, False)
    assert "Do not pay again" in body["meaning"]
    text = await answer.text()
    assert not any(each in text for each in ("secret", "0xb", "signature", "order_"))
    await world.settlements.finish(
        ID, State.SETTLED, reason="", transaction="0xt", at_us=1_795_000_002_000_000
    )
    settled = await world.get(f"/.licet/payments/{ID}")
    assert "Retry-After" not in settled.headers
    assert (await settled.json())["transaction"] == "0xt"


async def test_a_failure_tells_why(world):
    await world.settlements.begin(PAYMENT)
    await world.settlements.finish(ID, State.FAILED, reason="insufficient_funds", transaction="", at_us=1)
    body = await (await world.get(f"/.licet/payments/{ID}")).json()
    assert (body["state"], body["reason"]) == ("FAILED", "insufficient_funds")


async def test_why_we_do_not_know_is_the_operators(world):
    await world.settlements.begin(replace(PAYMENT, reason="connect to 10.0.0.1 failed"))
    assert "10.0.0.1" not in await (await world.get(f"/.licet/payments/{ID}")).text()


@pytest.mark.parametrize(
    "id", ["pay_" + "0b" * 20, "pay_1", "order_0123456789", ID.upper(), ID + "/x", "%00", "..%2f"]
)
async def test_there_is_nothing_at_other_ids(world, id):
    await world.settlements.begin(PAYMENT)
    assert (await world.get(f"/.licet/payments/{id}")).status in {400, 404}


async def test_nothing_is_posted_there(world):
    answer = await world.post(f"/.licet/payments/{ID}")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_every_state_of_a_row_has_a_meaning():
    assert set(MEANINGS) == set(State) - {State.DUPLICATE}
