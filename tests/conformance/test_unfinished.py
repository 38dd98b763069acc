"""`Unfinished`: purchases between their fee and their license."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.licenses.unfinished import Purchase
from gateway.money import Money
from gateway.tokens.claims import Budget


@pytest.mark.parametrize(
    "license",
    [{}, {"version": 3}, {"budget": Budget(5, 7)}, {"crawlers": frozenset({"gptbot", "a"})}, {"offer": ""}],
)
async def test_a_purchase_is_given_as_it_was_kept(ports, make, license):
    purchase = Purchase(
        "ag_1", replace(make.license_of("li_1"), **license), Money(5, "USD"), ("li_0", "li_9")
    )
    await ports.unfinished.begin(purchase)
    assert await ports.unfinished.all() == (purchase,)


async def test_the_first_of_an_agreement_stands_until_it_is_done(ports, make):
    first, other = (Purchase("ag_1", make.license_of(id), Money(5, "USD")) for id in ("li_1", "li_2"))
    last = Purchase("ag_0", make.license_of("li_3"), Money(5, "EUR"))
    for each in (first, other, last):
        await ports.unfinished.begin(each)
    assert await ports.unfinished.all() == (last, first)
    for agreement in ("ag_1", "ag_1", "ag_7"):
        await ports.unfinished.done(agreement)
    assert await ports.unfinished.all() == (last,)
