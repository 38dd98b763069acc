"""HAProxy's Stream Processing Offload Protocol, version 2.0: its frames, read and written. Pure.

HAProxy asks by NOTIFY frames on a connection that it keeps, several before the
first is answered (``pipelining``), and is answered by ACK frames on the same
connection (haproxy 2.6, doc/SPOE.txt, section 3). A frame is four octets of
length, a type, four octets of flags, two numbers that say which question it
belongs to, and what is told. Frames in parts and answers on another connection
are not offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

#: The longest frame that is taken or sent, its four octets of length apart; HAProxy's own is 16380 unless told otherwise.
FRAME_BYTES: Final = 64 * 1024
#: Below this no frame of either side is of use (SPOE.txt, section 3.2.4).
_LEAST: Final = 256

_HELLO, _DISCONNECT, _NOTIFY, _AGENT_HELLO, _AGENT_DISCONNECT, _ACK = 1, 2, 3, 101, 102, 103
_WHOLE: Final = 1
_SET_VARIABLE, _TRANSACTION = 1, 2
_TRUE, _STRING, _BINARY = 0x11, 8, 9
#: Octets that follow a type of data: addresses; -1 for a number, -2 for a length and so many octets.
_FOLLOWS: Final = {0: 0, 1: 0, 2: -1, 3: -1, 4: -1, 5: -1, 6: 4, 7: 16, _STRING: -2, _BINARY: -2}
#: A number takes at most ten octets.
_LONGEST_NUMBER: Final = 10

Value = bytes | int | bool | None


class Hello(NamedTuple):
    """HAProxy begins: the longest frame it takes, and whether it only wants to know if somebody is there."""

    frame_bytes: int
    healthcheck: bool


class Notify(NamedTuple):
    """HAProxy asks: *told* are the arguments of its message by name."""

    stream: int
    frame: int
    told: Mapping[str, Value]


class Bye(NamedTuple):
    """HAProxy ends the connection."""


class Broken(NamedTuple):
    """Why a connection cannot go on: a *status* of SPOE.txt, section 3.5, and a sentence."""

    status: int
    why: str


class _Cut(Exception):
    """Raised while reading, caught in this module: the frame ends too soon, or says what is nothing."""


def length_of(data: bytes | bytearray) -> int | Broken | None:
    """How many octets the first frame of *data* has, its length included; None where that cannot be known yet."""
    if len(data) < 4:
        return None
    length = int.from_bytes(data[:4], "big")
    return Broken(3, "a frame is too long") if length > FRAME_BYTES else 4 + length


def frame_of(octets: bytes) -> Hello | Notify | Bye | Broken:
    """What one frame, without its length, says."""
    try:
        return _frame(octets)
    except _Cut as cut:
        return Broken(4, str(cut))


def agent_hello(frame_bytes: int) -> bytes:
    """The answer to a `Hello`: frames of at most *frame_bytes*, and several questions at once."""
    told = _text("version") + _data("2.0") + _text("max-frame-size") + b"\x03" + number(frame_bytes)
    return _framed(_AGENT_HELLO, 0, 0, told + _text("capabilities") + _data("pipelining"))


def agent_disconnect(status: int, why: str) -> bytes:
    """The last frame of a connection."""
    told = _text("status-code") + b"\x03" + number(status) + _text("message") + _data(why)
    return _framed(_AGENT_DISCONNECT, 0, 0, told)


def ack(notify: Notify, variables: Iterable[tuple[str, str]]) -> bytes:
    """The answer to *notify*: text for *variables* of the transaction."""
    told = b"".join(
        bytes((_SET_VARIABLE, 3, _TRANSACTION)) + _text(name) + _data(value) for name, value in variables
    )
    return _framed(_ACK, notify.stream, notify.frame, told)


def number(value: int) -> bytes:
    r"""*value*, not negative, as the protocol writes numbers (SPOE.txt, section 3.1).

    >>> number(239), number(240), number(2287), number(2288)
    (b'\xef', b'\xf0\x00', b'\xff\x7f', b'\xf0\x80\x00')
    """
    if value < 240:
        return bytes((value,))
    octets = bytearray((value & 0xFF | 0xF0,))
    value = (value - 240) >> 4
    while value >= 128:
        octets.append(value & 0x7F | 0x80)
        value = (value - 128) >> 7
    octets.append(value)
    return bytes(octets)


def _frame(octets: bytes) -> Hello | Notify | Bye | Broken:
    if len(octets) < 5:
        raise _Cut("a frame has no type and flags")
    kind, flags = octets[0], int.from_bytes(octets[1:5], "big")
    if not flags & _WHOLE:
        return Broken(10, "a frame came in parts")
    reading = _Reading(octets, 5)
    stream, frame = reading.number(), reading.number()
    if kind == _HELLO:
        return _hello(reading.pairs(-1))
    if kind == _DISCONNECT:
        return Bye()
    if kind != _NOTIFY:
        raise _Cut("a frame is of a kind that is not sent to agents")
    reading.text()  # the message's name: whoever asks says all in its arguments
    return Notify(stream, frame, reading.pairs(reading.octet()))


def _hello(told: Mapping[str, Value]) -> Hello | Broken:
    versions, most = told.get("supported-versions"), told.get("max-frame-size")
    if not isinstance(versions, bytes):
        return Broken(5, "HELLO names no version")
    if b"2.0" not in {each.strip() for each in versions.split(b",")}:
        return Broken(8, "only version 2.0 is spoken here")
    if not isinstance(most, int):
        return Broken(6, "HELLO names no size of frames")
    if most < _LEAST:
        return Broken(9, "frames may be too short")
    return Hello(min(most, FRAME_BYTES), told.get("healthcheck") is True)


class _Reading:
    """Octets from a place on; every method raises `_Cut` where they are too few."""

    def __init__(self, octets: bytes, at: int) -> None:
        self._octets, self._at = octets, at

    def octet(self) -> int:
        return self._taken(1)[0]

    def number(self) -> int:
        value = self.octet()
        if value < 240:
            return value
        for place in range(_LONGEST_NUMBER):
            octet = self.octet()
            value += octet << (4 + 7 * place)
            if octet < 128:
                return value
        raise _Cut("a number is too long")

    def text(self) -> str:
        return self._taken(self.number()).decode("ascii", "replace")

    def value(self) -> Value:
        kind = self.octet()
        follows = _FOLLOWS.get(kind & 0x0F)
        if follows is None:
            raise _Cut("data is of a kind that there is not")
        if follows == -1:
            return self.number()
        if follows == -2:
            return self._taken(self.number())
        if follows:
            return self._taken(follows)
        return None if kind & 0x0F == 0 else kind == _TRUE

    def pairs(self, count: int) -> dict[str, Value]:
        """*count* names with values, or as many as there are; whoever says one twice says nothing."""
        found: dict[str, Value] = {}
        while count and (count > 0 or self._at < len(self._octets)):
            name = self.text()
            if name in found:
                raise _Cut("something is said twice")
            found[name] = self.value()
            count -= 1
        if self._at < len(self._octets):
            raise _Cut("more follows than was announced")
        return found

    def _taken(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._octets):
            raise _Cut("a frame ends too soon")
        taken, self._at = self._octets[self._at : end], end
        return taken


def _framed(kind: int, stream: int, frame: int, told: bytes) -> bytes:
    octets = bytes((kind, 0, 0, 0, _WHOLE)) + number(stream) + number(frame) + told
    return len(octets).to_bytes(4, "big") + octets


def _text(value: str) -> bytes:
    octets = value.encode("utf-8", "surrogateescape")
    return number(len(octets)) + octets


def _data(value: str) -> bytes:
    return bytes((_STRING,)) + _text(value)
