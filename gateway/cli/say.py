"""How commands speak: data on stdout, talk on stderr, one JSON value with `--json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from gateway.spoken import DATA, counted, moment, with_data

__all__ = ["DATA", "AsJson", "Data", "counted", "emit", "moment", "stop", "table", "tell", "with_data"]

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="LICET_DATA",
        metavar="FOLDER",
        help="The data folder: database, journal, keys, policies.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of text.")]


def tell(sentence: str) -> None:
    """Talk to whoever sits there; never mixed with data."""
    print(sentence, file=sys.stderr, flush=True)


def emit(value: object) -> None:
    """Print *value* as JSON for machines."""
    print(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None), flush=True)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their heads, in columns; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[at]) for line in [list(head), *cells]) for at in range(len(head))]
    numeric = [bool(rows) and all(isinstance(row[at], int) for row in rows) for at in range(len(head))]
    for line in [list(head), *cells]:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        print("  ".join(padded).rstrip())


def stop(sentence: str, code: int = 2) -> typer.Exit:
    """Tell *sentence* and return what to raise."""
    tell(f"licet: {sentence}")
    return typer.Exit(code)
