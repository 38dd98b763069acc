"""The office books what audits found underpaid: a due of its licensee, once an audit is closed, and once for each."""

from __future__ import annotations

from typing import Final

import structlog

from gateway.billing.ledger import Ledger
from gateway.clock import Clock
from gateway.desk.fees import Keeping
from gateway.licenses.audit_cases import Correction, Step
from gateway.licenses.duties import Audits
from gateway.problems import StoreUnavailable
from gateway.provenance.record import BookEntry

_log: Final = structlog.get_logger("licet")
#: Audits that are looked at; a year of the busiest creator has fewer.
_MOST: Final = 1000


class AuditCorrections:
    """Looks at every audit that is closed, whoever closed it, by page or by command."""

    def __init__(self, audits: Audits, ledger: Ledger, journal: Keeping, clock: Clock) -> None:
        """Write to *journal* what *audits* found, unless *ledger* has it."""
        self._audits, self._ledger, self._journal, self._clock = audits, ledger, journal, clock
        self._written: set[str] = set()

    async def act(self) -> None:
        """One look."""
        try:
            for case in await self._audits.everything(_MOST):
                found = case.correction if case.step is Step.CLOSED else None
                if found is None or found.id in self._written:
                    continue
                if not await self._ledger.has_entry(found.id):
                    await self._journal.keep(self._entry(found))
                    _log.info("what an audit found underpaid is due", audit=case.id, entry=found.id)
                self._written.add(found.id)
        except StoreUnavailable as error:
            _log.warning("corrections of audits wait", reason=str(error))

    def _entry(self, found: Correction) -> BookEntry:
        costs = ", with the costs of the audit to be billed beside it" if found.costs else ""
        return BookEntry(
            id=found.id,
            time_us=self._clock.now_us(),
            kind_of="due",
            site=found.site,
            licensee=found.licensee,
            amount_micros=found.amount.micros,
            currency=found.amount.currency,
            license=found.license,
            reference=found.reference,
            memo=f"underpaid, as the audit {found.reference} found{costs}",
            by="audit",
        )
