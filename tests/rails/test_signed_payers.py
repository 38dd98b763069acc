"""Who pays for what is signed; the whole table of outcomes stands in `test_price_headers`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.evidence import NOTHING, Need, Needs
from gateway.licenses.license import Standing
from gateway.problems import Problem, Refusal
from gateway.rails.known_accounts import KIND
from gateway.rails.signed_payers import SignedPayers


@pytest.fixture
def payers(world):
    made = world()
    return made, SignedPayers(lambda ask, evidence: made.finding, made.known)


@pytest.mark.parametrize(
    ("changes", "problem", "said"),
    [
        ({"outcome": "unverified", "reasons": ("sig_uncovered:payment-signature",)}, Problem.SIGNATURE_INVALID, "does not cover payment-signature"),
        ({"outcome": "refused", "reasons": ("sig_bad",)}, Problem.SIGNATURE_INVALID, "was found refused: sig_bad"),
        (None, Problem.STRONG_AUTH_REQUIRED, "not signed"),
    ],
)  # fmt: skip
def test_what_is_not_signed_pays_from_no_account(payers, changes, problem, said) -> None:
    made, signed = payers
    made.finding = replace(made.finding, **changes) if changes else None
    found = signed.signer(made.ask(), NOTHING)
    assert isinstance(found, Refusal)
    assert (found.problem, said in found.detail) == (problem, True)


async def test_the_account_is_the_one_that_the_agent_is_tied_to(payers) -> None:
    made, signed = payers
    agent = signed.signer(made.ask(), NOTHING)
    assert signed.payer(agent, NOTHING) == Needs((Need(KIND, agent),))
    need = Need(KIND, agent)
    nobody = NOTHING.with_facts([(need, await made.known.source(need))])
    assert signed.payer(agent, nobody).problem is Problem.PAYMENT_FAILED
    await made.enroll(1000)
    made.clock.advance(3600)
    known = NOTHING.with_facts([(need, await made.known.source(need))])
    assert signed.payer(agent, known).licensee == "le_1"
    await made.register.set_standing("le_1", Standing.SUSPENDED, 1)
    made.clock.advance(3600)
    barred = NOTHING.with_facts([(need, await made.known.source(need))])
    assert "suspended" in signed.payer(agent, barred).detail
