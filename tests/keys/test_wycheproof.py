"""Project Wycheproof's vectors through our own verifier: no false accept, and a reason for each valid one refused.

Texts are read as a client's are (ES256, EdDSA, PS256, RS256) and as our own
tokens are (ES256, EdDSA), which are stricter. What is valid elsewhere and
refused here is counted by the rule that refuses it; the table is printed.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.keys.jws import Compact, read_client_compact, read_compact, signature_holds
from gateway.keys.key_set import ALGORITHMS, CLIENT_ALGORITHMS, KeySet, PublicKey, UnusableKeySet
from gateway.keys.strict_json import Malformed

#: Of the three files of texts: invalid vectors, those valid and taken, those valid and refused, by why.
CLIENTS = {
    "json_web_signature_test.json": (
        355,
        {"RS256": 7, "PS256": 5, "ES256": 2},
        {
            "another algorithm": 16,
            "a shared secret is no public key": 10,
            "a JSON serialization, not the compact one": 6,
        },
    ),
    "json_web_key_test.json": (21, {"RS256": 1}, {"a shared secret is no public key": 4}),
    "json_web_crypto_test.json": (
        77,
        {"ES256": 1, "RS256": 1},
        {"a shared secret is no public key": 4},
    ),
}  # fmt: skip


def vectors(shared_data: Path, name: str) -> list[dict]:
    path = shared_data / "vectors" / "wycheproof" / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    return json.loads(path.read_text())["testGroups"]


def primitive(key: PublicKey, case: dict) -> bool:
    compact = Compact(key.algorithm, "", "", b"", bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
    return signature_holds(compact, key)


@pytest.mark.parametrize(
    ("name", "cases"), [("ecdsa_secp256r1_sha256_p1363_test.json", 262), ("ed25519_test.json", 151)]
)
def test_signatures_of_both_algorithms_of_ours(shared_data: Path, name: str, cases: int) -> None:
    seen = 0
    for group in vectors(shared_data, name):
        numbers = group["publicKey"]
        if name.startswith("ecdsa"):
            point = bytes.fromhex(numbers["uncompressed"])
            key = PublicKey.of(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
        else:
            found = KeySet.parse(json.dumps({"keys": [group["publicKeyJwk"]]}))
            assert isinstance(found, KeySet)
            [key] = found
        for case in group["tests"]:
            assert primitive(key, case) == (case["result"] == "valid"), (case["tcId"], case["comment"])
            seen += 1
    assert seen == cases


def test_der_signatures_are_no_jws_signatures(shared_data: Path) -> None:
    for group in vectors(shared_data, "ecdsa_secp256r1_sha256_test.json"):
        point = bytes.fromhex(group["publicKey"]["uncompressed"])
        key = PublicKey.of(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
        for case in group["tests"]:
            assert not primitive(key, case), (case["tcId"], case["comment"])


def refused(group: dict, text: object, algorithms: tuple[str, ...]) -> tuple[str, str]:
    """Why *text* is not taken by the keys of *group*, "" if it is; and the algorithm of the key that takes it."""
    material = group.get("public") or group["private"]
    keys = KeySet.parse(json.dumps(material if "keys" in material else {"keys": [material]}), algorithms)
    if isinstance(keys, UnusableKeySet):
        return "a shared secret is no public key" if "secret" in keys.why else keys.why, ""
    try:
        read = read_client_compact if algorithms is CLIENT_ALGORITHMS else read_compact
        compact = read(text if isinstance(text, str) else json.dumps(text))
    except Malformed:
        return "a JSON serialization, not the compact one", ""
    for key in keys:
        if compact.kid in {"", key.kid} and signature_holds(compact, key):
            return "", key.algorithm
    alike = any(key.algorithm == compact.algorithm for key in keys)
    return "the signature does not hold" if alike else "another algorithm", ""


@pytest.mark.parametrize("name", CLIENTS)
def test_texts(shared_data: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    invalid, taken, passed_over = 0, Counter(), Counter()
    for group in vectors(shared_data, name):
        for case in group["tests"]:
            text = case.get("jws") or case.get("jwe")
            why, algorithm = refused(group, text, CLIENT_ALGORITHMS)
            if case["result"] == "invalid":
                assert why, (case["tcId"], case["comment"])
                assert refused(group, text, ALGORITHMS)[0], (case["tcId"], case["comment"])
                invalid += 1
            elif why:
                passed_over[why] += 1
            else:
                taken[algorithm] += 1
                # Our own tokens know two algorithms, and then the verdict is the same.
                assert (refused(group, text, ALGORITHMS)[0] == "") is (algorithm in ALGORITHMS)
    with capsys.disabled():
        said = ", ".join(f"{count} {why}" for why, count in passed_over.items())
        print(f"\n  {name}: {invalid} invalid refused, 0 taken; valid: {dict(taken)} taken; refused: {said}")
    assert (invalid, taken, passed_over) == CLIENTS[name]
