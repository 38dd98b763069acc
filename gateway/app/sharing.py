"""What several machines on one database have in common, kept the same on all of them (`[store] shared_key`).

The second machine is given the database's URL and the shared key, and nothing
else: keys, policies and the log's name come from the database, where they rest
sealed under that key (`keys.sealed`). What is changed on one machine, by a
command, a page or an editor, is on the others within a second; a policy only
once it is in force and recorded where it was changed, so that all cite one
consent. Of two machines that change one part at once the first wins; what the
other had is set aside and told.

A look comes before the revocations are renewed: no verdict rests on keys that
are older than they. Where the database is away nothing is taken or given, and
what is licensed is refused as always.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
import structlog

from gateway.app import shared_parts
from gateway.app.nonce_secret import secret_at
from gateway.app.shared_parts import KEYS, LOG, POLICIES, SEEN, PartRefused
from gateway.config import Config
from gateway.folders import replace_file
from gateway.keys.sealed import Unsealable, open_sealed, seal
from gateway.problems import ConfigurationError, Mistake, StoreUnavailable
from gateway.store.sqlite.database import Database

if TYPE_CHECKING:
    from gateway.store.postgres.places import Parts

log = structlog.get_logger("licet.sharing")

#: The file that says which generation of each part lies in the folder.
FILE: Final = "shared.json"
_ASIDE: Final = "set-aside"


class Sharing:
    """One machine's side of it."""

    def __init__(self, config: Config, parts: Parts) -> None:
        """Keep the data folder of *config* the same as the *parts* that all machines have."""
        self._config, self._parts = config, parts
        self._key = config.store.shared_key
        self._have = _read(config.folder / FILE)
        self._stamps: dict[str, object] = {}

    async def join(self) -> None:
        """Take what the others have, before anything is made here. Raises `ConfigurationError`, `StoreUnavailable`."""
        generations = await self._parts.generations()
        for name in (KEYS, LOG, POLICIES):
            if generations.get(name, 0) and not await self._met(name, generations[name]):
                raise _mistake(
                    self._config,
                    f"has other {name} than the machines that share the database; move them away",
                )

    async def settle(self) -> None:
        """Have the keys that were just made here be everybody's, or take those of a machine that was faster.

        Raises `ConfigurationError`, `StoreUnavailable`.
        """
        for secret in ("nonces", "webhooks"):
            secret_at(self._config.keys.parent / secret)
        generations = await self._parts.generations()
        for name in (KEYS, LOG):
            await self._level(name, generations.get(name, 0))

    async def look(self, policies_stand: Callable[[], bool], *, leads: bool) -> frozenset[str]:
        """Take what others changed, and give what was changed here; which parts were taken.

        *policies_stand* says whether what lies in the files is in force here and recorded.
        """
        generations = await self._parts.generations()
        taken = set()
        for name in (KEYS, POLICIES, LOG, SEEN):
            generation = generations.get(name, 0)
            if generation > self._have.get(name, (0, ""))[0]:
                await self._take(name, generation)
                taken.add(name)
            elif (name != SEEN or leads) and self._changed(name):
                if name != POLICIES or policies_stand():
                    await self._level(name, generation)
                    continue
                # Looked at again once they are in force.
                self._stamps.pop(name, None)
        return frozenset(taken)

    def _changed(self, name: str) -> bool:
        """Whether a file of the part changed since the last look."""
        found = shared_parts.stamp(self._config, name)
        changed = self._stamps.get(name) != found
        self._stamps[name] = found
        return changed

    async def _met(self, name: str, generation: int) -> bool:
        """Take part *name*, unless what lies here is newer; False where it is not of one history."""
        have, digest = self._have.get(name, (0, ""))
        mine = await asyncio.to_thread(shared_parts.read_part, self._config, name)
        changed = bool(mine) and _digest(mine) != digest
        if generation == have:
            return True  # what was changed here meanwhile is given once the gateway runs
        if changed and not have and name == KEYS:
            found = await self._parts.part(name)
            return found is not None and self._opened(name, *found) == mine
        await self._take(name, generation, joining=not have)
        return True

    async def _level(self, name: str, generation: int) -> None:
        """Give the part as it lies here, after *generation*; where another machine was faster take its own."""
        octets = await asyncio.to_thread(shared_parts.read_part, self._config, name)
        have, digest = self._have.get(name, (0, ""))
        if not octets or (have == generation and _digest(octets) == digest):
            return
        whole = await asyncio.to_thread(shared_parts.read_part, self._config, name, seeds=True)
        if have == generation and await self._parts.put(
            name, generation, seal(self._key, _sealed_as(name, generation + 1), whole)
        ):
            self._keep(name, generation + 1, octets)
            log.info("given to the other machines", part=name, generation=generation + 1)
            return
        await self._take(name, generation + 1)

    async def _take(self, name: str, generation: int, *, joining: bool = False) -> None:
        found = await self._parts.part(name)
        if found is None:
            return
        generation, octets = found[0], self._opened(name, *found)
        try:
            mine = shared_parts.read_part(self._config, name)
            if mine and _digest(mine) != self._have.get(name, (0, ""))[1] and mine != octets:
                self._set_aside(name)
            # Written at once: nobody here takes up half of it.
            shared_parts.write_part(self._config, name, octets, joining=joining)
            self._keep(name, generation, shared_parts.read_part(self._config, name))
        except PartRefused as error:
            raise _mistake(self._config, f"cannot share {name}: {error}") from None
        except OSError as error:
            raise StoreUnavailable(f"What the machines share cannot be written here: {error}") from error
        log.info("taken from another machine", part=name, generation=generation)

    def _opened(self, name: str, generation: int, sealed: bytes) -> bytes:
        try:
            return open_sealed(self._key, _sealed_as(name, generation), sealed)
        except Unsealable as error:
            raise _mistake(self._config, f"does not open what the machines share: {error}") from None

    def _set_aside(self, name: str) -> None:
        aside = self._config.folder / _ASIDE / f"{name}-{time.time_ns()}"
        for path, *_ in shared_parts.stamp(self._config, name):
            copy = aside / Path(path).relative_to(self._config.folder)
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(path, copy)
        log.error(
            "another machine changed this at the same time, and its change stands",
            part=name,
            yours=str(aside),
        )

    def _keep(self, name: str, generation: int, octets: bytes) -> None:
        self._have[name] = (generation, _digest(octets))
        self._stamps[name] = shared_parts.stamp(self._config, name)
        replace_file(self._config.folder / FILE, orjson.dumps(self._have))


def sharing_of(config: Config, database: Database) -> Sharing | None:
    """What keeps the data folder the same as those of other machines on *database*; None where the settings share nothing."""
    from gateway.app.stores import postgres_of

    postgres = postgres_of(database)
    if postgres is None or not config.store.shared_key:
        return None
    from gateway.store.postgres.places import Parts

    return Sharing(config, Parts(postgres))


async def joined(config: Config) -> None:
    """Have what the machines share be in the data folder before a gateway reads it. Raises `ConfigurationError`.

    Without a shared key, or beside a gateway that runs, nothing is done.
    """
    from gateway.app.folder import running
    from gateway.app.stores import open_store
    from gateway.folders import make_folder

    if not config.store.shared_key:
        return
    if not config.store.database:
        raise _mistake(config, "needs store.database: machines share what rests in PostgreSQL")
    if running(config.folder) is not None:
        return
    make_folder(config.folder)
    database = await open_store(config, readers=1)
    try:
        sharing = sharing_of(config, database)
        assert sharing is not None
        await sharing.join()
    except StoreUnavailable as error:
        raise _mistake(config, f"cannot be used: {error}") from error
    finally:
        await database.close()


def _sealed_as(name: str, generation: int) -> str:
    # Whoever can write the database cannot put back what a part was before.
    return f"{name} {generation}"


def _digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def _mistake(config: Config, what: str) -> ConfigurationError:
    return ConfigurationError([Mistake(str(config.folder / "licet.toml"), "store.shared_key", what)])


def _read(path: Path) -> dict[str, tuple[int, str]]:
    try:
        told: Mapping[str, tuple[int, str]] = orjson.loads(path.read_bytes())
        return {str(name): (int(generation), str(digest)) for name, (generation, digest) in told.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
