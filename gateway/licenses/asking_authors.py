"""The acts around authors' consent: ask one, hear an answer, ask no more; and what is held by it.

After every act the hold on the work is what the answers make it: one answer that
declines stops new sales, and the pages of the other authors say so.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import uuid_utils

from gateway.licenses.consent import (
    Answer,
    Consent,
    answered,
    cause_of,
    secret_digest,
    told,
    unsold,
)
from gateway.licenses.consents import Consents
from gateway.licenses.taking_back import TakingBack, withdrawal_id
from gateway.licenses.withdrawal import Withdrawal
from gateway.uses import Use


@dataclass(frozen=True, slots=True)
class Asked:
    """An author who was asked, and the secret of its link, which is shown once. The repr hides it."""

    consent: Consent
    secret: str = field(repr=False)


class AskingAuthors:
    """Asks the authors of works on the sites of one gateway."""

    def __init__(self, store: Consents, taking_back: TakingBack) -> None:
        """Keep in *store*; hold sales by *taking_back*."""
        self.store, self._taking_back = store, taking_back

    async def ask(
        self, site: str, work: str, author: str, share_micros: int, now_us: int, *, representative: bool
    ) -> Asked | None:
        """Ask *author* about *work*; None where that is done already. Nothing of the work is sold until it answers."""
        secret = secrets.token_urlsafe(32)
        now = now_us // 1_000_000
        id = f"co_{uuid_utils.uuid7(nanoseconds=now_us * 1000).hex}"
        consent = Consent(id, site, work, author, share_micros, secret_digest(secret), now, representative)
        if not await self.store.add(consent, events=[told(consent, now)]):
            return None
        await self._held(site, work, now_us)
        return Asked(consent, secret)

    async def answer(self, secret: str, answers: Mapping[Use, Answer], now_us: int) -> Consent | None:
        """Keep what the author with that link says; None where there is none."""
        now = now_us // 1_000_000
        while True:
            before = await self.store.by_secret(secret_digest(secret))
            if before is None:
                return None
            after = answered(before, answers, now)
            if after is before or await self.store.change(after, events=[told(after, now)]):
                await self._held(after.site, after.work, now_us)
                return after

    async def ask_no_more(self, id: str, now_us: int) -> Consent | None:
        """Forget that an author was asked; None where nobody of that id was."""
        gone = await self.store.remove(id)
        if gone is not None:
            await self._held(gone.site, gone.work, now_us)
        return gone

    async def _held(self, site: str, work: str, now_us: int) -> None:
        """Have in force the hold that the answers make, or none."""
        uses, now = unsold(await self.store.of_work(site, work)), now_us // 1_000_000
        cause = cause_of(work)
        wanted = None
        if uses:
            wanted = Withdrawal(
                withdrawal_id(now_us), site, uses, now, now, "authors", (work,), hold=True, cause=cause
            )
        await self._taking_back.hold(cause, wanted, now, by="authors", site=site)
