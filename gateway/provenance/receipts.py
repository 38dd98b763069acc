"""Receipts: one or more records, opened, with what proves that they stand in the public log.

A receipt needs nothing but the log's key to be believed, which whoever receives
it should have from elsewhere::

    {"format": "licet-receipts/1", "log": VKEY, "checkpoint": NOTE,
     "receipts": [{"kind": "fetch", "record": {…}, "salt": HEX, "index": N, "proof": [BASE64, …]}]}

One signature, the checkpoint's, covers all of them. The record's canonical bytes
and its salt give the public leaf (`provenance.record`); the proof leads from it
to the root that was signed. `as_tlog_proof` writes one of them as others read it
(C2SP tlog-proof 1).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from gateway.provenance.chain import includes, inclusion_proof, leaf_hash
from gateway.provenance.checkpoint import Checkpoint, CheckpointRefused, LogKey, read
from gateway.provenance.record import SALT_BYTES, JournalEntry, RecordError, public_leaf, read_canonical
from gateway.provenance.tiles import Nodes

FORMAT: Final = "licet-receipts/1"
#: Receipts that one document holds.
MOST: Final = 1000
_PROOF: Final = "c2sp.org/tlog-proof@v1"
_LONGEST_PROOF: Final = 64


class ReceiptRefused(ValueError):
    """It proves nothing; the message is a clause that says why."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry as its parties may see it: where it stands, what it says, what opens its leaf. *licensee* may have it."""

    index: int
    kind: str
    licensee: str
    site: str
    time_us: int
    canonical: bytes
    salt: bytes

    @property
    def leaf(self) -> bytes:
        """Its public leaf."""
        return public_leaf(self.site, self.time_us, self.canonical, self.salt)


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry that a receipt proves to be the log's number *index*, under *checkpoint*."""

    entry: JournalEntry
    index: int
    checkpoint: Checkpoint


def receipts(found: Iterable[Opened], log: LogKey, size: int, note: str, nodes: Nodes) -> dict[str, Any]:
    """The document over *found*, all of them below *size*, which the checkpoint in *note* signs."""
    return {
        "format": FORMAT,
        "log": log.vkey,
        "checkpoint": note,
        "receipts": [
            {
                **_opening(each),
                "index": each.index,
                "proof": [base64.b64encode(one).decode() for one in inclusion_proof(each.index, size, nodes)],
            }
            for each in found
        ],
    }


def as_tlog_proof(found: Opened, size: int, note: str, nodes: Nodes) -> str:
    """One of them as a ``.tlog-proof``; its extra line holds kind, record and salt as JSON."""
    proof = [base64.b64encode(each).decode() for each in inclusion_proof(found.index, size, nodes)]
    return tlog_proof_of({**_opening(found), "index": found.index, "proof": proof}, note)


def tlog_proof_of(row: Mapping[str, Any], note: str) -> str:
    """The same of a receipt *row* of a document whose checkpoint is *note*."""
    extra = orjson.dumps({name: row[name] for name in ("kind", "record", "salt")})
    lines = [_PROOF, f"extra {base64.b64encode(extra).decode()}", f"index {row['index']}", *row["proof"]]
    return "\n".join([*lines, "", note])


def verify(document: object, log: LogKey) -> tuple[Proven, ...]:
    """What *document* proves to whoever trusts *log*, each of its receipts; raises `ReceiptRefused`, nothing else."""
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise ReceiptRefused(f"it is no document of the format {FORMAT}")
    note, rows = document.get("checkpoint"), document.get("receipts")
    if not isinstance(note, str) or not isinstance(rows, list) or not 0 < len(rows) <= MOST:
        raise ReceiptRefused(f"it has no checkpoint, or not 1 to {MOST} receipts")
    try:
        head = read(note, log)
    except CheckpointRefused as error:
        raise ReceiptRefused(f"its checkpoint is not believed: {error}") from None
    return tuple(_proven(row, nth, head) for nth, row in enumerate(rows))


def verify_tlog_proof(text: str, log: LogKey) -> Proven:
    """What a ``.tlog-proof`` of ours proves; raises `ReceiptRefused`, nothing else."""
    row, note = read_tlog_proof(text)
    return verify({"format": FORMAT, "checkpoint": note, "receipts": [row]}, log)[0]


def read_tlog_proof(text: str) -> tuple[dict[str, Any], str]:
    """The receipt's row and the checkpoint of a ``.tlog-proof`` of ours; raises `ReceiptRefused`, nothing else."""
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 3 or lines[0] != _PROOF:
        raise ReceiptRefused(f"it does not begin with {_PROOF}")
    extra, index = lines[1].removeprefix("extra "), lines[2].removeprefix("index ")
    if (
        extra == lines[1]
        or index == lines[2]
        or not (index.isascii() and index.isdigit() and len(index) < 20)
    ):
        raise ReceiptRefused("its second and third line are not extra and index")
    try:
        told = orjson.loads(base64.b64decode(extra, validate=True))
    except (ValueError, binascii.Error):
        raise ReceiptRefused("its extra line holds no JSON") from None
    if not isinstance(told, dict):
        raise ReceiptRefused("its extra line holds no object")
    return {**told, "index": int(index), "proof": lines[3:]}, note


def _opening(found: Opened) -> dict[str, Any]:
    return {"kind": found.kind, "record": orjson.loads(found.canonical), "salt": found.salt.hex()}


def _proven(row: object, nth: int, head: Checkpoint) -> Proven:
    told = read_row(row, nth)
    if not includes(told.index, head.size, told.digest, told.path, head.root):
        raise ReceiptRefused(f"receipt {nth} is not in the log that its checkpoint signs")
    return Proven(told.entry, told.index, head)


@dataclass(frozen=True, slots=True)
class Told:
    """What one receipt says, before anything is believed: its entry, the *digest* of its leaf, and the *path* to the root."""

    entry: JournalEntry
    index: int
    digest: bytes
    path: tuple[bytes, ...]


def read_row(row: object, nth: int) -> Told:
    """Read one receipt of a document, its number *nth*; raises `ReceiptRefused`, nothing else."""
    if not isinstance(row, Mapping):
        raise ReceiptRefused(f"receipt {nth} is no object")
    kind, record, salt, index, proof = (
        row.get(name) for name in ("kind", "record", "salt", "index", "proof")
    )
    if (
        not isinstance(kind, str)
        or not isinstance(record, dict)
        or type(index) is not int
        or not isinstance(proof, list)
    ):
        raise ReceiptRefused(f"receipt {nth} lacks kind, record, index or proof")
    if len(proof) > _LONGEST_PROOF:
        raise ReceiptRefused(f"receipt {nth} has a proof of more than {_LONGEST_PROOF} steps")
    try:
        opened = bytes.fromhex(salt if isinstance(salt, str) else "")
        path = [base64.b64decode(each, validate=True) for each in proof]
        entry, canonical = read_canonical(kind, dict(record))
    except RecordError as error:
        raise ReceiptRefused(f"the record of receipt {nth} is none: {error}") from None
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise ReceiptRefused(f"receipt {nth} has a salt, a proof or a record that cannot be read") from None
    if len(opened) != SALT_BYTES:
        raise ReceiptRefused(f"the salt of receipt {nth} has another length")
    leaf = public_leaf(entry.site, entry.time_us, canonical, opened)
    return Told(entry, index, leaf_hash(leaf), tuple(path))
