"""A policy with what was withdrawn since: offers without it, and the index that rulings look into. Pure.

What is withdrawn stands in the store, not in the file, and changes while the
policy stays. `with_withdrawn` is made anew from the policy as it was read
whenever either changes; a request sees one of them whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gateway.licenses.withdrawal import NOTHING_WITHDRAWN, Withdrawal, Withdrawn
from gateway.paths import Ambiguous, PathScope, canonical
from gateway.policy.rules import Policy
from gateway.uses import Use, Uses, parse_use


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


@dataclass(frozen=True, slots=True)
class Subjects:
    """What a person named to be withdrawn, told apart: works by id, paths, digests, a bundle or a licensee."""

    works: tuple[str, ...] = ()
    paths: tuple[PathScope, ...] = ()
    digests: tuple[str, ...] = ()
    bundle: str = ""
    licensee: str = ""


def subjects_of(policy: Policy, named: Sequence[str]) -> Subjects | str:
    """Tell apart what a person *named*: a work of *policy*, a path or URL, ``sha-256:…``, ``bundle:…``, ``le_…``.

    A sentence where one of them is nothing of this; a licensee stands alone, because
    all of the site is withdrawn from it.
    """
    works, paths, digests, bundles, licensees = [], [], [], [], []
    for text in named:
        if _LICENSEE.fullmatch(text):
            licensees.append(text)
        elif found := _DIGEST.fullmatch(text):
            digests.append(found[1].lower())
        elif text.startswith("bundle:"):
            bundles.append(text.removeprefix("bundle:"))
        elif text.startswith(("/", "http://", "https://")):
            path = (
                text if text.startswith("/") else "/" + text.split("/", 3)[-1] if text.count("/") > 2 else "/"
            )
            plain = canonical(path.replace("*", "x"))
            if isinstance(plain, Ambiguous) or plain != path.replace("*", "x"):
                return f"{text} is no path with one reading, such as /essays/tides"
            paths.append(PathScope(path))
        elif any(work.id == text for work in policy.works):
            works.append(text)
        else:
            known = ", ".join(work.id for work in policy.works) or "none"
            return (
                f"{text!r} is no work of {policy.site.id} (there is {known}), no path, no sha-256:… of content, "
                "no bundle:NAME and no licensee"
            )
    if not named:
        return "nothing is named"
    if (licensees and len(named) > 1) or len(bundles) > 1:
        return "a licensee, or a bundle, is withdrawn by itself; name it alone"
    return Subjects(
        tuple(dict.fromkeys(works)),
        tuple(dict.fromkeys(paths)),
        tuple(dict.fromkeys(digests)),
        "".join(bundles),
        "".join(licensees),
    )


def read_uses(words: Iterable[str]) -> Uses | str:
    """The uses that a person named; ``all`` is every one, search included. A sentence where one is unknown."""
    found: set[Use] = set()
    for word in words:
        if word == "all":
            found |= set(Use)
        elif (use := parse_use(word)) is not None:
            found.add(use)
        else:
            return f"{word!r} is no use; there are {', '.join(Use)} and all"
    return frozenset(found)


_LICENSEE: Final = re.compile(r"le_[0-9A-Za-z]{1,64}", re.ASCII)
_DIGEST: Final = re.compile(r"(?:sha-?256:)?([0-9A-Fa-f]{64})", re.ASCII)
