"""Which columns of a table are shown: ``columns=`` of its address, for the page and for every form of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

#: The columns of the access log and their headings, in the order of its exports.
LOG_COLUMNS: Final[Mapping[str, str]] = {
    "seq": "Number", "id": "Record", "time": "Time (UTC)", "site": "Site", "decision": "Decision",
    "status": "Status", "crawler": "Crawler", "operator": "Operator", "class": "Kind of visitor",
    "identity": "Proof", "told": "Told as", "method": "Method", "host": "Host", "path": "Path", "rule": "Rule",
    "problem": "Refused because", "would": "Would be", "licensee": "Licensee", "license": "License",
    "country": "Country", "currency": "Currency", "charged": "Charged", "charged_micros": "Charged (micro-units)",
    "quote": "Quoted", "quote_micros": "Quoted (micro-units)", "bytes_sent": "Sent (bytes)",
    "duration_us": "Took (µs)", "count": "Fetches",
}  # fmt: skip
#: What the page of the log shows unless it is told, in its own order.
USUAL: Final = ("time", "crawler", "decision", "path", "status", "charged", "quote", "bytes_sent")
#: Columns of numbers, which end where they end.
NUMBERS: Final = frozenset(
    {
        "seq", "status", "charged", "charged_micros", "quote", "quote_micros", "bytes_sent", "duration_us",
        "count",
    }
)  # fmt: skip


def columns_of(text: str, known: Collection[str]) -> tuple[str, ...] | str:
    """The names in *text*, between commas, each once and in its order; or what is wrong, as a clause.

    >>> columns_of("path, time,path", ("time", "path")), columns_of("", ("time",))
    (('path', 'time'), ())
    """
    named = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in named if name not in known]
    if unknown:
        return f"has no {unknown[0][:40]!r} here; there are {', '.join(known)}"
    return named
