"""Which units were paid for lately, told from the journal: what a till starts with."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.admission.owed import units_of
from gateway.admission.till import PaidUnit
from gateway.origin.delivery import Delivery
from gateway.provenance.record import Ended, FetchRecord


def paid_units(records: Iterable[FetchRecord]) -> tuple[PaidUnit, ...]:
    """The units of every record that owed its price, under the names `admission.owed.units_of` gives.

    Oldest first, as a till forgets. A unit paid for more than once keeps its latest time.
    """
    found: dict[str, int] = {}
    for record in records:
        if record.is_paid and record.charge_reason == "fetch":
            paid_at = record.time_us // 1_000_000
            for key in _keys(record):
                found[key] = max(paid_at, found.get(key, paid_at))
    return tuple(PaidUnit(key, paid_at) for key, paid_at in sorted(found.items(), key=lambda item: item[1]))


def _keys(record: FetchRecord) -> tuple[str, ...]:
    delivery = Delivery(
        record.status, record.bytes_sent, record.digest, Ended(record.ended), etag=record.etag
    )
    return units_of(record.licensee, record.site, record.path, record.unit, delivery)
