"""`billing.document_book.DocumentBook` in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.billing.billing_rules import Party
from gateway.billing.closing import Window
from gateway.billing.invoices import Document
from gateway.event import Event
from gateway.money import Money
from gateway.provenance.record import BookEntry, FetchRecord
from gateway.store.memory.events import Happened
from gateway.store.memory.tables import Tables, behind


class MemoryDocumentBook:
    """Documents by id; their numbers follow from the entries."""

    def __init__(self, tables: Tables, happened: Happened | None = None) -> None:
        """Number by the entries of *tables*; events go to *happened*."""
        self._tables, self._happened = tables, happened or Happened()
        self._found: dict[str, Document] = {}
        self._parties: dict[str, Party] = {}

    async def add(self, document: Document, notes: int = 0) -> Document | None:
        """Keep one; see the port."""
        self._tables.check()
        known = self._found.get(document.id)
        if known is not None:
            same = known.content == document.content or not document.refers
            return self._numbered(known) if same else None
        if document.refers and len(await self.notes(document.refers)) != notes:
            return None
        self._found[document.id] = document
        return document

    async def get(self, id: str) -> Document | None:
        """The document of that id."""
        found = self._found.get(id)
        return self._numbered(found) if found else None

    async def numbered(self, kind: str, number: int) -> Document | None:
        """The document of that kind and number."""
        return next((each for each in self._all() if (each.kind, each.number) == (kind, number)), None)

    async def of(self, licensee: str, most: int, after: str = "") -> tuple[Document, ...]:
        """The newest first; see the port."""
        mine = [each for each in self._all() if licensee in {"", each.licensee}]
        mine.sort(key=lambda each: (-each.at, -(self._seq(each) or 1 << 62), each.id))
        return behind(mine, after)[:most]

    async def notes(self, id: str) -> tuple[Document, ...]:
        """The credit notes that refer to it."""
        mine = [each for each in self._all() if each.refers == id]
        return tuple(sorted(mine, key=lambda each: (self._seq(each) or 1 << 62, each.at, each.id)))

    async def waiting(self) -> tuple[Document, ...]:
        """Those without a number."""
        return tuple(
            sorted((each for each in self._all() if not each.number), key=lambda each: (each.at, each.id))
        )

    async def standing(
        self, licensee: str, windows: Sequence[Window], license: str, work: str, currency: str, most: int
    ) -> tuple[tuple[str, Money], ...]:
        """The latest fetches; see the port."""
        found: list[tuple[str, Money]] = []
        for window in windows:
            inside = []
            for booked in self._tables.entries:
                each = booked.entry
                if (
                    isinstance(each, FetchRecord)
                    and each.is_paid
                    and (each.licensee, each.license, each.work, each.currency)
                    == (licensee, license, work, currency)
                    and window.holds(each.time_us, booked.seq)
                ):
                    gone = sum(p.amount.micros for p in self._tables.postings if p.undoes == each.id)
                    if each.charged_micros > gone:
                        inside.append((each.time_us, booked.seq, each.id, each.charged_micros - gone))
            found += ((id, Money(micros, currency)) for _, _, id, micros in sorted(inside, reverse=True))
        return tuple(found[:most])

    async def party(self, licensee: str) -> Party:
        """What the operator said of *licensee*."""
        return self._parties.get(licensee, Party())

    async def name_party(self, licensee: str, party: Party) -> None:
        """Keep it."""
        self._parties[licensee] = party

    async def tell(self, events: Sequence[Event]) -> None:
        """Keep *events*."""
        self._happened.keep(events)

    def _all(self) -> list[Document]:
        return [self._numbered(each) for each in self._found.values()]

    def _seq(self, document: Document) -> int:
        return next((seq for seq, each in self._series(document.kind) if each == document.id), 0)

    def _numbered(self, document: Document) -> Document:
        order = [each for _, each in self._series(document.kind)]
        return replace(document, number=order.index(document.id) + 1 if document.id in order else 0)

    def _series(self, kind: str) -> list[tuple[int, str]]:
        """The place of the entry that numbers each document of *kind*, and its id: in order, each once."""
        found: dict[str, int] = {}
        for booked in self._tables.entries:
            if isinstance(booked.entry, BookEntry) and booked.entry.kind_of == kind:
                found.setdefault(booked.entry.reference, booked.seq)
        return [(seq, document) for document, seq in found.items()]
