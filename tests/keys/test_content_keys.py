"""Content keys on the disk: the newest first, every older one, for their owner alone."""

from __future__ import annotations

import json

import pytest

from gateway.keys.content_keys import ContentKeys
from gateway.keys.ems import ContentKey, EmsError


def test_the_newest_is_given_and_an_older_one_by_its_id(tmp_path):
    keys, first, second = ContentKeys(tmp_path / "content"), ContentKey.new(), ContentKey.new()
    assert keys.key("journal", "/a.enc") is None
    keys.keep("journal", "/a.enc", first)
    keys.keep("journal", "/a.enc", second)
    assert keys.key("journal", "/a.enc") == second
    assert ContentKeys(tmp_path / "content").key("journal", "/a.enc", first.kid) == first
    assert keys.key("journal", "/a.enc", "AAAA") is None


def test_assets_have_keys_of_their_own(tmp_path):
    keys, key = ContentKeys(tmp_path), ContentKey.new()
    keys.keep("journal", "/a.enc", key)
    for site, path in (
        ("other", "/a.enc"),
        ("journal", "/b.enc"),
        ("journal /a.enc", ""),
        ("", "journal /a.enc"),
    ):
        assert keys.key(site, path) is None


def test_only_the_owner_may_read(tmp_path):
    ContentKeys(tmp_path / "content").keep("journal", "/../../x", ContentKey.new())
    (file,) = (tmp_path / "content").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "content").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "octets", [b"", b"[]", b"{}", b"\xff", b'{"site":"journal","path":"/a.enc","keys":[7]}']
)
def test_a_damaged_file_is_said_and_not_overwritten(tmp_path, octets):
    keys = ContentKeys(tmp_path)
    keys.keep("journal", "/a.enc", ContentKey.new())
    (file,) = tmp_path.iterdir()
    file.write_bytes(octets)
    for act in (
        lambda: keys.key("journal", "/a.enc"),
        lambda: keys.keep("journal", "/a.enc", ContentKey.new()),
    ):
        with pytest.raises(EmsError):
            act()
    assert file.read_bytes() == octets


def test_a_file_of_another_asset_is_not_believed(tmp_path):
    keys = ContentKeys(tmp_path)
    keys.keep("journal", "/a.enc", ContentKey.new())
    (file,) = tmp_path.iterdir()
    file.write_text(json.dumps({**json.loads(file.read_text()), "path": "/b.enc"}))
    with pytest.raises(EmsError):
        keys.key("journal", "/a.enc")


def test_which_files_have_keys(tmp_path):
    keys = ContentKeys(tmp_path / "content")
    assert keys.paths("journal") == frozenset()
    for site, path in (("journal", "/a.enc"), ("journal", "/b.enc"), ("other", "/c.enc")):
        keys.keep(site, path, ContentKey.new())
    (tmp_path / "content" / "damaged.json").write_bytes(b"[")
    assert keys.paths("journal") == {"/a.enc", "/b.enc"}
