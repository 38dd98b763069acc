"""The figures as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from loadtests.works import WORKS

_HEAD = f"  {'':<14}{'per CPU-second':>15}{'x nginx':>9}  {'least..most':<13}{'seen/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'PSS MB':>8}"


def table(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The comparison, one block a work; nothing that was asked for is left out."""
    rows = list(rows)
    for key, work in WORKS.items():
        found = [row for row in rows if row["work"] == key]
        if not found:
            continue
        yield ""
        yield f"{key}: {work.label}, {work.connections} connections"
        yield _HEAD
        for row in sorted(found, key=lambda row: -row.get("ratio", 0)):
            if "not_measured" in row:
                yield f"  {row['target']:<14}not measured: {row['not_measured']}"
                continue
            yield _line(row["target"], row, "")
            if row["target"] == "licet" and work.recorded:
                front = "_front" if "ratio_front" in row else "_during"
                yield _line(
                    "  front alone" if front == "_front" else "  while loaded", row, front, short=True
                )
                if not row["came_to_rest"]:
                    yield "    did not come to rest in 20 s: some of its folding is not in the figure"


def _line(name: str, row: dict[str, Any], which: str, *, short: bool = False) -> str:
    spread = (
        f"{row[f'ratio{which}_least']:.2f}..{row[f'ratio{which}_most']:.2f}" if f"ratio{which}" in row else ""
    )
    ratio = f"{row[f'ratio{which}']:.3f}" if f"ratio{which}" in row else "-"
    line = f"  {name:<14}{row[f'per_cpu_second{which}']:>15,}{ratio:>9}  {spread:<13}"
    if short:
        return line.rstrip()
    return line + f"{row['per_second']:>9,}{row['p50_ms']:>9.2f}{row['p99_ms']:>9.2f}{row['pss_mb']:>8.1f}"
