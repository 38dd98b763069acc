"""Who bills and by which tax rules: from the settings alone, all mistakes at once."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.billing.billing_rules import BillingRules, Party, read_rate

RULES = {
    "name": "Tide Press", "address": "1 Harbor Road\nPort Example", "tax_id": "XX123",
    "taxes": [{"id": "standard", "rate": "19 %", "text": "VAT"}, {"id": "reverse", "rate": "0 %", "text": "Reverse charge: the recipient owes the tax."}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "millionths"),
    [("19 %", 190_000), ("8.1%", 81_000), ("0", 0), ("100 %", 1_000_000), ("7.0001 %", 70_001)],
)
def test_rates_are_exact(text, millionths):
    assert read_rate(text) == millionths


@pytest.mark.parametrize("text", ["", "a", "-1 %", "101 %", "7.00001 %", "NaN", "1e9", "Infinity"])
def test_other_rates_are_refused(text):
    with pytest.raises(ValueError, match="percentage"):
        read_rate(text)


def test_nothing_about_tax_is_inferred():
    rules = BillingRules.model_validate(RULES)
    assert rules.rule_of(Party(name="Example AI", address="Paris", tax_id="FR1")) is None
    assert rules.rule_of(Party(tax="reverse")).millionths == 0
    assert rules.rule_of(Party(tax="gone")) is None
    default = BillingRules.model_validate({**RULES, "tax": "standard"})
    assert default.rule_of(Party()).rate == "19 %"
    assert default.rule_of(Party(tax="reverse")).text.startswith("Reverse charge")
    assert rules.seller == Party(name="Tide Press", address="1 Harbor Road\nPort Example", tax_id="XX123")


@pytest.mark.parametrize(
    "changes",
    [
        {"tax": "gone"},
        {"taxes": [RULES["taxes"][0]] * 2},
        {"taxes": [{"id": "x", "rate": "19 %", "text": ""}]},
        {"taxes": [{"id": "x", "rate": "200 %", "text": "VAT"}]},
        {"taxes": [{"id": "X Y", "rate": "1 %", "text": "VAT"}]},
        {"mode": "maybe"},
        {"prefix": "a/b"},
        {"name": "a\nb"},
        {"address": "a\x1b[31m"},
        {"reminder_days": 20},
        {"suspend_days": 2},
        {"due_days": -1},
        {"unknown": 1},
    ],
)
def test_mistakes_are_refused(changes):
    with pytest.raises(ValidationError):
        BillingRules.model_validate({**RULES, **changes})


def test_test_mode_is_said_once():
    assert BillingRules(mode="test").test
    assert not BillingRules().test
