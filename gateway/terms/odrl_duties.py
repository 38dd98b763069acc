"""What a licensee owes under an ODRL policy: levers 3 and 5 to 7 as duties, written and read.

ODRL 2.2 (W3C Recommendations, 2018-02-15), sections 2.6.3 and 2.5 of the
Information Model. Money is ``compensate``: one duty for each part of the price,
with ``payAmount`` in the unit of its currency and ``unitOfCount`` for what it is
owed by; a tier is one more, for fetches from ``licet:from-fetches`` on (a reader
that does not know tiers adds it up and pays more), and so is a step by age, for
pages from ``licet:from-days`` after they were published on; a share of revenue is a
``percentage``; ``licet:window-hours`` of the policy is how long a unit that was
paid for is not paid for again. ODRL's ``attribute``, ``inform``
and ``delete`` say credit, reports and the end of keeping; audits, model cards
and withdrawal are words of our profile.

Reading understands every duty or none: what an unknown word asks for cannot be
done, so whatever depends on it is not granted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.money import Money, MoneyError
from gateway.terms.ages import AgeStep
from gateway.terms.license_terms import (
    SUSPEND_AFTER_DAYS,
    Attribution,
    Audit,
    Compensation,
    LicenseTerms,
    Retention,
    Tier,
)
from gateway.terms.odrl_words import CURRENCY, constraint, short, typed
from gateway.terms.payment_required import plain

#: What each part of a price is owed for.
_PER: Final[Mapping[str, str]] = {
    "upfront": "licet:license",
    "per_fetch": "licet:fetch",
    "per_item": "licet:item",
    "per_megabyte": "licet:megabyte",
    "per_thousand_tokens": "licet:thousand-tokens",
    "per_inference": "licet:inference",
    "subscription": "licet:period",
    "minimum_guarantee": "licet:guarantee-period",
}
#: Those that are owed once in so many months, and where the months stand.
_MONTHS: Final = {"subscription": "subscription_months", "minimum_guarantee": "minimum_guarantee_months"}
_PART: Final = {per: part for part, per in _PER.items()}
#: From when on a step holds: so many fetches, so many days after a page was published.
_FETCHES: Final = "licet:from-fetches"
_DAYS: Final = "licet:from-days"
_REVENUE: Final = "licet:net-revenue"
_REPORTS: Final = frozenset({"monthly", "quarterly", "yearly"})


@dataclass(frozen=True, slots=True)
class OdrlError:
    """Why a document grants nothing: *why* is a clause for people."""

    why: str


class OdrlUnread(Exception):
    """Something in a document that is not understood; it never leaves `read_duties` and `odrl.read_policy`."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A constraint as read: the words of its left side and operator, and its right side as text."""

    left: str
    operator: str
    right: tuple[str, ...]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Owed:
    """Everything the duties of a policy ask for."""

    compensation: Compensation
    attribution: Attribution = field(default_factory=Attribution)
    audit: Audit = field(default_factory=Audit)
    retention: Retention = field(default_factory=Retention)


# Writing


def duties(terms: LicenseTerms) -> list[dict[str, object]]:
    """The duties of *terms*, money first."""
    return [*_payments(terms.compensation), *_promises(terms)]


def _duty(action: str, *refinements: dict[str, object]) -> dict[str, object]:
    if not refinements:
        return {"action": action}
    whole = action if ":" in action else f"odrl:{action}"
    return {"action": [{"rdf:value": {"@id": whole}, "refinement": list(refinements)}]}


def _counted(per: str) -> dict[str, object]:
    return constraint("unitOfCount", "eq", {"@id": per})


def _payments(price: Compensation) -> Iterator[dict[str, object]]:
    for part, per in _PER.items():
        money = getattr(price, part)
        if money is None:
            continue
        least = "gteq" if part == "minimum_guarantee" else "eq"
        told = [constraint("payAmount", least, typed(money.amount, "decimal"), CURRENCY + money.currency)]
        if part in _MONTHS:
            told.append(
                constraint("elapsedTime", "eq", typed(f"P{getattr(price, _MONTHS[part])}M", "duration"))
            )
        duty = _duty("compensate", *told, _counted(per))
        if part == "upfront":
            duty["constraint"] = [constraint("event", "lt", {"@id": "odrl:policyUsage"})]
        yield duty
    steps = [
        *((_FETCHES, each.from_fetches, each.per_fetch) for each in price.tiers),
        *((_DAYS, each.from_days, each.per_fetch) for each in price.by_age),
    ]
    for word, start, money in steps:
        yield _duty(
            "compensate",
            constraint("payAmount", "eq", typed(money.amount, "decimal"), CURRENCY + money.currency),
            constraint(word, "gteq", typed(str(start), "integer")),
            _counted(_PER["per_fetch"]),
        )
    if price.revenue_share_bp:
        share = Money(price.revenue_share_bp * 10_000, price.currency).amount
        yield _duty("compensate", constraint("percentage", "eq", typed(share, "decimal")), _counted(_REVENUE))


def _promises(terms: LicenseTerms) -> Iterator[dict[str, object]]:
    credit, audit, kept = terms.attribution, terms.audit, terms.retention
    shown = [
        *([constraint("licet:text", "eq", plain(credit.text))] if credit.text else []),
        *([constraint("licet:link", "eq", typed(plain(credit.link), "anyURI"))] if credit.link else []),
    ]
    if shown:
        yield _duty("attribute", *shown)
    if credit.model_card_days:
        yield _duty("licet:publish-model-card", _within(credit.model_card_days))
    if audit.report != "none":
        yield _duty("inform", constraint("licet:report", "eq", audit.report))
    yield _duty(
        "licet:allow-audit",
        constraint("licet:audits-per-year", "lteq", typed(str(audit.audits_per_year), "integer")),
        constraint("licet:window", "lteq", typed(f"P{audit.audit_window_months}M", "duration")),
        constraint("licet:output-samples", "eq", typed(str(audit.output_samples), "integer")),
        *(
            [constraint("licet:suspend-after", "eq", typed(f"P{audit.suspend_after_days}D", "duration"))]
            if audit.suspend_after_days != SUSPEND_AFTER_DAYS
            else []
        ),
    )
    ends = _within(kept.retention_days) if kept.retention_days else None
    yield _duty("delete", ends or constraint("event", "gt", {"@id": "odrl:policyUsage"}))
    yield _duty("licet:withdraw", _within(kept.withdrawal_notice_days))
    if kept.remediation_plan_days:
        yield _duty("licet:plan-remediation", _within(kept.remediation_plan_days))
    if kept.retrain:
        yield _duty("licet:retrain")


def _within(days: int) -> dict[str, object]:
    return constraint("elapsedTime", "lteq", typed(f"P{days}D", "duration"))


# Reading


def listed(value: object) -> list[object]:
    """*value* as a list; JSON-LD lets one thing stand without brackets."""
    return value if isinstance(value, list) else [] if value is None else [value]


def text_of(value: object) -> str:
    """The text of a literal or the IRI of a reference; raises on what is neither, floats too."""
    if isinstance(value, dict):
        value = value.get("@id", value.get("@value"))
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise OdrlUnread("a value is neither text nor a reference")
    return str(value)


def read_constraint(value: object) -> Stated:
    """Read one constraint, or raise `OdrlUnread`."""
    if not isinstance(value, dict) or "leftOperand" not in value:
        raise OdrlUnread("a constraint is not one comparison")
    right = tuple(text_of(each) for each in listed(value.get("rightOperand")))
    if not right:
        raise OdrlUnread("a constraint compares with nothing")
    return Stated(short(value["leftOperand"]), short(value.get("operator")), right, short(value.get("unit")))


def read_duties(value: object) -> Owed | OdrlError:
    """What the duties *value* ask for."""
    try:
        return _owed([_read_duty(each) for each in listed(value)])
    except (OdrlUnread, MoneyError, ValueError) as error:
        return OdrlError(str(error))


_Duty = tuple[str, dict[str, Stated], tuple[Stated, ...]]


def _read_duty(value: object) -> _Duty:
    if not isinstance(value, dict):
        raise OdrlUnread("a duty is not spelled out")
    actions = listed(value.get("action"))
    if len(actions) != 1:
        raise OdrlUnread("a duty has one action")
    action, refinements = actions[0], list[Stated]()
    if isinstance(action, dict) and "rdf:value" in action:
        refinements = [read_constraint(each) for each in listed(action.get("refinement"))]
        action = action["rdf:value"]
    facts = {each.left: each for each in refinements}
    if len(facts) != len(refinements):
        raise OdrlUnread("a duty says one thing twice")
    return short(action), facts, tuple(read_constraint(each) for each in listed(value.get("constraint")))


def _owed(found: list[_Duty]) -> Owed:
    parts: dict[str, Money | int] = {}
    tiers: list[Tier] = []
    by_age: list[AgeStep] = []
    credit: dict[str, str | int] = {}
    audit: dict[str, str | int] = {"report": "none"}
    kept: dict[str, str | int] = {"retrain": False, "remediation_plan_days": 0}
    for action, facts, limits in found:
        if limits and (action != "compensate" or limits != (_BEFORE,)):
            raise OdrlUnread("a duty holds only at times")
        if action == "compensate" and _FETCHES in facts:
            tiers.append(Tier(*_read_step(_FETCHES, facts)))
        elif action == "compensate" and _DAYS in facts:
            by_age.append(AgeStep(*_read_step(_DAYS, facts)))
        elif action == "compensate":
            _read_payment(facts, parts)
        elif action in _READ:
            _read_promise(action, facts, {"credit": credit, "audit": audit, "kept": kept}[_READ[action][0]])
        else:
            raise OdrlUnread(f"there is no duty {action[:64]} that we know")
    money = [part for part in parts.values() if isinstance(part, Money)]
    currency = money[0].currency if money else "XXX"
    return Owed(
        Compensation(currency, tiers=tuple(tiers), by_age=tuple(by_age), **parts),  # type: ignore[arg-type]
        Attribution(**credit),  # type: ignore[arg-type]
        Audit(**audit),  # type: ignore[arg-type]
        Retention(**kept),  # type: ignore[arg-type]
    )


_BEFORE: Final = Stated("event", "lt", ("odrl:policyUsage",))


def _read_step(word: str, facts: dict[str, Stated]) -> tuple[int, Money]:
    later = facts.pop(word)
    parts: dict[str, Money | int] = {}
    _read_payment(facts, parts)
    if later.operator != "gteq" or not isinstance(money := parts.get("per_fetch"), Money):
        raise OdrlUnread("a step is an amount for each fetch from some number on")
    return _number(later, ""), money


def _read_payment(facts: dict[str, Stated], parts: dict[str, Money | int]) -> None:
    per = short(_only(facts.pop("unitOfCount", None)))
    if per == _REVENUE:
        share = facts.pop("percentage", None)
        if facts or share is None or share.operator != "eq":
            raise OdrlUnread("a share of revenue is one percentage")
        basis_points = Money.parse(_only(share), "USD").micros
        if basis_points % 10_000:
            raise OdrlUnread("a share has at most two decimals")
        parts["revenue_share_bp"] = basis_points // 10_000
        return
    part, amount = _PART.get(per, ""), facts.pop("payAmount", None)
    months = facts.pop("elapsedTime", None)
    wanted = "gteq" if part == "minimum_guarantee" else "eq"
    if not part or part in parts or facts or amount is None or amount.operator != wanted:
        raise OdrlUnread("a payment is one amount for one unit of count")
    parts[part] = Money.parse(_only(amount), amount.unit.removeprefix(CURRENCY))
    if (months is not None) != (part in _MONTHS):
        raise OdrlUnread("a payment has a period where it is owed for one")
    if months is not None:
        parts[_MONTHS[part]] = _number(months, "M")


#: For each promise: which lever, and for each fact that it states the operator, the field and the unit of its number.
_READ: Final[Mapping[str, tuple[str, Mapping[str, tuple[str, str, str]]]]] = {
    "attribute": ("credit", {"licet:text": ("eq", "text", "text"), "licet:link": ("eq", "link", "text")}),
    "licet:publish-model-card": ("credit", {"elapsedTime": ("lteq", "model_card_days", "D")}),
    "inform": ("audit", {"licet:report": ("eq", "report", "text")}),
    "licet:allow-audit": (
        "audit",
        {
            "licet:audits-per-year": ("lteq", "audits_per_year", ""),
            "licet:window": ("lteq", "audit_window_months", "M"),
            "licet:output-samples": ("eq", "output_samples", ""),
            "licet:suspend-after": ("eq", "suspend_after_days", "D"),
        },
    ),
    "delete": ("kept", {"elapsedTime": ("lteq", "retention_days", "D"), "event": ("gt", "", "text")}),
    "licet:withdraw": ("kept", {"elapsedTime": ("lteq", "withdrawal_notice_days", "D")}),
    "licet:plan-remediation": ("kept", {"elapsedTime": ("lteq", "remediation_plan_days", "D")}),
    "licet:retrain": ("kept", {}),
}


def _read_promise(action: str, facts: dict[str, Stated], told: dict[str, str | int]) -> None:
    if action == "licet:retrain":
        told["retrain"] = True
    for left, stated in facts.items():
        operator, name, unit = _READ[action][1].get(left, ("", "", ""))
        if stated.operator != operator:
            raise OdrlUnread(f"of {action} we do not know {left[:64]} {stated.operator[:16]}")
        if name:
            told[name] = _only(stated) if unit == "text" else _number(stated, unit)
    if told.get("report", "none") not in {*_REPORTS, "none"}:
        raise OdrlUnread("a report is monthly, quarterly or yearly")


def _only(stated: Stated | None) -> str:
    if stated is None or len(stated.right) != 1:
        raise OdrlUnread("a value is missing or stands twice")
    return stated.right[0]


def _number(stated: Stated, unit: str) -> int:
    """The whole number of a duration in *unit* (``P30D``), or of a plain one."""
    found = re.fullmatch(rf"P([0-9]{{1,9}}){unit}" if unit else r"([0-9]{1,9})", _only(stated), re.ASCII)
    if found is None:
        raise OdrlUnread("a number or a duration cannot be read")
    return int(found[1])
