"""Fetches that differ in a few members alone, written by filling in what differs.

Of thousands of fetches of one licensee nearly everything that is remembered is
the same. A `FetchForm` keeps the canonical bytes of one of them with blanks for
the rest. What it fills in has the bytes that `FetchRecord.canonical` would
write, octet by octet; whatever could not is written in the ordinary way.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from gateway.canonical import LARGEST, canonical_bytes
from gateway.provenance.record import FetchRecord, make_fetch

#: What may differ, in the order of canonical JSON, and how each is filled in: a number, JSON, or plain text.
_BLANKS: Final = {
    "bytes_sent": b"%d",
    "charge_reason": b"%b",
    "charged_micros": b"%d",
    "detail": b'"%b"',
    "digest": b'"%b"',
    "duration_us": b"%d",
    "etag": b"%b",
    "id": b"%b",
    "path": b"%b",
    "time_us": b"%d",
    "unit": b'"%b"',
}


class FilledFetch(FetchRecord):
    """A fetch that a form has filled in: a `FetchRecord` whose canonical bytes are at hand."""

    __slots__ = ("octets",)

    octets: bytes

    def canonical(self) -> bytes:
        """The bytes that are hashed: RFC 8785 over every member."""
        try:
            return self.octets
        except AttributeError:  # made of another by `dataclasses.replace`, which has other members
            return super().canonical()


def filled_fetch(members: dict[str, Any], octets: bytes) -> FetchRecord:
    """The fetch of exactly these members, in the order of their names, whose canonical bytes are *octets*; it keeps both."""
    made = object.__new__(FilledFetch)
    object.__setattr__(made, "__dict__", members)
    _fill(made, octets)
    return made


_fill = FilledFetch.octets.__set__  # type: ignore[attr-defined]
_dumps = orjson.dumps


class FetchForm:
    """One fetch with blanks. *kept* is whatever its maker must see again to know that the form fits."""

    __slots__ = ("_members", "_octets", "kept")

    def __init__(self, first: FetchRecord, kept: tuple[object, ...] = ()) -> None:
        """Take everything but the blanks from *first*; raises `ValueError` or `TypeError` where that has no bytes."""
        self._members = dict(sorted(vars(first).items()))
        parts = []
        for name, value in self._members.items():
            filled = _BLANKS.get(name)
            written = canonical_bytes(value).replace(b"%", b"%%") if filled is None else filled
            parts.append(b'"%b":%b' % (name.encode("ascii"), written))
        self._octets = b"{" + b",".join(parts) + b"}"
        self.kept = kept

    def filled(
        self,
        *,
        bytes_sent: int,
        charge_reason: str,
        charged_micros: int,
        detail: str,
        digest: str,
        duration_us: int,
        etag: str,
        id: str,
        path: str,
        time_us: int,
        unit: str,
    ) -> FetchRecord:
        """The fetch of these members. *detail*, *digest* and *unit* are hexadecimal or empty."""
        members: dict[str, Any] = {
            **self._members,
            "bytes_sent": bytes_sent,
            "charge_reason": charge_reason,
            "charged_micros": charged_micros,
            "detail": detail,
            "digest": digest,
            "duration_us": duration_us,
            "etag": etag,
            "id": id,
            "path": path,
            "time_us": time_us,
            "unit": unit,
        }
        numbers = (bytes_sent, charged_micros, duration_us, time_us)
        if min(numbers) < 0 or max(numbers) > LARGEST:
            return make_fetch(**members)
        try:
            octets = self._octets % (
                bytes_sent,
                _dumps(charge_reason),
                charged_micros,
                detail.encode("ascii"),
                digest.encode("ascii"),
                duration_us,
                _dumps(etag),
                _dumps(id),
                _dumps(path),
                time_us,
                unit.encode("ascii"),
            )
        except TypeError:  # text that is no UTF-8: whoever asks for its bytes is told
            return make_fetch(**members)
        return filled_fetch(members, octets)
