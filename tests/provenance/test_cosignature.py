"""Cosignatures: made, counted, asked for as C2SP writes it, and believed of nobody who is not trusted."""

from __future__ import annotations

import base64
import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.provenance.checkpoint import Checkpoint, CheckpointRefused, LogKey, sign
from gateway.provenance.cosignature import (
    Cosigned,
    Quorum,
    WitnessKey,
    add_request,
    cosign,
    cosigned,
    kept_lines,
    read_add_request,
    read_witnessed,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LOG = LogKey("journal.example/log", KEY.public_key())
HEAD = Checkpoint(LOG.name, 70_000, bytes(range(32)))
NOTE = sign(HEAD, LOG.name, KEY)
KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(4)]
WITNESSES = tuple(WitnessKey(f"w{n}.example/w", key.public_key()) for n, key in enumerate(KEYS))
NOW = 1_795_000_000


def line(n, at=NOW, head=HEAD):
    return cosign(head, WITNESSES[n].name, KEYS[n], at)


def test_a_vkey_comes_back_and_is_of_a_witness():
    for each in WITNESSES:
        assert WitnessKey.read(each.vkey) == each
    with pytest.raises(CheckpointRefused, match="not of an Ed25519 key"):
        WitnessKey.read(LOG.vkey)
    with pytest.raises(CheckpointRefused, match="not of an Ed25519 key"):
        LogKey.read(WITNESSES[0].vkey)


def test_the_message_and_the_id_are_those_of_the_specification():
    """The example of C2SP tlog-cosignature: its signature is by a key that is not told, its layout is."""
    example = "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
    told = base64.b64decode(example)
    ours = base64.b64decode(line(0, 1_679_315_147).split(" ")[2])
    assert len(ours) == len(told)
    assert ours[4:12] == told[4:12]
    assert ours[:4] == WITNESSES[0].id
    KEYS[0].public_key().verify(ours[12:], f"cosignature/v1\ntime 1679315147\n{HEAD.text}".encode())


def test_witnesses_are_counted_once_each_and_strangers_not_at_all():
    note = NOTE + line(0) + line(0, NOW + 5) + line(2)
    assert cosigned(note, WITNESSES) == (Cosigned("w0.example/w", NOW + 5), Cosigned("w2.example/w", NOW))
    assert cosigned(note, WITNESSES[1:2]) == ()
    assert cosigned(NOTE, WITNESSES) == ()


@pytest.mark.parametrize(
    ("lines", "needed", "enough"),
    [
        ([], 1, False),
        ([0], 1, True),
        ([0], 2, False),
        ([0, 0], 2, False),
        ([0, 1], 2, True),
        ([0, 1, 2], 3, True),
        ([0, 3], 2, False),  # the fourth is trusted by nobody
    ],
)
def test_a_quorum_is_so_many_of_those_who_are_trusted(lines, needed, enough):
    note = NOTE + "".join(line(n) for n in lines)
    quorum = Quorum(WITNESSES[:3], needed)
    if enough:
        head, seen = read_witnessed(note, LOG, quorum, NOW)
        assert (head, len(seen)) == (HEAD, len(set(lines)))
    else:
        with pytest.raises(CheckpointRefused, match="are wanted"):
            read_witnessed(note, LOG, quorum, NOW)


def test_time_is_believed_within_bounds_alone():
    quorum = Quorum(WITNESSES[:1], 1)
    assert read_witnessed(NOTE + line(0), LOG, quorum, NOW, oldest=NOW)
    for now, oldest in ((NOW - 1, 0), (NOW + 9, NOW + 1)):
        with pytest.raises(CheckpointRefused, match="0 of its 1 witnesses"):
            read_witnessed(NOTE + line(0), LOG, quorum, now, oldest=oldest)


FORGED = {
    "of another head": line(0, head=Checkpoint(HEAD.origin, 70_001, HEAD.root)),
    "of another root": line(0, head=Checkpoint(HEAD.origin, HEAD.size, bytes(32))),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_line_of_a_known_witness_spoils_the_note(what):
    with pytest.raises(CheckpointRefused, match="cosignature of w0"):
        read_witnessed(NOTE + FORGED[what] + line(1), LOG, Quorum(WITNESSES, 1), NOW)


def test_a_changed_time_does_not_hold():
    octets = bytearray(base64.b64decode(line(0).split(" ")[2]))
    for at in range(4, len(octets)):
        octets[at] ^= 1
        bent = f"\u2014 {WITNESSES[0].name} {base64.b64encode(octets).decode()}\n"
        with pytest.raises(CheckpointRefused):
            read_witnessed(NOTE + bent, LOG, Quorum(WITNESSES[:1], 1), 1 << 62)
        octets[at] ^= 1
    short = base64.b64encode(octets[:-1]).decode()
    with pytest.raises(CheckpointRefused):
        cosigned(f"{NOTE}\u2014 {WITNESSES[0].name} {short}\n", WITNESSES)


def test_the_log_must_have_signed_it_too():
    note = sign(HEAD, LOG.name, KEYS[3]) + line(0)
    with pytest.raises(CheckpointRefused, match="is not signed by"):
        read_witnessed(note, LOG, Quorum(WITNESSES, 1), NOW)


@pytest.mark.parametrize(("witnesses", "needed"), [((0, 0), 1), ((0, 1), 0), ((0, 1), 3), ((), 0), ((), 1)])
def test_what_can_never_be_met_is_no_quorum(witnesses, needed):
    with pytest.raises(ValueError, match=r"quorum|twice"):
        Quorum(tuple(WITNESSES[n] for n in witnesses), needed)
    renamed = WitnessKey("another.example", WITNESSES[0].public)
    with pytest.raises(ValueError, match="twice"):
        Quorum((WITNESSES[0], renamed), 1)


def test_of_an_answer_the_lines_that_hold_are_kept():
    assert kept_lines(NOTE, line(0) + line(1), WITNESSES[0]) == line(0)
    for answer in ("", line(1), "\n", "x\n", FORGED["of another head"], line(0).rstrip("\n")):
        with pytest.raises(CheckpointRefused):
            kept_lines(NOTE, answer, WITNESSES[0])


@given(st.integers(0, 10**18), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
def test_a_request_comes_back_as_it_was(old, proof):
    assert read_add_request(add_request(old, proof, NOTE)) == (old, tuple(proof), NOTE)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"old 1\n", b"old 01\n\nx", b"old -1\n\nx", b"old 1 \n\nx", b"new 1\n\nx", b"\xff\n\nx", b"old 1\nzz\n\nx",
        b"old 1\nAAAA\n\nx", b"old 1\n" + (base64.b64encode(bytes(32)) + b"\n") * 64 + b"\nx",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(body):
    with pytest.raises(CheckpointRefused):
        read_add_request(body)


@given(st.binary(max_size=200))
def test_no_octets_make_a_reader_raise_anything_else(octets):
    text = octets.decode("utf-8", "surrogateescape")
    for act in (
        lambda: read_add_request(octets),
        lambda: kept_lines(NOTE, text, WITNESSES[0]),
        lambda: WitnessKey.read(text),
    ):
        with contextlib.suppress(CheckpointRefused):
            act()
    for note in (text, NOTE + text):
        with contextlib.suppress(CheckpointRefused):
            assert cosigned(note, WITNESSES) == (), "nobody can guess a signature"
