"""Access logs in the combined and common formats (Apache HTTP Server 2.4, mod_log_config; nginx), odd ones too.

A line is read from its time outwards, so a virtual host before the address, a
quote around the whole line and fields behind the User-Agent do no harm. Work
grows with the line's length; nothing raises.
"""

from __future__ import annotations

import calendar
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
