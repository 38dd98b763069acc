"""`Originals`: the first time of a digest counts, and what was seen is what was delivered whole."""

from __future__ import annotations

from dataclasses import replace

from gateway.licenses.authorship import Original, Seen


async def test_the_first_time_of_a_digest_counts(ports, make):
    one = Original("journal", "essays", "a" * 64, "a.md", 5, make.NOW, "owner")
    two = replace(one, digest="b" * 64, added_at=make.NOW - 1)
    assert await ports.originals.add(one)
    assert not await ports.originals.add(replace(one, name="other.md", added_at=1))
    assert await ports.originals.add(two)
    assert await ports.originals.add(replace(one, work="notes"))
    assert await ports.originals.of_work("journal", "essays") == (two, one)
    assert await ports.originals.of_work("other", "essays") == ()


async def test_what_was_delivered_whole_is_seen_from_first_to_last(ports, make):
    at = make.NOW * 1_000_000
    await ports.put(
        make.fetch("r1", path="/essays/a", digest="a" * 64, time_us=at + 5_000_000),
        make.fetch("r2", path="/essays/a", digest="a" * 64, time_us=at),
        make.fetch("r3", path="/essays/a", digest="b" * 64, time_us=at + 9_000_000, licensee="", license=""),
        make.fetch("r4", path="/essays/c", digest="c" * 64, status=206),
        make.fetch("r5", path="/essays/d", digest="d" * 64, ended="client"),
        make.fetch("r6", path="/essays/e", digest=""),
        make.fetch("r7", path="/notes/a", work="notes", digest="e" * 64),
        make.fetch("r8", path="/essays/a", site="other", digest="f" * 64),
    )
    assert await ports.originals.seen("journal", "essays") == (
        Seen("/essays/a", "a" * 64, make.NOW, make.NOW + 5),
        Seen("/essays/a", "b" * 64, make.NOW + 9, make.NOW + 9),
    )
