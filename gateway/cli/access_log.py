"""Access logs in the combined and common formats (Apache HTTP Server 2.4, mod_log_config; nginx), odd ones too.

A line is read from its time outwards, so a virtual host before the address, a
quote around the whole line and fields behind the User-Agent do no harm. Work
grows with the line's length; nothing raises.
"""

from __future__ import annotations

import calendar
import json
import re
from dataclasses import dataclass
from functools import lru_cache

#: Characters of a line that are read.
LONGEST = 16_384
_TIME = re.compile(
    r"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}) ([+-][0-9]{4})\] ", re.ASCII
)
_TEXT = r'"((?:[^"\\]|\\.)*)"'
_REST = re.compile(rf"{_TEXT} ([0-9]{{3}}) ([0-9]{{1,18}}|-)(?: {_TEXT} {_TEXT})?", re.ASCII)
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}


@dataclass(frozen=True, slots=True)
class Hit:
    """One request of a log.

    *user_agent* is "" where none was sent and None where the log does not say;
    *at* is seconds since the epoch; *sent* the octets of the answer. *referer*
    and *host* are "" where they are not told.
    """

    address: str
    at: int
    method: str
    target: str
    status: int
    sent: int
    user_agent: str | None
    referer: str = ""
    host: str = ""


def read_line(line: str) -> Hit | None:
    r"""The request that *line* tells of, or None where it is no such line.

    >>> read_line('192.0.2.7 - - [17/May/2015:10:05:03 +0200] "GET /a HTTP/1.1" 200 12 "-" "GPTBot/1.2"')
    Hit(address='192.0.2.7', at=1431849903, method='GET', target='/a', status=200, sent=12, user_agent='GPTBot/1.2', referer='', host='')
    """
    line = line[:LONGEST]
    time = _TIME.search(line)
    if time is None:
        return None
    before = line[: time.start()].replace('"', " ").split()
    rest = _REST.match(line, time.end())
    if len(before) < 3 or rest is None:
        return None
    request, status, sent, referer, agent = rest.groups()
    method, _, target = request.partition(" ")
    at = seconds(time[1], time[2])
    if at is None:
        return None
    return Hit(
        before[-3],
        at,
        method,
        target.partition(" ")[0],
        int(status),
        0 if sent == "-" else int(sent),
        None if agent is None else "" if agent == "-" else agent.replace('\\"', '"'),
        "" if referer is None or referer == "-" else referer,
        before[-4] if len(before) > 3 else "",
    )


@lru_cache(maxsize=1024)
def seconds(clock: str, zone: str) -> int | None:
    """Seconds since the epoch of ``17/May/2015:10:05:03`` and ``+0200``; None where there is no such year."""
    day, month, year = int(clock[:2]), _MONTHS.get(clock[3:6], 1), int(clock[7:11])
    hour, minute, second = (int(part) for part in clock[12:].split(":"))
    east = (int(zone[1:3]) * 60 + int(zone[3:])) * (-60 if zone[0] == "-" else 60)
    return calendar.timegm((year, month, day, hour, minute, second)) - east if year else None


@dataclass(frozen=True, slots=True)
class Passed:
    """What a proxy sent for the fetch of that *record*; *at* is seconds since the epoch."""

    record: str
    at: float
    status: int


_RECORD = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LAST = re.compile(rf'"({_RECORD.pattern})"\s*$', re.ASCII)


def read_passed(line: str) -> Passed | None:
    """The fetch that *line* tells of under its record, or None: as `licet deploy` has nginx, Envoy and Caddy write it.

    >>> line = '192.0.2.7 - - [17/May/2015:10:05:03 +0200] "GET /a HTTP/1.1" 404 12 "-" "GPTBot/1.2" "0189…"'
    >>> read_passed(line.replace("0189…", "018f5d1c-7b1e-7000-8000-0123456789ab"))
    Passed(record='018f5d1c-7b1e-7000-8000-0123456789ab', at=1431849903, status=404)
    """
    if line.startswith("{"):
        return _read_json(line)
    found, hit = _LAST.search(line[:LONGEST]), read_line(line)
    return None if found is None or hit is None else Passed(found[1], hit.at, hit.status)


def _read_json(line: str) -> Passed | None:
    """A line of Caddy's JSON log."""
    try:
        told = json.loads(line[:LONGEST])
        at, status = told["ts"], told["status"]
        records = {name.lower(): values for name, values in told["resp_headers"].items()}["licet-record"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(at, int | float) or not isinstance(status, int) or not isinstance(records, list):
        return None
    [record] = records if len(records) == 1 and isinstance(records[0], str) else [""]
    return Passed(record, at, status) if _RECORD.fullmatch(record) else None
