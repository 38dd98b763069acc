"""Nobody is called a forger, nobody a person, and evidence carries its day."""

from __future__ import annotations

import itertools

import pytest

from gateway.visitors.naming import of, told
from gateway.visitors.reasons import REASONS
from gateway.visitors.visitor import PERSON, Identity, VisitorClass

DATED = "ip_list_dated:acme@2026-09-02"


@pytest.mark.parametrize(
    ("identity", "reasons", "words"),
    [
        ("verified", ("ip_in:acme", DATED), "Bot, verified (address in the published list of 2026-09-02)"),
        ("verified", ("sig_form:string", "sig_valid"), "Bot, verified (by its signature)"),
        ("verified", (), "Bot, verified"),
        (
            "spoofed",
            ("ip_not_in:acme", DATED),
            "claimed to be Bot; not proven (address not in the published list of 2026-09-02)",
        ),
        ("spoofed", ("rdns_mismatch",), "claimed to be Bot; not proven (the name of its address is another)"),
        ("spoofed", ("sig_invalid:signature",), "claimed to be Bot; not proven (its signature fails)"),
        (
            "unverifiable",
            ("ip_not_in:acme", "ip_list_stale:acme", "ip_near:acme", DATED),
            (
                "claimed to be Bot; not proven (address not in the published list of 2026-09-02,"
                " which may be out of date, but close to it)"
            ),
        ),
        (
            "unverifiable",
            ("ip_not_in:a", "ip_not_in:b", DATED, "ip_list_dated:b@2026-01-31"),
            "claimed to be Bot; not proven (address not in the published list of 2026-01-31)",
        ),
        ("unverifiable", ("recipe_unchecked",), "claimed to be Bot; not proven (it was not checked)"),
        (
            "claimed",
            ("ua_claim:Bot",),
            "claimed to be Bot; not proven (its operator publishes nothing to check it by)",
        ),
        ("claimed", ("ua_kind:Bot",), "by its own words of the kind \u201cBot\u201d; not proven"),
        ("claimed", (), "claimed to be Bot; not proven"),
        ("spoofed", (), "claimed to be Bot; not proven"),
        (
            "none",
            ("ip_operator_undeclared:acme", DATED),
            "without a claim, from the network of Acme (published list of 2026-09-02)",
        ),
    ],
)
def test_words(identity: str, reasons: tuple[str, ...], words: str) -> None:
    assert told("Bot", "Acme", visitor_class="ai", identity=identity, reasons=reasons) == words


def test_nobody_is_called_a_person_or_a_forger() -> None:
    assert of(PERSON) == "no evidence of automation"
    assert told("", "", visitor_class="automation", identity="none") == (
        "an automated visitor without a known name"
    )
    for name, kind, identity, reason in itertools.product(("", "Bot"), VisitorClass, Identity, REASONS):
        words = told(name, "Acme", visitor_class=kind, identity=identity, reasons=(f"{reason}:x",))
        assert not {"human", "person", "forged", "spoof", "fake"} & set(words.lower().split())
        proven = identity is Identity.VERIFIED and name != "" and reason != "ua_kind"
        assert proven == ("verified" in words)
