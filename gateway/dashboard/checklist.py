"""What is left to do before a site is paid: computed from facts, never ticked by hand. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.policy.rules import Mode, Policy


@dataclass(frozen=True, slots=True)
class Facts:
    """What the list is computed from.

    *written* are the ids of sites whose policy is from a file, *seen* says that
    an automated visitor is in the log, *wrong* how many findings of the last
    look were bad (None before the first look), *payable* that somebody is
    registered who can buy, or pays by themselves.
    """

    policies: Sequence[Policy]
    written: frozenset[str]
    seen: bool
    wrong: int | None
    payable: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One step: whether it is *done*, what it is, and where to go on: an address of the dashboard."""

    done: bool
    title: str
    why: str
    path: str


def checklist(facts: Facts) -> tuple[Item, ...]:
    """The steps in the order in which they are best taken."""
    policies = facts.policies
    selling = [each for each in policies if each.offers]
    watching = [each.site.id for each in policies if each.site.mode is Mode.OBSERVE]
    loose = [each.site.id for each in policies if each.site.mode is not Mode.ENFORCE]
    sold = all(any(work.for_sale for work in each.works) for each in selling)
    return (
        Item(
            bool(policies) and all(each.site.id in facts.written for each in policies),
            "Write the rules into a file",
            "Six questions make the first one; after that it can be changed here.",
            "/setup/new",
        ),
        Item(
            facts.wrong == 0,
            "Have nothing wrong on the Health page",
            "It looks at this machine, your server, and ways around the gate."
            if facts.wrong is None
            else f"{facts.wrong} found to be wrong.",
            "/health",
        ),
        Item(
            facts.seen,
            "See a crawler come by",
            "A test visit goes through the real gate and shows why it was answered so.",
            "/setup#visit",
        ),
        Item(
            bool(policies) and sold,
            "Say which works are yours",
            "What is unsure is never for sale.",
            "/policies",
        ),
        Item(
            bool(policies) and not watching,
            "Publish the terms",
            f"Still only watching: {', '.join(watching)}." if watching else "Mode offer: crawlers are told the price.",
            "/setup#modes",
        ),
        Item(
            facts.payable or not selling,
            "Let somebody pay",
            "A licensee with credit, or a way to pay by each fetch.",
            "/licensees",
        ),
        Item(
            bool(policies) and not loose,
            "Have the rules bind",
            f"Nobody is refused yet at {', '.join(loose)}." if loose else "Mode enforce.",
            "/setup#modes",
        ),
    )  # fmt: skip


def done(items: Sequence[Item]) -> bool:
    """Whether nothing is left to do."""
    return all(each.done for each in items)
