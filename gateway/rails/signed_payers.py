"""Whose account a signed request is paid from: the signature's agent, and the licensee it is tied to."""

from __future__ import annotations

from collections.abc import Callable

from gateway.ask import Ask
from gateway.evidence import Evidence, Need, Needs
from gateway.languages import Phrase
from gateway.licenses.accounts import Account
from gateway.licenses.license import Standing
from gateway.problems import Problem, Refusal
from gateway.rails.known_accounts import KIND, Found, KnownAccounts
from gateway.visitors.signatures import SignatureFinding

Finding = Callable[[Ask, Evidence], SignatureFinding | Needs | None]


class SignedPayers:
    """Finds who pays for what is signed. Pure but for `KnownAccounts`, which is asked for what is at hand."""

    def __init__(self, finding: Finding, accounts: KnownAccounts) -> None:
        """Believe what *finding* says of signatures (`Signatures.finding`), and charge *accounts*."""
        self._finding, self._accounts = finding, accounts

    def signer(self, ask: Ask, evidence: Evidence) -> str | Refusal | Needs:
        """The agent whose signature covers the whole request, and whatever it pays with."""
        found = self._finding(ask, evidence)
        if isinstance(found, Needs):
            return found
        if found is None:
            return Refusal(
                Problem.STRONG_AUTH_REQUIRED, Phrase("This request pays from an account and is not signed.")
            )
        if found.outcome == "verified":
            return found.agent
        why = next((code for code in found.reasons if code.startswith("sig_") and ":" in code[:16]), "")
        bare = [code.partition(":")[2] for code in found.reasons if code.startswith("sig_uncovered:")]
        said = f"does not cover {', '.join(bare)}" if bare else f"was found {found.outcome}"
        listed = "" if bare else f": {', '.join(found.reasons[:6])}"
        return Refusal(
            Problem.SIGNATURE_INVALID,
            f"The signature {said}{listed}.",
            private=why,
        )

    def payer(self, agent: str, evidence: Evidence) -> Account | Refusal | Needs:
        """The account, in good standing, that pays for *agent*."""
        found = evidence.get(KIND, agent) or self._accounts.at_hand(agent)
        if found is None:
            return Needs((Need(KIND, agent),))
        if isinstance(found, Refusal):
            return found
        assert isinstance(found, Found)
        if found.account is None:
            return Refusal(Problem.PAYMENT_FAILED, Phrase("{agent} is tied to no account here.", agent=agent))
        if found.account.standing is not Standing.ACTIVE:
            return Refusal(
                Problem.PAYMENT_FAILED,
                f"The account that pays for {agent} is {found.account.standing}.",
            )
        return found.account
