"""The figures as lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from loadtests.works import WORKS

_HEAD = f"  {'':<14}{'per CPU-second':>15}{'x nginx':>9}  {'least..most':<13}{'seen/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'PSS MB':>8}"


def lines(section: str, figures: Any) -> Iterator[str]:
    """One section of the report."""
    if isinstance(figures, dict) and "not_measured" in figures:
        yield f"{section} not measured: {figures['not_measured']}"
        return
    if section == "comparison":
        yield "requests per CPU-second of the proxy's whole process tree; nginx of the same round = 1"
        yield f"cores {'kept from sleeping' if figures['awake'] else 'may sleep: waking one costs the proxy'}"
        yield from table(figures["rows"])
        yield ""
        for name, told in figures.get("journal", {}).items():
            yield (
                f"  licet gave {told['answers']:,} answers of kind {name}: {told['records']:,} records in the journal, "
                f"{told['in_notes']:,} fetches of any kind only counted in notes"
            )
        yield from (f"  {name:<14}{version}" for name, version in figures["versions"].items())
        return
    yield ""
    yield _TITLES[section]
    for row in figures:
        name = row.get("target") or row.get("work") or row.get("decision")
        if "not_measured" in row:
            yield f"  {name:<14}not measured: {row['not_measured']}"
        else:
            yield from _SHORT[section](name, row)


def _latency(name: str, row: dict[str, Any]) -> Iterator[str]:
    sign = "" if name == "origin" else "+"
    yield (
        f"  {name:<14}p50 {row['p50_ms']:{sign}.3f} ms (best {row['p50_best_ms']:{sign}.3f})   "
        f"p99 {row['p99_ms']:{sign}.3f} ms (best {row['p99_best_ms']:{sign}.3f})   at {row['rate']}/s"
    )


def _deciding(name: str, row: dict[str, Any]) -> Iterator[str]:
    yield f"  {name:<34}{row['cpu_us']:>8.1f} us   least {row['cpu_us_least']:.1f}"


def _idle(name: str, row: dict[str, Any]) -> Iterator[str]:
    yield (
        f"  {name:<14}{row['kb_each']:.2f} KB a connection   PSS {row['pss_mb_before']:.1f} -> "
        f"{row['pss_mb_after']:.1f} MB with {row['connections']} idle connections"
    )


def _big(name: str, row: dict[str, Any]) -> Iterator[str]:
    yield (
        f"  {name:<14}{row['gigabytes']:g} GB at {row['mb_per_second']:.0f} MB/s   "
        f"peak RSS {row['peak_mb_above_idle']:+.1f} MB above the {row['rss_mb_idle']:.1f} MB before"
    )


def _profile(name: str, row: dict[str, Any]) -> Iterator[str]:
    yield f"  {name}: {row['samples']} samples, {row['syscall_share']:.0%} of them in a system call"
    yield from (f"    {share:>6.1%}  {leaf}" for leaf, share in row["self"])


_TITLES = {
    "latency": "latency at a fixed rate, open loop; what is added to the origin's own in the same round",
    "deciding": "CPU of one decision, without socket, origin and record",
    "idle": "memory of idle connections that have fetched one page each",
    "big": "memory of the front while one large body passes",
    "profile": "self time on the loop of the front worker",
}
_SHORT: dict[str, Callable[[str, dict[str, Any]], Iterator[str]]] = {
    "latency": _latency,
    "deciding": _deciding,
    "idle": _idle,
    "big": _big,
    "profile": _profile,
}


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
