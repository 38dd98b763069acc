"""Checkpoints: signed, read back, and refused in one way only."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.provenance.checkpoint import Checkpoint, CheckpointRefused, LogKey, read, sign

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = LogKey("journal.example/log", KEY.public_key())
HEAD = Checkpoint("journal.example/log", 70_000, bytes(range(32)))
NOTE = sign(HEAD, LOG.name, KEY)


def test_what_was_signed_is_read():
    assert read(NOTE, LOG) == HEAD
    assert read(NOTE, LogKey.read(LOG.vkey)) == HEAD
    more = Checkpoint(HEAD.origin, 0, HEAD.root, ("witnessed at noon",))
    assert read(sign(more, LOG.name, KEY), LOG) == more


def test_others_signatures_are_passed_over():
    other = Ed25519PrivateKey.generate()
    line = sign(HEAD, "witness.example", other).rpartition("\n\n")[2]
    assert read(NOTE + line, LOG) == HEAD
    assert read(NOTE.replace("\n\n", f"\n\n{line}"), LOG) == HEAD
    with pytest.raises(CheckpointRefused, match="is not signed by"):
        read(f"{HEAD.text}\n{line}", LOG)


def test_the_example_of_the_specification_has_the_key_id_that_it_tells():
    """C2SP signed-note: the id is of name, type and key; sum.golang.org's key is a public one."""
    vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    assert LogKey.read(vkey).id.hex() == "033de0ae"
    assert LogKey.read(vkey).vkey == vkey


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("", "no end"),
        ("\n", "no blank line"),
        (HEAD.text, "no blank line"),
        (f"{HEAD.text}\n", "no blank line|no signature"),
        (NOTE.replace("70000", "70001"), "not of this text"),
        (NOTE.replace("70000", "070000"), "not an origin, a size and a root"),
        (NOTE.replace("70000", "-1"), "not an origin, a size and a root"),
        (NOTE.replace("70000", "9" * 30), "not an origin, a size and a root"),
        (NOTE.replace("\n", "\r\n"), "control characters"),
        (NOTE.rstrip("\n"), "no end"),
        (NOTE + "\n", "no signature|no three lines"),
        (NOTE.replace("\u2014", "-"), "no signature"),
        (NOTE + f"\u2014 x {base64.b64encode(b'abcd').decode()}\n", "no signature"),
        (NOTE + NOTE.rpartition("\n\n")[2] * 40, "more than"),
        (NOTE + "x" * 70_000 + "\n", "more than"),
        ("\udc80" + NOTE, "not UTF-8"),
        (sign(Checkpoint("other.example", 1, bytes(32)), LOG.name, KEY), "it is of the log"),
        (sign(Checkpoint(LOG.name, 1, bytes(31)), LOG.name, KEY), "not an origin, a size and a root"),
    ],
)
def test_what_is_no_checkpoint_of_the_log_is_refused(note, why):
    with pytest.raises(CheckpointRefused, match=why):
        read(note, LOG)


@given(st.data())
def test_a_changed_note_is_refused_or_says_the_same(data):
    octets = bytearray(NOTE.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = read(octets.decode(errors="surrogateescape"), LOG)
    except CheckpointRefused:
        return
    assert found == HEAD


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "a",
        "a+b",
        "a+00000000+",
        "a+b+c",
        "a+00000000+AQ==",
        LOG.vkey.replace("log", "fog"),
        LOG.vkey[:-4],
    ],
)
def test_what_is_no_key_is_refused(vkey):
    with pytest.raises(CheckpointRefused, match="vkey"):
        LogKey.read(vkey)


@given(st.text())
def test_no_text_does_anything_else(text):
    for act in (lambda: read(text, LOG), lambda: LogKey.read(text)):
        try:
            act()
        except CheckpointRefused:
            continue
        pytest.fail("it was believed")
