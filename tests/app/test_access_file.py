"""The access log as a file: whole lines, rotation, and a disk that takes nothing."""

from __future__ import annotations

import os
from types import SimpleNamespace

from gateway.app.access_file import AccessFile


def made(path):
    return AccessFile(path, lambda record, detail: f"{record.id}\n".encode())


def say(file, *ids):
    for each in ids:
        file(SimpleNamespace(id=each), None)


def test_lines_gather_and_are_appended(tmp_path):
    path = tmp_path / "logs" / "access.log"
    one, other = made(path), made(path)
    say(one, "a", "b")
    assert not path.exists()
    say(other, "c")
    one.flush()
    other.close()
    say(one, "d")
    one.close()
    assert path.read_text().split() == ["a", "b", "c", "d"]
    assert path.stat().st_mode & 0o7 == 0


def test_a_file_that_was_moved_away_is_made_anew(tmp_path):
    path = tmp_path / "access.log"
    file = made(path)
    say(file, "a")
    file.flush()
    path.rename(tmp_path / "access.log.1")
    say(file, "b")
    file.flush()
    path.unlink()
    say(file, "c")
    file.close()
    assert (tmp_path / "access.log.1").read_text() == "a\n"
    assert path.read_text() == "c\n"


def test_a_disk_that_takes_nothing_holds_nobody_up(tmp_path):
    path = tmp_path / "full.log"
    path.symlink_to("/dev/full")
    file = made(path)
    say(file, *(str(number) for number in range(100)))
    file.flush()
    path.unlink()
    file.close()
    assert path.read_text().split() == [str(number) for number in range(100)]


def test_what_is_held_is_bounded(tmp_path):
    path = tmp_path / "gone" / "x.log"
    os.close(os.open(tmp_path / "gone", os.O_CREAT | os.O_WRONLY))  # no folder can be made there
    file = AccessFile(path, lambda record, detail: b"x" * 100_000 + b"\n")
    for _ in range(100):
        file(None, None)
    (tmp_path / "gone").unlink()
    file.close()
    assert 0 < path.stat().st_size <= 4 << 20
