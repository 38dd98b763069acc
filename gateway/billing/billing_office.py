"""What the two sides do about bills: pay, write off, dispute, answer; and what time does. Acts on the ports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.billing import dunning
from gateway.billing.account_book import AccountBook
from gateway.billing.bill_suspending import held_for_bills, hold
from gateway.billing.billing_rules import BillingRules
from gateway.billing.dispute_book import DisputeBook
from gateway.billing.dunning import Standing
from gateway.billing.invoice_events import credited, issued
from gateway.billing.invoices import CREDIT_NOTE, Document, NotIssued
from gateway.billing.issuing import Issuer
from gateway.billing.line_disputes import Dispute, accepted, disputed_of, read_dispute, rejected, told
from gateway.licenses.register import LicenseRegister
from gateway.money import Money
from gateway.problems import Problem, Refusal
from gateway.provenance.record import BookEntry

_MOST = 10_000
_DAY = 86_400
#: Seconds for which whoever issued a document is left to finish it.
_ON_ITS_WAY = 120


@dataclass(frozen=True, slots=True)
class BillingOffice:
    """One data folder's bills. *now_us* tells the time.

    What happened more than *told_days* ago is told no more: it must be less than the days for
    which events are kept, so that what was told and forgotten is not told again.
    """

    issuer: Issuer
    accounts: AccountBook
    disputes: DisputeBook
    register: LicenseRegister
    now_us: Callable[[], int]
    told_days: int = 3

    @property
    def rules(self) -> BillingRules:
        """How this operator bills."""
        return self.issuer.rules

    @property
    def now(self) -> int:
        """Whole seconds since the epoch."""
        return self.now_us() // 1_000_000

    async def standings(self, licensee: str) -> tuple[Standing, ...]:
        """How each invoice of *licensee* stands, the oldest first."""
        documents = [each for each in await self.issuer.documents.of(licensee, _MOST) if each.number]
        entries = await self.accounts.book_entries(licensee)
        disputed = disputed_of(await self.disputes.of(licensee, _MOST))
        licenses = {line["license"] for each in documents for line in each.told["lines"]} - {""}
        suspended = await held_for_bills(self.register, licenses)
        facts = dunning.Facts(documents, entries, disputed, suspended)
        return dunning.standings(facts, self.rules, self.now)

    async def standing(self, document: Document) -> Standing | None:
        """How *document* stands; None for a credit note, and for what has no number yet."""
        found = await self.standings(document.licensee)
        return next((each for each in found if each.document.id == document.id), None)

    async def settle(
        self, id: str, kind: str, amount: Money | None, available: Money | None, memo: str
    ) -> BookEntry:
        """The entry that pays (``payment``, from credit) or gives up (``write_off``) *amount*, or all that is open.

        *available* is the licensee's credit that is free. Raises `NotIssued` where that cannot be.
        """
        document = await self.issuer.documents.get(id)
        standing = await self.standing(document) if document else None
        if document is None or standing is None:
            raise NotIssued(f"{id} is no invoice that was issued")
        amount = amount or standing.open
        if amount.currency != standing.open.currency or not 0 < amount.micros <= standing.open.micros:
            raise NotIssued(f"of {document.label}, {standing.open} is open")
        if kind == "payment" and (available is None or amount > available):
            raise NotIssued(f"the credit that is free is {available}")
        named = f"{document.id}\x1f{kind}\x1f{standing.open.micros}\x1f{self.now_us()}"
        return BookEntry(
            id=f"{'pa' if kind == 'payment' else 'wo'}_{hashlib.sha256(named.encode()).hexdigest()[:32]}",
            time_us=self.now_us(), kind_of=kind, site="", licensee=document.licensee, amount_micros=amount.micros,
            currency=amount.currency, reference=document.id, memo=memo, by="operator",
        )  # fmt: skip

    async def dispute(self, licensee: str, id: str, members: Mapping[str, object]) -> Dispute | Refusal:
        """Open a dispute of *licensee* about its document of that id."""
        document = await self.issuer.documents.get(id)
        if document is None or document.licensee != licensee or not document.number:
            return Refusal(Problem.NOT_FOUND, "This licensee has no document of that id here.")
        notes = await self.issuer.documents.notes(id) if document.kind != CREDIT_NOTE else ()
        made = read_dispute(members, document, notes, self.rules, self.now)
        if isinstance(made, Refusal):
            return made
        if not await self.disputes.open(made, events=[told(made, self.now)]):
            return Refusal(Problem.DISPUTE_REFUSED, f"Line {made.line} is in dispute already.")
        await self.suspend(licensee)
        return made

    async def accept(self, id: str, answer: str) -> Dispute | Refusal:
        """The licensee is right: credit the sum, once however often this is begun. Raises `NotIssued`."""
        found = await self.disputes.get(id)
        if found is None:
            return Refusal(Problem.NOT_FOUND, "There is no dispute of that id.")
        why = f"Dispute {found.id}"
        notes = await self.issuer.documents.notes(found.document)
        note = next((each for each in notes if each.told["why"] == why), None)
        tried = accepted(found, note or Document("", "", "", "", "", 0, "{}"), answer, self.now)
        if isinstance(tried, Refusal):
            return tried
        if note is None:
            note = await self.issuer.credit(found.document, {found.line: found.amount.micros}, why)
        elif not note.number:
            note = await self.issuer.finish(note)
        return await self._kept(accepted(found, note, answer, self.now))

    async def reject(self, id: str, answer: str) -> Dispute | Refusal:
        """The licensee is not right, and *answer* says why."""
        found = await self.disputes.get(id)
        if found is None:
            return Refusal(Problem.NOT_FOUND, "There is no dispute of that id.")
        return await self._kept(rejected(found, answer, self.now))

    async def suspend(self, licensee: str) -> tuple[Standing, ...]:
        """Have the licenses of *licensee* suspended for bills that are so late, and for no other; how its bills stand then."""
        found, now = await self.standings(licensee), self.now
        wanted = {each.document.id: dunning.to_suspend(each, self.rules, now) for each in found}
        await hold(self.register, found, wanted, now)
        return await self.standings(licensee)

    async def round(self) -> None:
        """Finish what was begun, and tell what time has done to invoices and disputes; each once."""
        # What is younger may be on its way by a command.
        await self.issuer.resume(self.now - _ON_ITS_WAY)
        documents = [each for each in await self.issuer.documents.of("", _MOST) if each.number]
        invoices = {each.id: each for each in documents if each.kind != CREDIT_NOTE}
        # Whoever issued it may have died between its number and the word of it.
        events = [issued(each) for each in invoices.values()]
        events += [
            credited(each, invoices[each.refers])
            for each in documents
            if each.kind == CREDIT_NOTE and each.refers in invoices
        ]
        for licensee in sorted({each.licensee for each in documents}):
            for standing in await self.suspend(licensee):
                events += dunning.events_of(standing, self.rules, self.now)
        for each in await self.disputes.of("", _MOST):
            if each.state == "open" and self.now >= each.answer_by:
                events.append(told(each, each.answer_by, overdue=True))
        news = self.now - self.told_days * _DAY
        await self.issuer.documents.tell([each for each in events if each.at >= news])

    async def _kept(self, dispute: Dispute | Refusal) -> Dispute | Refusal:
        if isinstance(dispute, Refusal):
            return dispute
        if not await self.disputes.decide(dispute, events=[told(dispute, self.now)]):
            return Refusal(Problem.DISPUTE_REFUSED, f"The dispute {dispute.id} was decided meanwhile.")
        await self.suspend(dispute.licensee)
        return dispute
