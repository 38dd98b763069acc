"""Encrypted files: what was written is read back, and nothing else is."""

from __future__ import annotations

import io
import tracemalloc
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.keys.ems import HEADER_OCTETS, ContentKey, EmsError, decrypt, encrypt, key_id

CHUNK = 1 << 16
KEY = ContentKey(bytes(range(16)), bytes(range(32)))
SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5)


def sealed(octets, key=KEY):
    target = io.BytesIO()
    assert encrypt(io.BytesIO(octets), target, key) == len(octets)
    return target.getvalue()


def opened(octets, key=KEY):
    target = io.BytesIO()
    assert decrypt(io.BytesIO(octets), target, key) == len(target.getvalue())
    return target.getvalue()


def text(size):
    return bytes(at * 7 % 251 for at in range(size))


@pytest.mark.parametrize("size", SIZES)
def test_what_was_encrypted_is_read_back(size):
    octets = sealed(text(size))
    assert opened(octets) == text(size)
    assert len(octets) == HEADER_OCTETS + size + 16 * max(1, -(-size // CHUNK))
    assert key_id(io.BytesIO(octets)) == KEY.kid


def test_the_layout_is_the_documented_one():
    octets = sealed(text(CHUNK + 5))
    header, chunks = octets[:33], octets[33:]
    assert header[:10] == b"LICETEMS\x01\x10"
    assert header[10:26] == KEY.id
    prefix = header[26:33]
    cipher = AESGCM(KEY.octets)
    first = cipher.decrypt(prefix + b"\0\0\0\0" + b"\0", chunks[: CHUNK + 16], header)
    last = cipher.decrypt(prefix + b"\0\0\0\x01" + b"\x01", chunks[CHUNK + 16 :], header)
    assert first + last == text(CHUNK + 5)


def test_the_jwk_is_one_and_reads_back():
    jwk = KEY.as_jwk()
    assert (jwk["kty"], jwk["alg"]) == ("oct", "A256GCM")
    assert urlsafe_b64decode(jwk["k"] + "=") == KEY.octets
    assert ContentKey.read(jwk) == KEY
    assert jwk["k"] not in repr(KEY)
    assert str(KEY.octets) not in repr(KEY)
    assert ContentKey.new() != ContentKey.new()


@pytest.mark.parametrize(
    "bent",
    [
        {"kty": "RSA"}, {"alg": "A128CTR"}, {"alg": None}, {"k": "AAAA"}, {"k": None}, {"k": "é" * 43},
        {"k": "="}, {"kid": "AAAA"}, {"kid": 7},
    ],
)  # fmt: skip
def test_another_jwk_is_refused(bent):
    with pytest.raises(EmsError):
        ContentKey.read({**KEY.as_jwk(), **bent})


def parts(octets):
    body = octets[HEADER_OCTETS:]
    return octets[:HEADER_OCTETS], [body[at : at + CHUNK + 16] for at in range(0, len(body), CHUNK + 16)]


def bendings():
    octets = sealed(text(3 * CHUNK + 5))
    header, chunks = parts(octets)
    a, b, c, d = chunks
    other_header, other = parts(sealed(text(3 * CHUNK + 5)))
    yield "cut within a chunk", octets[:-1]
    yield "the last chunk is missing", header + a + b + c
    yield "two chunks are missing", header + a + b
    yield "nothing but the header", header
    yield "half a header", header[:20]
    yield "nothing", b""
    yield "swapped", header + b + a + c + d
    yield "one is missing in the middle", header + a + c + d
    yield "doubled", header + a + a + b + c + d
    yield "the last twice", octets + d
    yield "something added", octets + b"x"
    yield "an empty chunk added", octets + bytes(16)
    yield "a chunk of another encryption", header + a + other[1] + c + d
    yield "another header", other_header + a + b + c + d
    yield "another version", octets[:8] + b"\x02" + octets[9:]
    yield "another chunk size", octets[:9] + b"\x0f" + octets[10:]
    yield "an absurd chunk size", octets[:9] + b"\x3f" + octets[10:]
    yield "another key id", octets[:10] + bytes(16) + octets[26:]


@pytest.mark.parametrize(
    ("how", "octets"), list(bendings()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_what_was_changed_is_noticed(how, octets):
    with pytest.raises(EmsError):
        opened(octets)


def test_another_key_opens_nothing():
    with pytest.raises(EmsError, match="wants the key"):
        opened(sealed(b"tides"), ContentKey.new())
    with pytest.raises(EmsError, match="chunk 0"):
        opened(sealed(b"tides"), ContentKey(KEY.id, bytes(32)))


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 2 * CHUNK + 33 + 5 + 47), bit=st.integers(0, 7))
@example(at=33, bit=0)
def test_no_bit_can_be_turned(at, bit):
    octets = bytearray(_LONG)
    octets[at] ^= 1 << bit
    with pytest.raises(EmsError):
        opened(bytes(octets))


_LONG = sealed(text(2 * CHUNK + 5))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_octets_raise_anything_else(octets):
    with pytest.raises(EmsError):
        opened(b"LICETEMS\x01\x10" + octets)


class Trickle(io.RawIOBase):
    """A pipe that gives what it has, a little at a time, of *size* octets that exist nowhere at once."""

    def __init__(self, size):
        self.left = size

    def read(self, size=-1):
        given = min(self.left, size, 40_000)
        self.left -= given
        return bytes(given)


class Nowhere(io.RawIOBase):
    def write(self, octets):
        return len(octets)


def test_a_long_file_takes_the_memory_of_a_chunk():
    size = 64 << 20
    tracemalloc.start()
    try:
        assert encrypt(Trickle(size), Nowhere(), KEY) == size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 << 20
