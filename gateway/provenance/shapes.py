"""Entries and details like those read before, read by their shape.

What follows from a segment is read octet by octet: an entry counts only if it
stands in its canonical form (`segments.open_entry`). Of thousands of fetches
nearly everything is the same, and taking each apart to write it again costs
most of a fold. So a shape is learned from entries that were read that way: a
pattern that holds every octet but a few blanks, each of which admits canonical
values alone. What matches it stands in its canonical form too, and is the same
entry; whatever does not is read in the ordinary way.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from typing import Any, Final

import orjson

from gateway.canonical import LARGEST, canonical_bytes
from gateway.provenance.fetch_form import filled_fetch
from gateway.provenance.frames import SealedDetail
from gateway.provenance.record import SALT_BYTES, FetchDetail, FetchRecord
from gateway.provenance.segments import Frame, SealedEntry, open_detail, open_entry

_NUMBER: Final = rb"(0|[1-9][0-9]{0,15})"
_HEX: Final = rb'"([0-9a-f]*)"'
#: Text that JSON holds as it stands.
_PLAIN: Final = rb'"([ !#-\[\]-~]*)"'
#: The same and quotation marks, with the marks around it.
_QUOTED: Final = rb'("(?:[ !#-\[\]-~]|\\")*")'
_BLANKS: Final = {
    "bytes_sent": _NUMBER, "charge_reason": _PLAIN, "charged_micros": _NUMBER, "detail": _HEX, "digest": _HEX,
    "duration_us": _NUMBER, "etag": _QUOTED, "id": _PLAIN, "path": _PLAIN, "time_us": _NUMBER, "unit": _HEX,
}  # fmt: skip
_START: Final = b'{"entry":'
_MIDDLE: Final = b',"kind":"fetch","salt":"'
_END: Final = b'"}'
_BEHIND: Final = len(_MIDDLE) + 2 * SALT_BYTES + len(_END)
_DETAIL_START: Final = b'{"detail":'
_DETAIL_REST: Final = re.compile(
    rb',"id":"([ !#-\[\]-~]*)","salt":"([0-9a-f]{%d})","time_us":%b\}' % (2 * SALT_BYTES, _NUMBER)
)
#: As often an entry is met before its shape is learned: to make a pattern takes as long as many readings.
_OFTEN: Final = 16
_MOST: Final = 256


class Shapes:
    """Reads frames, and learns. One reader's; what it holds of details it forgets with `forget`."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._shapes: dict[bytes, _Shape | int] = {}
        self._last: _Shape | None = None
        self._details: dict[bytes, FetchDetail] = {}

    def entry(self, frame: Frame) -> SealedEntry:
        """Do as `segments.open_entry` does."""
        # Most follow one of their own shape, and those that do not are soon told apart.
        if self._last is not None and (found := self._last.read(frame)) is not None:
            return found
        alike = _alike(frame.payload)
        shape = self._shapes.get(alike, 0)
        if type(shape) is _Shape:
            self._last = shape
            found = shape.read(frame)
            return open_entry(frame) if found is None else found
        sealed = open_entry(frame)
        if type(sealed.entry) is FetchRecord:
            if len(self._shapes) >= _MOST:
                self._shapes.clear()
            seen = shape + 1 if type(shape) is int else 0
            self._shapes[alike] = seen if seen < _OFTEN else _Shape(sealed.entry)
        return sealed

    def detail(self, frame: Frame) -> SealedDetail:
        """Do as `segments.open_detail` does."""
        payload = frame.payload
        end = payload.rfind(b',"id":"')
        rest = _DETAIL_REST.fullmatch(payload, end) if end >= 0 else None
        inner = payload[len(_DETAIL_START) : end]
        known = self._details.get(inner)
        if rest is not None and known is not None and payload.startswith(_DETAIL_START):
            id, salt, time_us = rest.groups()
            when = int(time_us)
            if when <= LARGEST:
                return SealedDetail(id.decode("ascii"), unhexlify(salt), when, known)
        sealed = open_detail(frame)
        self._details[inner] = sealed.detail
        return sealed

    def forget(self) -> None:
        """Let go of every detail, which is personal."""
        self._details.clear()


def _alike(payload: bytes) -> bytes:
    """What nearly tells the shape of an entry apart from others; any answer is right, the same for the same is quick."""
    first = payload.find(b',"client":')
    second = payload.find(b',"policy":', first)
    return (
        payload[first : payload.find(b',"detail":', first)]
        + payload[second : payload.find(b',"time_us":', second)]
    )


class _Shape:
    """The pattern of one fetch, and its members but for the blanks."""

    __slots__ = ("_members", "_pattern")

    def __init__(self, first: FetchRecord) -> None:
        self._members: dict[str, Any] = dict(sorted(vars(first).items()))
        parts, fixed = [], _START + b"{"
        for number, (name, value) in enumerate(self._members.items()):
            fixed += b'%b"%b":' % (b"," if number else b"", name.encode("ascii"))
            if name in _BLANKS:
                parts += [re.escape(fixed), _BLANKS[name]]
                fixed = b""
            else:
                fixed += canonical_bytes(value)
        parts += [re.escape(fixed + b"}" + _MIDDLE), rb"([0-9a-f]{%d})" % (2 * SALT_BYTES), re.escape(_END)]
        self._pattern = re.compile(b"".join(parts))

    def read(self, frame: Frame) -> SealedEntry | None:
        """The entry of *frame*, or None where it is of another shape."""
        payload = frame.payload
        match = self._pattern.fullmatch(payload)
        if match is None:
            return None
        sent, reason, charged, detail, digest, took, etag, id, path, at, unit, salt = match.groups()
        bytes_sent, charged_micros, duration_us, time_us = int(sent), int(charged), int(took), int(at)
        if max(bytes_sent, charged_micros, duration_us, time_us) > LARGEST:
            return None
        canonical = payload[len(_START) : -_BEHIND]
        members = {
            **self._members,
            "bytes_sent": bytes_sent,
            "charge_reason": reason.decode("ascii"),
            "charged_micros": charged_micros,
            "detail": detail.decode("ascii"),
            "digest": digest.decode("ascii"),
            "duration_us": duration_us,
            "etag": orjson.loads(etag),
            "id": id.decode("ascii"),
            "path": path.decode("ascii"),
            "time_us": time_us,
            "unit": unit.decode("ascii"),
        }
        return SealedEntry(filled_fetch(members, canonical), unhexlify(salt), canonical, frame.place)
