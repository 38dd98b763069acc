"""Which clients a licensee has: a storage port on the register's rows.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_client_list.py`.
"""

from __future__ import annotations

from typing import Protocol

from gateway.licenses.license import Client


class ClientList(Protocol):
    """One atomic act per method. Raises `StoreUnavailable` when the store cannot answer."""

    async def clients_of(self, licensee: str) -> tuple[Client, ...]:
        """Every client of *licensee*, the oldest first."""
        ...
