"""What holds on a lever where a creator is silent, by tier of use and by what the price is for. Pure.

A word of the creator, or of the stance it chose, always wins, key by key; prices
are never made up here (`licenses.pricing_guide` suggests their form and size).

=================== ==================== ===================== =====================
where silent        tier 1: models       tier 2: indexes       tier 3: answers
=================== ==================== ===================== =====================
usual price         upfront and a        per item, or per      per inference, or
                    revenue share        period                per fetch
attribution         nothing to show      name (and link) of    as tier 2
                                         the site
reports             quarterly            quarterly             quarterly where the
                                                               buyer counts
audits              once in 12 months    once in 12 months     as tier 2
                                         where the buyer
                                         counts
after a withdrawal  plan in 30 days,     plan in 30 days       notice
                    training again
=================== ==================== ===================== =====================

A look back of 24 months is never usual: it is agreed to. *The buyer counts* where
a part of the price follows from what only the buyer knows: a share of revenue, a
guarantee on it, or a price per inference.

Here the line to small purchases runs: where the price is for deliveries alone
(`Compensation.pays_as_it_goes`: by page, megabyte or token, and nothing else),
this gateway has counted everything that is owed, so no report and no plan fall
due, in any tier. What then holds without a due date, such as the notice of a
withdrawal, audits of training and credit to the source, still does. A page that
is paid for one by one (`licenses.license.BY_FETCH`) brings no duty at all,
whatever the offer says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from gateway.policy.rules import Site
from gateway.policy.schema import OfferTable
from gateway.terms.compensation import Compensation
from gateway.terms.license_terms import Attribution, Audit, LicenseTerms, Retention
from gateway.uses import tier_of

#: Days to a plan for what a withdrawn work became part of.
PLAN_DAYS: Final = 30
#: The form of a price that is usual, by tier, as the keys of ``price`` and as a sentence has it.
USUAL_PRICE: Final[Mapping[int, str]] = MappingProxyType(
    {
        1: "upfront and revenue_share",
        2: "per_item, or subscription",
        3: "per_inference, or per_fetch",
    }
)
#: What credit names where neither the site's name nor its host is known.
UNNAMED: Final = "the name of the site"


@dataclass(frozen=True, slots=True)
class Usual:
    """The levers of one offer that depend on its tier, as they are where nobody wrote anything."""

    tier: int
    text: str
    link: str
    report: str
    audits_per_year: int
    remediation_plan_days: int
    retrain: bool


def usual_levers(tier: int, price: Compensation, site: Site) -> Usual:
    """What holds for an offer of *tier* at *price* on *site* where its creator is silent."""
    credit, link = ("", "") if tier == 1 else _credit(site)
    lasting, counted = not price.pays_as_it_goes, _buyer_counts(price)
    return Usual(
        tier=tier,
        text=credit,
        link=link,
        report="quarterly" if lasting and (tier < 3 or counted) else "none",
        audits_per_year=int(tier == 1 or counted),
        remediation_plan_days=PLAN_DAYS if lasting and tier < 3 else 0,
        retrain=tier == 1,
    )


def levers_of(offer: OfferTable, price: Compensation, site: Site) -> tuple[Attribution, Audit, Retention]:
    """The levers of *offer* whose silence means something else in each tier; its uses are written."""
    usual = usual_levers(_tier(offer), price, site)
    credit, duties, kept = offer.attribution, offer.duties, offer.retention
    # Who writes a text of its own means no link that it did not write, and the other way round.
    silent = credit.text is None and credit.link is None
    plan, retrain = duties.remediation_plan_days, kept.retrain
    return (
        Attribution(
            usual.text if silent else credit.text or "",
            usual.link if silent else credit.link or "",
            duties.model_card_days,
        ),
        Audit(
            usual.report if duties.report is None else duties.report,
            usual.audits_per_year if duties.audits_per_year is None else duties.audits_per_year,
            duties.audit_window_months,
            duties.output_samples,
            duties.suspend_after_days,
        ),
        Retention(
            kept.days,
            kept.withdrawal_notice_days,
            usual.remediation_plan_days if plan is None else plan,
            usual.retrain if retrain is None else retrain,
        ),
    )


def price_missing(offer: OfferTable) -> str:
    """What is told where *offer* has no price: how one is written, and of which form it usually is."""
    said = 'is missing: write what it costs, such as { per_fetch = "0.02" }'
    if offer.uses is None:
        return said
    return f"{said}; usual for such uses is {USUAL_PRICE[_tier(offer)]}, and `licet price` works out amounts"


def told(terms: LicenseTerms, site: Site) -> tuple[str, ...]:
    """The levers that depend on the tier, in words, each with whether it is as usual or the creator's own."""
    tier = tier_of(terms.purpose.uses)
    usual = usual_levers(tier, terms.compensation, site)
    shown, audit, kept = terms.attribution, terms.audit, terms.retention
    credit = " with a link to ".join(filter(None, (shown.text, shown.link))) or "nothing to show"
    plan = (
        f"a plan within {kept.remediation_plan_days} days" if kept.remediation_plan_days else "notice alone"
    )
    found = (
        (f"credit: {credit}", (shown.text, shown.link) == (usual.text, usual.link)),
        ("no reports" if audit.report == "none" else f"{audit.report} reports", audit.report == usual.report),
        (
            f"{audit.audits_per_year or 'no'} audit{'' if audit.audits_per_year == 1 else 's'} in 12 months",
            audit.audits_per_year == usual.audits_per_year,
        ),
        (
            f"after a withdrawal {plan}{', training again' if kept.retrain else ''}",
            (kept.remediation_plan_days, kept.retrain) == (usual.remediation_plan_days, usual.retrain),
        ),
    )
    return tuple(f"{what} ({f'usual in tier {tier}' if same else 'your word'})" for what, same in found)


def _tier(offer: OfferTable) -> int:
    return tier_of(frozenset(offer.uses or ()))


def _buyer_counts(price: Compensation) -> bool:
    return bool(price.revenue_share_bp or price.minimum_guarantee or price.per_inference)


def _credit(site: Site) -> tuple[str, str]:
    # The order in which hosts are written means nothing.
    hosts = sorted((host for host in site.hosts if "*" not in host), key=lambda host: (len(host), host))
    named = site.name or next(iter(hosts), UNNAMED)
    return named, f"{site.public}/" if site.public else ""
