"""What is revoked, and for how long a snapshot is believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.licenses.revocations import OLDEST, RevocationFeed, Revocations
from gateway.money import Money
from gateway.paths import PathScope
from gateway.problems import Problem
from gateway.terms.license_terms import WORLDWIDE
from gateway.tokens.claims import Budget, Claims
from gateway.uses import Use

CLAIMS = Claims(
    issuer="https://journal.example/.licet", audience="https://journal.example", client="cl_1", token_id="t1",
    issued_at=1000, not_before=1000, expires_at=2000, license="li_1", licensee="le_1",
    scopes=(PathScope("/essays/"),), renditions=("page",), uses=frozenset({Use.AI_TRAIN}), territory=WORLDWIDE,
    crawlers=frozenset(), budget=Budget(), price=Money(1, "USD"), terms="sha-256:t", policy="sha-256:p",
)  # fmt: skip


@pytest.mark.parametrize(
    ("revoked", "covered"),
    [
        (Revocations(), False),
        (Revocations(tokens=frozenset({"t1"})), True),
        (Revocations(tokens=frozenset({"t2"})), False),
        (Revocations(licenses=frozenset({"li_1"})), True),
        (Revocations(licenses=frozenset({"t1"})), False),
        (Revocations(holders=(("le_1", 1000),)), True),
        (Revocations(holders=(("cl_1", 1500),)), True),
        (Revocations(holders=(("le_1", 999),)), False),
        (Revocations(holders=(("le_2", 5000), ("cl_2", 5000))), False),
    ],
)
def test_a_token_falls_with_itself_its_license_its_client_or_its_licensee(revoked, covered):
    assert revoked.covers(CLAIMS) is covered


def test_a_token_issued_after_a_suspension_was_lifted_stands():
    revoked = Revocations(holders=(("le_1", 1000),))
    assert not revoked.covers(replace(CLAIMS, issued_at=1001))


def test_without_a_fresh_snapshot_nothing_is_believed():
    feed = RevocationFeed()
    assert feed.judge(CLAIMS, 0.0).problem is Problem.REVOCATIONS_STALE
    feed.renew(Revocations(), 10.0)
    assert feed.judge(CLAIMS, 10.0) is None
    assert feed.judge(CLAIMS, 10.0 + OLDEST) is None
    late = feed.judge(CLAIMS, 10.0 + OLDEST + 0.001)
    assert late.problem is Problem.REVOCATIONS_STALE
    assert late.retry_after > 0


def test_what_the_snapshot_revokes_is_refused_by_name():
    feed = RevocationFeed()
    feed.renew(Revocations(tokens=frozenset({"t1"})), 1.0)
    refusal = feed.judge(CLAIMS, 1.5)
    assert refusal.problem is Problem.TOKEN_REVOKED
    assert "t1" in refusal.detail
    assert feed.judge(replace(CLAIMS, token_id="t2"), 1.5) is None


def test_a_snapshot_read_earlier_never_makes_an_old_one_young_or_a_young_one_old():
    feed = RevocationFeed()
    feed.renew(Revocations(), 10.0)
    feed.renew(Revocations(), 9.0)
    assert feed.judge(CLAIMS, 10.9) is None


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1))
def test_whatever_the_order_the_snapshot_of_the_latest_look_is_the_one_believed(looks):
    feed = RevocationFeed()
    for at, revoked in looks:
        feed.renew(Revocations(tokens=frozenset({"t1"} if revoked else ())), float(at))
    latest = max(at for at, _ in looks)
    revoked = [revoked for at, revoked in looks if at == latest][-1]
    refusal = feed.judge(CLAIMS, float(latest))
    assert (refusal.problem if refusal else None) is (Problem.TOKEN_REVOKED if revoked else None)
    assert feed.judge(CLAIMS, latest + OLDEST + 0.001).problem is Problem.REVOCATIONS_STALE


@given(
    st.frozensets(st.sampled_from(["t1", "li_1", "x"])),
    st.frozensets(st.sampled_from(["t1", "li_1", "x"])),
    st.lists(st.tuples(st.sampled_from(["cl_1", "le_1", "x"]), st.integers(0, 2000)), max_size=4),
    st.integers(0, 2000),
)
def test_revoking_more_never_lets_a_token_stand_again(tokens, licenses, holders, issued_at):
    claims = replace(CLAIMS, issued_at=issued_at)
    some = Revocations(tokens, licenses, tuple(holders[:2]))
    more = Revocations(tokens | {"y"}, licenses | {"y"}, tuple(holders))
    assert more.covers(claims) or not some.covers(claims)
    assert Revocations(tokens, licenses, (*holders, ("cl_1", issued_at))).covers(claims)
    assert not Revocations(holders=(("t1", 5000), ("li_1", 5000))).covers(claims)


def test_a_suspended_license_is_told_and_is_not_revoked():
    snapshot = Revocations(suspended=(("li_0", "Other."), ("li_1", "A report is overdue.")))
    assert not snapshot.covers(CLAIMS)
    feed = RevocationFeed()
    feed.renew(snapshot, 10.0)
    refusal = feed.judge(CLAIMS, 10.5)
    assert refusal.problem is Problem.LICENSE_SUSPENDED
    assert "A report is overdue." in refusal.detail
    assert feed.judge(replace(CLAIMS, license="li_2"), 10.5) is None
    feed.renew(Revocations(licenses=frozenset({"li_1"}), suspended=snapshot.suspended), 11.0)
    assert feed.judge(CLAIMS, 11.5).problem is Problem.TOKEN_REVOKED, "what is gone for good is told first"
    feed.renew(Revocations(), 12.0)
    assert feed.judge(CLAIMS, 12.5) is None, "the same token opens again"
