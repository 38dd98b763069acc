"""How often what happened, as running totals with labels of which there are few. One a process; costs look-ups.

What automated visitors did is told by their records, so nothing is counted on
the path of a person's request but that there was one. A name that no catalog
knows counts as ``other``, and so does whatever comes once there are
`_MOST` combinations.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from gateway.provenance.record import FetchRecord

#: Upper bounds of the buckets of durations, in microseconds; one more stands for what is longer.
BOUNDS_US: Final = (
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    5_000_000,
    30_000_000,
)
OTHER: Final = "other"
_MOST: Final = 4096
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType(
    {"requests": [], "seconds": {}, "sent": {}, "charged": {}}
)

#: site, decision, crawler, identity, status.
Key = tuple[str, str, str, str, int]


class Tallies:
    """Totals since this process began.

    Attributes:
        requests: by site, decision (a record's outcome, or ``person``), crawler, identity, status.
        seconds: by decision, how many took at most each of `BOUNDS_US`, their sum in microseconds last.
        sent: octets of bodies by decision.
        charged: micro-units by currency.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Count crawlers of these *names* by name."""
        self._names = frozenset(names)
        self.requests: Counter[Key] = Counter()
        self.seconds: dict[str, list[int]] = {}
        self.sent: Counter[str] = Counter()
        self.charged: Counter[str] = Counter()

    def fetched(self, record: FetchRecord) -> None:
        """Count what *record* tells."""
        outcome = record.outcome
        self._count((record.site, outcome, self._name(record.crawler), record.identity, record.status))
        buckets = self.seconds.get(outcome)
        if buckets is None:
            buckets = self.seconds[outcome] = [0] * (len(BOUNDS_US) + 2)
        buckets[bisect_left(BOUNDS_US, record.duration_us)] += 1
        buckets[-1] += record.duration_us
        self.sent[outcome] += record.bytes_sent
        if record.charged_micros:
            self.charged[record.currency] += record.charged_micros

    def flooded(self, site: str, crawler: str, status: int) -> None:
        """Count a refusal that has no record of its own."""
        self._count((site, "refused", self._name(crawler), "", status))

    def person(self, site: str, status: int) -> None:
        """Count one answer to a person."""
        self._count((site, "person", "", "", status))

    def _name(self, crawler: str) -> str:
        return crawler if not crawler or crawler in self._names else OTHER

    def _count(self, key: Key) -> None:
        if key not in self.requests and len(self.requests) >= _MOST:
            key = (key[0], key[1], OTHER, "", 0)
        self.requests[key] += 1

    def told(self) -> dict[str, Any]:
        """Everything, as JSON holds it."""
        return {
            "requests": [[*key, number] for key, number in self.requests.items()],
            "seconds": self.seconds,
            "sent": self.sent,
            "charged": self.charged,
        }


def added(several: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of what several processes `told`; what is not of that shape raises."""
    requests: Counter[Key] = Counter()
    seconds: dict[str, list[int]] = {}
    sent: Counter[str] = Counter()
    charged: Counter[str] = Counter()
    for one in several:
        for site, decision, crawler, identity, status, number in one["requests"]:
            requests[site, decision, crawler, identity, status] += number
        for decision, buckets in one["seconds"].items():
            before = seconds.get(decision) or [0] * len(buckets)
            seconds[decision] = [old + new for old, new in zip(before, buckets, strict=True)]
        sent.update(one["sent"])
        charged.update(one["charged"])
    return {
        "requests": [[*key, number] for key, number in requests.items()],
        "seconds": seconds,
        "sent": dict(sent),
        "charged": dict(charged),
    }


@dataclass
class Totals:
    """What every process of this gateway told, those that ended included."""

    _last: dict[tuple[str, int], Mapping[str, Any]] = field(default_factory=dict)
    _ended: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    def hear(self, state: Mapping[str, Any]) -> None:
        """Take up the last word of the process that tells *state*."""
        key = str(state["role"]), int(state["pid"])
        self._last[key] = state.get("tallies") or _NOTHING
        others = [known for known in self._last if known[0] == key[0] and known[1] != key[1]]
        for known in others:
            self._ended = added([self._ended, self._last.pop(known)])

    def all(self) -> dict[str, Any]:
        """The sum."""
        return added([self._ended, *self._last.values()])
