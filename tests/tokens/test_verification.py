from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import HandClock
from gateway.keys.jws import Compact
from gateway.keys.key_ring import OVERLAP_SECONDS, KeyRing
from gateway.keys.key_set import KeySet, PublicKey
from gateway.problems import Problem, Refusal
from gateway.tokens import verification
from gateway.tokens.claims import LEEWAY_SECONDS, Claims
from gateway.tokens.minting import mint
from gateway.tokens.verification import Credential, Verifier, credential, read_token


@pytest.fixture
def here(golden: ModuleType) -> dict[str, str]:
    return {"issuer": golden.ISSUER, "audience": golden.AUDIENCE}


def problem(found: object) -> Problem | None:
    return found.problem if isinstance(found, Refusal) else None


# --- reading ------------------------------------------------------------------------------------


def test_a_genuine_token_is_read(golden: ModuleType, here: dict[str, str]) -> None:
    assert read_token(golden.GOOD, golden.KEYS, **here, now=golden.NOW) == golden.CLAIMS


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (-LEEWAY_SECONDS - 1, Problem.TOKEN_EXPIRED),
        (-LEEWAY_SECONDS, None),
        (0, None),
        (3600, None),
        (3600 + LEEWAY_SECONDS - 1, None),
        (3600 + LEEWAY_SECONDS, Problem.TOKEN_EXPIRED),
        (10**9, Problem.TOKEN_EXPIRED),
    ],
)
def test_the_term_and_its_leeway(
    golden: ModuleType, here: dict[str, str], after: int, expected: Problem | None
) -> None:
    token = golden.text(body=golden.payload(iat=golden.NOW - 600, nbf=golden.NOW, exp=golden.NOW + 3600))
    now = golden.NOW + after
    assert problem(read_token(token, golden.KEYS, **here, now=now)) is expected
    assert problem(Verifier(lambda: golden.KEYS).verify(token, **here, now=now)) is expected


@pytest.mark.parametrize("leeway", [0, 1, 60])
def test_the_leeway_is_the_callers(golden: ModuleType, here: dict[str, str], leeway: int) -> None:
    end = golden.CLAIMS.expires_at + leeway
    assert read_token(golden.GOOD, golden.KEYS, **here, now=end - 1, leeway=leeway) == golden.CLAIMS
    refusal = read_token(golden.GOOD, golden.KEYS, **here, now=end, leeway=leeway)
    assert problem(refusal) is Problem.TOKEN_EXPIRED


@pytest.mark.parametrize(
    ("changes", "now", "detail"),
    [
        ({}, 4000, "The token expired at 2026-11-18T12:05:40Z."),
        ({"nbf": 1_795_000_100}, 0, "The token is not valid before 2026-11-18T11:08:20Z."),
        ({"nbf": 10**15}, 0, "The token is not valid before second 1000000000000000 of the epoch."),
        ({"aud": "https://gazette.example"}, 0, "The token is not for https://journal.example."),
        (
            {"iss": "https://gazette.example/.licet"},
            0,
            "The token was not issued by https://journal.example/.licet.",
        ),
    ],
)
def test_a_refusal_tells_the_fact(
    golden: ModuleType, here: dict[str, str], changes: dict[str, object], now: int, detail: str
) -> None:
    refusal = read_token(
        golden.text(body=golden.payload(**changes)), golden.KEYS, **here, now=golden.NOW + now
    )
    assert isinstance(refusal, Refusal)
    assert refusal.detail == detail


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_what_is_refused_as_expired_stays_refused(golden: ModuleType, one: int, other: int) -> None:
    early, late = sorted((golden.CLAIMS.expires_at + one, golden.CLAIMS.expires_at + other))

    def at(now: int) -> Problem | None:
        return problem(
            read_token(golden.GOOD, golden.KEYS, issuer=golden.ISSUER, audience=golden.AUDIENCE, now=now)
        )

    if at(early) is Problem.TOKEN_EXPIRED and early >= golden.CLAIMS.not_before:
        assert at(late) is Problem.TOKEN_EXPIRED


# --- remembering --------------------------------------------------------------------------------


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kids of the signatures that were really computed, in order."""
    seen: list[str] = []
    real: Callable[[Compact, PublicKey], bool] = verification.signature_holds

    def counted(compact: Compact, key: PublicKey) -> bool:
        seen.append(key.kid)
        return real(compact, key)

    monkeypatch.setattr(verification, "signature_holds", counted)
    return seen


def test_a_signature_is_computed_once(golden: ModuleType, here: dict[str, str], checked: list[str]) -> None:
    verifier = Verifier(lambda: golden.KEYS)
    forged = golden.text(signer=golden.by(golden.STRANGER))
    for _ in range(3):
        assert verifier.verify(golden.GOOD, **here, now=golden.NOW) == golden.CLAIMS
        assert problem(verifier.verify(forged, **here, now=golden.NOW)) is Problem.TOKEN_INVALID
    assert len(checked) == 2
    assert verifier.remembered() == (1, 1)


def test_an_expired_token_costs_no_second_signature(
    golden: ModuleType, here: dict[str, str], checked: list[str]
) -> None:
    verifier = Verifier(lambda: golden.KEYS)
    for _ in range(3):
        late = verifier.verify(golden.GOOD, **here, now=golden.NOW + 10_000)
        assert problem(late) is Problem.TOKEN_EXPIRED
    assert len(checked) == 1


def test_what_is_remembered_is_judged_anew_by_place_and_time(
    golden: ModuleType, here: dict[str, str]
) -> None:
    verifier = Verifier(lambda: golden.KEYS)
    assert verifier.verify(golden.GOOD, **here, now=golden.NOW) == golden.CLAIMS
    for changes, expected in [
        ({"audience": golden.OTHER}, Problem.TOKEN_OTHER_SITE),
        ({"issuer": golden.OTHER}, Problem.TOKEN_INVALID),
        ({"now": golden.NOW + 3600}, Problem.TOKEN_EXPIRED),
        ({"now": golden.NOW - 600}, Problem.TOKEN_INVALID),
    ]:
        assert problem(verifier.verify(golden.GOOD, **{**here, "now": golden.NOW, **changes})) is expected
    assert verifier.verify(golden.GOOD, **here, now=golden.NOW) == golden.CLAIMS


def test_a_token_for_another_site_costs_no_signature(
    golden: ModuleType, here: dict[str, str], checked: list[str]
) -> None:
    verifier = Verifier(lambda: golden.KEYS)
    away = {**here, "audience": golden.OTHER}
    assert problem(verifier.verify(golden.GOOD, **away, now=golden.NOW)) is Problem.TOKEN_OTHER_SITE
    assert checked == []
    assert verifier.remembered() == (0, 0)


def test_a_key_that_left_the_set_verifies_nothing_from_that_moment(
    golden: ModuleType, here: dict[str, str]
) -> None:
    keys = [golden.KEYS]
    verifier = Verifier(lambda: keys[0])
    assert verifier.verify(golden.GOOD, **here, now=golden.NOW) == golden.CLAIMS
    keys[0] = KeySet([golden.EDDSA_KEY.public])
    assert problem(verifier.verify(golden.GOOD, **here, now=golden.NOW)) is Problem.TOKEN_INVALID
    # And a refusal for want of a key does not outlive the want.
    keys[0] = golden.KEYS
    assert verifier.verify(golden.GOOD, **here, now=golden.NOW) == golden.CLAIMS


def test_an_equal_set_forgets_nothing(golden: ModuleType, here: dict[str, str], checked: list[str]) -> None:
    verifier = Verifier(lambda: KeySet(golden.KEYS))
    for _ in range(3):
        verifier.verify(golden.GOOD, **here, now=golden.NOW)
    assert len(checked) == 1


def test_the_least_recently_seen_token_is_forgotten_first(
    golden: ModuleType, here: dict[str, str], checked: list[str]
) -> None:
    verifier = Verifier(lambda: golden.KEYS, most_tokens=2)
    one, two, three = (golden.text(body=golden.payload(jti=f"token-{n}")) for n in range(3))
    for token in (one, two, one, three):
        verifier.verify(token, **here, now=golden.NOW)
    assert len(checked) == 3
    verifier.verify(one, **here, now=golden.NOW)
    assert len(checked) == 3
    verifier.verify(two, **here, now=golden.NOW)
    assert len(checked) == 4
    assert verifier.remembered() == (2, 0)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(-100, 4000), st.booleans()), max_size=12)
)
def test_remembering_never_changes_an_answer(
    golden: ModuleType, calls: list[tuple[int, bool, int, bool]]
) -> None:
    texts = [
        golden.GOOD,
        golden.text(signer=golden.by(golden.STRANGER)),
        golden.text(body=golden.payload(aud=golden.OTHER)),
        golden.text(golden.header(kid="gone")),
        "x",
        golden.text(golden.header(golden.EDDSA_KEY), signer=golden.by(golden.EDDSA_KEY)),
    ]
    keys = [golden.KEYS]
    verifier = Verifier(lambda: keys[0], most_tokens=1, most_forgeries=2)
    for which, elsewhere, after, both in calls:
        keys[0] = golden.KEYS if both else KeySet([golden.ES256_KEY.public])
        place = {
            "issuer": golden.ISSUER,
            "audience": golden.OTHER if elsewhere else golden.AUDIENCE,
            "now": golden.NOW + after,
        }
        assert verifier.verify(texts[which], **place) == read_token(texts[which], keys[0], **place)


# --- with a ring on disk ------------------------------------------------------------------------


def test_rotation_refuses_no_good_token_and_takes_no_lapsed_one(
    golden: ModuleType, here: dict[str, str], tmp_path: object, clock: HandClock
) -> None:
    ring = KeyRing.create(tmp_path / "tokens", clock=clock)
    verifier = Verifier(lambda: ring.public)
    tokens: list[tuple[str, Claims, str]] = []
    for step in range(12):
        now = clock.now_us() // 1_000_000
        claims = replace(
            golden.CLAIMS, token_id=f"token-{step}", issued_at=now, not_before=now, expires_at=now + 3600
        )
        tokens.append((mint(claims, ring.current), claims, ring.current.kid))
        for token, known, _ in tokens:
            expected = known if now < known.expires_at + LEEWAY_SECONDS else None
            found = verifier.verify(token, **here, now=now)
            assert found == expected if expected else problem(found) is Problem.TOKEN_EXPIRED
        if step == 8:
            ring.revoke(ring.current.kid, now)
            assert problem(verifier.verify(tokens[-1][0], **here, now=now)) is Problem.TOKEN_INVALID
            del tokens[-1]
        else:
            ring.rotate(now)
        clock.advance(600)
    clock.advance(OVERLAP_SECONDS)
    gone = tokens[0][0]
    assert tokens[0][2] not in ring.public
    assert problem(verifier.verify(gone, **here, now=clock.now_us() // 1_000_000)) is Problem.TOKEN_INVALID


# --- whose credential ---------------------------------------------------------------------------


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def bearer(header: object, payload: object) -> str:
    return f"{segment(header)}.{segment(payload)}.c2ln"


OURS = bearer({"typ": "at+jwt"}, {"authorization_details": [{"type": "content_license"}]})


@pytest.mark.parametrize(
    ("value", "scheme", "token"),
    [
        ("License abc", "license", "abc"),
        ("license abc", "license", "abc"),
        ("LICENSE   abc  ", "license", "abc"),
        ("License\tabc", "license", "abc"),
        ("License", "license", ""),
        ("License ", "license", ""),
        ("License a b", "license", "a b"),
        ("License abc, Basic x", "license", "abc, Basic x"),
        (f"Bearer {OURS}", "bearer", OURS),
        (f"bEARER {OURS}", "bearer", OURS),
        (f"DPoP {OURS}", "dpop", OURS),
        (f"Bearer {OURS}==", "bearer", OURS + "=="),
        (f"Bearer {OURS[:-4]}", "bearer", OURS[:-4]),
    ],
)
def test_a_credential_of_ours_is_found_good_or_bad(value: str, scheme: str, token: str) -> None:
    headers = [("host", "journal.example"), ("authorization", value)]
    assert credential(headers) == Credential(scheme, token, 1)
    assert credential([("Authorization", value), *headers[:1]]) == Credential(scheme, token, 0)


@pytest.mark.parametrize(
    "header", [{"typ": "at+jwt"}, {"typ": "AT+JWT", "jku": "x"}, {"typ": "application/at+jwt", "alg": "none"}]
)
@pytest.mark.parametrize(
    "payload",
    [
        {"authorization_details": [{"type": "content_license", "version": 9}]},
        {"authorization_details": [{"type": "other"}, {"type": "content_license"}]},
        {"authorization_details": {"type": "content_license"}},
    ],
)
def test_a_bad_token_of_our_kind_is_still_ours(header: object, payload: object) -> None:
    assert isinstance(credential([("authorization", f"Bearer {bearer(header, payload)}")]), Credential)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic dXNlcjpwYXNz",
        "Digest username=x",
        "Bearer",
        "Bearer opaque",
        "Bearer a.b.c",
        "Bearer " + bearer({"typ": "JWT"}, {"authorization_details": [{"type": "content_license"}]}),
        "Bearer " + bearer({"typ": "at+jwt"}, {"authorization_details": [{"type": "payment"}]}),
        "Bearer " + bearer({"typ": "at+jwt"}, {"scope": "read"}),
        "Bearer " + bearer({"typ": "at+jwt"}, []),
        "Bearer " + bearer(["at+jwt"], {"authorization_details": [{"type": "content_license"}]}),
        "Bearer " + bearer({"typ": ["at+jwt"]}, {"authorization_details": [{"type": "content_license"}]}),
        f"Token {OURS}",
        f"Basic {OURS}",
        f"Bearer {OURS}.more",
        "Bearer " + OURS.split(".")[0] + "." + "A" * 17_000 + ".x",
        "Licensed abc",
        "X-License abc",
        "Licen\u017fe abc",
    ],
)
def test_what_is_the_sites_own_is_left_alone(value: str) -> None:
    assert credential([("authorization", value)]) is None


def test_without_authorization_there_is_none() -> None:
    assert credential([]) is None
    assert credential([("cookie", "a=b"), ("proxy-authorization", "License abc")]) is None


def test_two_authorizations_have_no_single_reading() -> None:
    found = credential([("authorization", "Basic x"), ("host", "a"), ("Authorization", "License abc")])
    assert problem(found) is Problem.BAD_REQUEST


def test_the_repr_of_a_credential_does_not_hold_it() -> None:
    assert "abc" not in repr(credential([("authorization", "License abc")]))


def test_a_real_token_is_recognized(golden: ModuleType) -> None:
    assert credential([("authorization", f"Bearer {golden.GOOD}")]) == Credential("bearer", golden.GOOD, 0)
