from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.clock import HandClock
from gateway.keys.jws import read_compact, sign, signature_holds
from gateway.keys.key_ring import MANIFEST, OVERLAP_SECONDS, KeyRing
from gateway.keys.manifest import State
from gateway.keys.signing_key import SigningKey
from gateway.problems import ConfigurationError
from gateway.tokens.claims import LEEWAY_SECONDS
from gateway.tokens.verification import LONGEST_LIFE_SECONDS


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def now_of(clock: HandClock) -> int:
    return clock.now_us() // 1_000_000


def verifies(ring: KeyRing, text: str) -> bool:
    compact = read_compact(text)
    key = ring.public.get(compact.kid)
    return key is not None and signature_holds(compact, key)


def complaint(caught: pytest.ExceptionInfo[ConfigurationError]) -> str:
    [mistake] = caught.value.mistakes
    return str(mistake)


# --- making and reading -------------------------------------------------------------------------


def test_a_new_ring_is_private_and_signs(folder: Path, clock: HandClock) -> None:
    ring = KeyRing.create(folder, clock=clock)
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert files(folder) == {MANIFEST, *(f"{record.kid}.pem" for record in ring.list())}
    assert [record.state for record in ring.list()] == [State.CURRENT, State.NEXT]
    assert ring.current.algorithm == "ES256"
    assert len(ring.public) == 2
    assert verifies(ring, sign(b"{}", ring.current, "x"))


def test_an_open_umask_opens_nothing(folder: Path, clock: HandClock) -> None:
    before = os.umask(0)
    try:
        KeyRing.create(folder, clock=clock)
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}


def test_it_opens_as_it_was_made(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    again = KeyRing.open(folder, clock)
    assert again.list() == ring.list()
    assert again.current == ring.current
    assert again.public == ring.public


def test_the_other_algorithm_stays_through_rotation(folder: Path, clock: HandClock) -> None:
    ring = KeyRing.create(folder, "EdDSA", clock=clock)
    assert ring.rotate(now_of(clock)).algorithm == "EdDSA"
    assert {record.public.algorithm for record in ring.list()} == {"EdDSA"}


def test_unknown_algorithms_are_not_made(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="ES256 or EdDSA"):
        KeyRing.create(folder, "HS256")
    assert not folder.exists()


def test_a_ring_is_never_overwritten(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    before = (folder / MANIFEST).read_bytes()
    with pytest.raises(ConfigurationError, match="keys rotate"):
        KeyRing.create(folder, clock=clock)
    assert (folder / MANIFEST).read_bytes() == before
    assert KeyRing.exists(folder)


def test_where_there_is_none_the_command_to_make_one_is_named(tmp_path: Path, clock: HandClock) -> None:
    assert not KeyRing.exists(tmp_path / "tokens")
    with pytest.raises(ConfigurationError, match="licet keys new"):
        KeyRing.open(tmp_path / "tokens", clock)


def test_what_a_crash_left_before_the_manifest_does_not_hinder(folder: Path, clock: HandClock) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / f"{MANIFEST}.new").write_bytes(b"{")
    (folder / "orphan.pem").write_bytes(b"")
    ring = KeyRing.create(folder, clock=clock)
    assert files(folder) == {MANIFEST, "orphan.pem", *(f"{record.kid}.pem" for record in ring.list())}


def test_a_ring_for_one_purpose_does_not_open_as_another(
    folder: Path, ring: KeyRing, clock: HandClock
) -> None:
    moved = folder.rename(folder.with_name("checkpoints"))
    with pytest.raises(ConfigurationError, match=r"'checkpoints'.*'tokens'"):
        KeyRing.open(moved, clock)


# --- file modes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o602, 0o610, 0o666])
@pytest.mark.parametrize("which", ["current", "next", "manifest"])
def test_a_file_that_others_can_reach_is_named_with_its_mode(
    folder: Path, ring: KeyRing, clock: HandClock, which: str, bits: int
) -> None:
    current, standby = ring.list()
    name = {"current": f"{current.kid}.pem", "next": f"{standby.kid}.pem", "manifest": MANIFEST}[which]
    (folder / name).chmod(bits)
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.open(folder, clock)
    assert str(folder / name) in complaint(caught)
    assert f"mode {bits:04o}" in complaint(caught)
    assert "chmod 600" in complaint(caught)


@pytest.mark.parametrize("bits", [0o750, 0o705, 0o770])
def test_a_folder_that_others_can_reach_is_named_with_its_mode(
    folder: Path, ring: KeyRing, clock: HandClock, bits: int
) -> None:
    folder.chmod(bits)
    for attempt in (lambda: KeyRing.open(folder, clock), lambda: ring.rotate(now_of(clock))):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert f"{folder}: " in complaint(caught)
        assert f"mode {bits:04o}" in complaint(caught)
        assert "chmod 700" in complaint(caught)


def test_keys_are_not_made_where_others_can_read(tmp_path: Path, clock: HandClock) -> None:
    shared = tmp_path / "tokens"
    shared.mkdir()
    shared.chmod(0o755)
    with pytest.raises(ConfigurationError, match="mode 0755"):
        KeyRing.create(shared, clock=clock)
    assert files(shared) == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    path = folder / f"{ring.current.kid}.pem"
    os.chown(path, 65534, 65534)
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.open(folder, clock)
    assert str(path) in complaint(caught)
    assert "user 65534" in complaint(caught)


def test_an_unreadable_file_is_named(nobody_folder: Path, clock: HandClock) -> None:
    ring = KeyRing.create(nobody_folder, clock=clock)
    path = nobody_folder / f"{ring.current.kid}.pem"
    path.chmod(0)
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.open(nobody_folder, clock)
    assert str(path) in complaint(caught)
    assert "Permission denied" in complaint(caught)


def test_a_read_only_folder_opens_and_does_not_rotate(nobody_folder: Path, clock: HandClock) -> None:
    ring = KeyRing.create(nobody_folder, clock=clock)
    before = ring.list()
    nobody_folder.chmod(0o500)
    assert KeyRing.open(nobody_folder, clock).list() == before
    for attempt in (lambda: ring.rotate(now_of(clock)), lambda: ring.revoke(ring.current.kid, now_of(clock))):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert str(nobody_folder) in complaint(caught)
        assert "Permission denied" in complaint(caught)
    assert ring.list() == before
    assert KeyRing.open(nobody_folder, clock).list() == before


def test_a_ring_is_not_made_in_a_read_only_folder(nobody_folder: Path, clock: HandClock) -> None:
    nobody_folder.chmod(0o500)
    for place in (nobody_folder, nobody_folder / "deeper"):
        with pytest.raises(ConfigurationError, match="Permission denied"):
            KeyRing.create(place, clock=clock)
    assert files(nobody_folder) == set()


def test_a_ring_is_not_made_where_a_file_stands(tmp_path: Path, clock: HandClock) -> None:
    (tmp_path / "tokens").write_text("")
    with pytest.raises(ConfigurationError, match="tokens"):
        KeyRing.create(tmp_path / "tokens", clock=clock)


# --- corruption ---------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"version":1', b"\x00" * 100, b"[]"])
def test_a_corrupted_manifest_is_named(folder: Path, ring: KeyRing, clock: HandClock, raw: bytes) -> None:
    (folder / MANIFEST).write_bytes(raw)
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.open(folder, clock)
    assert str(folder / MANIFEST) in complaint(caught)
    with pytest.raises(ConfigurationError):
        ring.rotate(now_of(clock))
    assert (folder / MANIFEST).read_bytes() == raw


def test_a_key_file_that_is_no_key_is_named_and_not_quoted(
    folder: Path, ring: KeyRing, clock: HandClock
) -> None:
    path = folder / f"{ring.current.kid}.pem"
    path.write_bytes(b"canary-of-a-secret")
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.open(folder, clock)
    assert str(path) in complaint(caught)
    assert "canary" not in complaint(caught)


def test_a_key_file_that_is_another_key_is_named(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    path = folder / f"{ring.current.kid}.pem"
    path.write_bytes(SigningKey.generate().as_pem())
    with pytest.raises(ConfigurationError, match="the key that the manifest names"):
        KeyRing.open(folder, clock)


def test_a_missing_key_file_is_named(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    path = folder / f"{ring.list()[1].kid}.pem"
    path.unlink()
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.open(folder, clock)
    assert str(path) in complaint(caught)


def test_a_link_or_a_pipe_in_place_of_a_key_is_refused(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    path = folder / f"{ring.current.kid}.pem"
    path.rename(folder / "elsewhere.pem")
    path.symlink_to("elsewhere.pem")
    with pytest.raises(ConfigurationError, match="readable"):
        KeyRing.open(folder, clock)
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(ConfigurationError, match="regular"):
        KeyRing.open(folder, clock)


# --- rotation -----------------------------------------------------------------------------------


def test_the_overlap_outlives_every_token() -> None:
    assert OVERLAP_SECONDS >= LONGEST_LIFE_SECONDS + LEEWAY_SECONDS


def test_rotation_overlaps_until_the_last_token_has_run_out(
    folder: Path, ring: KeyRing, clock: HandClock
) -> None:
    announced, old = ring.list()[1].kid, ring.current
    text = sign(b"{}", old, "x")
    new = ring.rotate(now_of(clock))
    assert new == ring.current
    assert new.kid == announced
    assert new.kid != old.kid
    assert [record.state for record in ring.list()] == [State.CURRENT, State.NEXT, State.RETIRING]
    clock.advance(OVERLAP_SECONDS - 1)
    assert verifies(ring, text)
    clock.advance(1)
    assert not verifies(ring, text)
    assert not verifies(KeyRing.open(folder, clock), text)
    assert verifies(ring, sign(b"{}", new, "x"))


def test_a_retired_key_has_no_private_side_left(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    old = ring.current
    ring.rotate(now_of(clock))
    assert f"{old.kid}.pem" not in files(folder)
    assert files(folder) == {MANIFEST, *(f"{record.kid}.pem" for record in ring.list()[:2])}


def test_what_lapsed_is_revoked_by_the_next_rotation(ring: KeyRing, clock: HandClock) -> None:
    old = ring.current.kid
    ring.rotate(now_of(clock), overlap_seconds=10)
    clock.advance(11)
    ring.rotate(now_of(clock), overlap_seconds=10)
    assert {record.kid: record.state for record in ring.list()}[old] is State.REVOKED


def test_the_public_set_is_one_object_until_it_changes(ring: KeyRing, clock: HandClock) -> None:
    first = ring.public
    assert ring.public is first
    ring.rotate(now_of(clock), overlap_seconds=10)
    second = ring.public
    assert second.generation != first.generation
    clock.advance(9)
    assert ring.public is second
    clock.advance(1)
    assert ring.public.generation not in {first.generation, second.generation}


@pytest.mark.parametrize("which", [0, 1, 2], ids=["current", "next", "retiring"])
def test_a_revoked_key_verifies_nothing_from_that_moment(
    folder: Path, ring: KeyRing, clock: HandClock, which: int
) -> None:
    signers = {ring.current.kid: ring.current}
    ring.rotate(now_of(clock))
    signers[ring.current.kid] = ring.current
    kid = ring.list()[which].kid
    text = sign(b"{}", signers[kid], "x") if kid in signers else ""
    ring.revoke(kid, now_of(clock))
    for reader in (ring, KeyRing.open(folder, clock)):
        assert kid not in reader.public
        assert reader.current.kid != kid
        assert not text or not verifies(reader, text)
        assert verifies(reader, sign(b"{}", reader.current, "x"))
    assert f"{kid}.pem" not in files(folder)


def test_revoking_what_is_not_there_changes_nothing(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    before = ring.list()
    with pytest.raises(ConfigurationError, match="one of this ring, not nobody"):
        ring.revoke("nobody", now_of(clock))
    assert KeyRing.open(folder, clock).list() == before
    assert len(files(folder)) == 3


def test_revoking_a_retiring_key_leaves_no_stray_file(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    old = ring.current.kid
    ring.rotate(now_of(clock))
    ring.revoke(old, now_of(clock))
    assert len(files(folder)) == 3


def test_a_full_disk_leaves_the_ring_as_it_was(
    folder: Path, ring: KeyRing, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(handle: int) -> None:
        raise OSError(28, "No space left on device")

    before = ring.list()
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ConfigurationError, match="No space left"):
        ring.rotate(now_of(clock))
    monkeypatch.undo()
    assert ring.list() == before
    assert KeyRing.open(folder, clock).list() == before
    assert not [name for name in files(folder) if name.endswith(".new")]
    ring.rotate(now_of(clock))
    assert len(ring.list()) == 3


# --- another process ----------------------------------------------------------------------------

ROTATE = """
import sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.keys.key_ring import KeyRing
ring = KeyRing.open(Path(sys.argv[1]), SystemClock())
for step in range(int(sys.argv[3])):
    ring.rotate(int(sys.argv[2]))
print(ring.current.kid)
"""


def rotate_elsewhere(folder: Path, now: int, times: int = 1) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ROTATE, str(folder), str(now), str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_rotation_by_another_process_is_picked_up(
    folder: Path, ring: KeyRing, clock: HandClock, root: Path
) -> None:
    old = ring.current
    assert ring.refresh() is False
    with rotate_elsewhere(folder, now_of(clock)) as other:
        kid = other.communicate()[0].strip()
    # Until it looks, this process signs with the old key, and what the other signs is known already.
    assert ring.current == old
    assert kid in ring.public
    assert ring.refresh() is True
    assert ring.current.kid == kid
    assert verifies(ring, sign(b"{}", old, "x"))
    assert ring.refresh() is False


def test_own_rotations_are_no_news(ring: KeyRing, clock: HandClock) -> None:
    ring.rotate(now_of(clock))
    assert ring.refresh() is False


def test_a_revocation_by_another_reader_is_picked_up(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    old = ring.current
    KeyRing.open(folder, clock).revoke(old.kid, now_of(clock))
    assert ring.refresh() is True
    assert not verifies(ring, sign(b"{}", old, "x"))


def test_the_same_size_and_time_still_show(folder: Path, ring: KeyRing) -> None:
    # A coarse clock gives two writes one time, and a rotation may keep the size.
    path, beside = folder / MANIFEST, folder / "beside"
    before = path.stat()
    beside.write_bytes(path.read_bytes())
    beside.chmod(0o600)
    os.utime(beside, ns=(before.st_atime_ns, before.st_mtime_ns))
    beside.rename(path)
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    assert ring.refresh() is True


def test_rotations_at_once_do_not_undo_each_other(folder: Path, ring: KeyRing, clock: HandClock) -> None:
    first = ring.current.kid
    others = [rotate_elsewhere(folder, now_of(clock), times=5) for _ in range(3)]
    for other in others:
        other.communicate()
        assert other.returncode == 0
    assert ring.refresh() is True
    records = ring.list()
    assert len(records) == 2 + 15
    assert sum(record.state is State.RETIRING for record in records) == 15
    assert first in ring.public


def test_a_reader_beside_a_rotation_always_reads_a_whole_ring(
    folder: Path, ring: KeyRing, clock: HandClock
) -> None:
    text = sign(b"{}", ring.current, "x")
    news = 0
    with rotate_elsewhere(folder, now_of(clock), times=20) as other:
        while other.poll() is None:
            news += ring.refresh()
            assert verifies(ring, text)
            assert verifies(ring, sign(b"{}", ring.current, "x"))
    ring.refresh()
    assert len(ring.list()) == 22
    assert other.returncode == 0


def test_when_the_ring_cannot_be_read_any_more_the_last_good_one_stays(
    folder: Path, ring: KeyRing, clock: HandClock
) -> None:
    good = (folder / MANIFEST).read_bytes()
    text = sign(b"{}", ring.current, "x")
    (folder / MANIFEST).write_bytes(b"{}")
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            ring.refresh()
        assert verifies(ring, text)
    (folder / MANIFEST).unlink()
    with pytest.raises(ConfigurationError, match="readable"):
        ring.refresh()
    (folder / MANIFEST).write_bytes(good)
    (folder / MANIFEST).chmod(0o600)
    assert ring.refresh() is True
    assert verifies(ring, text)


def test_rows_for_the_command_hold_nothing_private(ring: KeyRing) -> None:
    told = json.dumps([record.as_json() for record in ring.list()]) + repr(ring.list()) + repr(ring.current)
    assert '"d"' not in told
    assert "BEGIN" not in told
