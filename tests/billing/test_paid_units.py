"""What a till that starts again still knows."""

from __future__ import annotations

from gateway.admission.owed import unit_of
from gateway.admission.pace import Pace
from gateway.admission.spending import Charge
from gateway.admission.till import PaidUnit, Till
from gateway.ask import Ask
from gateway.billing.paid_units import paid_units
from gateway.money import Money
from gateway.origin.delivery import Delivery
from gateway.provenance.record import Ended
from gateway.tokens.claims import Budget


def test_the_oldest_come_first_and_the_latest_time_counts(make):
    units = paid_units(
        [
            make.fetch(id="b", time_us=make.AT + 5_000_000, etag="W/1"),
            make.fetch(id="a", etag="W/1"),
            make.fetch(id="c", time_us=make.AT + 1_000_000, etag="W/1", path="/other"),
            make.fetch(id="d", charged_micros=0, charge_reason="read-before", path="/free"),
            make.fetch(id="e", outcome="open", path="/open"),
        ]
    )
    at, digest = make.AT // 1_000_000, "d" * 64
    assert units == (
        PaidUnit(f"le_1 journal /other sha-256:{digest}", at + 1),
        PaidUnit(f"le_1 journal /essays/tides sha-256:{digest}", at + 5),
    )


def test_a_till_that_starts_from_them_charges_no_re_read(make):
    ask = Ask(
        "r1", make.AT + 10**9, "journal", "https://journal.example", "GET", "/essays/tides", "/essays/tides"
    )
    record = make.fetch(unit=unit_of("le_1", ask))
    till = Till(None, "front-1", Pace(0, 1), remembered=paid_units([record]))
    charge = Charge("r1", "le_1", "lic_1", Money(5_000, "USD"), Budget())

    def owes(digest, etag):
        return till.owed(charge, ask, Delivery(200, 9, digest, Ended.COMPLETE, etag=etag)).reason

    assert owes(record.digest, "") == "read-before"
    assert owes("e" * 64, record.etag) == "read-before"
    assert owes("e" * 64, '"2"') == "fetch"


def test_what_was_granted_to_a_proxy_is_known_again_too(make):
    ask = Ask("r1", make.AT, "journal", "https://journal.example", "GET", "/a?b", "/a", query="b")
    record = make.fetch(unit=unit_of("le_1", ask), digest="", etag="", ended="passed-on")
    till = Till(None, "front-1", Pace(0, 1), remembered=paid_units([record]))
    charge = Charge("r1", "le_1", "lic_1", Money(5_000, "USD"), Budget())
    assert till.owed(charge, ask, Delivery(200, 0, "", Ended.PASSED)).reason == "read-before"
