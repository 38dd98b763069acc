"""Three answers to whatever a request shows: none of ours, ours and bad, ours and good."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission.credentials import Credentials, Shown
from gateway.ask import Ask
from gateway.clock import HandClock
from gateway.keys.key_ring import KeyRing
from gateway.keys.signing_key import SigningKey
from gateway.licenses.revocations import OLDEST, RevocationFeed, Revocations
from gateway.problems import Problem, Refusal
from gateway.tokens.claims import LEEWAY_SECONDS, Claims
from gateway.tokens.minting import mint
from gateway.tokens.nonces import Nonces
from gateway.tokens.verification import Verifier


@dataclass
class Counter:
    """Credentials as a gate has them, with the ring that signs and the feed that revokes."""

    credentials: Credentials
    ring: KeyRing
    feed: RevocationFeed
    clock: HandClock
    claims: Claims
    ask: Ask

    def mint(self, **changes: object) -> str:
        return mint(replace(self.claims, **changes), self.ring.current)

    def shown(self, *headers: tuple[str, str], **changes: object) -> Shown:
        return self.credentials.of(replace(self.ask, headers=headers, **changes))


@pytest.fixture
def counter(
    tmp_path: Path, clock: HandClock, claims: Callable[..., Claims], ask: Callable[..., Ask]
) -> Counter:
    clock.wall_us = ask().asked_at_us
    ring = KeyRing.create(tmp_path / "tokens", clock=clock)
    feed = RevocationFeed()
    feed.renew(Revocations(), clock.monotonic())
    credentials = Credentials(Verifier(lambda: ring.public), feed, clock)
    return Counter(credentials, ring, feed, clock, claims(), ask())


BASIC = "Basic " + base64.b64encode(b"reader:secret").decode()
#: A JWT of somebody else's: the site's own login.
FOREIGN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("cookie", "License x.y.z"),),
        (("authorization", BASIC),),
        (("authorization", f"Bearer {FOREIGN}"),),
        (("authorization", "Bearer"),),
        (("authorization", ""),),
        (("authorization", "Licensed x.y.z"),),
        (("proxy-authorization", "License x.y.z"),),
    ],
)
def test_what_is_not_ours_is_none_and_stays_on_the_request(counter: Counter, headers) -> None:
    assert counter.shown(*headers) == Shown(None, -1)


@pytest.mark.parametrize("scheme", ["License", "license", "LICENSE", "Bearer", "bearer"])
def test_ours_and_good_is_its_claims_and_where_it_stands(counter: Counter, scheme: str) -> None:
    shown = counter.shown(("user-agent", "x"), ("authorization", f"{scheme} {counter.mint()}"))
    assert shown == Shown(counter.claims, 1)


def test_ours_and_bad_is_refused_and_still_comes_off_the_request(counter: Counter) -> None:
    good = counter.mint()
    head, payload, signature = good.split(".")
    foreign_key = mint(counter.claims, SigningKey.generate())
    now = counter.claims.issued_at
    table = [
        ("", Problem.TOKEN_INVALID),
        ("x.y.z", Problem.TOKEN_INVALID),
        (good + "=", Problem.TOKEN_INVALID),
        (f"{head}.{payload}.", Problem.TOKEN_INVALID),
        (f"{head}.{payload}.{'A' * len(signature)}", Problem.TOKEN_INVALID),
        (FOREIGN, Problem.TOKEN_INVALID),
        (foreign_key, Problem.TOKEN_INVALID),
        (counter.mint(issuer="https://journal.example/desk"), Problem.TOKEN_INVALID),
        (counter.mint(audience="https://other.example"), Problem.TOKEN_OTHER_SITE),
        (counter.mint(expires_at=now + 60 - LEEWAY_SECONDS), Problem.TOKEN_EXPIRED),
        (counter.mint(not_before=now + 60 + LEEWAY_SECONDS + 1), Problem.TOKEN_EXPIRED),
        (
            counter.mint(issued_at=now + 61 + LEEWAY_SECONDS, not_before=now + 61 + LEEWAY_SECONDS),
            Problem.TOKEN_INVALID,
        ),
    ]
    for token, problem in table:
        shown = counter.shown(("authorization", f"License {token}"))
        assert isinstance(shown.verdict, Refusal), token
        assert (shown.verdict.problem, shown.position) == (problem, 0), token
        assert not token or token not in shown.verdict.detail


def test_the_site_and_the_moment_are_the_asks(counter: Counter) -> None:
    token = ("authorization", f"License {counter.mint()}")
    assert counter.shown(token).verdict == counter.claims
    elsewhere = counter.shown(token, origin="https://other.example").verdict
    assert elsewhere.problem is Problem.TOKEN_OTHER_SITE
    late = (counter.claims.expires_at + LEEWAY_SECONDS) * 1_000_000
    assert counter.shown(token, asked_at_us=late - 1).verdict == counter.claims
    assert counter.shown(token, asked_at_us=late).verdict.problem is Problem.TOKEN_EXPIRED


@pytest.mark.parametrize(
    "revoked",
    [
        Revocations(tokens=frozenset({"0192"})),
        Revocations(licenses=frozenset({"lic_1"})),
        Revocations(holders=(("le_1", 2**53),)),
        Revocations(holders=(("cl_1", 2**53),)),
    ],
)
def test_what_was_revoked_is_refused_from_the_next_snapshot_on(
    counter: Counter, revoked: Revocations
) -> None:
    token = ("authorization", f"License {counter.mint()}")
    assert counter.shown(token).verdict == counter.claims
    counter.feed.renew(revoked, counter.clock.monotonic())
    shown = counter.shown(token)
    assert (shown.verdict.problem, shown.position) == (Problem.TOKEN_REVOKED, 0)


def test_no_verdict_rests_on_revocations_older_than_a_second(counter: Counter) -> None:
    token = ("authorization", f"License {counter.mint()}")
    counter.clock.mono += OLDEST
    assert counter.shown(token).verdict == counter.claims
    counter.clock.mono += 0.001
    stale = counter.shown(token)
    assert (stale.verdict.problem, stale.verdict.status) == (Problem.REVOCATIONS_STALE, 503)
    assert stale.verdict.retry_after > 0
    assert stale.position == 0
    # A bad token stays bad, and a stranger's credential is nobody's business.
    assert counter.shown(("authorization", "License x.y.z")).verdict.problem is Problem.TOKEN_INVALID
    assert counter.shown(("authorization", BASIC)) == Shown()
    counter.feed.renew(Revocations(), counter.clock.monotonic())
    assert counter.shown(token).verdict == counter.claims


def test_a_key_that_left_the_ring_proves_nothing_from_that_moment(counter: Counter) -> None:
    token = ("authorization", f"License {counter.mint()}")
    assert counter.shown(token).verdict == counter.claims
    now = counter.clock.now_us() // 1_000_000
    old = counter.ring.current.kid
    counter.ring.rotate(now)
    assert counter.shown(token).verdict == counter.claims, "a rotation lets the old key verify on"
    counter.ring.revoke(old, now)
    assert counter.shown(token).verdict.problem is Problem.TOKEN_INVALID


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """Credentials for tests that throw headers at them."""
    clock = HandClock()
    ring = KeyRing.create(tmp_path_factory.mktemp("ring") / "tokens", clock=clock)
    feed = RevocationFeed()
    feed.renew(Revocations(), clock.monotonic())
    return Credentials(Verifier(lambda: ring.public), feed, clock)


OCTETS = st.binary(max_size=60).map(lambda octets: octets.decode("utf-8", "surrogateescape"))
SCHEMES = st.sampled_from(["", "License ", "license\t", "Bearer ", "DPoP ", "Basic "])


@settings(max_examples=200, deadline=None)
@given(
    fields=st.lists(
        st.tuples(
            st.sampled_from(["authorization", "cookie", "user-agent"]),
            st.tuples(SCHEMES, OCTETS).map("".join),
        ),
        max_size=4,
    )
)
def test_no_header_raises_and_none_is_good_without_a_signature(blind: Credentials, fields) -> None:
    shown = blind.of(
        Ask("0192", 0, "journal", "https://journal.example", "GET", "/", "/", headers=tuple(fields))
    )
    assert not isinstance(shown.verdict, Claims)
    if shown.verdict is None:
        assert shown.position == -1
    elif shown.position >= 0:
        assert fields[shown.position][0] == "authorization"
    else:
        assert sum(name == "authorization" for name, _ in fields) > 1


PAGE = "https://journal.example/essays/tides"


@pytest.fixture
def bound(counter: Counter, proving):
    """A token bound to a holder's key, and `shown(scheme, *proofs)`."""
    holder = proving.Holder("EdDSA")
    token = counter.mint(key=holder.thumbprint)

    def shown(scheme: str, *proofs: str, **changes: object) -> Shown:
        fields = [("authorization", f"{scheme} {token}"), *(("dpop", proof) for proof in proofs)]
        return counter.shown(*fields, **changes)

    return SimpleNamespace(holder=holder, token=token, shown=shown, now=counter.ask.asked_at)


def proof_of(bound, method="GET", url=PAGE, late=0, **more) -> str:
    return bound.holder.proof(method, url, bound.now + late, token=bound.token, **more)


@pytest.mark.parametrize("scheme", ["DPoP", "dpop"])
def test_a_bound_token_stands_with_a_proof_of_its_key(counter: Counter, bound, scheme: str) -> None:
    shown = bound.shown(scheme, proof_of(bound), target="/essays/tides?page=2", query="page=2")
    assert shown == Shown(replace(counter.claims, key=bound.holder.thumbprint), 0)


@pytest.mark.parametrize("scheme", ["License", "Bearer"])
def test_a_bound_token_that_is_shown_like_another_is_refused(bound, scheme: str) -> None:
    for proofs in ((), (proof_of(bound),)):
        shown = bound.shown(scheme, *proofs)
        assert (shown.verdict.problem, shown.position) == (Problem.TOKEN_UNPROVEN, 0)


@pytest.mark.parametrize("kind", ["none", "two", "method", "page", "stale", "token", "key", "junk"])
def test_a_proof_that_does_not_hold_is_refused_and_the_credential_comes_off(bound, proving, kind) -> None:
    other = proving.Holder()
    proofs = {
        "none": [], "two": [proof_of(bound), proof_of(bound)], "method": [proof_of(bound, "POST")],
        "page": [proof_of(bound, url=PAGE + "-old")], "stale": [proof_of(bound, late=-61)],
        "token": [bound.holder.proof("GET", PAGE, bound.now, token="another")],
        "key": [other.proof("GET", PAGE, bound.now, token=bound.token)], "junk": ["x.y.z"],
    }[kind]  # fmt: skip
    shown = bound.shown("DPoP", *proofs)
    assert (shown.verdict.problem, shown.position) == (Problem.TOKEN_UNPROVEN, 0)


def test_a_token_that_is_bound_to_nothing_is_not_shown_as_dpop(counter: Counter, bound) -> None:
    token = counter.mint()
    proof = bound.holder.proof("GET", PAGE, bound.now, token=token)
    shown = counter.shown(("authorization", f"DPoP {token}"), ("dpop", proof))
    assert (shown.verdict.problem, shown.position) == (Problem.TOKEN_UNPROVEN, 0)


@pytest.mark.parametrize("scheme", ["License", "Bearer", "DPoP"])
def test_the_signature_of_the_request_by_the_same_key_is_a_proof_too(counter: Counter, bound, scheme) -> None:
    counter.credentials._signer = lambda _: bound.holder.thumbprint
    shown = bound.shown(scheme)
    assert shown.verdict.key == bound.holder.thumbprint
    assert counter.credentials.proof(replace(counter.ask)) is None
    counter.credentials._signer = lambda _: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert bound.shown(scheme).verdict.problem is Problem.TOKEN_UNPROVEN
    counter.credentials._signer = lambda _: ""


def test_with_nonces_every_proof_holds_one(counter: Counter, bound) -> None:
    nonces = Nonces(b"n" * 32)
    counter.credentials._nonces, counter.credentials._must = nonces, True
    shown = bound.shown("DPoP", proof_of(bound))
    assert shown.verdict.problem is Problem.TOKEN_NONCE
    ((name, nonce),) = shown.verdict.facts
    assert (name, nonce) == ("dpop_nonce", nonces.current(bound.now))
    assert isinstance(bound.shown("DPoP", proof_of(bound, nonce=nonce)).verdict, Claims)


def test_the_proof_is_told_for_the_ask_that_showed_it_alone(counter: Counter, bound) -> None:
    ask = replace(counter.ask, headers=(("authorization", f"DPoP {bound.token}"), ("dpop", proof_of(bound))))
    assert counter.credentials.proof(ask) is None
    assert isinstance(counter.credentials.of(ask).verdict, Claims)
    proof = counter.credentials.proof(ask)
    assert proof.key == bound.holder.thumbprint
    assert counter.credentials.proof(replace(ask, id="0192-b")) is None


def test_a_bound_token_can_be_revoked_and_expires_like_any(counter: Counter, bound) -> None:
    counter.feed.renew(Revocations(licenses=frozenset({"lic_1"})), counter.clock.monotonic())
    assert bound.shown("DPoP", proof_of(bound)).verdict.problem is Problem.TOKEN_REVOKED
