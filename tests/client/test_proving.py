"""What a proven record may say of a fetch, and what it may not."""

from dataclasses import replace

import pytest

from gateway.client.proving import flaw
from gateway.provenance.checkpoint import Checkpoint
from gateway.provenance.receipts import Proven
from gateway.provenance.record import BookEntry, FetchRecord

RECORD = FetchRecord(
    id="0192-a", time_us=1, duration_us=1, site="journal", host="journal.example", method="GET",
    path="/essays/tides", visitor_class="ai", identity="verified", identity_method="signature",
    verdict="license", rule="rules[0]", policy="sha-256:p", mode="enforce", outcome="licensed", status=200,
    bytes_sent=5, ended="complete", detail="", license="li", terms="sha-256:t", currency="USD",
    price_micros=5_000, charged_micros=5_000, digest="d",
)  # fmt: skip
LINE = {
    "path": "/essays/tides", "status": 200, "license": "li", "terms": "sha-256:t", "sha256": "d", "at_most": "USD 0.005",
}  # fmt: skip


def proven(entry):
    return Proven(entry, 0, Checkpoint("journal.example", 1, b"\0" * 32))


@pytest.mark.parametrize(
    "bent",
    [
        {},
        {"charged_micros": 0},
        {"charged_micros": 0, "currency": "EUR"},
        {"digest": ""},
        {"bytes_sent": 9},
    ],
    ids=str,
)
def test_what_agrees_with_the_fetch_has_no_flaw(bent):
    assert flaw(proven(replace(RECORD, **bent)), LINE) == ""


@pytest.mark.parametrize(
    ("bent", "why"),
    [
        ({"path": "/essays/waves"}, "is of another path"),
        ({"status": 404}, "is of another status"),
        ({"license": ""}, "is of another license"),
        ({"terms": "sha-256:u"}, "is of another terms"),
        ({"digest": "e"}, "has the digest of another body"),
        ({"charged_micros": 5_001}, "charges more than was told"),
        ({"currency": "EUR"}, "charges more than was told"),
    ],
    ids=str,
)
def test_what_says_otherwise_is_named(bent, why):
    assert flaw(proven(replace(RECORD, **bent)), LINE) == why


def test_money_that_moved_without_a_fetch_proves_no_fetch():
    entry = BookEntry("0192-a", 1, "fee", "journal", "le", 5_000, "USD", license="li")
    assert flaw(proven(entry), LINE) == "is of no fetch"
    assert flaw(None, LINE) == "is not among the receipts"


def test_a_price_that_cannot_be_read_bounds_nothing():
    assert flaw(proven(RECORD), {**LINE, "at_most": ""}) == "has no price that can be read"
