"""The office books what an audit found underpaid: when it is closed, once, as what its licensee has to pay."""

from __future__ import annotations

from dataclasses import replace

from gateway.app.audit_corrections import AuditCorrections
from gateway.billing.postings import postings_of
from gateway.clock import HandClock
from gateway.licenses.audit_cases import AuditCase, AuditScope, Finding, Step
from gateway.money import Money
from gateway.problems import StoreUnavailable

SHORT = Finding("/essays/a", "Left out.", Money(1000, "USD"), Money(80, "USD"))
CASE = AuditCase(
    "au_1",
    "li_1",
    "le_1",
    "journal",
    1,
    "why",
    AuditScope(("/essays/a",), 0, 1),
    Step.CLOSED,
    findings=(SHORT,),
)


class Books:
    def __init__(self):
        self.entries, self.down = [], False

    @property
    def writer(self):
        return "office"

    async def keep(self, entry):
        if self.down:
            raise StoreUnavailable("the disk is full")
        self.entries.append(entry)

    async def has_entry(self, id):
        return any(each.id == id for each in self.entries)


class Kept:
    def __init__(self, *cases):
        self.cases = cases

    async def everything(self, most):
        return self.cases[:most]


async def test_it_falls_due_when_the_audit_is_closed_and_once():
    books, kept = Books(), Kept(replace(CASE, step=Step.FOUND), replace(CASE, id="au_2", findings=()))
    rounds = AuditCorrections(kept, books, books, HandClock())
    await rounds.act()
    assert books.entries == []
    kept.cases = (CASE,)
    books.down = True
    await rounds.act()
    books.down = False
    for _ in range(3):
        await rounds.act()
        await AuditCorrections(kept, books, books, HandClock()).act()
    (entry,) = books.entries
    assert (entry.id, entry.reference, entry.license) == ("co_1", "au_1", "li_1")
    assert "costs of the audit" in entry.memo
    (posting,) = postings_of(entry)
    assert (posting.debit, posting.credit) == ("licensee:le_1:owed", "creator:journal:earned")
    assert posting.amount == Money(80, "USD")
