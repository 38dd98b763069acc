"""How far back audits of the licenses on SQLite may look."""

from __future__ import annotations

from typing import Any

import apsw

from gateway.licenses.license import BY_FETCH
from gateway.licenses.retention import AuditWindow
from gateway.store.sqlite.database import Database


async def audit_windows(database: Database) -> tuple[AuditWindow, ...]:
    """One of each version of each license that allows audits. Raises `StoreUnavailable`."""

    def act(db: apsw.Connection) -> tuple[AuditWindow, ...]:
        rows: Any = db.execute(
            "SELECT id, max(ends_at), CAST(json_extract(terms, '$.audit.audit_window_months') AS BIGINT) AS months FROM license_terms"
            " WHERE CAST(json_extract(terms, '$.audit.audits_per_year') AS BIGINT) > 0 AND substr(id, 1, 3) <> ? GROUP BY id, months",
            (BY_FETCH,),
        )
        return tuple(AuditWindow(*row) for row in rows)

    return await database.read(act)
