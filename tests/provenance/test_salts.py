"""Nothing gets the same salt twice, in whatever thread or process it asks."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from gateway.provenance.record import SALT_BYTES
from gateway.provenance.salts import fresh_salt


def test_every_salt_is_of_its_own_whatever_thread_asks() -> None:
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(lambda _: fresh_salt(), range(2000)))
    assert {len(salt) for salt in drawn} == {SALT_BYTES}
    assert len(set(drawn)) == 2000


def test_a_forked_process_draws_its_own() -> None:
    fresh_salt()  # there is a stock to inherit
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writes, b"".join(fresh_salt() for _ in range(64)))
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as file:
        theirs = file.read()
    os.waitpid(child, 0)
    assert len(theirs) == 64 * SALT_BYTES
    assert not {theirs[at : at + SALT_BYTES] for at in range(0, len(theirs), SALT_BYTES)} & {
        fresh_salt() for _ in range(128)
    }
