"""What is queued becomes the frames that readers open, with one salt however often."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.provenance.queued import Queued
from gateway.provenance.segments import Frame, open_detail, open_entry


def test_its_frames_open_as_entry_and_detail(new_record, new_detail, detail_salt) -> None:
    queued = Queued(new_record(1), urgent=True, detail=new_detail(1), detail_salt=detail_salt)
    entry, detail = queued.frames()
    assert queued.frames() == (entry, detail)
    sealed = open_entry(Frame(Path("x.seg"), 24, entry[8:]))
    assert (sealed.entry, sealed.salt) == (new_record(1), queued.salt)
    opened = open_detail(Frame(Path("x.det"), 24, detail[8:]))
    assert (opened.id, opened.detail, opened.salt) == (new_record(1).id, new_detail(1), detail_salt)


def test_without_detail_or_entry_the_frames_are_empty(new_record) -> None:
    entry, detail = Queued(new_record(1), urgent=False).frames()
    assert entry
    assert detail == b""
    assert Queued(None, urgent=True).frames() == (b"", b"")


def test_what_has_no_bytes_raises(new_record) -> None:
    for path in ("/\udcff", "/" + "x" * (1 << 20)):
        with pytest.raises((ValueError, TypeError)):
            Queued(new_record(1, path=path), urgent=True).frames()
