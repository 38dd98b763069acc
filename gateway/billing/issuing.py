"""Issuing documents: a period is closed, what it charges is written down for good, and the journal numbers it.

What is to be entered follows from the document alone, which is kept first. So
whatever fails in between is finished by whoever looks next (`Issuer.finish`),
with the same entries, and no number is lost or given twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from gateway.billing.account_book import AccountBook, close_entry, read_account
from gateway.billing.billing_rules import BillingRules
from gateway.billing.closing import windows
from gateway.billing.document_book import DocumentBook
from gateway.billing.invoice_events import credited, issued
from gateway.billing.invoices import (
    CREDIT_NOTE,
    MOST_REVERSALS,
    Billing,
    Document,
    NotIssued,
    credit_note,
    document_of,
    entries_of,
    left_of,
)
from gateway.billing.ledger import Ledger
from gateway.billing.statements import Period
from gateway.provenance.record import BookEntry

#: Makes those entries durable in the journal that the books do not show yet; whether they show all now.
Write = Callable[[Sequence[BookEntry]], Awaitable[bool]]


class Issuer:
    """Issues invoices, statements of account and credit notes. Raises `NotIssued` for what cannot be issued."""

    def __init__(
        self, books: tuple[DocumentBook, AccountBook, Ledger], rules: BillingRules, write: Write, now_us: Callable[[], int]
    ) -> None:  # fmt: skip
        """Work on *books* by *rules*; *write* enters, *now_us* tells the time."""
        self.documents, self._accounts, self._ledger = books
        self.rules, self._write, self._now_us = rules, write, now_us

    async def issue(self, licensee: str, name: str, period: Period) -> tuple[Document, ...]:
        """The documents of *period*, one a currency; issued before, they are the same ones.

        Closes the period, which must be over.
        """
        if self._now_us() < period.until_us:
            raise NotIssued(f"{period.name} is not over yet")
        if period.name not in await self._accounts.closes(licensee):
            await self._write([close_entry(licensee, period, self._now_us())])
        statement = await read_account(self._accounts, licensee, name, period, test=self.rules.test)
        if not statement.closed_seq:
            raise NotIssued(f"the books do not show yet that {period.name} is closed; try again")
        billing = Billing(self.rules, await self.documents.party(licensee), self._now_us() // 1_000_000)
        made, whys = list[Document](), list[str]()
        # What somebody else held for a milestone is on no account of the licensee, and billed all the same.
        released = {line.amount.currency for line in statement.lines if line.kind == "release"}
        for currency in sorted({total.opening.currency for total in statement.totals} | released):
            try:
                document = document_of(statement, currency, billing)
            except NotIssued as error:
                whys.append(str(error))
                continue
            kept = await self.documents.add(document)
            assert kept is not None, "an invoice refers to nothing"
            made.append(await self.finish(kept))
        if not made:
            raise NotIssued("; ".join(whys) or f"nothing is to be billed for {period.name}")
        return tuple(made)

    async def credit(self, id: str, amounts: Mapping[int, int], why: str) -> Document:
        """Take *amounts* (line to micro-units; 0 for all that is left of it) off the document of that id."""
        invoice = await self.documents.get(id)
        if invoice is None or invoice.kind == CREDIT_NOTE or not invoice.number:
            raise NotIssued(f"{id} is no invoice that was issued")
        notes = await self.documents.notes(id)
        if any(not each.number for each in notes):
            raise NotIssued("a credit note for it waits for its number; try again")
        left = left_of(invoice, notes)
        wanted = {nth: micros or left.get(nth, 0) for nth, micros in amounts.items()}
        reversals = [
            (nth, entry, micros)
            for nth, amount in wanted.items()
            for entry, micros in await self._reversed(invoice, nth, amount)
        ]
        billing = Billing(
            self.rules, await self.documents.party(invoice.licensee), self._now_us() // 1_000_000
        )
        kept = await self.documents.add(
            credit_note(invoice, notes, wanted, reversals, billing, why), len(notes)
        )
        if kept is None:
            raise NotIssued("somebody else credited it meanwhile; look again")
        return await self.finish(kept)

    async def finish(self, document: Document) -> Document:
        """Enter what *document* enters, as often as it is asked for; it has its number once the books show it."""
        if document.number:
            return document
        await self._write(entries_of(document))
        found = await self.documents.get(document.id)
        if found is None or not found.number:
            return document
        invoice = await self.documents.get(found.refers) if found.refers else None
        await self.documents.tell([credited(found, invoice) if invoice else issued(found)])
        return found

    async def resume(self, before: int = 1 << 62) -> int:
        """Finish what was begun before second *before* and not finished; how many there were."""
        waiting = [each for each in await self.documents.waiting() if each.at < before]
        for each in waiting:
            await self.finish(each)
        return len(waiting)

    async def _reversed(self, invoice: Document, nth: int, micros: int) -> list[tuple[str, int]]:
        """Which entries stand for *micros* of a line, the newest first; fewer where less stands of them."""
        line = next((each for each in invoice.told["lines"] if each["nth"] == nth), None)
        if line is None:
            return []
        if line["entry"]:
            stands = line["micros"] - await self._ledger.undone(line["entry"])
            return [(line["entry"], min(micros, stands))] if stands > 0 else []
        parts = windows(Period.parse(invoice.period), await self._accounts.closes(invoice.licensee))
        chosen = [each for each in parts if each.late is line["late"]]
        found, left = list[tuple[str, int]](), micros
        for entry, amount in await self.documents.standing(
            invoice.licensee,
            chosen,
            line["license"],
            line["work"],
            invoice.told["currency"],
            MOST_REVERSALS + 1,
        ):
            part = min(left, amount.micros)
            if part > 0:
                found.append((entry, part))
                left -= part
        return found
