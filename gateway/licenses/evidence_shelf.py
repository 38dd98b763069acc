"""Documents that are handed in as evidence: what is taken, and a shelf that keeps them by their SHA-256.

A document is JSON, PDF or plain text, at most `LARGEST` bytes. It is kept as it
came, is read by the operator alone and is never served to anybody at the front
or at the desk.
"""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

import orjson

from gateway.licenses.obligations import Evidence
from gateway.problems import Problem, Refusal

JSON: Final = "application/json"
PDF: Final = "application/pdf"
PLAIN: Final = "text/plain"
TAKEN: Final = (JSON, PDF, PLAIN)
LARGEST: Final = 1 << 20
_LONGEST_NAME: Final = 120


class EvidenceShelf(Protocol):
    """Where documents rest. A storage port; both adapters pass `tests/conformance/test_evidence_shelf.py`.

    Raises `StoreUnavailable` when the store cannot answer.
    """

    async def keep(self, octets: bytes) -> str:
        """Keep *octets* durably and return their SHA-256 in hex; twice is once."""
        ...

    async def read(self, sha256: str) -> bytes | None:
        """The document of that digest, or None; `StoreUnavailable` where what is there is not what was kept."""
        ...


def evidence_of(
    octets: bytes, media_type: str, *, now: int, name: str = "", holds_until: int = 0
) -> Evidence | Refusal:
    """What is told of a document that came at *now*, or why it is none. Nothing is ever raised."""
    wrong = _flaw(octets, media_type)
    if wrong:
        return Refusal(Problem.DOCUMENT_INVALID, f"The document {wrong}.")
    if len(name) > _LONGEST_NAME or not name.isprintable():
        return Refusal(Problem.DOCUMENT_INVALID, f"A name is a line of at most {_LONGEST_NAME} characters.")
    return Evidence(hashlib.sha256(octets).hexdigest(), media_type, len(octets), now, name, holds_until)


def _flaw(octets: bytes, media_type: str) -> str:
    if media_type not in TAKEN:
        return f"is none of {', '.join(TAKEN)}"
    if not octets:
        return "is empty"
    if len(octets) > LARGEST:
        return f"is longer than {LARGEST} bytes"
    if media_type == PDF:
        return "" if octets.startswith(b"%PDF-") else "does not begin as a PDF does"
    if media_type == JSON:
        try:
            orjson.loads(octets)
        except ValueError:
            return "is not JSON"
        return ""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        return "is not text in UTF-8"
    return "has control characters" if any(char < " " and char not in "\t\n\r\f" for char in text) else ""
