"""What people typed: facts, names and lines, every mistake at its field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.desk.sent_forms import facts_in, lines_in, sentences, wrong_about_who
from gateway.problems import Problem, Refusal

WHO = {"company": "Example AI Labs", "email": "eve@lab.example"}


def test_facts_are_read_one_by_one():
    sent = {"facts.use_case": " answers\r\nto readers ", "facts.launch_date": "soon", "facts.model_class": "huge", "facts.x": "y"}  # fmt: skip
    stated, mistakes = facts_in(sent)
    assert stated == {"use_case": "answers\nto readers"}
    assert mistakes == {
        "facts.launch_date": "is no date such as 2027-03-01",
        "facts.model_class": "is none of none, closed, open",
    }


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, set()),
        ({"company": "  "}, {"company"}),
        ({"company": "a\nb"}, {"company"}),
        ({"company": "x" * 201}, {"company"}),
        ({"email": "eve"}, {"email"}),
        ({"email": "eve@lab"}, {"email"}),
        ({"email": "eve@lab.example\nBcc: all@lab.example"}, {"email"}),
        ({"email": "eve@lab.example, mallory@evil.example"}, {"email"}),
        ({"email": f"{'x' * 250}@lab.example"}, {"email"}),
        ({"client_id": "cl_1"}, {"client_secret"}),
        ({"client_secret": "x"}, {"client_secret"}),
        ({"client_id": "cl_1", "client_secret": "x"}, set()),
    ],
)
def test_who_somebody_is(changed, wrong):
    assert set(wrong_about_who(WHO | changed)) == wrong


def test_lines_are_lines():
    found, mistakes = lines_in({"p.a": " x ", "p.b": "y\nz", "p.c": ""}, {"a": "A", "b": "B", "c": "C"}, "p.")
    assert found == {"a": "x"}
    assert list(mistakes) == ["p.b"]


def test_a_refusal_is_told_in_sentences():
    told = sentences(Refusal(Problem.CREDIT_SPENT, "500 USD are due."))
    assert told[1] == "500 USD are due."
    assert "What you typed is kept" in sentences(Refusal(Problem.NEGOTIATION_OUTDATED))[0]


@given(
    st.dictionaries(
        st.sampled_from(("company", "email", "client_id", "facts.use_case", "facts.products", "p.a")),
        st.text(),
    )
)
def test_every_text_is_taken_as_it_stands_or_told_at_its_field(sent):
    stated, mistakes = facts_in(sent)
    for field in ("use_case", "products"):
        assert (field in stated) + (f"facts.{field}" in mistakes) <= 1
        assert stated.get(field, "") in sent.get(f"facts.{field}", "").replace("\r\n", "\n")
    assert wrong_about_who(sent).keys() <= {"company", "email", "client_secret"}
    assert ("company" in wrong_about_who(sent)) or sent["company"].strip().isprintable()
    lines, wrong = lines_in(sent, {"a": ""}, "p.")
    assert not (lines and wrong)
    assert all(line.isprintable() and len(line) <= 300 for line in lines.values())
