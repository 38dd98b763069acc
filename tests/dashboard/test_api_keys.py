"""Keys without HTTP: what a key may is what its scopes and its person's role have in common, while both run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.dashboard.api_keys import DAY_US, MOST_KEYS, NEVER, made_key, revoked
from gateway.dashboard.people import Person, Unfit
from gateway.dashboard.permissions import ALLOWED, Permission, Role
from gateway.licenses.enrollment import secret_hash

P = Permission
ADA = Person("pe_1", "ada", Role.OPERATOR, 1, "hash")


def make(scopes=("log.read", "deals.change"), person=ADA, **changes):
    given = {
        "keys": (),
        "id": "ke_1",
        "name": "ci",
        "person": person,
        "scopes": scopes,
        "days": 30,
        "now_us": 5,
    }
    return made_key(**{**given, **changes})


def test_the_secret_is_kept_as_a_hash_and_shown_by_its_first_letters():
    made = make()
    assert made.secret.startswith("lak_")
    assert made.key.secret_sha256 == secret_hash(made.secret)
    assert made.key.shown == made.secret[:12]
    assert made.secret not in repr(made)
    assert made.key.secret_sha256 not in repr(made.key)
    assert made.key.expires_us == 5 + 30 * DAY_US


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "name"), ({"name": "a" * 101}, "name"), ({"name": "a\x00"}, "name"),
        ({"days": 0}, "days"), ({"days": 367}, "days"), ({"scopes": ()}, "at least one"),
        ({"scopes": ["policy.change"]}, "cannot have policy.change"), ({"scopes": ["nonsense"]}, "nonsense"),
        ({"scopes": ["self"]}, "self"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_is_refused_with_the_reason(changes, said):
    found = make(**changes)
    assert isinstance(found, Unfit)
    assert said in found.sentence


def test_no_more_than_so_many_run_at_once():
    key = make().key
    many = [replace(key, id=f"ke_{n}") for n in range(MOST_KEYS)]
    assert isinstance(make(keys=many), Unfit)
    assert not isinstance(make(keys=[revoked(many[0], 6), *many[1:]]), Unfit)


def test_what_it_may_follows_its_person_from_one_moment_to_the_next():
    key = make().key
    assert key.allows(ADA, 6) == {P.LOG_READ, P.DEALS_CHANGE}
    assert key.allows(replace(ADA, role=Role.VIEWER), 6) == {P.LOG_READ}
    assert key.allows(replace(ADA, disabled_us=6), 6) == frozenset()
    assert key.allows(None, 6) == frozenset()
    assert key.allows(ADA, key.expires_us) == frozenset()
    assert revoked(key, 7).allows(ADA, 8) == frozenset()
    assert revoked(revoked(key, 7), 9).revoked_us == 7
    assert [key.state(6), key.state(key.expires_us), revoked(key, 7).state(8)] == [
        "runs",
        "expired",
        "revoked",
    ]


def test_no_key_gives_rights_to_others_whatever_its_scopes_say():
    owner = replace(ADA, role=Role.OWNER)
    key = make([str(each) for each in ALLOWED[Role.OWNER] - NEVER], person=owner).key
    assert not key.allows(owner, 6) & {P.PEOPLE_CHANGE, P.KEYS_CHANGE, P.SELF}
    assert not replace(key, scopes=frozenset(Permission)).allows(owner, 6) & NEVER
