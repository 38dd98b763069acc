"""The mark of the faulty generator: on a key that it made, and on no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.keys.key_set import CLIENT_ALGORITHMS, KeySet, UnusableKeySet, decode_base64url
from gateway.keys.roca import from_faulty_chip


def test_a_key_of_that_chip_is_refused(shared_data: Path) -> None:
    path = shared_data / "vectors" / "wycheproof" / "json_web_key_test.json"
    if not path.is_file():
        pytest.skip(f"no {path}")
    groups = json.loads(path.read_text())["testGroups"]
    made = [group["public"] for group in groups if any("Roca" in test["comment"] for test in group["tests"])]
    keys = [key for each in made for key in each["keys"]]
    assert keys
    for key in keys:
        assert from_faulty_chip(int.from_bytes(decode_base64url(key["n"]), "big"))
        found = KeySet.parse(json.dumps({"keys": [key]}), CLIENT_ALGORITHMS)
        assert isinstance(found, UnusableKeySet)
        assert "faulty" in found.why


def test_keys_of_others_are_not() -> None:
    for _ in range(4):
        key = rsa.generate_private_key(65537, 2048)
        assert not from_faulty_chip(key.public_key().public_numbers().n)
