"""``position`` of an offer, and ``[contract]``, as pydantic reads them.

A concession is one line that reads aloud: ``report = yearly``. Its name is that
of the key in the offer's own tables, its value what that key may at most become.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.licenses.position import FACTS
from gateway.licenses.red_flags import RULES, Severity
from gateway.policy import words
from gateway.policy.words import quoted, wrong
from gateway.terms.comparing import Lever

#: What may need a person besides a value, a red flag and a buyer.
PERSON_FOR: Final = ("tier-1", "exclusive", "perpetual")
_DAYS: Final = 36_500
_MOST: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Given:
    """A concession as written: member *name* of *lever* becomes *value*; an amount is still a text."""

    lever: Lever
    name: str
    value: object


def _number(least: int, most: int) -> Callable[[str], object]:
    def read(text: str) -> object:
        value = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else -1
        if not least <= value <= most:
            raise wrong(f"write a whole number from {least} to {most} after the equals sign")
        return value

    return read


def _word(*allowed: str) -> Callable[[str], object]:
    def read(text: str) -> object:
        if text not in allowed:
            raise wrong(f"write {quoted(allowed)} after the equals sign")
        return text

    return read


def _flag(text: str) -> object:
    if text not in {"true", "false"}:
        raise wrong("write true or false after the equals sign")
    return text == "true"


#: What may be given way on, by the name of its key.
CONCESSIONS: Final[Mapping[str, tuple[Lever, Callable[[str], object]]]] = {
    "report": (Lever.AUDIT, _word("none", "monthly", "quarterly", "yearly")),
    "audits_per_year": (Lever.AUDIT, _number(0, _DAYS)),
    "audit_window_months": (Lever.AUDIT, _number(1, 1200)),
    "output_samples": (Lever.AUDIT, _number(0, _MOST)),
    "suspend_after_days": (Lever.AUDIT, _number(0, _DAYS)),
    "model_card_days": (Lever.ATTRIBUTION, _number(0, _DAYS)),
    "retention_days": (Lever.RETENTION, _number(0, _DAYS)),
    "withdrawal_notice_days": (Lever.RETENTION, _number(0, _DAYS)),
    "remediation_plan_days": (Lever.RETENTION, _number(0, _DAYS)),
    "retrain": (Lever.RETENTION, _flag),
    "indemnity": (Lever.LIABILITY, _word("none", "licensee", "creator", "mutual")),
    "cap": (Lever.LIABILITY, words.amount),
    "insurance": (Lever.LIABILITY, _flag),
    "redistribution": (Lever.PURPOSE, _flag),
    "sublicensing": (Lever.PURPOSE, _flag),
    "resale": (Lever.PURPOSE, _flag),
    "internal_research": (Lever.PURPOSE, _flag),
    "evaluation": (Lever.PURPOSE, _flag),
    "model_release": (Lever.PURPOSE, _word("none", "closed", "open")),
    "months": (Lever.TERM, _number(1, 1200)),
    "renewal": (Lever.TERM, _flag),
}


def _listed(value: object, what: str) -> list[str]:
    # Unlike elsewhere an empty list says something here: nothing at all.
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(item, str) for item in listed):
        raise wrong(f"write {what} in quotes, or several in square brackets")
    return [item.strip() for item in listed]


def _concessions(value: object) -> tuple[Given, ...]:
    found = []
    for line in _listed(value, 'a line such as "report = yearly"'):
        name, equals, text = (part.strip() for part in line.partition("="))
        if not equals or name not in CONCESSIONS:
            raise wrong(
                f'"{line}" is no concession: write a line such as "report = yearly", with one of '
                f"{quoted(CONCESSIONS)} before the equals sign",
                names_it=True,
            )
        lever, read = CONCESSIONS[name]
        found.append(Given(lever, name, read(text.strip("'\""))))
    return tuple(found)


def _among(known: tuple[str, ...], what: str) -> Callable[[object], tuple[str, ...]]:
    def check(value: object) -> tuple[str, ...]:
        listed = _listed(value, what)
        if unknown := [item for item in listed if item not in known]:
            raise wrong(f"{quoted(unknown)} is not {what}; write some of {quoted(known)}", names_it=True)
        return tuple(item for item in known if item in listed)

    return check


def _names(value: object) -> tuple[str, ...]:
    listed = [item.lower() for item in _listed(value, "the name of a buyer")]
    if "" in listed:
        raise wrong("an empty text names nobody: name a buyer")
    return tuple(dict.fromkeys(listed))


def _severities(value: object) -> dict[str, Severity]:
    if not isinstance(value, dict):
        raise wrong('write a table such as { perpetual = "refuse" }')
    for name, severity in value.items():
        if name not in RULES:
            raise wrong(f'"{name}" is no red flag; there are {quoted(RULES)}', names_it=True)
        if severity not in set(Severity):
            raise wrong(f'of "{name}", write {quoted(Severity)}', names_it=True)
    return {name: Severity(severity) for name, severity in value.items()}


def _whole(least: int, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise wrong(f"write a whole number without quotes, from {least} to {most}")
        return value

    return check


def _list_schema(known: tuple[str, ...] = ()) -> WithJsonSchema:
    item: dict[str, object] = {"type": "string", **({"enum": list(known)} if known else {})}
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item}]})


def _number_schema(least: int, most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": least, "maximum": most})


Concessions = Annotated[tuple[Given, ...], BeforeValidator(_concessions), _list_schema()]
Facts = Annotated[
    tuple[str, ...], BeforeValidator(_among(tuple(FACTS), "a fact")), _list_schema(tuple(FACTS))
]
PersonFor = Annotated[
    tuple[str, ...], BeforeValidator(_among(PERSON_FOR, "a kind of deal")), _list_schema(PERSON_FOR)
]
Counterparties = Annotated[tuple[str, ...], BeforeValidator(_names), _list_schema()]
Severities = Annotated[
    dict[str, Severity],
    BeforeValidator(_severities),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                name: {"type": "string", "enum": [str(each) for each in Severity]} for name in RULES
            },
            "additionalProperties": False,
        }
    ),
]
Rounds = Annotated[int, BeforeValidator(_whole(1, 50)), _number_schema(1, 50)]
PatienceHours = Annotated[int, BeforeValidator(_whole(1, 8760)), _number_schema(1, 8760)]


class PositionTable(BaseModel):
    """``position`` of an offer: how far you would go. Never published, never in a digest."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    ask: words.Multiple = Field(default=1_000_000, description="the opening, times the price: 1.0")
    target: words.Multiple | None = Field(default=None, description="where counters to a patient buyer end")
    floor: words.Multiple | None = Field(default=None, description="the least, taken in the last round only")
    exclusive_premium: words.Multiple | None = Field(
        default=None,
        description="what an exclusive deal costs, times the price; not to be had if left out or 0",
    )
    concessions: Concessions = Field(
        default=(), description='what else may give way, the easiest first, such as "report = yearly"'
    )
    facts: Facts | None = Field(
        default=None, description="what a buyer has to state first; what its tier of use asks for if left out"
    )
    rounds: Rounds = Field(default=6, description="how many proposals are answered")
    patience_hours: PatienceHours = Field(default=72, description="how long a counter stands")
    person_above: words.Amount | None = Field(
        default=None, description="deals that commit to more than this are for you yourself"
    )
    person_for: PersonFor = Field(
        default=PERSON_FOR, description="deals that are for you yourself in any case"
    )
    counterparties: Counterparties = Field(default=(), description="buyers that you speak with yourself")
    severities: Severities = Field(
        default={}, description="red flags that weigh otherwise: refuse, person or note"
    )
    walk_away: words.Flag = Field(
        default=True, description="whether a red flag that refuses ends it without asking you"
    )


class ContractTable(BaseModel):
    """``[contract]``: what stands in a contract besides what is negotiated."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    law: words.Line = Field(
        default="", description="the country or state whose law governs; nothing can be signed without it"
    )
    language: words.Line = Field(default="English", description="the language of the contract that binds")
    creator: words.Line = Field(default="", description="your legal name, or your company's")
    address: words.Line = Field(default="", description="its postal address")
    signatory: words.Line = Field(default="", description="the person who signs")
    authority: words.Line = Field(default="", description="why that person may sign, such as owner")
    by_machine: words.Flag = Field(
        default=False,
        description="whether training for a fee and other large deals are sold as published, without names and your word",
    )
