"""Webhooks over real TLS: what is a success, and who is told by which way out."""

from __future__ import annotations

import ssl
import time
from dataclasses import replace

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from gateway.clock import SystemClock
from gateway.egress import Egress
from gateway.event import event
from gateway.outbox.courier import Said
from gateway.outbox.endpoints import Endpoint
from gateway.outbox.events import Happening
from gateway.outbox.webhook import PING, Secrets
from gateway.outbox.webhooks import Webhooks

SECRETS = Secrets(b"r" * 32)


class Receiver:
    def __init__(self) -> None:
        self.status, self.heard, self.place = 200, [], ""

    async def answer(self, request):
        self.heard.append((dict(request.headers), await request.read()))
        return web.Response(
            status=self.status,
            headers={"Location": "https://169.254.169.254/", "X-Own": "1"},
            body=b"<b>\0\xff" * 999,
        )


@pytest.fixture
async def receiver(certify):
    made = Receiver()
    certificate = certify("127.0.0.1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    runner = web.ServerRunner(web.Server(made.answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    made.place = f"127.0.0.1:{runner.addresses[0][1]}"
    exempted = Egress(exempt=[made.place], authorities=certificate[0])
    made.strangers = Webhooks(SECRETS, SystemClock(), strangers=exempted, own=Egress())
    made.own = Webhooks(SECRETS, SystemClock(), strangers=Egress(), own=exempted)
    yield made
    await runner.cleanup()


def endpoint(receiver, **changes):
    made = Endpoint(
        "we_1", "le_1", "journal", "https://journal.example", f"https://{receiver.place}/hook", (), 5
    )
    return replace(made, **changes)


HAPPENED = Happening(
    7,
    event("negotiation.offered", at=9, site="journal", licensee="le_1", subject="ne_1", body={"path": "/x"}),
)


async def test_the_event_arrives_signed_with_its_own_id(receiver):
    now = int(time.time())
    rotated = endpoint(receiver, generation=2, rotated_at=now)
    outcome = await receiver.strangers.tell(rotated, HAPPENED)
    assert (outcome.said, outcome.status) == (Said.TOLD, 200)
    ((headers, body),) = receiver.heard
    assert headers["webhook-id"] == HAPPENED.event.id
    for generation in (1, 2):
        told = Webhook(SECRETS.secret("we_1", generation)).verify(body, headers)
        assert told["data"]["url"] == "https://journal.example/x"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (204, Said.TOLD), (299, Said.TOLD), (302, Said.LATER), (308, Said.LATER), (400, Said.LATER), (401, Said.LATER),
        (404, Said.LATER), (410, Said.GONE), (429, Said.LATER), (500, Said.LATER), (503, Said.LATER),
    ],
)  # fmt: skip
async def test_success_is_2xx_alone(receiver, status, said):
    receiver.status = status
    outcome = await receiver.strangers.tell(endpoint(receiver), HAPPENED)
    assert (outcome.said, outcome.status) == (said, status)
    assert outcome.answer in {"", ("<b>\ufffd\ufffd" * 999)[:1024]}, (
        "its beginning as text, without header fields"
    )
    assert bool(outcome.answer) is (status != 204)
    assert len(receiver.heard) == 1


async def test_what_the_operator_exempts_for_itself_is_nothing_that_a_licensee_reaches(receiver):
    for mine, other in ((receiver.own, receiver.strangers),):
        assert (await mine.tell(endpoint(receiver, licensee=""), HAPPENED)).said is Said.TOLD
        refused = await mine.tell(endpoint(receiver), HAPPENED)
        assert (refused.said, refused.status, refused.why[:4]) == (Said.LATER, 0, "url:")
        assert (await other.tell(endpoint(receiver), HAPPENED)).said is Said.TOLD
    assert len(receiver.heard) == 2


async def test_a_ping_asks_whose_it_is(receiver):
    assert (await receiver.strangers.ping(endpoint(receiver))).said is Said.TOLD
    ((headers, body),) = receiver.heard
    told = Webhook(SECRETS.secret("we_1", 1)).verify(body, headers)
    assert told["type"] == PING
    assert told["data"]["challenge"] == SECRETS.challenge(endpoint(receiver))
