"""What proves to others: the public log, receipts, and the desk of auditors, put together on one office's stores."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from gateway.app.log_keeping import LogKeeping
from gateway.clock import Clock
from gateway.desk.auditing import AuditDesk
from gateway.desk.bundling import Log, Sources
from gateway.desk.call import Group
from gateway.desk.clients import Clients
from gateway.desk.log_files import LogFiles, ReceiptDesk
from gateway.desk.pacing import Limits, own_limit
from gateway.desk.receipt_page import ReceiptPage
from gateway.keys.key_ring import KeyRing
from gateway.licenses.register import LicenseRegister
from gateway.store.sqlite.auditors import SqliteAuditors
from gateway.store.sqlite.database import Database
from gateway.store.sqlite.duties import SqliteDuties
from gateway.store.sqlite.ledger import SqliteLedger
from gateway.store.sqlite.negotiations import SqliteNegotiations
from gateway.store.sqlite.terms_versions import SqliteTermsVersions


def proofs_of(
    database: Database,
    pages: Database,
    register: LicenseRegister,
    keeping: LogKeeping,
    keys: KeyRing,
    clock: Clock,
    limits: Limits = own_limit,
) -> tuple[Group | Callable[[Clients], Group], ...]:
    """What the desk answers about the log that *keeping* keeps: its files, receipts out of it, and auditors.

    Looks are kept in *database*; what bundles are made of is read from *pages*,
    which is the same one over connections of its own. Whoever is a stranger asks at the pace of *limits*.
    """
    stores = (
        keeping.leaves, SqliteLedger(pages), register, SqliteNegotiations(pages), SqliteDuties(pages),
        SqliteTermsVersions(pages),
    )  # fmt: skip

    def sources() -> Sources:
        return Sources(*stores, tuple(record.public for record in keys.list()))

    def private(clients: Clients) -> Group:
        auditors = AuditDesk(SqliteAuditors(database), sources, partial(_log, keeping), clients, clock)
        receipts = {
            **ReceiptDesk(keeping, clients).group(),
            **ReceiptPage(keeping, clients, clock, limits).group(),
        }
        return {**receipts, **auditors.group()}

    return LogFiles(keeping).group(), private


def _log(keeping: LogKeeping) -> Log | None:
    log = keeping.log
    if log is None or not log.signed.head.size:
        return None
    signed = log.signed
    return Log(log.key, signed, log.nodes(signed.head.size), keeping.private)
