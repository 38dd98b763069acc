"""What was seen of a site in rows that left the database, added up as `traffic` adds up those that are there.

Read one by one from packed files: a period whose rows left takes seconds for
each hundred thousand of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apsw

from gateway.provenance.record import FetchRecord, FloodNote
from gateway.store.sqlite.columns import columns_of
from gateway.store.sqlite.shelved import Left, LeftRows, gone
from gateway.store.sqlite.words import FACE

_CRAWLER, _OPERATOR, _CLASS = FACE.index("crawler"), FACE.index("operator"), FACE.index("visitor_class")
_IDENTITY, _METHOD, _WORK = FACE.index("identity"), FACE.index("method"), FACE.index("work")
_CURRENCY = FACE.index("currency")


class LeftTraffic(NamedTuple):
    """Rows as the queries of `traffic` give them: of each crawler, and of each work or path."""

    crawled: list[tuple[Any, ...]]
    wanted: list[tuple[Any, ...]]


def left_traffic(db: apsw.Connection, site: str, since_us: int, until_us: int) -> LeftTraffic | None:
    """The sums over what left of *site* from *since_us* on and before *until_us*; None where nothing of that time left."""
    names: dict[str, tuple[str, str]] = {}
    sums: dict[str, Counter[str]] = {}
    wanted: dict[str, tuple[int, int]] = {}
    for left in _of_site(db, site, since_us, until_us):
        columns = columns_of(left.entry)
        face = columns.face
        crawler = face[_CRAWLER]
        operator, visitor_class = names.get(crawler, ("", ""))
        names[crawler] = max(operator, face[_OPERATOR]), max(visitor_class, face[_CLASS])
        count = sums.setdefault(crawler, Counter())
        content = left.kind == "fetch" and face[_METHOD] == "GET" and 200 <= columns.status <= 299
        count["all"] += columns.requests
        count["content"] += content
        count["licensed"] += columns.outcome == "licensed"
        count["verified"] += columns.requests if face[_IDENTITY] == "verified" else 0
        count["sent"] += columns.bytes_sent
        if content:
            name = face[_WORK] or columns.path
            fetches, sent = wanted.get(name, (0, 0))
            wanted[name] = fetches + 1, sent + columns.bytes_sent
    if not sums:
        return None
    keys = ("all", "content", "licensed", "verified", "sent")
    return LeftTraffic(
        [(crawler, *names[crawler], *(count[key] for key in keys)) for crawler, count in sums.items()],
        [(name, *each) for name, each in wanted.items()],
    )


def left_fetches(
    db: apsw.Connection, site: str, crawlers: frozenset[str], since_us: int, until_us: int
) -> Iterator[tuple[Any, ...]]:
    """What *crawlers* fetched of *site* in that time and left, as the rows of `traffic` are, the number last."""
    for left in _of_site(db, site, since_us, until_us):
        columns = columns_of(left.entry)
        face = columns.face
        if face[_CRAWLER] not in crawlers:
            continue
        detail: Any = db.execute("SELECT evidence, address FROM details WHERE id = ?", (left.id,)).fetchone()
        yield (
            left.time_us, columns.path, face[_METHOD], columns.status, columns.bytes_sent, face[_CRAWLER],
            face[_OPERATOR], face[_CLASS], face[_IDENTITY], columns.outcome, columns.quote_micros,
            columns.charged_micros, face[_CURRENCY], columns.requests, *(detail or (None, None)), left.seq,
        )  # fmt: skip


def merged(
    rows: Iterable[Sequence[Any]], left: Iterable[Sequence[Any]], by: int, most: int
) -> list[tuple[Any, ...]]:
    """Both, those of one name added up (texts: the later word), by the number at index *by*, the most first."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, *values in (*rows, *left):
        before = found.get(name)
        found[name] = (
            tuple(values)
            if before is None
            else tuple(max(one, two) if isinstance(one, str) else one + two for one, two in zip(before, values, strict=True))
        )  # fmt: skip
    made = [(name, *values) for name, values in found.items()]
    return sorted(made, key=lambda row: (-row[by], row[0]))[:most]


def _of_site(db: apsw.Connection, site: str, since_us: int, until_us: int) -> Iterator[Left]:
    if gone(db, since_us, until_us) is None:
        return
    with LeftRows(db) as reading:
        for left in reading.within(since_us, until_us):
            if left.site == site and isinstance(left.entry, FetchRecord | FloodNote):
                yield left
