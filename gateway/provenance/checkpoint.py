"""The signed head of the public log: what its keeper says it holds, and cannot take back.

A checkpoint (C2SP tlog-checkpoint 1.0.0) is a note (C2SP signed-note 1.0.0) of
three lines: the log's origin, its size, its root in base64. The log signs it
with Ed25519 (RFC 8032); further signatures, such as witnesses', are passed over
by whoever does not know their keys. A *vkey* is what others must know of the
log before: ``NAME+KEYID+BASE64``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.provenance.chain import HASH

#: Octets that a note may have here, and signatures on it.
LONGEST: Final = 65_536
MOST_SIGNATURES: Final = 32
_ED25519: Final = b"\1"
_SIGNATURE: Final = re.compile(r"\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})")
_NAME: Final = re.compile(r"[^\s+\x00-\x20]+")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointRefused(ValueError):
    """It is no checkpoint of that log; the message is a clause that says why."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log called *origin* has *size* leaves under *root*. *more* are further lines, which say nothing here."""

    origin: str
    size: int
    root: bytes
    more: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.more)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class LogKey:
    """The name and public key by which a log's signatures are known."""

    name: str
    public: Ed25519PublicKey

    @property
    def id(self) -> bytes:
        """The four octets that a signature begins with."""
        return key_id(self.name, _ED25519, self.public)

    @property
    def vkey(self) -> str:
        """The key as a text to hand on."""
        return write_vkey(self.name, _ED25519, self.public)

    @classmethod
    def read(cls, vkey: str) -> LogKey:
        """The key that *vkey* writes; raises `CheckpointRefused`."""
        return cls(*read_vkey(vkey, _ED25519))


def key_id(name: str, kind: bytes, public: Ed25519PublicKey) -> bytes:
    """The four octets by which signatures of *kind* by *name* are known (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + kind + public.public_bytes_raw()).digest()[:4]


def write_vkey(name: str, kind: bytes, public: Ed25519PublicKey) -> str:
    """The vkey of a key of *kind*."""
    encoded = base64.b64encode(kind + public.public_bytes_raw()).decode()
    return f"{name}+{key_id(name, kind, public).hex()}+{encoded}"


def read_vkey(vkey: str, kind: bytes) -> tuple[str, Ed25519PublicKey]:
    """Name and key that *vkey* writes, which is one of *kind*; raises `CheckpointRefused`."""
    parts = vkey.strip().split("+", 2)
    try:
        name, id, key = parts
        octets = base64.b64decode(key, validate=True)
        if octets[:1] != kind or not _NAME.fullmatch(name):
            raise CheckpointRefused("the vkey is not of an Ed25519 key with a name")
        public = Ed25519PublicKey.from_public_bytes(octets[1:])
    except (ValueError, binascii.Error) as error:
        raise CheckpointRefused(f"the vkey cannot be read: {error}") from None
    if key_id(name, kind, public).hex() != id:
        raise CheckpointRefused("the vkey's id is not the one of its name and key")
    return name, public


def sign(checkpoint: Checkpoint, name: str, key: Ed25519PrivateKey) -> str:
    """The note: *checkpoint*, signed by *key* under *name*."""
    return sign_text(checkpoint.text, name, key)


def sign_text(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The note of *text*, signed by *key* under *name*.

    *text* ends in a line feed. A log's key signs texts whose first line is not
    the name of a log beside its checkpoints, so that none is taken for one.
    """
    log = LogKey(name, key.public_key())
    signature = base64.b64encode(log.id + key.sign(text.encode())).decode()
    return f"{text}\n\u2014 {name} {signature}\n"


def read(note: str, log: LogKey) -> Checkpoint:
    """The checkpoint in *note*, signed by *log* under its own name; raises `CheckpointRefused`, nothing else."""
    text, signatures = split_note(note)
    found = read_head(text)
    _believe(text, signatures, log)
    if found.origin != log.name:
        raise CheckpointRefused(f"it is of the log {found.origin!r}, and not of {log.name!r}")
    return found


def read_text(note: str, log: LogKey) -> str:
    """What *note* says, signed by *log* under its own name; raises `CheckpointRefused`, nothing else."""
    text, signatures = split_note(note)
    _believe(text, signatures, log)
    return text


def _believe(text: str, signatures: list[tuple[str, bytes, bytes]], log: LogKey) -> None:
    valid = False
    for name, id, signature in signatures:
        if (name, id) != (log.name, log.id):
            continue
        try:
            log.public.verify(signature, text.encode())
        except InvalidSignature:
            raise CheckpointRefused("the log's signature is not of this text") from None
        valid = True
    if not valid:
        raise CheckpointRefused(f"the note is not signed by {log.name} with the key {log.id.hex()}")


def split_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The text of *note*, and of each signature line the name, the id of the key and the rest; raises `CheckpointRefused`."""
    try:
        octets = note.encode()
    except UnicodeEncodeError:
        raise CheckpointRefused("the note is not UTF-8") from None
    if len(octets) > LONGEST:
        raise CheckpointRefused(f"the note has more than {LONGEST} octets")
    if any(octet < 32 and octet != 10 for octet in octets) or not note.endswith("\n"):
        raise CheckpointRefused("the note has control characters, or no end")
    text, blank, tail = note.rpartition("\n\n")
    if not blank or text.count("\n") < 2:
        raise CheckpointRefused("the note has no blank line before its signatures, or no three lines")
    signatures = []
    for line in tail.removesuffix("\n").split("\n"):
        matched = _SIGNATURE.fullmatch(line)
        decoded = _decoded(matched[2]) if matched else None
        if matched is None or decoded is None or len(decoded) < 5:
            raise CheckpointRefused("a line behind the blank one is no signature")
        signatures.append((matched[1], decoded[:4], decoded[4:]))
    if len(signatures) > MOST_SIGNATURES:
        raise CheckpointRefused(f"the note has more than {MOST_SIGNATURES} signatures")
    return f"{text}\n", signatures


def read_head(text: str) -> Checkpoint:
    """The checkpoint that the text of a note is, whoever signed it; raises `CheckpointRefused`."""
    lines = text.removesuffix("\n").split("\n")
    root = _decoded(lines[2])
    if not lines[0] or not _DECIMAL.fullmatch(lines[1]) or root is None or len(root) != HASH:
        raise CheckpointRefused("the three lines are not an origin, a size and a root")
    if any(not line for line in lines[3:]):
        raise CheckpointRefused("a line of the checkpoint is empty")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))


def _decoded(text: str) -> bytes | None:
    """What *text* is the one base64 of, or None."""
    try:
        octets = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return octets if base64.b64encode(octets).decode() == text else None
