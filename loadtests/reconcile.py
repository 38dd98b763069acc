"""After a load: what crawlers received = what the journal holds = what was posted, or exit 1.

python -m loadtests.reconcile --data licet-demo --receipts receipts.jsonl
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gateway.cli.auditing import full_audit
from gateway.provenance.audit import export_entries

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """How receipts and records differ; each is a tuple of record ids.

    *lost* were received and are not recorded, *differing* are recorded as
    something else than was received, *doubled* were received or recorded under
    one id more than once.
    """

    lost: tuple[str, ...]
    differing: tuple[str, ...]
    doubled: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing differs."""
        return not (self.lost or self.differing or self.doubled)


def fetches(data: Path) -> list[Record]:
    """Every fetch record in the journal of *data*, as JSON values in the order of writing."""
    return [each["entry"] for each in export_entries(data / "journal") if each["kind"] == "fetch"]


def compare(receipts: Iterable[Mapping[str, Any]], records: Iterable[Record]) -> Compared:
    """Hold what clients received against the journal.

    A receipt says ``record``, ``path`` and ``bytes`` of an answer that was
    received to its last byte, and may say its ``sha256`` in hex.
    """
    received, recorded = list(receipts), list(records)
    by_id = {record["id"]: record for record in recorded}
    seen = Counter(each["record"] for each in received), Counter(record["id"] for record in recorded)
    return Compared(
        tuple(each["record"] for each in received if each["record"] not in by_id),
        tuple(
            each["record"]
            for each in received
            if each["record"] in by_id and not _same(each, by_id[each["record"]])
        ),
        tuple(sorted({record for count in seen for record, times in count.items() if times > 1})),
    )


def _same(receipt: Mapping[str, Any], record: Record) -> bool:
    return bool(
        record["outcome"] == "licensed"
        and record["ended"] == "complete"
        and record["status"] == 200
        and record["path"] == receipt["path"]
        and record["bytes_sent"] == receipt["bytes"]
        and receipt.get("sha256", record["digest"]) == record["digest"]
    )


async def reconcile(data: Path, receipts: Path | None) -> dict[str, object]:
    """Compare receipts, journal and books of *data*; ``ok`` is true only if nothing differs."""
    audit = await full_audit(data)
    records = fetches(data)
    lines = receipts.read_text(encoding="utf-8").splitlines() if receipts else []
    received = [json.loads(line) for line in lines]
    compared = compare(received, records)
    return {
        "ok": audit.good and compared.good,
        "receipts": len(received),
        "records": len(records),
        "licensed": sum(record["outcome"] == "licensed" for record in records),
        "charged_micros": sum(record["charged_micros"] for record in records),
        **{name: ids[:10] for name, ids in asdict(compared).items()},
        "audit": audit.as_json(),
    }


def main() -> None:
    """Print the comparison as JSON and exit 0 only if everything agrees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--receipts", type=Path)
    chosen = parser.parse_args()
    found = asyncio.run(reconcile(chosen.data, chosen.receipts))
    print(json.dumps(found, indent=2))
    raise SystemExit(0 if found["ok"] else 1)


if __name__ == "__main__":
    main()
