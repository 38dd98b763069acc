"""The decision trace says what the record holds, in the order of the path."""

from __future__ import annotations

from gateway.dashboard.trace import answered, trace
from gateway.provenance.record import FetchDetail


def facts(steps, title):
    return dict(next(step.facts for step in steps if step.title == title))


def test_the_steps_are_the_path(make_fetch):
    steps = trace(
        make_fetch(1, "licensed", 10), FetchDetail(address="203.0.113.9", evidence=("ua_claim:GPTBot",))
    )
    assert [step.title for step in steps] == [
        "Evidence", "Identity", "Rule", "Price", "License", "Charge", "Record",
    ]  # fmt: skip
    assert facts(steps, "Evidence") == {
        "Client address": "203.0.113.9",
        "Found": "Its User-Agent says that it is GPTBot. (ua_claim:GPTBot)",
    }
    assert facts(steps, "Rule")["Rule"] == "rule 3"
    assert facts(steps, "Price") == {"Price": "0.02 USD"}
    assert facts(steps, "Charge") == {"Charged": "0.02 USD", "Reason": "first read in the window"}
    assert facts(steps, "License")["Licensee"] == "acme-models"


def test_what_pays_for_itself_is_no_token(make_fetch):
    steps = trace(make_fetch(1, "licensed", 10, license="pf_1", token="pay-7"), None)
    assert facts(steps, "Price") == {"At most": "0.02 USD"}
    said = next(step for step in steps if step.title == "License")
    assert said.sentence == "The request paid for this one fetch itself."
    assert dict(said.facts)["Payment"] == "pay-7" and dict(said.facts)["Licensee"] == "acme-models"


def test_a_refusal_says_which(make_fetch):
    steps = trace(make_fetch(1, "refused", 10), None)
    charge = next(step for step in steps if step.title == "Charge")
    assert charge.sentence == (
        "Refused: the owner of this site does not serve this crawler here. This fetch owes nothing."
    )
    assert dict(charge.facts) == {"Problem": "refused-by-owner"}
    assert facts(steps, "Evidence") == {}


def test_the_answer_says_first_why_it_ended_so(make_fetch):
    refused = "Refused: the owner of this site does not serve this crawler here. This fetch owes nothing."
    assert answered(make_fetch(1, "refused", 10)) == refused
    assert (
        answered(make_fetch(1, "licensed", 10)) == "The rule says: serve under a license. This fetch is owed."
    )
    again = make_fetch(1, "licensed", 10, charged_micros=0, charge_reason="read-before")
    assert answered(again).endswith("This fetch owes nothing: read before, unchanged.")


def test_what_did_not_bind_is_said(make_fetch):
    steps = trace(make_fetch(1, "open", 10), None)
    assert facts(steps, "Charge") == {"Would have been refused": "license-required"}
    assert facts(steps, "Price") == {"Quote": "0.02 USD"}


def test_words_of_a_later_version_do_not_break_it(make_fetch):
    steps = trace(make_fetch(1, "refused", 10, identity="new", verdict="new", problem="new"), None)
    assert len(steps) == 7


def test_a_claim_is_called_one_and_its_evidence_carries_its_day(make_fetch) -> None:
    record = make_fetch(1, "refused", 10, identity="spoofed")
    found = FetchDetail(evidence=("ip_not_in:bytedance", "ip_list_dated:bytedance@2026-09-02"))
    said = {step.title: step.sentence for step in trace(record, found)}
    assert said["Identity"] == (
        "Claimed to be Bytespider; not proven (address not in the published list of 2026-09-02)."
    )
    assert {step.title: step.sentence for step in trace(record, None)}["Identity"] == (
        "Claimed to be Bytespider; not proven."
    )
