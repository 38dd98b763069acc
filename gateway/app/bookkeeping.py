"""What the office books by itself: dues and milestones, on the journal and the books of one data folder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from gateway.app import claim_round, due_round, milestone_round, share_round
from gateway.billing.milestone_book import MilestoneBook
from gateway.clock import Clock
from gateway.dashboard.milestone_pages import Milestones
from gateway.desk.call import Group
from gateway.desk.claims import ClaimDesk
from gateway.desk.clients import Clients
from gateway.desk.fees import Keeping
from gateway.desk.form_tokens import FormTokens
from gateway.desk.milestones import MilestoneDesk
from gateway.desk.report_pages import ReportPages
from gateway.event import Event
from gateway.licenses.duties import Duties
from gateway.licenses.duty_book import DutyBook
from gateway.licenses.evidence_shelf import EvidenceShelf
from gateway.licenses.register import LicenseRegister
from gateway.policy.rules import Policy
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.dispute_book import SqliteDisputeBook
from gateway.store.sqlite.document_book import SqliteDocumentBook
from gateway.store.sqlite.earnings import SqliteEarnings
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.ingestion import SqliteIngestion
from gateway.store.sqlite.owing import SqliteOwing


class Bookkeeping:
    """*milestones* is what desk and pages act through; `rounds` are for timers."""

    def __init__(
        self, folder: Path, database: Database, journal: Keeping, clock: Clock, wake: Callable[[], None]
    ) -> None:
        """Read *database*; write into *journal*, whose files are in *folder*; *wake* has it folded at once."""
        self._owing, self._journal, self._clock, self._wake = SqliteOwing(database), journal, clock, wake
        self._folded = due_round.folded_whole(folder, SqliteFolding(database))
        self._earnings = SqliteEarnings(database)
        self._bills = SqliteDocumentBook(database), SqliteDisputeBook(database)
        self._ingestion = SqliteIngestion(database)
        self.milestones = MilestoneBook(self._owing, journal.keep, clock)

    def groups(self, register: LicenseRegister) -> tuple[Callable[[Clients], Group], ...]:
        """What the desk answers about milestones and claims."""
        claims = ClaimDesk(self._owing, register, self._journal, self._clock)
        return (MilestoneDesk(self.milestones, register).group, claims.group)

    def shown(self, register: LicenseRegister) -> Milestones:
        """What the page of milestones reads."""
        return Milestones(self._owing, self.milestones, register)

    def duties(self, duties: Duties, register: LicenseRegister, shelf: EvidenceShelf) -> DutyBook:
        """What licensees hand in, with what the journal knows of it."""
        return DutyBook(duties, register, shelf, self._owing, self._ingestion)

    def reporting(self, book: DutyBook) -> tuple[Callable[[Clients], Group], ...]:
        """What the desk answers to people who hand in reports."""
        forms = FormTokens(self._clock)
        return (lambda known: ReportPages(book, known, forms, self._clock).group(),)

    def rounds(
        self,
        tell: Callable[[tuple[Event, ...]], Awaitable[None]],
        register: LicenseRegister,
        policies: Callable[[], Iterable[Policy]],
    ) -> tuple[tuple[str, float, Callable[[], Awaitable[None]]], ...]:
        """Name, seconds between two, and act of each round; *tell* keeps events, each id once; authors are those of *policies*."""
        dues = due_round.DueRound(
            self._owing, self._bills, self._journal, self._clock, self._folded, self._wake
        )
        milestones = milestone_round.MilestoneRound(self._owing, self.milestones, tell, self._wake)
        shares = share_round.ShareRound(
            self._earnings, register, policies, self._journal, self._clock, self._folded, self._wake
        )
        return (
            ("shares", share_round.ROUND_SECONDS, shares.act),
            ("dues", due_round.ROUND_SECONDS, dues.act),
            ("milestones", milestone_round.ROUND_SECONDS, milestones.act),
            ("claims", claim_round.ROUND_SECONDS, claim_round.ClaimRound(self._owing, tell).act),
        )
