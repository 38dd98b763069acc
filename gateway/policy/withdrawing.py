"""A policy with what was withdrawn since: offers without it, and the index that rulings look into. Pure.

What is withdrawn stands in the store, not in the file, and changes while the
policy stays. `with_withdrawn` is made anew from the policy as it was read
whenever either changes; a request sees one of them whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.licenses.withdrawal import NOTHING_WITHDRAWN, Withdrawal, Withdrawn
from gateway.paths import PathScope
from gateway.policy.rules import Policy


def with_withdrawn(policy: Policy, withdrawals: Iterable[Withdrawal]) -> Policy:
    """*policy* with exactly those of *withdrawals* that are of its site; all of them count as in force.

    The digest stays: the owner's rules are the same ones. `Policy.edition` differs.
    """
    each = tuple(sorted((one for one in withdrawals if one.site == policy.site.id), key=lambda one: one.id))
    if not each and not policy.withdrawn:
        return policy
    offers = policy.withdrawn.sold if policy.withdrawn else policy.offers
    withdrawn = Withdrawn(each, owned_by(policy), offers) if each else NOTHING_WITHDRAWN
    # A new index of offers: the old policy's is its own.
    return replace(policy, offers=withdrawn.offered(offers), withdrawn=withdrawn, by_offer={})


def owned_by(policy: Policy) -> tuple[tuple[str, tuple[PathScope, ...]], ...]:
    """The paths of each work of *policy*, by its id."""
    return tuple((work.id, work.paths) for work in policy.works)
