"""What a sound deal has, looked for in a negotiation: done, missing, or not applicable, each with what says so.

The list is the playbook's: written use case and products; model card and data
protection; upfront and recurring pay; reports and audit; deletion and
remediation; exclusivity, term and territory limited; provenance and
attribution; escrow milestones. It advises; nothing is refused because of it.
Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.licenses.negotiation import Negotiation
from gateway.licenses.position import USUAL_FACTS
from gateway.licenses.red_flags import PERPETUAL_MONTHS
from gateway.terms.license_terms import LicenseTerms
from gateway.uses import Use

_TRAINING: Final = frozenset({Use.AI_TRAIN, Use.FINE_TUNE})
_OFTEN: Final = ("monthly", "quarterly")


class Mark(StrEnum):
    """How one item stands."""

    DONE = "done"
    MISSING = "missing"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Item:
    """One line: *what* is looked for, how it stands, and *why*, a clause that names the lever or the fact."""

    what: str
    mark: Mark
    why: str


def terms_of(negotiation: Negotiation) -> LicenseTerms:
    """The terms that a negotiation is about now: on the table, else proposed, else published."""
    return negotiation.table or negotiation.proposal or negotiation.offer.terms


def checklist(negotiation: Negotiation, *, milestones: tuple[str, ...] = ()) -> tuple[Item, ...]:
    """The eight items for *negotiation* as it stands; *milestones* are what an upfront fee is released on."""
    terms = terms_of(negotiation)
    found = [Item(what, *look(negotiation, terms)) for what, look in _LOOKS]
    return (*found, Item("Escrow milestones", *_escrow(terms, milestones)))


_Found = tuple[Mark, str]


def _use_case(negotiation: Negotiation, _terms: LicenseTerms) -> _Found:
    wanted = [
        fact for fact in ("use_case", "products") if fact in _asked(negotiation) or fact in negotiation.facts
    ]
    missing = [_spoken(fact) for fact in wanted if fact not in negotiation.facts]
    if missing:
        return Mark.MISSING, f"not stated: {', '.join(missing)}"
    return Mark.DONE, f"stated: {', '.join(map(_spoken, wanted))}"


def _model_card(negotiation: Negotiation, terms: LicenseTerms) -> _Found:
    trains = bool(terms.purpose.uses & _TRAINING) and negotiation.facts.get("model_class") != "none"
    plans = "data_protection" in _asked(negotiation)
    if not trains and not plans:
        return Mark.NOT_APPLICABLE, "no model is trained, and nothing is kept but for an answer"
    days, planned = terms.attribution.model_card_days, "data_protection" in negotiation.facts
    missing = [] if days or not trains else ["attribution asks for no model card"]
    missing += [] if planned else ["data protection is not stated"]
    if missing:
        return Mark.MISSING, "; ".join(missing)
    card = f"model card within {days} days; " if trains else ""
    return Mark.DONE, f"{card}data protection is stated"


def _pay(negotiation: Negotiation, terms: LicenseTerms) -> _Found:
    if negotiation.offer.terms.compensation.is_free:
        return Mark.NOT_APPLICABLE, "the offer is free"
    price = terms.compensation
    recurring = bool(price.revenue_share_bp) or any(
        part
        for part in (
            price.per_fetch, price.per_item, price.per_megabyte, price.per_thousand_tokens,
            price.per_inference, price.subscription, price.minimum_guarantee,
        )
    )  # fmt: skip
    upfront = bool(price.upfront)
    # Answers are paid as they are given: nothing has to be laid out before.
    missing = [] if upfront or negotiation.offer.tier == 3 else ["nothing at signing"]
    missing += [] if recurring else ["nothing that goes on"]
    if missing:
        return Mark.MISSING, f"price: {', '.join(missing)}"
    return Mark.DONE, "price: " + " and ".join(
        filter(None, ("at signing" if upfront else "", "as it is used" if recurring else ""))
    )


def _reports(negotiation: Negotiation, terms: LicenseTerms) -> _Found:
    audit = terms.audit
    if terms.compensation.pays_as_it_goes and negotiation.offer.tier > 1 and audit.report == "none":
        return Mark.NOT_APPLICABLE, "only deliveries are paid, which the gateway counts"
    missing = [] if audit.report in _OFTEN else [f"reports: {audit.report}"]
    missing += [] if audit.audits_per_year else ["no audit"]
    if missing:
        return Mark.MISSING, "; ".join(missing)
    return Mark.DONE, f"{audit.report} reports, {_audits(audit.audits_per_year)}"


def _audits(count: int) -> str:
    """How many audits, in words."""
    return f"{count} audit{'' if count == 1 else 's'} in 12 months"


def _deletion(negotiation: Negotiation, terms: LicenseTerms) -> _Found:
    kept = terms.retention
    if negotiation.offer.tier > 1 and not kept.remediation_plan_days and not kept.retention_days:
        return Mark.DONE, f"out of use within {kept.withdrawal_notice_days} days of a withdrawal"
    missing = [] if kept.remediation_plan_days else ["no remediation plan"]
    missing += [] if kept.retrain or kept.retention_days else ["copies need never be removed again"]
    if missing:
        return Mark.MISSING, f"keeping and deleting: {'; '.join(missing)}"
    return Mark.DONE, f"plan within {kept.remediation_plan_days} days of a withdrawal"


def _limits(_negotiation: Negotiation, terms: LicenseTerms) -> _Found:
    months = terms.term.months
    missing = [f"a term of {months} months"] if months >= PERPETUAL_MONTHS else []
    if terms.exclusivity.exclusive and terms.territory.regions is None:
        missing.append("exclusive in every country")
    if missing:
        return Mark.MISSING, "; ".join(missing)
    where = ", ".join(terms.territory.as_json() or ["every country, not exclusive"])
    kind = "exclusive there" if terms.exclusivity.exclusive else "not exclusive"
    return Mark.DONE, f"{kind}, {months} months, {where}"


def _provenance(_negotiation: Negotiation, terms: LicenseTerms) -> _Found:
    shown = terms.attribution.text or terms.attribution.link
    every = "each fetch is recorded with its content"
    if shown:
        return Mark.DONE, f"{shown} is shown; {every}"
    return (
        Mark.MISSING,
        f"attribution names nothing of its own, so the contract asks for name and link; {every}",
    )


def _escrow(terms: LicenseTerms, milestones: tuple[str, ...]) -> _Found:
    if not terms.compensation.upfront:
        return Mark.NOT_APPLICABLE, "price: nothing is paid at signing"
    named = milestones or tuple(each.name for each in terms.compensation.milestones)
    if not named:
        return Mark.MISSING, "the fee at signing is released by no milestone"
    return Mark.DONE, f"released on {', '.join(named)}"


def _asked(negotiation: Negotiation) -> tuple[str, ...]:
    # What a creator asks for beyond this is part of the position, which no page shows.
    return (*USUAL_FACTS[negotiation.offer.tier], *negotiation.missing)


def _spoken(fact: str) -> str:
    return fact.replace("_", " ")


_LOOKS: Final[tuple[tuple[str, Callable[[Negotiation, LicenseTerms], _Found]], ...]] = (
    ("Written use case and product list", _use_case),
    ("Model card and data-protection plan", _model_card),
    ("Upfront plus recurring pay", _pay),
    ("Quarterly reports and yearly audit", _reports),
    ("Deletion and remediation", _deletion),
    ("Exclusivity limited, term and territory set", _limits),
    ("Provenance metadata and attribution", _provenance),
)
