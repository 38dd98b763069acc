"""The office's round to the operators of crawlers: which lists are due, and what is told of what came."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from gateway.visitors.feed_updates import Fetch, Outcome, Update, update_feeds
from gateway.visitors.fetched_lists import FeedFolder
from gateway.visitors.networks import NetworkList, Networks

log = structlog.get_logger("licet")

#: Seconds between two looks at what is due.
ROUND_SECONDS: Final = 600.0
_HOUR: Final = 3600


class FeedRound:
    """Fetches every shipped list that has a feed, each once in *hours*, and what failed an hour later."""

    def __init__(
        self, folder: FeedFolder, fetch: Fetch, *, hours: int, lists: Networks | None = None
    ) -> None:
        """Keep what comes in *folder*; *lists* are the shipped ones unless given."""
        self._folder, self._fetch, self._hours = folder, fetch, hours
        self._lists = tuple(each for each in (lists or Networks.shipped()).lists.values() if each.feed)

    def due(self, now: int) -> tuple[NetworkList, ...]:
        """The lists to fetch at second *now*; one last tried in the future is due."""
        kept, _ = self._folder.read(self._lists)
        found = []
        for each in self._lists:
            last = kept.get(each.name)
            if last is not None:
                wait = _HOUR if last.trouble else self._hours * _HOUR
                if 0 <= now - last.tried_at < wait:
                    continue
            found.append(each)
        return tuple(found)

    async def act(self, now: int) -> tuple[Update, ...]:
        """Fetch what is due at second *now* and keep what may be kept. No raise for what others do."""
        due = await asyncio.to_thread(self.due, now)
        if not due:
            return ()
        before, _ = self._folder.read(due)
        done = []
        try:
            async for update in update_feeds(due, self._folder, self._fetch, now=now):
                done.append(update)
                last = before.get(update.name)
                _tell(update, told=last.trouble if last is not None else "")
        except OSError as error:
            log.warning("fetched lists cannot be kept", reason=str(error))
        return tuple(done)


def _tell(update: Update, *, told: str) -> None:
    """Say in the log what changed; a trouble that was told already is not told every hour."""
    if update.outcome is Outcome.UPDATED and update.change is not None:
        added, removed = len(update.change.added), len(update.change.removed)
        log.info("an operator's list was taken up", list=update.name, added=added, removed=removed)
    elif update.outcome is Outcome.REFUSED and (update.kept is None or update.kept.trouble != told):
        log.error(
            "an operator's list was refused; the last good one goes on",
            list=update.name,
            why=str(update.fault),
        )
    elif update.outcome is Outcome.FAILED and not told:
        log.warning("an operator's list could not be fetched", list=update.name, why=update.why)
