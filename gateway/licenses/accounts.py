"""Whose account a signed request is paid from, and how far it may be overdrawn: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_accounts.py`. An *agent* is the normalized URL of a
signature agent (`visitors.signature_agent`); it is tied to one licensee at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.licenses.license import Standing
from gateway.money import Money


@dataclass(frozen=True, slots=True)
class Account:
    """A licensee that pays by the fetch, with its credit *limits*: what it may owe, by currency."""

    licensee: str
    standing: Standing
    limits: tuple[Money, ...] = ()


class Accounts(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def by_agent(self, agent: str) -> Account | None:
        """The account that *agent* is tied to, as it stands at this call."""
        ...

    async def tie(self, agent: str, licensee: str) -> bool:
        """Tie *agent* to *licensee*, and to nobody else from now on; False if there is no such licensee."""
        ...

    async def untie(self, agent: str) -> bool:
        """Let *agent* pay for nobody; False if it did not."""
        ...

    async def agents_of(self, licensee: str) -> tuple[str, ...]:
        """The agents that pay from the account of *licensee*, sorted."""
        ...

    async def set_limit(self, licensee: str, limit: Money) -> bool:
        """Let *licensee* owe up to *limit* in its currency, zero for nothing; False if there is no such licensee.

        The `SpendBook` knows at once. What is owed already stays owed. Raises
        `ValueError` for a limit below zero.
        """
        ...

    async def limits_of(self, licensee: str) -> tuple[Money, ...]:
        """The limits above zero of *licensee*, by currency."""
        ...
