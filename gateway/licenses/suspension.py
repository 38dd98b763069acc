"""A license that opens nothing for a while, for one reason or several. Pure.

A suspension is of one license and not of its licensee, and can be undone: as long
as one *cause* stands, no token is issued under the license and none that was
issued opens anything, from within a second (`revocations`); once all are lifted
the same tokens open again until they expire. The rights stay with the licensee
meanwhile: nobody can buy what an exclusive license that is suspended shuts out,
and the term goes on.

Causes are independent: that of a duty is lifted when it is met, that of a bill
when it is paid or disputed, the owner's by the owner. A cause that stands is not put again, so putting it twice changes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.problems import Problem, Refusal

#: The cause of what the owner suspends by hand.
OWNER: Final = "owner"
#: How the cause of a bill that is not paid begins; its id follows.
BILL: Final = "bill:"
#: Where licensees read their bills.
BILLS: Final = "/.licet/invoices"
_DUTIES: Final = "/.licet/duties"


@dataclass(frozen=True, slots=True)
class Suspension:
    """One cause for which *license* is suspended: since when, and what its licensee is told.

    *cause* is `OWNER`, the id of a duty, or `BILL` and that of a bill. *lifted_at* is 0 while it stands.
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

    @property
    def path(self) -> str:
        """Where its licensee reads what would lift it."""
        return f"{BILLS}/{self.cause.removeprefix(BILL)}" if self.cause.startswith(BILL) else _DUTIES


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
        # What is told of a bill says where it is.
        facts=(("license", license), *(() if BILLS in said else (("duties", _DUTIES),))),
    )
