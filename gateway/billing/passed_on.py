"""What became of fetches that the site's own proxy was told to deliver, told from its access log. Pure.

Such a fetch is billed as it is granted (`admission.owed`). Where the log says
that something other than the page was sent, the charge is to be given back,
unless a later fetch of the same resource in its window was delivered on the
strength of it: that one cost nothing because this one was paid. What the log
does not tell of stands as it was billed, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.admission.owed import WINDOW_SECONDS
from gateway.money import Money
from gateway.provenance.record import Ended, FetchRecord

_PAGES: Final = frozenset({200, 206})


@dataclass(frozen=True, slots=True)
class Billed:
    """One charged fetch that was passed on. *status* is what the log says was sent, 0 where it says nothing.

    *what* is ``delivered``, ``given-back`` (nothing was delivered and the charge
    is to be undone), ``carried`` (nothing was, but a later free fetch rests on
    the charge) or ``unseen``.
    """

    record: str
    licensee: str
    path: str
    charged: Money
    status: int
    what: str


def passed_on(records: Iterable[FetchRecord]) -> tuple[FetchRecord, ...]:
    """Those of *records* that a proxy delivered under a license."""
    return tuple(each for each in records if each.ended == Ended.PASSED and each.is_paid)


def billed(
    granted: Iterable[FetchRecord], sent: Mapping[str, int], *, since_us: int, until_us: int
) -> tuple[Billed, ...]:
    """What became of each charged fetch of *granted* between those moments (microseconds, both included).

    *sent* is the status that the log has for the id of a record. Records of
    later moments may be among *granted*: they say what rests on a charge.
    """
    granted = tuple(granted)
    delivered: dict[str, list[int]] = {}
    for each in granted:
        if sent.get(each.id) in _PAGES and each.charge_reason == "read-before":
            delivered.setdefault(each.unit, []).append(each.time_us)
    found = []
    for each in granted:
        if not each.charged_micros or not since_us <= each.time_us <= until_us:
            continue
        status = sent.get(each.id, 0)
        rests = any(
            each.time_us <= at < each.time_us + WINDOW_SECONDS * 1_000_000
            for at in delivered.get(each.unit, ())
        )
        if status in _PAGES:
            what = "delivered"
        elif not status:
            what = "unseen"
        else:
            what = "carried" if rests else "given-back"
        charged = Money(each.charged_micros, each.currency)
        found.append(Billed(each.id, each.licensee, each.path, charged, status, what))
    return tuple(found)


def unknown(granted: Iterable[FetchRecord], sent: Mapping[str, int]) -> tuple[str, ...]:
    """Ids in the log under which no grant is known: a log of another gateway, or lines that somebody made up."""
    ids = {each.id for each in granted}
    return tuple(sorted(record for record in sent if record not in ids))
