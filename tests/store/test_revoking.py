"""What revocations and suspensions mean together."""

from __future__ import annotations

from gateway.licenses.revocations import Revocations
from gateway.licenses.suspension import Suspension
from gateway.store.revoking import ALWAYS, lifted_at, snapshot


def test_kinds_go_where_they_are_looked_up():
    rows = [("token", "t", 5), ("license", "l", 5), ("client", "c", 7), ("licensee", "e", 9)]
    assert snapshot(rows, []) == Revocations(frozenset({"t"}), frozenset({"l"}), (("c", 7), ("e", 9)))


def test_the_later_counts_and_a_suspension_covers_everything():
    assert snapshot([("client", "c", 7), ("licensee", "c", 3)], []).holders == (("c", 7),)
    assert snapshot([("licensee", "e", 9)], ["e", "f"]).holders == (("e", ALWAYS), ("f", ALWAYS))


def test_a_token_of_the_second_of_the_return_stands():
    assert lifted_at(100) == 99


def test_a_license_is_suspended_beside_what_is_revoked():
    causes = [Suspension("l", "du_1", "Late.", 5), Suspension("m", "du_2", "Late.", 5, lifted_at=6)]
    assert snapshot([], [], causes) == Revocations(suspended=(("l", "Late."),))
