"""Withdrawals, objections, consents and proofs of authorship of a gateway, put together on one database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.app.consent_recording import ConsentRecording
from gateway.clock import Clock
from gateway.dashboard.consent_tables import Consents
from gateway.dashboard.policy_shelf import PolicyFiles
from gateway.desk.authorship import AuthorshipDesk
from gateway.desk.call import Group
from gateway.desk.clients import Clients
from gateway.desk.consents import ConsentDesk
from gateway.desk.fees import Entered, Keeping
from gateway.desk.objections import ObjectionDesk
from gateway.desk.pacing import Limits, own_limit
from gateway.desk.withdrawals import WithdrawalDesk
from gateway.licenses.asking_authors import AskingAuthors
from gateway.licenses.hearing import Hearing
from gateway.licenses.register import LicenseRegister
from gateway.licenses.taking_back import TakingBack
from gateway.policy.reload import PolicyShelf
from gateway.policy.rules import Policy
from gateway.store.sqlite.consents import SqliteConsents
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.objections import SqliteObjections
from gateway.store.sqlite.originals import SqliteOriginals
from gateway.store.sqlite.withdrawals import SqliteWithdrawals


class Consenting:
    """What is done about consent in one office."""

    def __init__(self, database: Database, register: LicenseRegister, clock: Clock) -> None:
        """Keep in *database*; licenses are *register*'s."""
        self._clock, self._register = clock, register
        self._recording: ConsentRecording | None = None
        self.originals = SqliteOriginals(database)
        self.withdrawals = SqliteWithdrawals(database)
        self.taking_back = TakingBack(self.withdrawals, register)
        self.hearing = Hearing(SqliteObjections(database), self.taking_back)
        self.asking = AskingAuthors(SqliteConsents(database), self.taking_back)

    def groups(self, limits: Limits = own_limit) -> tuple[Group | Callable[[Clients], Group], ...]:
        """What the desk answers about it, at the pace of *limits*."""
        return (
            WithdrawalDesk(self.withdrawals, self._clock).group,
            ObjectionDesk(self.hearing, self._clock, limits).group(),
            ConsentDesk(self.asking, self._clock, limits).group(),
            AuthorshipDesk(self.originals, self._register, self._clock).group,
        )

    def pages(self, policies: Callable[[], tuple[Policy, ...]]) -> Consents:
        """What the owner's pages act on."""
        return Consents(self.taking_back, self.hearing, self.asking, policies)

    async def recorded(
        self, shelf: Callable[[], PolicyShelf], folder: Path, journal: Keeping, entered: Entered
    ) -> PolicyFiles:
        """Record what is in force, and from now on with each `record` what has come; the files behind *shelf*."""
        files = PolicyFiles(shelf, folder, self._clock)
        self._recording = ConsentRecording(shelf, files, folder, journal, entered, self._clock)
        await self.record()
        return files

    async def record(self) -> None:
        """Record what was put in force since the last time."""
        if self._recording is not None:
            await self._recording.act()

    async def remind(self) -> None:
        """Tell licensees whose plan for a removal is soon due, or over."""
        await self.taking_back.remind(self._clock.now_us() // 1_000_000)
