"""A receipt, checked step by step, for whoever wants to see how: signature, digest, inclusion. Pure.

The verdict is `receipts.verify`'s; the steps tell what it rests on, and where
it fails. Any text may be given: what is no receipt fails at its first step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.keys.strict_json import Malformed, read_object
from gateway.provenance.chain import includes
from gateway.provenance.checkpoint import Checkpoint, CheckpointRefused, LogKey, read
from gateway.provenance.receipts import (
    FORMAT,
    MOST,
    Proven,
    ReceiptRefused,
    read_row,
    read_tlog_proof,
)

FORM: Final = "form"
SIGNATURE: Final = "signature"
DIGEST: Final = "digest"
INCLUSION: Final = "inclusion"


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One step: which, of which receipt (from 0; -1 for all), whether it holds, and the *fact* that it shows or why not."""

    name: str
    receipt: int
    good: bool
    fact: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Every step that was taken, and what is proven; nothing is where one step failed."""

    steps: tuple[StepTaken, ...]
    proven: tuple[Proven, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every step holds."""
        return bool(self.proven) and all(each.good for each in self.steps)


def check(octets: bytes, log: LogKey) -> Checked:
    """Check *octets*, JSON or a ``.tlog-proof``, against the log whose key is *log*."""
    try:
        note, rows = _read(octets)
    except (ReceiptRefused, Malformed) as error:
        return Checked((StepTaken(FORM, -1, good=False, fact=str(error)),))
    steps = [StepTaken(FORM, -1, good=True, fact=str(len(rows)))]
    try:
        head = read(note, log)
    except CheckpointRefused as error:
        return Checked((*steps, StepTaken(SIGNATURE, -1, good=False, fact=str(error))))
    steps.append(StepTaken(SIGNATURE, -1, good=True, fact=f"{head.origin}, {head.size}"))
    proven: list[Proven] = []
    for nth, row in enumerate(rows):
        taken, found = _checked(row, nth, head)
        steps += taken
        proven += [found] if found else []
    return Checked(tuple(steps), tuple(proven) if len(proven) == len(rows) else ())


def _checked(row: object, nth: int, head: Checkpoint) -> tuple[list[StepTaken], Proven | None]:
    try:
        told = read_row(row, nth)
    except ReceiptRefused as error:
        return [StepTaken(DIGEST, nth, good=False, fact=str(error))], None
    digest = StepTaken(DIGEST, nth, good=True, fact=told.digest.hex())
    inside = includes(told.index, head.size, told.digest, told.path, head.root)
    place = f"{told.index}, {len(told.path)}, {head.root.hex()}"
    proven = Proven(told.entry, told.index, head) if inside else None
    return [digest, StepTaken(INCLUSION, nth, good=inside, fact=place)], proven


def _read(octets: bytes) -> tuple[str, list[Any]]:
    if octets.startswith(b"c2sp.org/"):
        # A form spells line ends its own way, and leaves out the last one.
        text = octets.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        row, note = read_tlog_proof(text.rstrip("\n") + "\n")
        return note, [row]
    document: Mapping[str, object] = read_object(octets)
    note_, rows = document.get("checkpoint"), document.get("receipts")
    if document.get("format") != FORMAT:
        raise ReceiptRefused(f"it is no document of the format {FORMAT}")
    if not isinstance(note_, str) or not isinstance(rows, list) or not 0 < len(rows) <= MOST:
        raise ReceiptRefused(f"it has no checkpoint, or not 1 to {MOST} receipts")
    return note_, rows
