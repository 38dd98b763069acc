"""After a load: what crawlers received = what the journal holds = what was posted, or exit 1.

python -m loadtests.reconcile --data licet-demo --receipts receipts.jsonl
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from gateway.cli.auditing import full_audit
from gateway.provenance.audit import export_entries


async def reconcile(data: Path, receipts: Path | None) -> dict[str, object]:
    """Compare receipts, journal and books of *data*; ``ok`` is true only if nothing differs."""
    audit = await full_audit(data)
    records = [each["entry"] for each in export_entries(data / "journal") if each["kind"] == "fetch"]
    by_id = {record["id"]: record for record in records}
    lines = receipts.read_text(encoding="utf-8").splitlines() if receipts else []
    received = [json.loads(line) for line in lines]
    lost = [each["record"] for each in received if each["record"] not in by_id]
    wrong = [
        each["record"]
        for each in received
        if each["record"] in by_id and by_id[each["record"]]["bytes_sent"] != each["bytes"]
    ]
    ids = [each["record"] for each in received]
    return {
        "ok": audit.good and not lost and not wrong and len(set(ids)) == len(ids),
        "receipts": len(received),
        "records": len(records),
        "licensed": sum(record["outcome"] == "licensed" for record in records),
        "charged_micros": sum(record["charged_micros"] for record in records),
        "lost": lost[:10],
        "wrong_bytes": wrong[:10],
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
