"""Billing systems on real sockets that fail, forget to answer and take things in any order: each event once in effect."""

from __future__ import annotations

import random
from urllib.parse import parse_qs

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from gateway.clock import HandClock
from gateway.egress import Egress
from gateway.event import event
from gateway.outbox.billing_exports import BillingExports, Export
from gateway.outbox.courier import Courier, Said
from gateway.outbox.endpoints import Endpoint, Reach
from gateway.outbox.events import Happening
from gateway.outbox.export_settings import ExportSettings
from gateway.store.memory.endpoints import MemoryEndpoints
from gateway.store.memory.events import Happened


class System:
    """A billing system: it takes each id once, and by its *moods* answers, fails before or after it took something."""

    def __init__(self, kind: str) -> None:
        self.kind, self.taken, self.asked, self.moods = kind, {}, 0, []
        self.keys: dict[str, tuple[int, object]] = {}
        self.authorizations = set()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked += 1
        self.authorizations.add(request.headers.get("Authorization"))
        mood = self.moods.pop(0) if self.moods else "well"
        body = await request.read()
        if mood == "down":
            return web.Response(status=503)
        status, told = self._taken(request, body)
        if mood == "lost":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status, body=orjson.dumps(told), content_type="application/json")

    def _taken(self, request: web.BaseRequest, body: bytes) -> tuple[int, object]:
        if self.kind != "stripe":
            told = orjson.loads(body)
            one = told["event"] if self.kind == "lago" else told
            id = one["transaction_id"] if self.kind == "lago" else f"{one['source']}/{one['id']}"
            if id in self.taken:
                return (422, {"code": "value_already_exist"}) if self.kind == "lago" else (204, {})
            self.taken[id] = (one.get("properties") or one["data"])["fetches"]
            return 200, {}
        key = request.headers["Idempotency-Key"]
        form = {name: value for name, (value,) in parse_qs(body.decode()).items()}
        if key in self.keys:
            known, answer = self.keys[key]
            return (200, answer) if known == form else (400, {"error": "another request"})
        answer = {"id": f"ob_{len(self.keys)}", **form}
        self.keys[key] = (form, answer)
        if request.path == "/v1/billing/meter_events":
            self.taken[form["identifier"]] = int(form["payload[value]"])
        return 200, answer


def usage(nth: int, at: int, licensee: str = "le_1"):
    body = {
        "license": "lic_1",
        "fetches": nth,
        "micros": 5_000 * nth,
        "currency": "USD",
        "day": at,
        "path": "/x",
    }
    return event("usage.counted", at=at, site="", subject="lic_1", licensee=licensee, nth=str(nth), body=body)


class Room:
    """An outbox with one endpoint that is a billing system on a real socket."""

    def __init__(self, kind: str) -> None:
        self.system, self.clock, self.happened = System(kind), HandClock(), Happened()
        self.endpoints = MemoryEndpoints(self.happened)

    async def open(self, **more) -> None:
        self.server = RawTestServer(self.system.answer)
        await self.server.start_server()
        place = f"{self.server.host}:{self.server.port}"
        self.settings = ExportSettings.model_validate(
            {
                "kind": self.system.kind,
                "url": f"http://{place}",
                "customers": {"le_1": "cus_1"},
                "private": True,
                **more,
            }
        )
        way = Egress(exempt=[place], plain=True, agent="licet/test", at_once=4)
        self.exports = BillingExports(
            {self.settings.endpoint_id: Export(self.settings, way.post, "sk_test")}, self.clock
        )
        each = self.settings
        await self.endpoints.add(
            Endpoint(each.endpoint_id, "", "", "", each.endpoint_url, each.types, 0, Reach.UNPROVEN), 9
        )
        await self.endpoints.prove(each.endpoint_id, 0)
        self.start()

    def start(self) -> None:
        """A courier, as after a crash: what the one before did not keep is told again."""
        version = lambda: len(self.happened.kept())  # noqa: E731
        self.courier = Courier(
            self.happened, self.endpoints, {self.system.kind: self.exports}, self.clock, version
        )

    async def until_told(self, rounds: int = 60) -> None:
        for _ in range(rounds):
            await self.courier.round()
            await self.courier.idle()
            found = await self.endpoints.get(self.settings.endpoint_id)
            if found.after == await self.happened.last():
                return
            if found.tries:
                self.clock.advance(found.next_at - self.now() + 1)
        raise AssertionError("it was never told")

    def now(self) -> int:
        return self.clock.now_us() // 1_000_000

    async def deliveries(self):
        return await self.endpoints.deliveries(99)


@pytest.fixture(params=["stripe", "lago", "openmeter"])
async def room(request):
    made = Room(request.param)
    await made.open()
    yield made
    await made.courier.stop()
    await made.server.close()


@pytest.mark.parametrize("seed", range(3))
async def test_a_system_that_fails_and_loses_answers_counts_each_event_once(room, seed):
    dice = random.Random(seed)
    room.system.moods = dice.choices(["well", "down", "lost"], [2, 1, 2], k=30)
    numbers = list(range(1, 13))
    dice.shuffle(numbers)
    at = room.now()
    for nth in numbers:
        room.happened.keep([usage(nth, at)])
        if dice.random() < 0.3:
            await room.courier.round()
            await room.courier.idle()
            room.start()
    await room.until_told()
    assert sorted(room.system.taken.values()) == sorted(numbers)
    assert room.system.asked > len(numbers)
    assert room.system.authorizations == {"Bearer sk_test"}
    assert all(each.done for each in await room.deliveries())


async def test_the_same_events_told_all_over_again_change_nothing(room):
    room.happened.keep([usage(nth, room.now()) for nth in (3, 1, 2)])
    await room.until_told()
    happenings = [
        Happening(at, each)
        for at, each in enumerate([usage(2, room.now()), usage(3, room.now()), usage(1, room.now())])
    ]
    endpoint = await room.endpoints.get(room.settings.endpoint_id)
    for each in happenings:
        assert (await room.exports.tell(endpoint, each)).said is Said.TOLD
    assert sum(room.system.taken.values()) == 6


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, Said.NEVER), (413, Said.NEVER), (401, Said.LATER), (403, Said.LATER), (404, Said.LATER), (429, Said.LATER), (500, Said.LATER), (302, Said.LATER)],
)  # fmt: skip
async def test_what_an_answer_means(status, said):
    room = Room("openmeter")

    async def answer(_):
        return web.Response(status=status, headers={"Location": "https://elsewhere.example/"})

    room.system.answer = answer
    await room.open()
    endpoint = await room.endpoints.get(room.settings.endpoint_id)
    outcome = await room.exports.tell(endpoint, Happening(1, usage(1, room.now())))
    assert (outcome.said, outcome.status) == (said, 0 if status == 302 else status)
    await room.server.close()


async def test_an_invoice_of_stripe_that_dies_between_its_two_requests_is_one_invoice_with_one_item():
    room = Room("stripe")
    await room.open(invoices=True)
    body = {"document": "in_1", "kind": "invoice", "number": "I000001", "period": "2026-10", "currency": "USD", "total_micros": 2_380_000}  # fmt: skip
    room.system.moods = ["lost", "well", "down", "well", "lost", "well", "well"]
    room.happened.keep(
        [event("invoice.issued", at=room.now(), site="", subject="in_1", licensee="le_1", body=body)]
    )
    await room.until_told()
    assert len(room.system.keys) == 2
    (_, invoice), (item, _) = room.system.keys.values()
    assert item["invoice"] == invoice["id"]
    assert item["amount"] == "238"
    await room.server.close()


async def test_what_stripe_may_have_forgotten_is_not_sent_again_and_somebody_is_told():
    room = Room("stripe")
    await room.open()
    room.happened.keep([usage(1, room.now())])
    room.system.moods = ["lost"]
    await room.courier.round()
    await room.courier.idle()
    room.clock.advance(24 * 3600)
    await room.until_told()
    assert room.system.asked == 1
    (delivery,) = await room.deliveries()
    assert not delivery.done
    assert "by hand" in delivery.why
    room.happened.keep([usage(2, room.now() - 36 * 86_400)])
    await room.until_told()
    assert room.system.asked == 1
    assert "35 days" in (await room.deliveries())[0].why
    await room.server.close()


async def test_a_licensee_that_is_no_customer_holds_nobody_up():
    room = Room("stripe")
    await room.open()
    room.happened.keep([usage(1, room.now(), "le_9"), usage(2, room.now())])
    await room.until_told()
    assert list(room.system.taken.values()) == [2]
    assert [each.done for each in await room.deliveries()] == [True, False]
    assert (
        await room.exports.tell(Endpoint("we_9", "", "", "", "stripe:x", (), 0), Happening(1, usage(1, 1)))
    ).said is Said.GONE
    await room.server.close()
