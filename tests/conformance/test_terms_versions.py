"""`TermsVersions`: what was published once can be read for good."""

from __future__ import annotations

import hashlib

import pytest

from gateway.problems import StoreUnavailable
from gateway.terms.terms_version import TermsVersion


def version(word):
    text = f'{{"name":"{word}"}}'.encode()
    return TermsVersion(hashlib.sha256(text).hexdigest(), text)


async def test_every_version_stays_and_the_last_is_in_force(ports):
    store, one, two = ports.terms_versions, version("one"), version("two")
    assert await store.history("journal", 10) == ()
    first = await store.take_up("journal", one, "sha-256:p1", 100)
    assert (first.name, first.at, first.policy) == (one.name, 100, "sha-256:p1")
    assert await store.take_up("journal", one, "sha-256:p1b", 150) == first, "it is in force already"
    second = await store.take_up("journal", two, "sha-256:p2", 200)
    again = await store.take_up("journal", one, "sha-256:p1", 300)
    assert await store.history("journal", 10) == (again, second, first)
    assert await store.history("journal", 2) == (again, second)
    for each in (one, two):
        assert await store.version("journal", each.name) == each


async def test_sites_do_not_share_versions(ports):
    store, one = ports.terms_versions, version("one")
    await store.take_up("journal", one, "sha-256:p", 100)
    assert await store.version("other", one.name) is None
    assert await store.history("other", 10) == ()
    assert await store.version("journal", "0" * 64) is None


async def test_times_never_run_backwards(ports):
    store = ports.terms_versions
    await store.take_up("journal", version("one"), "sha-256:p", 100)
    assert (await store.take_up("journal", version("two"), "sha-256:p", 50)).at == 100


async def test_a_version_that_was_changed_is_not_told(make, tmp_path):
    from gateway.store.sqlite.database import Database

    database = await Database.open(tmp_path / "licet.db")
    store, one = make.sqlite_ports(database).terms_versions, version("one")
    await store.take_up("journal", one, "sha-256:p", 100)
    await database.write(lambda db: db.execute("UPDATE terms_versions SET document = ?", (b"{}",)).fetchall())
    with pytest.raises(StoreUnavailable, match="were changed"):
        await store.version("journal", one.name)
    await database.close()
