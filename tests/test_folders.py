"""Folders that a loss of power does not take back."""

from __future__ import annotations

import os

import pytest

from gateway import folders
from gateway.folders import Folders, make_folder


def test_each_new_name_is_synced_in_the_folder_above_it(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(
        folders.os, "fsync", lambda handle: synced.append(os.readlink(f"/proc/self/fd/{handle}"))
    )
    make_folder(tmp_path / "a" / "b" / "c")
    assert synced == [str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    assert (tmp_path / "a" / "b" / "c").stat().st_mode & 0o777 == 0o700
    make_folder(tmp_path / "a" / "b" / "c")
    assert len(synced) == 3


def test_what_is_in_the_way_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "file")
    with pytest.raises(OSError, match="Not a directory"):
        make_folder(tmp_path / "file" / "below")


def test_everything_lies_in_the_data_folder(tmp_path):
    found = Folders(tmp_path)
    assert found.log_keys.parent == found.keys.parent == tmp_path / "keys"
