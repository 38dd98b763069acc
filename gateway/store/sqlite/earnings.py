"""`billing.author_shares.Earnings` on SQLite."""

from __future__ import annotations

from typing import Any, Final

import apsw

from gateway.billing.author_shares import Earned
from gateway.billing.postings import earned
from gateway.store.sqlite.database import Database

_UNTIL: Final = (
    "SELECT currency, max(CAST(json_extract(CAST(own_canonical AS TEXT), '$.reference') AS BIGINT)) AS until FROM entries"
    " WHERE kind = 'book' AND licensee = '' AND license = '' AND site = ?2 GROUP BY currency"
)
# What is undone counts for what it undoes: that has the work.
_EARNED: Final = (
    "SELECT e.work, e.license, p.currency, sum(CASE WHEN p.credit = ?1 THEN p.micros ELSE -p.micros END) AS sum"  # noqa: S608
    " FROM (SELECT * FROM postings WHERE credit = ?1 UNION ALL SELECT * FROM postings WHERE debit = ?1) AS p"
    " JOIN entries AS e ON e.id = CASE WHEN p.code = 'reversal' THEN p.undoes ELSE p.entry_id END"
    f" LEFT JOIN ({_UNTIL}) AS u ON u.currency = p.currency"
    " WHERE p.seq > coalesce(u.until, 0) AND p.code <> 'share'"
    " GROUP BY e.work, e.license, p.currency HAVING sum(CASE WHEN p.credit = ?1 THEN p.micros ELSE -p.micros END) <> 0 ORDER BY e.work, e.license, p.currency"
)


class SqliteEarnings:
    """Reads the books that the keeper folds."""

    def __init__(self, database: Database) -> None:
        """Read *database*."""
        self._database = database

    async def undivided(self, site: str) -> tuple[int, tuple[Earned, ...]]:
        """The last place in the journal, and what *site* earned since it was divided."""

        def act(db: apsw.Connection) -> tuple[int, tuple[Earned, ...]]:
            last = db.execute("SELECT coalesce(max(seq), 0) FROM journal").get
            rows: list[Any] = db.execute(_EARNED, (earned(site), site)).fetchall()
            assert isinstance(last, int)
            return last, tuple(Earned(*row) for row in rows)

        return await self._database.read(act)
