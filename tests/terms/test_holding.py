"""Who holds money is always said, and nobody is called escrow who holds none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.billing.postings import waiting
from gateway.terms.holding import NOBODY, Holder, HolderError, Keeps


@pytest.mark.parametrize("text", ["provider:Stripe", "agent:Notary Example & Co.", "nobody"])
def test_a_holder_comes_back_as_it_was_written(text):
    assert str(Holder.read(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "provider", "provider:", "agent: x", "nobody:x", "nobody:", "bank:x", "agent:a:b", "agent:<b>", "agent:" + "x" * 61],
)  # fmt: skip
def test_what_names_nobody_who_holds_money_is_refused(text):
    with pytest.raises(HolderError):
        Holder.read(text)


@given(st.text())
def test_reading_raises_nothing_else(text):
    with contextlib.suppress(HolderError):
        assert str(Holder.read(text)) == text


def test_what_nobody_holds_is_no_escrow():
    agent = Holder(Keeps.AGENT, "Notary Example")
    assert (NOBODY.told, agent.told) == ("milestone payment", "escrow")
    assert "promise to pay" in NOBODY.sentence
    assert "escrow" not in NOBODY.sentence.lower()
    assert "Notary Example" in agent.sentence
    assert "never holds money" in agent.sentence
    assert waiting("lic_1", agent) == "escrow:lic_1:agent:Notary Example"
    assert waiting("lic_1", NOBODY) == "milestone:lic_1"
    for make in (lambda: Holder(Keeps.AGENT), lambda: Holder(Keeps.NOBODY, "x")):
        with pytest.raises(HolderError):
            make()
