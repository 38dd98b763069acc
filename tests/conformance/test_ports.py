"""Adapters have every method of their port, as the port names it."""

from __future__ import annotations

import inspect

import pytest

from gateway.admission.spending import SpendBook
from gateway.desk.versions import TermsVersions
from gateway.licenses.duties import Audits, Duties
from gateway.licenses.evidence_shelf import EvidenceShelf
from gateway.licenses.negotiations import Negotiations
from gateway.licenses.private_links import PrivateLinks
from gateway.licenses.register import LicenseRegister
from gateway.licenses.traffic import TrafficBook
from gateway.licenses.unfinished import Unfinished
from gateway.problems import StoreUnavailable
from gateway.provenance.audience import AudienceBook
from gateway.provenance.erasure import Details
from gateway.provenance.keeper import Folding
from gateway.store.evidence_folder import EvidenceFolder
from gateway.store.memory.duties import MemoryAudits, MemoryDuties
from gateway.store.memory.evidence import MemoryEvidence
from gateway.store.memory.folding import MemoryAudience, MemoryDetails, MemoryFolding
from gateway.store.memory.ledger import MemoryLedger
from gateway.store.memory.negotiations import MemoryNegotiations
from gateway.store.memory.private_links import MemoryPrivateLinks
from gateway.store.memory.register import MemoryRegister
from gateway.store.memory.spend_book import MemorySpendBook
from gateway.store.memory.tables import Tables
from gateway.store.memory.terms_versions import MemoryTermsVersions
from gateway.store.memory.traffic import MemoryTraffic
from gateway.store.memory.unfinished import MemoryUnfinished
from gateway.store.sqlite.audience import SqliteAudience
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.details import SqliteDetails
from gateway.store.sqlite.duties import SqliteAudits, SqliteDuties
from gateway.store.sqlite.folding import SqliteFolding
from gateway.store.sqlite.negotiations import SqliteNegotiations
from gateway.store.sqlite.private_links import SqlitePrivateLinks
from gateway.store.sqlite.register import SqliteRegister
from gateway.store.sqlite.spend_book import SqliteSpendBook
from gateway.store.sqlite.terms_versions import SqliteTermsVersions
from gateway.store.sqlite.traffic import SqliteTraffic
from gateway.store.sqlite.unfinished import SqliteUnfinished

PORTS = [
    (SpendBook, MemorySpendBook, SqliteSpendBook),
    (LicenseRegister, MemoryRegister, SqliteRegister),
    (Folding, MemoryFolding, SqliteFolding),
    (Details, MemoryDetails, SqliteDetails),
    (AudienceBook, MemoryAudience, SqliteAudience),
    (TermsVersions, MemoryTermsVersions, SqliteTermsVersions),
    (TrafficBook, MemoryTraffic, SqliteTraffic),
    (Duties, MemoryDuties, SqliteDuties),
    (Audits, MemoryAudits, SqliteAudits),
    (EvidenceShelf, MemoryEvidence, EvidenceFolder),
    (Negotiations, MemoryNegotiations, SqliteNegotiations),
    (PrivateLinks, MemoryPrivateLinks, SqlitePrivateLinks),
    (Unfinished, MemoryUnfinished, SqliteUnfinished),
]


@pytest.mark.parametrize(
    ("port", "adapter"), [(port, adapter) for port, *adapters in PORTS for adapter in adapters]
)
def test_methods_and_their_arguments_are_the_ports(port, adapter):
    names = [name for name, each in vars(port).items() if inspect.iscoroutinefunction(each)]
    assert names
    for name in names:
        assert inspect.signature(getattr(adapter, name)) == inspect.signature(getattr(port, name)), name


async def test_a_store_that_is_down_says_so_everywhere(make, tmp_path):
    tables, register, versions = Tables(down="pulled"), MemoryRegister(), MemoryTermsVersions()
    register.down = versions.down = "pulled"
    memory = [
        MemorySpendBook(tables).give_back(make.WRITER, "lic_1", make.charge("r").price, 1),
        MemorySpendBook(tables).exhausted("lic_1", make.charge("r").price, make.charge("r").budget),
        MemoryFolding(tables).positions(),
        MemoryFolding(tables).purse_writers(),
        MemoryFolding(tables).close_purses(frozenset()),
        MemoryLedger(tables).rederive(),
        MemoryDetails(tables).forget_before(1),
        register.revocations(),
        versions.history("journal", 1),
        versions.version("journal", "0" * 64),
    ]
    database = await Database.open(tmp_path / "licet.db")
    ports = make.sqlite_ports(database)
    await database.close()
    sqlite = [
        ports.spend_book.lease(make.WRITER, make.charge("r"), 1),
        ports.spend_book.exhausted("lic_1", make.charge("r").price, make.charge("r").budget),
        ports.folding.fold(make.batch(make.fetch("r"))),
        ports.ledger.books(),
        ports.details.forget_before(1),
        ports.register.grant(make.license_of("lic_1")),
        ports.audience.add(()),
        ports.terms_versions.history("journal", 1),
        ports.traffic.traffic("journal", 0, 1, 1),
        ports.traffic.deals("journal", 1),
        ports.traffic.fetches("journal", (), 0, 1, 1),
    ]
    for work in (*memory, *sqlite):
        with pytest.raises(StoreUnavailable):
            await work
