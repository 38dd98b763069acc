"""Witnesses: others who say of a head that they saw the log only grow, so that it cannot show two people two histories.

A cosignature (C2SP tlog-cosignature, type Ed25519, ``cosignature/v1``) is one
more signature line on a checkpoint: the time in eight octets, and a signature
over that time and the checkpoint's text. A witness is asked by ``add-checkpoint``
(C2SP tlog-witness): the size that it last cosigned, what proves that the new
tree continues that one, and the new checkpoint. Whoever verifies names the
witnesses it trusts and how many of them it wants.

Pure; `app.witnessing` asks.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.provenance.chain import HASH
from gateway.provenance.checkpoint import (
    Checkpoint,
    CheckpointRefused,
    LogKey,
    key_id,
    read,
    read_vkey,
    split_note,
    write_vkey,
)

_KIND: Final = b"\4"
_TIME: Final = 8
_LATEST: Final = (1 << 63) - 1
#: Lines that a consistency proof in a request has at most.
MOST_LINES: Final = 63
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The name and public key by which a witness's cosignatures are known."""

    name: str
    public: Ed25519PublicKey

    @property
    def id(self) -> bytes:
        """The four octets that a cosignature begins with."""
        return key_id(self.name, _KIND, self.public)

    @property
    def vkey(self) -> str:
        """The key as a text to hand on."""
        return write_vkey(self.name, _KIND, self.public)

    @classmethod
    def read(cls, vkey: str) -> WitnessKey:
        """The key that *vkey* writes; raises `CheckpointRefused`."""
        return cls(*read_vkey(vkey, _KIND))


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The witness called *name* saw the head at second *at*."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Quorum:
    """The witnesses that somebody trusts, and how many of them have to have seen a head."""

    witnesses: tuple[WitnessKey, ...]
    needed: int

    def __post_init__(self) -> None:
        """Refuse what can never be met, and one witness that is named twice."""
        keys = {each.public.public_bytes_raw() for each in self.witnesses}
        if len(keys) < len(self.witnesses):
            raise ValueError("one witness is named twice")
        if not 0 < self.needed <= len(self.witnesses):
            raise ValueError(f"{self.needed} of {len(self.witnesses)} witnesses is no quorum")


def cosign(head: Checkpoint, name: str, key: Ed25519PrivateKey, at: int) -> str:
    """The signature line, with its line feed, by which the witness *name* says at second *at* that it saw *head*."""
    signature = at.to_bytes(_TIME) + key.sign(_message(head.text, at))
    encoded = base64.b64encode(key_id(name, _KIND, key.public_key()) + signature).decode()
    return f"\u2014 {name} {encoded}\n"


def cosigned(note: str, witnesses: Iterable[WitnessKey]) -> tuple[Cosigned, ...]:
    """Which of *witnesses* cosigned *note*, each once; lines of other keys are passed over.

    Raises `CheckpointRefused` for what is no note, and for a line of a known
    witness that does not hold: somebody forged it.
    """
    text, signatures = split_note(note)
    found: dict[str, Cosigned] = {}
    for witness in witnesses:
        for name, id, signature in signatures:
            if (name, id) == (witness.name, witness.id):
                at = _held(text, signature, witness)
                if at >= found.get(name, Cosigned(name, -1)).at:
                    found[name] = Cosigned(name, at)
    return tuple(found.values())


def read_witnessed(
    note: str, log: LogKey, quorum: Quorum, now: int, *, oldest: int = 0
) -> tuple[Checkpoint, tuple[Cosigned, ...]]:
    """The head in *note*, signed by *log* and seen by enough of *quorum*, and who saw it.

    A cosignature from after second *now* counts for nothing, nor does one from
    before *oldest*. Raises `CheckpointRefused`, nothing else.
    """
    head = read(note, log)
    seen = tuple(each for each in cosigned(note, quorum.witnesses) if oldest <= each.at <= now)
    if len(seen) < quorum.needed:
        raise CheckpointRefused(
            f"{len(seen)} of its {len(quorum.witnesses)} witnesses have seen it, and {quorum.needed} are wanted"
        )
    return head, seen


def kept_lines(note: str, answer: str, witness: WitnessKey) -> str:
    """Of what a witness *answer*ed, the lines that hold, to put behind *note*; raises `CheckpointRefused` for none."""
    if not cosigned(note + answer, (witness,)):
        raise CheckpointRefused(f"the answer has no cosignature of {witness.name}")
    id = base64.b64encode(witness.id).decode()[:5]
    mine = [line for line in answer.splitlines() if line.startswith(f"\u2014 {witness.name} {id}")]
    return "".join(f"{line}\n" for line in mine)


def add_request(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """The body of ``add-checkpoint``: *proof* leads from the tree of *old* leaves to that of *note*."""
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof)]
    return ("".join(f"{line}\n" for line in lines) + "\n" + note).encode()


def read_add_request(body: bytes) -> tuple[int, tuple[bytes, ...], str]:
    """What such a body says: the old size, the proof, the note. Raises `CheckpointRefused`, nothing else."""
    try:
        head, blank, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise CheckpointRefused("it is no text") from None
    old, *lines = head.split("\n")
    matched = _OLD.fullmatch(old)
    if not blank or matched is None or len(lines) > MOST_LINES:
        raise CheckpointRefused("it does not begin with an old size, at most 63 hashes and an empty line")
    try:
        proof = tuple(base64.b64decode(line, validate=True) for line in lines)
    except (ValueError, binascii.Error):
        raise CheckpointRefused("a line of the proof is not base64") from None
    if any(len(each) != HASH for each in proof):
        raise CheckpointRefused("a line of the proof is no hash")
    return int(matched[1]), proof, note


def _held(text: str, signature: bytes, witness: WitnessKey) -> int:
    at = int.from_bytes(signature[:_TIME])
    try:
        if len(signature) != _TIME + 64 or at > _LATEST:
            raise InvalidSignature
        witness.public.verify(signature[_TIME:], _message(text, at))
    except InvalidSignature:
        raise CheckpointRefused(f"the cosignature of {witness.name} is not of this text") from None
    return at


def _message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()
