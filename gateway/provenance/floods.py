"""Summing up floods: many refusals alike become one entry with their count.

Alike are unpaid refusals of one site, network, crawler, kind of visitor and
reason. The first so many of each second are written by themselves; what comes
above that is counted, and told in one `FloodNote` a minute. A licensee's
refusal is never counted away, and neither is anything that was served or owes.

What is counted and not told yet is lost with the process.

The network is personal data, so it stands in the note's erasable detail, as a
prefix (/24, /48), and in no leaf.
"""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from uuid_utils import uuid7

from gateway.provenance.record import FetchDetail, FloodNote
from gateway.provenance.salts import fresh_salt

#: As many sorts of refusal are told apart at once; what comes beyond is counted without its network.
SORTS: Final = 4096
_MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Flood:
    """A note with the detail it commits to and the detail's salt, as the journal takes them."""

    note: FloodNote
    detail: FetchDetail
    detail_salt: bytes


@dataclass(slots=True)
class _Sort:
    second: int
    written: int = 0
    count: int = 0
    since_us: int = 0
    last_us: int = 0


_Key = tuple[str, str, str, str, str, int]


class Floods:
    """Counts refusals above a pace. For any thread; time is that of the records."""

    def __init__(self, per_second: int) -> None:
        """Let *per_second* refusals of a sort be written by themselves; 0 lets all."""
        self._pace = per_second
        self._lock = threading.Lock()
        self._sorts: dict[_Key, _Sort] = {}
        self._begun_us = 0

    def alone(self, site: str, address: str, about: tuple[str, str, str, int], time_us: int) -> bool:
        """Whether an unpaid refusal is to be written by itself; False if it was counted instead.

        *about* are the crawler's name, the class of visitor, the code of the
        refusal and its status.
        """
        if not self._pace:
            return True
        network = network_of(address)
        second = time_us // 1_000_000
        with self._lock:
            self._begun_us = self._begun_us or time_us
            key: _Key = (site, network, *about)
            sort = self._sorts.get(key)
            if sort is None and len(self._sorts) >= SORTS:
                key = (site, "", *about)
                sort = self._sorts.get(key)
            if sort is None:
                sort = self._sorts[key] = _Sort(second)
            if sort.second != second:
                sort.second, sort.written = second, 0
            if sort.written < self._pace:
                sort.written += 1
                return True
            sort.since_us = sort.since_us if sort.count else time_us
            sort.last_us = time_us
            sort.count += 1
            return False

    def told(self, now_us: int, *, all: bool = False) -> list[Flood]:
        """What was counted, once a minute has passed since the first refusal, or now where *all* is wanted.

        From here on it is told: whoever calls must write it down.
        """
        if not self._begun_us or not (all or now_us - self._begun_us >= _MINUTE_US):
            return []
        with self._lock:
            sorts, self._sorts, self._begun_us = self._sorts, {}, 0
        return [_flood(key, sort) for key, sort in sorts.items() if sort.count]


@lru_cache(maxsize=SORTS)
def network_of(address: str) -> str:
    """The network that *address* is counted under: its /24 or /48, or "" for what is no address.

    >>> network_of("198.51.100.23"), network_of("2001:db8:1:2::3")
    ('198.51.100.0/24', '2001:db8:1::/48')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def _flood(key: _Key, sort: _Sort) -> Flood:
    site, network, crawler, visitor_class, problem, status = key
    detail, salt = FetchDetail(address=network), fresh_salt()
    note = FloodNote(
        id=str(uuid7()),
        time_us=sort.last_us,
        since_us=sort.since_us,
        count=sort.count,
        site=site,
        crawler=crawler,
        visitor_class=visitor_class,
        problem=problem,
        status=status,
        detail=detail.commitment(salt),
    )
    return Flood(note, detail, salt)
