from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys.key_set import PublicKey
from gateway.keys.manifest import REMEMBERED, Manifest, State, begin, read_manifest
from gateway.keys.strict_json import Malformed

NOW = 1_795_000_000


def key(number: int) -> PublicKey:
    return PublicKey.of(ed25519.Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big")).public_key())


A, B, C, D = (key(number) for number in range(1, 5))
NEW = begin("tokens", A, B, NOW)


def states(manifest: Manifest) -> dict[str, State]:
    return {record.kid: record.state for record in manifest.records}


def test_a_new_ring_has_a_current_and_a_next_key() -> None:
    assert states(NEW) == {A.kid: State.CURRENT, B.kid: State.NEXT}
    assert NEW.current.public == A
    assert [record.kid for record in NEW.verifying(NOW)] == [A.kid, B.kid]
    assert NEW.lapses_at(NOW) is None


def test_rotation_moves_every_key_one_step() -> None:
    once = NEW.rotated(C, NOW + 10, 100)
    assert states(once) == {B.kid: State.CURRENT, C.kid: State.NEXT, A.kid: State.RETIRING}
    assert once.current.use_from == NOW + 10
    assert [record.kid for record in once.verifying(NOW + 109)] == [B.kid, C.kid, A.kid]
    assert [record.kid for record in once.verifying(NOW + 110)] == [B.kid, C.kid]
    assert once.lapses_at(NOW + 109) == NOW + 110
    assert once.lapses_at(NOW + 110) is None
    twice = once.rotated(D, NOW + 200, 100)
    assert states(twice) == {
        C.kid: State.CURRENT,
        D.kid: State.NEXT,
        B.kid: State.RETIRING,
        A.kid: State.REVOKED,
    }


def test_without_overlap_nothing_retires() -> None:
    assert states(NEW.rotated(C, NOW, 0))[A.kid] is State.REVOKED


@pytest.mark.parametrize(
    ("kid", "expected"),
    [
        (B.kid, {B.kid: State.REVOKED, C.kid: State.CURRENT, D.kid: State.NEXT, A.kid: State.RETIRING}),
        (C.kid, {B.kid: State.CURRENT, C.kid: State.REVOKED, D.kid: State.NEXT, A.kid: State.RETIRING}),
        (A.kid, {B.kid: State.CURRENT, C.kid: State.NEXT, A.kid: State.REVOKED}),
    ],
    ids=["current", "next", "retiring"],
)
def test_revoking_ends_a_key_at_once_and_leaves_no_gap(kid: str, expected: dict[str, State]) -> None:
    manifest = NEW.rotated(C, NOW, 1000).revoked(kid, D, NOW + 1)
    assert states(manifest) == expected
    assert kid not in {record.kid for record in manifest.verifying(NOW + 1)}
    assert manifest.find(kid).use_until == NOW + 1
    assert manifest.revoked(kid, key(9), NOW + 2) == manifest


def test_a_key_the_ring_does_not_have_cannot_be_revoked() -> None:
    with pytest.raises(KeyError):
        NEW.revoked(C.kid, D, NOW)


def test_old_keys_are_forgotten_and_live_ones_are_not() -> None:
    manifest = NEW
    for number in range(100, 100 + REMEMBERED + 20):
        manifest = manifest.rotated(key(number), NOW + number, 0)
    assert len(manifest.records) == REMEMBERED + 2
    kept = [record for record in manifest.records if record.state is State.REVOKED]
    assert min(record.use_until for record in kept) > NOW + 100
    busy = NEW
    for number in range(100, 100 + REMEMBERED + 20):
        busy = busy.rotated(key(number), NOW, 1000)
    assert len(busy.verifying(NOW)) == REMEMBERED + 22


steps = st.lists(
    st.tuples(st.booleans(), st.integers(0, 50), st.integers(0, 5), st.integers(0, 80)), max_size=12
)


@given(steps)
@settings(max_examples=100)
def test_whatever_is_done_there_is_one_current_and_one_next_key(
    done: list[tuple[bool, int, int, int]],
) -> None:
    manifest, now, seen = NEW, NOW, {}
    order = [State.NEXT, State.CURRENT, State.RETIRING, State.REVOKED]
    for number, (rotates, wait, which, overlap) in enumerate(done):
        now += wait
        fresh = key(50 + number)
        if rotates:
            manifest = manifest.rotated(fresh, now, overlap)
        else:
            manifest = manifest.revoked(manifest.records[which % len(manifest.records)].kid, fresh, now)
        found = states(manifest)
        assert list(found.values()).count(State.CURRENT) == list(found.values()).count(State.NEXT) == 1
        assert all(
            order.index(found[kid]) >= order.index(state) for kid, state in seen.items() if kid in found
        )
        assert read_manifest(manifest.as_bytes()) == manifest
        seen = found


def test_what_is_written_is_public() -> None:
    written = json.loads(NEW.as_bytes())
    assert set(written) == {"version", "purpose", "keys"}
    assert all("d" not in item["public"] for item in written["keys"])


Change = Callable[[dict], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.pop("version"),
        lambda m: m.update(version=2),
        lambda m: m.update(version=True),
        lambda m: m.update(purpose=1),
        lambda m: m.update(keys={}),
        lambda m: m.update(more=1),
        lambda m: m["keys"].pop(0),
        lambda m: m["keys"].pop(1),
        lambda m: m["keys"].clear(),
        lambda m: m["keys"].append(m["keys"][0]),
        lambda m: m["keys"].append({**m["keys"][0], "state": "revoked"}),
        lambda m: m["keys"].append("x"),
        lambda m: m["keys"][0].update(state="signing"),
        lambda m: m["keys"][0].update(state=[]),
        lambda m: m["keys"][0].update(kid="x"),
        lambda m: m["keys"][0].update(algorithm="ES256"),
        lambda m: m["keys"][0].update(created_at=-1),
        lambda m: m["keys"][0].update(use_until="soon"),
        lambda m: m["keys"][0].update(use_from=True),
        lambda m: m["keys"][0].update(use_from=2**50),
        lambda m: m["keys"][0].update(public=[]),
        lambda m: m["keys"][0].update(public=m["keys"][1]["public"]),
        lambda m: m["keys"][0]["public"].update(d="AA"),
        lambda m: m["keys"][0]["public"].update(kty="RSA"),
        lambda m: m["keys"][0]["public"].pop("x"),
        lambda m: m["keys"][0].pop("public"),
        lambda m: (m["keys"][0].update(kid="x"), m["keys"][0]["public"].update(kid="x")),
    ],
)
def test_a_corrupted_manifest_is_refused(change: Change) -> None:
    document = json.loads(NEW.as_bytes())
    change(document)
    with pytest.raises(Malformed):
        read_manifest(json.dumps(document).encode())


@given(st.integers(0, len(NEW.as_bytes()) - 1), st.integers(0, 255))
def test_no_changed_octet_raises_anything_else(at: int, octet: int) -> None:
    raw = bytearray(NEW.as_bytes())
    raw[at] = octet
    try:
        read_manifest(bytes(raw))
    except Malformed:
        return
    # A time may have changed; nothing else can, unnoticed.
    assert states(read_manifest(bytes(raw))).keys() == states(NEW).keys()
