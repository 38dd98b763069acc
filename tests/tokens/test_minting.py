from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import jwt
import pytest

from gateway.canonical import canonical_bytes
from gateway.keys.jws import LONGEST, read_compact
from gateway.keys.key_set import ALGORITHMS, KeySet
from gateway.keys.signing_key import SigningKey
from gateway.paths import PathScope
from gateway.terms.license_terms import Territory
from gateway.tokens.claims import Claims
from gateway.tokens.minting import UnmintableToken, mint
from gateway.tokens.verification import LONGEST_LIFE_SECONDS, read_token


def read(golden: ModuleType, token: str, key: SigningKey) -> object:
    return read_token(
        token, KeySet([key.public]), issuer=golden.ISSUER, audience=golden.AUDIENCE, now=golden.NOW
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_minted_reads_back(golden: ModuleType, algorithm: str) -> None:
    key = SigningKey.generate(algorithm)
    assert read(golden, mint(golden.CLAIMS, key), key) == golden.CLAIMS


def test_the_header_is_alg_kid_typ_and_the_payload_canonical(golden: ModuleType) -> None:
    token = mint(golden.CLAIMS, golden.ES256_KEY)
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": golden.ES256_KEY.kid, "typ": "at+jwt"}
    assert read_compact(token).payload == canonical_bytes(golden.CLAIMS.as_json())


def test_any_jwt_library_reads_it(golden: ModuleType) -> None:
    claims = replace(golden.CLAIMS, expires_at=golden.NOW + 60)
    found = jwt.decode(
        mint(claims, golden.ES256_KEY),
        golden.ES256_KEY.public.key,
        algorithms=["ES256"],
        audience=golden.AUDIENCE,
        issuer=golden.ISSUER,
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert found == claims.as_json()


@pytest.mark.parametrize(
    "changes",
    [
        {"uses": frozenset()},
        {"scopes": ()},
        {"renditions": ()},
        {"territory": Territory(frozenset())},
        {"licensee": ""},
        {"licensee": "x" * 257},
        {"issued_at": -1},
    ],
)
def test_what_no_reader_would_take_is_not_minted(golden: ModuleType, changes: dict[str, object]) -> None:
    with pytest.raises(UnmintableToken, match="profile"):
        mint(replace(golden.CLAIMS, **changes), golden.ES256_KEY)


def test_a_token_lives_for_a_day_at_most(golden: ModuleType) -> None:
    key, start = golden.ES256_KEY, golden.CLAIMS.issued_at
    longest = replace(golden.CLAIMS, expires_at=start + LONGEST_LIFE_SECONDS)
    assert read(golden, mint(longest, key), key) == longest
    for life in (0, -5, LONGEST_LIFE_SECONDS + 1):
        with pytest.raises(UnmintableToken, match="seconds"):
            mint(replace(golden.CLAIMS, expires_at=start + life), key)


def test_a_token_is_as_short_as_its_reader_wants_it(golden: ModuleType) -> None:
    def claims(scopes: int) -> Claims:
        return replace(golden.CLAIMS, scopes=tuple(PathScope(f"/works/number-{n}/") for n in range(scopes)))

    key, scopes = golden.ES256_KEY, 1
    while len(token := mint(claims(scopes), key)) <= LONGEST - 40:
        scopes += 1
    assert read(golden, token, key) == claims(scopes)
    with pytest.raises(UnmintableToken, match="4096"):
        mint(claims(scopes + 3), key)


def test_the_golden_vectors_are_not_stale(golden: ModuleType, root: Path) -> None:
    for name in golden.FILES:
        stands = (root / "tests" / "vectors" / name).read_text(encoding="ascii")
        assert stands == golden.written(name), f"{name} is stale: run `python tests/vectors/generate.py`"


def test_the_golden_tokens_are_what_minting_makes(golden: ModuleType) -> None:
    # All but the signature, which takes its nonce from the machine's randomness for ES256.
    minted = mint(golden.CLAIMS, golden.ES256_KEY)
    assert minted.rsplit(".", 1)[0] == golden.GOOD.rsplit(".", 1)[0]
    good = json.loads(golden.written("tokens.json"))["vectors"][1]
    assert good["name"] == "eddsa"
    assert mint(golden.CLAIMS, golden.EDDSA_KEY) == good["token"]
