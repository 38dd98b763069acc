"""What the office does about authors: once a day, what a site earned since is divided among them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

import structlog

from gateway.billing.author_shares import Earnings, entries_of, shares
from gateway.clock import Clock
from gateway.desk.fees import Keeping
from gateway.licenses.register import LicenseRegister
from gateway.policy.rules import Policy

log = structlog.get_logger("licet")
#: Seconds between two looks.
ROUND_SECONDS: Final = 60.0
_DAY: Final = 86_400


class ShareRound:
    """Divides the earnings of every site whose works name authors."""

    def __init__(
        self,
        earnings: Earnings,
        register: LicenseRegister,
        policies: Callable[[], Iterable[Policy]],
        journal: Keeping,
        clock: Clock,
        folded: Callable[[], Awaitable[bool]],
        wake: Callable[[], None],
    ) -> None:
        """Read *earnings* and *policies*, write into *journal*; *folded* says whether the books hold all of it."""
        self._earnings, self._register, self._policies = earnings, register, policies
        self._journal, self._clock, self._folded, self._wake = journal, clock, folded, wake
        self._done: dict[str, int] = {}

    async def act(self) -> None:
        """One look: whatever was not divided on this day yet is."""
        day = self._clock.now_us() // 1_000_000 // _DAY
        for policy in self._policies():
            authors = authors_of(policy)
            if any(authors.values()) and self._done.get(policy.site.id) != day and await self._folded():
                await self._divide(policy.site.id, authors)
                self._done[policy.site.id] = day

    async def _divide(self, site: str, authors: dict[str, list[tuple[str, int]]]) -> None:
        until, found = await undivided(self._earnings, self._register, site, authors)
        made = entries_of(site, until, found, self._clock.now_us())
        for entry in made:
            await self._journal.keep(entry)
        if made:
            log.info("earnings were divided among authors", site=site, entries=len(made))
            self._wake()


def authors_of(policy: Policy) -> dict[str, list[tuple[str, int]]]:
    """The authors of each work of *policy*, with their shares in millionths."""
    return {work.id: [(each.name, each.share_micros) for each in work.authors] for work in policy.works}


async def undivided(
    earnings: Earnings, register: LicenseRegister, site: str, authors: Mapping[str, Sequence[tuple[str, int]]]
) -> tuple[int, dict[str, dict[str, int]]]:
    """The last place in the journal, and what of the earnings of *site* up to it is *authors*' and stands on its own account still.

    By currency and author, in micro-units.
    """
    until, earned = await earnings.undivided(site)
    scopes = dict[str, tuple[str, ...]]()
    for each in earned:
        license = None if each.work else await register.license(each.license)
        if license is not None:
            scopes[each.license] = license.terms.scope.works
    return until, shares(earned, authors, scopes)
