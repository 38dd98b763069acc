"""Messages of Standard Webhooks 1.0, verified by the library of its authors."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.event import event
from gateway.outbox.endpoints import Endpoint
from gateway.outbox.webhook import PING, Secrets, message, ping, signed

SECRETS = Secrets(b"r" * 32)
ENDPOINT = Endpoint("we_1", "le_1", "journal", "https://journal.example", "https://ai.example/hook", (), 5)
HAPPENED = event(
    "negotiation.offered",
    at=1_795_000_000,
    site="journal",
    licensee="le_1",
    subject="ne_1",
    body={"state": "OFFERED", "path": "/.licet/negotiations/ne_1", "who": "Ünal"},
)


def test_the_body_says_what_when_and_where():
    told = json.loads(message(HAPPENED, ENDPOINT.origin))
    assert told == {
        "type": "negotiation.offered",
        "timestamp": "2026-11-18T11:06:40Z",
        "data": {
            "state": "OFFERED",
            "path": "/.licet/negotiations/ne_1",
            "who": "Ünal",
            "site": "journal",
            "licensee": "le_1",
            "url": "https://journal.example/.licet/negotiations/ne_1",
        },
    }
    assert "url" not in json.loads(message(HAPPENED))["data"]
    assert message(HAPPENED) == message(HAPPENED), "the same octets at every attempt"


def test_a_receiver_verifies_it_with_each_secret_that_is_valid_and_no_other():
    body, now = message(HAPPENED), int(time.time())
    valid = tuple(SECRETS.secret("we_1", each) for each in (2, 1))
    headers = dict(signed(HAPPENED.id, body, valid, now))
    assert headers["webhook-id"] == HAPPENED.id
    for secret in valid:
        assert Webhook(secret).verify(body, headers)["type"] == "negotiation.offered"
    others = (SECRETS.secret("we_1", 3), SECRETS.secret("we_2", 2), Secrets(b"s" * 32).secret("we_1", 2))
    for secret in others:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)
    for name, changed in (("webhook-id", "ev_0"), ("webhook-timestamp", str(now - 1))):
        with pytest.raises(WebhookVerificationError):
            Webhook(valid[0]).verify(body, {**headers, name: changed})
    with pytest.raises(WebhookVerificationError):
        Webhook(valid[0]).verify(body.replace(b"OFFERED", b"AGREED"), headers)


def test_a_secret_has_the_form_of_the_specification_and_stays_out_of_sight():
    secret = SECRETS.secret("we_1", 1)
    assert secret.startswith("whsec_")
    assert secret == SECRETS.secret("we_1", 1)
    assert "rrrr" not in repr(SECRETS)


def test_a_ping_asks_what_only_a_reader_at_that_url_can_know():
    challenge = SECRETS.challenge(ENDPOINT)
    id, body = ping(ENDPOINT, challenge, 1_795_000_000)
    told = json.loads(body)
    assert (id[:3], told["type"]) == ("ev_", PING)
    assert told["data"]["confirm"] == "https://journal.example/.licet/webhooks/we_1/verification"
    assert told["data"]["challenge"] == challenge
    assert challenge != SECRETS.challenge(replace(ENDPOINT, url="https://ai.example/other"))
    assert challenge != SECRETS.challenge(replace(ENDPOINT, id="we_2"))
    assert challenge not in SECRETS.secret("we_1", 1)
