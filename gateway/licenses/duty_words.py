"""Credit, deletion and what follows a withdrawal, in the words of contracts and pages. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.licenses.obligations import shows_credit
from gateway.terms.license_terms import LicenseTerms


def credit(terms: LicenseTerms) -> str:
    """How the source is named; a contract that says nothing means the site's name and a link that works."""
    shown = terms.attribution
    return (
        " with a link to ".join(filter(None, (shown.text, shown.link)))
        or "the name of the site and a working link"
    )


def _retention(terms: LicenseTerms) -> str:
    days = terms.retention.retention_days
    return f"for at most {days} days" if days else "for the term at the longest"


def _credit_shown(terms: LicenseTerms) -> str:
    if not shows_credit(terms):
        return ""
    return " Within 30 days after the term begins it shows where and how that is done."


#: Words that a clause may hold in braces, and what they become.
WORDS: Final[Mapping[str, Callable[[LicenseTerms], str]]] = MappingProxyType({
    "attribution": credit,
    "attribution_shown": _credit_shown,
    "model_card_days": lambda terms: str(terms.attribution.model_card_days),
    "retention": _retention,
    "withdrawal_notice_days": lambda terms: str(terms.retention.withdrawal_notice_days),
    "remediation_plan_days": lambda terms: str(terms.retention.remediation_plan_days),
    "retrain": lambda terms: (
        ", and trains again without it where that is feasible" if terms.retention.retrain else ""
    ),
})  # fmt: skip
#: Words that switch a clause.
SWITCHES: Final[Mapping[str, Callable[[LicenseTerms], bool]]] = MappingProxyType({
    "model_card": lambda terms: bool(terms.attribution.model_card_days),
    "plan": lambda terms: bool(terms.retention.remediation_plan_days),
})  # fmt: skip
