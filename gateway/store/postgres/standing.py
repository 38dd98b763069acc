"""How well a server keeps what it was told: what it syncs, and whom else it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

#: Of a standby, who may not monitor sees that it is there and nothing more.
_SQL: Final = (
    "SELECT current_setting('server_version'), current_setting('fsync') = 'on',"
    " current_setting('full_page_writes') = 'on', current_setting('data_checksums') = 'on',"
    " current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),"
    " count(r.pid), count(*) FILTER (WHERE r.sync_state IN ('sync', 'quorum')),"
    " count(*) FILTER (WHERE r.pid IS NOT NULL AND r.sync_state IS NULL)"
    " FROM (SELECT 1) AS one LEFT JOIN pg_stat_replication r ON true"
)


class Reading(Protocol):
    """What is needed of `database.Postgres`."""

    async def read(self, act: Any) -> Any:
        """Run an act that reads."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """The server's settings as a session of ours has them, and the standbys that follow it now.

    *waited_for* is `synchronous_standby_names`; *in_step* are those standbys without which no commit is answered,
    *unseen* those of which the database's user is not told.
    """

    version: str
    syncs: bool
    whole_pages: bool
    checksums: bool
    commit: str
    waited_for: str
    standbys: int
    in_step: int
    unseen: int


async def standing_of(database: Reading) -> Standing:
    """How the server of *database* stands. Raises `StoreUnavailable`."""
    row = await database.read(lambda db: db.execute(_SQL).fetchone())
    return Standing(*row)
