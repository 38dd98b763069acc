"""Claims are told once, after a restart too, and what a store did not take is told with the next look."""

from __future__ import annotations

import pytest

from gateway.app.claim_round import ClaimRound
from gateway.problems import StoreUnavailable
from tests.billing.test_claim_events import FILED, NO


class Books:
    """Entries of one license, counted as the port counts them; what was told, by id."""

    def __init__(self):
        self.entries_, self.looks, self.told, self.down = [], 0, {}, False

    async def signs(self):
        return {"li_1": str(len(self.entries_))} if self.entries_ else {}

    async def entries(self, license_id, *, deliveries):
        assert (license_id, deliveries) == ("li_1", False)
        self.looks += 1
        return tuple(self.entries_)

    async def tell(self, events):
        if self.down:
            raise StoreUnavailable("down")
        self.told.update({each.id: each.type for each in events})


async def test_each_change_is_told_once():
    books = Books()
    rounds = ClaimRound(books, books.tell)
    await rounds.act()
    books.entries_.append(FILED)
    for _ in range(3):
        await rounds.act()
    assert (list(books.told.values()), books.looks) == (["claim.filed"], 1)
    books.down = True
    books.entries_.append(NO)
    with pytest.raises(StoreUnavailable):
        await rounds.act()
    books.down = False
    await rounds.act()
    assert list(books.told.values()) == ["claim.filed", "claim.disputed"]
    await ClaimRound(books, books.tell).act()
    assert len(books.told) == 2, "whoever starts again tells the same"
