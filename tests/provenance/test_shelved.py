"""What is kept of entries that left: every place comes back, and nothing else is read for one."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.provenance.shelved import KINDS, Place, Places, PlacesDamaged, digest_of, mark_of

_FILES = st.sampled_from([f"w{number}-{'0' * 24}-000001.seg" for number in range(4)])
_PLACES = st.lists(
    st.builds(Place, st.integers(1, 2**40), st.sampled_from(KINDS), _FILES, st.integers(24, 2**36)),
    unique_by=lambda place: place.seq,
    max_size=60,
).filter(lambda places: not places or max(p.seq for p in places) - min(p.seq for p in places) < 2**32)


@given(_PLACES)
def test_what_is_written_is_read_again(found: list[Place]) -> None:
    rows = [(place, f"id-{place.seq}") for place in sorted(found)]
    places = Places.made(rows)
    again = Places.read(places.files, places.write(), places.marks)
    assert [*again] == [*places] == [place for place, _ in rows]
    for place, id in rows:
        assert again.of_seq(place.seq) == place
        assert place in set(again.marked(id))
    assert again.of_seq(2**41) is None
    seqs = [place.seq for place, _ in rows]
    for after, upto in ((0, 2**41), (seqs[0] if seqs else 0, 2**41), (5, 2**20)):
        assert [each.seq for each in again.between(after, upto)] == [
            seq for seq in seqs if after < seq <= upto
        ]


@given(st.binary(max_size=80), st.integers(0, 5))
def test_what_was_changed_is_refused(octets: bytes, marks: int) -> None:
    try:
        read = Places.read(("one",), octets, b"." * 4 * marks)
    except PlacesDamaged:
        return
    assert len(read) == marks
    assert all(place.file == "one" for place in read)


def test_a_cut_a_changed_and_a_foreign_one_are_refused() -> None:
    rows = [(Place(seq, "fetch", f"{seq % 2}.seg", 24 + seq * 700), str(seq)) for seq in range(3, 90)]
    places = Places.made(rows)
    packed = places.write()
    for files, octets, marks in (
        (places.files, packed[:-1], places.marks),
        (places.files, packed[:10], places.marks),
        (places.files, packed + b"\0", places.marks),
        (places.files, packed, places.marks[:-4]),
        (places.files[:1], packed, places.marks),
        (places.files, b"", b""),
    ):
        with pytest.raises(PlacesDamaged, match="cannot be read"):
            Places.read(files, octets, marks)
    with pytest.raises(ValueError, match="do not rise"):
        Places.made(reversed(rows))
    with pytest.raises(ValueError, match="not in tuple"):
        Places.made([(Place(1, "book", "one", 24), "x")])


def test_ten_thousand_places_take_few_octets() -> None:
    dice, offset, rows = random.Random(4), 24, []
    for seq in range(1, 10_001):
        offset += 690 + dice.randrange(40)
        rows.append((Place(seq, "fetch", "w0-one.seg", offset), f"019ab{seq:030}"))
    places = Places.made(rows)
    assert (len(places.write()) + len(places.marks)) / len(rows) < 6


def test_the_digest_binds_numbers_to_leaves() -> None:
    one, two = hashlib.sha256(b"one").digest(), hashlib.sha256(b"two").digest()
    whole = hashlib.sha256((7).to_bytes(8, "big") + one + (9).to_bytes(8, "big") + two).digest()
    assert digest_of([(7, one), (9, two)]) == whole
    assert digest_of([(9, one), (7, two)]) != whole
    assert mark_of("r1") == hashlib.sha256(b"r1").digest()[:4]
