"""What is in force is kept before it is told, once for each policy."""

from __future__ import annotations

from dataclasses import replace

from gateway.policy.rules import Mode


async def test_a_policy_is_published_once_and_kept_at_once(world):
    version, taken = await world.terms.of(world.policy)
    assert await world.versions.version("journal", version.name) == version
    assert (taken.name, taken.at, taken.policy) == (version.name, world.now, world.policy.digest)
    world.clock.advance(100)
    world.versions.down = "not asked again"
    assert await world.terms.of(world.policy) == (version, taken)


async def test_observing_publishes_nothing(world):
    assert await world.terms.of(world.make_policy(mode=Mode.OBSERVE)) is None


async def test_a_policy_that_came_back_is_in_force_again(world):
    first, _ = await world.terms.of(world.policy)
    other = replace(world.make_policy(world.offers[:1]), digest="sha-256:other", by_offer={})
    second, _ = await world.terms.of(other)
    again, _ = await world.terms.of(world.policy)
    assert (first == again, first == second) == (True, False)
    assert [each.name for each in await world.versions.history("journal", 9)] == [
        first.name,
        second.name,
        first.name,
    ]
