"""Events beside the change that they tell of: in one transaction, so that neither is without the other."""

from __future__ import annotations

from collections.abc import Iterable

import apsw
import orjson

from gateway.event import Event


def keep_events(db: apsw.Connection, events: Iterable[Event]) -> None:
    """Keep *events* in the transaction that *db* is in; one whose id is there already is the same one."""
    db.executemany(
        "INSERT INTO events (id, type, at, site, licensee, subject, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO NOTHING",
        (
            (
                each.id, each.type, each.at, each.site, each.licensee, each.subject,
                orjson.dumps(dict(each.body), option=orjson.OPT_SORT_KEYS).decode(),
            )
            for each in events
        ),
    )  # fmt: skip
