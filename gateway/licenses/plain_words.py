"""The terms of a deal in plain words, lever by lever: for pages, letters and inboxes.

The words are the contract's (`contract.filled`), so that what a person reads
before signing is what stands in the document. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.licenses.contract import Deal, Party, filled, price_parts
from gateway.licenses.red_flags import PERPETUAL_MONTHS
from gateway.terms.comparing import Lever, Relation, compare
from gateway.terms.license_terms import LicenseTerms

#: What a lever is called, in the order in which levers are told.
NAMES: Final[Mapping[Lever, str]] = MappingProxyType(
    {
        Lever.SCOPE: "Works",
        Lever.PURPOSE: "Uses",
        Lever.COMPENSATION: "Price",
        Lever.EXCLUSIVITY: "Exclusivity",
        Lever.ATTRIBUTION: "Attribution",
        Lever.AUDIT: "Reports and audits",
        Lever.RETENTION: "Keeping and deleting",
        Lever.LIABILITY: "Liability",
        Lever.TERM: "Term",
        Lever.TERRITORY: "Territory",
    }
)
#: What is said of the price wherever one is shown: nothing here knows where either side is taxed.
TAX: Final = (
    "All amounts are exact and without tax. Value added tax, sales tax or tax withheld at the source, "
    "where one applies, comes on top and is not worked out here."
)
_BESIDES: Final = (
    ("redistribution", "passing the works on"),
    ("sublicensing", "letting others use them"),
    ("resale", "selling them on"),
    ("internal_research", "research inside the company"),
    ("evaluation", "testing models with them"),
    ("model_release", "releasing a model"),
)


@dataclass(frozen=True, slots=True)
class Beside:
    """One lever of two deals beside each other. *wider*: the first leaves the licensee something that the second does not."""

    lever: Lever
    name: str
    one: str
    other: str
    relation: Relation

    @property
    def wider(self) -> bool:
        """Whether the licensee gets something more by the first."""
        return not self.relation.within

    @property
    def same(self) -> bool:
        """Whether both say the same."""
        return self.relation is Relation.SAME


def lever_words(terms: LicenseTerms) -> Mapping[Lever, str]:
    """One sentence or a few for every lever of *terms*, in the order of `NAMES`; none is empty."""
    words = filled(Deal("", "", terms, Party(), Party()))
    told = {
        Lever.SCOPE: f"The works {words['works']}. Forms: {words['renditions']}.",
        Lever.PURPOSE: f"{words['uses']}. {_besides(words)}",
        Lever.COMPENSATION: _price(terms, words),
        Lever.EXCLUSIVITY: (
            "Exclusive: nobody else gets these uses of these works, there and for as long."
            if terms.exclusivity.exclusive
            else "Not exclusive: others may get the same."
        ),
        Lever.ATTRIBUTION: _attribution(terms, words),
        Lever.AUDIT: _audit(terms, words),
        Lever.RETENTION: _retention(terms, words),
        Lever.LIABILITY: _liability(terms, words),
        Lever.TERM: _term(terms, words),
        Lever.TERRITORY: f"{words['territory']}: {words['territory_checked']}.",
    }
    return MappingProxyType({lever: _begun(told[lever]) for lever in NAMES})


def beside(one: LicenseTerms, other: LicenseTerms) -> tuple[Beside, ...]:
    """*one* and *other* lever by lever, in plain words."""
    first, second, relations = lever_words(one), lever_words(other), compare(one, other)
    return tuple(
        Beside(lever, name, first[lever], second[lever], relations[lever]) for lever, name in NAMES.items()
    )


def price_words(terms: LicenseTerms) -> str:
    """The whole price in one line, such as ``500 USD at signing; 3 % of net revenue``."""
    return "; ".join(price_parts(terms)) or "nothing"


def _price(terms: LicenseTerms, words: Mapping[str, str]) -> str:
    again = f"Unchanged content is not paid for again for {words['window_hours']} hours."
    price = terms.compensation
    if price.is_free:
        return f"Nothing is to be paid. {again}"
    paid = (
        f"What is due is paid within {words['payment_days']} business days, counted in {words['calendar']}."
    )
    waits = (
        f" What waits for a milestone is called {words['milestones_are']}. {words['milestones_held']}"
        if price.milestones
        else ""
    )
    late = f" Late payment bears {words['late_interest']} a year." if price.late_interest_bp else ""
    return f"{words['price_parts']}. {again} {paid}{late}{waits}"


def _besides(words: Mapping[str, str]) -> str:
    granted = [
        what if words[name] == "allowed" else f"{what} ({words[name].removeprefix('allowed')})"
        for name, what in _BESIDES
        if words[name] != "not allowed"
    ]
    refused = [what for name, what in _BESIDES if words[name] == "not allowed"]
    parts = [f"Also allowed: {', '.join(granted)}." if granted else ""]
    parts.append(f"Not allowed: {', '.join(refused)}." if refused else "")
    return " ".join(filter(None, parts)).replace("( ", "(").replace("(, ", "(")


def _attribution(terms: LicenseTerms, words: Mapping[str, str]) -> str:
    days = terms.attribution.model_card_days
    card = f"A model card within {days} days of a release." if days else "No model card is asked for."
    return f"Shown wherever the works are used: {words['attribution']}. {card}"


def _audit(terms: LicenseTerms, words: Mapping[str, str]) -> str:
    audit = terms.audit
    report = "No reports." if audit.report == "none" else f"A {words['report']} report of what was used."
    if audit.report != "none":
        days = audit.suspend_after_days
        late = (
            f"One that is {days} days late stops the license until it comes."
            if days
            else "A late one stops nothing."
        )
        report = f"{report} {late}"
    count = audit.audits_per_year
    audits = (
        f"At most {count} audit{'' if count == 1 else 's'} in 12 months, "
        f"{_months(audit.audit_window_months)} back."
        if count
        else f"No audits; they would look {_months(audit.audit_window_months)} back."
    )
    samples = f" {audit.output_samples} samples of output in each period." if audit.output_samples else ""
    return f"{report} {audits}{samples}"


def _retention(terms: LicenseTerms, words: Mapping[str, str]) -> str:
    kept = terms.retention
    plan = (
        f"A plan to undo the use within {kept.remediation_plan_days} days."
        if kept.remediation_plan_days
        else "No plan to undo the use is owed."
    )
    again = "Models are trained again without it where that is feasible." if kept.retrain else ""
    return (
        f"Copies are kept {words['retention']}. A work that is withdrawn is out of use within "
        f"{kept.withdrawal_notice_days} days. {plan} {again}"
    ).strip()


def _liability(terms: LicenseTerms, words: Mapping[str, str]) -> str:
    liability = terms.liability
    wanted = [f"The creator warrants {words['warranties']}."]
    if liability.insurance:
        wanted.append("Proof of insurance is owed.")
    if liability.security_standard:
        wanted.append(f"Security standard: {liability.security_standard}.")
    return f"{words['indemnity']} Liability: {words['cap']}. {' '.join(wanted)}"


def _term(terms: LicenseTerms, words: Mapping[str, str]) -> str:
    months = terms.term.months
    if months >= PERPETUAL_MONTHS:
        return f"{months} months, which is as good as without end. {words['renewal']}"
    return f"{_months(months)} from signing; all rights come back at the end. {words['renewal']}"


def _months(count: int) -> str:
    return "1 month" if count == 1 else f"{count} months"


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
