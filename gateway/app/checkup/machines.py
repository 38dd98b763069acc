"""The machines that share a database: whether each has what the others have, and what another one still needs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gateway.app.checkup.shared_books import found_there
from gateway.config import Config
from gateway.finding import Finding
from gateway.spoken import counted, with_data

if TYPE_CHECKING:
    from gateway.store.postgres.database import Postgres
    from gateway.store.postgres.places import Place

#: Seconds after which a machine counts as silent.
_SILENT: Final = 60
#: Seconds that two clocks may differ before it is worth a word, and before tokens are refused for it.
_ODD, _WRONG = 2, 30
#: Machines silent for longer were taken away, in seconds.
_GONE: Final = 7 * 86_400


async def looked_at(data: Path, environ: Mapping[str, str]) -> tuple[Finding, ...]:
    """What is found; nothing where `shared_books` finds none, and nothing that the database's own line says already."""

    async def look(config: Config, postgres: Postgres) -> tuple[Finding, ...]:
        from gateway.store.postgres.places import Places

        places = await Places(postgres).all()
        server_us: int = await postgres.read(lambda db: db.execute("SELECT now_us()").get)
        ahead = time.time() - server_us / 1_000_000
        return found(config, postgres.place, places, ahead)

    return await found_there(data, environ, look)


def found(config: Config, here: str, places: Sequence[Place], ahead: float) -> tuple[Finding, ...]:
    """What *places* and a clock that is *ahead* of the server's by some seconds say to the machine *here*. Pure."""
    present = [each for each in places if each.silent_us < _GONE * 1_000_000]
    told = [_sharing(config, len(present)), _clock(ahead)]
    for each in present:
        silent = each.silent_us // 1_000_000
        if silent > _SILENT and each.place != here:
            told.append(
                Finding(
                    "machines",
                    "warn",
                    f"nothing was heard of {each.machine} ({each.place}) for {silent} s",
                    f"what it set aside is credit again {config.store.lost_minutes} minutes after its last word",
                )
            )
    told += _differing(here, present)
    if len(present) > 1 and not config.trust.proxies:
        told.append(
            Finding(
                "machines",
                "warn",
                "no proxy is trusted, so every visitor has the load balancer's address",
                "trust.proxies, or `licet serve --behind-proxy ADDRESS`",
            )
        )
    return tuple(told)


def _sharing(config: Config, count: int) -> Finding:
    machines = f"{counted(count, 'machine')} on this database"
    if config.store.shared_key:
        return Finding("machines", "ok", f"{machines}; keys and policies are the same on all of them")
    if count < 2:
        return Finding(
            "machines",
            "ok",
            machines,
            f"`{with_data('licet store share', config.folder)}` tells what another one needs",
        )
    return Finding(
        "machines",
        "bad",
        f"{machines}, and no store.shared_key: a token of one is refused by the others unless you copied keys and policies",
        f"{with_data('licet store share', config.folder)}, and its two lines on each machine",
    )


def _clock(ahead: float) -> Finding:
    seconds = abs(ahead)
    word = "ahead of" if ahead > 0 else "behind"
    if seconds < _ODD:
        return Finding("machine clock", "ok", "agrees with the database server's")
    state = "bad" if seconds > _WRONG else "warn"
    return Finding(
        "machine clock",
        state,
        f"is {seconds:.0f} s {word} the database server's",
        "run chrony or systemd-timesyncd",
    )


def _differing(here: str, places: Sequence[Place]) -> list[Finding]:
    mine = next((each for each in places if each.place == here), None)
    told: list[Finding] = []
    for each in places:
        if mine is None or each is mine:
            continue
        if each.settings != mine.settings:
            told.append(
                Finding(
                    "machines",
                    "warn",
                    f"{each.machine} ({each.place}) has other settings than this machine",
                    "compare both licet.toml; listen, tls, dashboard, observe, workers and store may differ",
                )
            )
        if each.version != mine.version:
            told.append(
                Finding(
                    "machines", "warn", f"{each.machine} runs licet {each.version}, this machine {mine.version}",
                    "upgrade it too",
                )
            )  # fmt: skip
    return told
