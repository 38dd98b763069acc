"""The single values a policy file is made of, each with the sentence that helps when it is wrong.

Every check takes whatever TOML gave and returns the value the tables hold, or
raises pydantic's own error with a sentence that says what to write instead.
The sentences are for somebody who has never programmed: they begin with a verb
and show an example.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from gateway.currencies import is_currency
from gateway.money import MICROS, Money, MoneyError
from gateway.paths import PathScope, canonical
from gateway.policy.rules import Mode, People, Rights, TerritoryMode, Verdict
from gateway.terms import countries
from gateway.terms.compensation import MOST_PAYMENT_DAYS, SHOWN_BY
from gateway.terms.license_terms import LONGEST_WINDOW_HOURS, Basis
from gateway.terms.publishing import RobotsPreferences
from gateway.uses import Use
from gateway.visitors.visitor import Identity, VisitorClass

#: What a catalog says a crawler is for (`visitors.visitor.Crawler.purposes`).
PURPOSES = (
    "training", "ai-search", "user-action", "agent", "data-seller",
    "search", "preview", "archive", "monitoring", "feed", "accessibility", "ads",
)  # fmt: skip

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
SITE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,4}))? ?%", re.ASCII)
_MULTIPLE = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?", re.ASCII)
_HONEYPOT = re.compile(r"/(?=[a-z0-9-]*[0-9])[a-z0-9][a-z0-9-]{11,59}", re.ASCII)
_LONGEST_LINE = 300
_MOST = 1_000_000_000
_REPORTS = ("none", "monthly", "quarterly", "yearly")
_RELEASES = ("none", "closed", "open")
_INDEMNITIES = ("none", "licensee", "creator", "mutual")

_Word = TypeVar("_Word", bound=StrEnum)


def wrong(sentence: str, *, names_it: bool = False) -> PydanticCustomError:
    """The error that carries *sentence* to the person who wrote the file.

    *names_it* says that the sentence itself shows what is wrong in the value.
    """
    return PydanticCustomError("licet-named" if names_it else "licet", "{sentence}", {"sentence": sentence})


def quoted(words: Iterable[str]) -> str:
    """*words* in quotes with commas, ``or`` before the last."""
    listed = [f'"{word}"' for word in words]
    return listed[0] if len(listed) == 1 else ", ".join(listed[:-1]) + " or " + listed[-1]


def _choice(words: type[_Word]) -> Callable[[object], _Word]:
    def check(value: object) -> _Word:
        if isinstance(value, words):
            return value
        if isinstance(value, str) and value in {str(word) for word in words}:
            return words(value)
        raise wrong(f"write {quoted(list(words))}")

    return check


def _texts(value: object, what: str) -> list[str]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(item, str) for item in listed):
        raise wrong(f"write {what} in quotes, or several in square brackets")
    if not listed:
        raise wrong(f"an empty list says nothing: name {what}, or leave the key out", names_it=True)
    return list(listed)


def _choices(words: tuple[str, ...], what: str) -> Callable[[object], tuple[str, ...]]:
    def check(value: object) -> tuple[str, ...]:
        listed = _texts(value, what)
        unknown = [item for item in listed if item not in words]
        if unknown:
            raise wrong(
                f"{quoted(unknown)} is not {what}; write one or more of {quoted(words)}", names_it=True
            )
        return tuple(dict.fromkeys(listed))

    return check


def _uses(value: object) -> tuple[Use, ...]:
    return tuple(Use(item) for item in _choices(tuple(Use), "a use")(value))


def _classes(value: object) -> tuple[VisitorClass, ...]:
    return tuple(VisitorClass(item) for item in _choices(tuple(VisitorClass), "a class of visitors")(value))


def _proofs(value: object) -> tuple[Identity, ...]:
    return tuple(Identity(item) for item in _choices(tuple(Identity), "a degree of proof")(value))


def _lowered(what: str) -> Callable[[object], tuple[str, ...]]:
    def check(value: object) -> tuple[str, ...]:
        listed = [item.strip().lower() for item in _texts(value, what)]
        if "" in listed:
            raise wrong(f"an empty text matches nobody: name {what}")
        return tuple(dict.fromkeys(listed))

    return check


def _name(value: object) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise wrong('write a short name of small letters, digits, "-" or "_", such as "essays"')
    return value


def _site_id(value: object) -> str:
    if not isinstance(value, str) or not SITE_ID.fullmatch(value):
        raise wrong('write a short name of small letters, digits, ".", "-" or "_", such as "journal"')
    return value


def _named(what: str) -> Callable[[object], tuple[str, ...]]:
    def check(value: object) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_name(item) for item in _texts(value, what)))

    return check


def _line(value: object) -> str:
    if not isinstance(value, str):
        raise wrong("write a text in quotes")
    if len(value) > _LONGEST_LINE or not value.isprintable():
        raise wrong(f"write one line of at most {_LONGEST_LINE} characters")
    return value.strip()


def _lines(value: object) -> tuple[str, ...]:
    return tuple(_line(item) for item in _texts(value, "a text"))


def _paths(value: object) -> tuple[PathScope, ...]:
    listed = _texts(value, "a path")
    trouble = [sentence for text in listed if (sentence := _path_trouble(text))]
    if trouble:
        raise wrong("; ".join(trouble), names_it=True)
    return tuple(PathScope(text) for text in dict.fromkeys(listed))


def _path_trouble(text: str) -> str:
    """What to write instead of *text*, or "" if it is a path with one reading."""
    if text.endswith("/*") and text.count("*") == 1:
        return f'instead of "{text}" write "{text[:-1]}", which covers everything below it'
    try:
        PathScope(text)
    except ValueError:
        plain = canonical(text)
        if isinstance(plain, str):
            return f'instead of "{text}" write the plain form, "{plain}"'
        return f'"{text}" is no plain path such as "/essays/" or "/videos/*.vtt": {plain.why}'
    return ""


def honeypot_trouble(value: object) -> str:
    """What to write instead of *value*, or "" if it can be a honeypot's path.

    No example is given: what everybody copies is what everybody knows.
    """
    if isinstance(value, str) and _HONEYPOT.fullmatch(value):
        return ""
    return (
        "write a path of your own that nobody would guess: a slash and 12 to 60 small letters and digits,"
        " one digit at least, or take one from `licet policy honeypot`"
    )


def _honeypot(value: object) -> str:
    if value != "" and (trouble := honeypot_trouble(value)):
        raise wrong(trouble)
    return str(value)


def _regions(value: object) -> tuple[str, ...]:
    found: list[str] = []
    trouble: list[str] = []
    for text in _texts(value, "a country"):
        code = countries.region(text)
        if code is None:
            hint = f' (did you mean "{countries.meant(text)}"?)' if countries.meant(text) else ""
            trouble.append(f'"{text}"{hint}')
        found.append(code or "")
    if trouble:
        raise wrong(
            f'write countries by their two letters, such as "DE", or "EU"; there is no {" and no ".join(trouble)}',
            names_it=True,
        )
    return tuple(dict.fromkeys(found))


def _territory(value: object) -> tuple[str, ...] | None:
    return None if value is None or value == "worldwide" else _regions(value)


def _hosts(value: object) -> tuple[str, ...]:
    found = []
    for text in _texts(value, "a host name"):
        host = text.lower().rstrip(".")
        if host != "*" and (not _HOST.fullmatch(host) or len(host) > 253):
            raise wrong(
                'write host names only, such as "journal.example", without "https://", port or path, or "*" for any host'
            )
        found.append(host)
    return tuple(dict.fromkeys(found))


def _url(value: object, example: str) -> str:
    sentence = f'write the address of a server, such as "{example}", without a path'
    if not isinstance(value, str) or not value.isascii() or any(char.isspace() for char in value):
        raise wrong(sentence)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise wrong(sentence) from None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    plain = scheme in {"http", "https"} and host and port != 0 and parts.path in {"", "/"}
    if not plain or parts.username is not None or parts.query or parts.fragment or value[-1] in "?#:":
        raise wrong(sentence)
    if ":" not in host and not _HOST.fullmatch(host):
        raise wrong(sentence)
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{host}" + ("" if port in {None, default} else f":{port}")


def _origin(value: object) -> str:
    return _url(value, "http://127.0.0.1:8000")


def _public(value: object) -> str:
    return "" if value == "" else _url(value, "https://journal.example")


def _currency(value: object) -> str:
    if not isinstance(value, str) or not is_currency(value):
        raise wrong('write a currency of ISO 4217 as three capital letters, such as "USD"')
    return value


def amount(value: object) -> str:
    """The amount as written, with its currency if one was named: `compiling` knows the site's."""
    sentence = 'write an amount in quotes with at most six decimals, such as "0.02"'
    if not isinstance(value, str):
        raise wrong(sentence)
    try:
        if " " in value.strip():
            money = Money.read(value)
            return f"{money.amount} {money.currency}"
        return Money.parse(value.strip(), "USD").amount
    except MoneyError:
        raise wrong(sentence) from None


def _percent(value: object, decimals: int, example: str) -> int:
    sentence = f'write a share in quotes, such as "{example}", with at most {decimals} decimals'
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or len(found[2] or "") > decimals:
        raise wrong(sentence)
    share = int(Decimal(f"{found[1]}.{found[2] or 0}") * 10**decimals)
    if share > 100 * 10**decimals:
        raise wrong("write a share of at most 100 %")
    return share


def share(value: object) -> int:
    """A share in millionths of the whole."""
    return _percent(value, 4, "50 %")


def multiple(value: object) -> int:
    """A multiple in millionths."""
    if not isinstance(value, str) or not _MULTIPLE.fullmatch(value):
        raise wrong('write a multiple of the price in quotes, such as "0.8"')
    return int(Decimal(value) * MICROS)


def _whole(least: int, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise wrong(f"write a whole number without quotes, from {least} to {most}")
        return value

    return check


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise wrong("write true or false, without quotes")
    return value


def _then(value: object) -> tuple[Verdict, tuple[str, ...]]:
    sentence = 'write "serve", "refuse" or { license = ["NAME OF AN OFFER"] }'
    if isinstance(value, str) and value in {"serve", "refuse"}:
        return Verdict(value), ()
    if not isinstance(value, dict) or set(value) != {"license"}:
        raise wrong(sentence)
    return Verdict.LICENSE, _named("an offer")(value["license"])


def _one_of(*verdicts: Verdict) -> Callable[[object], Verdict]:
    def check(value: object) -> Verdict:
        for verdict in verdicts:
            if value == verdict.value:
                return verdict
        raise wrong(f"write {quoted(verdicts)}")

    return check


def _either(*allowed: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if isinstance(value, str) and value in allowed:
            return value
        raise wrong(f"write {quoted(allowed)}")

    return check


def _word_schema(words: Iterable[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [str(word) for word in words]})


def _list_schema(words: Iterable[str] | None = None) -> WithJsonSchema:
    item: dict[str, object] = {"type": "string"}
    if words is not None:
        item["enum"] = [str(word) for word in words]
    return WithJsonSchema({"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]})


_TEXT = WithJsonSchema({"type": "string"})
_PERCENT_TEXT = WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,4})? ?%$"})

Name = Annotated[
    str, BeforeValidator(_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME.pattern}$"})
]
SiteId = Annotated[
    str, BeforeValidator(_site_id), WithJsonSchema({"type": "string", "pattern": f"^{SITE_ID.pattern}$"})
]
WorkNames = Annotated[tuple[str, ...], BeforeValidator(_named("a work")), _list_schema()]
FormNames = Annotated[tuple[str, ...], BeforeValidator(_named("a form of the work")), _list_schema()]
Line = Annotated[str, BeforeValidator(_line), _TEXT]
Lines = Annotated[tuple[str, ...], BeforeValidator(_lines), _list_schema()]
Paths = Annotated[tuple[PathScope, ...], BeforeValidator(_paths), _list_schema()]
Hosts = Annotated[tuple[str, ...], BeforeValidator(_hosts), _list_schema()]
Origin = Annotated[str, BeforeValidator(_origin), _TEXT]
Public = Annotated[str, BeforeValidator(_public), _TEXT]
Currency = Annotated[
    str, BeforeValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})
]
Amount = Annotated[str, BeforeValidator(amount), _TEXT]
Multiple = Annotated[int, BeforeValidator(multiple), _TEXT]
#: A share of revenue in hundredths of a percent.
BasisPoints = Annotated[int, BeforeValidator(lambda value: _percent(value, 2, "3 %")), _PERCENT_TEXT]
#: A share of a work in millionths.
ShareMicros = Annotated[int, BeforeValidator(share), _PERCENT_TEXT]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Days = Annotated[int, BeforeValidator(_whole(0, 36_500)), WithJsonSchema({"type": "integer", "minimum": 0})]
PaymentDays = Annotated[
    int,
    BeforeValidator(_whole(0, MOST_PAYMENT_DAYS)),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MOST_PAYMENT_DAYS}),
]
ProofOfMilestone = Annotated[str, BeforeValidator(_either(*SHOWN_BY)), _word_schema(SHOWN_BY)]
Months = Annotated[int, BeforeValidator(_whole(1, 1200)), WithJsonSchema({"type": "integer", "minimum": 1})]
Count = Annotated[int, BeforeValidator(_whole(0, _MOST)), WithJsonSchema({"type": "integer", "minimum": 0})]
Fetches = Annotated[int, BeforeValidator(_whole(1, _MOST)), WithJsonSchema({"type": "integer", "minimum": 1})]
WindowHours = Annotated[
    int,
    BeforeValidator(_whole(1, LONGEST_WINDOW_HOURS)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LONGEST_WINDOW_HOURS}),
]
Seconds = Annotated[
    int,
    BeforeValidator(_whole(60, 86_400)),
    WithJsonSchema({"type": "integer", "minimum": 60, "maximum": 86_400}),
]
ModeWord = Annotated[Mode, BeforeValidator(_choice(Mode)), _word_schema(Mode)]
TerritoryModeWord = Annotated[
    TerritoryMode, BeforeValidator(_choice(TerritoryMode)), _word_schema(TerritoryMode)
]
BasisWord = Annotated[Basis, BeforeValidator(_choice(Basis)), _word_schema(Basis)]
PreferencesWord = Annotated[
    RobotsPreferences, BeforeValidator(_choice(RobotsPreferences)), _word_schema(RobotsPreferences)
]
HoneypotPath = Annotated[str, BeforeValidator(_honeypot), _TEXT]
RightsWord = Annotated[Rights, BeforeValidator(_choice(Rights)), _word_schema(Rights)]
PeopleWord = Annotated[People, BeforeValidator(_choice(People)), _word_schema(People)]
UseWords = Annotated[tuple[Use, ...], BeforeValidator(_uses), _list_schema(Use)]
ClassWords = Annotated[tuple[VisitorClass, ...], BeforeValidator(_classes), _list_schema(VisitorClass)]
ProofWords = Annotated[tuple[Identity, ...], BeforeValidator(_proofs), _list_schema(Identity)]
PurposeWords = Annotated[
    tuple[str, ...], BeforeValidator(_choices(PURPOSES, "a purpose")), _list_schema(PURPOSES)
]
CrawlerNames = Annotated[tuple[str, ...], BeforeValidator(_lowered("a crawler")), _list_schema()]
OperatorNames = Annotated[tuple[str, ...], BeforeValidator(_lowered("a company")), _list_schema()]
Regions = Annotated[tuple[str, ...], BeforeValidator(_regions), _list_schema()]
TerritoryWords = Annotated[tuple[str, ...] | None, BeforeValidator(_territory), _list_schema()]
Then = Annotated[
    tuple[Verdict, tuple[str, ...]],
    BeforeValidator(_then),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": ["serve", "refuse"]},
                {
                    "type": "object",
                    "properties": {"license": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
                    "required": ["license"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
Otherwise = Annotated[
    Verdict, BeforeValidator(_one_of(Verdict.SERVE, Verdict.REFUSE)), _word_schema(["serve", "refuse"])
]
Unverifiable = Annotated[
    Verdict,
    BeforeValidator(_one_of(Verdict.SERVE, Verdict.REFUSE, Verdict.LICENSE)),
    _word_schema(Verdict),
]


ReportWord = Annotated[str, BeforeValidator(_either(*_REPORTS)), _word_schema(_REPORTS)]
ReleaseWord = Annotated[str, BeforeValidator(_either(*_RELEASES)), _word_schema(_RELEASES)]
IndemnityWord = Annotated[str, BeforeValidator(_either(*_INDEMNITIES)), _word_schema(_INDEMNITIES)]
