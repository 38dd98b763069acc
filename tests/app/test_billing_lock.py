"""Whoever holds the lock is alone with it, and a holder that goes leaves it free."""

from __future__ import annotations

import asyncio

import pytest

from gateway.app.billing_lock import FILE, billing_lock


async def test_one_at_a_time(tmp_path):
    inside, most = 0, 0

    async def act():
        nonlocal inside, most
        async with billing_lock(tmp_path):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(act() for _ in range(6)))
    assert most == 1
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


async def test_an_act_that_fails_leaves_it_free(tmp_path):
    with pytest.raises(ValueError, match="odd"):
        async with billing_lock(tmp_path):
            raise ValueError("odd")
    async with asyncio.timeout(5), billing_lock(tmp_path):
        pass
