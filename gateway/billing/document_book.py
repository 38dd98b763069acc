"""Where documents rest, and who is billed: a storage port.

Implemented by `store.memory` and `store.sqlite`; both pass
`tests/conformance/test_document_book.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.billing.billing_rules import Party
from gateway.billing.closing import Window
from gateway.billing.invoices import Document
from gateway.event import Event
from gateway.money import Money


class DocumentBook(Protocol):
    """One atomic act per method. Each raises `StoreUnavailable` when the store cannot answer.

    A document's number is that of its entry in the books, 0 before there is one.
    """

    async def add(self, document: Document, notes: int = 0) -> Document | None:
        """Keep *document*, unless one of its id is there; the one that is there.

        None, and nothing kept, where not exactly *notes* documents refer to what it refers to.
        """
        ...

    async def get(self, id: str) -> Document | None:
        """The document of that id."""
        ...

    async def numbered(self, kind: str, number: int) -> Document | None:
        """The document of that kind and number."""
        ...

    async def of(self, licensee: str, most: int, after: str = "") -> tuple[Document, ...]:
        """At most *most* of *licensee*, or of everybody for "", the newest first.

        Those behind the one of id *after* where that is said; nothing where none has that id.
        """
        ...

    async def notes(self, id: str) -> tuple[Document, ...]:
        """The credit notes that refer to it, oldest first."""
        ...

    async def waiting(self) -> tuple[Document, ...]:
        """Those without a number, oldest first."""
        ...

    async def standing(
        self, licensee: str, windows: Sequence[Window], license: str, work: str, currency: str, most: int
    ) -> tuple[tuple[str, Money], ...]:
        """The latest paid fetches of that license and work in *windows*, and how much stands of each, newest first."""
        ...

    async def party(self, licensee: str) -> Party:
        """What the operator said of *licensee*; nothing where nothing was said."""
        ...

    async def name_party(self, licensee: str, party: Party) -> None:
        """Keep what the operator says of *licensee*; documents that are issued stay as they are."""
        ...

    async def tell(self, events: Sequence[Event]) -> None:
        """Keep *events*, each once."""
        ...
