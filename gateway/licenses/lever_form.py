"""A form over the levers of a deal: its fields, what they hold for given terms, and what was typed, read back.

Every field is one member of one lever, spelled for people: an amount without
its currency, a share in percent, a list with commas. What was typed is turned
into the JSON of a proposal and read by `proposals.read_terms`, so a form allows
exactly what a message allows. All mistakes are told at once, each at its field,
and what was typed is kept. Nothing here raises on any text. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.licenses.contract import spoken
from gateway.licenses.proposals import Message, read_message, read_terms
from gateway.licenses.step_lines import (
    Odd,
    at_line,
    milestone_lines,
    pairs,
    read_milestones,
    read_share,
    read_steps,
    share,
    step_lines,
)
from gateway.money import Money, MoneyError
from gateway.problems import Refusal
from gateway.terms.comparing import Lever
from gateway.terms.license_terms import Compensation, LicenseTerms
from gateway.uses import Use

#: What a territory field holds for every country.
EVERYWHERE: Final = "worldwide"
#: The longest text that a field is read from.
_LONGEST: Final = 4000
_WHOLE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_ON: Final = "on"
#: By the member that is a list of steps: where a step begins.
_BEGINS: Final = {"tiers": "from_fetches", "by_age": "from_days"}


class Kind(StrEnum):
    """How a field is typed."""

    AMOUNT = "amount"
    PERCENT = "percent"
    WHOLE = "whole"
    FLAG = "flag"
    WORD = "word"
    USES = "uses"
    TEXT = "text"
    NAMES = "names"
    LINES = "lines"
    PLACES = "places"
    STEPS = "steps"
    MILESTONES = "milestones"

    @property
    def rows(self) -> int:
        """How many lines are typed into it, 0 for one that is a line itself."""
        return 3 if self in {Kind.LINES, Kind.STEPS, Kind.MILESTONES} else 0


@dataclass(frozen=True, slots=True)
class Field:
    """One field: *member* of *lever*, its *label*, a *hint* beside it, and the *choices* of a word, value and text."""

    lever: Lever
    member: str
    label: str
    kind: Kind
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What it is called in a form, such as ``term.months``."""
        return f"{self.lever}.{self.member}" if self.member else str(self.lever)

    @property
    def boxes(self) -> tuple[tuple[str, str], ...]:
        """Name and label of every check box of it; none for what is typed."""
        if self.kind is Kind.FLAG:
            return ((self.name, self.label),)
        return tuple((f"{self.name}:{use}", spoken([use])) for use in Use) if self.kind is Kind.USES else ()


@dataclass(frozen=True)
class Filled:
    """A form that was sent: what was typed, by the name of its field, and the *terms* it comes to.

    *mistakes* are sentences by the name of a field; "" is for one that belongs
    to none. *terms* is None exactly where there are some.
    """

    values: Mapping[str, str]
    terms: LicenseTerms | None
    mistakes: Mapping[str, str]


def _amount(member: str, label: str, hint: str = "") -> Field:
    return Field(Lever.COMPENSATION, member, label, Kind.AMOUNT, hint)


def _flag(lever: Lever, member: str, label: str) -> Field:
    return Field(lever, member, label, Kind.FLAG)


def _whole(lever: Lever, member: str, label: str, hint: str = "") -> Field:
    return Field(lever, member, label, Kind.WHOLE, hint)


_A_LIST: Final = "with commas between them"
#: Every field, in the order in which levers are told.
FIELDS: Final[tuple[Field, ...]] = (
    Field(Lever.SCOPE, "works", "Works", Kind.NAMES, _A_LIST),
    Field(Lever.SCOPE, "paths", "Where they are", Kind.LINES, "one path a line"),
    Field(Lever.SCOPE, "excluded", "Left out", Kind.LINES, "one path a line"),
    Field(Lever.SCOPE, "renditions", "Forms", Kind.NAMES, _A_LIST),
    Field(Lever.PURPOSE, "uses", "Uses", Kind.USES),
    Field(
        Lever.PURPOSE, "model_release", "Release of a model", Kind.WORD,
        choices=(("none", "not allowed"), ("closed", "without its weights"), ("open", "with its weights")),
    ),
    _flag(Lever.PURPOSE, "redistribution", "Passing the works on"),
    _flag(Lever.PURPOSE, "sublicensing", "Letting others use them"),
    _flag(Lever.PURPOSE, "resale", "Selling them on"),
    _flag(Lever.PURPOSE, "internal_research", "Research inside the company"),
    _flag(Lever.PURPOSE, "evaluation", "Testing models with them"),
    _amount("upfront", "At signing"),
    Field(
        Lever.COMPENSATION, "milestones", "Parts of the upfront fee that wait for something", Kind.MILESTONES,
        "a line each, such as launch: 50 %, shown by operator, within 6 months; or by statement, or journal, 3 items",
    ),
    Field(
        Lever.COMPENSATION, "holder", "Who holds what waits", Kind.TEXT, "agent:NAME, provider:NAME, or nobody"
    ),
    _amount("per_fetch", "For each page or file delivered"),
    Field(
        Lever.COMPENSATION, "tiers", "Less for each page or file, from so many on", Kind.STEPS, "a line each, such as 1000: 0.01"
    ),
    Field(
        Lever.COMPENSATION, "by_age", "Less for pages so many days old", Kind.STEPS, "a line each, such as 90: 0.005"
    ),
    _amount("per_item", "For each item"),
    _amount("per_megabyte", "For each megabyte delivered"),
    _amount("per_thousand_tokens", "For each thousand tokens delivered"),
    _amount("per_inference", "For each answer that relies on the works"),
    _amount("subscription", "In advance for each period"),
    _whole(Lever.COMPENSATION, "subscription_months", "Months of that period paid in advance"),
    Field(Lever.COMPENSATION, "revenue_share_bp", "Share of net revenue", Kind.PERCENT, "percent"),
    _whole(Lever.COMPENSATION, "payment_days", "Business days to pay what is due"),
    Field(Lever.COMPENSATION, "calendar", "Calendar of those days", Kind.TEXT, "empty for weekdays"),
    Field(Lever.COMPENSATION, "late_interest_bp", "Interest of a year on what is late", Kind.PERCENT, "percent"),
    _amount("minimum_guarantee", "At least, in each period"),
    _whole(Lever.COMPENSATION, "minimum_guarantee_months", "Months of that guaranteed period"),
    _whole(Lever.COMPENSATION, "window_hours", "Hours in which nothing is paid twice"),
    _flag(Lever.EXCLUSIVITY, "exclusive", "Exclusive"),
    Field(Lever.ATTRIBUTION, "text", "Text to show", Kind.TEXT),
    Field(Lever.ATTRIBUTION, "link", "Link to show", Kind.TEXT),
    _whole(Lever.ATTRIBUTION, "model_card_days", "Days to a model card", "0 for none"),
    Field(
        Lever.AUDIT, "report", "Reports", Kind.WORD,
        choices=tuple((word, word) for word in ("none", "monthly", "quarterly", "yearly")),
    ),
    _whole(Lever.AUDIT, "audits_per_year", "Audits in 12 months"),
    _whole(Lever.AUDIT, "audit_window_months", "Months an audit looks back"),
    _whole(Lever.AUDIT, "output_samples", "Samples of output in a period"),
    _whole(Lever.AUDIT, "suspend_after_days", "Days a report may be late before the license stops", "0 for never"),
    _whole(Lever.RETENTION, "retention_days", "Days copies are kept", "0 for the whole term"),
    _whole(Lever.RETENTION, "withdrawal_notice_days", "Days to stop using a withdrawn work"),
    _whole(Lever.RETENTION, "remediation_plan_days", "Days to a remediation plan", "0 for none"),
    _flag(Lever.RETENTION, "retrain", "Training again without a withdrawn work, where feasible"),
    Field(
        Lever.LIABILITY, "indemnity", "Who indemnifies", Kind.WORD,
        choices=(("none", "nobody"), ("licensee", "the licensee"), ("creator", "the creator"), ("mutual", "each the other")),
    ),
    Field(Lever.LIABILITY, "cap", "Liability is capped at", Kind.AMOUNT, "empty for no cap"),
    Field(Lever.LIABILITY, "warranties", "Warranties", Kind.NAMES, _A_LIST),
    _flag(Lever.LIABILITY, "insurance", "Proof of insurance"),
    Field(Lever.LIABILITY, "security_standard", "Security standard", Kind.TEXT),
    _whole(Lever.TERM, "months", "Months"),
    _flag(Lever.TERM, "renewal", "Renewed unless ended"),
    Field(Lever.TERRITORY, "", "Countries", Kind.PLACES, f"codes such as DE, US; EU; or {EVERYWHERE}"),
)  # fmt: skip
_CHECKED: Final = frozenset({Kind.FLAG, Kind.USES})


def first_asked(terms: LicenseTerms) -> tuple[Field, ...]:
    """The fields that a buyer comes for: the parts that the price of *terms* has, exclusivity, term and territory."""
    price = terms.compensation
    return tuple(
        field
        for field in FIELDS
        if (field.lever is Lever.COMPENSATION and _is_part(price, field.member))
        or field.lever in {Lever.EXCLUSIVITY, Lever.TERRITORY}
        or field.name == "term.months"
    )


def _is_part(price: Compensation, member: str) -> bool:
    if member in {"subscription_months", "minimum_guarantee_months"}:
        return bool(getattr(price, member.removesuffix("_months")))
    if member == "holder":
        return bool(price.milestones)
    return member not in {"window_hours", "payment_days", "calendar"} and bool(getattr(price, member))


def values_of(terms: LicenseTerms, fields: Iterable[Field] = FIELDS) -> dict[str, str]:
    """What *fields* hold for *terms*; a check box that is not set is not there, as a browser sends it."""
    found: dict[str, str] = {}
    for field in fields:
        lever = getattr(terms, field.lever.value)
        value = getattr(lever, field.member) if field.member else lever
        if field.kind is Kind.USES:
            found |= {f"{field.name}:{use}": _ON for use in Use if use in value}
        elif field.kind is Kind.FLAG:
            found |= {field.name: _ON} if value else {}
        else:
            found[field.name] = _typed(field, value)
    return found


def _typed(field: Field, value: Any) -> str:
    match field.kind:
        case Kind.STEPS:
            return step_lines(pairs(value, _BEGINS[field.member]))
        case Kind.MILESTONES:
            return milestone_lines(value)
        case Kind.AMOUNT:
            return value.amount if value is not None else ""
        case Kind.PERCENT:
            return share(value)
        case Kind.NAMES:
            return ", ".join(value)
        case Kind.LINES:
            return "\n".join(each.pattern for each in value)
        case Kind.PLACES:
            return EVERYWHERE if value.regions is None else ", ".join(value.as_json() or ())
        case _:
            return str(value)


def read_form(given: Mapping[str, str], standing: LicenseTerms, fields: Sequence[Field] = FIELDS) -> Filled:
    """The terms that *given* comes to, where *standing* is what it leaves out; or every mistake in it.

    A field that was not sent is as it stands; a check box that was not sent is
    not set.
    """
    values = {name: text for name, text in given.items() if name in _names(fields)}
    currency = standing.compensation.currency
    mistakes: dict[str, str] = {}
    spelled: list[tuple[Field, Any]] = []
    for field in fields:
        if field.kind not in _CHECKED and field.name not in values:
            continue
        read = _json(field, values, currency)
        if isinstance(read, _Mistake):
            mistakes[field.name] = read.why
        else:
            spelled.append((field, read.value))
    whole = _read(spelled, standing)
    if not mistakes and isinstance(whole, LicenseTerms):
        return Filled(values, whole, {})
    for field, value in spelled:
        alone = _read([(field, value)], standing)
        if isinstance(alone, Refusal) and _place(alone, fields) == field.name:
            mistakes.setdefault(field.name, _why(alone, field))
    if isinstance(whole, Refusal):
        # What contradicts something else is wrong only beside it.
        place = _place(whole, fields)
        mine = next((each for each in fields if each.name == place), None)
        mistakes.setdefault(place, _why(whole, mine))
    return Filled(values, None, mistakes)


@dataclass(frozen=True, slots=True)
class _Json:
    value: Any


@dataclass(frozen=True, slots=True)
class _Mistake:
    why: str


def _json(field: Field, values: Mapping[str, str], currency: str) -> _Json | _Mistake:
    """What was typed into *field* as a proposal spells it, or why it is nothing of the kind."""
    if field.kind is Kind.FLAG:
        return _Json(field.name in values)
    if field.kind is Kind.USES:
        return _Json([str(use) for use in Use if f"{field.name}:{use}" in values])
    text = values[field.name].replace("\r\n", "\n").strip()
    if len(text) > _LONGEST:
        return _Mistake(f"is longer than {_LONGEST} characters")
    match field.kind:
        case Kind.AMOUNT:
            return _money(text, currency, keep_nothing=field.member == "cap")
        case Kind.PERCENT:
            return _share(text or "0")
        case Kind.WHOLE:
            return _Json(int(text)) if _WHOLE.fullmatch(text) else _Mistake("is not a whole number")
        case Kind.NAMES:
            return _Json([each.strip() for each in text.split(",") if each.strip()])
        case Kind.STEPS:
            return _list(read_steps(text, _BEGINS[field.member], currency))
        case Kind.MILESTONES:
            return _list(read_milestones(text))
        case Kind.LINES:
            return _Json([each.strip() for each in text.split("\n") if each.strip()])
        case Kind.PLACES:
            return _Json(
                None
                if text.lower() == EVERYWHERE
                else [each.upper() for each in re.split(r"[\s,]+", text) if each]
            )
        case _:
            return _Json(text)  # fmt: skip


def _money(text: str, currency: str, *, keep_nothing: bool) -> _Json | _Mistake:
    if not text:
        return _Json(None)
    try:
        amount = Money.parse(text, currency)
    except MoneyError:
        return _Mistake(f"is not an amount in {currency} such as 0.02, with at most six decimals")
    if not amount and not keep_nothing:
        return _Json(None)
    return _Json({"micros": amount.micros, "currency": currency})


def _share(text: str) -> _Json | _Mistake:
    found = read_share(f"{text} %")
    if found is None:
        return _Mistake("is not a percentage such as 2.5, with at most two decimals")
    return _Json(found)


def _list(read: list[dict[str, Any]] | Odd) -> _Json | _Mistake:
    return _Mistake(read.why) if isinstance(read, Odd) else _Json(read)


def _read(spelled: Sequence[tuple[Field, Any]], standing: LicenseTerms) -> LicenseTerms | Refusal:
    levers: dict[str, Any] = {}
    for field, value in spelled:
        if field.member:
            levers.setdefault(str(field.lever), {})[field.member] = value
        else:
            levers[str(field.lever)] = value
    message = read_message({"proposal": levers})
    return read_terms(message, standing) if isinstance(message, Message) else message


def _names(fields: Iterable[Field]) -> set[str]:
    return {name for field in fields for name in (field.name, *(box for box, _ in field.boxes))}


def _place(refusal: Refusal, fields: Iterable[Field]) -> str:
    """The field that *refusal* is about, or ""."""
    member = dict(refusal.facts).get("member", "").removeprefix("proposal.")
    names = [
        field.name
        for field in fields
        if member == field.name or member.startswith((f"{field.name}.", f"{field.name}["))
    ]
    return max(names, key=len, default="")


def _why(refusal: Refusal, field: Field | None) -> str:
    member = dict(refusal.facts).get("member", "")
    line = at_line(member) if field is not None and field.kind.rows else ""
    return line + refusal.detail.removeprefix(f"Of the message, {member} ").rstrip(".")
