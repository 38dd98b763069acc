"""Letters say what happened and where to go on, and nothing that the event does not say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk.webhook_schemas import EVENTS
from gateway.event import event
from gateway.licenses.contract import NOTICE
from gateway.outbox.alerts import TYPES
from gateway.outbox.endpoints import is_filter
from gateway.outbox.letters import Reader, letter_of, letter_types
from gateway.visitors.person_reports import PersonReport, reported


def happened(type, subject="ne_1", site="journal"):
    return event(type, at=5, site=site, licensee="le_1", subject=subject, body={"path": "/x"})


@pytest.mark.parametrize(
    ("reader", "type"), [(reader, type) for reader in Reader for type in letter_types(reader)]
)
def test_every_letter_names_what_it_is_about_and_its_number(reader, type):
    assert is_filter(type)
    told = happened(type)
    letter = letter_of(told, reader, "https://journal.example/x")
    assert "ne_1" in letter.subject
    for part in ("What: ne_1", "Site: journal", "Read more: https://journal.example/x", told.id):
        assert part in letter.text
    assert ("Licensee: le_1" in letter.text) is (reader is Reader.OPERATOR)
    assert (NOTICE in letter.text) is type.startswith("negotiation.")
    assert "{" not in letter.text
    assert all(len(line) <= 120 for line in letter.text.splitlines())


def test_what_concerns_no_person_is_no_letter():
    assert letter_of(happened("negotiation.verified"), Reader.OPERATOR) is None
    assert letter_of(happened("negotiation.referred"), Reader.LICENSEE) is None


#: Types that the operator alone hears, which OpenAPI's webhooks do not tell licensees of.
OPERATORS = {"objection.received", "consent.declined", "person.reported", *TYPES}


def test_people_are_written_to_about_what_can_happen():
    assert {type for reader in Reader for type in letter_types(reader)} <= set(EVENTS) | OPERATORS


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_event_makes_a_second_header_line_or_a_template_of_itself(subject, site):
    letter = letter_of(happened("negotiation.referred", subject, site), Reader.OPERATOR)
    assert letter.subject.isprintable()
    assert len(letter.text.splitlines()) == 11


def test_reports_of_people_are_one_letter_an_hour():
    report = PersonReport("pr_1", "journal", 1000, "f-1", "/essays/1", "203.0.113.0/24", "I am no robot")
    letter = letter_of(reported(report, first=True), Reader.OPERATOR)
    assert "Somebody was taken for a machine: pr_1" in letter.subject
    assert "no robot" not in letter.text
    assert letter_of(reported(report, first=False), Reader.OPERATOR) is None
    assert letter_of(reported(report, first=True), Reader.LICENSEE) is None
