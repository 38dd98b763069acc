"""Proposals that a creator should not sign by machine: named rules, each with the term that tripped it.

======================= ======== ==============================================
rule                    default  trips on
======================= ======== ==============================================
no_pay                  refuse   nothing but attribution for what has a price
everything_forever      refuse   exclusive, worldwide and without end, of all
                                 works of the offer, for less than its price
                                 with the premium for exclusivity
no_audit                refuse   neither reports nor audits
no_reports              person   audits, but no reports
sublicensing_for_free   person   sublicensing or resale without a share of
                                 what comes of it
no_deletion             refuse   neither a remediation plan nor training again
                                 after a work is withdrawn
long_notice             person   more than a year to stop using a withdrawn work
perpetual               person   a term without end
creator_answers_alone   person   the creator indemnifies, without a cap
======================= ======== ==============================================

A creator may give a rule another severity. Pure; what is compared is the
proposal with the published offer, never with the creator's position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gateway.terms.comparing import Lever, scope_within
from gateway.terms.license_terms import LicenseTerms

#: Months from which a term is taken for one without end.
PERPETUAL_MONTHS: Final = 600
_LONGEST_NOTICE: Final = 365


class Severity(StrEnum):
    """What a flag does to a deal: ends it, takes it to a person, or is noted."""

    REFUSE = "refuse"
    PERSON = "person"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class RedFlag:
    """A rule that tripped: its *name*, how severe, on which *lever*, and *term*, a clause for people."""

    name: str
    severity: Severity
    lever: Lever
    term: str


def red_flags(
    proposal: LicenseTerms,
    offer: LicenseTerms,
    *,
    severities: Mapping[str, Severity] = MappingProxyType({}),
) -> tuple[RedFlag, ...]:
    """Every flag of *proposal*, made in answer to *offer*; in the order of the table."""
    found = []
    for name, (severity, lever, trips) in RULES.items():
        term = trips(proposal, offer)
        if term:
            found.append(RedFlag(name, severities.get(name, severity), lever, term))
    return tuple(found)


def _no_pay(proposal: LicenseTerms, offer: LicenseTerms) -> str:
    if offer.compensation.is_free or not proposal.compensation.is_free:
        return ""
    credit = proposal.attribution.text or proposal.attribution.link
    return "nothing is paid but attribution" if credit else "nothing is paid"


def _everything_forever(proposal: LicenseTerms, offer: LicenseTerms) -> str:
    everything = (
        proposal.exclusivity.exclusive
        and proposal.territory.regions is None
        and proposal.term.months >= PERPETUAL_MONTHS
        and scope_within(offer.scope, proposal.scope)
    )
    asked, bid = offer.compensation, proposal.compensation
    same = asked.currency == bid.currency
    nominal = same and sum(part.micros for part in bid.parts()) <= sum(part.micros for part in asked.parts())
    return (
        "exclusive, worldwide and without end, for no more than a plain license costs"
        if everything and nominal
        else ""
    )


def _no_audit(proposal: LicenseTerms, offer: LicenseTerms) -> str:
    demanded = offer.audit.report != "none" or offer.audit.audits_per_year
    silent = proposal.audit.report == "none" and not proposal.audit.audits_per_year
    return "neither reports nor audits" if demanded and silent else ""


def _no_reports(proposal: LicenseTerms, offer: LicenseTerms) -> str:
    dropped = offer.audit.report != "none" and proposal.audit.report == "none"
    return "no reports" if dropped and proposal.audit.audits_per_year else ""


def _sublicensing_for_free(proposal: LicenseTerms, _offer: LicenseTerms) -> str:
    further = proposal.purpose.sublicensing or proposal.purpose.resale
    word = "sublicensing" if proposal.purpose.sublicensing else "resale"
    return (
        f"{word} without a share of what comes of it"
        if further and not proposal.compensation.revenue_share_bp
        else ""
    )


def _no_deletion(proposal: LicenseTerms, offer: LicenseTerms) -> str:
    demanded = offer.retention.remediation_plan_days or offer.retention.retrain
    dropped = not proposal.retention.remediation_plan_days and not proposal.retention.retrain
    return "a withdrawn work need not be removed" if demanded and dropped else ""


def _long_notice(proposal: LicenseTerms, offer: LicenseTerms) -> str:
    days = proposal.retention.withdrawal_notice_days
    late = days > max(_LONGEST_NOTICE, offer.retention.withdrawal_notice_days)
    return f"{days} days to stop using a withdrawn work" if late else ""


def _perpetual(proposal: LicenseTerms, offer: LicenseTerms) -> str:
    months = proposal.term.months
    return f"a term of {months} months" if months >= PERPETUAL_MONTHS > offer.term.months else ""


def _creator_answers_alone(proposal: LicenseTerms, offer: LicenseTerms) -> str:
    alone = proposal.liability.indemnity == "creator" and proposal.liability.cap is None
    return "the creator indemnifies without a cap" if alone and offer.liability.indemnity != "creator" else ""


_Rule = tuple[Severity, Lever, Callable[[LicenseTerms, LicenseTerms], str]]
#: Every rule by its name: severity, lever, and what it looks for.
RULES: Final[Mapping[str, _Rule]] = MappingProxyType(
    {
        "no_pay": (Severity.REFUSE, Lever.COMPENSATION, _no_pay),
        "everything_forever": (Severity.REFUSE, Lever.EXCLUSIVITY, _everything_forever),
        "no_audit": (Severity.REFUSE, Lever.AUDIT, _no_audit),
        "no_reports": (Severity.PERSON, Lever.AUDIT, _no_reports),
        "sublicensing_for_free": (Severity.PERSON, Lever.PURPOSE, _sublicensing_for_free),
        "no_deletion": (Severity.REFUSE, Lever.RETENTION, _no_deletion),
        "long_notice": (Severity.PERSON, Lever.RETENTION, _long_notice),
        "perpetual": (Severity.PERSON, Lever.TERM, _perpetual),
        "creator_answers_alone": (Severity.PERSON, Lever.LIABILITY, _creator_answers_alone),
    }
)
