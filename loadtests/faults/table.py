"""The fault table: one row a fault, with how often it was done, what came of it and whether its control went red."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Row:
    """*times* the fault was done; *wrong* of them ended badly; *control* is what the broken twin was caught at."""

    fault: str
    times: int = 0
    wrong: int = 0
    control: str = ""
    notes: dict[str, int] = field(default_factory=dict)


ROWS: dict[str, Row] = {}


def told(fault: str, times: int = 0, *, wrong: int = 0, control: str = "", **notes: int) -> Row:
    """Add to the row of *fault*, and give it."""
    row = ROWS.setdefault(fault, Row(fault))
    row.times += times
    row.wrong += wrong
    row.control = row.control or control
    for name, count in notes.items():
        row.notes[name] = row.notes.get(name, 0) + count
    return row


def lines() -> list[str]:
    """The table, for people."""
    wide = max((len(row.fault) for row in ROWS.values()), default=0)
    found = [f"{'fault':<{wide}} {'times':>7} {'wrong':>6}  known-bad twin"]
    for row in ROWS.values():
        notes = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in row.notes.items())
        control = row.control or "-"
        found.append(
            f"{row.fault:<{wide}} {row.times:>7} {row.wrong:>6}  {control}" + f" ({notes})" * bool(notes)
        )
    return found
