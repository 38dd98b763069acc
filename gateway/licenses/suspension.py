"""A license that opens nothing for a while, for one reason or several. Pure.

A suspension is of one license and not of its licensee, and can be undone: as long
as one *cause* stands, no token is issued under the license and none that was
issued opens anything, from within a second (`revocations`); once all are lifted
the same tokens open again until they expire. The rights stay with the licensee
meanwhile: nobody can buy what an exclusive license that is suspended shuts out,
and the term goes on.

Causes are independent: that of a duty is lifted when it is met, the owner's by
the owner. A cause that stands is not put again, so putting it twice changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.problems import Problem, Refusal

#: The cause of what the owner suspends by hand.
OWNER: Final = "owner"


@dataclass(frozen=True, slots=True)
class Suspension:
    """One cause for which *license* is suspended: since when, and what its licensee is told.

    *cause* is `OWNER` or the id of a duty. *lifted_at* is 0 while it stands.
    """

    license: str
    cause: str
    said: str
    since: int
    lifted_at: int = 0

    @property
    def stands(self) -> bool:
        """Whether it was not lifted."""
        return not self.lifted_at


def standing(suspensions: Iterable[Suspension]) -> tuple[tuple[str, str], ...]:
    """What verdicts rest on: each license that some cause suspends, with what the earliest says; sorted."""
    found: dict[str, Suspension] = {}
    for each in sorted(suspensions, key=lambda one: (one.since, one.cause)):
        if each.stands:
            found.setdefault(each.license, each)
    return tuple(sorted((license, each.said) for license, each in found.items()))


def suspended(license: str, said: str) -> Refusal:
    """The refusal of whatever needs the *license*, suspended for what *said* tells."""
    return Refusal(
        Problem.LICENSE_SUSPENDED,
        f"License {license} is suspended. {said}",
        facts=(("license", license), ("duties", "/.licet/duties")),
    )
