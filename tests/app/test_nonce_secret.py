"""One secret for all processes of a data folder, whoever comes first."""

from __future__ import annotations

import threading

import pytest

from gateway.app.nonce_secret import nonces_of
from gateway.problems import ConfigurationError


def test_whoever_comes_first_makes_it_and_all_have_the_same(tmp_path):
    folder = tmp_path / "keys"
    ready, found = threading.Barrier(8), []

    def come():
        ready.wait(10)
        found.append(nonces_of(folder).current(0))

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    assert set(found) == {nonces_of(folder).current(0)}
    assert [each.name for each in folder.iterdir()] == ["nonces"]
    assert (folder / "nonces").stat().st_mode & 0o777 == 0o600


def test_another_folder_has_another(tmp_path):
    assert nonces_of(tmp_path / "a").current(0) != nonces_of(tmp_path / "b").current(0)


def test_what_is_no_secret_is_a_mistake(tmp_path):
    (tmp_path / "nonces").write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="too short"):
        nonces_of(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="nonces"):
        nonces_of(tmp_path / "file")
