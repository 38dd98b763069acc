"""Two data folders on the same parts: what is changed in one is in the other, and the first of two changes stands."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from gateway.app.sharing import Sharing, joined
from gateway.clock import SystemClock
from gateway.config import Config
from gateway.keys.key_ring import KeyRing
from gateway.keys.sealed import new_key
from gateway.problems import ConfigurationError
from gateway.settings import Store

KEY = new_key()


@dataclass
class Rows:
    """`store.postgres.places.Parts` in memory (tests/store/postgres/test_places.py has the real one)."""

    rows: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    async def generations(self):
        return {name: generation for name, (generation, _) in self.rows.items()}

    async def part(self, name):
        return self.rows.get(name)

    async def put(self, name, base, sealed):
        if self.rows.get(name, (0, b""))[0] != base:
            return False
        self.rows[name] = base + 1, sealed
        return True


@pytest.fixture
def rows():
    return Rows()


@pytest.fixture
def machine(tmp_path, rows):
    """`machine("a")`: the sharing of a data folder of that name, and its settings."""

    def make(name: str, key: str = KEY) -> tuple[Sharing, Config]:
        config = Config(tmp_path / name, store=Store(shared_key=key))
        config.folder.mkdir(exist_ok=True)
        return Sharing(config, rows), config

    return make


async def begun(machine, name: str) -> tuple[Sharing, Config]:
    one, config = machine(name)
    await one.join()
    if not KeyRing.exists(config.keys):
        config.keys.parent.mkdir(parents=True, exist_ok=True)
        KeyRing.create(config.keys, clock=SystemClock())
    await one.settle()
    return one, config


def policy(config: Config, text: str) -> None:
    config.sites.mkdir(exist_ok=True)
    (config.sites / "journal.toml").write_text(text)


def stands() -> bool:
    return True


async def test_the_second_has_the_keys_of_the_first(machine, rows):
    _, a = await begun(machine, "a")
    _, b = await begun(machine, "b")
    assert KeyRing.open(a.keys, SystemClock()).list() == KeyRing.open(b.keys, SystemClock()).list()
    assert (a.folder / "keys" / "webhooks").read_bytes() == (b.folder / "keys" / "webhooks").read_bytes()
    assert all(b"PRIVATE KEY" not in sealed for _, sealed in rows.rows.values())


async def test_of_two_that_begin_at_once_one_has_its_keys_taken(machine):
    one, a = machine("a")
    two, b = machine("b")
    for sharing, config in ((one, a), (two, b)):
        await sharing.join()
        config.keys.parent.mkdir(parents=True)
        KeyRing.create(config.keys, clock=SystemClock())
    await one.settle()
    await two.settle()
    assert KeyRing.open(a.keys, SystemClock()).list() == KeyRing.open(b.keys, SystemClock()).list()


async def test_a_policy_is_given_only_once_it_stands(machine):
    one, a = await begun(machine, "a")
    two, b = await begun(machine, "b")
    policy(a, "first")
    await one.look(lambda: False, leads=True)
    assert await two.look(stands, leads=False) == frozenset()
    await one.look(stands, leads=True)
    assert await two.look(stands, leads=False) == {"policies"}
    assert (b.sites / "journal.toml").read_text() == "first"
    assert await two.look(stands, leads=False) == frozenset()
    assert await one.look(stands, leads=True) == frozenset()


async def test_the_first_of_two_changes_stands_and_the_other_is_set_aside(machine):
    one, a = await begun(machine, "a")
    two, b = await begun(machine, "b")
    policy(a, "first")
    await one.look(stands, leads=True)
    await two.look(stands, leads=False)
    policy(a, "of a")
    policy(b, "of b")
    await one.look(stands, leads=True)
    await two.look(stands, leads=False)
    assert (b.sites / "journal.toml").read_text() == "of a"
    (aside,) = (b.folder / "set-aside").glob("policies-*/sites/journal.toml")
    assert aside.read_text() == "of b"
    assert await one.look(stands, leads=True) == frozenset()


async def test_what_changed_while_a_machine_was_down_is_given_when_it_is_up(machine):
    one, a = await begun(machine, "a")
    two, b = await begun(machine, "b")
    policy(a, "first")
    await one.look(stands, leads=True)
    await two.look(stands, leads=False)
    policy(b, "while down")
    again, _ = await begun(machine, "b")
    await again.look(stands, leads=False)
    assert await one.look(stands, leads=True) == {"policies"}
    assert (a.sites / "journal.toml").read_text() == "while down"


async def test_the_witnessed_head_goes_out_from_who_leads_alone(machine):
    one, a = await begun(machine, "a")
    two, b = await begun(machine, "b")
    for config, text in ((a, "of the keeper"), (b, "of a follower")):
        config.log.mkdir(exist_ok=True)
        (config.log / "witnessed").write_text(text)
    await two.look(stands, leads=False)
    assert await one.look(stands, leads=True) == frozenset()
    assert await two.look(stands, leads=False) == {"seen"}
    assert (b.log / "witnessed").read_text() == "of the keeper"


async def test_another_key_opens_nothing(machine):
    await begun(machine, "a")
    other, config = machine("b", new_key())
    with pytest.raises(ConfigurationError, match="does not open what the machines share"):
        await other.join()
    assert not config.keys.exists()


async def test_a_folder_with_keys_of_its_own_is_not_taken_over(machine, tmp_path):
    await begun(machine, "a")
    other, config = machine("b")
    config.keys.parent.mkdir()
    KeyRing.create(config.keys, clock=SystemClock())
    mine = KeyRing.open(config.keys, SystemClock()).list()
    with pytest.raises(ConfigurationError, match="has other keys"):
        await other.join()
    assert KeyRing.open(config.keys, SystemClock()).list() == mine


async def test_a_shared_key_without_a_database_is_a_mistake(tmp_path):
    with pytest.raises(ConfigurationError, match=r"needs store\.database"):
        await joined(Config(tmp_path, store=Store(shared_key=KEY)))
    await joined(Config(tmp_path))


async def test_what_a_part_was_before_cannot_be_put_back(machine, rows):
    """A revoked key would be one again: whoever can write the database has no say in it."""
    one, _ = await begun(machine, "a")
    before = rows.rows["keys"]
    (one._config.keys.parent / "nonces").write_bytes(b"n" * 32)
    await one.look(stands, leads=True)
    assert rows.rows["keys"][0] == 2
    rows.rows["keys"] = 3, before[1]
    with pytest.raises(ConfigurationError, match="does not open what the machines share"):
        await one.look(stands, leads=True)
