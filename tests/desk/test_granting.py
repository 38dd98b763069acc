"""Between a fee and its license: what breaks off there is completed at the next start, or the fee is given back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.billing.reconcile import reconcile
from gateway.licenses.license import License
from gateway.money import Money
from gateway.problems import StoreUnavailable
from gateway.terms.license_terms import Exclusivity


def usd(text):
    return Money.parse(text, "USD")


@pytest.fixture(params=["memory", "sqlite"])
def desk(request):
    return request.getfixturevalue("world" if request.param == "memory" else "sqlite_world")


async def broken_off(desk, made, at="grant"):
    """Let the purchase of the archive die in the call *at* of the register, or in the journal; its status."""
    store = desk.register.store

    async def crash(*_given, **_named):
        raise StoreUnavailable("killed")

    setattr(store, at, crash)
    try:
        return (await desk.token(made, {"offer": "archive"}))[0]
    finally:
        delattr(store, at)


async def taken_by_another(desk, made):
    """An exclusive license over the archive, in somebody else's hands; revoke it to have it gone."""
    terms = replace(desk.policy.by_offer["archive"].terms, exclusivity=Exclusivity(exclusive=True))
    license = License(
        "li_sole", made.licensee.id, "journal", "", terms, "sha-256:policy", desk.now, desk.now + 10_000_000
    )
    assert await desk.register.grant(license) == license


async def restarted(desk):
    await desk.reopen()
    return await desk.desk.sales.finish()


async def test_a_purchase_that_was_paid_for_is_completed_at_the_next_start(desk):
    made = await desk.licensee("600")
    assert await broken_off(desk, made) == 503
    assert not await desk.licenses(made)
    assert await restarted(desk) == 1
    (license,) = await desk.licenses(made)
    assert license.offer == "archive"
    assert await desk.balance(made.licensee.id, "USD") == usd("100")
    assert await restarted(desk) == 0


async def test_a_fee_whose_license_somebody_shut_out_meanwhile_is_given_back_once(desk):
    made, other = await desk.licensee("600"), await desk.licensee("600")
    await broken_off(desk, made)
    assert await desk.balance(made.licensee.id, "USD") == usd("100")
    await taken_by_another(desk, other)
    assert await restarted(desk) == 1
    assert await desk.balance(made.licensee.id, "USD") == usd("600")
    assert not await desk.licenses(made)
    assert await restarted(desk) == 0
    assert (await desk.token(made, {"offer": "archive"}))[0] == 409
    assert await desk.balance(made.licensee.id, "USD") == usd("600")
    assert [entry.kind_of for entry in desk.kept.entries] == ["fee", "reversal"]
    books = await desk.ledger.books()
    assert not reconcile(books).faults


async def test_who_asks_again_in_the_same_process_is_given_the_fee_back_as_well(desk):
    made, other = await desk.licensee("600"), await desk.licensee("600")
    await broken_off(desk, made)
    await taken_by_another(desk, other)
    for _ in range(2):
        assert (await desk.token(made, {"offer": "archive"}))[0] == 409
        assert await desk.balance(made.licensee.id, "USD") == usd("600")
    assert await restarted(desk) == 0


async def test_whoever_was_given_the_fee_back_pays_it_again_for_the_same_license(desk):
    made, other = await desk.licensee("600"), await desk.licensee("600")
    await broken_off(desk, made)
    await taken_by_another(desk, other)
    await restarted(desk)
    await desk.register.revoke("license", "li_sole", desk.now)
    for _ in range(2):
        assert (await desk.token(made, {"offer": "archive"}))[0] == 200
        assert await desk.balance(made.licensee.id, "USD") == usd("100")
    (license,) = await desk.licenses(made)
    assert [entry.id for entry in desk.kept.entries] == [
        license.id, f"{license.id}.back", f"{license.id}.2",
    ]  # fmt: skip


async def test_a_death_before_the_fee_leaves_nothing_owed(desk):
    made = await desk.licensee("600")

    desk.kept.broken = True
    assert (await desk.token(made, {"offer": "archive"}))[0] == 503
    desk.kept.broken = False
    assert await desk.unfinished.store.all() == ()
    assert not await desk.licenses(made)
    assert await desk.balance(made.licensee.id, "USD") == usd("600")


async def test_a_death_between_giving_back_and_forgetting_gives_back_once(desk):
    made, other = await desk.licensee("600"), await desk.licensee("600")
    await broken_off(desk, made)
    await taken_by_another(desk, other)
    await desk.reopen()
    desk.unfinished.store.done, done = None, desk.unfinished.store.done
    with pytest.raises(TypeError):
        await desk.desk.sales.finish()
    desk.unfinished.store.done = done
    assert await restarted(desk) == 1
    assert await desk.balance(made.licensee.id, "USD") == usd("600")
    assert [entry.kind_of for entry in desk.kept.entries] == ["fee", "reversal"]


async def test_what_cannot_be_settled_stays_for_the_next_start(desk):
    made = await desk.licensee("600")
    await broken_off(desk, made)
    await desk.reopen()
    desk.register.down = True
    assert await desk.desk.sales.finish() == 1
    desk.register.down = False
    assert await restarted(desk) == 1
    assert len(await desk.licenses(made)) == 1
