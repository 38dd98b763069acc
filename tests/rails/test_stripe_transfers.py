"""Transfers by Stripe's real library against a server that speaks its API's shapes, fails, and forgets to answer."""

from __future__ import annotations

import time
from urllib.parse import parse_qs

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from gateway.money import Money
from gateway.rails.stripe_transfers import NoTransfer, StripeTransfers, Transfer


class Connect:
    """The part of Stripe's API that moves money between accounts. *moods*: well, down, lost, or a status to refuse with."""

    def __init__(self) -> None:
        self.transfers: list[dict[str, object]] = []
        self.keys: dict[str, dict[str, object]] = {}
        self.moods: list[object] = []
        self.asked: list[str] = []

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.method)
        assert request.headers["Authorization"] == "Bearer sk_test_1"
        mood = self.moods.pop(0) if self.moods else "well"
        body = (await request.read()).decode()
        if mood == "down":
            return web.Response(status=500, text="{}", content_type="application/json")
        if isinstance(mood, int):
            error = {
                "error": {
                    "type": "invalid_request_error",
                    "message": "Insufficient funds",
                    "code": "balance_insufficient",
                }
            }
            return web.Response(status=mood, body=orjson.dumps(error), content_type="application/json")
        told = self._listed(request) if request.method == "GET" else self._made(request, body)
        if mood == "lost":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(body=orjson.dumps(told), content_type="application/json")

    def _made(self, request: web.BaseRequest, body: str) -> dict[str, object]:
        assert request.path == "/v1/transfers"
        key = request.headers["Idempotency-Key"]
        form = {name: value for name, (value,) in parse_qs(body, strict_parsing=True).items()}
        if key not in self.keys:
            self.keys[key] = {
                "id": f"tr_{len(self.transfers)}", "object": "transfer", "amount": int(form["amount"]), "amount_reversed": 0,
                "balance_transaction": "txn_1", "created": int(time.time()), "currency": form["currency"], "description": form["description"],
                "destination": form["destination"], "livemode": False, "metadata": {"payout": form["metadata[payout]"]},
                "reversals": {"object": "list", "data": [], "has_more": False, "url": "/v1/x"}, "reversed": False,
                "source_transaction": None, "source_type": "card", "transfer_group": form["transfer_group"],
            }  # fmt: skip
            self.transfers.append(self.keys[key])
        return self.keys[key]

    def _listed(self, request: web.BaseRequest) -> dict[str, object]:
        mine = [each for each in self.transfers if each["transfer_group"] == request.query["transfer_group"]]
        return {"object": "list", "url": "/v1/transfers", "has_more": False, "data": mine}

    def forget(self) -> None:
        """What Stripe does with its idempotency keys after a day."""
        self.keys.clear()


@pytest.fixture
async def connect():
    stripe = Connect()
    server = RawTestServer(stripe.answer)
    await server.start_server()
    stripe.rail = StripeTransfers("sk_test_1", f"http://{server.host}:{server.port}")
    yield stripe
    await server.close()


ASK = ("po_1", Money(12_340_000, "EUR"), "acct_1")


async def test_a_transfer_is_made_once_under_its_id_and_found_by_it(connect):
    made = await connect.rail.make(*ASK, "income")
    assert made == Transfer("tr_0", Money(0, "EUR"))
    assert await connect.rail.make(*ASK, "income") == made
    (one,) = connect.transfers
    assert (one["amount"], one["currency"], one["destination"], one["transfer_group"]) == (
        1234,
        "eur",
        "acct_1",
        "po_1",
    )
    connect.forget()
    assert await connect.rail.find(*ASK) == made
    assert await connect.rail.find("po_2", *ASK[1:]) == NoTransfer("Stripe has no such transfer", sure=True)
    one["amount_reversed"] = 1234
    assert (await connect.rail.find(*ASK)).back == ASK[1]


@pytest.mark.parametrize(
    ("mood", "sure"),
    [
        (400, True),
        (402, True),
        (403, True),
        (404, True),
        (401, True),
        (409, False),
        (429, False),
        ("down", False),
        ("lost", False),
    ],
)
async def test_what_a_refusal_means(connect, mood, sure):
    connect.moods = [mood]
    found = await connect.rail.make(*ASK, "income")
    assert isinstance(found, NoTransfer)
    assert found.sure is sure
    assert "sk_test" not in found.why


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1},
        {"currency": "usd"},
        {"destination": "acct_2"},
        {"transfer_group": "po_2"},
        {"id": None},
        {"amount_reversed": 99_999},
    ],
)
async def test_another_transfer_than_was_asked_for_is_none(connect, change):
    await connect.rail.make(*ASK, "income")
    connect.transfers[0].update(change)
    found = await connect.rail.make(*ASK, "income")
    assert isinstance(found, NoTransfer)
    assert not found.sure


async def test_two_of_one_group_are_for_a_person_to_look_at(connect):
    await connect.rail.make(*ASK, "income")
    connect.forget()
    await connect.rail.make(*ASK, "income")
    found = await connect.rail.find(*ASK)
    assert isinstance(found, NoTransfer)
    assert not found.sure


@pytest.mark.parametrize(
    "amount", [Money(1, "EUR"), Money(500_000, "JPY"), Money(10_000, "UGX"), Money(0, "EUR")]
)
async def test_what_stripe_cannot_write_is_not_asked_for(connect, amount):
    found = await connect.rail.make("po_1", amount, "acct_1", "income")
    assert (found.sure, connect.asked) == (True, [])
