"""Who stands for a process that ended, where it is replaced at the same moment."""

from __future__ import annotations

import pytest

from gateway.app.supervisor import Supervisor
from gateway.config import read_config


class Child:
    """A process that only knows whether it was told to live or to end."""

    def __init__(self, name: str) -> None:
        self.name, self.said = name, ""

    async def end(self, seconds: float) -> None:
        self.said = "end"


@pytest.fixture
def supervisor(tmp_path):
    """One whose office and worker have ended, and which starts children without a process."""
    one = Supervisor(read_config(tmp_path, environ={}))
    one._office, one._workers["w1"] = Child("office"), Child("w1")
    one.spawned = []

    async def spawned(role, name, zygote=None):
        one.spawned.append(Child(name))
        return one.spawned[-1]

    async def told(child):
        child.said = "live"

    one._spawned, one._told = spawned, told
    return one


@pytest.mark.parametrize("name", ["office", "w1"])
async def test_what_ended_is_started_again(supervisor, name):
    await supervisor._again(name, supervisor._standing(name))
    (child,) = supervisor.spawned
    assert (supervisor._standing(name), child.said) == (child, "live")


@pytest.mark.parametrize("name", ["office", "w1"])
async def test_what_was_replaced_while_its_start_was_put_off_is_not_started_again(supervisor, name):
    ended, replaced = supervisor._standing(name), Child(name)
    supervisor._stands_for(replaced)
    await supervisor._again(name, ended)
    assert (supervisor._standing(name), supervisor.spawned) == (replaced, [])


@pytest.mark.parametrize("name", ["office", "w1"])
async def test_what_was_replaced_while_another_was_made_ends_the_other(supervisor, name):
    ended, replaced, spawned = supervisor._standing(name), Child(name), supervisor._spawned

    async def overtaken(*given):
        supervisor._stands_for(replaced)
        return await spawned(*given)

    supervisor._spawned = overtaken
    await supervisor._again(name, ended)
    (child,) = supervisor.spawned
    assert (supervisor._standing(name), child.said) == (replaced, "end")
