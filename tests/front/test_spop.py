"""HAProxy's frames: numbers as the protocol writes them, and an answer of this module to any octets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.front.spop import (
    FRAME_BYTES,
    Broken,
    Bye,
    Hello,
    Notify,
    ack,
    agent_disconnect,
    agent_hello,
    frame_of,
    length_of,
    number,
)

#: What HAProxy 2.6.12 sent: to ask whether somebody is there, and a question about ``/a?b``.
CHECK = bytes.fromhex(
    "01000000010000" "12737570706f727465642d76657273696f6e73" "0803322e30"
    "0e6d61782d6672616d652d73697a65" "03fcf006" "0c6361706162696c6974696573" "0800" "0b6865616c7468636865636b" "11"
)  # fmt: skip
HELLO = CHECK.removesuffix(b"\x0bhealthcheck\x11")
ASKED = bytes.fromhex(
    "03000000010001" "056c69636574" "03" "066d6574686f64" "0803474554" "06746172676574" "08042f613f62" "056c696e6573"
    "0846" "686f73743a203132372e302e302e313a31393038300d0a" "757365722d6167656e743a206375726c2f372e38382e310d0a"
    "6163636570743a202a2f2a0d0a" "783a20c3a90d0a" "0d0a"
)  # fmt: skip


def text(value: bytes) -> bytes:
    return number(len(value)) + value


def notify(*pairs: tuple[bytes, bytes], stream: int = 7, frame: int = 1, count: int | None = None) -> bytes:
    told = b"".join(text(name) + data for name, data in pairs)
    head = b"\x03\x00\x00\x00\x01" + number(stream) + number(frame)
    return head + text(b"licet") + bytes((len(pairs) if count is None else count,)) + told


@given(st.integers(0, 2**64 - 1))
def test_a_number_is_read_as_it_was_written(value):
    assert frame_of(notify((b"n", b"\x05" + number(value)))).told == {"n": value}


@pytest.mark.parametrize(
    ("value", "octets"),
    [(0, "00"), (239, "ef"), (240, "f000"), (2287, "ff7f"), (2288, "f08000"), (264431, "ffff7f"), (264432, "f0808000")],
)  # fmt: skip
def test_numbers_stand_at_the_bounds_of_the_specification(value, octets):
    assert number(value) == bytes.fromhex(octets)


def test_haproxys_greeting_and_ours():
    assert frame_of(HELLO) == Hello(16380, healthcheck=False)
    assert frame_of(CHECK) == Hello(16380, healthcheck=True)
    ours = agent_hello(16380)
    assert length_of(ours) == len(ours)
    assert ours[4:11] == bytes.fromhex("65000000010000")
    assert b"\x07version\x08\x032.0" in ours
    # Answers come on the connection of their question, and no frame in parts.
    assert b"async" not in ours
    assert b"fragmentation" not in ours


def test_a_question_of_haproxys():
    lines = "host: 127.0.0.1:19080\r\nuser-agent: curl/7.88.1\r\naccept: */*\r\nx: é\r\n\r\n".encode()
    assert frame_of(ASKED) == Notify(0, 1, {"method": b"GET", "target": b"/a?b", "lines": lines})


def test_every_kind_of_data_is_read_to_its_end():
    kinds = {
        b"null": (b"\x00", None),
        b"no": (b"\x01", False),
        b"yes": (b"\x11", True),
        b"int32": (b"\x02\x05", 5),
        b"uint64": (b"\x05\xf0\x00", 240),
        b"ipv4": (b"\x06\x7f\x00\x00\x01", b"\x7f\x00\x00\x01"),
        b"ipv6": (b"\x07" + bytes(16), bytes(16)),
        b"string": (b"\x08\x02ab", b"ab"),
        b"binary": (b"\x09\x01\xff", b"\xff"),
    }
    told = frame_of(notify(*((name, octets) for name, (octets, _) in kinds.items()))).told
    assert told == {name.decode(): value for name, (_, value) in kinds.items()}


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"", 4),
        (HELLO[:4], 4),
        (b"\x01\x00\x00\x00\x00" + HELLO[5:], 10),
        (HELLO.replace(b"\x08\x032.0", b"\x08\x031.0"), 8),
        (HELLO.replace(b"supported-versions", b"supported_versions"), 5),
        (HELLO.replace(b"max-frame-size", b"max_frame-size"), 6),
        (HELLO.replace(b"\x03\xfc\xf0\x06", b"\x03\xef"), 9),
        (HELLO + text(b"capabilities") + b"\x00", 4),
        (b"\x67" + HELLO[1:], 4),
        (notify((b"a", b"\x0a")), 4),
        (notify((b"a", b"\x08\x05ab")), 4),
        (notify((b"a", b"\x05" + b"\xff" * 12)), 4),
        (notify((b"a", b"\x00"), count=0), 4),
        (notify((b"a", b"\x00"), count=2), 4),
        (notify((b"a", b"\x00")) + b"\x00", 4),
    ],
)
def test_what_is_no_frame_is_refused_with_the_status_of_the_specification(octets, status):
    found = frame_of(octets)
    assert isinstance(found, Broken)
    assert found.status == status


def test_a_frame_may_be_so_long_and_no_longer():
    assert length_of(b"\x00\x00\x01") is None
    assert length_of(FRAME_BYTES.to_bytes(4, "big")) == FRAME_BYTES + 4
    assert length_of((FRAME_BYTES + 1).to_bytes(4, "big")) == Broken(3, "a frame is too long")
    assert frame_of(HELLO.replace(b"\x03\xfc\xf0\x06", b"\x03" + number(1 << 30))) == Hello(
        FRAME_BYTES, False
    )
    assert frame_of(b"\x02\x00\x00\x00\x01\x00\x00") == Bye()


def test_an_answer_names_its_question_and_sets_text_in_the_transaction():
    asked = Notify(2288, 3, {})
    octets = ack(asked, (("decision", "licensed"), ("record", "")))
    assert octets[4:] == bytes.fromhex("6700000001f0800003") + (
        b"\x01\x03\x02\x08decision\x08\x08licensed\x01\x03\x02\x06record\x08\x00"
    )
    assert length_of(octets) == len(octets)
    assert (
        agent_disconnect(4, "no")[4:]
        == b"\x66\x00\x00\x00\x01\x00\x00\x0bstatus-code\x03\x04\x07message\x08\x02no"
    )


_FRAMES = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda frame, at, octet: frame[:at] + octet + frame[at + 1 :],
              st.sampled_from([CHECK, ASKED]),
              st.integers(0, 80), st.binary(max_size=3)),
)  # fmt: skip


@given(_FRAMES)
def test_any_octets_give_a_frame_or_its_refusal(octets):
    found = frame_of(octets)
    assert isinstance(found, Hello | Notify | Bye | Broken)
    if isinstance(found, Broken):
        assert found.status in {4, 5, 6, 8, 9, 10}
    assert isinstance(length_of(octets), int | Broken | None)
