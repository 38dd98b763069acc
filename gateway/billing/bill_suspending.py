"""Bills that are not paid suspend the licenses on them, each bill as a cause of its own, and lift it when they are paid.

Who looks again puts and lifts nothing more: a cause that stands is not put again.
The owner's own suspension and those of duties are other causes and stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.billing.dunning import Standing
from gateway.billing.invoices import HEADINGS
from gateway.licenses.register import LicenseRegister
from gateway.licenses.suspension import BILL, BILLS


async def hold(
    register: LicenseRegister, standings: Iterable[Standing], wanted: Mapping[str, frozenset[str]], now: int
) -> None:
    """Have the licenses of one licensee suspended for its bills as *wanted* by the bill's id, and for no other bill.

    *standings* are how its bills stand. A license that is over is not suspended any more.
    """
    by_cause = {f"{BILL}{each.document.id}": each for each in standings}
    licenses = {line["license"] for each in by_cause.values() for line in each.document.told["lines"]}
    for id in sorted(licenses - {""}):
        causes = {cause for cause in by_cause if id in wanted.get(cause.removeprefix(BILL), ())}
        stand = {each.cause for each in await register.suspensions(id) if each.stands}
        for cause in sorted(stand - causes):
            if cause.startswith(BILL):
                await register.resume(id, cause, now)
        fresh = sorted(causes - stand)
        held = await register.license(id) if fresh else None
        for cause in fresh if held is not None and held.ends_at > now else ():
            await register.suspend(id, cause, late_sentence(by_cause[cause]), now)


async def held_for_bills(register: LicenseRegister, licenses: Iterable[str]) -> frozenset[str]:
    """Which of *licenses* are suspended for a bill."""
    return frozenset(
        [
            id
            for id in sorted(licenses)
            if any(each.stands and each.cause.startswith(BILL) for each in await register.suspensions(id))
        ]
    )


def late_sentence(standing: Standing) -> str:
    """Why a license is suspended for a bill, as its licensee reads it, and where the bill is."""
    document = standing.document
    return (
        f"The {HEADINGS[document.kind].lower()} {document.label} was to be paid by {document.told['due_on']}, and"
        f" {standing.open} of it are open. Pay it, or dispute the line that is wrong: {BILLS}/{document.id}"
    )
