"""What was put on paper and sent away, against the books: closed months, documents, payouts. Pure.

A closed month is made again from the journal and held against the digest that it
had when it was closed; a document against the digest in the entry that numbered
it, against that month, and against the entries that it made; a payout against its
entries, and against the transfer or the file by which it went.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.billing.account_forms import digest
from gateway.billing.account_statements import AccountStatement
from gateway.billing.comparisons import Comparison
from gateway.billing.invoices import CREDIT_NOTE, Document, entries_of, lines_of
from gateway.billing.payouts import Paid, Payout, Rail
from gateway.billing.payouts import entries_of as entries_of_payout
from gateway.billing.postings import NUMBERED
from gateway.billing.reconcile import Books, Fault, Reckoning, reckoned
from gateway.provenance.record import BookEntry

_GONE: frozenset[Paid] = frozenset({Paid.SENT, Paid.PAID, Paid.REVERSED})


@dataclass(frozen=True, slots=True)
class Papers:
    """What was kept besides the books, read before them.

    Attributes:
        frozen: the digest of each closed month, by licensee and month.
        remade: the same months made again from the journal, read after the books; a sentence where they give none.
        documents: every invoice, statement and credit note.
        payouts: every payout.
        test: whether these are books of test mode.
    """

    frozen: Mapping[tuple[str, str], str]
    remade: Mapping[tuple[str, str], AccountStatement | str]
    documents: Sequence[Document] = ()
    payouts: Sequence[Payout] = ()
    test: bool = False


def on_paper(books: Books | Reckoning, papers: Papers) -> tuple[Comparison, ...]:
    """*papers* against *books*, and against each other."""
    entries = {each.id: each for each in reckoned(books).book}
    return _closed(entries, papers), _documents(entries, papers), _payouts(entries, papers.payouts)


def _closed(entries: Mapping[str, BookEntry], papers: Papers) -> Comparison:
    faults, explained = list[Fault](), list[str]()
    closed = {(each.licensee, each.reference) for each in entries.values() if each.kind_of == "close"}
    for (licensee, month), kept in sorted(papers.frozen.items()):
        made = papers.remade.get((licensee, month))
        if isinstance(made, str) or made is None:
            why = made or "there is nothing to make it of"
            faults.append(Fault("closed-differs", licensee, f"{month}: {why}."))
        elif not made.closed_seq:
            faults.append(Fault("closed-differs", licensee, f"{month}: nothing in the journal closed it."))
        elif (now := digest(made, test=papers.test)) != kept:
            why = f"{month}: it is {now} when it is made again, and was {kept} when it was closed."
            faults.append(Fault("closed-differs", licensee, why))
    for licensee, month in sorted(closed - papers.frozen.keys()):
        explained.append(f"{licensee} {month} was closed, and nobody read it since")
    return Comparison(
        "closed months", f"{len(papers.frozen)} digests kept", "the journal", tuple(faults), tuple(explained)
    )


def _documents(entries: Mapping[str, BookEntry], papers: Papers) -> Comparison:
    faults, explained = list[Fault](), list[str]()
    for each in papers.documents:
        if each.number:
            faults += _document(each, entries, papers)
        else:
            explained.append(f"{each.id} waits for its number")
    known = {each.id for each in papers.documents}
    for entry in entries.values():
        if entry.kind_of in NUMBERED and entry.reference not in known:
            why = f"The {entry.kind_of} {entry.reference} has a number and is not there."
            faults.append(Fault("document-missing", entry.id, why))
    count = sum(bool(each.number) for each in papers.documents)
    return Comparison(
        "documents", f"{count} documents", "their entries and months", tuple(faults), tuple(explained)
    )


def _document(document: Document, entries: Mapping[str, BookEntry], papers: Papers) -> Iterator[Fault]:
    told = document.told
    for wanted in entries_of(document):
        if entries.get(wanted.id) != wanted:
            why = f"{document.label}: its {wanted.kind_of} is not in the journal as the document says it."
            yield Fault("document-differs", document.id, why)
    if document.kind == CREDIT_NOTE:
        return
    kept = papers.frozen.get((document.licensee, document.period))
    if kept != told["statement"]:
        why = f"{document.label}: it was made of the month with the digest {told['statement']}, which is {kept}."
        yield Fault("document-differs", document.id, why)
    made = papers.remade.get((document.licensee, document.period))
    if isinstance(made, AccountStatement) and lines_of(made, told["currency"]) != told["lines"]:
        why = f"{document.label}: its lines are not those of {document.period}, made again from the journal."
        yield Fault("document-differs", document.id, why)


def _payouts(entries: Mapping[str, BookEntry], payouts: Sequence[Payout]) -> Comparison:
    faults, explained = list[Fault](), list[str]()
    wanted = dict[str, BookEntry]()
    for each in payouts:
        mine = {entry.id: entry for entry in entries_of_payout(each)}
        wanted |= mine
        if each.state is Paid.PLANNED and each.id not in entries:
            explained.append(f"{each.id}: {each.amount} is planned, and not entered yet")
            continue
        faults += [
            Fault("payout-differs", each.id, f"Its {entry.kind_of} is not in the journal as it should be.")
            for id, entry in mine.items()
            if entries.get(id) != entry
        ]
        if each.state in _GONE and not each.reference:
            faults.append(
                Fault("payout-unreferenced", each.id, f"It is {each.state}, and by nothing that is known.")
            )
    faults += _unknown(entries, wanted)
    faults += _twice(payouts)
    gone = sum(each.state in _GONE for each in payouts)
    return Comparison(
        "payouts", f"{len(payouts)} payouts, {gone} sent", "their entries and rails", tuple(faults), tuple(explained)
    )  # fmt: skip


def _unknown(entries: Mapping[str, BookEntry], wanted: Mapping[str, BookEntry]) -> Iterator[Fault]:
    for id, entry in entries.items():
        if (entry.kind_of in {"payout", "payout_fee"} or entry.by == "payouts") and id not in wanted:
            yield Fault(
                "payout-unknown",
                id,
                f"The {entry.kind_of} {id} is of no payout, or of one that is not so far.",
            )


def _twice(payouts: Iterable[Payout]) -> Iterator[Fault]:
    """A transfer moves one payout; a file pays many, and each of them once."""
    transfers, named = Counter[str](), defaultdict[str, list[str]](list)
    for each in payouts:
        if each.payee.rail is Rail.STRIPE and each.reference:
            transfers[each.reference] += 1
            named[each.reference].append(each.id)
    for reference, count in sorted(transfers.items()):
        if count > 1:
            yield Fault(
                "payout-twice", reference, f"One transfer stands for {', '.join(sorted(named[reference]))}."
            )
