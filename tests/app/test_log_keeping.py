"""Keeping the public log: trouble is said once, goes by itself where it can, and stops nobody."""

from __future__ import annotations

import pytest

from gateway.app.log_keeping import LogKeeping, log_name
from gateway.keys.key_ring import KeyRing
from gateway.keys.key_set import EDDSA


class Store:
    def __init__(self, count):
        self.count = count

    async def size(self):
        return self.count

    async def leaves(self, begin, most):
        return tuple(str(n).encode() for n in range(begin, min(self.count, begin + most)))

    async def opened(self, entry):
        return None


@pytest.fixture
def ring(tmp_path, clock):
    return KeyRing.create(tmp_path / "keys", EDDSA, clock=clock)


async def test_news_is_signed_and_the_log_keeps_its_name(tmp_path, ring):
    keeping = LogKeeping(tmp_path / "log", ring, Store(3), "journal.example")
    assert keeping.log is None
    await keeping.sign_news()
    assert keeping.log.head.size == 3
    renamed = LogKeeping(tmp_path / "log", ring, Store(5), "other.example")
    await renamed.sign_news()
    assert (renamed.log.head.size, renamed.log.head.origin) == (5, "journal.example/.licet/log")
    assert log_name(tmp_path / "log", "third.example") == "journal.example/.licet/log"


async def test_another_history_is_refused_for_good(tmp_path, ring):
    await LogKeeping(tmp_path / "log", ring, Store(3), "journal.example").sign_news()
    store = Store(2)
    older = LogKeeping(tmp_path / "log", ring, store, "journal.example")
    note = (tmp_path / "log" / "checkpoint").read_bytes()
    await older.sign_news()
    assert "promises 3 entries and the store holds 2" in older.reason
    store.count = 10
    await older.sign_news()
    assert older.log is None
    assert (tmp_path / "log" / "checkpoint").read_bytes() == note


async def test_a_disk_that_cannot_be_written_is_tried_again(tmp_path, ring):
    (tmp_path / "log").write_text("in the way")
    keeping = LogKeeping(tmp_path / "log", ring, Store(3), "journal.example")
    await keeping.sign_news()
    assert keeping.reason.startswith("The public log cannot be written: ")
    assert keeping.log is None
    (tmp_path / "log").unlink()
    await keeping.sign_news()
    assert (keeping.reason, keeping.log.head.size) == ("", 3)
