"""What a buyer proposes, read strictly: levers as an offer's JSON spells them, and facts.

What a proposal leaves out is the offer's, lever by lever and member by member; so
nothing is ever "anything goes". Unknown members, words and countries, amounts that are
no exact number of micro-units, and what contradicts itself are refused with the
member's name, as in ``compensation.upfront``. Nothing here raises on any JSON.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from gateway.currencies import is_currency
from gateway.licenses.position import FACTS
from gateway.money import LARGEST_MICROS, Money
from gateway.paths import PathScope
from gateway.problems import Problem, Refusal
from gateway.terms import countries
from gateway.terms.ages import AgeStep
from gateway.terms.compensation import MOST_PAYMENT_DAYS, SHOWN_BY
from gateway.terms.holding import Holder, HolderError
from gateway.terms.license_terms import (
    LONGEST_WINDOW_HOURS,
    Basis,
    LicenseTerms,
    Milestone,
    Territory,
    Tier,
)
from gateway.uses import Use, parse_use

_MOST: Final = 64
_LONGEST: Final = 256
_LONGEST_FACT: Final = 2000
_RELEASES: Final = ("none", "closed", "open")


@dataclass(frozen=True, slots=True)
class Message:
    """A proposal as it was sent: *offer* is the id of the offer, "" where none was named; *levers* None if left out."""

    offer: str
    facts: Mapping[str, str]
    levers: Mapping[str, object] | None


class _Unread(Exception):
    """A member is not what it has to be; *member* names it, and the sentence quotes nothing."""

    def __init__(self, member: str, why: str) -> None:
        super().__init__(f"Of the message, {member} {why}.")
        self.member = member


_Read = Callable[[str, Any], Any]


def read_message(body: Mapping[str, object]) -> Message | Refusal:
    """Read ``{"offer": id, "facts": {…}, "proposal": {…}}``; each may be left out."""
    try:
        _known("", body, {"offer", "facts", "proposal"})
        facts = _table("facts", body.get("facts", {}))
        _known("facts", facts, FACTS.keys())
        offer = _text(64)("offer", body.get("offer", ""))
        levers = _table("proposal", body["proposal"]) if "proposal" in body else None
        _known("proposal", levers or {}, {*_LEVERS, "territory", "territory_basis"})
        return Message(offer, {name: _fact(name, value) for name, value in facts.items()}, levers)
    except _Unread as error:
        return _refused(error)


def read_terms(
    message: Message, offered: LicenseTerms, last: LicenseTerms | None = None
) -> LicenseTerms | Refusal:
    """The whole deal that *message* proposes, where *offered* is what it leaves out.

    A message without a proposal says again what was proposed *last*: it states facts.
    """
    if message.levers is None and last is not None:
        return last
    try:
        terms, levers = offered, message.levers or {}
        for lever, given in levers.items():
            if lever in _LEVERS:
                terms = replace(terms, **{lever: _lever(lever, _table(f"proposal.{lever}", given), terms)})
        terms = replace(terms, territory=_territory(levers, terms.territory))
        _consistent(message, terms)
    except _Unread as error:
        return _refused(error)
    return terms


def levers_of(terms: LicenseTerms) -> dict[str, Any]:
    """The levers of *terms* as a message spells them: `read_terms` gives them back, whatever was offered."""
    levers: dict[str, Any] = terms.as_json()
    # What is usual is left out there, so that what was agreed long ago keeps its hash.
    price = terms.compensation
    levers["compensation"] |= {
        "window_hours": price.window_hours,
        "tiers": [
            {
                "from_fetches": each.from_fetches,
                "per_fetch": {"micros": each.per_fetch.micros, "currency": price.currency},
            }
            for each in price.tiers
        ],
        "milestones": [asdict(each) for each in price.milestones],
        "holder": price.holder,
        "payment_days": price.payment_days,
        "calendar": price.calendar,
        "late_interest_bp": price.late_interest_bp,
        "by_age": [
            {
                "from_days": each.from_days,
                "per_fetch": {"micros": each.per_fetch.micros, "currency": price.currency},
            }
            for each in price.by_age
        ],
    }
    levers["audit"] |= {"suspend_after_days": terms.audit.suspend_after_days}
    # What was frozen is the offer's; nobody proposes it.
    levers["scope"].pop("bundle", None)
    return {**levers, "territory_basis": str(terms.territory.basis)}


def _refused(error: _Unread) -> Refusal:
    return Refusal(Problem.PROPOSAL_INVALID, str(error), facts=(("member", error.member),))


def _lever(lever: str, given: Mapping[str, object], terms: LicenseTerms) -> Any:
    members = _LEVERS[lever]
    _known(f"proposal.{lever}", given, members.keys())
    read = {name: members[name](f"proposal.{lever}.{name}", value) for name, value in given.items()}
    standing = getattr(terms, lever)
    if lever == "scope" and standing.bundle is not None and replace(standing, **read) != standing:
        raise _Unread("proposal.scope", "cannot be changed: a bundle is sold whole, as its manifest froze it")
    if lever == "compensation" and read.get("calendar", "") not in {"", standing.calendar}:
        raise _Unread("proposal.compensation.calendar", "is neither the one of this offer nor weekdays")
    if lever == "compensation":
        _in_one_currency(read, standing.currency)
    if lever == "scope" and not set(read.get("works", ())) <= set(standing.works):
        raise _Unread("proposal.scope.works", "names a work that this offer does not have")
    if (
        lever == "scope"
        and "works" in read
        and "paths" not in read
        and set(read["works"]) != set(standing.works)
    ):
        raise _Unread("proposal.scope.paths", "is missing: the paths decide, and works only name them")
    try:
        return replace(standing, **read)
    except ValueError as error:
        raise _Unread(f"proposal.{lever}", f"contradicts itself: {error}") from None


def _in_one_currency(read: Mapping[str, object], currency: str) -> None:
    for name, value in read.items():
        parts = (
            [each.per_fetch if isinstance(each, Tier | AgeStep) else each for each in value]
            if isinstance(value, tuple)
            else [value]
        )
        if name == "currency" and value != currency:
            raise _Unread(
                "proposal.compensation.currency", f"is not {currency}, which every price here is in"
            )
        if any(isinstance(part, Money) and part.currency != currency for part in parts):
            raise _Unread(f"proposal.compensation.{name}", f"is not in {currency}")


def _consistent(message: Message, terms: LicenseTerms) -> None:
    named, model = (message.levers or {}).get("purpose"), message.facts.get("model_class", "")
    told = bool(model) and isinstance(named, dict) and "model_release" in named
    if told and _RELEASES.index(terms.purpose.model_release) > _RELEASES.index(model):
        raise _Unread("facts.model_class", "contradicts proposal.purpose.model_release")
    price = terms.compensation
    if price.minimum_guarantee and price.minimum_guarantee_months > terms.term.months:
        raise _Unread(
            "proposal.compensation.minimum_guarantee_months", "is longer than the term of the license"
        )
    if price.subscription and price.subscription_months > terms.term.months:
        raise _Unread("proposal.compensation.subscription_months", "is longer than the term of the license")


def _territory(levers: Mapping[str, object], standing: Territory) -> Territory:
    regions, basis = standing.regions, standing.basis
    if "territory" in levers:
        value = levers["territory"]
        regions = None if value is None else frozenset(_listed(_country)("proposal.territory", value))
    if "territory_basis" in levers:
        basis = Basis(_word(*Basis)("proposal.territory_basis", levers["territory_basis"]))
    return Territory(regions, basis)


def _fact(name: str, value: object) -> str:
    member = f"facts.{name}"
    if name == "model_class":
        return str(_word(*_RELEASES)(member, value))
    text = str(_text(_LONGEST_FACT, lines=True)(member, value)).strip()
    if not text:
        raise _Unread(member, "says nothing")
    if name == "launch_date":
        try:
            return dt.date.fromisoformat(text).isoformat()
        except ValueError:
            raise _Unread(member, "is no date such as 2027-03-01") from None
    return text


def _known(member: str, given: Mapping[str, object], known: Any) -> None:
    for name in given:
        if name not in known:
            shown = name if name.isprintable() and len(name) <= _MOST else "a member"
            place = f"{member}.{shown}" if member else shown
            raise _Unread(place, f"is unknown; known are {', '.join(sorted(map(str, known)))}")


def _table(member: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _Unread(member, "is not an object")
    return value


def _text(longest: int = _LONGEST, *, lines: bool = False) -> _Read:
    def read(member: str, value: object) -> str:
        plain = value.replace("\n", " ") if lines and isinstance(value, str) else value
        if not isinstance(value, str) or len(value) > longest or not str(plain).isprintable():
            raise _Unread(member, f"is not a printable text of at most {longest} characters")
        return value

    return read


def _word(*words: str) -> _Read:
    def read(member: str, value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise _Unread(member, f"is none of {', '.join(words)}")
        return str(value)

    return read


def _whole(least: int, most: int) -> _Read:
    def read(member: str, value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise _Unread(member, f"is not a whole number from {least} to {most}")
        return value

    return read


def _flag(member: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _Unread(member, "is not true or false")
    return value


def _listed(read: _Read, least: int = 1) -> _Read:
    def listed(member: str, value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or not least <= len(value) <= _MOST:
            raise _Unread(member, f"is not a list of {least} to {_MOST}")
        return tuple(dict.fromkeys(read(f"{member}[{at}]", item) for at, item in enumerate(value)))

    return listed


def _country(member: str, value: object) -> str:
    if not isinstance(value, str) or countries.region(value) != value:
        raise _Unread(member, "is neither a country code (ISO 3166-1) nor EU")
    return value


def _path(member: str, value: object) -> PathScope:
    text = _text()(member, value)
    try:
        return PathScope(text)
    except ValueError:
        raise _Unread(member, "is not the plain path of a page, or of everything below it") from None


def _uses(member: str, value: object) -> frozenset[Use]:
    def use(place: str, item: object) -> Use:
        found = parse_use(item) if isinstance(item, str) else None
        if found is None:
            raise _Unread(place, f"is none of {', '.join(Use)}")
        return found

    return frozenset(_listed(use)(member, value))


def _money(member: str, value: object) -> Money | None:
    if value is None:
        return None
    given = _table(member, value)
    _known(member, given, {"micros", "currency"})
    micros = _whole(0, LARGEST_MICROS)(f"{member}.micros", given.get("micros"))
    currency = str(_text(3)(f"{member}.currency", given.get("currency")))
    if not is_currency(currency):
        raise _Unread(f"{member}.currency", f"is not a currency (ISO 4217): {currency!r}")
    return Money(micros, currency)


def _tier(member: str, value: object) -> Tier:
    given = _table(member, value)
    _known(member, given, {"from_fetches", "per_fetch"})
    price = _money(f"{member}.per_fetch", given.get("per_fetch"))
    if price is None:
        raise _Unread(f"{member}.per_fetch", "is missing")
    return Tier(_whole(1, 10**9)(f"{member}.from_fetches", given.get("from_fetches")), price)


def _milestone(member: str, value: object) -> Milestone:
    given = _table(member, value)
    _known(member, given, {"name", "share_bp", "shown_by", "items", "months"})
    read: dict[str, _Read] = {
        "name": _text(40), "share_bp": _whole(1, 10_000), "shown_by": _word(*SHOWN_BY), "items": _whole(0, 10**9),
        "months": _whole(0, 1200),
    }  # fmt: skip
    for name in ("name", "share_bp"):
        if name not in given:
            raise _Unread(f"{member}.{name}", "is missing")
    try:
        return Milestone(**{name: read[name](f"{member}.{name}", given[name]) for name in given})
    except ValueError as error:
        raise _Unread(member, f"cannot stand: {error}") from None


def _line_or_none(member: str, value: object) -> str:
    return "" if value == "" else str(_text(40)(member, value))


def _holder(member: str, value: object) -> str:
    try:
        return str(Holder.read(str(_text(70)(member, value))))
    except HolderError as error:
        raise _Unread(member, f"is no holder: {error}") from None


def _step(member: str, value: object) -> AgeStep:
    given = _table(member, value)
    _known(member, given, {"from_days", "per_fetch"})
    price = _money(f"{member}.per_fetch", given.get("per_fetch"))
    if price is None:
        raise _Unread(f"{member}.per_fetch", "is missing")
    return AgeStep(_whole(1, 10**9)(f"{member}.from_days", given.get("from_days")), price)


_DAYS: Final = _whole(0, 36_500)
_MONTHS: Final = _whole(1, 1200)
_LEVERS: Final[Mapping[str, Mapping[str, _Read]]] = {
    "scope": {
        "works": _listed(_text(64)),
        "paths": _listed(_path),
        "renditions": _listed(_text(64)),
        "excluded": _listed(_path, least=0),
    },
    "purpose": {
        "uses": _uses,
        "model_release": _word(*_RELEASES),
        **dict.fromkeys(
            ("redistribution", "sublicensing", "resale", "internal_research", "evaluation"), _flag
        ),
    },
    "compensation": {
        "currency": _text(3),
        **dict.fromkeys(
            (
                "upfront", "per_fetch", "per_item", "per_megabyte", "per_thousand_tokens", "per_inference",
                "subscription", "minimum_guarantee",
            ),
            _money,
        ),
        "subscription_months": _MONTHS,
        "minimum_guarantee_months": _MONTHS,
        "revenue_share_bp": _whole(0, 10_000),
        "tiers": _listed(_tier, least=0),
        "milestones": _listed(_milestone, least=0),
        "holder": _holder,
        "payment_days": _whole(0, MOST_PAYMENT_DAYS),
        "calendar": _line_or_none,
        "late_interest_bp": _whole(0, 10_000),
        "by_age": _listed(_step, least=0),
        "window_hours": _whole(1, LONGEST_WINDOW_HOURS),
    },
    "exclusivity": {"exclusive": _flag},
    "attribution": {"text": _text(300), "link": _text(300), "model_card_days": _DAYS},
    "audit": {
        "report": _word("none", "monthly", "quarterly", "yearly"),
        "audits_per_year": _whole(0, 366),
        "audit_window_months": _whole(0, 1200),
        "output_samples": _whole(0, 10**6),
        "suspend_after_days": _DAYS,
    },
    "retention": {
        "retention_days": _DAYS,
        "withdrawal_notice_days": _DAYS,
        "remediation_plan_days": _DAYS,
        "retrain": _flag,
    },
    "liability": {
        "indemnity": _word("none", "licensee", "creator", "mutual"),
        "cap": _money,
        "warranties": _listed(_text(64), least=0),
        "insurance": _flag,
        "security_standard": _text(300),
    },
    "term": {"months": _MONTHS, "renewal": _flag},
}  # fmt: skip
