"""Purchases between their fee and their license: a storage port, so that no crash leaves money taken for nothing.

A purchase with something due at signing is kept before the fee is taken and
forgotten once the license is. Whoever starts on the same store finds what broke
off in between, and either completes it or gives the fee back.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_unfinished.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.licenses.license import License
from gateway.money import Money


@dataclass(frozen=True, slots=True)
class Purchase:
    """*license*, or a later version of one, that is granted once *due* is paid.

    *agreement* is the id of what was agreed, and of its fee. *spent* are the
    licenses that say the same and are used up (`LicenseRegister.grant`).
    """

    agreement: str
    license: License
    due: Money
    spent: tuple[str, ...] = ()


class Unfinished(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer."""

    async def begin(self, purchase: Purchase) -> None:
        """Keep *purchase* until it is done; one of an agreement that is there already stands as it is."""
        ...

    async def done(self, agreement: str) -> None:
        """Forget the purchase of *agreement*; without effect where there is none."""
        ...

    async def all(self) -> tuple[Purchase, ...]:
        """What was begun and is not done, by agreement."""
        ...
