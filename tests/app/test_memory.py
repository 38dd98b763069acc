"""What a process has of the machine's memory."""

from __future__ import annotations

import gc
import os
import resource
import sys

import pytest

from gateway.app.memory import proportional_bytes, uncollected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says it")
def test_it_is_within_what_the_process_ever_had_and_grows_with_it():
    before = proportional_bytes(os.getpid())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert 1 << 20 < before <= most
    kept = bytearray(os.urandom(1 << 20) * 32)
    assert proportional_bytes(os.getpid()) - before > len(kept) // 2


def test_a_process_that_is_not_there_has_none():
    assert proportional_bytes(2**22 + 1) == 0


def test_what_stands_is_passed_over_and_cycles_are_still_collected() -> None:
    import weakref

    from gateway.app.memory import rarely_collected

    before = gc.get_threshold()
    try:
        rarely_collected()
        assert gc.get_freeze_count() > 1000
        assert gc.get_threshold()[0] > before[0]

        class Cycle:
            pass

        one = Cycle()
        one.itself = one
        gone = weakref.ref(one)
        del one
        gc.collect()
        assert gone() is None
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_nothing_is_collected_while_a_start_imports_and_everything_afterwards() -> None:
    assert gc.isenabled()
    with pytest.raises(ImportError), uncollected():
        assert not gc.isenabled()
        raise ImportError
    assert gc.isenabled()
